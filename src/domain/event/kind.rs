//! The kinds of event there are, each with the word under which it is kept and travels: the noun, a colon, what happened to it.

/// Declares the kinds once: the variants, all of them in a list, and their words.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What kind of change an event tells of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word used in rows and JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

kinds! {
    /// A task was created.
    TaskCreated = "task:created",
    /// A worker, or the daemon itself, has it.
    TaskClaimed = "task:claimed",
    /// Its CLI was started.
    TaskStarted = "task:started",
    /// Its CLI has answered, and the checks begin.
    TaskValidating = "task:validating",
    /// It is done.
    TaskCompleted = "task:completed",
    /// An attempt came to nothing; another follows.
    TaskRetrying = "task:retrying",
    /// It failed for good.
    TaskFailed = "task:failed",
    /// Its worker, or what that stands on, died under it.
    TaskLost = "task:lost",
    /// Nothing of an attempt that was over runs any more.
    TaskReleased = "task:released",
    /// Nobody wants it any more.
    TaskCancelled = "task:cancelled",
    /// A person wants it tried again from the beginning.
    TaskRetried = "task:retried",
    /// It waits for another from now on.
    TaskDepends = "task:depends",
    /// The last that it waited for is done.
    TaskUnblocked = "task:unblocked",
    /// An agent is to live.
    AgentWanted = "agent:wanted",
    /// It is to end.
    AgentUnwanted = "agent:unwanted",
    /// A session is about to be started for it.
    AgentStarting = "agent:starting",
    /// Its worker said hello.
    AgentReady = "agent:ready",
    /// Its session's process is gone.
    AgentEnded = "agent:ended",
    /// It takes nothing new.
    AgentPaused = "agent:paused",
    /// It takes work again.
    AgentResumed = "agent:resumed",
    /// It crashed too often.
    AgentQuarantined = "agent:quarantined",
    /// Everything is to end.
    SwarmHalted = "swarm:halted",
    /// The halt is over.
    SwarmHaltLifted = "swarm:halt_lifted",
    /// A person is asked.
    ApprovalRequested = "approval:requested",
    /// A person said yes or no.
    ApprovalDecided = "approval:decided",
    /// It is not asked any more.
    ApprovalWithdrawn = "approval:withdrawn",
    /// A product begins.
    ProductStarted = "product:started",
    /// It was sent back, and its next round begins.
    ProductRound = "product:round",
    /// It is given up.
    ProductShelved = "product:shelved",
    /// Something is to be published; nothing was sent.
    PublicationIntended = "publication:intended",
    /// Sending begins: from here on the outlet is asked first.
    PublicationSending = "publication:sending",
    /// It is on the outlet.
    PublicationPublished = "publication:published",
    /// It was given up after its last attempt.
    PublicationFailed = "publication:failed",
    /// A message for an agent was accepted.
    MessageSent = "message:sent",
    /// It is in the agent's conversation.
    MessageDelivered = "message:delivered",
    /// An account cannot be used now.
    AccountClosed = "account:closed",
    /// It can be used again.
    AccountReady = "account:ready",
    /// The day's cap holds work back.
    BudgetExhausted = "budget:exhausted",
    /// A person entered income.
    IncomeAdded = "income:added",
}

impl EventKind {
    /// The kind that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    /// What it is about: `task`, `agent`, …
    pub fn noun(self) -> &'static str {
        self.as_str().split(':').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::EventKind;

    #[test]
    fn every_word_names_its_kind() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(*kind));
            assert!(kind.as_str().starts_with(&format!("{}:", kind.noun())));
        }
        assert_eq!(EventKind::parse("moon:rose"), None);
    }
}
