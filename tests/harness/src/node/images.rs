//! Images made of the layers that `tests/node-images/build.sh` builds, under the names that Camunda's charts use.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::binaries::workspace;
use crate::process::Run;

pub(super) const LAYERS: [&str; 6] = [
    "debian-12",
    "debian-11",
    "keycloak",
    "programs",
    "pause",
    "guard",
];
pub(super) const PAUSE: &str = "docker.io/library/pause:1";
/// The guard's image, as the chart names it.
const GUARD: &str = "camunda-upgrade-guard:0.1.0";

/// Beside containerd's own: which images it has.
const STAMP: &str = "imported";
const PATH: &str =
    "/opt/bitnami/postgresql/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An image's layers and how it starts.
struct Image {
    layers: Vec<&'static str>,
    entrypoint: Vec<&'static str>,
    user: &'static str,
    env: Vec<String>,
}

/// Returns the image behind a name that a chart uses.
fn image(name: &str) -> Image {
    let path = format!("PATH={PATH}");
    let of_debian = |more: &[&'static str], entrypoint, user| Image {
        layers: [more, &["programs"]].concat(),
        entrypoint: vec![entrypoint],
        user,
        env: vec![path.clone(), format!("STANDS_IN_FOR={name}")],
    };
    let (repository, tag) = name.rsplit_once(':').unwrap_or((name, ""));
    let major = tag.split('.').next().unwrap_or_default();
    if repository.ends_with("/postgresql") {
        // Debian has 13 and 15; the charts have 14 and 15.
        let debian = match major {
            "13" | "14" => "debian-11",
            _ => "debian-12",
        };
        of_debian(&[debian], "/usr/local/bin/postgresql", "1001")
    } else if repository.ends_with("/keycloak") {
        let layers = ["debian-12", "keycloak"];
        of_debian(&layers, "/usr/local/bin/keycloak", "1001")
    } else if name == PAUSE {
        Image {
            layers: vec!["pause"],
            entrypoint: vec!["/stand-in", "pause"],
            user: "",
            env: Vec::new(),
        }
    } else if name == GUARD {
        Image {
            layers: vec!["guard"],
            entrypoint: vec!["/camunda-upgrade-guard"],
            user: "65532:65532",
            env: Vec::new(),
        }
    } else {
        of_debian(&["debian-12"], "/usr/local/bin/stand-in", "")
    }
}

/// Returns the whole name, as the container runtime knows an image.
fn whole(name: &str) -> String {
    match name.split_once('/') {
        None => format!("docker.io/library/{name}"),
        Some((host, _)) if !host.contains('.') => format!("docker.io/{name}"),
        Some(_) => name.to_owned(),
    }
}

/// Returns the names that this program knows images for.
fn names() -> Result<Vec<String>> {
    let list = workspace().join("tests/node-images/names");
    let list = fs::read_to_string(&list).with_context(|| list.display().to_string())?;
    let listed = list.lines().filter(|line| !line.starts_with('#'));
    let own = [PAUSE.to_owned(), GUARD.to_owned()];
    Ok(listed.map(str::to_owned).chain(own).collect())
}

/// Images as they are built now.
pub(super) struct Images {
    names: Vec<String>,
    digests: Vec<String>,
    stamp: String,
}

impl Images {
    pub(super) fn of(layers: &Path) -> Result<Self> {
        let names = names()?;
        let digests: Vec<_> = LAYERS
            .iter()
            .map(|layer| digest(layers, layer))
            .collect::<Result<_>>()?;
        let stamp = format!("{names:?} {digests:?} {}", include_str!("images.rs"));
        Ok(Self {
            names,
            digests,
            stamp,
        })
    }

    /// Whether a containerd's folder has them.
    pub(super) fn are_in(&self, containerd: &Path) -> bool {
        fs::read_to_string(containerd.join(STAMP)).is_ok_and(|there| there == self.stamp)
    }

    /// Imports them into a running containerd.
    pub(super) fn import(&self, layers: &Path, containerd: &Path, temporary: &Path) -> Result<()> {
        let archive = temporary.join("archive");
        fs::create_dir_all(&archive)?;
        self.write_manifest(&archive)?;
        let script = format!(
            "set -euo pipefail
             tar -c -C '{}' . -C '{}' {} | ctr -n k8s.io images import --snapshotter overlayfs -",
            archive.display(),
            layers.display(),
            LAYERS.map(|layer| format!("{layer}.tar")).join(" ")
        );
        let import = Run::new("bash").args(["-c", &script]);
        import.timeout(Duration::from_secs(300)).output()?.ok()?;
        fs::remove_dir_all(&archive)?;
        fs::write(containerd.join(STAMP), &self.stamp)?;
        Ok(())
    }

    /// Writes what `docker save` would, up to the layers.
    fn write_manifest(&self, archive: &Path) -> Result<()> {
        let mut manifest = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            let image = image(name);
            let ids = image.layers.iter().map(|layer| {
                let index = LAYERS.iter().position(|known| known == layer);
                index.map(|index| format!("sha256:{}", self.digests[index]))
            });
            let config = json!({
                "architecture": "amd64",
                "os": "linux",
                "config": {"Entrypoint": image.entrypoint, "User": image.user, "Env": image.env},
                "rootfs": {"type": "layers", "diff_ids": ids.collect::<Option<Vec<_>>>()},
            });
            let file = format!("{index}.json");
            fs::write(archive.join(&file), config.to_string())?;
            let layers: Vec<_> = image
                .layers
                .iter()
                .map(|layer| format!("{layer}.tar"))
                .collect();
            manifest.push(json!({"Config": file, "RepoTags": [whole(name)], "Layers": layers}));
        }
        fs::write(
            archive.join("manifest.json"),
            Value::from(manifest).to_string(),
        )?;
        Ok(())
    }
}

/// Returns the SHA-256 of a layer, which its builder has written beside it.
fn digest(layers: &Path, layer: &str) -> Result<String> {
    let file = layers.join(format!("{layer}.sha256"));
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    Ok(text
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned())
}
