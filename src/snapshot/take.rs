//! Reads a namespace into a snapshot, with the rights of the user who takes it.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt, stream};

use super::{NotRead, Redactor, Salt};
use crate::{
    change::{Parsed, Rendered},
    cluster::{Cluster, Contents, ReadError},
    gather::{RecordError, releases},
    helm::{
        manifest::Budget,
        release::{self, RECORD_PREFIX, Release, Status},
    },
    input::LIMITS,
    kubernetes::{Kind, Object, ObjectRef},
    rules::secret_refs,
};

/// Number of reads at a time.
const PARALLEL: usize = 16;

/// A namespace's objects and records, redacted.
#[derive(Debug)]
pub struct Snapped {
    /// The namespace.
    pub namespace: String,
    /// The salt of its digests.
    pub salt: Salt,
    /// The objects, redacted.
    pub objects: Vec<(Kind, Object)>,
    /// The records of Camunda's releases, redacted, each with its status.
    pub records: Vec<(Release, Status)>,
    /// The reads that failed.
    pub not_read: Vec<NotRead>,
}

/// Reason why no snapshot was taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TakeError {
    /// The system has no random numbers for a salt.
    #[error("the system has no random numbers to give")]
    Salt,
    /// No object of the namespace could be read.
    #[error("nothing in namespace {namespace} could be read: {reason}")]
    Nothing {
        /// The namespace.
        namespace: String,
        /// The reason of the first failure.
        reason: String,
    },
}

/// Reads what `check` needs of a namespace.
///
/// # Errors
/// When no object of the namespace could be read; other failures are noted.
pub async fn take(cluster: &Cluster, namespace: &str) -> Result<Snapped, TakeError> {
    let mut taking = Taking {
        cluster,
        namespace,
        objects: Vec::new(),
        not_read: Vec::new(),
    };
    let records = taking.records().await;
    for kind in Kind::all() {
        match kind {
            Kind::Secret => taking.secrets(&records).await,
            Kind::Namespace => taking.one(ObjectRef::new(kind, "", namespace)).await,
            // Other namespaces' volumes do not belong here.
            Kind::PersistentVolume => taking.volumes().await,
            Kind::ConfigMap => taking.config_maps().await,
            _ => taking.all(kind).await,
        }
    }
    let own = taking.objects.iter().any(|(kind, _)| kind.namespaced());
    if !own && let Some(first) = taking.not_read.first() {
        return Err(TakeError::Nothing {
            namespace: namespace.to_owned(),
            reason: first.reason.clone(),
        });
    }
    let salt = Salt::random().map_err(|_| TakeError::Salt)?;
    Ok(taking.redacted(records, salt))
}

struct Taking<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    objects: Vec<(Kind, Object)>,
    not_read: Vec<NotRead>,
}

