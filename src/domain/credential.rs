//! A login for a provider, as it is handed to one run of its CLI.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What lets a run of a CLI into an account. It travels over the workers' socket and goes into the CLI's environment; `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Credential {
    /// An API key.
    ApiKey(String),
    /// The access token of a subscription's login; it cannot renew itself.
    OauthToken(String),
}

impl Credential {
    /// The key or token itself: to be handed on, and to be redacted everywhere else.
    pub fn expose(&self) -> &str {
        match self {
            Self::ApiKey(value) | Self::OauthToken(value) => value,
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKey(_) => "ApiKey(…)",
            Self::OauthToken(_) => "OauthToken(…)",
        })
    }
}
