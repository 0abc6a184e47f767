//! A connection's stream that times out when its peer stops sending.
//!
//! hyper's own header timeout also runs while a kept-alive connection is idle. The API server keeps its connections
//! for 90 s and never repeats a POST, so closing them earlier would now and then fail a review. Here the wait for a
//! request and the wait for the rest of its header each have a timeout.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

const IDLE: u64 = 0;
const HEADER: u64 = 1;
const BUSY: u64 = 2;
const KINDS: u64 = 4;

/// The phase of a connection, shared by its stream and its requests.
///
/// The number grows with each change, so that two idle times differ; its remainder by [`KINDS`] is the phase.
#[derive(Debug, Default)]
pub(super) struct Phase(AtomicU64);

/// A stream with a timeout for each phase.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    phase: Arc<Phase>,
    armed: u64,
    timer: Pin<Box<Sleep>>,
    idle_timeout: Duration,
    header_timeout: Duration,
}

// === impl Phase ===

impl Phase {
    /// Enters the phase after a complete header, in which the request's own timeout applies.
    pub(super) fn busy(&self) {
        self.enter(BUSY);
    }

    /// Enters the phase after an answer, in which the next request may come.
    pub(super) fn idle(&self) {
        self.enter(IDLE);
    }

    fn bytes_came(&self) {
        if self.get() % KINDS == IDLE {
            self.enter(HEADER);
        }
    }

    fn enter(&self, kind: u64) {
        // Only the connection's own task gets here: no other write can come between.
        let next = self.get() / KINDS + 1;
        self.0.store(next * KINDS + kind, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl Watched ===

impl<S> Watched<S> {
    pub(super) fn new(stream: S, idle_timeout: Duration, header_timeout: Duration) -> Self {
        let phase = Arc::new(Phase::default());
        Self {
            stream,
            armed: phase.get(),
            phase,
            timer: Box::pin(sleep(idle_timeout)),
            idle_timeout,
            header_timeout,
        }
    }

    pub(super) fn phase(&self) -> Arc<Phase> {
        Arc::clone(&self.phase)
    }

    /// Polls the timer while the peer sends nothing: pending until this phase has lasted too long.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let phase = self.phase.get();
        let timeout = match phase % KINDS {
            IDLE => self.idle_timeout,
            HEADER => self.header_timeout,
            _ => return Poll::Pending,
        };
        if self.armed != phase {
            self.armed = phase;
            self.timer.as_mut().reset(Instant::now() + timeout);
        }
        ready!(self.timer.as_mut().poll(cx));
        Poll::Ready(io::Error::new(
            io::ErrorKind::TimedOut,
            "the peer fell silent",
        ))
    }

    fn or_overdue<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match poll {
            Poll::Pending => self.poll_overdue(cx).map(Err),
            ready @ Poll::Ready(_) => ready,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if poll.is_ready() && buffer.filled().len() > before {
            self.phase.bytes_came();
        }
        self.or_overdue(cx, poll)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.or_overdue(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.or_overdue(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        // After an answer hyper may not read again until bytes come: the wait for them begins here.
        if poll.is_ready() && self.armed != self.phase.get() {
            _ = self.poll_overdue(cx);
        }
        self.or_overdue(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.or_overdue(cx, poll)
    }
}
