//! The way back: before the upgrade by Helm, and after it only by a backup.

use super::{Step, backup, hop::HopInput};
use crate::{
    finding::{Command, Fix, Kubectl, Moment, shell},
    forecast::InstalledRelease,
    rules::orphaned,
};

/// Returns what leads back before a hop's upgrade, and what does after it.
pub(super) fn ways(making: &HopInput<'_>, steps: &[Step]) -> Vec<Fix> {
    let Some(upgrade) = steps.iter().find(|step| step.moment == Moment::With) else {
        return Vec::new();
    };
    let mut ways = Vec::new();
    if steps.iter().any(|step| step.moment == Moment::Stop) {
        let intro = format!(
            "Until step {} this leads back, and starts what was stopped:",
            upgrade.number
        );
        ways.push(Fix::new(intro, before(making)));
    }
    if making.change().lines_crossed().is_some() {
        let line = making.standing.chart.line;
        let guide = line.and_then(|line| line.backup.as_ref());
        let guide = guide.map_or(String::new(), |guide| format!(": {}", guide.restore));
        let point = format!(
            "Step {} is the point of no return. After it only the backup leads back{guide}",
            upgrade.number
        );
        ways.push(Fix::new(point, backup::restore(making)));
    }
    ways
}

/// Volumes go back to their claims, and Helm starts all workloads of the revision that is deployed.
fn before(making: &HopInput<'_>) -> Vec<Command> {
    let (release, namespace) = (
        making.standing.release.as_str(),
        making.standing.namespace.as_str(),
    );
    let mut commands = Vec::new();
    let found = orphaned(making.change(), making.prepared);
    if found.iter().any(|found| !found.orphans.is_empty()) {
        let undo = [
            shell::PROGRAM,
            "rebind",
            release,
            "-n",
            namespace,
            "--undo",
            "--yes",
        ];
        commands.push(Command::Shell(shell::command(undo)));
    }
    commands.push(start_again(making.standing));
    commands
}

/// Has Helm apply the revision that is deployed, which starts whatever was stopped.
pub(super) fn start_again(standing: &InstalledRelease) -> Command {
    let (release, namespace) = (standing.release.as_str(), standing.namespace.as_str());
    let selector = format!("owner=helm,name={release},status=deployed");
    let words = [
        "get",
        "secret",
        "-l",
        &selector,
        "-o",
        "jsonpath={.items[0].metadata.labels.version}",
    ];
    let revision = Kubectl::new(namespace, words);
    Command::Shell(rolled_back(standing, &format!("\"$({revision})\"")))
}

/// The rollback to a revision, which is quoted already.
///
/// Helm applies its objects as it did for that revision; on the server's side what kubectl has changed since may be a conflict.
pub(super) fn rolled_back(to: &InstalledRelease, revision: &str) -> String {
    let rollback = shell::command(["helm", "rollback", &to.release]);
    let namespace = shell::quote(&to.namespace);
    let force = match to.rendered.helm.server_side {
        true => " --force-conflicts",
        false => "",
    };
    format!("{rollback} {revision} -n {namespace}{force}")
}
