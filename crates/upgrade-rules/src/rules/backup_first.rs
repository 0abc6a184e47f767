//! `backup-first`: a change of line can't be taken back without a backup.
//!
//! Any line. Documented: "Perform a backup" (8.7 to 8.8).

use super::{Judge, Rule};

use crate::{
    change::{Change, Facts, Operation},
    finding::{Action, Finding, RuleId, guide},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::BackupFirst,
    summary: "a change of line, which only a backup takes back",
    guide: guide::BACKUP,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/backup-first.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    finding(change).into_iter().collect()
}

fn finding(change: &Change) -> Option<Finding> {
    // Whoever rolls back does not stop for a backup of what failed.
    if change.operation != Operation::Upgrade {
        return None;
    }
    let (title, why) = match change.lines_run() {
        Some((from, to)) if from.position() != to.position() => (
            format!(
                "Back up before Camunda {} becomes {}",
                from.application, to.application
            ),
            format!(
                "Once pods of {} have migrated the data, only a backup leads back: Zeebe, Elasticsearch or OpenSearch together, and the databases of Keycloak, Identity and Web Modeler.",
                to.application
            ),
        ),
        run => {
            change.lines_crossed()?;
            let (from, to) = (change.from.as_ref()?, change.to.as_ref()?);
            let images = run.map_or(String::new(), |(_, line)| {
                format!(" stay at {}", line.application)
            });
            (
                format!(
                    "Back up before chart {} becomes {}",
                    from.version, to.version
                ),
                format!(
                    "Camunda's images{images}, but the chart brings other versions of what runs beside them. Once Elasticsearch or Keycloak has migrated its data, only a backup leads back."
                ),
            )
        }
    };
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title,
        objects: Vec::new(),
        why: vec![why],
        fixes: Vec::new(),
        guide: RULE.guide,
    })
}
