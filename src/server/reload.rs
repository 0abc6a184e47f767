//! Reloads the served certificate when its files change.
//!
//! The files are polled instead of watched: kubelet changes a mounted Secret by swapping the `..data` symlink above
//! them, which a watch on the files never sees. A pair read in the middle of a change doesn't match; the old one is
//! then kept, and the next read finds the new one.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::args::Files;
use super::credentials::{Content, Credentials, CredentialsError};
use super::readiness::{CERTIFICATE, Readiness};
use super::served::Served;
use crate::metrics::ServerMetrics;

/// Keeps the served pair the same as that in the files.
pub(super) struct Reloader {
    files: Files,
    seen: Result<Content, String>,
    current: Credentials,
    served: Arc<Served>,
}

// === impl Reloader ===

impl Reloader {
    /// Loads the pair for the first time; any problem with it is an error.
    pub(super) async fn load(files: Files) -> Result<Self, CredentialsError> {
        let content = files.read().await?;
        let current = files.parse_current(&content)?;
        let served = Arc::<Served>::default();
        served.exchange(Arc::clone(&current.pair));
        Ok(Self {
            served,
            files,
            seen: Ok(content),
            current,
        })
    }

    pub(super) fn served(&self) -> Arc<Served> {
        Arc::clone(&self.served)
    }

    /// Reads the files at this interval until dropped.
    pub(super) async fn run(
        mut self,
        interval: Duration,
        metrics: &ServerMetrics,
        readiness: &Readiness,
    ) {
        self.announce(metrics);
        loop {
            self.judge_time(readiness);
            sleep(interval).await;
            match self.reload_if_changed().await {
                Ok(false) => {}
                Ok(true) => {
                    metrics.reloaded(true);
                    self.announce(metrics);
                }
                Err(error) => {
                    metrics.reloaded(false);
                    tracing::warn!(%error, "keeping the old certificate");
                }
            }
        }
    }

    /// Reloads a changed pair; returns whether a new one is served. The same problem is an error only the first time.
    async fn reload_if_changed(&mut self) -> Result<bool, CredentialsError> {
        let Some(content) = self.changed().await? else {
            return Ok(false);
        };
        let parsed = self.files.parse_current(&content);
        self.seen = Ok(content);
        let credentials = parsed?;
        if credentials.pair.cert == self.current.pair.cert {
            return Ok(false);
        }
        self.served.exchange(Arc::clone(&credentials.pair));
        self.current = credentials;
        Ok(true)
    }

    /// Returns the files' content if it is new and two reads agree: a single one may mix the states before and after
    /// a swap.
    async fn changed(&mut self) -> Result<Option<Content>, CredentialsError> {
        let mut last = None;
        loop {
            let read = self.files.read().await;
            let seen = match &read {
                Ok(content) => Ok(content.clone()),
                Err(error) => Err(error.to_string()),
            };
            if seen == self.seen {
                return Ok(None);
            }
            if last.as_ref() != Some(&seen) {
                last = Some(seen);
                continue;
            }
            if read.is_err() {
                self.seen = seen;
            }
            return read.map(Some);
        }
    }

    fn announce(&self, metrics: &ServerMetrics) {
        let expiry = self.current.not_after;
        metrics.certificate_expiry.set(expiry.timestamp());
        tracing::info!(file = %self.files.cert.display(), %expiry, "serving the certificate");
        if self.current.is_of_the_future() {
            let from = self.current.not_before;
            tracing::warn!(%from, "the certificate is not valid yet; is this clock right?");
        }
    }

    /// Sets the readiness condition. An expired certificate stays served: the client judges by its own clock, which
    /// may be right.
    fn judge_time(&self, readiness: &Readiness) {
        if self.current.has_expired() {
            let error = self.files.expired(self.current.not_after);
            readiness.unmet(CERTIFICATE, error.to_string());
        } else {
            readiness.met(CERTIFICATE);
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use x509_parser::time::ASN1Time;

    use super::*;

    #[tokio::test]
    async fn what_expires_while_served_is_served_on_but_not_ready() {
        let dir = TempDir::new().unwrap();
        let (cert, key) = (dir.path().join("tls.crt"), dir.path().join("tls.key"));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let mut reloader = Reloader::load(Files {
            cert: cert.clone(),
            key,
        })
        .await
        .unwrap();
        let readiness = Readiness::new();

        let valid_until = reloader.current.not_after;
        reloader.current.not_after = ASN1Time::from_timestamp(0).unwrap();
        reloader.judge_time(&readiness);
        let expected = format!(
            "the certificate in {} expired on Jan  1 00:00:00 1970 +00:00; renew it",
            cert.display()
        );
        assert_eq!(readiness.unmet_conditions(), [(CERTIFICATE, expected)]);
        assert!(!reloader.reload_if_changed().await.unwrap());

        reloader.current.not_after = valid_until;
        reloader.judge_time(&readiness);
        assert!(readiness.is_ready());
    }
}
