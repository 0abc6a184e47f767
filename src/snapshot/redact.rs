//! Secret values taken out of objects, values and records, digests put in their place.

mod url;

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::salt::{Salt, is_digest};
use crate::{
    change::secret_data,
    input::LIMITS,
    manifest::{self, Budget, Document},
    object::{Kind, Object},
    release::{Hook, Release},
    rules::secret_refs,
    secrecy::{is_reference, names_a_place, speaks_of_secret},
};

/// Shorter values of a Secret are words that stand elsewhere, too.
const SHORTEST: usize = 6;

/// Says all of an object once more, secrets included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Takes secrets out, always in the same way for the same salt.
#[derive(Clone, Debug)]
pub struct Redactor {
    salt: Salt,
    /// The digests of all values of Secrets.
    known: BTreeSet<String>,
    /// The names of Secrets, which the values of old charts hold in the same place as passwords.
    names: BTreeSet<String>,
}

impl Redactor {
    /// One that has learnt nothing yet.
    pub fn new(salt: Salt) -> Self {
        Self {
            salt,
            known: BTreeSet::new(),
            names: BTreeSet::new(),
        }
    }

    /// Learns the values of a Secret, to find them elsewhere, and its name.
    pub fn learn(&mut self, secret: &Object) {
        self.names.insert(secret.name().to_owned());
        for value in secret_data(secret).values() {
            if value.len() >= SHORTEST {
                self.known.insert(self.salt.digest(value));
            }
        }
    }

    /// Learns what the manifest of a release has.
    pub fn learn_release(&mut self, release: &Release) {
        for value in documents(&release.manifest) {
            let object = Object(value);
            match object.str("/kind").and_then(Kind::from_name) {
                Some(Kind::Secret) => self.learn(&object),
                Some(_) => {
                    let read = secret_refs(&object);
                    self.names.extend(read.into_iter().map(|it| it.secret));
                }
                None => {}
            }
        }
    }

