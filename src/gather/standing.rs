//! A release as it stands, for whoever looks at it without a change of its own.

use std::{sync::Arc, time::Duration};

use super::{Asker, BUSY, Held, ReadErrors, Reader, Recorded, Records, Revision};
use crate::{
    change::{Change, Facts, Operation},
    cluster::Cluster,
    forecast::Standing,
    kubernetes::{Kind, ObjectRef},
};

/// What a record tells of a release.
#[derive(Clone, Debug)]
pub enum Read {
    /// A release of Camunda's.
    Camunda(Box<Standing>, Held),
    /// One of another chart.
    Other(String),
    /// None any more.
    Gone,
}

impl Reader {
    /// Reads and decodes the record of a revision.
    ///
    /// # Errors
    /// What is wrong, in words for a user.
    pub async fn standing(
        &self,
        records: &Records,
        recorded: &Recorded,
        revision: Revision,
    ) -> Result<Read, String> {
        let reference = recorded.record(revision.number);
        let named = |reason: String| format!("record {}: {reason}", reference.name);
        let record = self.get(&reference).await;
        let record = record.map_err(|error| named(error.to_string()))?;
        let Some(record) = record else {
            return Ok(Read::Gone);
        };
        let data = record.str("/data/release");
        let data = data.ok_or_else(|| named("it has no data.release".to_owned()))?;
        let (data, home) = (data.to_owned(), &recorded.namespace);
        let decoded = records.decode(data, recorded.storage, home, None, &self.guarded);
        let decoded = self.decoding(decoded).await;
        let decoded = decoded
            .unwrap_or_else(|| Err(BUSY.to_owned()))
            .map_err(named)?;
        let (release, rendered) = (decoded.release, decoded.rendered);
        if !rendered.camunda {
            return Ok(Read::Other(release.chart.metadata.to_string()));
        }
        let chart = release.chart.metadata.to_string();
        match Standing::of(&recorded.release, &release.namespace, rendered) {
            Some(standing) => Ok(Read::Camunda(Box::new(standing), decoded.held)),
            None => Err(named(format!("the version of its chart ({chart}) is none"))),
        }
    }

    /// What the rules need to judge a change of a release, and of all that it mounts and generates what a later one needs.
    pub async fn standing_facts(&self, standing: &Standing, change: Option<Change>) -> Facts {
        let mut change = change.unwrap_or_else(|| {
            let (release, namespace) = (&standing.release, &standing.namespace);
            let same = &standing.rendered;
            Change::between(Operation::Upgrade, release, namespace, same, Some(same))
        });
        let mut facts = self.release_facts(&mut change, Asker::Reader).await;
        for reason in &standing.rendered.unreadable {
            facts.insert_gap("manifest", reason.clone());
        }
        let secrets = standing.rendered.objects.iter();
        let secrets = secrets.filter(|it| it.camunda && it.reference.kind == Kind::Secret);
        let secrets = secrets.map(|it| it.reference.clone());
        let claims = facts.claims(&standing.namespace).flat_map(|claim| {
            let volume = claim.str("/spec/volumeName");
            let class = claim.str("/spec/storageClassName");
            let volume = volume.map(|name| ObjectRef::new(Kind::PersistentVolume, "", name));
            let class = class.map(|name| ObjectRef::new(Kind::StorageClass, "", name));
            volume.into_iter().chain(class)
        });
        let wanted: Vec<_> = secrets
            .chain(claims)
            .filter(|wanted| facts.get(wanted).is_none() && !facts.unread(wanted))
            .collect();
        self.get_all(&mut facts, wanted).await;
        self.drivers(&mut facts).await;
        facts
    }

    /// A reader for one command: nobody else counts what it can't read.
    pub fn of_command(cluster: Cluster, budget: Duration) -> Self {
        Self::new(cluster, budget, ReadErrors::default(), Arc::default())
    }
}
