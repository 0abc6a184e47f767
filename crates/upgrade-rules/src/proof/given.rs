//! What an upgrade is given by flags and files, and what the chart makes of that, as far as it is known.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

use super::{live::printed, unfit::Unfit};
use crate::{
    camunda::{self, Component, Supply, broker_count, node_count},
    change::{Change, Facts, ObjectChange, Operation, secret_data},
    finding::{Action, Command, Finding, Flag, Given, Source},
    fixes::{conversion, convert::ValuesFile},
    forecast::InstalledRelease,
    helm::values::{Values, overlay, set},
    knowledge::hub::{PHASE, Phase, is_hub, quiesced},
    kubernetes::{Kind, Object, ObjectRef, json},
    rules,
};

/// What stands for a value that only a person knows.
const ANY: &str = "0123456789abcdef0123456789abcdef";

/// How a cure by flags and files turns out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It cures its finding.
    Cured,
    /// Its finding stays.
    Refused,
    /// Only the chart tells.
    Unknown,
}

/// The flags and files of findings, with all that is typed for them.
pub(super) struct Upgraded {
    /// The keys whose place in the manifest is known.
    placed: BTreeSet<String>,
    /// A key that the new chart demands and that is not given.
    demanded: Option<String>,
    /// What refuses the manifest with the values in their places.
    adapted: Vec<Finding>,
    /// What refuses the predicted upgrade without the values, and with them.
    predicted: Option<[Vec<Finding>; 2]>,
    /// Whether the prediction is the same with the values although the chart may do something about them.
    is_blind: bool,
}

/// The commands that cure findings.
fn curing<'a>(findings: &[&'a Finding]) -> impl Iterator<Item = &'a Command> {
    let fixes = findings.iter().flat_map(|finding| &finding.fixes);
    let curing = fixes.filter(|fix| fix.moment.cures());
    curing.flat_map(|fix| &fix.commands)
}

/// The flags that cure a finding.
fn flags(finding: &Finding) -> Vec<&Flag> {
    curing(&[finding]).filter_map(Command::flag).collect()
}

/// Whether a finding's cure gives the upgrade anything, or is to.
pub(super) fn gives(files: &[ValuesFile], finding: &Finding) -> bool {
    let findings = [finding];
    let mut commands = curing(&findings);
    commands
        .any(|command| command.flag().is_some() || files.iter().any(|file| file.is_about(command)))
}

/// Returns what a cure lacks: a variable that nothing sets, a value that is not there, a file that nothing writes or takes.
pub(super) fn lacks(
    facts: &Facts,
    files: &[ValuesFile],
    findings: &[&Finding],
    finding: &Finding,
) -> Option<Unfit> {
    let of_command = |command: &Command| match command {
        Command::HelmFlag(Flag::Value {
            value: Given::Variable(variable),
            ..
        }) => {
            let source = source(findings, variable);
            source.is_none().then(|| Unfit::Unset(variable.clone()))
        }
        Command::HelmFlag(Flag::File(name)) => {
            let file = files.iter().find(|file| file.name == *name);
            let writes = |command: &Command| {
                command.flag().is_none() && file.is_some_and(|file| file.is_about(command))
            };
            let written = curing(findings).any(writes);
            (!written).then(|| Unfit::Unwritten(name.clone()))
        }
        Command::Export { value, .. } => printed(facts, value).err(),
        other => {
            let file = files.iter().find(|file| file.is_about(other))?;
            let takes = |flag: &Flag| matches!(flag, Flag::File(name) if *name == file.name);
            let taken = curing(findings).filter_map(Command::flag).any(takes);
            (!taken).then(|| Unfit::Ungiven(file.name.clone()))
        }
    };
    curing(&[finding]).find_map(of_command)
}

/// Returns the key that the Secret which the converted values name still lacks once all is typed.
pub(super) fn lacks_key(
    change: &Change,
    facts: &Facts,
    after: &Facts,
    findings: &[&Finding],
) -> Option<Unfit> {
    let gives_files = |flag: &Flag| matches!(flag, Flag::File(_));
    if !curing(findings).filter_map(Command::flag).any(gives_files) {
        return None;
    }
    let (name, keys) = conversion::secret_keys(change, facts)?;
    let secret = ObjectRef::new(Kind::Secret, &change.namespace, name);
    if facts.unread(&secret) || facts.get(&secret).is_some_and(Object::has_controller) {
        return None;
    }
    let made = after.get(&secret).map(secret_data).unwrap_or_default();
    let key = keys
        .into_iter()
        .find(|key| !made.contains_key(key.as_str()))?;
    Some(Unfit::Missing(secret, key))
}

