//! Reloads the policy when its file changes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use prometheus_client::metrics::{counter::Counter, family::Family};
use tokio::sync::watch;

use super::{Policy, PolicyError};
use crate::metrics::{Metrics, Outcome};

/// Pause between two reads of the file; a mounted ConfigMap itself takes up to a minute to show a change.
const INTERVAL: Duration = Duration::from_secs(5);

/// Returns the policy in a file and follows its changes; without a file, the default policy.
///
/// # Errors
/// When the file can't be read or parsed at first. Later failures are logged, and the last good policy stays.
pub fn follow(
    file: Option<PathBuf>,
    metrics: &Metrics,
) -> Result<watch::Receiver<Arc<Policy>>, PolicyError> {
    let Some(file) = file else {
        return Ok(watch::channel(Arc::default()).1);
    };
    let loads: Family<Outcome, Counter> = Family::default();
    metrics.register(|registry| {
        let help = "Times that the configuration changed and was read";
        registry.register("config_loads", help, loads.clone());
    });
    let (sender, policy) = watch::channel(Arc::new(Policy::read(&file)?));
    for outcome in ["ok", "failed"] {
        drop(loads.get_or_create(&Outcome { outcome }));
    }
    tokio::spawn(async move {
        let mut known = tokio::fs::read(&file).await.ok();
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = tokio::fs::read(&file).await.ok();
            if now == known {
                continue;
            }
            known = now;
            let outcome = match Policy::read(&file) {
                Ok(policy) => {
                    tracing::info!(file = %file.display(), "configuration loaded");
                    sender.send_replace(Arc::new(policy));
                    "ok"
                }
                Err(error) => {
                    tracing::error!("{error}; the last good configuration stays");
                    "failed"
                }
            };
            loads.get_or_create(&Outcome { outcome }).inc();
        }
    });
    Ok(policy)
}
