//! One request to the API server, repeated while its failure may pass.

use std::{fmt, time::Duration};

use axum::http::{Method, Request, StatusCode, header::RETRY_AFTER};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde::Deserialize;
use serde_json::Value;

use super::ReadError;

/// Pauses before a request is repeated; the reader's deadline still applies.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(200)];

/// Longest `Retry-After` that is waited for; with a longer one the guard must answer first.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A request that failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The status code, if the API server answered.
    pub(super) status: Option<StatusCode>,
    /// The individual causes that the API server gave.
    pub(super) causes: Vec<Cause>,
    error: ReadError,
    retry_after: Option<Duration>,
}

/// One cause of a refusal.
#[derive(Debug, Deserialize)]
pub(super) struct Cause {
    /// The field that it is about.
    #[serde(default)]
    pub(super) field: String,
    /// The API server's message.
    #[serde(default, rename = "message")]
    pub(super) said: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// The body of a request, and the answer's wanted type.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a> {
    media_type: &'static str,
    bytes: &'a [u8],
    accept: &'static str,
    /// Bytes that the answer may have.
    largest: usize,
}

impl<'a> Payload<'a> {
    /// No body.
    pub(super) const NONE: Payload<'static> = Payload {
        media_type: "",
        bytes: &[],
        accept: "",
        largest: usize::MAX,
    };

    /// No body; asks for a list of metadata only.
    pub(super) const METADATA: Payload<'static> = Payload {
        accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        ..Payload::NONE
    };

    /// A body with an object.
    pub(super) fn json(bytes: &'a [u8]) -> Self {
        Self::of("application/json", bytes)
    }

    /// A body with a patch; its media type tells the kind of patch.
    pub(super) fn of(media_type: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            media_type,
            bytes,
            ..Payload::NONE
        }
    }

    /// The same, whose answer is not to have more bytes than these.
    pub(super) fn at_most(self, largest: usize) -> Self {
        Self { largest, ..self }
    }
}

/// Sends a request and returns the JSON of the answer.
pub(super) async fn request(
    client: &Client,
    method: Method,
    path: &str,
    payload: Payload<'_>,
) -> Result<Value, Failure> {
    let answer = fetch(client, method, path, payload).await?;
    serde_json::from_slice(&answer).map_err(|_| Failure::from(ReadError::Malformed))
}

/// Sends a request and returns the answer's body.
///
/// kube's own functions hide `Retry-After` and, once the deadline is over, the last answer.
pub(super) async fn fetch(
    client: &Client,
    method: Method,
    path: &str,
    payload: Payload<'_>,
) -> Result<Vec<u8>, Failure> {
    for pause in PAUSES {
        let failure = match request_once(client, &method, path, payload).await {
            Err(failure) if failure.may_pass() => failure,
            answer => return answer,
        };
        tracing::debug!(path, reason = %failure.error, "asking again");
        match failure.retry_after {
            None => tokio::time::sleep(pause).await,
            Some(asked) if asked > LONGEST_PAUSE => return Err(failure),
            Some(asked) => {
                tokio::time::sleep(asked).await;
                break;
            }
        }
    }
    request_once(client, &method, path, payload).await
}

async fn request_once(
    client: &Client,
    method: &Method,
    path: &str,
    payload: Payload<'_>,
) -> Result<Vec<u8>, Failure> {
    let mut request = Request::builder().method(method).uri(path);
    if !payload.media_type.is_empty() {
        request = request.header("Content-Type", payload.media_type);
    }
    if !payload.accept.is_empty() {
        request = request.header("Accept", payload.accept);
    }
    let request = request.body(Body::from(payload.bytes.to_vec()));
    let request = request.map_err(kube::Error::HttpError)?;
    let answer = client.send(request).await?;
    let status = answer.status();
    let retry_after = answer.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
    let text = match whole(answer.into_body(), payload.largest).await? {
        Some(text) if status.is_success() => return Ok(text),
        Some(text) => text,
        None => return Err(too_large(status, payload.largest)),
    };
    let json: Option<Value> = serde_json::from_slice(&text).ok();
    let causes = json
        .as_ref()
        .and_then(|json| json.get("details")?.get("causes"));
    let causes = causes.and_then(|causes| Vec::deserialize(causes).ok());
    let causes = causes.unwrap_or_default();
    // The API server's own words; a proxy's page would not help.
    let said = json.as_ref();
    let error = match said.and_then(|json| json.get("message")?.as_str()) {
        Some(said) if !said.is_empty() => refusal(status, without_name(said).to_owned()),
        _ => refusal(status, format!("the API server answered {status}")),
    };
    Err(Failure {
        status: Some(status),
        causes,
        error,
        retry_after: retry_after.map(Duration::from_secs),
    })
}

/// Reads a body into one piece of memory, as a list can be large and is not to be there twice; `None` if it is larger
/// than allowed.
async fn whole(mut body: Body, largest: usize) -> Result<Option<Vec<u8>>, kube::Error> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        let part = frame.data_ref().map_or(&[][..], |part| part);
        if part.len() > largest.saturating_sub(all.len()) {
            return Ok(None);
        }
        all.extend_from_slice(part);
    }
    Ok(Some(all))
}

fn too_large(status: StatusCode, largest: usize) -> Failure {
    let said = format!("the API server's answer has more than {largest} bytes");
    Failure {
        status: Some(status),
        ..ReadError::Api(said).into()
    }
}

/// Cuts `secrets "a" is forbidden: User …` down to `is forbidden: …`: the reader knows the object's name, and equal
/// reasons become equal texts.
fn without_name(said: &str) -> &str {
    let forbidden = said.find("is forbidden: ");
    forbidden.map_or(said, |at| &said[at..])
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self {
            status: None,
            causes: Vec::new(),
            error,
            retry_after: None,
        }
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        explain(&error).into()
    }
}

/// Returns the API server's own message, without the body that kube's decoding errors would quote.
pub(crate) fn explain(error: &kube::Error) -> ReadError {
    match error {
        kube::Error::Api(answer) => {
            let status = StatusCode::from_u16(answer.code).unwrap_or_default();
            refusal(status, answer.message.clone())
        }
        kube::Error::SerdeError(_) => ReadError::Malformed,
        // A kept connection may have been closed at the other end.
        kube::Error::HyperError(_) | kube::Error::Service(_) => ReadError::Unreachable,
        other => ReadError::Api(other.to_string()),
    }
}

fn refusal(status: StatusCode, message: String) -> ReadError {
    match status.as_u16() {
        401 | 403 => ReadError::Forbidden(message),
        408 | 504 => ReadError::Late(message),
        _ => ReadError::Api(message),
    }
}

impl Failure {
    fn may_pass(&self) -> bool {
        self.status.is_none_or(|status| {
            status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
        })
    }
}
