//! Clusters that one test has for itself, one after the other: to start one costs as much as many a test.

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Result;

use super::{Cluster, ClusterOptions};
use crate::binaries::Binaries;

/// The cluster that an earlier test has left. More would wait for nobody, and a cluster that waits is not idle.
static WAITING: Mutex<Option<Cluster>> = Mutex::new(None);

/// A cluster without webhooks that belongs to one test until this is dropped. What tests before it left in their
/// namespaces is still there.
pub struct Lease(Option<Cluster>);

impl Cluster {
    /// Returns a cluster for a test that registers webhooks of its own; None, with a message, if its programs were not
    /// built.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn lease_or_skip() -> Option<Lease> {
        Binaries::find_or_skip()?;
        let waiting = WAITING
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let start = || {
            Self::start(options())
                .unwrap_or_else(|error| panic!("the cluster does not start: {error:#}"))
        };
        Some(Lease(Some(waiting.unwrap_or_else(start))))
    }

    fn remove_webhooks(&self) -> Result<()> {
        self.api.delete_all("validatingwebhookconfiguration")?;
        self.api.delete_all("mutatingwebhookconfiguration")
    }
}

fn options() -> ClusterOptions {
    let mut options = ClusterOptions::default();
    // There is no kube-proxy, so the API server looks up a Service's endpoints by itself.
    let flag = ("enable-aggregator-routing".to_owned(), "true".to_owned());
    options.api_server_flags.push(flag);
    options
}

impl Deref for Lease {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.0
            .as_ref()
            .expect("a lease has its cluster until it is dropped")
    }
}

impl Drop for Lease {
    /// Gives the cluster to the next test, unless this one failed.
    fn drop(&mut self) {
        let Some(cluster) = self.0.take() else {
            return;
        };
        if thread::panicking() || cluster.remove_webhooks().is_err() {
            return;
        }
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_none() {
            *waiting = Some(cluster);
        }
    }
}
