//! What would stop the next upgrade of a release today, and what is at risk beside it.

use super::Problem;
use crate::{
    camunda::{self, Application, Component, Line, Supply, is_elastics, running_line},
    change::{RenderedObject, secret_data},
    claims::{holds_data, is_retained},
    facts::Facts,
    finding::{Action, Command},
    forecast::{Forecast, Standing},
    gather::Recorded,
    migration::{self, State},
    object::{Kind, Object},
    release::Status,
    rules, shell,
};

/// What the version on the way alone brings, and `plan` sees to by itself.
const OF_EVERY_UPGRADE: [&str; 1] = ["not-checked"];

/// A release as it is looked at.
struct Look<'a> {
    standing: &'a Standing,
    facts: &'a Facts,
    next: Option<&'a Forecast>,
}

/// All that is to be done about a release.
pub(super) fn problems(
    recorded: Option<&Recorded>,
    standing: &Standing,
    facts: &Facts,
    next: Option<&Forecast>,
) -> Vec<Problem> {
    let look = Look {
        standing,
        facts,
        next,
    };
    let mut problems = Vec::new();
    problems.extend(recorded.and_then(unfinished));
    problems.extend(look.refused());
    problems.extend(look.migrations());
    problems.extend(look.other_lines());
    problems.extend(look.deletable_volumes());
    problems.extend(look.brokers_without_group());
    problems.extend(look.credentials());
    problems.extend(look.other_majors());
    problems.extend(look.left_over_claims());
    problems.extend(look.lost_claims());
    problems
}

/// What Helm has begun and not ended.
fn unfinished(recorded: &Recorded) -> Option<Problem> {
    let (release, namespace) = (&recorded.release, &recorded.namespace);
    let newest = recorded.newest()?;
    let history = shell::command(["helm", "history", release, "-n", namespace]);
    let title = format!("Revision {} is {}", newest.number, newest.status);
    let running = recorded.running();
    match newest.status {
        Status::Failed => Some(Problem {
            rule: None,
            stops: false,
            title,
            why: vec!["Part of it may have been applied.".to_owned()],
            cure: vec![Command::Shell(history)],
        }),
        status if status.is_pending() => {
            let back = running.map(|running| {
                let revision = running.number.to_string();
                let words = ["helm", "rollback", release, &revision, "-n", namespace];
                Command::Shell(shell::command(words))
            });
            Some(Problem {
                rule: None,
                stops: true,
                title,
                why: vec![
                    "Where no helm is at work on it, it was cut off, and Helm refuses every other upgrade until it is rolled back."
                        .to_owned(),
                ],
                cure: vec![back.unwrap_or(Command::Shell(history))],
            })
        }
        _ => None,
    }
}

