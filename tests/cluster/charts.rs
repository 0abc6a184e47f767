//! The project's own charts, see `tests/charts/README.md`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use harness::{Cluster, Run};

/// What an upgrade does to generated Secrets: makes new ones, as under Argo CD.
pub const ANEW: &str = "--set=global.secretsMode=generateAnew";

/// What an upgrade does to generated Secrets: keeps what is on the cluster.
pub const REUSE: &str = "--set=global.secretsMode=reuseLookup";

/// One of the project's own charts.
pub fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/charts")
        .join(name)
}

/// A copy of one that a test changes.
pub fn copied(cluster: &Cluster, name: &str) -> PathBuf {
    let copy = cluster.scratch("chart").unwrap().join(name);
    let cp = Run::new("cp").args(["-rL"]).args([&own(name), &copy]);
    cp.output().unwrap().ok().unwrap();
    copy
}

/// A copy of one as a chart of another version, with the images of another application version.
pub fn released_as(cluster: &Cluster, name: &str, version: [&str; 2], tags: [&str; 2]) -> PathBuf {
    let copy = copied(cluster, name);
    replace(&copy, "Chart.yaml", version[0], version[1]);
    replace(&copy, "values.yaml", tags[0], tags[1]);
    copy
}

/// Replaces a text, which must be there, in a file of a copied chart.
pub fn replace(chart: &Path, file: &str, from: &str, to: &str) {
    let file = chart.join(file);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from:?} in {}", file.display());
    fs::write(&file, text.replace(from, to)).unwrap();
}
