//! Replaces secret values in objects, values and records by digests.

mod url;

use std::{collections::BTreeSet, mem};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::salt::{Salt, is_digest};
use crate::{
    change::{Parsed, secret_data},
    helm::{
        manifest::{self, Budget, Document},
        release::{Hook, Release},
    },
    input::LIMITS,
    knowledge::secrecy::{
        is_bare_reference, is_harmless, is_java_option, may_be_shown, names_a_place,
    },
    kubernetes::{Kind, Object},
    rules::secret_refs,
};

/// Shortest value of a Secret that is searched for elsewhere, in bytes: shorter ones may be ordinary words.
const SHORTEST: usize = 6;

/// Annotation that repeats the whole object, secrets included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Domains of annotations that tell only an object's origin and treatment.
const PUBLIC: [&str; 4] = [
    "kubernetes.io",
    "k8s.io",
    "helm.sh",
    "camunda-upgrade-guard",
];

/// Replaces secrets by digests, always the same for the same salt.
#[derive(Clone, Debug)]
pub struct Redactor {
    salt: Salt,
    /// The digests of all values of Secrets.
    known: BTreeSet<String>,
    /// Names of Secrets, which values of old charts have in the same place as passwords.
    names: BTreeSet<String>,
}

impl Redactor {
    /// Creates a redactor that knows no secrets yet.
    pub fn new(salt: Salt) -> Self {
        Self {
            salt,
            known: BTreeSet::new(),
            names: BTreeSet::new(),
        }
    }

    /// Learns a Secret's name, and its values in order to find them elsewhere.
    pub fn learn(&mut self, secret: &Object) {
        self.names.insert(secret.name().to_owned());
        for value in secret_data(secret).values() {
            if value.len() >= SHORTEST {
                self.known.insert(self.salt.digest(value));
            }
        }
    }

    /// Learns the Secrets that a release's manifest contains or refers to.
    pub fn learn_release(&mut self, release: &Release, parsed: &Parsed) {
        let mut budget = Budget::new(LIMITS);
        for document in manifest::split(&release.manifest) {
            if let Some(objects) = parsed.of(&release.manifest, &document) {
                for object in objects {
                    self.learn_rendered(object);
                }
                continue;
            }
            let hint = document.kind_hint();
            if !Kind::all().any(|kind| hint.may_be(kind.name())) {
                continue;
            }
            let parsed = document.parse_within(&mut budget).ok().flatten();
            for object in parsed.into_iter().flat_map(manifest::objects) {
                self.learn_rendered(&Object(object));
            }
        }
    }

    fn learn_rendered(&mut self, object: &Object) {
        match object.str("/kind").and_then(Kind::from_name) {
            Some(Kind::Secret) => self.learn(object),
            Some(_) => {
                let read = secret_refs(object);
                self.names.extend(read.into_iter().map(|it| it.secret));
            }
            None => {}
        }
    }