fn source<'a>(findings: &[&'a Finding], name: &str) -> Option<&'a Source> {
    curing(findings).find_map(|command| match command {
        Command::Export { variable, value } if variable == name => Some(value),
        _ => None,
    })
}

impl Upgraded {
    /// `after` is what is live once all else is typed.
    pub(super) fn of(
        change: &Change,
        facts: &Facts,
        after: &Facts,
        given: &Map<String, Value>,
    ) -> Self {
        let (adapted, placed) = adapted(change, given);
        let demanded = demanded(change, facts, given);
        let predicted = predicted(change, given);
        let is_blind = predicted.as_ref().is_some_and(|both| {
            let [without, with] = both.each_ref().map(|change| {
                let planned = change.objects.iter().map(|object| &object.planned);
                planned.collect::<Vec<_>>()
            });
            without == with && may_know(change, given)
        });
        let predicted =
            predicted.map(|[without, with]| [refusals(&without, facts), refusals(&with, after)]);
        Self {
            adapted: refusals(&adapted, after),
            placed,
            demanded,
            predicted,
            is_blind,
        }
    }

    /// How the cure of a finding turns out.
    pub(super) fn outcome(&self, change: &Change, finding: &Finding) -> Outcome {
        // What a command prints is no value that is known here.
        let is_printed = |flag: &&Flag| matches!(flag, Flag::Printed(_));
        if flags(finding).iter().any(is_printed) {
            return Outcome::Unknown;
        }
        let is_placed = |flag: &&Flag| matches!(flag, Flag::Value { key, .. } if self.placed.contains(change.values.own_key(key)));
        if flags(finding).iter().any(is_placed) {
            let demands = finding.rule == rules::PASSWORDS && self.demanded.is_some();
            return match demands || refuses(&self.adapted, finding) {
                true => Outcome::Refused,
                false => Outcome::Cured,
            };
        }
        match &self.predicted {
            Some(_) if self.is_blind => Outcome::Unknown,
            Some([without, _]) if !refuses(without, finding) => Outcome::Unknown,
            Some([_, with]) if refuses(with, finding) => Outcome::Refused,
            Some(_) => Outcome::Cured,
            None => Outcome::Unknown,
        }
    }
}

/// Whether the chart has defaults for some of the values, as far as its defaults are known.
fn may_know(change: &Change, given: &Map<String, Value>) -> bool {
    let given = Values::default().with(given.clone());
    let mut keys = given.leaves().into_iter();
    !change.defaults.are_known() || keys.any(|(key, _)| change.defaults.knows(&key))
}

fn refusals(change: &Change, facts: &Facts) -> Vec<Finding> {
    let mut findings = rules::judge(change, facts);
    findings.retain(|finding| finding.action == Action::Deny);
    findings
}

/// Whether a finding, or a part of it, is among others.
pub(super) fn refuses(left: &[Finding], finding: &Finding) -> bool {
    let mut of_rule = left.iter().filter(|left| left.rule == finding.rule);
    of_rule.any(|left| {
        let mut objects = left.objects.iter();
        left.objects == finding.objects || objects.any(|object| finding.objects.contains(object))
    })
}

/// The values of a finding's flags and files, as Camunda's own chart has them; `findings` set the variables.
pub(super) fn given(
    change: &Change,
    facts: &Facts,
    files: &[ValuesFile],
    findings: &[&Finding],
    finding: &Finding,
) -> Map<String, Value> {
    let mut values = Map::new();
    let flags = flags(finding);
    let named = |name: &str| {
        flags
            .iter()
            .any(|flag| matches!(flag, Flag::File(file) if file == name))
    };
    for file in files.iter().filter(|file| named(&file.name)) {
        overlay(&mut values, file.values.clone());
    }
    for flag in &flags {
        let Flag::Value { key, value } = flag else {
            continue;
        };
        let read = || match value {
            Given::Variable(variable) => {
                let value = printed(facts, source(findings, variable)?).ok()?;
                Some(String::from_utf8_lossy(&value).into_owned().into())
            }
            _ => None,
        };
        let value = value.open().or_else(read).unwrap_or_else(|| ANY.into());
        set(&mut values, change.values.own_key(key), value);
    }
    values
}

