//! Judges a single Secret that is created or deleted, by the credentials that its release's databases already know.

use super::{object_gate, review::Request, verdict::Verdict};
use crate::{
    camunda,
    change::{Change, Facts, Operation},
    gather::Reader,
    kubernetes::{Kind, Object},
    matching::CONTROLLERS,
    policy::Policy,
    rules,
};

pub(super) async fn judge(
    policy: &Policy,
    reader: &Reader,
    request: &Request<'_>,
    operation: Operation,
    secret: Object,
) -> Verdict {
    let by_controller = CONTROLLERS.contains(&request.user_info.username.as_str());
    let Some(reference) = request.reference(&secret).filter(|_| {
        !by_controller && (rules::may_be_needed(&secret) || rules::is_carried(&secret))
    }) else {
        return Verdict::admitted();
    };
    let namespace = reference.namespace.clone();
    let mut facts = Facts::default();
    reader.claim_facts(&mut facts, &namespace, None).await;
    let release = rules::release_of(&facts, &secret).map(str::to_owned);
    // Nothing reads yet what the next chart is to read, so take the release from a StatefulSet of Camunda's in the
    // namespace.
    let release = release.or_else(|| {
        let own = facts
            .of_kind(Kind::StatefulSet)
            .find(|set| set.namespace() == Some(&namespace) && camunda::is_own(set))?;
        let created = operation == Operation::Create && rules::is_carried(&secret);
        camunda::release_label(own)
            .filter(|_| created)
            .map(str::to_owned)
    });
    let known = release.is_some();
    let release = release.unwrap_or_else(|| "unknown".to_owned());
    let own = camunda::is_own(&secret);
    let change = match operation {
        Operation::Delete => Change::of_deletion(reference, &release, secret),
        _ => Change::of_object(operation, reference, &release, secret),
    };
    if !known {
        return object_gate::unchecked(policy, &change, &facts);
    }
    if rules::judge(&change, &facts).is_empty() {
        return Verdict::admitted();
    }
    if !own && !reader.is_camunda(&namespace, &release).await {
        return Verdict::admitted();
    }
    if operation == Operation::Delete {
        reader
            .secret_deletion_facts(&mut facts, &namespace, &release)
            .await;
    }
    object_gate::judged(policy, reader, &change, &facts).await
}

/// Judges a changed Secret: by its own content if its labels name a release, then by the databases that read it.
pub(super) async fn updated(
    policy: &Policy,
    reader: &Reader,
    request: &Request<'_>,
    secret: Object,
) -> Verdict {
    let (Some(reference), Some(old)) = (request.reference(&secret), request.old_object()) else {
        return Verdict::admitted();
    };
    let mut facts = Facts::default();
    facts.insert(Kind::Secret, old.clone().into());
    let operation = Operation::Update;
    let change = Change::of_object(operation, reference.clone(), "unknown", secret.clone());
    let tells = camunda::is_own(&secret) || camunda::release_label(&secret).is_some();
    if tells && !rules::judge(&change, &facts).is_empty() {
        return object_gate::findings(policy, reader, reference, operation, secret, facts).await;
    }
    if !rules::may_be_overwritten(&old, &secret) && !rules::is_carried(&secret) {
        return Verdict::admitted();
    }
    let namespace = reference.namespace.clone();
    reader.claim_facts(&mut facts, &namespace, None).await;
    let Some(release) = rules::release_of(&facts, &old).map(str::to_owned) else {
        return Verdict::admitted();
    };
    reader.read_by_databases(&mut facts, &namespace).await;
    let change = Change::of_object(operation, reference, &release, secret);
    if rules::judge(&change, &facts).is_empty() || !reader.is_camunda(&namespace, &release).await {
        return Verdict::admitted();
    }
    object_gate::judged(policy, reader, &change, &facts).await
}
