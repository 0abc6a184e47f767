//! The guard's readiness: a set of named conditions that any part of the process may set.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

/// Condition: the served certificate is valid.
pub const CERTIFICATE: &str = "certificate";

/// Condition that is unmet once the process was told to stop.
pub const DRAINING: &str = "draining";

type Conditions = BTreeMap<&'static str, Option<String>>;

/// A handle on the conditions; clones share them.
#[derive(Clone, Debug)]
pub struct Readiness {
    conditions: Arc<watch::Sender<Conditions>>,
}

impl Readiness {
    /// Creates a ready state without conditions: name what must be waited for with [`Readiness::unmet`] before
    /// serving.
    #[must_use]
    pub fn new() -> Self {
        Self {
            conditions: Arc::new(watch::Sender::new(Conditions::new())),
        }
    }

    /// Marks a condition as met.
    pub fn met(&self, condition: &'static str) {
        self.set(condition, None);
    }

    /// Marks a condition as unmet, with the reason.
    pub fn unmet(&self, condition: &'static str, reason: impl Into<String>) {
        self.set(condition, Some(reason.into()));
    }

    /// Whether this condition is set and unmet.
    #[must_use]
    pub fn is_waiting_for(&self, condition: &str) -> bool {
        matches!(self.conditions.borrow().get(condition), Some(Some(_)))
    }

    /// Whether every condition is met.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.conditions.borrow().values().all(Option::is_none)
    }

    /// Returns the unmet conditions with their reasons, by name.
    #[must_use]
    pub fn unmet_conditions(&self) -> Vec<(&'static str, String)> {
        let conditions = self.conditions.borrow();
        conditions
            .iter()
            .filter_map(|(name, reason)| Some((*name, reason.clone()?)))
            .collect()
    }

    /// Waits until every condition is met.
    pub async fn ready(&self) {
        let mut conditions = self.conditions.subscribe();
        let all_met = |set: &Conditions| set.values().all(Option::is_none);
        // Can't fail: this handle keeps the sender.
        drop(conditions.wait_for(all_met).await);
    }

    fn set(&self, condition: &'static str, reason: Option<String>) {
        self.conditions.send_if_modified(|conditions| {
            let before = conditions.get(condition);
            if before == Some(&reason) {
                return false;
            }
            match (&reason, before) {
                (Some(reason), _) => tracing::warn!(condition, reason, "not ready"),
                (None, Some(Some(_))) => tracing::info!(condition, "condition met"),
                (None, _) => {}
            }
            conditions.insert(condition, reason);
            true
        });
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_only_when_every_condition_is_met() {
        let readiness = Readiness::new();
        readiness.unmet("api-server", "connection refused");
        readiness.met(CERTIFICATE);
        assert!(!readiness.is_ready());
        assert!(readiness.is_waiting_for("api-server") && !readiness.is_waiting_for(CERTIFICATE));
        assert_eq!(
            readiness.clone().unmet_conditions(),
            [("api-server", "connection refused".to_owned())]
        );
        readiness.met("api-server");
        assert!(readiness.is_ready());
        assert_eq!(readiness.unmet_conditions(), []);
    }
}