/// The key of a credential that the new chart wants to be given and that is not.
fn demanded(change: &Change, facts: &Facts, given: &Map<String, Value>) -> Option<String> {
    let values = change.values.with(given.clone());
    let flags = rules::demanded_flags(change, facts);
    let keys = flags.into_iter().filter_map(|flag| match flag {
        Flag::Value { key, .. } => Some(change.values.own_key(&key).to_owned()),
        Flag::File(_) | Flag::Printed(_) => None,
    });
    keys.into_iter().find(|key| values.get(key).is_none())
}

/// The change with values where the lines' data say that the chart puts them, and the keys of those values.
fn adapted(change: &Change, given: &Map<String, Value>) -> (Change, BTreeSet<String>) {
    let values = Values::default().with(given.clone());
    let mut adapted = change.clone();
    let mut placed = BTreeSet::new();
    for object in adapted.objects.iter_mut().filter(|it| it.camunda) {
        let Some(planned) = object.planned.as_deref() else {
            continue;
        };
        let new = match object.object.kind {
            Kind::Secret => credentials(change, object, planned, &values, &mut placed),
            Kind::StatefulSet => count(change, object, planned, &values, &mut placed),
            Kind::Deployment => phase(change, planned, &values, &mut placed),
            _ => None,
        };
        if let Some(new) = new {
            object.planned = Some(Arc::new(new));
        }
    }
    (adapted, placed)
}

fn credentials(
    change: &Change,
    object: &ObjectChange,
    planned: &Object,
    values: &Values,
    placed: &mut BTreeSet<String>,
) -> Option<Object> {
    let mut new = None;
    for key in secret_data(planned).into_keys() {
        let charts = object.charts.as_deref();
        let credential = camunda::credential(planned, key, charts, change.target_line());
        let Some(Supply::Value(value)) = credential.map(|it| it.supply) else {
            continue;
        };
        let own = change.values.own_key(&value);
        if let Some(text) = values.text(own) {
            let new: &mut Object = new.get_or_insert_with(|| planned.clone());
            json::set(&mut new.0, ["stringData", key], text);
            placed.insert(own.to_owned());
        }
    }
    new
}

fn count(
    change: &Change,
    object: &ObjectChange,
    planned: &Object,
    values: &Values,
    placed: &mut BTreeSet<String>,
) -> Option<Object> {
    let (line, charts) = (change.target_line(), object.charts.as_deref());
    let role = planned.label("app.kubernetes.io/component");
    let key = match object.component {
        Component::Zeebe => broker_count(line, charts),
        Component::Elasticsearch => node_count(role.unwrap_or("master"), line, charts),
        _ => None,
    }?;
    let own = change.values.own_key(&key);
    let count: u64 = values.text(own)?.parse().ok()?;
    placed.insert(own.to_owned());
    let mut new = planned.clone();
    json::set(&mut new.0, ["spec", "replicas"], count);
    Some(new)
}

/// Only a chart that has a default for the phase does anything about it.
fn phase(
    change: &Change,
    planned: &Object,
    values: &Values,
    placed: &mut BTreeSet<String>,
) -> Option<Object> {
    let own = change.values.own_key(PHASE);
    let stops = values.text(own).as_deref() == Some(Phase::Quiesce.name());
    if !stops || !is_hub(planned) || !change.defaults.knows(PHASE) {
        return None;
    }
    placed.insert(own.to_owned());
    Some(quiesced(planned))
}

/// The upgrade as the lines' data predict it, without the values and with them.
fn predicted(change: &Change, given: &Map<String, Value>) -> Option<[Change; 2]> {
    if change.operation != Operation::Upgrade {
        return None;
    }
    let chart = change.to.as_ref()?;
    let running = change.running()?;
    let standing = InstalledRelease::of(&change.release, &change.namespace, running)?;
    let without = standing.upgraded(chart, &change.values)?;
    let with = standing.upgraded(chart, &change.values.with(given.clone()))?;
    Some([without.change, with.change])
}
