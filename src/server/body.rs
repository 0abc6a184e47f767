//! Receives request bodies: each into one buffer, all within one budget of memory, and none from a peer that stalls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::BODY_LIMIT;
use super::args::BodyLimits;
use crate::metrics::{NO_MEMORY, ServerMetrics, TOO_LARGE, TOO_SLOW};

/// Bytes that a body may have without a share of the budget: reviews of single objects never wait for memory.
const FREE: usize = 16 * 1024;

/// Time and bytes for which the rest of a refused body is read and dropped. If the connection were closed at once, the
/// peer's TCP stack could drop the answer unread.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 2 * BODY_LIMIT);

/// A request's whole body.
#[derive(Debug)]
pub struct Whole(pub Bytes);

/// Reason why a body was not received to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It has more than [`BODY_LIMIT`] bytes.
    #[error("the request's body has more than {BODY_LIMIT} bytes")]
    TooLarge {
        /// What came of a body that did not tell its length.
        beginning: Vec<u8>,
    },
    /// Its JSON would take more memory than there is, though it has few enough bytes.
    #[error("the request's body has too many values")]
    TooManyValues,
    /// The peer stalls.
    #[error("the request's body comes too slowly")]
    TooSlow,
    /// Other bodies have all the memory.
    #[error("too many large requests at once; try again")]
    NoMemory,
    /// The connection broke, or its framing is wrong.
    #[error("the request's body can't be read: {0}")]
    Broken(axum::Error),
}

/// What all bodies share.
#[derive(Debug)]
pub(super) struct Bodies {
    limits: BodyLimits,
    memory: Arc<Semaphore>,
    /// Bodies that wait for memory.
    waiting: AtomicUsize,
    /// Connections that wait for a slot.
    connecting: Arc<AtomicUsize>,
    metrics: Option<ServerMetrics>,
}

/// A body on its way.
struct Receiving<'a> {
    bodies: &'a Bodies,
    /// Its length, if the peer told it.
    told: Option<usize>,
    buffer: Vec<u8>,
    share: Option<OwnedSemaphorePermit>,
    begun: Instant,
    /// When bytes came last.
    last: Instant,
}

/// A received body above [`FREE`] with its share of the budget.
struct Shared {
    bytes: Vec<u8>,
    _share: OwnedSemaphorePermit,
}

/// Counts one as waiting until dropped.
pub(super) struct Waiting<'a>(&'a AtomicUsize);

// === impl Whole ===

impl<S: Sync> FromRequest<S> for Whole {
    type Rejection = BodyError;

    async fn from_request(request: Request, _: &S) -> Result<Self, BodyError> {
        let (head, body) = request.into_parts();
        match head.extensions.get::<Arc<Bodies>>() {
            Some(bodies) => bodies.receive(body).await,
            None => Bodies::new(BodyLimits::default(), None).receive(body).await,
        }
    }
}

// === impl BodyError ===

impl BodyError {
    /// The status to answer with. No status but 200 is a verdict to the API server: it does as the webhook's
    /// `failurePolicy` says, and where a `Retry-After` is set it first asks again by itself.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } | Self::TooManyValues => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }

    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::TooLarge { .. } | Self::TooManyValues => Some(TOO_LARGE),
            Self::TooSlow => Some(TOO_SLOW),
            Self::NoMemory => Some(NO_MEMORY),
            Self::Broken(_) => None,
        }
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        let closing = [(CONNECTION, "close")];
        let answer = (self.status(), closing, format!("{self}\n"));
        match self {
            Self::NoMemory => ([(RETRY_AFTER, "1")], answer).into_response(),
            _ => answer.into_response(),
        }
    }
}

// === impl Bodies ===

impl Bodies {
    pub(super) fn new(limits: BodyLimits, metrics: Option<ServerMetrics>) -> Self {
        Self {
            limits,
            memory: Arc::new(Semaphore::new(kib(limits.memory))),
            waiting: AtomicUsize::new(0),
            connecting: Arc::default(),
            metrics,
        }
    }

    async fn receive(&self, body: Body) -> Result<Whole, BodyError> {
        let received = Receiving::new(self, &body).all(body).await;
        if let (Err(error), Some(metrics)) = (&received, &self.metrics)
            && let Some(reason) = error.reason()
        {
            tracing::debug!(reason, "a body is refused");
            metrics.body_refused(reason);
        }
        received
    }

    /// Waits for a share of the memory.
    async fn share(&self, bytes: usize) -> Result<OwnedSemaphorePermit, BodyError> {
        let kib = u32::try_from(kib(bytes)).unwrap_or(u32::MAX);
        if let Ok(share) = Arc::clone(&self.memory).try_acquire_many_owned(kib) {
            return Ok(share);
        }
        let _waiting = Waiting::count(&self.waiting);
        let free = Arc::clone(&self.memory).acquire_many_owned(kib);
        match timeout(self.limits.memory_timeout, free).await {
            Ok(Ok(share)) => Ok(share),
            _ => Err(BodyError::NoMemory),
        }
    }

