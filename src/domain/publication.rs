//! Publications: the intent to put approved bytes on an outlet, and what became of it.

use serde::{Deserialize, Serialize};

/// Where a publication is. The intent is a row before anything leaves the home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublicationState {
    /// Approved and written down; nothing has been sent.
    Intended,
    /// Sending has begun. After a death in this state the outlet is asked before anything is sent again.
    Sending,
    /// On the outlet.
    Published,
    /// Given up after its last attempt. What of it is on the outlet is not known; before another attempt the outlet is asked.
    Failed,
}

impl PublicationState {
    /// The word used in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Sending => "sending",
            Self::Published => "published",
            Self::Failed => "failed",
        }
    }

    /// The state that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Intended, Self::Sending, Self::Published, Self::Failed].into_iter().find(|state| state.as_str() == word)
    }
}
