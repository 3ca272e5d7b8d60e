//! What a request's address says: the parts of its path and its query. One that cannot be read is a problem like any other.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path as AnyPath, Query as AnyQuery};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::body::Refusal;
use crate::domain::error::Error;
use crate::domain::text;

/// The parts of the path.
pub(super) struct Path<T>(pub T);

/// The query.
pub(super) struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let AnyPath(value) = AnyPath::from_request_parts(parts, state).await.map_err(|rejection| {
            let message = match rejection {
                PathRejection::FailedToDeserializePathParams(error) => match error.into_kind() {
                    ErrorKind::ParseErrorAtKey { value, expected_type, .. }
                    | ErrorKind::ParseErrorAtIndex { value, expected_type, .. }
                    | ErrorKind::ParseError { value, expected_type } => {
                        format!("{:?} is no {}", text::one_line(&value, 80), word(expected_type))
                    }
                    other => text::one_line(&other.to_string(), 200),
                },
                other => text::one_line(&other.body_text(), 200),
            };
            Error::invalid("path", message)
        })?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let query = AnyQuery::from_request_parts(parts, state).await;
        let AnyQuery(value) = query.map_err(|rejection| {
            let said = rejection.body_text();
            // What stands before is about the program, what stands behind is about the request: `limit: invalid digit found in string`.
            let said = said.split_once("query string: ").map_or(said.as_str(), |(_, said)| said);
            Error::invalid("query", text::one_line(said, 200))
        })?;
        Ok(Self(value))
    }
}

/// A type of the program in a person's words.
fn word(expected: &str) -> &str {
    match expected {
        "i64" => "number",
        other => other,
    }
}
