//! Brokers that restore instead of serving, until each has said that it did.

use serde_json::{Value, json};

use super::{Making, Step};
use crate::{
    finding::{Command, Kubectl, Moment, Objects, shell},
    kubernetes::Kind,
};

/// What a broker's log says once it is restored.
const RESTORED: &str = "Successfully restored broker from backup";

/// Has the brokers restore, waits for each, and has them start as before the next time.
pub(super) fn steps(making: &Making<'_>) -> [Step; 3] {
    let brokers = &making.brokers;
    let sets = set(making);
    let mut begin: Vec<Command> = changed(making);
    begin.push(sets.scale(brokers.mounts.replicas).into());
    let begin = Step::new(Moment::With, "Start the brokers to restore", begin).because(vec![
        "They exit when they are done, and Kubernetes starts them again and again: CrashLoopBackOff is expected here."
            .to_owned(),
        format!("Camunda's guide: {}", making.fact.restore),
    ]);
    let wait = Step::new(
        Moment::With,
        "Wait until each broker has restored its part of the backup",
        [Command::Shell(waits(making))],
    );
    let pods = brokers.pods();
    let namespace = &making.target.namespace;
    let mut end: Vec<Command> = vec![
        sets.scale(0).into(),
        Kubectl::await_gone(namespace, pods.iter().map(String::as_str)).into(),
    ];
    end.extend(changed_back(making));
    let end = Step::new(
        Moment::With,
        "Stop the brokers, and have them start as before",
        end,
    );
    [begin, wait, end]
}

fn set(making: &Making<'_>) -> Objects {
    let name = making.brokers.mounts.statefulset.as_str();
    Objects::new(Kind::StatefulSet, &making.target.namespace, [name])
}

/// Sets what has the brokers restore.
fn changed(making: &Making<'_>) -> Vec<Command> {
    let id = making.id.to_string();
    let variables = making.restoring.variables.iter();
    let pairs = variables.map(|(name, value)| format!("{name}={}", value.replace("{id}", &id)));
    let mut commands: Vec<_> = environment(making, pairs.collect()).into_iter().collect();
    commands.extend(startup(making).map(|start| command(making, json!(["bash", "-c", start]))));
    commands
}

/// Takes it out again; what the chart itself sets comes back with the next revision.
fn changed_back(making: &Making<'_>) -> Vec<Command> {
    let names = making.restoring.variables.keys();
    let names = names.map(|name| format!("{name}-")).collect();
    let mut commands: Vec<_> = environment(making, names).into_iter().collect();
    commands.extend(startup(making).map(|_| command(making, Value::Null)));
    commands
}

fn environment(making: &Making<'_>, words: Vec<String>) -> Option<Command> {
    let name = format!("statefulset/{}", making.brokers.mounts.statefulset);
    let all = ["set", "env", &name, "-c", &making.brokers.container];
    let all = all.into_iter().chain(words.iter().map(String::as_str));
    (!words.is_empty()).then(|| Kubectl::new(&making.target.namespace, all).into())
}

/// The chart's own script with another program at its end, which keeps what it finds out for the broker, such as its node's id.
fn startup(making: &Making<'_>) -> Option<String> {
    let chart = making.target.chart.parsed.as_ref()?;
    let startup = making.restoring.startup(chart)?;
    let (script, starts) = (&startup.script, &startup.starts);
    let restores = format!("{} --backupId={}", startup.restores, making.id);
    Some(format!(
        "start=$(sed 's|{starts}$|{restores}|' {script}); case $start in *'{restores}'*) exec bash -c \"$start\" ;; esac; echo '{script} starts no {starts}' >&2; exit 1"
    ))
}

fn command(making: &Making<'_>, command: Value) -> Command {
    let container = json!({"name": making.brokers.container, "command": command});
    let patch = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
    let name = &making.brokers.mounts.statefulset;
    let words = ["patch", "statefulset", name, "-p", &patch.to_string()];
    Kubectl::new(&making.target.namespace, words).into()
}

/// Looks at all brokers by turns: the log of a run is kept until the second one after it ends.
fn waits(making: &Making<'_>) -> String {
    let namespace = &making.target.namespace;
    let container = making.brokers.container.as_str();
    let pods = making.brokers.pods();
    let pods = shell::command(pods.iter().map(String::as_str));
    let logs = Kubectl::new(namespace, ["logs", "-c", container]);
    let count =
        format!("jsonpath={{.status.containerStatuses[?(@.name==\"{container}\")].restartCount}}");
    let get = Kubectl::new(namespace, ["get", "pod", "-o", &count]);
    format!(
        r#"(set -euo pipefail
restored=
for _ in $(seq 1800); do
  left=
  for pod in {pods}; do
    case $restored in *" $pod "*) continue ;; esac
    said=$({logs} "$pod" 2>/dev/null || :; {logs} --previous "$pod" 2>/dev/null || :)
    case $said in
    *'{RESTORED}'*)
      restored="$restored $pod "
      echo "$pod has restored its part."
      continue
      ;;
    esac
    left="$left $pod"
    case $({get} "$pod" 2>/dev/null || :) in
    '' | 0 | 1 | 2) ;;
    *) echo "$pod has been started several times, and has not said that it is restored: see its log." >&2; exit 1 ;;
    esac
  done
  [ -n "$left" ] || exit 0
  sleep 1
done
echo "These have not said yet that they are restored:$left" >&2
exit 1)"#
    )
}
