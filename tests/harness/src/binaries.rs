//! Finds the programs of a cluster: built by `make cluster-binaries`, or given.

use std::fmt;
use std::path::{Path, PathBuf};

/// The programs that a test cluster and its clients need.
#[derive(Clone, Debug)]
pub struct Binaries {
    pub etcd: PathBuf,
    pub kube_apiserver: PathBuf,
    pub kube_controller_manager: PathBuf,
    pub kubectl: PathBuf,
    pub helm3: PathBuf,
    pub helm4: PathBuf,
    /// Converts YAML to JSON with `sigs.k8s.io/yaml`.
    pub yaml_to_json: PathBuf,
    /// Patches three versions of an object with Kubernetes' own library.
    pub helm_patch: PathBuf,
}

/// Programs that were found nowhere.
#[derive(Clone, Debug)]
pub struct Missing {
    names: Vec<&'static str>,
    folder: PathBuf,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the test cluster lacks {} in {}; `make cluster-binaries` builds it (or set GUARD_CLUSTER_BINARIES)",
            self.names.join(", "),
            self.folder.display()
        )
    }
}

impl std::error::Error for Missing {}

impl Binaries {
    /// Takes each program from `KUBEBUILDER_ASSETS` where that has it, else from
    /// `GUARD_CLUSTER_BINARIES`, else from `target/cluster-binaries` of this workspace.
    pub fn find() -> Result<Self, Missing> {
        Self::find_without(&[])
    }

    /// Like [`Binaries::find`], where what only tests need may be missing: what the demo runs.
    pub fn find_for_demo() -> Result<Self, Missing> {
        Self::find_without(&["helm4", "yaml-to-json", "helm-patch"])
    }

    fn find_without(spared: &[&str]) -> Result<Self, Missing> {
        let assets = folder_from("KUBEBUILDER_ASSETS");
        let folder = binaries_folder();
        let mut names = Vec::new();
        let mut find = |name: &'static str| {
            let found = assets
                .iter()
                .chain([&folder])
                .map(|place| place.join(name))
                .find(|path| path.is_file());
            found.unwrap_or_else(|| {
                if !spared.contains(&name) {
                    names.push(name);
                }
                folder.join(name)
            })
        };
        let binaries = Self {
            etcd: find("etcd"),
            kube_apiserver: find("kube-apiserver"),
            kube_controller_manager: find("kube-controller-manager"),
            kubectl: find("kubectl"),
            helm3: find("helm3"),
            helm4: find("helm4"),
            yaml_to_json: find("yaml-to-json"),
            helm_patch: find("helm-patch"),
        };
        if names.is_empty() {
            Ok(binaries)
        } else {
            Err(Missing { names, folder })
        }
    }

    /// Replaces the control plane by the oldest Kubernetes that the guard is tested with.
    pub fn with_oldest_kubernetes(mut self) -> Result<Self, Missing> {
        let folder = binaries_folder();
        let mut names = Vec::new();
        for (path, name) in [
            (&mut self.kube_apiserver, "kube-apiserver-oldest"),
            (
                &mut self.kube_controller_manager,
                "kube-controller-manager-oldest",
            ),
        ] {
            *path = folder.join(name);
            if !path.is_file() {
                names.push(name);
            }
        }
        if names.is_empty() {
            Ok(self)
        } else {
            Err(Missing { names, folder })
        }
    }

    /// Returns the file with the definition of a kind of policy report, such as `reports`.
    pub fn definition(plural: &'static str) -> Result<PathBuf, Missing> {
        let folder = binaries_folder();
        let file = folder.join(plural).with_extension("yaml");
        match file.is_file() {
            true => Ok(file),
            false => Err(Missing {
                names: vec![plural],
                folder,
            }),
        }
    }

    /// Like [`Binaries::find`], but prints that a test is skipped if something is missing.
    ///
    /// # Panics
    /// When something is missing and a cluster is required (see [`cluster_required`]).
    pub fn find_or_skip() -> Option<Self> {
        match Self::find() {
            Ok(binaries) => Some(binaries),
            Err(missing) if cluster_required() => panic!("{missing}"),
            Err(missing) => {
                skipped(&missing.to_string());
                None
            }
        }
    }
}

/// Whether a test that finds no cluster must fail: `CI` or `GUARD_REQUIRE_CLUSTER` is set.
pub fn cluster_required() -> bool {
    ["CI", "GUARD_REQUIRE_CLUSTER"]
        .iter()
        .any(|name| folder_from(name).is_some())
}

/// Prints on stderr which test was skipped, and why.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let message = format!("SKIPPED: {}: {why}\n", thread.name().unwrap_or("a test"));
    // Not eprintln!: the test runner would capture it, and nobody would see that a test did not run.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes());
}

/// What was found; None, with a message, where something is missing.
///
/// # Panics
/// When something is missing and `CI` is set: its machine can have it.
pub(crate) fn found_or_skip<T>(found: Result<T, String>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(missing) if folder_from("CI").is_some() => panic!("{missing}"),
        Err(missing) => {
            skipped(&missing);
            None
        }
    }
}

/// The first of the programs of these names that a folder of the PATH has.
pub(crate) fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let programs = names
        .iter()
        .flat_map(|name| folders.iter().map(move |it| it.join(name)));
    programs.into_iter().find(|file| file.is_file())
}

/// The root of the workspace that this crate was built in.
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

pub(crate) fn binaries_folder() -> PathBuf {
    folder_from("GUARD_CLUSTER_BINARIES")
        .unwrap_or_else(|| workspace().join("target/cluster-binaries"))
}

pub(crate) fn folder_from(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
