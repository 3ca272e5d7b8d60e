//! Sessions: where an agent's worker lives, as far as the rules go.

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// Written down; whether it was started is not known.
    Intended,
    /// Its process is known.
    Started,
    /// Its worker said hello.
    Ready,
    /// Its process is gone.
    Ended,
}

impl SessionState {
    /// The word used in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Ended => "ended",
        }
    }

    /// The state that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Intended, Self::Started, Self::Ready, Self::Ended].into_iter().find(|state| state.as_str() == word)
    }
}
