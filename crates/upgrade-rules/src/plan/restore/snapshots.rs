//! The snapshots that hold a backup's indices: whether all are there, what has to go before they can be restored, and their restore.

use super::{Making, Step};
use crate::{
    camunda::tag,
    finding::{Command, Kubectl, Moment, shell},
    kubernetes::Object,
    plan::backup::{self, Node},
};

/// Prints the names of the snapshots that begin so, and fails where not every part is there and whole.
const WHOLE: &str = r#"parts() {
  printf '%s\n' "$all" | awk -v start="$1" '
    index($1, start "part_") == 1 && $2 == "SUCCESS" { print $1; found++; n = split($1, words, "_"); of = words[n] }
    END { exit !(found > 0 && found == of) }' ||
    { echo "The repository has not every part of $1* whole; it has:" >&2; printf '%s\n' "$all" >&2; return 1; }
}
records() {
  printf '%s\n' "$all" | awk -v name="$1" '
    $1 == name && $2 == "SUCCESS" { print $1; found = 1 }
    END { exit !found }' ||
    { echo "The repository has no whole $1; it has:" >&2; printf '%s\n' "$all" >&2; return 1; }
}"#;

/// See that each snapshot of the backup is there, before anything stops.
pub(super) fn look(making: &Making<'_>) -> Option<Step> {
    let node = making.present.as_ref()?;
    let mut commands = vec![Command::Shell(format!(
        "{}\n{} >/dev/null)",
        prelude(node),
        names(making)
    ))];
    if making.replaces_store() {
        commands.push(saved(making, node));
    }
    let title = format!("See that the snapshots of backup {} are whole", making.id);
    let step = Step::new(Moment::Before, title, commands);
    Some(step.because(vec![
        "SNAPSHOT_REPOSITORY is the repository for snapshots that Elasticsearch and the applications have.".to_owned(),
        "Snapshots bear the version of the application that made them: only that one can read them.".to_owned(),
    ]))
}

/// Has a store outside of the release emptied before an older chart starts on it.
pub(super) fn emptied(making: &Making<'_>) -> Option<Step> {
    if making.earlier.is_none() || making.node.is_some() {
        return None;
    }
    let ask = "Delete Camunda's indices and index templates in your store, which is outside of the release: no older program can read what a newer one has written.";
    let title = "Empty the store outside of the release";
    let commands = [Command::Manual(ask.to_owned())];
    Some(Step::new(Moment::Stop, title, commands))
}

/// Deletes Camunda's indices, and restores those of the backup.
pub(super) fn steps(making: &Making<'_>) -> Vec<Step> {
    let Some(node) = &making.node else {
        let ask = format!(
            "Delete Camunda's indices in your store, which is outside of the release, and restore each snapshot of backup {} there, by {}.",
            making.id, making.fact.restore
        );
        let title = "Restore the indices in the store outside of the release";
        return vec![Step::new(Moment::With, title, [Command::Manual(ask)])];
    };
    let decide = format!(
        "Decide: this deletes all indices of Camunda's; those of backup {} come in their place.",
        making.id
    );
    let indices = Command::Shell(format!("{}\n{}", prelude(node), deleted(making)));
    // A new Elasticsearch has only what the applications have made for the index templates.
    let decide = (!making.replaces_store()).then_some(Command::Manual(decide));
    let commands = decide.into_iter().chain([indices]);
    let delete = Step::new(Moment::Stop, "Delete Camunda's indices", commands);
    let delete = delete.because(vec![
        "A snapshot can't be restored over an index that is there.".to_owned(),
        "Only names that begin as Camunda's do by default are deleted; where you gave your indices another prefix, delete those by hand."
            .to_owned(),
    ]);
    let mut steps: Vec<_> = making
        .replaces_store()
        .then(|| registered(making, node))
        .into_iter()
        .collect();
    steps.extend([delete, restored(making, node)]);
    steps
}

/// Functions of the shell for what is asked of Elasticsearch in its own pod.
fn prelude(node: &Node) -> String {
    format!(
        r#"(set -euo pipefail
: "${{SNAPSHOT_REPOSITORY:?set it to the repository for snapshots that Elasticsearch has}}"
elasticsearch() {{
  {} curl -sf -X "$1" "http://localhost:9200/$2"
}}"#,
        exec(node, &[])
    )
}

