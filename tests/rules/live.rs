//! An upgrade between two real releases, over what the first one leaves on a cluster (`CAMUNDA_CORPUS`).

use camunda_upgrade_guard::{
    camunda::Line,
    change::{Change, Facts, Rendered, secret_data},
    denial,
    finding::{Action, Finding},
    helm::{manifest, release::Release},
    kubernetes::{Kind, Mounts, Object},
    rules,
};
use harness::Corpus;
use serde_json::{Value, json};

use crate::corpus_volumes::newest;

/// Two records of the corpus, and what is live.
pub struct Upgrade {
    pub running: Value,
    pub planned: Value,
    pub facts: Facts,
}

impl Upgrade {
    pub fn between(corpus: &Corpus, from: &str, to: &str) -> Upgrade {
        let record = |name| corpus.record(name).unwrap().raw;
        Upgrade::of(record(from), record(to))
    }

    /// The same between records that somebody has written otherwise.
    pub fn of(mut running: Value, planned: Value) -> Upgrade {
        running["info"] = json!({"status": "deployed"});
        let mut upgrade = Upgrade {
            running,
            planned: Value::Null,
            facts: Facts::default(),
        };
        upgrade.plan(planned);
        let text = upgrade.running["manifest"].as_str().unwrap().to_owned();
        for document in manifest::split(&text) {
            if let Some(object) = document.parse().unwrap() {
                upgrade = upgrade.with(object);
            }
        }
        upgrade
    }

    /// To another record over the same that is live.
    pub fn plan(&mut self, mut planned: Value) {
        planned["info"] = json!({"status": "pending-upgrade"});
        self.planned = planned;
    }

    /// With these values of the user's, before and now.
    pub fn values(mut self, running: Value, planned: Value) -> Upgrade {
        self.running["config"] = running;
        self.planned["config"] = planned;
        self
    }

    /// With a part of the new manifest replaced.
    pub fn planned(mut self, from: &str, to: &str) -> Upgrade {
        let manifest = self.planned["manifest"].as_str().unwrap();
        assert!(manifest.contains(from), "{from}");
        self.planned["manifest"] = manifest.replace(from, to).into();
        self
    }

    /// With a part of the running manifest replaced; what is live stays.
    pub fn running(mut self, from: &str, to: &str) -> Upgrade {
        let manifest = self.running["manifest"].as_str().unwrap();
        assert!(manifest.contains(from), "{from}");
        self.running["manifest"] = manifest.replace(from, to).into();
        self
    }

    /// As another version of the chart, which does not have what is below these folders of it.
    pub fn unbundled(mut self, version: &str, folders: &[&str]) -> Upgrade {
        let manifest = self.planned["manifest"].as_str().unwrap();
        let kept = manifest::split(manifest).filter(|document| {
            let source = document.source.unwrap_or_default();
            !folders.iter().any(|folder| source.contains(folder))
        });
        let kept: String = kept
            .map(|document| format!("---\n{}", document.text))
            .collect();
        let old = self.planned["chart"]["metadata"]["version"].clone();
        let kept = kept.replace(old.as_str().unwrap(), version);
        // Its images are of its line, as the chart's own tags are.
        let minor = |version: &str| Line::of(version).map(|line| format!(":{}.", line.application));
        let kept = match minor(old.as_str().unwrap()).zip(minor(version)) {
            Some((old, new)) => kept.replace(&old, &new),
            None => kept,
        };
        self.planned["manifest"] = kept.into();
        self.planned["chart"]["metadata"]["version"] = version.into();
        self
    }

    /// With an annotation on a live object.
    pub fn annotated(mut self, kind: Kind, name: &str, annotation: &str, value: &str) -> Upgrade {
        let live = self.facts.named(kind, "camunda", name).unwrap();
        let mut object = Object::clone(live);
        object.0["metadata"]["annotations"][annotation] = value.into();
        self.facts.insert(kind, object.into());
        self
    }

    /// A live object.
    pub fn live(&self, kind: Kind, name: &str) -> Value {
        let live = self.facts.named(kind, "camunda", name).unwrap();
        live.0.clone()
    }

    /// Adds a live object, and Bound claims with their volumes for a StatefulSet.
    pub fn with(mut self, mut object: Value) -> Upgrade {
        let Some(kind) = object["kind"].as_str().and_then(Kind::from_name) else {
            return self;
        };
        if kind.namespaced() {
            object["metadata"]["namespace"] = "camunda".into();
        }
        let object = Object(object);
        if kind == Kind::StatefulSet {
            let mounts = Mounts::of(&object);
            for template in &mounts.templates {
                for ordinal in 0..mounts.replicas {
                    self.bind(&object, &mounts.claim(template, ordinal));
                }
            }
        }
        self.facts.insert(kind, object.into());
        self
    }

    /// What a live Secret holds.
    #[track_caller]
    pub fn secret(&self, name: &str, key: &str) -> String {
        let mut secrets = self.facts.of_kind(Kind::Secret);
        let secret = secrets.find(|secret| secret.name() == name).unwrap();
        String::from_utf8(secret_data(secret).remove(key).unwrap()).unwrap()
    }

    fn bind(&mut self, set: &Object, name: &str) {
        let volume = format!("volume-{name}");
        let uid = format!("uid-{name}");
        let claim = json!({
            "metadata": {"name": name, "namespace": "camunda", "uid": uid,
                "labels": set.at("/spec/selector/matchLabels")},
            "spec": {"volumeName": volume, "storageClassName": "standard"},
            "status": {"phase": "Bound"},
        });
        let volume = json!({
            "metadata": {"name": volume},
            "spec": {"claimRef": {"namespace": "camunda", "name": name, "uid": uid},
                "persistentVolumeReclaimPolicy": "Delete"},
        });
        let facts = &mut self.facts;
        facts.insert(Kind::PersistentVolumeClaim, Object(claim).into());
        facts.insert(Kind::PersistentVolume, Object(volume).into());
    }

    fn change(&self) -> Change {
        let release = |raw: &Value| -> Release { serde_json::from_value(raw.clone()).unwrap() };
        let (running, planned) = (release(&self.running), release(&self.planned));
        let running = Rendered::of(&running, None);
        let rendered = Rendered::of(&planned, Some(&running));
        let mut change = Change::of_release(&planned, &rendered, Some(&running)).unwrap();
        change.newest_patches = newest();
        change
    }

    /// What the rules are given.
    pub fn judged(&self) -> (Change, Facts) {
        (self.change(), self.facts.clone())
    }

    /// What all rules find.
    pub fn findings(&self) -> Vec<Finding> {
        rules::judge(&self.change(), &self.facts)
    }

    /// The rules that refuse, in their order.
    pub fn refusing(&self) -> Vec<&'static str> {
        let mut findings = self.findings();
        findings.retain(|finding| finding.action == Action::Deny);
        findings.iter().map(|finding| finding.rule.name()).collect()
    }

    /// The text of the refusal, empty where nothing refuses; no live Secret's value is in it.
    pub fn refusal(&self) -> String {
        let text = denial::message(&self.change(), &self.findings()).unwrap_or_default();
        for secret in self.facts.of_kind(Kind::Secret) {
            for value in secret_data(secret).into_values() {
                let value = String::from_utf8(value).unwrap();
                assert!(value.len() < 8 || !text.contains(&value), "{text}");
            }
        }
        text
    }
}
