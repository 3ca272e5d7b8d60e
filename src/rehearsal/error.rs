//! Errors as the provider gives them.
//!
//! Here: the value. Not here: its HTTP response (`server.rs`).

use axum::http::{HeaderMap, StatusCode};

/// An error as the provider gives it.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) kind: String,
    pub(super) message: String,
    /// Whether the scenario wants it.
    pub(super) rehearsed: bool,
}

impl ApiError {
    /// An error that no scenario wants.
    pub(super) fn refusal(status: StatusCode, kind: &str, message: impl Into<String>) -> Self {
        Self { status, headers: HeaderMap::new(), kind: kind.to_owned(), message: message.into(), rehearsed: false }
    }

    /// An error that says that a request cannot be answered.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::refusal(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }
}
