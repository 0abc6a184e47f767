//! What is to be typed: one compound command that stops at the first line that fails and may be pasted twice.

use super::{check, denied};
use crate::{
    change::{Change, Gate, Operation},
    finding::{
        COLLECTOR, Command, Finding, Fix, Flag, Kubectl, Moment, RuleId, Source, Upgrade, What,
        reader, shell,
    },
    fixes::upgrade_path,
    kubernetes::{Kind, ObjectRef},
    terminal::Piece,
};

/// The block of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What to know before it is pasted, a line each.
    pub know: Vec<String>,
    /// The block, for bash or zsh.
    pub script: String,
    /// The upgrade that ends it, if it ends with one.
    pub upgrade: Option<Upgrade>,
    /// What to do after it.
    pub then: Vec<Piece>,
    /// The flags that it speaks of, a line each.
    pub flags: Vec<String>,
}

impl Block {
    /// The block that cures all that refuses a change; none where there is nothing to type.
    pub fn of(change: &Change, findings: &[Finding]) -> Option<Block> {
        let cures = cures(findings);
        let is_typed = |fix: &&Fix| {
            let mut commands = fix.commands.iter();
            commands.any(|command| !matches!(command, Command::Manual(_)))
        };
        let mut fixes = cures.iter().flat_map(|cure| cure.fixes.iter().copied());
        fixes.find(is_typed)?;
        let flags = flags(&cures);
        let upgrade = upgrade(change, &cures, &flags);
        let mut script = Script {
            namespace: change.namespace.clone(),
            deleted: deleted(&cures),
            ..Script::default()
        };
        for cure in &cures {
            script.cure(cure);
        }
        let mut lines = vec!["(set -euo pipefail".to_owned()];
        lines.extend(upgrade.as_ref().and_then(Upgrade::needs));
        lines.extend(script.reads.then(|| reader(&change.namespace)));
        lines.extend(script.collects.then(|| COLLECTOR.to_owned()));
        lines.append(&mut script.lines);
        lines.extend(upgrade.as_ref().map(Upgrade::to_string));
        lines.push(")".to_owned());
        let (then, flags) = match &upgrade {
            Some(_) => (looked_at(change), Vec::new()),
            None => again(change, &flags),
        };
        Some(Block {
            know: know(change, upgrade.is_some(), script.stops),
            script: lines.join("\n"),
            then,
            flags,
            upgrade,
        })
    }

    /// What to do after it, as one sentence.
    pub fn said(&self) -> String {
        self.then.iter().map(Piece::text).collect()
    }
}

/// What to know before a block is pasted.
fn know(change: &Change, upgrades: bool, stops: Option<usize>) -> Vec<String> {
    let shells = match upgrades {
        true => "in bash or zsh. Set CHART and VALUES first. Add your other helm flags at the end.",
        false => "in bash or zsh",
    };
    let stopped = stops.map(|step| match change.gate {
        Gate::Release => format!("Pods are stopped from step {step} until the upgrade is through."),
        Gate::Object => format!("Pods are stopped from step {step} on."),
    });
    [shells.to_owned()].into_iter().chain(stopped).collect()
}

/// What tells whether all went well.
fn looked_at(change: &Change) -> Vec<Piece> {
    vec![
        Piece::prose("Afterwards: "),
        Piece::command(&check(change)),
        Piece::prose(" says what is left to be done."),
    ]
}

/// The steps that cure one finding, without those that are told above.
pub struct Cure<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The steps; none where no command cures it.
    pub fixes: Vec<&'a Fix>,
}

impl Cure<'_> {
    fn order(&self) -> u8 {
        order(&self.fixes)
    }
}

/// The place of steps in the block: backups come first, and what stops something comes last.
pub fn order(fixes: &[&Fix]) -> u8 {
    let mut commands = fixes.iter().flat_map(|fix| &fix.commands);
    let last = commands.any(takes_away);
    match fixes.iter().any(|fix| fix.moment == Moment::BackUp) {
        true => 0,
        false if last => 2,
        false => 1,
    }
}

/// Whether a command takes workloads away, or their pods.
fn takes_away(command: &Command) -> bool {
    stops(command) || changes(command, |what| *what == What::DeletedAlone)
}

