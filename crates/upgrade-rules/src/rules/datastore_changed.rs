//! `datastore-changed`: the release would work on another Elasticsearch, OpenSearch or database than before.
//!
//! Nothing moves what the old one holds: Camunda starts on an empty store, and Keycloak without its users. It happens
//! when values that named an external host are left out, or name another one.
//!
//! Any line. Beyond the guides.

mod stores;

pub(super) use self::stores::host;
use self::stores::{STORES, State, Store};
use super::{Judge, Rule, claims_orphaned, wanted};

use crate::{
    change::{Change, Facts, ObjectChange, Operation},
    finding::{Action, Finding, Fix, Reference, RuleId},
    knowledge::claims::{self},
    kubernetes::{Kind, Mounts, Object},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::DatastoreChanged,
    summary: "another Elasticsearch, OpenSearch or database than before would be used",
    guide: Reference::Nowhere("Camunda's guides take it that the datastore stays the same"),
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/datastore-changed.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

/// Whether a value names a store whose new location this rule can tell.
pub(super) fn judges(change: &Change, key: &str) -> bool {
    STORES
        .iter()
        .any(|store| store.is_named_by(key) && store.after(change, &Facts::default()).is_some())
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.operation == Operation::Install {
        return Vec::new();
    }
    STORES
        .iter()
        .filter(|store| !store.is_untouched(change))
        .filter_map(|store| finding(change, facts, store))
        .collect()
}

fn finding(change: &Change, facts: &Facts, store: &Store) -> Option<Finding> {
    let before = store.before(change, facts)?;
    let after = store.after(change, facts)?;
    if before == after {
        return match before {
            State::Embedded => without_service(change, facts, store),
            State::Host(..) => None,
        };
    }
    let mut why = vec![format!(
        "{} used {before}; it would use {after}, and nothing moves the data.",
        store.user
    )];
    if before == State::Embedded {
        let claim = data(change, facts, store)?;
        why.push(format!("Its data is in claim {claim} and those beside it."));
    }
    let keys: Vec<_> = store.set_keys(change).collect();
    let advice = if keys.is_empty() {
        format!(
            "Unless the data is moved, keep to {before}: leave out of the values what names {after}."
        )
    } else {
        format!(
            "Unless the data is moved, keep to {before}; these values had to do with it: {}.",
            keys.join(", ")
        )
    };
    let mut fixes = vec![Fix::say(advice)];
    if before == State::Embedded {
        // The same step as the claims' own finding has: it cures both.
        let sets = sets(change, store);
        fixes.extend(sets.filter_map(|set| claims_orphaned::given_up(facts, set)));
    }
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("{} would go to another {}", store.user, store.name),
        objects: Vec::new(),
        why,
        fixes,
        guide: RULE.guide,
    })
}

/// A store that was moved, to which its user is still led: Helm deletes its Service.
fn without_service(change: &Change, facts: &Facts, store: &Store) -> Option<Finding> {
    let gone: Vec<_> = sets(change, store).collect();
    let goes = |set: &&ObjectChange| set.removed() && !facts.keeps(&set.object);
    let first = gone.first().filter(|_| gone.iter().all(goes))?;
    // Whoever has not moved the data is told so by the claims' own finding.
    if data(change, facts, store).is_some() {
        return None;
    }
    let gone_keys = change
        .target_line()
        .and_then(|line| line.gone.get(&first.component));
    let keys: Vec<_> = match gone_keys.filter(|keys| !keys.is_empty()) {
        Some(keys) => keys
            .iter()
            .map(|key| change.values.key_in_file(key))
            .collect(),
        None => store
            .keys()
            .map(|key| change.values.key_in_file(key))
            .collect(),
    };
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!(
            "{} would look for its {} where there is none any more",
            store.user, store.name
        ),
        objects: vec![first.object.clone()],
        why: vec![format!(
            "The new manifest still leads {} to {}, which Helm deletes in this upgrade.",
            store.user, first.object
        )],
        fixes: vec![Fix::say(format!(
            "Say where the data is now, by {}.",
            keys.join(" or ")
        ))],
        guide: RULE.guide,
    })
}

/// Finds a claim of the release's own store with data that nobody has given up.
fn data<'a>(change: &Change, facts: &'a Facts, store: &Store) -> Option<&'a str> {
    sets(change, store)
        .filter_map(|set| Some((&set.object.namespace, Mounts::of(set.running.as_deref()?))))
        .find_map(|(namespace, mounts)| {
            mounts
                .holding(facts, namespace)
                .find(|claim| !claims::left_on_purpose(claim))
                .map(Object::name)
        })
}

/// The StatefulSets of the release's own store.
fn sets<'a>(change: &'a Change, store: &Store) -> impl Iterator<Item = &'a ObjectChange> {
    let embedded = store.embedded;
    change
        .of_kind(Kind::StatefulSet)
        .filter(move |set| set.camunda && Some(set.component) == embedded)
}
