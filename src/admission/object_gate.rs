//! The object gate: judges objects that reach the API server without a release record.

use serde_json::Value;

use super::{overriding, review::Request, secret_gate, verdict::Verdict};
use crate::{
    camunda::release_label,
    change::{Change, Facts, Operation},
    denial,
    finding::Finding,
    gather::{Reader, Records},
    kubernetes::{Kind, Object, ObjectRef},
    overrides::Override,
    policy::Policy,
    rules,
};

pub(super) async fn judge(
    records: &Records,
    policy: &Policy,
    reader: &Reader,
    request: &Request<'_>,
) -> Verdict {
    if let Some((statefulset, replicas)) = request.scaled() {
        return scaled(policy, reader, statefulset, replicas).await;
    }
    let secret = match (request.kind(), request.operation()) {
        (Some(Kind::Secret), Some(Operation::Create)) => request.object(),
        (Some(Kind::Secret), Some(Operation::Delete)) => request.old_object(),
        _ => None,
    };
    if let (Some(secret), Some(operation)) = (secret, request.operation()) {
        return secret_gate::judge(policy, reader, request, operation, secret).await;
    }
    let (Some(kind), Some(operation)) = (request.kind(), request.operation()) else {
        return Verdict::admitted();
    };
    if operation == Operation::Delete {
        return deleted(records, policy, reader, request, kind).await;
    }
    let Some(object) = request.object() else {
        return Verdict::admitted();
    };
    let mut facts = Facts::default();
    match (kind, operation) {
        (Kind::Secret, Operation::Update) => {
            return secret_gate::updated(policy, reader, request, object).await;
        }
        (Kind::StatefulSet, Operation::Create) => {
            let namespace = &request.namespace;
            reader
                .claim_facts(&mut facts, namespace, Some(&object))
                .await;
        }
        (Kind::PersistentVolume, Operation::Update) => {
            let Some(old) = request.old_object() else {
                return Verdict::admitted();
            };
            return repointed(policy, reader, request, &old, object).await;
        }
        (Kind::PersistentVolumeClaim, Operation::Create) => {
            return cloned(policy, reader, request, object).await;
        }
        _ => return Verdict::admitted(),
    }
    let Some(reference) = request.reference(&object) else {
        return Verdict::admitted();
    };
    findings(policy, reader, reference, operation, object, facts).await
}

/// Judges the creation of a claim that is a copy of another one.
async fn cloned(policy: &Policy, reader: &Reader, request: &Request<'_>, claim: Object) -> Verdict {
    let Some(reference) = request.reference(&claim) else {
        return Verdict::admitted();
    };
    let facts = reader.clone_facts(&claim, &request.namespace).await;
    let mut claims = facts.of_kind(Kind::PersistentVolumeClaim);
    let release = claims.find_map(|claim| facts.release_of(claim));
    let release = release.unwrap_or("unknown").to_owned();
    let change = Change::of_object(Operation::Create, reference, &release, claim);
    judged(policy, reader, &change, &facts).await
}

/// Judges the deletion of a claim or of a claim's volume; the claim tells which release it belongs to.
async fn deleted(
    records: &Records,
    policy: &Policy,
    reader: &Reader,
    request: &Request<'_>,
    kind: Kind,
) -> Verdict {
    let (Kind::PersistentVolumeClaim | Kind::PersistentVolume, Some(old)) =
        (kind, request.old_object())
    else {
        return Verdict::admitted();
    };
    let Some(reference) = request.reference(&old) else {
        return Verdict::admitted();
    };
    let facts = reader.deletion_facts(&old, kind).await;
    let (release, namespace) = owner(&facts);
    let policy = policy.in_namespace(reader, &namespace).await;
    let mut change = Change::of_deletion(reference, &release, old.clone());
    change.namespace = namespace;
    let loses = kind == Kind::PersistentVolumeClaim && !rules::judge(&change, &facts).is_empty();
    if loses && let Some((change, facts)) = reader.removal(records, &old, &facts).await {
        return found(reader, &change, &policy, |decided| {
            policy.removal_past(&change, &facts, decided)
        })
        .await;
    }
    judged(&policy, reader, &change, &facts).await
}

