//! The objects that the chart and the kustomizations render.

use std::{collections::BTreeMap, path::PathBuf};

use harness::{Binaries, Helm, HelmCli, Run, binaries::workspace};
use serde_json::Value;

/// The name of everything.
pub const NAME: &str = "camunda-upgrade-guard";

pub fn chart() -> PathBuf {
    workspace().join("deploy/chart")
}

/// What the chart does not render without.
pub const IMAGE: &str = "--set=image.repository=camunda-upgrade-guard";

/// Helm without a cluster.
pub fn template(binaries: &Binaries, helm: Helm, args: &[&str]) -> harness::Output {
    template_without_image(binaries, helm, &[&[IMAGE], args].concat())
}

pub fn template_without_image(binaries: &Binaries, helm: Helm, args: &[&str]) -> harness::Output {
    let home = tempfile::tempdir().unwrap();
    HelmCli::new(binaries, helm, None, home.path()).template(NAME, &chart(), NAME, args)
}

pub fn kustomized(binaries: &Binaries, folder: &str) -> String {
    let folder = workspace().join(folder);
    let output = Run::new(&binaries.kubectl).args(["kustomize".as_ref(), folder.as_os_str()]);
    output.output().unwrap().ok().unwrap().stdout
}

pub fn documents(yaml: &str) -> Vec<Value> {
    let documents = format!("\n{yaml}");
    let documents = documents.split("\n---").map(|document| {
        serde_saphyr::from_str(document).unwrap_or_else(|error| panic!("{error}: {document}"))
    });
    documents
        .filter(|document: &Value| !document.is_null())
        .collect()
}

/// By kind, namespace and name; no two are the same.
pub fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let mut named = BTreeMap::new();
    for object in objects {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        let kind = object["kind"].as_str().unwrap_or_default();
        let name = format!("{kind} {}/{}", text("namespace"), text("name"));
        assert_eq!(named.insert(name.clone(), object), None, "{name}");
    }
    named
}

pub fn is_hook(object: &Value) -> bool {
    object["metadata"]["annotations"]
        .get("helm.sh/hook")
        .is_some()
}
