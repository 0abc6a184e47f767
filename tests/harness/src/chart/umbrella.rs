//! An umbrella chart around a chart.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::Chart;
use super::folder::{pretty, put};

/// Wraps a chart as the dependency of another, under an alias if that differs from its own name.
/// The user's values move below the alias.
pub fn umbrella(inner: &Chart, name: &str, alias: &str, dir: &Path) -> Result<Chart> {
    let root = tempfile::Builder::new()
        .prefix("umbrella-")
        .tempdir_in(dir)?
        .keep();
    let path = root.join(name);
    let version = "1.0.0";
    let mut dependency = json!({"name": inner.name, "version": inner.version});
    if alias != inner.name {
        dependency["alias"] = json!(alias);
    }
    let metadata = json!({
        "apiVersion": "v2",
        "name": name,
        "version": version,
        "dependencies": [dependency],
    });
    put(&path.join("Chart.yaml"), &pretty(&metadata)?)?;
    copy(&inner.path, &path.join("charts").join(&inner.name))?;

    let values: Value = serde_json::from_slice(&fs::read(&inner.config)?)?;
    let config = root.join("config.yaml");
    put(&config, &pretty(&json!({alias: values}))?)?;
    Ok(Chart {
        path,
        name: name.to_owned(),
        version: version.to_owned(),
        config,
        left_out: inner.left_out.clone(),
    })
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
