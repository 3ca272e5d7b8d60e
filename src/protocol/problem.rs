//! Errors as they travel: `application/problem+json` (RFC 9457), with the field and the remedy beside its members.

use serde::{Deserialize, Serialize};

use crate::domain::error::{Error, Kind};

/// An error as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The kind: `not_found`, `conflict`, `invalid`, `denied`, `unavailable`.
    pub kind: Kind,
    /// The HTTP status.
    pub status: u16,
    /// One sentence.
    pub detail: String,
    /// Which field is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The HTTP status of a kind.
pub fn status_of(kind: Kind) -> u16 {
    match kind {
        Kind::NotFound => 404,
        Kind::Conflict => 409,
        Kind::Invalid => 422,
        Kind::Denied => 403,
        Kind::Unavailable => 503,
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self { kind: error.kind, status: status_of(error.kind), detail: error.message, field: error.field, hint: error.hint }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { kind: problem.kind, message: problem.detail, field: problem.field, hint: problem.hint }
    }
}
