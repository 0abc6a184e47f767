//! Accepts connections: never more than there are slots, and without a busy loop on errors.

use std::convert::Infallible;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::body::Waiting;
use super::open::OpenConnections;
use super::phase::Phase;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Pause before looking again for an idle connection where none was idle.
const ALL_BUSY: Duration = Duration::from_millis(50);

/// Accepts until dropped; each connection gets a task of its own. Where no slot is free, the idlest connection loses
/// its own to the new one, which `closed` is told; while that one still waits, it counts in `waiting`.
pub(super) async fn accept_all<W>(
    listener: &TcpListener,
    slots: usize,
    tasks: &mut JoinSet<()>,
    mut serve: impl FnMut(TcpStream, Arc<Phase>) -> W,
    closed: impl Fn(),
    waiting: &AtomicUsize,
) -> Infallible
where
    W: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(slots));
    let open = Arc::<OpenConnections>::default();
    loop {
        let (stream, peer) = first_accepted(|| listener.accept()).await;
        while tasks.try_join_next().is_some() {}
        let Some(slot) = free_slot(&slots, &open, &closed, waiting).await else {
            return pending().await;
        };
        without_delay(&stream);
        let phase = Arc::new(Phase::opened());
        let listed = open.add(Arc::clone(&phase));
        let work = serve(stream, Arc::clone(&phase));
        let work = async move {
            tokio::select! {
                biased;
                () = phase.closed() => tracing::debug!("closed: it was the idlest of too many"),
                () = work => {}
            }
            drop((listed, slot));
        };
        tasks.spawn(work.instrument(connection_span(peer)));
    }
}

/// Waits for a slot, and closes the idlest connection where none is free.
async fn free_slot(
    slots: &Arc<Semaphore>,
    open: &OpenConnections,
    closed: impl Fn(),
    waiting: &AtomicUsize,
) -> Option<OwnedSemaphorePermit> {
    if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
        return Some(slot);
    }
    let _waiting = Waiting::count(waiting);
    loop {
        if open.close_idlest() {
            closed();
        }
        // All may be busy now, and idle a moment later.
        match timeout(ALL_BUSY, Arc::clone(slots).acquire_owned()).await {
            Ok(slot) => return slot.ok(),
            Err(_) => continue,
        }
    }
}

/// Disables Nagle's algorithm, which delays each new TLS connection by a delayed acknowledgement: 43 ms instead of
/// 0.6 ms.
fn without_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY can't be set");
    }
}

fn connection_span(peer: SocketAddr) -> tracing::Span {
    tracing::debug_span!("connection", %peer)
}

async fn first_accepted<T, A>(mut accept: impl FnMut() -> A) -> T
where
    A: Future<Output = io::Result<T>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        match accept().await {
            Ok(accepted) => return accepted,
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                if pause == FIRST_PAUSE {
                    tracing::warn!(%error, "can't accept connections; trying on");
                }
                sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
}

/// Whether an error is about one client that gave up in the queue; any other, such as too many open files, lasts a
/// while.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::Instant;

    use super::*;

    const EMFILE: i32 = 24;

    #[tokio::test]
    async fn errors_are_outlived_and_lasting_ones_waited_out() {
        let aborted = || io::Error::from(ErrorKind::ConnectionAborted);
        let too_many_files = || io::Error::from_raw_os_error(EMFILE);
        let results = RefCell::new(vec![
            Ok("a connection"),
            Err(too_many_files()),
            Err(aborted()),
            Err(too_many_files()),
        ]);
        let started = Instant::now();

        let accepted = first_accepted(async || results.borrow_mut().pop().unwrap()).await;

        assert_eq!(accepted, "a connection");
        assert!(started.elapsed() >= FIRST_PAUSE * 3);
    }
}
