//! Reloads the policy when its file changes.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};
use tokio::sync::watch;

use super::{Policy, PolicyError};
use crate::{
    denial,
    events::{Event, Events, Reason},
    kubernetes::{Kind, ObjectRef},
    metrics::{Metrics, Outcome},
    webhooks::NAME,
};

/// Pause between two reads of the file; a mounted ConfigMap itself takes up to a minute to show a change.
const INTERVAL: Duration = Duration::from_secs(5);

/// Where the policy comes from, and where it is told if it can't be read.
#[derive(Debug)]
pub struct Source {
    /// The file, best a ConfigMap's.
    pub file: PathBuf,
    /// The sink of the Event about it.
    pub events: Events,
    /// The guard's namespace, where its ConfigMap is.
    pub namespace: String,
}

/// The families about the policy's file.
struct Loads {
    loads: Family<Outcome, Counter>,
    successful: Gauge,
}

/// Returns the policy in a file and follows its changes; without a file, the default policy.
///
/// A file that can't be read is told, and changes nothing: the last good policy stays. At the start that is the
/// default policy, which refuses most. To end instead would take the guard away at the next move of its pods.
pub fn follow(source: Option<Source>, metrics: &Metrics) -> watch::Receiver<Arc<Policy>> {
    let Some(source) = source else {
        return watch::channel(Arc::default()).1;
    };
    let loads = Loads::new(metrics);
    let mut known = fs::read(&source.file).ok();
    let first = Policy::read(&source.file);
    loads.successful.set(i64::from(first.is_ok()));
    let first = first.unwrap_or_else(|error| {
        source.tell(&error, "the defaults count, by which most is refused");
        Policy::default()
    });
    let (sender, policy) = watch::channel(Arc::new(first));
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = tokio::fs::read(&source.file).await.ok();
            if now == known {
                continue;
            }
            known = now;
            let read = Policy::read(&source.file);
            loads.count(read.is_ok());
            match read {
                Ok(policy) => {
                    tracing::info!(file = %source.file.display(), "configuration loaded");
                    sender.send_replace(Arc::new(policy));
                }
                Err(error) => source.tell(&error, "what counted before stays"),
            }
        }
    });
    policy
}

impl Source {
    fn tell(&self, error: &PolicyError, counts: &str) {
        let note = denial::one_line(&format!("{counts}: {error}"));
        tracing::error!("{note}");
        self.events.tell(Event {
            reason: Reason::ConfigurationUnreadable,
            note,
            regarding: ObjectRef::new(Kind::ConfigMap, &self.namespace, NAME),
            uid: None,
            related: None,
        });
    }
}

impl Loads {
    fn new(metrics: &Metrics) -> Self {
        let own = Self {
            loads: Family::default(),
            successful: Gauge::default(),
        };
        for outcome in ["ok", "failed"] {
            drop(own.loads.get_or_create(&Outcome { outcome }));
        }
        metrics.register(|registry| {
            let help = "Times that the configuration changed and was read";
            registry.register("config_loads", help, own.loads.clone());
            let help = "Whether the configuration could be read when it was last looked at";
            let successful = own.successful.clone();
            registry.register("config_last_load_successful", help, successful);
        });
        own
    }

    fn count(&self, read: bool) {
        let outcome = if read { "ok" } else { "failed" };
        self.loads.get_or_create(&Outcome { outcome }).inc();
        self.successful.set(i64::from(read));
    }
}
