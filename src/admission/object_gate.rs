//! The object gate: what reaches the API server without a release record.

use super::{review::Request, secret_gate, verdict::Verdict};
use crate::{
    camunda::release_label,
    change::{Change, Operation},
    denial,
    facts::Facts,
    gather::Reader,
    object::{Kind, Object},
    rules,
};

pub(super) async fn judge(reader: &Reader, request: &Request<'_>) -> Verdict {
    let secret = match (request.kind(), request.operation()) {
        (Some(Kind::Secret), Some(Operation::Create)) => request.object(),
        (Some(Kind::Secret), Some(Operation::Delete)) => request.old_object(),
        _ => None,
    };
    if let (Some(secret), Some(operation)) = (secret, request.operation()) {
        return secret_gate::judge(reader, request, operation, secret).await;
    }
    let (Some(kind), Some(operation), Some(object)) =
        (request.kind(), request.operation(), request.object())
    else {
        return Verdict::admitted();
    };
    let mut facts = Facts::default();
    match (kind, operation) {
        (Kind::Secret, Operation::Update) => {
            if let Some(old) = request.old_object() {
                facts.insert(kind, old.into());
            }
        }
        (Kind::StatefulSet, Operation::Create) => {
            reader.claim_facts(&mut facts, &request.namespace).await
        }
        _ => return Verdict::admitted(),
    }
    findings(reader, request, operation, object, facts).await
}

/// Judges one object; the API server is asked whether it is Camunda's only where a rule objects.
pub(super) async fn findings(
    reader: &Reader,
    request: &Request<'_>,
    operation: Operation,
    object: Object,
    mut facts: Facts,
) -> Verdict {
    let Some(reference) = request.reference(&object) else {
        return Verdict::admitted();
    };
    let release = release_label(&object).unwrap_or("unknown").to_owned();
    let change = Change::of_object(operation, reference, &release, object.clone());
    if rules::judge(&change, &facts).is_empty() {
        return Verdict::admitted();
    }
    if !reader.knows_release(&mut facts, &object).await {
        return Verdict::of(&rules::unchecked(&change, &facts), None).about(&release);
    }
    if change
        .objects
        .iter()
        .any(|object| object.object.kind == Kind::Secret)
    {
        reader.claim_facts(&mut facts, &request.namespace).await;
    }
    let findings = rules::judge(&change, &facts);
    Verdict::of(&findings, denial::message(&change, &findings)).about(&release)
}