    /// The number of connections that wait for a slot.
    pub(super) fn connecting(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.connecting)
    }

    /// Whether somebody waits for what a body holds.
    fn is_waited_for(&self, holds_memory: bool) -> bool {
        let wait = |count: &AtomicUsize| count.load(Ordering::Relaxed) > 0;
        wait(&self.connecting) || holds_memory && wait(&self.waiting)
    }
}

// === impl Receiving ===

impl<'a> Receiving<'a> {
    fn new(bodies: &'a Bodies, body: &Body) -> Self {
        let (told, now) = (body.size_hint().exact(), Instant::now());
        Self {
            bodies,
            told: told.map(|told| usize::try_from(told).unwrap_or(usize::MAX)),
            buffer: Vec::new(),
            share: None,
            begun: now,
            last: now,
        }
    }

    async fn all(mut self, mut body: Body) -> Result<Whole, BodyError> {
        if self.told.is_some_and(|told| told > BODY_LIMIT) {
            return Err(self.too_large(body));
        }
        while let Some(data) = self.next(&mut body).await? {
            if data.len() > BODY_LIMIT - self.buffer.len() {
                return Err(self.too_large(body));
            }
            self.make_room(data.len()).await?;
            self.buffer.extend_from_slice(&data);
            self.last = Instant::now();
        }
        Ok(Whole(match self.share {
            None => self.buffer.into(),
            Some(share) => Bytes::from_owner(Shared {
                bytes: self.buffer,
                _share: share,
            }),
        }))
    }

    /// Waits for the next bytes, as long as the peer may take. None is the end.
    async fn next(&self, body: &mut Body) -> Result<Option<Bytes>, BodyError> {
        loop {
            // Others may begin to wait for what this body holds.
            let look_again = Instant::now() + self.bodies.limits.lag_when_scarce;
            match timeout_at(look_again.min(self.due()), body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(BodyError::Broken(error)),
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Err(_) if Instant::now() >= self.due() => return Err(BodyError::TooSlow),
                Err(_) => {}
            }
        }
    }

    /// When more bytes must have come.
    fn due(&self) -> Instant {
        let limits = &self.bodies.limits;
        let lag = match self.bodies.is_waited_for(self.share.is_some()) {
            true => limits.lag_when_scarce,
            false => limits.lag,
        };
        let received = u32::try_from(self.buffer.len()).unwrap_or(u32::MAX);
        let in_all = self.begun + lag + Duration::from_secs(1) * received / limits.rate.max(1);
        in_all.min(self.last + lag)
    }

    /// Makes room in the buffer, which grows only as bytes come: a peer may tell any length.
    async fn make_room(&mut self, more: usize) -> Result<(), BodyError> {
        let needed = self.buffer.len() + more;
        if needed <= self.buffer.capacity() {
            return Ok(());
        }
        let at_least = needed.max(FREE).max(self.buffer.capacity() * 4);
        let capacity = at_least.min(self.told.unwrap_or(BODY_LIMIT));
        if capacity > FREE {
            // A told length is reserved at once: bodies that took their shares bit by bit could all end up waiting for
            // each other.
            self.hold(self.told.unwrap_or(capacity)).await?;
        }
        self.buffer.reserve_exact(capacity - self.buffer.len());
        Ok(())
    }

    /// Raises the share to so many bytes. The peer can't send meanwhile, so its time stands still.
    async fn hold(&mut self, bytes: usize) -> Result<(), BodyError> {
        let held = self.share.as_ref().map_or(0, |share| share.num_permits());
        let missing = kib(bytes).saturating_sub(held);
        if missing == 0 {
            return Ok(());
        }
        let before = Instant::now();
        let more = self.bodies.share(missing * 1024).await?;
        self.begun += before.elapsed();
        self.last = Instant::now();
        match &mut self.share {
            Some(share) => share.merge(more),
            None => self.share = Some(more),
        }
        Ok(())
    }

    fn too_large(self, rest: Body) -> BodyError {
        tokio::spawn(timeout(LINGER.0, drop_rest(rest)));
        BodyError::TooLarge {
            beginning: self.buffer,
        }
    }
}

async fn drop_rest(mut body: Body) {
    let mut left = LINGER.1;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(bytes) {
            Some(less) => left = less,
            None => return,
        }
    }
}

fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}

// === impl Shared ===

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

// === impl Waiting ===

impl<'a> Waiting<'a> {
    pub(super) fn count(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