/// Whether a command ends pods; those of a StatefulSet that is deleted alone stay at work.
fn stops(command: &Command) -> bool {
    changes(command, |what| {
        matches!(what, What::Scaled(0) | What::Deleted)
    })
}

fn changes(command: &Command, is_it: fn(&What) -> bool) -> bool {
    let effects = command.effects().iter();
    let mut workloads =
        effects.filter(|effect| matches!(effect.object.kind, Kind::StatefulSet | Kind::Deployment));
    workloads.any(|effect| is_it(&effect.what))
}

/// Whether a finding recommends another upgrade instead of this one.
pub fn goes_another_way(finding: &Finding) -> bool {
    let mut fixes = finding.fixes.iter();
    fixes.any(|fix| fix.moment == Moment::Instead)
}

/// What cures the findings, each step once, in the order of the block. Backups are made even where their rule only warns.
pub fn cures(findings: &[Finding]) -> Vec<Cure<'_>> {
    let another = denied(findings).find(|finding| goes_another_way(finding));
    let backed_up = findings.iter().filter(|finding| {
        let mut fixes = finding.fixes.iter();
        fixes.any(|fix| fix.moment == Moment::BackUp)
    });
    let refusing: Vec<_> = match another {
        Some(another) => vec![another],
        None => denied(findings).collect(),
    };
    let backups = backed_up.map(|finding| (finding, true));
    let others = refusing.into_iter().map(|finding| (finding, false));
    let mut told: Vec<&Fix> = Vec::new();
    let mut cures = Vec::new();
    for (finding, backs_up) in backups.chain(others) {
        let curing = || finding.fixes.iter().filter(|fix| fix.moment.cures());
        let fixes = curing().filter(|fix| (fix.moment == Moment::BackUp) == backs_up);
        let fixes: Vec<_> = fixes.filter(|fix| !told.contains(fix)).collect();
        told.extend(&fixes);
        // What nothing cures is told, too.
        if !fixes.is_empty() || curing().next().is_none() {
            cures.push(Cure { finding, fixes });
        }
    }
    cures.sort_by_key(Cure::order);
    cures
}

