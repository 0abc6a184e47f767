//! An unpacked chart, and what Helm makes of it.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use upgrade_rules::{
    camunda::{Application, Line},
    helm::manifest,
};

/// The release that charts are rendered for; names begin with it.
pub const RELEASE: &str = "camunda";

/// The name of Camunda's chart.
const NAME: &str = "camunda-platform";

/// The annotation with the versions of Helm that a chart was tested with.
const TESTED: &str = "camunda.io/helmCLIVersion";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    name: String,
    pub version: String,
    #[serde(default)]
    pub app_version: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

pub struct Chart {
    pub metadata: Metadata,
    /// The chart's own `values.yaml`.
    pub defaults: Value,
    /// The chart's `values.schema.json`, where it has one.
    pub schema: Option<Value>,
    /// The rendered objects, hooks among them.
    pub objects: Vec<Value>,
}

impl Chart {
    /// Reads and renders a chart.
    pub fn read(folder: &Path, flags: &[String]) -> Result<Self> {
        let metadata: Metadata = yaml(&folder.join("Chart.yaml"))?;
        if metadata.name != NAME {
            bail!(
                "{} is chart {}, not {NAME}",
                folder.display(),
                metadata.name
            );
        }
        let defaults: Value = yaml(&folder.join("values.yaml"))?;
        let schema = folder.join("values.schema.json");
        let schema = match fs::read_to_string(&schema) {
            Ok(text) => Some(serde_json::from_str(&text).with_context(|| shown(&schema))?),
            Err(_) => None,
        };
        let rendered = render(folder, &switches(&defaults), flags)?;
        let mut objects = Vec::new();
        for document in manifest::split(&rendered) {
            objects.extend(document.parse().context("what helm has rendered")?);
        }
        Ok(Self {
            metadata,
            defaults,
            schema,
            objects,
        })
    }

    /// The versions of Helm that it was tested with.
    pub fn helm(&self) -> Vec<&str> {
        let tested = self.metadata.annotations.get(TESTED);
        let versions = tested.into_iter().flat_map(|it| it.split(','));
        versions.map(str::trim).collect()
    }

    /// The application's minor version, as `appVersion` begins with it.
    pub fn application(&self) -> String {
        let mut parts = self.metadata.app_version.split('.');
        let (major, minor) = (parts.next().unwrap_or_default(), parts.next());
        format!("{major}.{}", minor.unwrap_or_default())
    }

    /// The line of its version: `8.2`, `12`.
    pub fn line(&self) -> String {
        Line::name_of(&self.metadata.version).unwrap_or_default()
    }
}

/// The values that switch applications on, where the chart has them.
fn switches(defaults: &Value) -> Vec<&'static str> {
    let all = Application::all().iter();
    let known = all.filter_map(|application| application.name.switch());
    let has = |key: &&str| {
        let pointer = format!("/{}", key.replace('.', "/"));
        defaults.pointer(&pointer).is_some()
    };
    known.filter(has).collect()
}

fn render(folder: &Path, switches: &[&str], flags: &[String]) -> Result<String> {
    let on = switches.iter().map(|key| format!("--set={key}=true"));
    let output = Command::new("helm")
        .args(["template", RELEASE])
        .arg(folder)
        .args(["--namespace", RELEASE])
        .args(on)
        .args(flags)
        .output()
        .context("helm has to be on the PATH")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("helm can't render {}: {}", folder.display(), words.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn yaml<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T> {
    let text = fs::read_to_string(file).with_context(|| shown(file))?;
    serde_saphyr::from_str(&text).with_context(|| shown(file))
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}