impl Taking<'_> {
    /// Reads the newest and the running record of each Camunda release.
    async fn records(&mut self) -> Vec<(Release, Status)> {
        let releases = releases(self.cluster, Some(self.namespace)).await;
        for gap in releases.unseen {
            self.miss(gap.what.to_string(), gap.reason);
        }
        let mut records = Vec::new();
        for recorded in &releases.found {
            let revisions: BTreeSet<_> = [recorded.newest(), recorded.running()]
                .into_iter()
                .flatten()
                .map(|revision| revision.number)
                .collect();
            for revision in revisions {
                let reference = recorded.record(revision);
                match self.record(&reference, recorded.storage).await {
                    Ok(Some(release)) => records.push(release),
                    Ok(None) => {}
                    Err(error) => self.miss(reference.to_string(), error.to_string()),
                }
            }
        }
        records
    }

    /// Reads a record; None if it is gone or not Camunda's.
    async fn record(
        &self,
        reference: &ObjectRef,
        storage: release::Storage,
    ) -> Result<Option<(Release, Status)>, RecordError> {
        let Some(record) = self.cluster.get(reference).await? else {
            return Ok(None);
        };
        let release = release::of_record(&record, storage)?;
        let status = release.info.status;
        let rendered = Rendered::within(&release, None, &mut Budget::new(LIMITS));
        Ok(rendered.camunda.then_some((release, status)))
    }

    /// Reads all objects of a kind in the namespace (cluster-scoped kinds: in the cluster).
    async fn all(&mut self, kind: Kind) {
        match self.cluster.list(kind, self.namespace, &[]).await {
            Ok(found) => self.keep(kind, found),
            Err(error) => self.miss_kind(kind, &error),
        }
    }

    async fn one(&mut self, reference: ObjectRef) {
        match self.cluster.get(&reference).await {
            Ok(found) => self.keep(reference.kind, found),
            Err(error) => self.miss(reference.to_string(), error.to_string()),
        }
    }

    /// Reads ConfigMaps one by one: Helm's records among them are kept apart, and too large to be listed with the
    /// others.
    async fn config_maps(&mut self) {
        let names = self.names(Kind::ConfigMap).await;
        match names {
            Ok(names) => self.each(Kind::ConfigMap, names).await,
            Err(error) => self.miss_kind(Kind::ConfigMap, &error),
        }
    }

    /// Reads all Secrets, or those that the releases name if Secrets can't be listed.
    async fn secrets(&mut self, records: &[(Release, Status)]) {
        match self.names(Kind::Secret).await {
            Ok(names) => self.each(Kind::Secret, names).await,
            Err(error) => {
                self.miss_kind(Kind::Secret, &error);
                let named = records.iter().flat_map(|(release, _)| {
                    let rendered = Rendered::within(release, None, &mut Budget::new(LIMITS));
                    let names = rendered.objects.into_iter().flat_map(|object| {
                        let own = (object.reference.kind == Kind::Secret)
                            .then(|| object.reference.name.clone());
                        let read = secret_refs(&object.object);
                        own.into_iter().chain(read.into_iter().map(|it| it.secret))
                    });
                    names.collect::<Vec<_>>()
                });
                let named = named.collect();
                self.each(Kind::Secret, named).await;
            }
        }
    }

    async fn names(&self, kind: Kind) -> Result<BTreeSet<String>, ReadError> {
        let namespace = Some(self.namespace);
        let listed = self
            .cluster
            .list_within(kind, namespace, &[], Contents::Metadata)
            .await?;
        let names = listed.iter().map(|object| object.name().to_owned());
        Ok(names
            .filter(|name| !name.starts_with(RECORD_PREFIX))
            .collect())
    }

    async fn each(&mut self, kind: Kind, names: BTreeSet<String>) {
        let (cluster, namespace) = (self.cluster, self.namespace);
        let reads = names.into_iter().map(|name| async move {
            let reference = ObjectRef::new(kind, namespace, &name);
            let found = cluster.get(&reference).await;
            (reference, found)
        });
        let found: Vec<_> = stream::iter(reads).buffered(PARALLEL).collect().await;
        for (reference, found) in found {
            match found {
                Ok(found) => self.keep(kind, found),
                Err(error) => self.miss(reference.to_string(), error.to_string()),
            }
        }
    }

    /// Reads the volumes of the namespace's claims.
    async fn volumes(&mut self) {
        let claims = self.objects.iter();
        let named = claims
            .filter(|(kind, _)| *kind == Kind::PersistentVolumeClaim)
            .filter_map(|(_, claim)| claim.str("/spec/volumeName").map(str::to_owned));
        let names: BTreeSet<_> = named.collect();
        match self.cluster.list(Kind::PersistentVolume, "", &[]).await {
            Ok(found) => {
                let mine = found.into_iter().filter(|volume| {
                    volume.str("/spec/claimRef/namespace") == Some(self.namespace)
                        || names.contains(volume.name())
                });
                let mine: Vec<_> = mine.collect();
                self.keep(Kind::PersistentVolume, mine);
            }
            Err(error) => {
                self.miss_kind(Kind::PersistentVolume, &error);
                self.each(Kind::PersistentVolume, names).await;
            }
        }
    }

    fn keep(&mut self, kind: Kind, found: impl IntoIterator<Item = Arc<Object>>) {
        let found = found.into_iter().map(|it| (kind, Arc::unwrap_or_clone(it)));
        self.objects.extend(found);
    }

    fn miss_kind(&mut self, kind: Kind, error: &ReadError) {
        self.not_read.push(NotRead {
            kind: Some(kind.name().to_owned()),
            what: kind.plural().to_owned(),
            reason: error.to_string(),
        });
    }

    fn miss(&mut self, what: String, reason: String) {
        self.not_read.push(NotRead {
            kind: None,
            what,
            reason,
        });
    }

    fn redacted(self, records: Vec<(Release, Status)>, salt: Salt) -> Snapped {
        let mut redactor = Redactor::new(salt.clone());
        for (kind, object) in &self.objects {
            if *kind == Kind::Secret {
                redactor.learn(object);
            }
        }
        for (release, _) in &records {
            redactor.learn_release(release, &Parsed::default());
        }
        let objects = self.objects.into_iter().map(|(kind, mut object)| {
            redactor.object(kind, &mut object.0);
            (kind, object)
        });
        let records = records.into_iter().map(|(mut release, status)| {
            redactor.release(&mut release, &mut Parsed::default());
            (release, status)
        });
        Snapped {
            namespace: self.namespace.to_owned(),
            salt,
            objects: objects.collect(),
            records: records.collect(),
            not_read: self.not_read,
        }
    }
}
