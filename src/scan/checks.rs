//! The checks of a scan: what would stop a release's next upgrade today, and what else is at risk.

mod claims;
mod credentials;
mod helm;
mod workloads;

use super::Problem;
use crate::{
    change::{Facts, RenderedObject},
    finding::{Action, Command, RuleId, shell},
    forecast::{Forecast, InstalledRelease},
    gather::Recorded,
    kubernetes::{Kind, Object},
    report::Documented,
    rules::{self, NOT_CHECKED},
};

/// A release under check.
struct Look<'a> {
    standing: &'a InstalledRelease,
    facts: &'a Facts,
    next: Option<&'a Forecast>,
}

/// Returns all problems of a release.
pub(super) fn problems(
    recorded: Option<&Recorded>,
    standing: &InstalledRelease,
    facts: &Facts,
    next: Option<&Forecast>,
) -> Vec<Problem> {
    let look = Look {
        standing,
        facts,
        next,
    };
    let mut problems = Vec::new();
    problems.extend(recorded.and_then(helm::unfinished));
    problems.extend(look.refused());
    problems.extend(look.migrations());
    problems.extend(look.other_lines());
    problems.extend(look.deletable_volumes());
    problems.extend(look.brokers_without_group());
    problems.extend(look.credentials());
    problems.extend(look.other_majors());
    problems.extend(look.left_over_claims());
    problems.extend(look.lost_claims());
    problems.extend(look.idle_volumes());
    problems
}

impl Look<'_> {
    /// Returns the live object of a rendered one, or the rendered one if it could not be read.
    fn live<'a>(&'a self, object: &'a RenderedObject) -> &'a Object {
        self.facts.get(&object.reference).unwrap_or(&object.object)
    }

    fn workloads(&self) -> impl Iterator<Item = &RenderedObject> {
        let kinds = [Kind::StatefulSet, Kind::Deployment, Kind::Job];
        let objects = self.standing.rendered.objects.iter();
        objects.filter(move |it| it.camunda && kinds.contains(&it.reference.kind))
    }

    fn claims(&self) -> impl Iterator<Item = &Object> {
        let (facts, release) = (self.facts, self.standing.release.as_str());
        let claims = facts.claims(&self.standing.namespace);
        claims.filter(move |claim| facts.release_of(claim) == Some(release))
    }

    /// Returns this program's own command that cures a rule's finding.
    fn own_command(&self, rule: RuleId) -> Option<Command> {
        let name = match rule {
            RuleId::ElasticsearchClaimsOrphaned => "rebind",
            RuleId::ElasticsearchClaimLabels => "relabel",
            _ => return None,
        };
        let InstalledRelease {
            release, namespace, ..
        } = self.standing;
        let words = [shell::PROGRAM, name, release, "-n", namespace];
        Some(Command::Shell(shell::command(words)))
    }

    /// Returns what the rules would refuse in an upgrade to the newest patch of the next line with today's values.
    fn refused(&self) -> Vec<Problem> {
        let Some(next) = self.next else {
            return Vec::new();
        };
        let findings = rules::judge(&next.change, self.facts).into_iter();
        let refusals = findings.filter(|it| it.action == Action::Deny && it.rule != NOT_CHECKED);
        refusals
            .map(|finding| {
                let ways = finding.fixes.into_iter().filter(|fix| fix.moment.cures());
                let cure = match self.own_command(finding.rule) {
                    Some(command) => vec![command],
                    None => ways.flat_map(|fix| fix.commands).collect(),
                };
                Problem {
                    rule: Some(finding.rule),
                    stops: true,
                    title: finding.title,
                    why: finding.why,
                    objects: finding.objects,
                    cure,
                    documentation: Some(Documented::of(finding.rule, finding.guide)),
                }
            })
            .collect()
    }
}