impl Look<'_> {
    /// A running object, as it is live where that could be read.
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

    /// What the rules would refuse of an upgrade to the newest patch of the next line with the values of now.
    fn refused(&self) -> Vec<Problem> {
        let Some(next) = self.next else {
            return Vec::new();
        };
        let findings = rules::judge(&next.change, self.facts).into_iter();
        let refusals =
            findings.filter(|it| it.action == Action::Deny && !OF_EVERY_UPGRADE.contains(&it.rule));
        refusals
            .map(|finding| {
                let ways = finding.fixes.into_iter().filter(|fix| !fix.instead);
                Problem {
                    rule: Some(finding.rule),
                    stops: true,
                    title: finding.title,
                    why: finding.why,
                    cure: ways.flat_map(|fix| fix.commands).collect(),
                }
            })
            .collect()
    }

    /// Migrations of 13 that did not come to their end; where the next line is entered the rules say so.
    fn migrations(&self) -> Option<Problem> {
        let jobs = self.workloads().filter(|it| it.reference.kind == Kind::Job);
        let jobs: Vec<_> = jobs
            .filter(|it| {
                let application = Application::of(&it.object);
                matches!(
                    application,
                    Some(Application::DataMigration | Application::IdentityMigration)
                )
            })
            .filter(|it| migration::state(self.live(it)) == State::Failed)
            .collect();
        if jobs.is_empty() {
            return None;
        }
        let named = jobs.iter().map(|it| it.reference.to_string());
        Some(Problem {
            rule: Some("migration-unfinished"),
            stops: false,
            title: "A migration has failed".to_owned(),
            why: named.collect(),
            cure: jobs
                .iter()
                .map(|it| migration::logs(&it.reference))
                .collect(),
        })
    }

    /// Workloads with images of another line than the chart's.
    fn other_lines(&self) -> Option<Problem> {
        let own = self.standing.chart.line?;
        let minors = [
            Application::Zeebe,
            Application::Gateway,
            Application::Operate,
            Application::Tasklist,
            Application::Identity,
        ];
        let others = self.workloads().filter_map(|it| {
            let live = self.live(it);
            let counts = Application::of(live).is_some_and(|it| minors.contains(&it));
            let (version, line) = running_line(live).filter(|_| counts)?;
            let other = line.position() != own.position();
            other.then(|| format!("{} runs {version}", it.reference))
        });
        let why: Vec<_> = others.collect();
        (!why.is_empty()).then(|| Problem {
            rule: Some("component-versions-differ"),
            stops: false,
            title: format!(
                "Not all runs Camunda {}, which the chart is for",
                own.application
            ),
            why,
            cure: Vec::new(),
        })
    }

    /// Volumes that are deleted with their claims.
    fn deletable_volumes(&self) -> Option<Problem> {
        let bound = self.claims().filter(|claim| holds_data(claim));
        let volumes: Vec<_> = bound
            .filter_map(|claim| Some((claim, self.facts.volume_of(claim)?)))
            .filter(|(_, volume)| !is_retained(volume))
            .collect();
        if volumes.is_empty() {
            return None;
        }
        let why = volumes
            .iter()
            .map(|(claim, volume)| format!("{} of claim {}", volume.name(), claim.name()));
        let names = volumes.iter().map(|(_, volume)| volume.name());
        Some(Problem {
            rule: Some("volume-not-retained"),
            stops: false,
            title: "Volumes would be deleted with their claims".to_owned(),
            why: why.collect(),
            cure: vec![Command::Shell(rules::retain(names))],
        })
    }

    /// Brokers that run as root on volumes that no group may write, where the next line has them run as another user.
    fn brokers_without_group(&self) -> Option<Problem> {
        let user = self.next?.change.target_line()?.image_user?;
        let was_root = self.standing.chart.line?.image_user.is_none();
        let brokers = self.workloads().find(|it| {
            it.component == Component::Zeebe && it.reference.kind == Kind::StatefulSet
        })?;
        let group = self
            .live(brokers)
            .at("/spec/template/spec/securityContext/fsGroup");
        (was_root && group.is_none_or(serde_json::Value::is_null)).then(|| Problem {
            rule: Some("user-id-changed"),
            stops: false,
            title: format!("The brokers run as root without fsGroup, and the next line runs them as user {user}"),
            why: vec![format!(
                "The next chart sets zeebe.podSecurityContext.fsGroup to {user}: leave it so, and the storage class has to apply it."
            )],
            cure: Vec::new(),
        })
    }

    /// Credentials that only the Secrets of the release hold.
    fn credentials(&self) -> Option<Problem> {
        let secrets = self.standing.rendered.objects.iter();
        let secrets = secrets.filter(|it| it.camunda && it.reference.kind == Kind::Secret);
        let generated = secrets.flat_map(|it| {
            let charts = it.charts.as_deref();
            let keys = secret_data(&it.object).into_keys().filter(move |key| {
                let found = camunda::credential(&it.object, key, charts, self.standing.chart.line);
                found.is_some_and(|found| match found.supply {
                    Supply::Value(value) => self.standing.rendered.values.get(&value).is_none(),
                    Supply::WithoutGeneration => true,
                })
            });
            keys.map(|key| format!("{} ({key})", it.reference.name))
        });
        let why: Vec<_> = generated.collect();
        let (release, namespace) = (&self.standing.release, &self.standing.namespace);
        let secret = format!("{release}-credentials-saved");
        let rescue = [
            "camunda-upgrade-guard",
            "rescue",
            release,
            "-n",
            namespace,
            "--to",
            &secret,
        ];
        (!why.is_empty()).then(|| Problem {
            rule: Some("reinstall-over-old-claims"),
            stops: false,
            title: format!(
                "{} credentials are in no values: whoever uninstalls the release loses them, and the data knows no others",
                why.len()
            ),
            why,
            cure: vec![Command::Shell(shell::command(rescue))],
        })
    }

    /// Databases that are kept back, whose pin the next upgrade has to repeat.
    fn other_majors(&self) -> Vec<Problem> {
        let databases = self
            .workloads()
            .filter(|it| rules::is_postgresql(it.component));
        let line = self.standing.chart.line;
        let kept = databases.filter_map(|it| {
            let live = rules::postgresql_major(self.live(it))?;
            let brought = brought(line?, it.component)?;
            (live != brought).then(|| Problem {
                rule: Some("postgresql-major-upgrade"),
                stops: false,
                title: format!(
                    "{} is of version {live}, and the chart brings {brought}",
                    it.component.name()
                ),
                why: vec!["Every upgrade has to be given its image's tag again.".to_owned()],
                cure: Vec::new(),
            })
        });
        kept.collect()
    }

    /// Claims of elastic's chart that nothing mounts any more.
    fn left_over_claims(&self) -> Option<Problem> {
        let release = self.standing.release.as_str();
        let left = self.claims().filter(|claim| {
            is_elastics(claim, release) && holds_data(claim) && self.facts.mounting(claim).is_none()
        });
        let why: Vec<_> = left.map(|claim| claim.name().to_owned()).collect();
        (!why.is_empty()).then(|| Problem {
            rule: Some("elasticsearch-claims-orphaned"),
            stops: false,
            title: "Claims of the old Elasticsearch hold data that nothing mounts".to_owned(),
            why,
            cure: Vec::new(),
        })
    }

    /// Claims that have lost their volumes.
    fn lost_claims(&self) -> Option<Problem> {
        let lost = self.claims();
        let lost: Vec<_> = lost
            .filter(|claim| claim.str("/status/phase") == Some("Lost"))
            .map(Object::name)
            .collect();
        let delete = ["delete", "pvc"].into_iter().chain(lost.iter().copied());
        let delete = shell::kubectl(&self.standing.namespace, delete);
        (!lost.is_empty()).then(|| Problem {
            rule: Some("after-upgrade"),
            stops: false,
            title: "Claims have lost their volumes".to_owned(),
            why: lost.iter().map(|name| (*name).to_owned()).collect(),
            cure: vec![Command::Shell(delete)],
        })
    }
}

/// The major version of the database that a line's chart brings along.
fn brought(line: &Line, component: Component) -> Option<u64> {
    let mut facts = line.workloads.iter();
    let fact = facts.find(|fact| fact.component == Some(component))?;
    camunda::image_version(&fact.image).map(|version| version.major)
}