fn exec(node: &Node, flags: &[&str]) -> Kubectl {
    let words = ["exec"].into_iter().chain(flags.iter().copied());
    let words = words.chain([node.pod.as_str(), "-c", &node.container, "--"]);
    Kubectl::new(&node.namespace, words)
}

/// Prints the names of all snapshots of the backup, or fails.
fn names(making: &Making<'_>) -> String {
    let (id, restoring) = (making.id, making.restoring);
    let mut parts = Vec::new();
    for (end, start) in &restoring.snapshots {
        let Some(workload) = backup::workload(&making.change, end) else {
            continue;
        };
        let version = version(workload).map_or(String::new(), |it| format!("{it}_"));
        let start = shell::quote(&format!("{start}_{id}_{version}"));
        parts.push(format!("parts {start}"));
    }
    let records = shell::quote(&format!("{}_{id}", restoring.records));
    parts.push(match restoring.records_optional {
        true => format!("case $all in (*{records}' '*) records {records} ;; esac"),
        false => format!("records {records}"),
    });
    format!(
        r#"all=$(elasticsearch GET "_cat/snapshots/$SNAPSHOT_REPOSITORY?h=id,status")
{WHOLE}
names=$({})
printf '%s\n' "$names""#,
        parts.join(" &&\n  ")
    )
}

/// The version of an application as its snapshots have it, where its image's tag tells.
fn version(workload: &Object) -> Option<&str> {
    let tag = tag(workload.image()?)?;
    semver::Version::parse(tag).is_ok().then_some(tag)
}

/// Deletes each of Camunda's indices by its name: Elasticsearch 8 takes no wildcards here.
fn deleted(making: &Making<'_>) -> String {
    let starts = making.restoring.indices.iter();
    let starts: Vec<_> = starts.map(|it| format!("{}*", shell::quote(it))).collect();
    format!(
        r#"indices=$(elasticsearch GET "_cat/indices?h=index")
printf '%s\n' "$indices" | while read -r index; do
  case $index in
  {}) elasticsearch DELETE "$index" >/dev/null && echo "Index $index is deleted." ;;
  esac
done)"#,
        starts.join(" | ")
    )
}

fn restored(making: &Making<'_>, node: &Node) -> Step {
    let script = format!(
        r#"{}
{} | while read -r name; do
  said=$(elasticsearch POST "_snapshot/$SNAPSHOT_REPOSITORY/$name/_restore?wait_for_completion=true")
  case $said in
  *'"failed":0'*) echo "Snapshot $name is restored." ;;
  *) printf '%s\n' "$said" >&2; exit 1 ;;
  esac
done)"#,
        prelude(node),
        names(making)
    );
    let title = format!("Restore the snapshots of backup {}", making.id);
    Step::new(Moment::With, title, [Command::Shell(script)])
}

/// The file that keeps what the repository is.
fn file(making: &Making<'_>) -> String {
    format!("{}-repository-{}.json", making.standing.release, making.id)
}

/// Keeps what the repository is for a new Elasticsearch, where nobody else can read it.
fn saved(making: &Making<'_>, node: &Node) -> Command {
    let file = file(making);
    let part = format!("{file}.part");
    let script = format!(
        r#"{}
umask 077
elasticsearch GET "_snapshot/$SNAPSHOT_REPOSITORY?filter_path=*.type,*.settings" > {} && {})"#,
        prelude(node),
        shell::quote(&part),
        shell::command(["mv", &part, &file])
    );
    Command::Shell(script).once_as_file(&file)
}

/// Tells the new Elasticsearch of the repository.
fn registered(making: &Making<'_>, node: &Node) -> Step {
    let script = format!(
        r#"{}
is=$(cat {})
is=${{is#*:}}
printf '%s' "${{is%\}}}}" |
  {} curl -sf -X PUT -H 'Content-Type: application/json' -d @- "http://localhost:9200/_snapshot/$SNAPSHOT_REPOSITORY" >/dev/null)"#,
        prelude(node),
        shell::quote(&file(making)),
        exec(node, &["-i"])
    );
    let title = "Register the repository for snapshots in the new Elasticsearch";
    Step::new(Moment::With, title, [Command::Shell(script)])
}
