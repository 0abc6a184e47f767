//! A single Secret that is created or deleted: what the databases of its release know decides.

use super::{object_gate, review::Request, verdict::Verdict};
use crate::{
    camunda,
    change::{Change, Operation},
    facts::Facts,
    gather::Reader,
    object::Object,
    policy::Policy,
    rules,
    webhooks::CONTROLLERS,
};

pub(super) async fn judge(
    policy: &Policy,
    reader: &Reader,
    request: &Request<'_>,
    operation: Operation,
    secret: Object,
) -> Verdict {
    let by_controller = CONTROLLERS.contains(&request.user_info.username.as_str());
    let Some(reference) = request
        .reference(&secret)
        .filter(|_| !by_controller && rules::may_be_needed(&secret))
    else {
        return Verdict::admitted();
    };
    let namespace = reference.namespace.clone();
    let mut facts = Facts::default();
    reader.claim_facts(&mut facts, &namespace).await;
    let release = rules::release_of(&facts, &secret).map(str::to_owned);
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
