//! The open connections of a port, so that the idlest can be closed when there are too many.
//!
//! A cap for each peer's address would not do: all of an API server's connections come from one address, and behind a
//! load balancer everybody's do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::phase::Phase;

/// The phases of all open connections.
#[derive(Debug, Default)]
pub(super) struct OpenConnections(Mutex<Vec<Arc<Phase>>>);

/// One of them; no longer once it is dropped.
pub(super) struct Listed {
    all: Arc<OpenConnections>,
    own: Arc<Phase>,
}

// === impl OpenConnections ===

impl OpenConnections {
    pub(super) fn add(self: &Arc<Self>, own: Arc<Phase>) -> Listed {
        self.lock().push(Arc::clone(&own));
        Listed {
            all: Arc::clone(self),
            own,
        }
    }

    /// Closes the connection that has been idle for the longest; returns whether there was one.
    pub(super) fn close_idlest(&self) -> bool {
        let connections = self.lock();
        let idle = connections
            .iter()
            .filter_map(|phase| Some((phase.idle_since()?, phase)));
        let idlest = idle.min_by_key(|(since, _)| *since);
        idlest.is_some_and(|(_, phase)| phase.close_if_idle())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Phase>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut connections = self.all.lock();
        let place = connections
            .iter()
            .position(|phase| Arc::ptr_eq(phase, &self.own));
        if let Some(place) = place {
            connections.swap_remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_idlest_is_closed_and_a_busy_one_never() {
        let open = Arc::<OpenConnections>::default();
        let phases: Vec<_> = (0..3).map(|_| Arc::new(Phase::opened())).collect();
        let listed: Vec<_> = phases.iter().map(|it| open.add(Arc::clone(it))).collect();
        let [first, second, busy] = &*phases else {
            unreachable!()
        };
        // The clock has to move on.
        thread::sleep(Duration::from_millis(2));
        busy.busy();
        // The first was opened no later than the second, but has answered since.
        first.busy();
        first.idle();

        assert!(open.close_idlest());
        assert!(second.is_closed() && !first.is_closed());
        assert!(open.close_idlest());
        assert!(first.is_closed());
        assert!(!open.close_idlest() && !busy.is_closed());

        drop(listed);
        assert!(open.lock().is_empty());
    }
}
