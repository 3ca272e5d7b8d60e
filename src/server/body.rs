//! Bodies in and out: JSON that keeps to its shape, and refusals as problems.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::domain::error::Error;
use crate::protocol::BODY_MAX;
use crate::protocol::problem::Problem;

/// An error on its way out.
pub(super) struct Refusal(pub Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = Problem::from(self.0);
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(problem)).into_response()
    }
}

/// A JSON body. An empty one counts as `{}`.
pub(super) struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            let message =
                if error.status() == StatusCode::PAYLOAD_TOO_LARGE { "is too large".to_owned() } else { error.body_text() };
            Error::invalid("body", message).hint(format!("at most {BODY_MAX} bytes"))
        })?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(bytes).map(Self).map_err(|error| {
            let message = format!("is not what is taken here: {error}");
            Refusal(Error::invalid("body", message))
        })
    }
}