    /// Redacts a live object.
    pub fn object(&self, kind: Kind, object: &mut Value) {
        if let Some(metadata) = object.get_mut("metadata") {
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.remove("managedFields");
            }
            self.annotations(metadata);
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
            Kind::PersistentVolume => {
                if let Some(spec) = object.get_mut("spec") {
                    self.volume(spec);
                }
            }
            _ => {
                if let Some(spec) = object.get_mut("spec") {
                    self.pods(spec);
                }
            }
        }
    }

    /// Redacts a release, with what is parsed of its manifest.
    pub fn release(&self, release: &mut Release, parsed: &mut Parsed) {
        (release.manifest, *parsed) = self.manifest(&release.manifest, mem::take(parsed));
        for hook in &mut release.hooks {
            let Hook { manifest, .. } = hook;
            (*manifest, _) = self.manifest(manifest, Parsed::default());
        }
        let config = release.config.take();
        let config = config.and_then(|config| serde_json::from_str::<Value>(config.get()).ok());
        release.config = config.and_then(|mut config| {
            self.values(&mut config);
            serde_json::value::to_raw_value(&config).ok()
        });
    }

    /// Returns the documents redacted, as JSON (which is YAML); of kinds that no rule reads, only what identifies an
    /// object. Returns their objects, too.
    fn manifest(&self, text: &str, mut parsed: Parsed) -> (String, Parsed) {
        let mut budget = Budget::new(LIMITS);
        let mut redacted = String::with_capacity(text.len());
        let mut objects = Vec::new();
        for document in manifest::split(text) {
            let parsed = match parsed.take(text, &document) {
                Some(parsed) => parsed,
                None => match document.parse_within(&mut budget) {
                    Ok(value) => {
                        let values = value.into_iter().flat_map(manifest::objects);
                        values.map(Object).collect()
                    }
                    // A malformed document must cause an error again when it is read, but reveal nothing.
                    Err(_) => {
                        redacted.push_str(&separator(&document));
                        redacted.push_str("[\n");
                        objects.push(None);
                        continue;
                    }
                },
            };
            for mut object in parsed {
                match object.str("/kind").and_then(Kind::from_name) {
                    Some(kind) => self.object(kind, &mut object.0),
                    None => named(&mut object.0),
                }
                redacted.push_str(&separator(&document));
                redacted.push_str(&object.0.to_string());
                redacted.push('\n');
                objects.push(Some(object));
            }
        }
        let mut kept = Parsed::default();
        for (document, object) in manifest::split(&redacted).zip(objects) {
            if let Some(object) = object {
                kept.add(document.offset_in(&redacted), &document, vec![object]);
            }
        }
        (redacted, kept)
    }

    fn secret(&self, object: &mut Value) {
        let digests: Map<_, _> = secret_data(&Object(object.clone()))
            .into_iter()
            .map(|(key, value)| {
                let digest = STANDARD.encode(self.salt.digest(&value));
                (key.to_owned(), digest.into())
            })
            .collect();
        if let Some(secret) = object.as_object_mut() {
            secret.remove("stringData");
            secret.insert("data".to_owned(), Value::Object(digests));
        }
    }

    /// Redacts annotations: those of other programs may contain anything.
    fn annotations(&self, metadata: &mut Value) {
        let annotations = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut);
        let Some(annotations) = annotations else {
            return;
        };
        annotations.remove(LAST_APPLIED);
        for (key, value) in annotations {
            let domain = key.split('/').next().unwrap_or_default();
            let is_public = |public: &str| {
                let rest = domain.strip_suffix(public);
                rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            };
            if !PUBLIC.iter().any(|public| is_public(public)) && !key.starts_with("checksum/") {
                self.leaf(key, value);
            }
        }
    }

    /// Redacts a volume's mount options and the attributes for its driver.
    fn volume(&self, spec: &mut Value) {
        let Some(spec) = spec.as_object_mut() else {
            return;
        };
        for (key, below) in spec {
            if key == "mountOptions" {
                self.words(below);
                continue;
            }
            for told in ["volumeAttributes", "options"] {
                let told = below.get_mut(told).and_then(Value::as_object_mut);
                for (name, value) in told.into_iter().flatten() {
                    self.leaf(name, value);
                }
            }
        }
    }

    /// Redacts the containers of pods and templates, at any depth.
    fn pods(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, below) in map {
                    match (key.as_str(), &mut *below) {
                        ("env" | "httpHeaders", Value::Array(variables)) => {
                            variables.iter_mut().for_each(|it| self.variable(it));
                        }
                        ("args" | "command", words) => self.words(words),
                        ("metadata", metadata) => self.annotations(metadata),
                        _ => self.pods(below),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.pods(item)),
            _ => {}
        }
    }

    /// Redacts a command line: flags may be shown, but not their values.
    fn words(&self, words: &mut Value) {
        for word in words.as_array_mut().into_iter().flatten() {
            let Some(text) = word.as_str() else {
                self.value("", word);
                continue;
            };
            let told = match text.split_once('=') {
                Some((flag, value)) if is_flag(flag) => {
                    format!("{flag}={}", self.text(flag, value))
                }
                _ if is_flag(text) => continue,
                _ => self.text("", text),
            };
            *word = told.into();
        }
    }

    fn variable(&self, variable: &mut Value) {
        let name = variable["name"].as_str().unwrap_or_default().to_owned();
        let Some(variable) = variable.as_object_mut() else {
            return;
        };
        for (key, below) in variable {
            match key.as_str() {
                "value" => self.leaf(&name, below),
                // Rules compare which key of which object a variable comes from.
                "valueFrom" => {}
                key => self.value(key, below),
            }
        }
    }

    /// Redacts a user's values, or the content of a configuration file.
    fn values(&self, value: &mut Value) {
        if let Value::Object(map) = value {
            for (key, below) in map {
                self.value(key, below);
            }
        } else {
            self.value("", value);
        }
    }

    fn value(&self, name: &str, value: &mut Value) {
        match value {
            Value::Array(words) if ["args", "command"].contains(&name) => {
                let mut all = Value::Array(std::mem::take(words));
                self.words(&mut all);
                *value = all;
            }
            Value::Array(items) => {
                for item in items {
                    match item.get("name").is_some() && item.get("value").is_some() {
                        true => self.variable(item),
                        false => self.value(name, item),
                    }
                }
            }
            Value::Object(_) => self.values(value),
            leaf => self.leaf(name, leaf),
        }
    }

    /// Redacts a string, number or boolean with this name.
    fn leaf(&self, name: &str, value: &mut Value) {
        let redacted = match &*value {
            Value::String(text) => self.text(name, text),
            // A password may consist of digits.
            Value::Number(number) if !may_be_shown(name) => {
                self.salt.digest(number.to_string().as_bytes())
            }
            _ => return,
        };
        *value = json!(redacted);
    }

    /// Returns a text's digest, or the text itself if it is known to be harmless.
    fn text(&self, name: &str, text: &str) -> String {
        let digest = |text: &str| self.salt.digest(text.as_bytes());
        if text.is_empty() || is_digest(text) || is_bare_reference(text) {
            return text.to_owned();
        }
        if let Some((variable, default)) = with_default(text) {
            return format!("${{{variable}:{}}}", self.text(name, default));
        }
        if name.to_lowercase().starts_with("existing") && !names_a_place(name) {
            // Up to 12 this value is the password itself, from 13 on a Secret's name.
            return match self.names.contains(text) {
                true => text.to_owned(),
                false => digest(text),
            };
        }
        if text.len() >= SHORTEST && self.known.contains(&digest(text)) {
            return digest(text);
        }
        if text.contains('\n') || is_file(name) {
            return self.file(name, text).unwrap_or_else(|| digest(text));
        }
        if !may_be_shown(name) {
            return digest(text);
        }
        let last = name.rsplit(['.', '_']).next().unwrap_or_default();
        if name.to_lowercase().contains("java") {
            return self.java_options(text);
        }
        if is_harmless(&[last], text) {
            return text.to_owned();
        }
        url::redacted(text, digest).unwrap_or_else(|| digest(text))
    }

    /// Redacts an application's configuration file; None for any other file.
    fn file(&self, name: &str, text: &str) -> Option<String> {
        if name.ends_with(".properties") {
            let lines = text.lines().map(str::trim);
            let told = lines.filter(|line| !line.starts_with(['#', '!']));
            let told = told.filter_map(|line| line.split_once(['=', ':']));
            let lines = told.map(|(name, value)| {
                let name = name.trim();
                format!("{name}={}\n", self.text(name, value.trim()))
            });
            return Some(lines.collect());
        }
        let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        if name.contains('.') && !is_yaml {
            return None;
        }
        let mut budget = Budget::new(LIMITS);
        let mut redacted = String::new();
        for document in manifest::split(text) {
            let mut value = document.parse_within(&mut budget).ok()?.unwrap_or_default();
            if !value.is_object() && !value.is_array() && !value.is_null() {
                return None;
            }
            self.values(&mut value);
            redacted.push_str(&separator(&document));
            redacted.push_str(&value.to_string());
            redacted.push('\n');
        }
        Some(redacted)
    }

    /// Redacts Java options: options may be shown, but not the values of properties.
    fn java_options(&self, text: &str) -> String {
        let option = |option: &str| match option.split_once('=') {
            Some((name, value)) if name.starts_with("-D") => {
                format!("{name}={}", self.salt.digest(value.as_bytes()))
            }
            _ if is_java_option(option) => option.to_owned(),
            _ => self.salt.digest(option.as_bytes()),
        };
        let options: Vec<_> = text.split_whitespace().map(option).collect();
        options.join(" ")
    }
}

