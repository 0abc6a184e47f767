//! The documents of a manifest, as text: a chart's output must come back byte for byte.

use crate::corpus::Record;

/// One object of a manifest, or one hook.
#[derive(Clone, Debug)]
pub struct Document {
    /// The template that rendered it, relative to the chart: `charts/identity/templates/service.yaml`.
    pub source: String,
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub hook: bool,
    pub text: String,
}

/// The API groups of a bare API server of version 1.36, core aside, and their versions.
const KNOWN: [&str; 13] = [
    "admissionregistration.k8s.io/v1",
    "apiextensions.k8s.io/v1",
    "apiregistration.k8s.io/v1",
    "apps/v1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "networking.k8s.io/v1",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1",
    "v1",
];

impl Document {
    fn new(path: &str, text: &str, hook: bool) -> Self {
        let source = path.split_once('/').map_or(path, |(_, below)| below);
        Self {
            source: source.to_owned(),
            api_version: field(text, "apiVersion:"),
            kind: field(text, "kind:"),
            name: field_below(text, "metadata:", "  name:"),
            hook,
            text: text.to_owned(),
        }
    }

    pub(super) fn is_known_to_a_bare_api_server(&self) -> bool {
        KNOWN.contains(&self.api_version.as_str())
    }
}

/// Returns all documents of a record in order, hooks last.
pub fn of_record(record: &Record) -> Vec<Document> {
    let manifest = of_manifest(&record.manifest);
    let hooks = record
        .hooks
        .iter()
        .map(|hook| Document::new(&hook.path, hook.manifest.trim_matches('\n'), true));
    manifest.into_iter().chain(hooks).collect()
}

/// Returns the documents of a manifest as printed by Helm.
pub fn of_manifest(manifest: &str) -> Vec<Document> {
    let mut documents = Vec::new();
    for part in format!("\n{manifest}").split("\n---") {
        let part = part.trim_start_matches(['\n', ' ', '\r']);
        let Some((path, text)) = part
            .strip_prefix("# Source: ")
            .and_then(|rest| rest.split_once('\n'))
        else {
            continue;
        };
        documents.push(Document::new(path.trim(), text.trim_matches('\n'), false));
    }
    documents
}

/// Returns the value of a top-level key, without quotes.
fn field(text: &str, key: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.map(unquoted).unwrap_or_default()
}

fn field_below(text: &str, parent: &str, key: &str) -> String {
    let mut lines = text.lines().skip_while(|line| line.trim_end() != parent);
    lines.next();
    lines
        .take_while(|line| line.starts_with([' ', '#']) || line.trim().is_empty())
        .find_map(|line| line.strip_prefix(key))
        .map(unquoted)
        .unwrap_or_default()
}

fn unquoted(value: &str) -> String {
    value.trim().trim_matches(['"', '\'']).to_owned()
}
