//! Keys that a line's chart refuses, ignores or will drop, as far as they are left after the conversion.

use super::{
    effective::{Effective, has_effect},
    hop::Hop,
    layer::Layer,
    told::{Kind, Told},
};
use crate::{
    camunda::{Fate, ValueKey, When},
    finding::RuleId,
    helm::values::{Values, below, prune},
};

/// Tells of each such key where it stands.
pub(super) fn look(hop: Hop, layers: &[Layer], effective: &Effective, told: &mut Vec<Told>) {
    let facts = hop.to.value_keys.iter();
    for fact in facts.filter(|fact| !fact.bundled) {
        if !applies(hop, fact, effective) {
            continue;
        }
        let kind = match fact.fate {
            Fate::Refused | Fate::Asks => Kind::Decide,
            Fate::Ignored => Kind::Ignored,
            Fate::Deprecated => Kind::Deprecated,
        };
        let reason = reason(hop, fact);
        tell(
            hop,
            kind,
            &fact.key,
            &reason,
            fact.now.as_ref(),
            layers,
            told,
        );
    }
    tell_of_rules(hop, layers, effective, told);
    let known = |key: &str| {
        let mut facts = hop.to.value_keys.iter();
        facts.any(|fact| below(key, &fact.key).is_some() || below(&fact.key, key).is_some())
    };
    let asked: Vec<_> = told
        .iter()
        .filter(|it| it.hop == hop.names() && it.kind == Kind::Decide)
        .map(|it| it.key.clone())
        .collect();
    let is_asked = |key: &str| asked.iter().any(|it| below(it, key).is_some());
    let never = hop.to.never_shipped.iter();
    for (key, now) in hop.to.dropped_values.iter().chain(never) {
        if known(key) || is_asked(key) || effective.is_off(key) || !is_left(effective, key) {
            continue;
        }
        let reason = format!("Chart {} does not read it.", hop.to.line);
        tell(hop, Kind::Ignored, key, &reason, now.as_ref(), layers, told);
    }
}

/// Keys that move by a rule with a file of its own, which looks at more than values.
fn tell_of_rules(hop: Hop, layers: &[Layer], effective: &Effective, told: &mut Vec<Told>) {
    let moved = hop.to.renamed_values.iter().filter_map(|renamed| {
        let rule = renamed.by?;
        Some((rule, renamed.from.as_str(), renamed.to.as_ref()))
    });
    let told_by_rules = hop.to.converted_values.iter();
    let others = told_by_rules.flat_map(|(rule, keys)| {
        let keys = keys.iter();
        keys.map(|key| (*rule, key.as_str(), None))
    });
    let mut all: Vec<(RuleId, &str, Option<&String>)> = moved.collect();
    for (rule, key, now) in others {
        // A key that is told with its new one is not told again.
        if !all.iter().any(|(_, other, _)| below(other, key).is_some()) {
            all.push((rule, key, now));
        }
    }
    for (rule, key, now) in all {
        let asked = told
            .iter()
            .any(|it| it.hop == hop.names() && below(&it.key, key).is_some());
        if asked || effective.is_off(key) || !is_left(effective, key) {
            continue;
        }
        let reason = format!(
            "Chart {} reads it otherwise. {rule} says how, by what runs: check prints it.",
            hop.to.line
        );
        tell(hop, Kind::Decide, key, &reason, now, layers, told);
    }
}

/// Whether anything but switches that are off is left below a key.
fn is_left(effective: &Effective, key: &str) -> bool {
    let Some(value) = effective.0.get(key) else {
        return false;
    };
    let mut one = serde_json::Map::from_iter([(String::new(), value.clone())]);
    prune(&mut one);
    let values = Values::from(one);
    let leaves = values.leaves();
    leaves.iter().any(|(_, value)| has_effect(value))
}

fn applies(hop: Hop, fact: &ValueKey, effective: &Effective) -> bool {
    let needs = &fact.needs;
    let is_deployed = || needs.iter().any(|it| effective.is_on(it, hop.from));
    if effective.is_off(&fact.key) || !needs.is_empty() && !is_deployed() {
        return false;
    }
    if fact
        .unless
        .iter()
        .any(|key| effective.0.flag(key) == Some(true))
    {
        return false;
    }
    let value = effective.0.get(&fact.key);
    match &fact.when {
        When::Present => value.is_some(),
        When::Set => value.is_some_and(has_effect),
        When::Enabled => value.and_then(serde_json::Value::as_bool) == Some(true),
        When::Disabled => value.and_then(serde_json::Value::as_bool) == Some(false),
        When::Text => value.is_some_and(|value| value.is_string()),
        When::Not(default) => {
            value.is_some() && effective.0.text(&fact.key).as_ref() != Some(default)
        }
    }
}

fn reason(hop: Hop, fact: &ValueKey) -> String {
    let chart = &hop.to.line;
    match (fact.fate, &fact.say) {
        (_, Some(say)) => say.clone(),
        (Fate::Refused, None) => format!("Chart {chart} fails where this is set."),
        (Fate::Asks, None) => format!("Chart {chart} does something else with it."),
        (Fate::Ignored, None) => format!("Chart {chart} does not read it."),
        (Fate::Deprecated, None) => {
            format!("Chart {chart} still reads it, and a later one will not.")
        }
    }
}

fn tell(
    hop: Hop,
    kind: Kind,
    key: &str,
    reason: &str,
    now: Option<&String>,
    layers: &[Layer],
    told: &mut Vec<Told>,
) {
    for (file, layer) in layers.iter().enumerate() {
        let own = Values::from(layer.values.clone());
        if own.get(key).is_some() {
            let one = Told::new(kind, hop, key, reason).now(now.cloned());
            told.push(one.at(file, layer.line(key)));
        }
    }
}
