//! `images-of-another-line`: the images would be of another line of Camunda than the chart.
//!
//! A chart writes the configuration that its own line reads. With image tags pinned in the values Helm installs a new chart
//! around old images, or the other way round, and exits with 0; which of them starts, and on whose data, is left to chance.
//! Optimize, Connectors, Console and Web Modeler have numbers of their own, and a tag that is no version is not judged.
//!
//! Any line. Beyond the guides.

use super::{Judge, Rule};

use crate::{
    camunda::{Line, image_version},
    change::{Change, Facts, Operation, Side, Versioned},
    finding::{Action, Finding, Fix, Moment, RuleId, guide},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ImagesOfAnotherLine,
    summary: "the images would be of another line of Camunda than the chart",
    guide: guide::VERSION_MATRIX,
    release: &[Action::Deny, Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/images-of-another-line.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

/// Camunda 8: who builds images of their own may count otherwise.
const MAJOR: u64 = 8;

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    finding(change, facts).into_iter().collect()
}

fn finding(change: &Change, facts: &Facts) -> Option<Finding> {
    // A rollback brings back what has been running.
    if !matches!(change.operation, Operation::Install | Operation::Upgrade) {
        return None;
    }
    let to = change.to.as_ref()?;
    let line = to.line?;
    let planned = change.images(Side::Planned);
    let running = change.images(Side::Running);
    let others: Vec<_> = planned
        .iter()
        .filter_map(|image| Some((image, minor(image)?)))
        .filter(|(image, minor)| {
            *minor != line.application && !was_so_before(change, facts, &running, image, minor)
        })
        .collect();
    let mut minors: Vec<_> = others.iter().map(|(_, minor)| minor.as_str()).collect();
    minors.sort_unstable();
    minors.dedup();
    if minors.is_empty() {
        return None;
    }
    let named = minors.join(" and ");
    let mut why = vec![format!(
        "Chart {} writes what Camunda {} reads: older images ignore a part of it, newer ones miss what they need.",
        to.version, line.application
    )];
    why.extend(others.iter().filter_map(|(image, _)| {
        let version = image.version.as_ref()?;
        Some(format!(
            "  {} {version} ({})",
            image.application.name(),
            image.object
        ))
    }));
    let keys = keys(change, &minors);
    if !keys.is_empty() {
        why.push(format!("Your values pin them: {}.", keys.join(", ")));
    }
    Some(Finding {
        rule: RULE.id,
        action: match change.operation {
            // There is no data yet that the other images could spoil.
            Operation::Install => Action::Warn,
            _ => Action::Deny,
        },
        title: format!(
            "Camunda {named} would run under chart {}, which is for {}",
            to.version, line.application
        ),
        objects: others
            .iter()
            .map(|(image, _)| image.object.clone())
            .collect(),
        why,
        fixes: fixes(change, line, &to.version, &minors),
        guide: RULE.guide,
    })
}

fn minor(image: &Versioned<'_>) -> Option<String> {
    let version = image.version.as_ref()?;
    (version.major == MAJOR).then(|| format!("{}.{}", version.major, version.minor))
}

/// Whether the application already ran in this minor version under a chart of another line.
fn was_so_before(
    change: &Change,
    facts: &Facts,
    running: &[Versioned<'_>],
    image: &Versioned<'_>,
    planned: &str,
) -> bool {
    let Some(from) = change.from.as_ref().and_then(|from| from.line) else {
        return false;
    };
    let is_it = |version: Option<semver::Version>| {
        version.is_some_and(|version| format!("{}.{}", version.major, version.minor) == planned)
    };
    let mut recorded = running
        .iter()
        .filter(|before| before.application == image.application);
    let live = facts.get(image.object).and_then(|live| live.image());
    from.application != planned
        && (recorded.any(|before| is_it(before.version.clone()))
            || is_it(live.and_then(image_version)))
}

/// The keys of the user's values that name tags of these minors.
fn keys(change: &Change, minors: &[&str]) -> Vec<String> {
    let leaves = change.values.leaves().into_iter();
    leaves
        .filter(|(key, value)| {
            let tag = value.as_str().filter(|_| key.ends_with("image.tag"));
            let version = tag.and_then(|tag| image_version(&format!("x:{tag}")));
            version.is_some_and(|version| {
                minors.contains(&format!("{}.{}", version.major, version.minor).as_str())
            })
        })
        .map(|(key, _)| change.values.key_in_file(&key))
        .collect()
}

fn fixes(change: &Change, line: &Line, chart: &str, minors: &[&str]) -> Vec<Fix> {
    let mut fixes = vec![Fix::say(format!(
        "Take what pins image tags out of your values: chart {chart} brings images of {}.",
        line.application
    ))];
    let theirs = match minors {
        [minor] => Line::all().iter().find(|line| line.application == *minor),
        _ => None,
    };
    if let Some(theirs) = theirs {
        let newest = change.newest_patches.of(theirs).version;
        let keep = format!(
            "Or keep the images, under a chart of theirs: {newest} is the newest for Camunda {}.",
            theirs.application
        );
        fixes.push(Fix::say(keep).at(Moment::Alternative));
    }
    fixes
}
