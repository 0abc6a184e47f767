//! `relabel`: the steps of 8.0.13 for Elasticsearch's claims.

use std::process::ExitCode;

use clap::Args;

use super::{
    confirm_and_run::{Walk, WalkArgs},
    connect::ConnectArgs,
    waiting_for,
};
use crate::{cluster::Cluster, finding::Fix, rebind::relabel, runner};

/// Which release.
#[derive(Args, Debug)]
pub struct RelabelArgs {
    /// The release [default: the only one in the namespace with such an Elasticsearch]
    #[arg(value_name = "RELEASE")]
    release: Option<String>,

    #[command(flatten)]
    walk: WalkArgs,

    #[command(flatten)]
    connect: ConnectArgs,
}

impl RelabelArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let connection = self.connect.connect().await?;
        let live = Cluster::Live(connection.cluster.clone());
        let namespace = &connection.namespace;
        let reading = waiting_for(format_args!("reading namespace {namespace}"));
        let scene = runner::read::scene(&live, namespace).await?;
        drop(reading);
        let release = scene.choose(
            self.release.as_deref(),
            "relabel",
            "Elasticsearch of elastic's chart",
            |release| relabel::concerns(&scene, release),
        );
        let release = release?;
        let walk = Walk {
            plan: relabel::plan(&scene, &release),
            nothing:
                "Nothing to do: the claims have their labels, and no StatefulSet is in the way."
                    .to_owned(),
            next: vec![Fix::say(
                "Now run the upgrade to 8.0.13 or later: its StatefulSet takes over what is left. Until then nothing restarts a pod that ends.",
            )],
        };
        self.walk.walk(connection, walk).await
    }
}
