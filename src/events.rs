//! Kubernetes Events: what the guard did, told where `kubectl get events` looks.
//!
//! They are written beside the answers: telling one only puts it into a queue, and what the queue or the API server
//! does not take is counted.

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

/// How many wait to be written at most.
const QUEUE: usize = 256;

/// What happened, as it stands in the column REASON.
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
    /// Audit mode has admitted what would be refused.
    WouldBeRefused,
    /// The guard has set something.
    Mutated,
    /// Somebody decided to go ahead against refusals.
    OverrideCreated,
    /// Somebody wanted to, and may not or did it wrong.
    OverrideRefused,
    /// What would be refused was admitted, as somebody had decided.
    OverrideUsed,
}

impl Reason {
    /// What the guard did with the request.
    fn action(self) -> &'static str {
        match self {
            Reason::Mutated => "Mutate",
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

/// One of them; the same once more is counted in the one that is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// What happened.
    pub reason: Reason,
    /// In words.
    pub note: String,
    /// To which object; the Event is put into its namespace.
    pub regarding: ObjectRef,
    /// The object's uid, where it has been there before.
    pub uid: Option<String>,
    /// Another object that it is about.
    pub related: Option<ObjectRef>,
}

/// Where Events are told; clones share the queue.
#[derive(Clone, Debug)]
pub struct Events {
    queue: Option<mpsc::Sender<Event>>,
    outcomes: Outcomes,
}

impl Events {
    /// Has none written.
    pub fn off(metrics: &Metrics) -> Events {
        Events {
            queue: None,
            outcomes: Outcomes::new(metrics),
        }
    }

    /// Leaves them to whoever takes them out of the queue.
    pub fn queued(metrics: &Metrics) -> (Events, mpsc::Receiver<Event>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let events = Events {
            queue: Some(queue),
            ..Events::off(metrics)
        };
        (events, waiting)
    }

    /// Has them written with a client, by a task that ends when the last clone is gone.
    pub fn start(client: Client, metrics: &Metrics) -> (Events, JoinHandle<()>) {
        let (events, waiting) = Events::queued(metrics);
        let writer = Writer::new(client, events.outcomes.clone());
        (events, tokio::spawn(writer.run(waiting)))
    }

    /// Has an Event written, at some time soon.
    pub fn tell(&self, event: Event) {
        if let Some(queue) = &self.queue
            && queue.try_send(event).is_err()
        {
            self.outcomes.dropped.inc();
        }
    }
}

/// What became of them.
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
