//! The admin port: health, readiness and metrics over plain HTTP.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::readiness::Readiness;
use crate::metrics::{self, Metrics};

/// The content of the admin port.
#[derive(Clone, Debug, Default)]
pub struct Admin {
    /// Shown at `/metrics`; the server counts in it too.
    pub metrics: Metrics,
    /// Shown at `/readyz`; the server sets its own conditions in it.
    pub readiness: Readiness,
}

impl Admin {
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(show_metrics))
            .with_state(self)
    }
}

async fn readyz(State(admin): State<Admin>) -> Response {
    let unmet = admin.readiness.unmet_conditions();
    if unmet.is_empty() {
        return "ready\n".into_response();
    }
    let mut page = String::new();
    for (condition, reason) in unmet {
        // A String takes whatever is written to it.
        _ = writeln!(page, "{condition}: {reason}");
    }
    (StatusCode::SERVICE_UNAVAILABLE, page).into_response()
}

async fn show_metrics(State(admin): State<Admin>) -> Response {
    match admin.metrics.encode() {
        Ok(page) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], page).into_response(),
        Err(error) => {
            tracing::error!(%error, "a metric can't be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
