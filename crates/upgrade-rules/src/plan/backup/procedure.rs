//! Camunda's own backup, as its guides have it: each application is asked, and exporting is paused while Zeebe's records are copied.

use super::{HopInput, Node, workload};
use crate::{
    camunda::{Asked, BackupFact, Pause},
    finding::{Kubectl, shell},
    kubernetes::Object,
};

/// Functions of the shell for [`command`]; `api` is the path of the namespace's Services, `id` the number of the backup.
///
/// The endpoints answer with status 200 even where something failed, and tell so in the body.
const FUNCTIONS: &str = r#"start() { printf '{"backupId": %s}' "$id" | kubectl create --raw "$api/$1" -f - >/dev/null; }
finished() {
  for _ in $(seq 360); do
    state=$(kubectl get --raw "$api/$1/$id")
    case $state in
    *'"FAILED"'* | *'"INCOMPATIBLE"'* | *'"INCOMPLETE"'*) break ;;
    *'"IN_PROGRESS"'*) ;;
    *'"COMPLETED"'*) return 0 ;;
    esac
    sleep 10
  done
  printf '%s\n' "$state" >&2
  return 1
}
exporting() {
  said=$(kubectl create --raw "$api/$1" -f /dev/null)
  case $said in *'"status":5'* | *'"status":4'*) printf '%s\n' "$said" >&2; return 1 ;; esac
}"#;

/// One command that backs up everything, and resumes exporting whatever happens.
pub(super) fn command(making: &HopInput<'_>, fact: &BackupFact, node: &Node) -> String {
    let (namespace, parts) = (&making.standing.namespace, parts(making, fact));
    let api = format!("/api/v1/namespaces/{namespace}/services");
    let gateway = service_path(making, &fact.brokers);
    let actuator = gateway.trim_end_matches(|c| c != '/');
    let pause = match fact.pause {
        Pause::Hard => "pause",
        Pause::Soft => "pause?soft=true",
    };
    let [pause, resume] =
        [pause, "resume"].map(|what| shell::quote(&format!("{actuator}exporting/{what}")));
    let pause = [
        format!("trap {} EXIT", shell::quote(&format!("exporting {resume}"))),
        format!("exporting {pause}"),
    ];
    let mut lines = vec![
        "(set -euo pipefail".to_owned(),
        ": \"${SNAPSHOT_REPOSITORY:?set it to the repository for snapshots that Elasticsearch has}\""
            .to_owned(),
        format!("api={} id=$(date +%s)", shell::quote(&api)),
        FUNCTIONS.to_owned(),
    ];
    let (first, later) = match fact.pauses_first {
        true => (&pause[..], &[][..]),
        false => (&[][..], &pause[..]),
    };
    lines.extend_from_slice(first);
    lines.extend(parts.iter().map(|part| format!("start {part}")));
    lines.extend(parts.iter().map(|part| format!("finished {part}")));
    lines.extend_from_slice(later);
    lines.push(records(node));
    lines.push(format!("start {}", shell::quote(&gateway)));
    lines.push(format!("finished {}", shell::quote(&gateway)));
    lines.push(format!(
        "echo \"Backup $id is complete.\" | tee -a {})",
        shell::quote(&file(making))
    ));
    lines.join("\n")
}

/// The file that keeps the numbers of backups.
fn file(making: &HopInput<'_>) -> String {
    format!("camunda-backups-{}.txt", making.standing.chart.version)
}

/// The plan of the restore of the newest backup whose number that file has.
pub(super) fn restore(making: &HopInput<'_>) -> String {
    let standing = making.standing;
    let file = shell::quote(&file(making));
    let words = [
        shell::PROGRAM,
        "plan",
        &standing.release,
        "-n",
        &standing.namespace,
        "--to",
        &standing.chart.version,
    ];
    let plan = shell::command(words);
    format!(
        r#"{plan} --restore "$(sed -n 's/^Backup \([0-9]*\) is complete\.$/\1/p' {file} | tail -n 1)""#
    )
}

/// The records that exporters have written into Elasticsearch.
fn records(node: &Node) -> String {
    let words = ["exec", &node.pod, "-c", &node.container, "--"];
    let exec = Kubectl::new(&node.namespace, words);
    let body = r#"'{"indices": "zeebe-record*", "feature_states": ["none"]}'"#;
    format!(
        "{exec} curl -sf -X PUT -H 'Content-Type: application/json' -d {body} \\\n  \
         \"http://localhost:9200/_snapshot/$SNAPSHOT_REPOSITORY/camunda_zeebe_records_backup_$id?wait_for_completion=true\" >/dev/null"
    )
}

/// The endpoints of the applications that run.
fn parts(making: &HopInput<'_>, fact: &BackupFact) -> Vec<String> {
    let runs = fact
        .parts
        .iter()
        .filter(|part| workload(making.change(), &part.workload).is_some());
    runs.map(|part| shell::quote(&service_path(making, part)))
        .collect()
}

/// An endpoint below the path of the namespace's Services.
fn service_path(making: &HopInput<'_>, asked: &Asked) -> String {
    let Asked {
        service,
        port,
        path,
        workload: end,
    } = asked;
    let workload = workload(making.change(), end);
    let name = workload.map_or("", Object::name);
    let name = name
        .strip_suffix(end.as_str())
        .unwrap_or(&making.standing.release);
    let prefix = workload.and_then(context_path).unwrap_or_default();
    format!("{name}{service}:{port}/proxy{prefix}{path}")
}

/// What stands before the paths of an application's actuator, by its own probes.
fn context_path(workload: &Object) -> Option<String> {
    workload.containers().find_map(|container| {
        let probe = container.get("readinessProbe")?;
        let path = probe.pointer("/httpGet/path")?.as_str()?;
        let (prefix, _) = path.split_once("/actuator")?;
        Some(prefix.to_owned())
    })
}
