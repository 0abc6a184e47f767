//! Measures where a review's time goes, and counts failed reads.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use crate::{cluster::ReadError, kubernetes::Kind, metrics::Metrics};

/// Label of access reviews in the metrics, beside the kinds of objects.
pub(super) const REVIEW: &str = "SubjectAccessReview";

/// The time that a review has waited.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// For the API server.
    pub reading: Duration,
    /// For records: waiting for a turn, and decoding.
    pub decoding: Duration,
}

/// Adds up the waiting time of one review.
#[derive(Debug, Default)]
pub(super) struct Clock(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Number of concurrent reads; their common time counts once.
    readers: usize,
    since: Option<Instant>,
    spent: Spent,
}

/// Counts as waiting until dropped.
pub(super) struct Waiting<'a> {
    clock: &'a Clock,
    decoding_since: Option<Instant>,
}

impl Clock {
    pub(super) fn reading(&self) -> Waiting<'_> {
        let mut state = self.state();
        if state.readers == 0 {
            state.since = Some(Instant::now());
        }
        state.readers += 1;
        Waiting {
            clock: self,
            decoding_since: None,
        }
    }

    pub(super) fn decoding(&self) -> Waiting<'_> {
        Waiting {
            clock: self,
            decoding_since: Some(Instant::now()),
        }
    }

    pub(super) fn spent(&self) -> Spent {
        self.state().spent
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.clock.state();
        if let Some(since) = self.decoding_since {
            state.spent.decoding += since.elapsed();
            return;
        }
        state.readers -= 1;
        if state.readers == 0
            && let Some(since) = state.since
        {
            state.spent.reading += since.elapsed();
        }
    }
}

/// The metric family of failed reads; clones share it.
#[derive(Clone, Debug, Default)]
pub struct ReadErrors(Family<Labels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    kind: &'static str,
    error: &'static str,
}

impl ReadErrors {
    /// Registers the metric family.
    pub fn new(metrics: &Metrics) -> Self {
        let family: Family<Labels, Counter> = Family::default();
        for kind in Kind::all().map(Kind::name).chain([REVIEW]) {
            for error in ReadError::CLASSES {
                drop(family.get_or_create(&Labels { kind, error }));
            }
        }
        metrics.register(|registry| {
            let help = "Reads of the cluster that failed, by kind of object and of error";
            registry.register("facts_errors", help, family.clone());
        });
        Self(family)
    }

    pub(super) fn count(&self, kind: &'static str, error: &ReadError) {
        let error = error.class();
        self.0.get_or_create(&Labels { kind, error }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_at_the_same_time_count_once() {
        let clock = Clock::default();
        let (begun, pause) = (Instant::now(), Duration::from_millis(20));
        let both = (clock.reading(), clock.reading());
        std::thread::sleep(pause);
        drop(both.0);
        assert_eq!(clock.spent().reading, Duration::ZERO);
        drop(both.1);
        let spent = clock.spent();
        assert!(spent.reading >= pause && spent.reading <= begun.elapsed());
        assert_eq!(spent.decoding, Duration::ZERO);
    }
}
