//! `snapshot`: what `check` needs of a namespace, for those who may not read it or can't reach it.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use jiff::Timestamp;

use super::{
    connect::{ConnectArgs, block_on},
    ended, show_line, tell_as, waiting_for,
};
use crate::{
    cluster::Cluster,
    snapshot::{save, take},
    terminal::{Piece, Role},
};

/// What is to be kept, and where.
#[derive(Args, Debug)]
pub struct SnapshotArgs {
    #[command(flatten)]
    cluster: ConnectArgs,

    /// Folder to write into; a snapshot that is there is replaced
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

impl SnapshotArgs {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let snapped = block_on(async {
            let connection = self.cluster.connect().await?;
            let cluster = Cluster::Live(connection.cluster);
            let _reading = waiting_for(format_args!("reading namespace {}", connection.namespace));
            Ok(take(&cluster, &connection.namespace).await?)
        })?;
        save(&self.output, &snapped, Timestamp::now().to_string())?;
        let (objects, releases) = (snapped.objects.len(), &snapped.records);
        let mut names: Vec<_> = releases.iter().map(|(it, _)| it.name.as_str()).collect();
        names.dedup();
        let named = match names.is_empty() {
            true => "no release of Camunda".to_owned(),
            false => format!("Camunda's releases: {}", names.join(", ")),
        };
        let (folder, namespace) = (self.output.display().to_string(), &snapped.namespace);
        show_line(&[
            Piece::new(Role::Clean, &folder),
            Piece::prose(&format!(
                ": namespace {namespace}, {objects} objects, {named}"
            )),
        ])?;
        for missing in &snapped.not_read {
            let (what, reason) = (&missing.what, &missing.reason);
            tell_as(Role::Warning, "not read", format_args!("{what}: {reason}"));
        }
        Ok(ended(snapped.not_read.is_empty()))
    }
}
