//! The release gate: a Helm record is judged before Helm applies anything.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{Guard, overriding, review::Request, verdict::Verdict};
use crate::{
    change::{Change, Facts},
    denial,
    finding::refuses,
    gather::{Asker, BUSY, Decoded, Left, Reader, Running},
    helm::release::{self, Storage},
    kubernetes::{Kind, ObjectRef},
    overrides,
    policy::Policy,
    rules,
};

pub(super) async fn judge(
    guard: &Guard,
    policy: &Policy,
    reader: &Reader,
    request: &Request<'_>,
) -> Verdict {
    let Some(storage) = request.storage() else {
        return Verdict::admitted();
    };
    // Known before the record is decoded, so that only what it changes is parsed.
    let (announced, data) = request.announced();
    let before = match announced {
        Some((release, revision)) => {
            running(guard, reader, request, storage, release, revision).await
        }
        None => Running::Nothing,
    };
    let known = match &before {
        Running::Release(rendered, _) => Some(Arc::clone(rendered)),
        _ => None,
    };
    let decoded = match data {
        Some(data) => {
            let decoding = guard.records.decode(
                data.into_owned(),
                storage,
                &request.namespace,
                known,
                &policy.guarded,
            );
            let decoded = reader.decoding(decoding).await;
            decoded.unwrap_or_else(|| Err(BUSY.to_owned()))
        }
        None => Err("it has no data.release".to_owned()),
    };
    let Decoded {
        release,
        rendered,
        held: _held,
    } = match decoded {
        Ok(decoded) => decoded,
        Err(reason) => return undecodable(policy, reader, request, &reason).await,
    };
    // A restored backup, a status that is written again: nothing is about to happen.
    if !release.info.status.is_pending() {
        return Verdict::admitted();
    }
    let running = match release.info.status {
        // What an install finds is left over from before: nothing of it runs.
        release::Status::PendingInstall => Running::Nothing,
        _ if announced == Some((&release.name, release.revision)) => before,
        _ => {
            let (name, revision) = (&release.name, release.revision);
            running(guard, reader, request, storage, name, revision).await
        }
    };
    let left = match release.info.status {
        release::Status::PendingRollback => {
            let (records, home) = (&guard.records, &request.namespace);
            let (name, revision) = (&release.name, release.revision);
            reader.left(records, storage, home, name, revision).await
        }
        _ => Left::Nothing,
    };
    let asker = Asker::Writer(&request.namespace, &request.user_info);
    let newest = &policy.newest_patches;
    let announced = reader.announced(&release, &rendered, &running, &left, newest, asker);
    let Some(announced) = announced.await else {
        return Verdict::admitted();
    };
    // Whose labels nobody may ask for on behalf of this user tells nothing of them.
    let home = ObjectRef::new(Kind::Namespace, "", &release.namespace);
    let foreign = announced
        .parts
        .iter()
        .any(|(_, _, facts)| facts.unread(&home));
    let policy = match foreign {
        true => Cow::Owned(policy.among(&BTreeMap::new())),
        false => policy.in_namespace(reader, &release.namespace).await,
    };
    let revision = release.revision;
    let (findings, void) = overriding::findings(
        reader,
        &request.namespace,
        &release.name,
        Some(revision),
        |decided| policy.announced_past(&announced, decided),
    )
    .await;
    let change = announced.into_change();
    let message = denial::message(&change, &findings).map(|mut text| {
        let (namespace, name) = (&request.namespace, &change.release);
        let way = overrides::printed(namespace, name, revision, &findings, Timestamp::now());
        for part in void.iter().chain([&way]) {
            text.push_str("\n\n");
            text.push_str(part);
        }
        text
    });
    Verdict::of(&findings, message).about(&change.release)
}

async fn running(
    guard: &Guard,
    reader: &Reader,
    request: &Request<'_>,
    storage: Storage,
    release: &str,
    revision: u64,
) -> Running {
    let (records, namespace) = (&guard.records, &request.namespace);
    reader
        .running(records, storage, namespace, release, revision)
        .await
}

/// A record that can't be read is refused where Camunda is known to be, and nowhere else.
async fn undecodable(
    policy: &Policy,
    reader: &Reader,
    request: &Request<'_>,
    reason: &str,
) -> Verdict {
    let object = request.object();
    let named = object.as_ref().and_then(|object| object.label("name"));
    let Some(release) = release::parse_record_name(request.name())
        .map(|(release, _)| release)
        .or(named)
    else {
        return Verdict::warned(&format!("a Helm release record can't be decoded: {reason}"));
    };
    let is_camunda =
        release.contains("camunda") || reader.is_camunda(&request.namespace, release).await;
    let message = format!(
        "the record of release {release} (namespace {}) can't be decoded, so the change was not judged: {reason}",
        request.namespace
    );
    if !is_camunda {
        return Verdict::warned(&message).about(release);
    }
    let change = Change {
        namespace: request.namespace.to_string(),
        release: release.to_owned(),
        ..Change::default()
    };
    let mut facts = Facts::default();
    facts.insert_gap(format!("record {}", request.name()), reason);
    let findings = rules::unchecked(&change, &facts);
    let policy = policy.in_namespace(reader, &change.namespace).await;
    let findings = policy.apply(&change.namespace, release, findings);
    let refusal = refuses(&findings).then(|| format!("{message}. Nothing was changed."));
    Verdict::of(&findings, refusal).about(release)
}
