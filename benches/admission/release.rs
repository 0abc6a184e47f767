//! A release of the size of a real one: what runs, an upgrade that is good, and one that breaks everything.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::helm::manifest;
use harness::{
    Binaries, Corpus, Document, Helm, HelmCli, Record, Run, binaries::workspace,
    chart::document::of_manifest, record,
};
use serde_json::{Value, json};

/// What a real manifest measures.
const MANIFEST: usize = 150_000;

/// What a real record measures as JSON, and in a review.
const JSON: usize = 1_600_000;
const BODY: usize = 440_000;

/// Templates come in files of this size.
const TEMPLATE: usize = 12_000;

/// The namespace and name of the release, in the corpus as in the rendered chart.
pub const NAME: &str = "camunda";

/// Three manifests of one release.
pub struct Releases {
    /// Where the manifest is from, for the report.
    pub origin: String,
    /// The record that is deployed.
    pub running: Value,
    /// The record of an upgrade that changes a number.
    pub good: Value,
    /// The record of an upgrade that each rule objects to.
    pub bad: Value,
}

impl Releases {
    /// From the corpus if there is one, else from the project's own chart if there is a Helm.
    pub fn find() -> Result<Option<Self>> {
        if let Some(corpus) = Corpus::find() {
            let record = corpus.record("12.13.3")?;
            return Self::of(&record, "the real chart 12.13.3").map(Some);
        }
        match Binaries::find() {
            Ok(binaries) => {
                let record = rendered(&binaries)?;
                Self::of(
                    &record,
                    "tests/charts/camunda-12, repeated to the real size",
                )
                .map(Some)
            }
            Err(missing) => {
                println!(
                    "Skipped: release records, as there is neither CAMUNDA_CORPUS nor a Helm: {missing}."
                );
                Ok(None)
            }
        }
    }

    fn of(record: &Record, origin: &str) -> Result<Self> {
        let documents = padded(of_manifest(&record.manifest));
        let mut release = record.raw.clone();
        release["version"] = json!(1);
        release["info"]["status"] = json!("deployed");
        release["manifest"] = json!(text(&documents));
        release["chart"]["templates"] = templates(&release)?;
        let next = |documents: &[Document]| {
            let mut next = release.clone();
            next["version"] = json!(2);
            next["info"]["status"] = json!("pending-upgrade");
            next["manifest"] = json!(text(documents));
            next
        };
        let (good, bad) = (next(&improved(&documents)?), next(&broken(&documents)?));
        Ok(Self {
            origin: origin.to_owned(),
            running: release,
            good,
            bad,
        })
    }

    /// The same upgrades of a chart that is nearly all manifest, so most of the work is the rules'.
    pub fn without_templates(&self) -> Self {
        let bare = |release: &Value| {
            let mut release = release.clone();
            release["chart"]["templates"] = json!([]);
            release
        };
        Self {
            origin: format!("{}, without templates", self.origin),
            running: bare(&self.running),
            good: bare(&self.good),
            bad: bare(&self.bad),
        }
    }

    /// The objects of the running release as the API server would hold them.
    pub fn live(&self) -> Result<Vec<Value>> {
        let text = self.running["manifest"].as_str().unwrap_or_default();
        let mut objects = Vec::new();
        for document in manifest::split(text) {
            if let Some(mut object) = document.parse()? {
                object["metadata"]["namespace"] = json!(NAME);
                objects.push(object);
            }
        }
        Ok(objects)
    }
}

/// The Secret that Helm writes.
pub fn secret(release: &Value) -> Result<Value> {
    let mut secret = record::secret(
        release,
        release["info"]["status"].as_str().context("status")?,
    )?;
    let object = secret.as_object_mut().context("an object")?;
    let data = object.remove("stringData").context("stringData")?;
    let data = data["release"].as_str().context("release")?;
    object.insert("data".to_owned(), json!({"release": STANDARD.encode(data)}));
    Ok(secret)
}

/// The project's own chart, rendered by Helm.
fn rendered(binaries: &Binaries) -> Result<Record> {
    let dir = tempfile::tempdir()?;
    let chart = dir.path().join("camunda-12");
    // The chart's links into its neighbours must become folders.
    Run::new("cp")
        .args([
            Path::new("-rL"),
            &workspace().join("tests/charts/camunda-12"),
            &chart,
        ])
        .output()?
        .ok()?;
    let output = HelmCli::new(binaries, Helm::V3, None, dir.path())
        .template(NAME, &chart, NAME, &["--no-hooks"])
        .ok()?;
    let metadata =
        manifest::Document::new(&fs::read_to_string(chart.join("Chart.yaml"))?).parse()?;
    let raw = json!({
        "name": NAME,
        "namespace": NAME,
        "version": 1,
        "info": {"status": "deployed"},
        "chart": {"metadata": metadata, "templates": [], "values": {}},
        "config": {},
        "manifest": output.stdout,
    });
    Record::from_json("camunda-12", raw)
}

