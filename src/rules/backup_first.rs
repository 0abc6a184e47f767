//! `backup-first`: a change of line can't be taken back without a backup.
//!
//! Any line. Documented: "Perform a backup" (8.7 to 8.8).

use super::Rule;

use crate::{
    change::{Change, Operation},
    facts::Facts,
    finding::{Action, Finding},
};

pub(super) const RULE: Rule = Rule {
    id: "backup-first",
    summary: "a change of line, which only a backup takes back",
    page: include_str!("../../docs/rules/backup-first.md"),
    judge,
};

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    let Some((from, to)) = change.lines_crossed() else {
        return Vec::new();
    };
    // Whoever rolls back does not stop for a backup of what failed.
    if change.operation != Operation::Upgrade {
        return Vec::new();
    }
    vec![Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!(
            "Back up before Camunda {} becomes {}",
            from.application, to.application
        ),
        objects: Vec::new(),
        why: vec![format!(
            "Once pods of {} have migrated the data, only a backup leads back: Zeebe, Elasticsearch or OpenSearch together, and the databases of Keycloak, Identity and Web Modeler.",
            to.application
        )],
        fixes: Vec::new(),
        guide: "Perform a backup (8.7 to 8.8)",
    }]
}
