//! The Kubernetes Events of a verdict, for those who only look at the cluster.

use super::{Endpoint, review::Request, verdict::Verdict};
use crate::{
    denial,
    events::{Event, Reason},
    finding::Action,
    kubernetes::{Kind, Object, ObjectRef, is_name},
};

/// Tells where to find the full text of a refusal.
const MORE: &str = "The answer to the request says why, and what to type.";

/// Returns the Events of a verdict; none for a dry run.
pub(super) fn events(endpoint: Endpoint, request: &Request<'_>, verdict: &Verdict) -> Vec<Event> {
    if request.is_dry_run() {
        return Vec::new();
    }
    let notices = notices(endpoint, request, verdict);
    if notices.is_empty() {
        return Vec::new();
    }
    let Some((regarding, uid, related)) = objects(request) else {
        return Vec::new();
    };
    let event = |(reason, note): (Reason, String)| Event {
        reason,
        note: denial::one_line(&note),
        regarding: regarding.clone(),
        uid: uid.clone(),
        related: related.clone(),
    };
    notices.into_iter().map(event).collect()
}

/// Returns the reason and note of each Event. More people read Events than receive the answer, so a note names rules
/// and objects and quotes only an override's reason. The same refusal gives the same note, so that Events form a
/// series.
fn notices(endpoint: Endpoint, request: &Request<'_>, verdict: &Verdict) -> Vec<(Reason, String)> {
    let mut notices = Vec::new();
    let user = &request.user_info.username;
    let rules = |count| verdict.rules(Some(count)).join(", ");
    let subject = || match &verdict.release {
        Some(release) => format!("release {release}"),
        None => request.name().to_owned(),
    };
    if let Some(head) = verdict.head() {
        let rules = rules(Action::Deny);
        let reason = refusal(endpoint, request);
        let note = match reason {
            Reason::OverrideRefused | Reason::ConfigurationRefused => {
                format!("{head}. It was asked for by {user}.")
            }
            _ if rules.is_empty() => format!("{head}. {MORE}"),
            _ => format!("{head}. {MORE} Rules: {rules}"),
        };
        notices.push((reason, note));
    }
    let audited = rules(Action::Audited);
    if !audited.is_empty() {
        let note = format!(
            "{} would be refused outside audit mode; rules: {audited}",
            subject()
        );
        notices.push((Reason::WouldBeRefused, note));
    }
    let overridden = rules(Action::Overridden);
    if !overridden.is_empty() {
        let note = format!("{user} goes ahead with {}; rules: {overridden}", subject());
        notices.push((Reason::OverrideUsed, note));
    }
    if let Some(what) = &verdict.overrides {
        notices.push((Reason::OverrideCreated, format!("{user} lets {what}")));
    }
    if !verdict.mutations.is_empty() {
        let done = verdict.mutations.iter().map(|(_, notice)| notice.as_str());
        notices.push((Reason::Mutated, done.collect::<Vec<_>>().join("; ")));
    }
    notices
}

fn refusal(endpoint: Endpoint, request: &Request<'_>) -> Reason {
    if endpoint == Endpoint::Configuration {
        return Reason::ConfigurationRefused;
    }
    if request.is_record() {
        return match request.status().as_deref() {
            Some("pending-install") => Reason::InstallRefused,
            Some("pending-rollback") => Reason::RollbackRefused,
            _ => Reason::UpgradeRefused,
        };
    }
    match request.kind() {
        Some(Kind::ConfigMap) => Reason::OverrideRefused,
        _ => Reason::ChangeRefused,
    }
}

/// Returns the object that an Event is about, its uid, and a related object. A volume has no namespace that users
/// look into, so its Event is about its claim.
fn objects(request: &Request<'_>) -> Option<(ObjectRef, Option<String>, Option<ObjectRef>)> {
    let scaled = request.scaled().map(|(statefulset, _)| statefulset);
    let named = |kind| ObjectRef::new(kind, &request.namespace, request.name());
    let object = scaled.or_else(|| request.kind().map(named))?;
    let old = request.old_object();
    if object.kind != Kind::PersistentVolume {
        return Some((
            object,
            old.as_ref().and_then(Object::uid).map(str::to_owned),
            None,
        ));
    }
    let volumes = [old, request.object()];
    let claim = volumes.iter().flatten().find_map(|volume| {
        let text = |key: &str| volume.str(&format!("/spec/claimRef/{key}"));
        let (namespace, name) = text("namespace").zip(text("name"))?;
        let claim = ObjectRef::new(Kind::PersistentVolumeClaim, namespace, name);
        // Nobody has checked it yet, and it becomes part of a path.
        is_name(namespace).then(|| (claim, text("uid").map(str::to_owned)))
    });
    Some(match claim {
        Some((claim, uid)) => (claim, uid, Some(object)),
        None => (object, None, None),
    })
}
