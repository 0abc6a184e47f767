//! Orders to stop, in two steps: drain, then stop at once.

use std::future::pending;
use std::io;

use tokio::sync::watch;

use self::signals::Signals;

mod signals;

/// The order in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Run,
    Drain,
    Stop,
}

/// Receives the orders to stop; clones receive the same ones.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<Order>);

/// Gives the orders to stop. Dropping it gives none.
#[derive(Debug)]
pub struct Trigger(watch::Sender<Order>);

// === impl Shutdown ===

impl Shutdown {
    /// Drains on the first signal to stop, and stops at once on the second.
    pub fn on_signals() -> io::Result<Self> {
        let mut signals = Signals::new()?;
        let (trigger, shutdown) = Self::by_hand();
        tokio::spawn(async move {
            let name = signals.next().await;
            tracing::info!("{name}: draining; a second signal stops at once");
            trigger.drain();
            let name = signals.next().await;
            tracing::warn!("{name} again: stopping at once");
            trigger.stop();
        });
        Ok(shutdown)
    }

    /// Creates a shutdown ordered through the returned trigger.
    #[must_use]
    pub fn by_hand() -> (Trigger, Self) {
        let (sender, receiver) = watch::channel(Order::Run);
        (Trigger(sender), Self(receiver))
    }

    /// Waits for the order to drain or to stop.
    pub async fn draining(&mut self) {
        self.at_least(Order::Drain).await;
    }

    /// Waits for the order to stop at once.
    pub async fn stopping(&mut self) {
        self.at_least(Order::Stop).await;
    }

    async fn at_least(&mut self, order: Order) {
        if self.0.wait_for(|given| *given >= order).await.is_err() {
            pending::<()>().await;
        }
    }
}

// === impl Trigger ===

impl Trigger {
    /// Orders to finish open requests and then stop.
    pub fn drain(&self) {
        self.give(Order::Drain);
    }

    /// Orders to stop at once.
    pub fn stop(&self) {
        self.give(Order::Stop);
    }

    fn give(&self, order: Order) {
        self.0.send_modify(|given| *given = order.max(*given));
    }
}
