//! A real release written as its chart would have rendered it from other values (`CAMUNDA_CORPUS`).

use camunda_upgrade_guard::helm::manifest;
use harness::Corpus;
use serde_json::Value;

/// A record, document by document.
#[derive(Clone)]
pub struct Record {
    raw: Value,
    documents: Vec<String>,
}

impl Record {
    pub fn of(corpus: &Corpus, name: &str) -> Record {
        let raw = corpus.record(name).unwrap().raw;
        let text = raw["manifest"].as_str().unwrap();
        let documents = text.split("\n---\n").map(str::to_owned).collect();
        Record { raw, documents }
    }

    /// With these values of the user's.
    pub fn values(mut self, values: &Value) -> Record {
        self.raw["config"] = values.clone();
        self
    }

    /// Whether a template renders something.
    pub fn has(&self, template: &str) -> bool {
        self.documents
            .iter()
            .any(|text| source(text).contains(template))
    }

    /// Without what these templates render.
    #[track_caller]
    pub fn without(mut self, templates: &[&str]) -> Record {
        for template in templates {
            let before = self.documents.len();
            self.documents
                .retain(|text| !source(text).contains(template));
            assert_ne!(self.documents.len(), before, "{template}");
        }
        self
    }

    /// With what these templates render in another record.
    #[track_caller]
    pub fn with(mut self, other: &Record, templates: &[&str]) -> Record {
        for template in templates {
            let found = other
                .documents
                .iter()
                .filter(|text| source(text).contains(template));
            let before = self.documents.len();
            self.documents.extend(found.cloned());
            assert_ne!(self.documents.len(), before, "{template}");
        }
        self
    }

    /// With a text replaced in what a template renders.
    #[track_caller]
    pub fn replace(mut self, template: &str, from: &str, to: &str) -> Record {
        let mut found = false;
        for text in &mut self.documents {
            if source(text).contains(template) && text.contains(from) {
                *text = text.replace(from, to);
                found = true;
            }
        }
        assert!(found, "{template} has no {from}");
        self
    }

    /// With an environment variable read from a key of a Secret.
    pub fn reading(self, template: &str, variable: &str, secret: &str, key: &str) -> Record {
        let reference = serde_json::json!({"name": variable,
            "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}});
        self.each_env(|source, env| {
            if source.contains(template) {
                env.retain(|other| other["name"] != variable);
                env.push(reference.clone());
            }
        })
    }

    /// Without the variables that are read from Secrets whose names end so.
    pub fn without_reads_of(self, end: &str) -> Record {
        self.each_env(|_, env| {
            env.retain(|variable| {
                let name = variable.pointer("/valueFrom/secretKeyRef/name");
                !name
                    .and_then(Value::as_str)
                    .is_some_and(|name| name.ends_with(end))
            });
        })
    }

    fn each_env(mut self, change: impl Fn(&str, &mut Vec<Value>)) -> Record {
        for text in &mut self.documents {
            let source = source(text).to_owned();
            let whole = text.clone();
            let Some(mut object) = manifest::split(&whole).next().unwrap().parse().unwrap() else {
                continue;
            };
            let Some(pod) = object.pointer_mut("/spec/template/spec") else {
                continue;
            };
            for container in pod["containers"].as_array_mut().unwrap() {
                if container["env"].is_null() {
                    container["env"] = Value::Array(Vec::new());
                }
                change(&source, container["env"].as_array_mut().unwrap());
            }
            *text = format!("# Source: {source}\n{object}");
        }
        self
    }

    /// The record as Helm would write it.
    pub fn raw(self) -> Value {
        let mut raw = self.raw;
        raw["manifest"] = self.documents.join("\n---\n").into();
        raw
    }
}

fn source(text: &str) -> &str {
    let source = text
        .lines()
        .find_map(|line| line.strip_prefix("# Source: "));
    source.unwrap_or_default()
}
