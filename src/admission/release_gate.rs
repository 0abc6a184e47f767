//! The release gate: a Helm record is judged before Helm applies anything.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{
    Guard,
    overriding::{self, Void},
    review::Request,
    verdict::{Refusal, Verdict},
};
use crate::{
    change::{Change, Facts},
    cluster::Age,
    denial::{self, Beyond},
    finding::{Finding, refuses},
    gather::{Announced, Asker, Decoded, Left, Reader, RecordError, Running},
    helm::release::{DecodeError, Release, Status, Storage, parse_record_name},
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
    let reader = &reader.sharing(&guard.processors);
    let record = Record {
        guard,
        policy,
        reader,
        request,
        storage,
    };
    // Known before the record is decoded, so that only the changed documents are parsed.
    let (announced, data) = request.announced();
    let before = match announced {
        Some((release, revision)) => record.running(release, revision).await,
        None => Running::Nothing,
    };
    let Decoded {
        release,
        rendered,
        held: _held,
    } = match record.decoded(data, &before).await {
        Ok(decoded) => decoded,
        Err(error) => return undecodable(policy, reader, request, &error).await,
    };
    // The record of a restored backup, or a status that is written again: Helm is not about to apply anything.
    if !release.info.status.is_pending() {
        return Verdict::admitted();
    }
    let running = record.replaced(&release, announced, before).await;
    let left = record.left(&release).await;
    let asker = Asker::Writer(&request.namespace, &request.user_info);
    let newest = &policy.newest_patches;
    let announce = async |reader: &Reader| {
        let announced = reader.announced(&release, &rendered, &running, &left, newest, asker);
        announced.await
    };
    let quick = reader.of_concerned_claims(Age::Cached);
    let Some(mut announced) = announce(&quick).await else {
        return Verdict::admitted();
    };
    let mut found = record.findings(&release, &announced).await;
    if refuses(&found.0)
        && quick.overlooked().await
        && let Some(whole) = announce(&reader.of_concerned_claims(Age::Newest)).await
    {
        found = record.findings(&release, &whole).await;
        announced = whole;
    }
    record.verdict(&release, announced, found)
}

/// A Helm record that is being written, and what is needed to judge it.
struct Record<'a> {
    guard: &'a Guard,
    policy: &'a Policy,
    reader: &'a Reader,
    request: &'a Request<'a>,
    storage: Storage,
}

impl Record<'_> {
    async fn decoded(
        &self,
        data: Option<Cow<'_, str>>,
        before: &Running,
    ) -> Result<Decoded, RecordError> {
        let data = data.ok_or(DecodeError::Missing)?;
        let known = match before {
            Running::Release(rendered, _) => Some(Arc::clone(rendered)),
            _ => None,
        };
        let decoding = self.guard.records.decode(
            &data,
            self.storage,
            &self.request.namespace,
            known,
            &self.policy.guarded,
        );
        self.reader.decoding(decoding).await
    }

    async fn running(&self, release: &str, revision: u64) -> Running {
        let (records, namespace) = (&self.guard.records, &self.request.namespace);
        self.reader
            .running(records, self.storage, namespace, release, revision)
            .await
    }

    /// Returns what the release takes the place of; `before` is what runs before the revision that was announced.
    async fn replaced(
        &self,
        release: &Release,
        announced: Option<(&str, u64)>,
        before: Running,
    ) -> Running {
        match release.info.status {
            // The objects that an install finds are left over from before: no release runs.
            Status::PendingInstall => Running::Nothing,
            _ if announced == Some((&release.name, release.revision)) => before,
            _ => self.running(&release.name, release.revision).await,
        }
    }

    async fn left(&self, release: &Release) -> Left {
        if release.info.status != Status::PendingRollback {
            return Left::Nothing;
        }
        let (records, home) = (&self.guard.records, &self.request.namespace);
        let (name, revision) = (&release.name, release.revision);
        self.reader
            .left(records, self.storage, home, name, revision)
            .await
    }

    /// Judges the change that the record announces, with the override that somebody may have made for it.
    async fn findings(
        &self,
        release: &Release,
        announced: &Announced,
    ) -> (Vec<Finding>, Option<Void>) {
        let policy = self.policy_for(release, announced).await;
        let goes_on = || self.reader.is_in_time();
        let judged = overriding::findings(
            self.reader,
            &self.request.namespace,
            &release.name,
            Some(release.revision),
            |decided| policy.announced_past(announced, decided, &goes_on),
        )
        .await;
        judged.unwrap_or_else(|_| {
            let change = Change {
                namespace: release.namespace.clone(),
                release: release.name.clone(),
                ..Change::default()
            };
            (policy.late(&change), None)
        })
    }

    fn verdict(
        &self,
        release: &Release,
        announced: Announced,
        (findings, void): (Vec<Finding>, Option<Void>),
    ) -> Verdict {
        let revision = release.revision;
        let change = announced.into_change();
        let message = match refuses(&findings) {
            true => {
                let (namespace, name) = (&self.request.namespace, &change.release);
                let now = Timestamp::now();
                let way = overrides::printed(namespace, name, revision, &findings, now);
                let beyond = Beyond {
                    notes: void.iter().map(Void::to_string).collect(),
                    ways: vec![way],
                };
                denial::message_with(&change, &findings, &beyond)
            }
            false => None,
        };
        Verdict::of_change(&findings, &change, message)
    }

    /// Returns the policy with the labels of the release's namespace, which count only if the user may write there.
    async fn policy_for(&self, release: &Release, announced: &Announced) -> Cow<'_, Policy> {
        // The labels of a namespace that this user may not read must not show through in the answer.
        let home = ObjectRef::new(Kind::Namespace, "", &release.namespace);
        let foreign = announced
            .parts
            .iter()
            .any(|(_, _, facts)| facts.unread(&home));
        match foreign {
            true => Cow::Owned(self.policy.among(&BTreeMap::new())),
            false => {
                let namespace = &release.namespace;
                self.policy.in_namespace(self.reader, namespace).await
            }
        }
    }
}

/// Judges a record that can't be decoded: the policy decides if its release may be Camunda's; any other only gets a warning.
async fn undecodable(
    policy: &Policy,
    reader: &Reader,
    request: &Request<'_>,
    error: &RecordError,
) -> Verdict {
    let object = request.object();
    let named = object.as_ref().and_then(|object| object.label("name"));
    let Some(release) = parse_record_name(request.name())
        .map(|(release, _)| release)
        .or(named)
    else {
        return Verdict::warned(&format!("a Helm release record can't be decoded: {error}"));
    };
    let is_camunda =
        release.contains("camunda") || reader.is_camunda(&request.namespace, release).await;
    let head = format!(
        "the record of release {release} (namespace {}) can't be decoded, so the change was not judged",
        request.namespace
    );
    let message = format!("{head}: {error}");
    if !is_camunda {
        return Verdict::warned(&message).about(release);
    }
    let change = Change {
        namespace: request.namespace.to_string(),
        release: release.to_owned(),
        ..Change::default()
    };
    let mut facts = Facts::default();
    facts.insert_gap(format!("record {}", request.name()), error.to_string());
    let findings = rules::unchecked(&change, &facts);
    let policy = policy.in_namespace(reader, &change.namespace).await;
    let findings = policy.apply(&change.namespace, release, findings);
    let message = format!("{message}. Nothing was changed.");
    let refusal = refuses(&findings).then(|| Refusal::forbidden(head, message));
    Verdict::of(&change, &findings, refusal).about(release)
}
