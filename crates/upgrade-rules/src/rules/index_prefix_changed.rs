//! `index-prefix-changed`: the brokers would write to indices with another prefix than before.
//!
//! Nothing moves what is in the old ones. It happens where a value that set the prefix is left out or read no more, or where
//! only one of the two exporters follows.
//!
//! Any line. Documented: the deprecations of chart 15.

use std::collections::BTreeSet;

use super::{Judge, Rule, wanted};

use crate::{
    camunda::Application,
    change::{Change, Facts, Operation, Side},
    finding::{Action, Finding, Fix, RuleId, guide},
    knowledge::configuration::{Configuration, is_untouched},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::IndexPrefixChanged,
    summary: "the brokers would write to indices with another prefix than before",
    guide: guide::VALUES_OF_15,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/index-prefix-changed.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

/// A section of the brokers' configuration, and the property in it that holds a prefix; unset it is the text.
const PREFIXES: [(&str, &str, &str); 4] = [
    (
        "zeebe.broker.exporters.elasticsearch",
        "args.index.prefix",
        "zeebe-record",
    ),
    (
        "zeebe.broker.exporters.opensearch",
        "args.index.prefix",
        "zeebe-record",
    ),
    (
        "camunda.data.secondary-storage.elasticsearch",
        "index-prefix",
        "",
    ),
    (
        "camunda.data.secondary-storage.opensearch",
        "index-prefix",
        "",
    ),
];

/// Two prefixes of one section.
struct Changed {
    property: String,
    before: String,
    after: String,
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.operation != Operation::Upgrade {
        return Vec::new();
    }
    let changed = changed(change, facts);
    if changed.is_empty() {
        return Vec::new();
    }
    let mut why = vec![
        "What is in the old indices is not moved, and who reads them sees nothing new:".to_owned(),
    ];
    why.extend(changed.iter().map(|it| {
        let [before, after] = [&it.before, &it.after].map(|prefix| match prefix.as_str() {
            "" => "none",
            prefix => prefix,
        });
        format!("  {}: {before} before, {after} after", it.property)
    }));
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "The brokers would write to indices with another prefix".to_owned(),
        objects: Vec::new(),
        why,
        fixes: vec![Fix::say(advice(change))],
        guide: RULE.guide,
    }]
}

/// What is told on both sides and differs.
fn changed(change: &Change, facts: &Facts) -> Vec<Changed> {
    let sides = [Side::Running, Side::Planned];
    let brokers = sides.map(|side| change.application(Application::ZEEBE, side));
    let [Some(running), Some(planned)] = brokers else {
        return Vec::new();
    };
    if is_untouched(change, running, planned) {
        return Vec::new();
    }
    let running = Configuration::of(change, facts, running, Side::Running);
    let planned = Configuration::of(change, facts, planned, Side::Planned);
    let mut changed = Vec::new();
    for (section, name, default) in PREFIXES {
        let property = format!("{section}.{name}");
        let prefix = |configuration: &Configuration| {
            let prefix = configuration.get(&property).map(str::to_owned);
            let hidden = prefix.is_none() && configuration.is_set(&property);
            let told = configuration.sets_below(section) && !hidden;
            told.then(|| prefix.unwrap_or_else(|| default.to_owned()))
        };
        match (prefix(&running), prefix(&planned)) {
            (Some(before), Some(after)) if before != after => changed.push(Changed {
                property,
                before,
                after,
            }),
            _ => {}
        }
    }
    changed
}

fn advice(change: &Change) -> String {
    let all = [change.running_values.as_ref(), Some(&change.values)];
    let keys: BTreeSet<_> = all
        .into_iter()
        .flatten()
        .flat_map(|values| values.leaves().into_iter())
        .filter(|(key, _)| key.to_ascii_lowercase().ends_with("prefix"))
        .map(|(key, _)| change.values.key_in_file(&key))
        .collect();
    let keys: Vec<_> = keys.into_iter().collect();
    match keys.is_empty() {
        true => "Keep the prefix that the indices have.".to_owned(),
        false => format!(
            "Keep the prefix that the indices have; these values had to do with it: {}.",
            keys.join(", ")
        ),
    }
}