    /// A live object.
    pub fn object(&self, kind: Kind, object: &mut Value) {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
            let annotations = metadata.get_mut("annotations");
            if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
                annotations.remove(LAST_APPLIED);
            }
        }
        match kind {
            Kind::Secret => self.secret(object),
            Kind::ConfigMap => {
                object.as_object_mut().map(|it| it.remove("binaryData"));
                let data = object.get_mut("data").and_then(Value::as_object_mut);
                for (key, value) in data.into_iter().flatten() {
                    self.leaf(key, value);
                }
            }
            _ => {
                if let Some(spec) = object.get_mut("spec") {
                    self.pods(spec);
                }
            }
        }
    }

    /// What a release is to be, or was.
    pub fn release(&self, release: &mut Release) {
        release.manifest = self.manifest(&release.manifest);
        for hook in &mut release.hooks {
            let Hook { manifest, .. } = hook;
            *manifest = self.manifest(manifest);
        }
        let config = release.config.take();
        let config = config.and_then(|config| serde_json::from_str::<Value>(config.get()).ok());
        release.config = config.and_then(|mut config| {
            self.values(&mut config);
            serde_json::value::to_raw_value(&config).ok()
        });
    }

    /// The same documents as JSON, which is YAML; of kinds that no rule reads only what names them.
    fn manifest(&self, text: &str) -> String {
        let mut budget = Budget::new(LIMITS);
        let mut redacted = String::new();
        for document in manifest::split(text) {
            let objects: Vec<Value> = match document.parse_within(&mut budget) {
                Ok(value) => value.into_iter().flat_map(manifest::objects).collect(),
                // What is wrong with it has to be told again where it is read, and nothing else of it.
                Err(_) => {
                    redacted.push_str(&separator(&document));
                    redacted.push_str("[\n");
                    continue;
                }
            };
            for mut object in objects {
                match object["kind"].as_str().and_then(Kind::from_name) {
                    Some(kind) => self.object(kind, &mut object),
                    None => named(&mut object),
                }
                redacted.push_str(&separator(&document));
                redacted.push_str(&object.to_string());
                redacted.push('\n');
            }
        }
        redacted
    }

    fn secret(&self, object: &mut Value) {
        let digests: Map<_, _> = secret_data(&Object(object.clone()))
            .into_iter()
            .map(|(key, value)| {
                (
                    key.to_owned(),
                    STANDARD.encode(self.salt.digest(&value)).into(),
                )
            })
            .collect();
        if let Some(secret) = object.as_object_mut() {
            secret.remove("stringData");
            secret.insert("data".to_owned(), Value::Object(digests));
        }
    }

    /// The containers of a pod or of a template, wherever they stand.
    fn pods(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, below) in map {
                    match (key.as_str(), &mut *below) {
                        ("env", Value::Array(variables)) => {
                            variables.iter_mut().for_each(|it| self.variable(it));
                        }
                        ("args" | "command", Value::Array(words)) => {
                            words.iter_mut().for_each(|it| self.leaf("", it));
                        }
                        _ => self.pods(below),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.pods(item)),
            _ => {}
        }
    }

    fn variable(&self, variable: &mut Value) {
        let name = variable["name"].as_str().unwrap_or_default().to_owned();
        if let Some(value) = variable.get_mut("value") {
            self.leaf(&name, value);
        }
    }

    /// A user's values.
    fn values(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, below) in map {
                    match below {
                        Value::Object(_) | Value::Array(_) => self.values(below),
                        leaf => self.leaf(key, leaf),
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    if item.get("name").is_some() && item.get("value").is_some() {
                        self.variable(item);
                    } else if item.is_string() {
                        self.leaf("", item);
                    } else {
                        self.values(item);
                    }
                }
            }
            _ => {}
        }
    }

    /// A text, number or switch under a name.
    fn leaf(&self, name: &str, value: &mut Value) {
        let text = match &*value {
            Value::String(text) => text.clone(),
            // A password may consist of digits.
            Value::Number(number) => number.to_string(),
            _ => return,
        };
        let redacted = match (self.is_secret(name, &text), text.contains('\n')) {
            (true, _) => self.salt.digest(text.as_bytes()),
            (false, true) => self.lines(&text),
            (false, false) if value.is_number() => return,
            (false, false) => self.address(&text),
        };
        *value = json!(redacted);
    }

    fn is_secret(&self, name: &str, text: &str) -> bool {
        if text.is_empty() || is_reference(text) || is_digest(text) {
            return false;
        }
        if name.to_lowercase().starts_with("existing") && !names_a_place(name) {
            // Up to 12 a text here is the password itself, from 13 on a Secret's name.
            return !self.names.contains(text);
        }
        // Whatever a file of that kind is called.
        text.contains(" PRIVATE KEY-----")
            || speaks_of_secret(name) && !names_a_place(name)
            || text.len() >= SHORTEST && self.known.contains(&self.salt.digest(text.as_bytes()))
    }

    /// A file: what its lines assign.
    fn lines(&self, text: &str) -> String {
        let lines = text.split_inclusive('\n').map(|line| {
            let (content, end) = match line.strip_suffix('\n') {
                Some(content) => (content, "\n"),
                None => (line, ""),
            };
            format!("{}{end}", self.line(content))
        });
        lines.collect()
    }

    fn line(&self, line: &str) -> String {
        let Some(at) = line.find([':', '=']) else {
            return self.whole(line);
        };
        let (name, rest) = (&line[..at], &line[at + 1..]);
        let value = rest.trim();
        let bare = value.trim_matches(['"', '\'']);
        if !self.is_secret(name.trim().trim_matches(['"', '\'', '-', ' ']), bare) {
            return self.whole(line);
        }
        let digest = self.salt.digest(bare.as_bytes());
        let space = &rest[..rest.len() - rest.trim_start().len()];
        let quote = if line[at..].starts_with(':') {
            "\""
        } else {
            ""
        };
        format!("{name}{}{space}{quote}{digest}{quote}", &line[at..=at])
    }

    /// A line that holds nothing but a value, or names it in a way of its own.
    fn whole(&self, line: &str) -> String {
        let text = line.trim();
        match text.len() >= SHORTEST && self.known.contains(&self.salt.digest(text.as_bytes())) {
            true => line.replace(text, &self.salt.digest(text.as_bytes())),
            false => self.address(line),
        }
    }

    /// A text that may be an address with a password in it.
    fn address(&self, text: &str) -> String {
        url::without_passwords(text, |password| self.salt.digest(password.as_bytes()))
    }
}

fn documents(text: &str) -> Vec<Value> {
    let mut budget = Budget::new(LIMITS);
    manifest::split(text)
        .filter(|document| {
            let hint = document.kind_hint();
            Kind::all().any(|kind| hint.may_be(kind.name()))
        })
        .filter_map(|document| document.parse_within(&mut budget).ok()?)
        .flat_map(manifest::objects)
        .collect()
}

fn separator(document: &Document<'_>) -> String {
    match document.source {
        Some(source) => format!("---\n# Source: {source}\n"),
        None => "---\n".to_owned(),
    }
}

/// Leaves of an object what names it, and where it names a Secret that it makes.
fn named(object: &mut Value) {
    let kept = |pointer: &str| object.pointer(pointer).cloned().unwrap_or_default();
    let mut left = json!({
        "apiVersion": kept("/apiVersion"),
        "kind": kept("/kind"),
        "metadata": {
            "name": kept("/metadata/name"),
            "namespace": kept("/metadata/namespace"),
            "labels": kept("/metadata/labels"),
        },
    });
    for (pointer, target) in [
        (
            "/spec/target/name",
            json!({"target": {"name": kept("/spec/target/name")}}),
        ),
        (
            "/spec/secretName",
            json!({"secretName": kept("/spec/secretName")}),
        ),
        (
            "/spec/template/metadata/name",
            json!({"template": {"metadata": {"name": kept("/spec/template/metadata/name")}}}),
        ),
    ] {
        if object.pointer(pointer).is_some() {
            left["spec"] = target;
        }
    }
    *object = left;
}

#[cfg(test)]
mod tests;
