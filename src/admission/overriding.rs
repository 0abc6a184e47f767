//! Overrides: checked when somebody creates one, and applied by both gates.

use jiff::Timestamp;

use super::{review::Request, verdict::Verdict};
use crate::{
    change::{Facts, Operation},
    finding::{Action, Finding, RuleId, refuses},
    gather::{Late, Reader},
    helm::release,
    kubernetes::{Kind, Object, ObjectRef},
    overrides::{self, Override, OverrideError, RIGHT},
};

/// Judges a ConfigMap that is or becomes an override: only this request tells which user writes it.
pub(super) async fn judge(reader: &Reader, request: &Request<'_>) -> Verdict {
    let (Some(operation), Some(config_map)) = (request.operation(), request.object()) else {
        return Verdict::admitted();
    };
    let same = |old: &Object| {
        old.label(overrides::LABEL) == config_map.label(overrides::LABEL)
            && old.at("/data") == config_map.at("/data")
    };
    if config_map.label(overrides::LABEL).is_none()
        || operation == Operation::Update && request.old_object().as_ref().is_some_and(same)
    {
        return Verdict::admitted();
    }
    let refused = |reason: &str| {
        let name = config_map.name();
        Verdict::refused(format!("override {name} is refused"), reason)
    };
    let read = match Override::read(&config_map, Timestamp::now()) {
        Ok(read) => read,
        Err(error) => return refused(&error.to_string()),
    };
    let user = &request.user_info;
    match reader
        .may(user, RIGHT, &request.namespace, &read.release)
        .await
    {
        Ok(true) => {
            let mut rules: Vec<_> = read.rules.into_iter().map(RuleId::name).collect();
            rules.sort_unstable();
            let (rules, reason) = (rules.join(","), read.reason);
            let (release, revision) = (read.release, read.revision);
            if !request.is_dry_run() {
                let namespace = &*request.namespace;
                let user = &user.username;
                tracing::warn!(
                    user,
                    namespace,
                    release,
                    revision,
                    rules,
                    reason,
                    "override made"
                );
            }
            let what = format!("revision {revision} of release {release} past {rules}: {reason}");
            Verdict::overriding(what).about(&release)
        }
        Ok(false) => {
            let (verb, group, resource) = RIGHT;
            refused(&format!(
                "{} may not {verb} {resource}.{group} {} in namespace {}",
                user.username, read.release, request.namespace
            ))
        }
        Err(error) => refused(&format!("whether you may could not be checked: {error}")),
    }
}

/// Reason why an override does not count that exists or may exist.
#[derive(Debug, thiserror::Error)]
pub(super) enum Void {
    #[error("Whether there is an override {name} could not be read: {reason}.")]
    Unread { name: String, reason: String },
    #[error("Override {0} does not count: {1}.")]
    Malformed(String, OverrideError),
    #[error(
        "Override {name} does not count: it is for revision {decided}, and this is revision {revision}."
    )]
    OtherRevision {
        name: String,
        decided: u64,
        revision: u64,
    },
}

/// Returns the rules' findings with the override that somebody made for this release applied, and the reason if an
/// override exists but does not count.
///
/// `revision` is that of the record; without one (a single object), an override counts while Helm is at work on its
/// revision. `namespace` is where the requesting user may write: overrides in other namespaces are not mentioned.
///
/// # Errors
/// When the answer is due before the findings are known.
pub(super) async fn findings(
    reader: &Reader,
    namespace: &str,
    release: &str,
    revision: Option<u64>,
    judge: impl Fn(Option<&Override>) -> Option<Vec<Finding>>,
) -> Result<(Vec<Finding>, Option<Void>), Late> {
    let findings = reader.work(|| judge(None)).await?.ok_or(Late)?;
    if !refuses(&findings) {
        return Ok((findings, None));
    }
    Ok(match decided(reader, namespace, release, revision).await {
        Ok(Some(decided)) => {
            let findings = reader.work(|| judge(Some(&decided))).await?.ok_or(Late)?;
            if findings.iter().any(|it| it.action == Action::Overridden) {
                let (revision, reason) = (decided.revision, decided.reason);
                tracing::warn!(namespace, release, revision, reason, "override used");
            }
            (findings, None)
        }
        Ok(None) => (findings, None),
        Err(void) => (findings, Some(void)),
    })
}

/// Returns the override that counts for a revision, or the reason why an existing one does not.
async fn decided(
    reader: &Reader,
    namespace: &str,
    release: &str,
    revision: Option<u64>,
) -> Result<Option<Override>, Void> {
    let name = overrides::name(release);
    let reference = ObjectRef::new(Kind::ConfigMap, namespace, &name);
    let mut facts = Facts::default();
    let found = reader.live(&mut facts, &reference).await;
    if let Some(gap) = facts.gaps().first() {
        let reason = gap.reason.clone();
        return Err(Void::Unread { name, reason });
    }
    let Some(found) = found else {
        return Ok(None);
    };
    let read = match Override::read(&found, Timestamp::now()) {
        Ok(read) => read,
        Err(error) => return Err(Void::Malformed(name, error)),
    };
    let counts = match revision {
        Some(revision) if revision != read.revision => {
            return Err(Void::OtherRevision {
                name,
                decided: read.revision,
                revision,
            });
        }
        Some(_) => true,
        None => is_pending(reader, namespace, release, read.revision).await,
    };
    Ok(counts.then_some(read))
}

/// Whether Helm is still at work on a revision.
async fn is_pending(reader: &Reader, namespace: &str, release: &str, revision: u64) -> bool {
    let name = release::record_name(release, revision);
    for kind in [Kind::Secret, Kind::ConfigMap] {
        let record = ObjectRef::new(kind, namespace, &name);
        let live = reader.live(&mut Facts::default(), &record).await;
        if let Some(status) = live.as_ref().and_then(|live| live.label("status")) {
            return status.starts_with("pending-");
        }
    }
    false
}
