//! `rebind`: Elasticsearch's volumes go to the claims of chart 8.3 and later, and back.

use std::process::ExitCode;

use clap::Args;

use super::{
    confirm_and_run::{Walk, WalkArgs},
    connect::ConnectArgs,
    waiting_for,
};
use crate::{
    cluster::Cluster,
    finding::{Command, Fix, Moment, Objects, shell},
    kubernetes::Kind,
    rebind::{self, Plan, over, undo},
    runner,
};

/// The claims that a release must have.
const WHAT: &str =
    "claims of elastic's Elasticsearch (elasticsearch-master-elasticsearch-master-N)";

/// Which release, and which way.
#[derive(Args, Debug)]
pub struct RebindArgs {
    /// The release [default: the only one in the namespace with such claims]
    #[arg(value_name = "RELEASE")]
    release: Option<String>,

    /// Give the volumes back to their old claims, as long as the new ones never had them
    #[arg(long)]
    undo: bool,

    /// The new StatefulSet [default: RELEASE-elasticsearch-master]
    #[arg(long, value_name = "NAME")]
    statefulset: Option<String>,

    #[command(flatten)]
    walk: WalkArgs,

    #[command(flatten)]
    connect: ConnectArgs,
}

impl RebindArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let connection = self.connect.connect().await?;
        let live = Cluster::Live(connection.cluster.clone());
        let namespace = connection.namespace.as_str();
        let reading = waiting_for(format_args!("reading namespace {namespace}"));
        let scene = runner::read::scene(&live, namespace).await?;
        drop(reading);
        let statefulset = |release: &str| {
            let named = self.statefulset.clone();
            named.unwrap_or_else(|| rebind::successor(release))
        };
        let command = if self.undo { "rebind --undo" } else { "rebind" };
        let release = scene.choose(self.release.as_deref(), command, WHAT, |release| {
            scene.has_old_claims(release, &statefulset(release))
        });
        let release = release?;
        let set = statefulset(&release);
        let plan = match self.undo {
            true => undo::plan(&scene, &release, &set),
            false => over::plan(&scene, &release, &set),
        };
        let walk = match self.undo {
            true => back(plan?, namespace),
            false => over(plan?, &release, namespace, self.statefulset.as_deref()),
        };
        self.walk.walk(connection, walk).await
    }
}

fn over(plan: Plan, release: &str, namespace: &str, statefulset: Option<&str>) -> Walk {
    let mut undo = vec![shell::PROGRAM, "rebind", release, "-n", namespace];
    undo.extend(statefulset.iter().flat_map(|name| ["--statefulset", *name]));
    undo.push("--undo");
    let undo = shell::command(undo);
    Walk {
        plan,
        nothing: "Nothing to do: every volume is its new claim's.".to_owned(),
        next: vec![
            Fix::say(
                "All volumes wait for their new claims; Elasticsearch is down until the upgrade to 8.3 is through.",
            ),
            Fix::say(
                "Where no guard is installed, let the new claims ask for no more than their volumes have (elasticsearch.master.persistence.size).",
            ),
            Fix::alternative(
                "The way back, until the new claims are Bound:",
                [Command::Shell(undo)],
            ),
        ],
    }
}

fn back(plan: Plan, namespace: &str) -> Walk {
    let set = Objects::new(Kind::StatefulSet, namespace, [plan.statefulset.as_str()]);
    let pods = u64::try_from(plan.about.len()).unwrap_or_default();
    let next = vec![
        Fix::say("All volumes are their old claims' again."),
        Fix::new("To start Elasticsearch:", [set.scale(pods)]).at(Moment::After),
    ];
    Walk {
        plan,
        nothing: "Nothing to do: every volume is its old claim's.".to_owned(),
        next,
    }
}
