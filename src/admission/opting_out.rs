//! Changes that take a namespace out of the guard's care; only a user with the right to may make them.

use super::{review::Request, verdict::Verdict};
use crate::{
    change::Facts,
    gather::Reader,
    kubernetes::{Kind, ObjectRef},
    webhooks::{IGNORE, IGNORE_RIGHT},
};

/// Judges a change that takes a namespace from the guard: adding the label that makes the guard ignore it, or
/// removing the label that makes its guarded writes wait for the guard.
pub(super) async fn judge(reader: &Reader, request: &Request<'_>) -> Verdict {
    let Some(namespace) = request.object() else {
        return Verdict::admitted();
    };
    let (name, user) = (namespace.name(), &request.user_info);
    let (verb, group, resource) = IGNORE_RIGHT;
    let reason = match reader.may(user, IGNORE_RIGHT, name, name).await {
        Ok(true) => {
            if !request.is_dry_run() {
                let user = &user.username;
                tracing::warn!(user, namespace = name, "namespace taken from the guard");
            }
            return Verdict::admitted();
        }
        Ok(false) => format!("{} may not {verb} {resource}.{group} {name}", user.username),
        Err(error) => format!("whether you may could not be checked: {error}"),
    };
    let head = format!("namespace {name} would be taken from camunda-upgrade-guard");
    Verdict::refused(head, &reason)
}

/// Whether the namespace of a volume's claim is ignored: the API server can't tell, for a volume has no namespace.
pub(super) async fn covers(reader: &Reader, request: &Request<'_>) -> bool {
    let volume = request.old_object().or_else(|| request.object());
    let Some(namespace) = volume
        .as_ref()
        .and_then(|it| it.str("/spec/claimRef/namespace"))
    else {
        return false;
    };
    let namespace = ObjectRef::new(Kind::Namespace, "", namespace);
    let live = reader.live(&mut Facts::default(), &namespace).await;
    live.is_some_and(|namespace| namespace.label(IGNORE) == Some("true"))
}
