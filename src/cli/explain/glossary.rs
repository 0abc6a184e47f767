//! The words of the documentation: `docs/glossary.md` is what this prints.

/// A word and what is meant by it.
pub(super) struct Word {
    pub(super) word: &'static str,
    /// In Markdown, with links from `docs`.
    meaning: &'static str,
}

impl Word {
    /// Returns the page of this word alone.
    pub(super) fn page(&self) -> String {
        format!("# {}\n\n{}\n", self.word, self.meaning)
    }
}

const fn word(word: &'static str, meaning: &'static str) -> Word {
    Word { word, meaning }
}

/// Returns the page of all words.
pub(super) fn page() -> String {
    let words = WORDS
        .iter()
        .map(|it| format!("- **{}**: {}\n", it.word, it.meaning));
    let words: String = words.collect();
    format!(
        "# Glossary\n\nRelease, revision, chart, values, manifest and hook are Helm's words and mean the same here. \
         `camunda-upgrade-guard explain WORD` prints one of these.\n\n{words}"
    )
}

/// The words, in the order of the alphabet.
pub(super) const WORDS: &[Word] = &[
    word(
        "block",
        "What stands below **TYPE THIS** in a refusal: one compound command for bash or zsh that cures everything and ends with the upgrade. It stops at the first line that fails.",
    ),
    word(
        "change",
        "What an upgrade, a rollback or a single request would alter: each object as it is live and as it would be.",
    ),
    word(
        "claim",
        "A PersistentVolumeClaim. A claim that is *left behind* or *orphaned* holds data that no pod would mount after the upgrade.",
    ),
    word(
        "component",
        "One application of Camunda 8 in a release, such as Zeebe, Operate, Keycloak or Elasticsearch, with its workloads, Secrets and claims.",
    ),
    word(
        "cure",
        "The steps after which a refusal is gone: commands, flags of `helm upgrade`, or something that a person decides.",
    ),
    word(
        "finding",
        "What a rule says of a change. It refuses or it warns.",
    ),
    word(
        "forecast",
        "What the chart of another line would make of a release, told by the [data of the lines](release-lines.md) where the chart is not there. `scan` and `plan` judge forecasts.",
    ),
    word(
        "gate",
        "Where a change is judged. The *release gate* sees Helm's release record and with it the whole upgrade; the *object gate* sees one object, from kubectl, Argo CD or an operator.",
    ),
    word(
        "guarded",
        "Belonging to a release of Camunda 8. What is not guarded is never judged.",
    ),
    word(
        "hop",
        "One upgrade of a way that has several: Camunda supports an upgrade from a line to the next one, so 8.2 to 12 takes five hops. `plan` prints them.",
    ),
    word(
        "line",
        "All charts that bring one minor version of Camunda 8: 8.2 brings 8.2, line 12 brings 8.7, line 13 brings 8.8. `scan` shows the line of a release and the next one.",
    ),
    word(
        "mutation",
        "Something that the guard sets on an object by itself, such as the reclaim policy `Retain`. It always says so.",
    ),
    word(
        "override",
        "A decision to go ahead against a refusal: a ConfigMap with the release, its next revision, the rules and a reason, for 24 hours at most. See [override.md](override.md).",
    ),
    word("problem", "A finding that refuses."),
    word(
        "record",
        "The Secret (or ConfigMap) in which Helm keeps a revision of a release, `sh.helm.release.v1.NAME.vREVISION`. Helm writes it before anything else, so a refused record stops an upgrade with nothing changed.",
    ),
    word(
        "refusal",
        "The answer to a change that at least one rule refuses. It has four parts: what is refused, TYPE THIS, WHY, and ON PURPOSE.",
    ),
    word(
        "rule",
        "One thing that upgrades break, with an id such as `claims-orphaned` and a [page](rules/README.md). A configuration can have a rule refuse, warn or be off.",
    ),
    word(
        "snapshot",
        "A folder with what `check` needs of a namespace and without any secret value, for whoever may not read the cluster. It is not a snapshot of a volume, and no backup.",
    ),
    word(
        "volume",
        "A PersistentVolume: the disk behind a claim. With the reclaim policy `Delete` it is deleted with its claim, with `Retain` it stays.",
    ),
    word(
        "warning",
        "A finding that does not refuse. The change is admitted, and whoever makes it is told.",
    ),
    word(
        "workload",
        "A Deployment, StatefulSet, DaemonSet, Job or CronJob.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_and_each_stands_once() {
        let sorted = WORDS.windows(2).all(|pair| pair[0].word < pair[1].word);
        assert!(sorted);
    }
}
