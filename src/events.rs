//! Kubernetes Events: tell what the guard did where `kubectl get events` looks.
//!
//! They are written outside the reviews: a review only queues its Events. Those that the queue or the API server does
//! not take are counted.

mod writer;

use kube::Client;
use prometheus_client::metrics::{counter::Counter, family::Family};
use strum::{Display, VariantArray};
use tokio::{sync::mpsc, task::JoinHandle};

use self::writer::Writer;
use crate::{
    kubernetes::ObjectRef,
    metrics::{Metrics, Outcome},
};

/// Longest queue of Events that wait to be written.
const QUEUE: usize = 256;

/// What happened, as shown in the column REASON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, VariantArray)]
pub enum Reason {
    /// A record of `helm install` was refused.
    InstallRefused,
    /// A record of `helm upgrade` was refused.
    UpgradeRefused,
    /// A record of `helm rollback` was refused.
    RollbackRefused,
    /// A change of one object was refused.
    ChangeRefused,
    /// Audit mode admitted a change that enforce mode would refuse.
    WouldBeRefused,
    /// The guard changed an object.
    Mutated,
    /// Somebody created an override.
    OverrideCreated,
    /// Somebody tried to create an override without the right to, or a malformed one.
    OverrideRefused,
    /// An override admitted a change that would be refused.
    OverrideUsed,
    /// Somebody tried to write a configuration of the guard that it could not read.
    ConfigurationRefused,
    /// The guard could not read its configuration.
    ConfigurationUnreadable,
}

impl Reason {
    /// Returns what the guard did.
    fn action(self) -> &'static str {
        match self {
            Reason::Mutated => "Mutate",
            Reason::ConfigurationUnreadable => "Read",
            Reason::WouldBeRefused | Reason::OverrideCreated | Reason::OverrideUsed => "Admit",
            _ => "Refuse",
        }
    }

    fn severity(self) -> &'static str {
        match self {
            Reason::Mutated => "Normal",
            _ => "Warning",
        }
    }
}

/// One Event; a repeated one is counted in the series of the first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// The event's kind.
    pub reason: Reason,
    /// The message.
    pub note: String,
    /// The object that the Event is about; the Event goes into its namespace.
    pub regarding: ObjectRef,
    /// The object's uid, if it existed before.
    pub uid: Option<String>,
    /// A related object.
    pub related: Option<ObjectRef>,
}

/// The sink for Events; clones share its queue.
#[derive(Clone, Debug)]
pub struct Events {
    queue: Option<mpsc::Sender<Event>>,
    outcomes: Outcomes,
}

impl Events {
    /// Creates a sink that writes no Events.
    pub fn off(metrics: &Metrics) -> Events {
        Events {
            queue: None,
            outcomes: Outcomes::new(metrics),
        }
    }

    /// Creates a sink, and the queue's receiver for the caller to write from.
    pub fn queued(metrics: &Metrics) -> (Events, mpsc::Receiver<Event>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let events = Events {
            queue: Some(queue),
            ..Events::off(metrics)
        };
        (events, waiting)
    }

    /// Creates a sink with a task that writes through `client` and ends when the last clone is dropped.
    pub fn start(client: Client, metrics: &Metrics) -> (Events, JoinHandle<()>) {
        let (events, waiting) = Events::queued(metrics);
        let writer = Writer::new(client, events.outcomes.clone());
        (events, tokio::spawn(writer.run(waiting)))
    }

    /// Queues an Event to be written soon.
    pub fn tell(&self, event: Event) {
        if let Some(queue) = &self.queue
            && queue.try_send(event).is_err()
        {
            self.outcomes.dropped.inc();
        }
    }
}

/// Counters of Events that were written, dropped and failed.
#[derive(Clone, Debug)]
struct Outcomes {
    written: Counter,
    dropped: Counter,
    failed: Counter,
}

impl Outcomes {
    fn new(metrics: &Metrics) -> Self {
        let events: Family<Outcome, Counter> = Family::default();
        let outcome = |outcome| events.get_or_create_owned(&Outcome { outcome });
        let own = Self {
            written: outcome("written"),
            dropped: outcome("dropped"),
            failed: outcome("failed"),
        };
        metrics.register(|registry| {
            registry.register(
                "events",
                "Events to be written, by what became of them",
                events,
            );
        });
        own
    }
}
