//! What an operation answers when it does not do what was asked.
//!
//! Here: the kinds and their context. Not here: HTTP statuses (`server`), exit codes (`cli`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why an operation was refused. REST maps it to a status and the CLI to an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// There is no such thing.
    NotFound,
    /// It is there, but not in a state that allows this; or the fencing token is stale.
    Conflict,
    /// The request itself is wrong.
    Invalid,
    /// This principal may not do it.
    Denied,
    /// The daemon cannot do it now: a full disk, a damaged store, shutting down.
    Unavailable,
}

/// A refusal: nothing was changed. Says which field, what was wrong, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Error {
    /// What kind of refusal.
    pub kind: Kind,
    /// One sentence: what was wrong, with the value.
    pub message: String,
    /// Which field of the request, as a path (`payload.topic`), if one is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl Error {
    /// A refusal of this kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), field: None, hint: None }
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// Not in a state that allows this.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// A field of the request is wrong.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(Kind::Invalid, message) }
    }

    /// This principal may not.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(Kind::Denied, message)
    }

    /// Not now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    /// The token of a claim that is no longer the live one.
    pub fn stale_claim() -> Self {
        Self::conflict("stale claim: the task has gone on under another claim, or has ended")
            .hint("drop this attempt and claim anew")
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