/// Whether a word is a flag, `--name` or `-n`; not `-pPASSWORD`, in which the letter is followed by a value.
fn is_flag(text: &str) -> bool {
    (text.starts_with("--") || text.len() == 2)
        && text.starts_with('-')
        && text.len() <= 64
        && text.chars().all(|c| c == '-' || c.is_ascii_lowercase())
}

/// Whether a key is the name of a configuration file.
fn is_file(name: &str) -> bool {
    let ends = [".yaml", ".yml", ".properties"];
    ends.iter().any(|end| name.ends_with(end))
}

/// Splits `${NAME:default}`.
fn with_default(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("${")?.strip_suffix('}')?;
    let (name, default) = inner.split_once(':')?;
    let is_name = name
        .chars()
        .all(|c| c == '_' || c == '.' || c.is_ascii_alphanumeric());
    is_name.then_some((name, default))
}

fn separator(document: &Document<'_>) -> String {
    match document.source {
        Some(source) => format!("---\n# Source: {source}\n"),
        None => "---\n".to_owned(),
    }
}

/// Reduces an object to what identifies it, and the name of a Secret that it creates.
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
    if let Some(name) = object.pointer("/spec/target/name") {
        left["spec"] = json!({"target": {"name": name}});
    }
    if let Some(name) = object.pointer("/spec/secretName") {
        left["spec"] = json!({"secretName": name});
    }
    if let Some(name) = object.pointer("/spec/template/metadata/name") {
        left["spec"] = json!({"template": {"metadata": {"name": name}}});
    }
    *object = left;
}

#[cfg(test)]
mod tests;