async fn repointed(
    policy: &Policy,
    reader: &Reader,
    request: &Request<'_>,
    old: &Object,
    object: Object,
) -> Verdict {
    let Some(reference) = request.reference(&object) else {
        return Verdict::admitted();
    };
    let facts = reader.rebind_facts(old, &object).await;
    let (release, namespace) = owner(&facts);
    let policy = policy.in_namespace(reader, &namespace).await;
    let mut change = Change::of_object(Operation::Update, reference, &release, object);
    change.namespace = namespace;
    judged(&policy, reader, &change, &facts).await
}

/// Returns the release and the namespace of the claim that was read with a volume.
fn owner(facts: &Facts) -> (String, String) {
    let claim = facts.of_kind(Kind::PersistentVolumeClaim).next();
    let release = claim.and_then(|claim| facts.release_of(claim));
    let namespace = claim.and_then(Object::namespace);
    let text = |text: Option<&str>| text.unwrap_or("unknown").to_owned();
    (text(release), text(namespace))
}

/// Judges a change by rules that check themselves whether the object belongs to Camunda.
pub(super) async fn judged(
    policy: &Policy,
    reader: &Reader,
    change: &Change,
    facts: &Facts,
) -> Verdict {
    found(reader, change, policy, |decided| {
        policy.judge_past(change, facts, decided)
    })
    .await
}

async fn found(
    reader: &Reader,
    change: &Change,
    policy: &Policy,
    judge: impl Fn(Option<&Override>) -> Vec<Finding>,
) -> Verdict {
    let judge = |decided: Option<&Override>| Some(judge(decided));
    let (namespace, release) = (&change.namespace, &change.release);
    let findings = overriding::findings(reader, namespace, release, None, judge).await;
    // What an override does not cover here is told where it was refused first.
    let findings = findings.map_or_else(|_| policy.late(change), |(findings, _)| findings);
    Verdict::of_change(&findings, change, denial::message(change, &findings))
}

/// Reports what could not be read, as the policy says, for an object whose release is unknown.
pub(super) fn unchecked(policy: &Policy, change: &Change, facts: &Facts) -> Verdict {
    let findings = rules::unchecked(change, facts);
    let findings = policy.apply(&change.namespace, &change.release, findings);
    Verdict::of_change(&findings, change, denial::message(change, &findings))
}

/// Judges a request for the `scale` subresource, which has only a number of replicas, as an edit of its StatefulSet.
async fn scaled(
    policy: &Policy,
    reader: &Reader,
    statefulset: ObjectRef,
    replicas: u64,
) -> Verdict {
    let mut facts = Facts::default();
    let Some(live) = reader.live(&mut facts, &statefulset).await else {
        let nothing = Object(Value::Object(serde_json::Map::new()));
        let change = Change::of_object(Operation::Update, statefulset, "unknown", nothing);
        return unchecked(policy, &change, &facts);
    };
    let mut planned = live.clone();
    if let Some(spec) = planned.0.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert("replicas".to_owned(), replicas.into());
    }
    let facts = reader.statefulset_facts(&live, &planned).await;
    findings(
        policy,
        reader,
        statefulset,
        Operation::Update,
        planned,
        facts,
    )
    .await
}

/// Judges one object; asks the API server whether it belongs to Camunda only if a rule objects.
pub(super) async fn findings(
    policy: &Policy,
    reader: &Reader,
    reference: ObjectRef,
    operation: Operation,
    object: Object,
    mut facts: Facts,
) -> Verdict {
    let namespace = reference.namespace.clone();
    let release = release_label(&object).unwrap_or("unknown").to_owned();
    let change = Change::of_object(operation, reference, &release, object.clone());
    if rules::judge(&change, &facts).is_empty() {
        return Verdict::admitted();
    }
    if !reader.knows_release(&mut facts, &object).await {
        return unchecked(policy, &change, &facts);
    }
    if change
        .objects
        .iter()
        .any(|object| object.object.kind == Kind::Secret)
    {
        reader.claim_facts(&mut facts, &namespace, None).await;
    }
    judged(policy, reader, &change, &facts).await
}