fn flags(cures: &[Cure<'_>]) -> Vec<Flag> {
    let fixes = cures.iter().flat_map(|cure| &cure.fixes);
    let mut flags = Vec::new();
    for flag in fixes
        .flat_map(|fix| &fix.commands)
        .filter_map(Command::flag)
    {
        if !flags.contains(flag) {
            flags.push(flag.clone());
        }
    }
    flags
}

/// The upgrade that ends the block, where Helm is at work and can be given what is needed.
fn upgrade(change: &Change, cures: &[Cure<'_>], flags: &[Flag]) -> Option<Upgrade> {
    let commands = cures.iter().flat_map(|cure| &cure.fixes);
    let mut commands = commands.flat_map(|fix| &fix.commands);
    let instead = commands.find_map(|command| match command {
        Command::Upgrade(upgrade) => Some(upgrade.clone()),
        _ => None,
    });
    let upgrade = instead.or_else(|| {
        let by_upgrade = match change.operation {
            Operation::Install | Operation::Upgrade => true,
            // `helm rollback` takes no values.
            Operation::Rollback | Operation::Deployed => !flags.is_empty(),
            Operation::Create | Operation::Update | Operation::Delete => false,
        };
        let to = change.to.as_ref().map(|to| to.version.as_str());
        let version = to.filter(|_| change.values.root().is_none());
        let is_release = change.gate == Gate::Release;
        (is_release && by_upgrade).then(|| upgrade_path::upgrade(change, version))
    })?;
    Some(Upgrade {
        flags: flags.to_vec(),
        ..upgrade
    })
}

/// What to do once all is typed, and with which flags.
fn again(change: &Change, flags: &[Flag]) -> (Vec<Piece>, Vec<String>) {
    let again = super::again(change);
    if flags.is_empty() {
        return (vec![Piece::prose(&format!("Then {again}."))], Vec::new());
    }
    let then = format!("Then render it with these flags more, and {again}:");
    let last = flags.len() - 1;
    let flags = flags.iter().enumerate().map(|(index, flag)| {
        let goes_on = if index < last { " \\" } else { "" };
        format!("  {flag}{goes_on}")
    });
    (vec![Piece::prose(&then)], flags.collect())
}

/// The lines of a block so far.
#[derive(Default)]
struct Script {
    lines: Vec<String>,
    step: usize,
    /// The first step that stops pods.
    stops: Option<usize>,
    /// The namespace of the Secrets that are read.
    namespace: String,
    /// Whether any is.
    reads: bool,
    /// Whether a Secret is made of values.
    collects: bool,
    /// What is gone where the block is pasted a second time.
    deleted: Vec<ObjectRef>,
}

/// The objects that a block deletes.
fn deleted(cures: &[Cure<'_>]) -> Vec<ObjectRef> {
    let fixes = cures.iter().flat_map(|cure| &cure.fixes);
    let commands = fixes.flat_map(|fix| &fix.commands);
    let effects = commands.flat_map(Command::effects);
    let deleted = effects.filter(|effect| effect.what.deletes());
    deleted.map(|effect| effect.object.clone()).collect()
}

impl Script {
    /// What prints a value.
    fn read(&mut self, value: &Source) -> String {
        let shortly = value.shortly(&self.namespace);
        self.reads |= shortly.is_some();
        shortly.unwrap_or_else(|| value.to_string())
    }

    fn cure(&mut self, cure: &Cure<'_>) {
        let rule = cure.finding.rule;
        if cure.fixes.is_empty() {
            let what = format!(
                "{}. No command cures this; camunda-upgrade-guard explain {rule} says what does.",
                cure.finding.title
            );
            self.decide(rule, &what);
        }
        for fix in &cure.fixes {
            self.fix(rule, fix);
        }
    }

    fn fix(&mut self, rule: RuleId, fix: &Fix) {
        let (commands, said): (Vec<_>, Vec<_>) = fix
            .commands
            .iter()
            .filter(|command| command.flag().is_none() && !matches!(command, Command::Upgrade(_)))
            .partition(|command| !matches!(command, Command::Manual(_)));
        let said: Vec<_> = said.iter().map(|command| command.text()).collect();
        let ask = format!("{} {}", fix.intro, said.join("; "));
        // What a file leaves to decide is seen once it is there.
        let is_looked_at = !commands.is_empty() && commands.iter().all(|command| command.makes());
        if fix.decides() && !is_looked_at {
            self.decide(rule, &ask);
        }
        if !commands.is_empty() {
            self.step += 1;
            let intro = fix.intro.trim_end_matches([':', '.']);
            let told = format!("{}. {}", self.step, shell::on_one_line(intro));
            self.lines.push(format!("echo {}", shell::quote(&told)));
        }
        for command in &commands {
            if stops(command) && self.stops.is_none() {
                self.stops = Some(self.step);
            }
            let line = self.typed(command);
            self.lines.push(line);
        }
        if fix.decides() && is_looked_at {
            self.decide(rule, &ask);
        }
    }

    fn typed(&mut self, command: &Command) -> String {
        match command {
            Command::Decide(command) => self.typed(command),
            Command::Once { there, command } => format!("{there} || {}", self.typed(command)),
            Command::NewSecret(secret) if secret.namespace == self.namespace => {
                let made = secret.made();
                self.reads |= made.reads;
                self.collects |= made.collects;
                made.command
            }
            Command::Kubectl(_) => {
                let mut effects = command.effects().iter();
                let goes = effects.find(|effect| {
                    let needs_it = !effect.what.deletes() && effect.what != What::AwaitedGone;
                    needs_it && self.deleted.contains(&effect.object)
                });
                match goes {
                    Some(effect) => format!("{} || {command}", Kubectl::is_gone(&effect.object)),
                    None => command.text(),
                }
            }
            // An assignment of its own fails when its command does.
            Command::Export { variable, value } => format!("{variable}=$({})", self.read(value)),
            other => other.text(),
        }
    }

    /// Goes on only for somebody who has decided.
    fn decide(&mut self, rule: RuleId, what: &str) {
        let variable = rule.name().to_uppercase().replace(['-', '.'], "_");
        let what = shell::on_one_line(what);
        let what = format!("{what} Then set {variable}=decided and paste this again.");
        self.lines.push(format!(
            "test \"${{{variable}:-}}\" = decided || {{\n  echo {} >&2\n  exit 1\n}}",
            shell::quote(&what)
        ));
    }
}
