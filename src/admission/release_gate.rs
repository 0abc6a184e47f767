//! The release gate: a Helm record is judged before Helm applies anything.

use super::{Guard, review::Request, verdict::Verdict};
use crate::{
    change::{Change, Operation, Rendered},
    denial,
    gather::{Reader, Running},
    release::{self, Limits, Release, Storage},
    rules,
};

/// A record and what its manifest holds.
struct Decoded {
    release: Release,
    rendered: Rendered,
}

pub(super) async fn judge(guard: &Guard, reader: &Reader, request: &Request<'_>) -> Verdict {
    let Some(storage) = request.storage() else {
        return Verdict::admitted();
    };
    let decoded = match decode(guard, request, storage).await {
        Ok(Some(decoded)) => decoded,
        Ok(None) => return Verdict::admitted(),
        Err(reason) => return undecodable(reader, request, &reason).await,
    };
    let Decoded { release, rendered } = &decoded;
    let running = match release.info.status {
        // What an install finds is left over from before: nothing of it runs.
        release::Status::PendingInstall => Running::Nothing,
        _ => {
            reader
                .running(
                    &guard.running,
                    storage,
                    &request.namespace,
                    &release.name,
                    release.revision,
                )
                .await
        }
    };
    let (running, unknown) = match running {
        Running::Nothing => (None, None),
        Running::Release(rendered) => (Some(rendered), None),
        Running::Unknown(reason) => (None, Some(reason)),
    };
    if !rendered.camunda && !running.as_ref().is_some_and(|running| running.camunda) {
        return Verdict::admitted();
    }
    let Some(mut change) = Change::of_release(release, rendered, running.as_deref()) else {
        return Verdict::admitted();
    };
    let mut facts = reader
        .release_facts(&mut change, &request.namespace, &request.user_info)
        .await;
    for reason in &rendered.unreadable {
        facts.insert_gap("manifest", reason.clone());
    }
    if let Some(reason) = unknown {
        facts.insert_gap("running release", reason);
    }
    let findings = rules::judge(&change, &facts);
    Verdict::of(&findings, denial::message(&change, &findings)).about(&change.release)
}

/// Decodes a record off the threads that serve connections, a few at a time; `None` for one that announces nothing.
async fn decode(
    guard: &Guard,
    request: &Request<'_>,
    storage: Storage,
) -> Result<Option<Decoded>, String> {
    let data = request
        .record_data()
        .ok_or("it has no data.release")?
        .into_owned();
    let _permit = guard
        .decoding
        .acquire()
        .await
        .map_err(|error| error.to_string())?;
    let decoded = tokio::task::spawn_blocking(move || {
        let release = release::decode(&data, storage, Limits::default())
            .map_err(|error| error.to_string())?;
        drop(data);
        if Operation::of(release.info.status).is_none() {
            return Ok(None);
        }
        let rendered = Rendered::of(&release);
        Ok(Some(Decoded { release, rendered }))
    });
    decoded
        .await
        .unwrap_or_else(|_| Err("decoding it failed".to_owned()))
}

/// A record that can't be read is refused where Camunda is known to be, and nowhere else.
async fn undecodable(reader: &Reader, request: &Request<'_>, reason: &str) -> Verdict {
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
    if is_camunda {
        Verdict::refused(format!("{message}. Nothing was changed.")).about(release)
    } else {
        Verdict::warned(&message).about(release)
    }
}
