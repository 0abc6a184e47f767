//! What a connection waits for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The phase of a connection, shared by its stream, its requests and the list of all connections.
///
/// The number grows with each change, so that two idle times differ; its remainder by [`KINDS`] is the phase.
#[derive(Debug)]
pub(super) struct Phase {
    state: AtomicU64,
    opened: Instant,
    /// When it became idle, in microseconds since it was opened.
    idle_since: AtomicU64,
    closed: Notify,
}

/// What may come next on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The rest of the first request's header, after the handshake.
    Opening,
    /// Another request, or none.
    Idle,
    /// The rest of a later request's header.
    Header,
    /// An answer.
    Busy,
    /// Its end: it was idle when another connection needed its place.
    Closed,
}

const KINDS: u64 = 5;

// === impl Phase ===

impl Phase {
    pub(super) fn opened() -> Self {
        Self {
            state: AtomicU64::new(Kind::Opening as u64),
            opened: Instant::now(),
            idle_since: AtomicU64::new(0),
            closed: Notify::new(),
        }
    }

    /// Enters the phase after a complete header, in which the request's own timeout applies.
    pub(super) fn busy(&self) {
        self.enter(Kind::Busy);
    }

    /// Enters the phase after an answer, in which the next request may come.
    pub(super) fn idle(&self) {
        let micros = self.opened.elapsed().as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        self.idle_since.store(micros, Ordering::Relaxed);
        self.enter(Kind::Idle);
    }

    pub(super) fn bytes_came(&self) {
        if self.kind() == Kind::Idle {
            self.enter(Kind::Header);
        }
    }

    /// Since when no request has been on its way; None if there is one.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let micros = match self.kind() {
            Kind::Opening => 0,
            Kind::Idle => self.idle_since.load(Ordering::Relaxed),
            _ => return None,
        };
        Some(self.opened + Duration::from_micros(micros))
    }

    /// Closes the connection unless a request has come meanwhile; returns whether it did.
    pub(super) fn close_if_idle(&self) -> bool {
        let now = self.number();
        if !matches!(kind(now), Kind::Opening | Kind::Idle) || !self.exchange(now, Kind::Closed) {
            return false;
        }
        self.closed.notify_one();
        true
    }

    /// Waits until the connection is to be closed.
    pub(super) async fn closed(&self) {
        self.closed.notified().await;
    }

    #[cfg(test)]
    pub(super) fn is_closed(&self) -> bool {
        self.kind() == Kind::Closed
    }

    /// The number of this phase among all of this connection.
    pub(super) fn number(&self) -> u64 {
        self.state.load(Ordering::Relaxed)
    }

    pub(super) fn kind(&self) -> Kind {
        kind(self.number())
    }

    fn enter(&self, kind: Kind) {
        let mut now = self.number();
        // Beside the connection's own task only the list of all writes here, and only once.
        while self::kind(now) != Kind::Closed && !self.exchange(now, kind) {
            now = self.number();
        }
    }

    fn exchange(&self, now: u64, kind: Kind) -> bool {
        let next = (now / KINDS + 1) * KINDS + kind as u64;
        let relaxed = Ordering::Relaxed;
        self.state
            .compare_exchange(now, next, relaxed, relaxed)
            .is_ok()
    }
}

fn kind(number: u64) -> Kind {
    match number % KINDS {
        0 => Kind::Opening,
        1 => Kind::Idle,
        2 => Kind::Header,
        3 => Kind::Busy,
        _ => Kind::Closed,
    }
}
