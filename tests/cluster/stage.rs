//! The cluster with the guard in effect, shared by all tests that don't change the guard.

use std::{fs, path::PathBuf, sync::OnceLock};

use harness::{Binaries, Cluster, ClusterOptions, Corpus, Guard, GuardOptions};

/// The guard's program.
pub const BINARY: &str = env!("CARGO_BIN_EXE_camunda-upgrade-guard");

static GUARD: OnceLock<Guard<'static>> = OnceLock::new();

/// The shared cluster with a guard, or `None`, said aloud, where the binaries are missing.
pub fn guarded() -> Option<(&'static Cluster, &'static Guard<'static>)> {
    let cluster = Cluster::shared_or_skip()?;
    let guard = GUARD.get_or_init(|| {
        let mut options = GuardOptions::new(BINARY);
        // A line for each call that it gets.
        let filter = "info,camunda_upgrade_guard::admission=debug";
        let log = ("CAMUNDA_UPGRADE_GUARD_LOG", filter);
        options.env.push((log.0.to_owned(), log.1.to_owned()));
        cluster
            .guard(options)
            .unwrap_or_else(|error| panic!("the guard does not start: {error:#}"))
    });
    Some((cluster, guard))
}

/// What starts a guard with a configuration, and the file that holds it.
pub fn configured(cluster: &Cluster, text: &str) -> (GuardOptions, PathBuf) {
    let file = cluster.scratch("config").unwrap().join("config.yaml");
    fs::write(&file, text).unwrap();
    let mut options = GuardOptions::new(BINARY);
    options.args = vec!["--config".to_owned(), file.display().to_string()];
    (options, file)
}

/// A cluster where no guard ever is, shared likewise.
pub fn unguarded() -> Option<&'static Cluster> {
    static UNGUARDED: OnceLock<Cluster> = OnceLock::new();
    Binaries::find_or_skip()?;
    Some(UNGUARDED.get_or_init(|| {
        Cluster::start(ClusterOptions::shared())
            .unwrap_or_else(|error| panic!("the cluster does not start: {error:#}"))
    }))
}

/// [`guarded`] and the corpus.
pub fn guarded_with_corpus() -> Option<(&'static Cluster, &'static Guard<'static>, Corpus)> {
    let corpus = Corpus::find()?;
    let (cluster, guard) = guarded()?;
    Some((cluster, guard, corpus))
}
