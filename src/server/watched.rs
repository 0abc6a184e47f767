//! A connection's stream that times out when its peer stops sending.
//!
//! hyper's own header timeout also runs while a kept-alive connection is idle. The API server keeps its connections
//! for 90 s and never repeats a POST, so closing them earlier would now and then fail a review. Here the wait for a
//! request and the wait for the rest of its header each have a timeout. Of the first request the whole header has to come
//! within the latter.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::phase::{Kind, Phase};

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

// === impl Watched ===

impl<S> Watched<S> {
    /// Watches a stream that has just been opened: a peer that connects has something to say at once.
    pub(super) fn new(
        stream: S,
        phase: Arc<Phase>,
        idle_timeout: Duration,
        header_timeout: Duration,
    ) -> Self {
        Self {
            stream,
            armed: phase.number(),
            phase,
            timer: Box::pin(sleep(header_timeout)),
            idle_timeout,
            header_timeout,
        }
    }

    /// Polls the timer while the peer sends nothing: pending until this phase has lasted too long.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let phase = self.phase.number();
        let timeout = match self.phase.kind() {
            Kind::Idle => self.idle_timeout,
            Kind::Opening | Kind::Header => self.header_timeout,
            Kind::Busy | Kind::Closed => return Poll::Pending,
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
        if poll.is_ready() && self.armed != self.phase.number() {
            _ = self.poll_overdue(cx);
        }
        self.or_overdue(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.or_overdue(cx, poll)
    }
}
