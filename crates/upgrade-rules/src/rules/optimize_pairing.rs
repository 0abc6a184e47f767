//! `optimize-pairing`: an Optimize that this chart can't configure.
//!
//! Optimize 3.10.1 brought an environment variable for its redirection that no chart before 8.2.9 sets rightly, and
//! 3.10.3 another way that charts from 8.2.9 on use: each works with its own charts only.
//!
//! Chart 8.2.9. Documented: "v8.2.9".

use semver::Version;

use super::{Judge, Rule};

use crate::{
    camunda::{Application, image_version},
    change::{Change, ChartVersion, Facts},
    finding::{Action, Finding, Fix, Flag, RuleId, guide},
    kubernetes::Object,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::OptimizePairing,
    summary: "an Optimize that the chart does not fit",
    guide: guide::V8_2_9,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/optimize-pairing.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    let found = change.objects.iter().filter(|object| object.camunda);
    found
        .filter_map(|object| {
            let (optimize, fitting) = misfit(change.to.as_ref(), object.planned.as_deref()?)?;
            // What runs like that is for whoever runs it to mend.
            let before = object.running.as_deref();
            if before.is_some_and(|before| {
                misfit(change.from.as_ref(), before).is_some_and(|(running, _)| running == optimize)
            }) {
                return None;
            }
            let chart = &change.to.as_ref()?.version;
            Some(Finding {
                rule: RULE.id,
                action: Action::Deny,
                title: format!("Optimize {optimize} does not work with chart {chart}"),
                objects: vec![object.object.clone()],
                why: vec![
                    "Optimize 3.10.1 and 3.10.2 belong to charts 8.2.0 to 8.2.8, 3.10.3 to 8.2.9 and later.".to_owned(),
                ],
                fixes: vec![Fix::new(
                    "Take optimize.image.tag out of your values, or add to your helm upgrade:",
                    [Flag::set_string("optimize.image.tag", fitting.to_string())],
                )],
                guide: RULE.guide,
            })
        })
        .collect()
}

/// Optimize's version and one that fits, where it does not fit the chart.
fn misfit(chart: Option<&ChartVersion>, workload: &Object) -> Option<(Version, &'static str)> {
    if Application::of(workload) != Some(Application::OPTIMIZE) {
        return None;
    }
    let chart = chart?;
    let optimize = image_version(workload.image()?)?;
    let lines = chart.line?.with_earlier().iter();
    let mut pairings = lines.filter_map(|line| Some((line, line.optimize.as_ref()?)));
    let (line, pairing) = pairings.next_back()?;
    let first = Version::parse(&pairing.since).ok()?;
    let is_in = |listed: &[String]| listed.contains(&optimize.to_string());
    let is_older = *chart.parsed.as_ref()? < first;
    let is_misfit = match is_older {
        true => is_in(&pairing.after) && chart.line?.position() == line.position(),
        false => is_in(&pairing.before),
    };
    let fitting = if is_older {
        &pairing.before
    } else {
        &pairing.after
    };
    Some((optimize, fitting.last()?.as_str())).filter(|_| is_misfit)
}
