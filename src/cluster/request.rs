//! One question to the API server, asked again while what stopped it may pass.

use std::{fmt, time::Duration};

use axum::http::{Method, Request, StatusCode, header::RETRY_AFTER};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde::Deserialize;
use serde_json::Value;

use super::ReadError;

/// The pauses before a question is asked again; the reader's deadline ends it all the same.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(200)];

/// An API server that asks for more patience than this is not waited for: the answer has to say so in time.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the API server answered with, if it did.
    pub(super) status: Option<StatusCode>,
    /// The reasons that it gave one by one.
    pub(super) causes: Vec<Cause>,
    error: ReadError,
    retry_after: Option<Duration>,
}

/// One of several reasons.
#[derive(Debug, Deserialize)]
pub(super) struct Cause {
    /// Which field it is about.
    #[serde(default)]
    pub(super) field: String,
    /// The API server's words.
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

/// What is sent along.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a> {
    media_type: &'static str,
    bytes: &'a [u8],
    accept: &'static str,
}

impl<'a> Payload<'a> {
    /// Nothing.
    pub(super) const NONE: Payload<'static> = Payload {
        media_type: "",
        bytes: &[],
        accept: "",
    };

    /// Nothing, to be answered with a list of objects without what is in them.
    pub(super) const METADATA: Payload<'static> = Payload {
        accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        ..Payload::NONE
    };

    /// An object.
    pub(super) fn json(bytes: &'a [u8]) -> Self {
        Self::of("application/json", bytes)
    }

    /// A patch, whose media type says which kind.
    pub(super) fn of(media_type: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            media_type,
            bytes,
            accept: "",
        }
    }
}

/// The JSON that the API server answers.
///
/// kube's own way of asking tells neither `Retry-After` nor, once the deadline is over, what the last answer was.
pub(super) async fn request(
    client: &Client,
    method: Method,
    path: &str,
    payload: Payload<'_>,
) -> Result<Value, Failure> {
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
) -> Result<Value, Failure> {
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
    let text = answer.into_body().collect().await;
    let text = text?.to_bytes();
    let json: Option<Value> = serde_json::from_slice(&text).ok();
    let causes = json
        .as_ref()
        .and_then(|json| json.get("details")?.get("causes"));
    let causes = causes.and_then(|causes| Vec::deserialize(causes).ok());
    let causes = causes.unwrap_or_default();
    let error = match (status.is_success(), json) {
        (true, Some(json)) => return Ok(json),
        (true, None) => ReadError::Malformed,
        // The API server's own words; a proxy's page would not help.
        (false, json) => match json.as_ref().and_then(|json| json.get("message")?.as_str()) {
            Some(said) if !said.is_empty() => refusal(status, without_name(said).to_owned()),
            _ => refusal(status, format!("the API server answered {status}")),
        },
    };
    Err(Failure {
        status: Some(status),
        causes,
        error,
        retry_after: retry_after.map(Duration::from_secs),
    })
}

/// `secrets "a" is forbidden: User …` without what was asked for: who reads it knows, and of many all read alike.
fn without_name(said: &str) -> &str {
    let forbidden = said.find("is forbidden: ");
    forbidden.map_or(said, |at| &said[at..])
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        Self {
            status: None,
            causes: Vec::new(),
            error: explain(&error),
            retry_after: None,
        }
    }
}

/// The API server's own words, without the body that a decoding error of kube's would quote.
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
