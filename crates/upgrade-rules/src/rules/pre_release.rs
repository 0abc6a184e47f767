//! `pre-release`: the data of an alpha or a release candidate would be upgraded.
//!
//! Camunda supports no upgrade from a pre-release to anything, and from 8.8 on the brokers refuse to start on such data: they
//! know which version wrote it. By then the release is upgraded and nothing leads back. That is documented and was not seen
//! here, so it is a warning.
//!
//! Any line. Documented: "Version compatibility checks".

use super::{Judge, Rule};

use crate::{
    camunda::{Application, pre_release, tag as tag_of},
    change::{Change, Facts, ObjectChange, Operation, Side},
    finding::{Action, Finding, Fix, RuleId, guide},
    kubernetes::Object,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::PreRelease,
    summary: "the data of a pre-release would be upgraded, which Camunda does not support",
    guide: guide::UPGRADE_PROCEDURE,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/pre-release.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    finding(change, facts).into_iter().collect()
}

fn finding(change: &Change, facts: &Facts) -> Option<Finding> {
    if !matches!(change.operation, Operation::Install | Operation::Upgrade) {
        return None;
    }
    let brokers = change.application(Application::ZEEBE, Side::Planned)?;
    let after = brokers.planned.as_deref()?.image()?;
    let running = change.application(Application::ZEEBE, Side::Running);
    let recorded = running.and_then(|it| it.running.as_deref());
    let live = facts.get(&running.unwrap_or(brokers).object);
    // An upgrade that failed may have brought its image up already.
    let images = [live, recorded].into_iter().flatten();
    let images = images.filter_map(Object::image);
    let wrote: Vec<_> = images.filter_map(pre_release).collect();
    let next = pre_release(after);
    if let Some(tag) = wrote.iter().find(|tag| Some(**tag) != next) {
        let to = tag_of(after).unwrap_or(after);
        return Some(warning(
            brokers,
            format!("The data of {tag}, a pre-release, would be upgraded to {to}"),
            vec!["Camunda supports no upgrade of a pre-release's data. From 8.8 on the brokers do not start on it.".to_owned()],
            vec![Fix::say(format!(
                "Keep image tag {tag} here, and install the released version beside it, as a release of its own that starts empty."
            ))],
        ));
    }
    let enters = next.filter(|tag| !wrote.contains(tag))?;
    let title = format!(
        "Camunda {enters} is a pre-release: its data can't be upgraded to any other version"
    );
    Some(warning(brokers, title, Vec::new(), Vec::new()))
}

fn warning(brokers: &ObjectChange, title: String, why: Vec<String>, fixes: Vec<Fix>) -> Finding {
    Finding {
        rule: RULE.id,
        action: Action::Warn,
        title,
        objects: vec![brokers.object.clone()],
        why,
        fixes,
        guide: RULE.guide,
    }
}
