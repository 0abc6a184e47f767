//! Turns the rules' findings into steps.

use super::{Know, Step, hop::as_a_step};
use crate::{
    camunda::{Application, Component, Note},
    change::{Change, Side},
    finding::{Action, Command, Finding, Fix, Flag, Moment, RuleId},
    fixes::convert::ValuesFile,
    kubernetes::Kind,
    rules::{note_title, notes as notes_of},
};

/// Rules for which the plan has its own steps: backups, credentials, volumes to hand over, the versions on the way, notes.
const OWN: [RuleId; 6] = [
    RuleId::ReleaseNotes,
    RuleId::BackupFirst,
    RuleId::KeycloakMajorUpgrade,
    RuleId::IdentitySecretRegenerated,
    RuleId::ElasticsearchClaimsOrphaned,
    RuleId::UpgradePathNotLatestPatch,
];

/// Rules whose fixes stop something that runs.
const STOPPING: [RuleId; 2] = [
    RuleId::ElasticsearchClaimLabels,
    RuleId::ImmutableFieldChanged,
];

/// The steps, flags and notes that follow from findings.
#[derive(Default)]
pub(super) struct FromFindings {
    pub(super) steps: Vec<Step>,
    pub(super) flags: Vec<Flag>,
    pub(super) know: Vec<Know>,
}

/// Turns findings into steps, flags and notes.
///
/// Fixes that are part of a file that the plan writes are left to that file.
pub(super) fn told(change: &Change, findings: &[Finding], files: &[ValuesFile]) -> FromFindings {
    let mut told = FromFindings::default();
    for finding in findings.iter().filter(|it| !OWN.contains(&it.rule)) {
        match finding.action {
            Action::Deny => told.refused(change, finding, files),
            _ => told.know.push(Know::of(finding)),
        }
    }
    told
}

/// Returns the upgrade guides' notes on the charts on the way, if they concern a running component.
pub(super) fn notes(change: &Change) -> Vec<Know> {
    let has = |component: Component| {
        let mut sets = change.of_kind(Kind::StatefulSet);
        sets.any(|set| set.camunda && set.component == component)
    };
    let runs = |application: Application| {
        let on = |side| change.application(application, side).is_some();
        on(Side::Running) || on(Side::Planned)
    };
    let concerns =
        |note: &&Note| note.component.is_none_or(has) && note.application.is_none_or(runs);
    let know = |note| Know {
        rule: RuleId::ReleaseNotes,
        title: note_title(note),
        why: Vec::new(),
        fixes: Vec::new(),
    };
    notes_of(change).filter(concerns).map(know).collect()
}

impl Know {
    fn of(finding: &Finding) -> Self {
        Self {
            rule: finding.rule,
            title: finding.title.clone(),
            why: finding.why.clone(),
            fixes: finding.fixes.clone(),
        }
    }
}

impl FromFindings {
    fn refused(&mut self, change: &Change, finding: &Finding, files: &[ValuesFile]) {
        let (mut commands, flags) = cures(finding, files);
        let instead = finding.fixes.iter().filter(|fix| !fix.moment.cures());
        let instead: Vec<_> = instead.cloned().collect();
        let is_flagged = !flags.is_empty();
        self.flags.extend(flags);
        // One command may cure what several rules find.
        let done = |it: &Command| self.steps.iter().any(|step| step.commands.contains(it));
        commands.retain(|command| !done(command));
        if commands.is_empty() && is_flagged && !instead.is_empty() {
            self.know.push(Know::of(finding));
        }
        if commands.is_empty() && finding.fixes.is_empty() {
            commands.push(Command::Manual(format!(
                "Nothing that can be typed cures this; camunda-upgrade-guard explain {} says what does.",
                finding.rule
            )));
        }
        if commands.is_empty() {
            return;
        }
        let manual = |command: &Command| matches!(command, Command::Manual(_));
        let moment = match finding.rule {
            rule if STOPPING.contains(&rule) => Moment::Stop,
            _ if commands.iter().all(manual) => Moment::Decide,
            _ => Moment::Before,
        };
        let mut why = finding.why.clone();
        if finding.rule == RuleId::ElasticsearchClaimLabels {
            why.push(format!(
                "camunda-upgrade-guard relabel {} -n {} does the same and looks at each step.",
                change.release, change.namespace
            ));
        }
        let step = Step::new(moment, title(finding), commands);
        self.steps.push(Step {
            why,
            instead,
            ..step
        });
    }
}

/// Returns the commands that resolve a finding, and the flags for the upgrade; of several alternatives the first counts.
fn cures(finding: &Finding, files: &[ValuesFile]) -> (Vec<Command>, Vec<Flag>) {
    let (mut all, mut flags) = (Vec::new(), Vec::new());
    let is_written = |fix: &Fix| {
        let mut commands = fix.commands.iter();
        commands.any(|command| files.iter().any(|file| file.is_about(command)))
    };
    let ways = finding.fixes.iter().filter(|fix| fix.moment.cures());
    for fix in ways.filter(|fix| !is_written(fix)) {
        if fix.commands.is_empty() {
            all.push(Command::Manual(fix.intro.clone()));
        }
        for command in &fix.commands {
            match command {
                Command::HelmFlag(flag) => flags.push(flag.clone()),
                command => all.push(match as_a_step(command.clone()) {
                    Command::Manual(text) => Command::Manual(format!("{} {text}", fix.intro)),
                    Command::Upgrade(upgrade) => {
                        Command::Manual(format!("{} {upgrade}", fix.intro))
                    }
                    command => command,
                }),
            }
        }
    }
    (all, flags)
}

/// A finding says what would happen, a step what is done about it.
fn title(finding: &Finding) -> String {
    let does = match finding.rule {
        RuleId::ElasticsearchClaimLabels => {
            "Label Elasticsearch's claims and delete its StatefulSet"
        }
        RuleId::ImmutableFieldChanged => "Delete what Kubernetes does not let change; claims stay",
        RuleId::MigrationUnfinished => "Wait for the migrations of before",
        RuleId::VolumeNotRetained => "Retain volumes",
        _ => finding.title.as_str(),
    };
    format!("{does} [{}]", finding.rule)
}