/// Deployments and ConfigMaps once more under other names, until the manifest has a real one's size.
fn padded(mut documents: Vec<Document>) -> Vec<Document> {
    let copied: Vec<_> = documents
        .iter()
        .filter(|document| ["Deployment", "ConfigMap"].contains(&document.kind.as_str()))
        .cloned()
        .collect();
    let mut size = text(&documents).len();
    for (number, original) in (1..).zip(copied.iter().cycle()) {
        if size >= MANIFEST {
            break;
        }
        let mut copy = original.clone();
        let name = format!("{}-copy-{number}", original.name);
        let line = |name: &str| format!("\n  name: {name}\n");
        copy.text = copy.text.replacen(&line(&original.name), &line(&name), 1);
        copy.name = name;
        size += copy.text.len();
        documents.push(copy);
    }
    documents
}

fn text(documents: &[Document]) -> String {
    documents
        .iter()
        .map(|document| {
            format!(
                "---\n# Source: camunda-platform/{}\n{}\n",
                document.source, document.text
            )
        })
        .collect()
}

/// An upgrade with ten more pods of one Deployment.
fn improved(documents: &[Document]) -> Result<Vec<Document>> {
    let mut documents = documents.to_vec();
    edit(&mut documents, "Deployment", "camunda-identity", |text| {
        text.replacen("replicas: ", "replicas: 1", 1)
    })?;
    Ok(documents)
}

/// Claims of Elasticsearch and of the brokers left behind, a Secret removed, a password changed, a selector changed.
fn broken(documents: &[Document]) -> Result<Vec<Document>> {
    let mut documents = documents.to_vec();
    let rename = |from: &'static str, to: &'static str| move |text: &str| text.replace(from, to);
    let elasticsearch = rename("camunda-elasticsearch-master", "camunda-search-master");
    edit(
        &mut documents,
        "StatefulSet",
        "camunda-elasticsearch-master",
        elasticsearch,
    )?;
    edit(
        &mut documents,
        "StatefulSet",
        "camunda-zeebe",
        rename("camunda-zeebe", "camunda-broker"),
    )?;
    edit(&mut documents, "Secret", "camunda-keycloak", |text| {
        let (head, _) = text.split_once("admin-password:").unwrap_or((text, ""));
        format!("{head}admin-password: {}", STANDARD.encode("another one"))
    })?;
    edit(&mut documents, "Deployment", "camunda-identity", |text| {
        text.replacen("matchLabels:\n", "matchLabels:\n      added: \"true\"\n", 1)
    })?;
    documents.retain(|document| document.kind != "Secret" || document.name != "camunda-postgresql");
    Ok(documents)
}

fn edit(
    documents: &mut [Document],
    kind: &str,
    name: &str,
    edit: impl Fn(&str) -> String,
) -> Result<()> {
    let document = documents
        .iter_mut()
        .find(|document| document.kind == kind && document.name == name)
        .with_context(|| format!("the manifest has no {kind} {name}"))?;
    let edited = edit(&document.text);
    ensure!(edited != document.text, "{kind} {name} was not changed");
    document.text = edited;
    Ok(())
}

/// Templates that bring the record to its size, as much of them noise as brings its compressed form to its size too.
fn templates(release: &Value) -> Result<Value> {
    let empty = release.to_string().len();
    // The record holds templates in base64.
    let size = JSON.saturating_sub(empty) * 3 / 4;
    let (mut low, mut high) = (0, size);
    let mut templates = json!([]);
    for _ in 0..8 {
        let noise = (low + high) / 2;
        templates = files(size, noise);
        let mut padded = release.clone();
        padded["chart"]["templates"] = templates.clone();
        // In the Secret it is in base64 once more.
        let body = record::encode(&padded)?.len() * 4 / 3;
        if body < BODY {
            low = noise;
        } else {
            high = noise;
        }
    }
    Ok(templates)
}

/// So many bytes of template files, so many of them noise and the rest like a chart's text.
fn files(size: usize, noise: usize) -> Value {
    let words = [
        "{{- if .Values.",
        "enabled }}\n",
        "metadata:\n",
        "  name: ",
        "{{ include \"camundaPlatform.",
        "fullname\" . }}\n",
        "labels:",
        "spec:\n",
        "    containers:\n",
        "resources",
        "{{- end }}\n",
        "  annotations: ",
        "toYaml | nindent ",
        "8 }}\n",
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut bytes: Vec<u8> = (0..noise).map(|_| random.byte()).collect();
    while bytes.len() < size {
        let word = words[usize::from(random.byte()) % words.len()];
        bytes.extend_from_slice(word.as_bytes());
    }
    let files = bytes.chunks(TEMPLATE).enumerate().map(|(number, data)| {
        json!({"name": format!("templates/file-{number}.yaml"), "data": STANDARD.encode(data)})
    });
    files.collect()
}

/// xorshift64: the same noise in each run.
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u8
    }
}
