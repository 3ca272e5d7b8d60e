//! Accounts: the logins and keys with a provider, as far as the rules go.

use serde::{Deserialize, Serialize};

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// It may.
    Ready,
    /// Not before a time; then one attempt probes it.
    Cooling,
    /// Not before a person has logged in.
    LoginRequired,
}

impl AccountState {
    /// The word used in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Cooling => "cooling",
            Self::LoginRequired => "login_required",
        }
    }

    /// The state that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Ready, Self::Cooling, Self::LoginRequired].into_iter().find(|state| state.as_str() == word)
    }
}
