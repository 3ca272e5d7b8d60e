//! Why an attempt at a task failed, and what follows from it for the task and for the account.
//!
//! Here: the classes, their consequences and which conversation the next attempt uses. Not here: recognising a class in what a
//! provider's CLI printed (`provider`), and the length of the pauses (`domain::backoff`).

use serde::{Deserialize, Serialize};

/// Why an attempt did not succeed. Every ending of an attempt that is not a success has exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Too many requests in a short time; the account itself is fine.
    RateLimited,
    /// The subscription's allowance is used up until a reset (hours to days).
    UsageLimit,
    /// The provider is overloaded.
    Overloaded,
    /// The key or login is missing, wrong, expired or revoked. Only a person can mend it.
    LoginRequired,
    /// The prepaid credit of the account is used up.
    CreditExhausted,
    /// The provider, or the CLI, refused the request as malformed.
    BadRequest,
    /// The conversation, or one answer, does not fit the model's limits.
    ContextTooLong,
    /// The model does not exist or this account may not use it.
    ModelNotFound,
    /// The provider failed (HTTP 5xx other than overload).
    ServerError,
    /// The provider could not be reached.
    Connection,
    /// The CLI said nothing for longer than its silence limit.
    Stalled,
    /// What came back was not the protocol: a proxy's page, a cut stream, lines that are not JSON.
    Garbage,
    /// The model declined on grounds of policy.
    Refused,
    /// The attempt's own cap (dollars or turns) was reached.
    OverBudget,
    /// The run ended without the structured result that the task type demands.
    ResultMissing,
    /// The attempt ran longer than its time limit.
    Timeout,
    /// The CLI died: a signal, out of memory, an exit code that nothing explains.
    Crashed,
    /// A new conversation was begun under an id that already has one.
    ConversationInUse,
    /// The conversation to resume is not there.
    ConversationUnknown,
    /// A check that the task type names failed on the result.
    ChecksFailed,
    /// A declared artifact is missing or differs from what was declared.
    EvidenceMissing,
    /// The sandbox could not be set up, or the CLI in it not be started.
    SandboxFailed,
    /// The worker, its session or the host died, or the run was stopped from outside.
    Interrupted,
}

/// What a failure means for the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskEffect {
    /// Try again after a pause; the attempt counts against the task's attempts.
    RetrySpending,
    /// Try again after a pause; no attempt is spent, but [`FailureClass::free_retry_limit`] bounds how often.
    RetryFree,
    /// The task fails now: the same attempt again would end the same way.
    Fail,
}

/// What a failure means for the account that the attempt ran under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountEffect {
    /// Nothing: the account was not the cause.
    None,
    /// Pause the account, longer each time in a row (`backoff::account_cool_ms`).
    Cool,
    /// Close the account until a person has logged in or replaced the key.
    LoginRequired,
    /// Close the account until its stated reset, or else probe it with one task at growing intervals
    /// (`backoff::account_probe_ms`, 1 to 30 minutes).
    Exhausted,
}

/// The consequences of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Effect {
    /// For the task.
    pub task: TaskEffect,
    /// For the account.
    pub account: AccountEffect,
}

/// Which conversation the next attempt at the same task uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextConversation {
    /// Go on with the one there is, if there is one: its work is not lost.
    Resume,
    /// Begin a new one: the old one is the problem, or it is not there.
    Fresh,
}

/// Free retries of a task while its account is closed. The account's probes are up to 30 minutes apart, so that this is about
/// three weeks of waiting: longer than any allowance takes to come back, and still an end.
const FREE_WHILE_ACCOUNT_CLOSED: u32 = 1_000;

/// Free retries of a task for every other reason. With pauses of up to 10 minutes this is more than two hours.
const FREE_OTHERWISE: u32 = 20;

impl FailureClass {
    /// Every class, in the order of declaration.
    pub const ALL: [Self; 23] = [
        Self::RateLimited,
        Self::UsageLimit,
        Self::Overloaded,
        Self::LoginRequired,
        Self::CreditExhausted,
        Self::BadRequest,
        Self::ContextTooLong,
        Self::ModelNotFound,
        Self::ServerError,
        Self::Connection,
        Self::Stalled,
        Self::Garbage,
        Self::Refused,
        Self::OverBudget,
        Self::ResultMissing,
        Self::Timeout,
        Self::Crashed,
        Self::ConversationInUse,
        Self::ConversationUnknown,
        Self::ChecksFailed,
        Self::EvidenceMissing,
        Self::SandboxFailed,
        Self::Interrupted,
    ];

    /// What follows from a failure of this class.
    ///
    /// | cause | task | account |
    /// |---|---|---|
    /// | the provider is busy or away: `rate_limited`, `overloaded`, `server_error`, `connection` | retry free | cool |
    /// | the account has nothing left: `usage_limit`, `credit_exhausted` | retry free | exhausted |
    /// | the account is not let in: `login_required` | retry free | login required |
    /// | something between us and the provider: `garbage` | retry spending | cool |
    /// | the run itself: `stalled`, `timeout`, `crashed`, `result_missing`, `checks_failed`, `evidence_missing`, `bad_request`, `context_too_long` | retry spending | none |
    /// | our side: `sandbox_failed`, `interrupted`, `conversation_in_use`, `conversation_unknown` | retry free | none |
    /// | the same again would end the same: `model_not_found`, `refused`, `over_budget` | fail | none |
    ///
    /// No class loops: a counted retry is bounded by the task's attempts, a free one by [`Self::free_retry_limit`], and every retry
    /// waits for a back-off.
    pub fn effect(self) -> Effect {
        let (task, account) = match self {
            Self::RateLimited | Self::Overloaded | Self::ServerError | Self::Connection => {
                (TaskEffect::RetryFree, AccountEffect::Cool)
            }
            Self::UsageLimit | Self::CreditExhausted => (TaskEffect::RetryFree, AccountEffect::Exhausted),
            Self::LoginRequired => (TaskEffect::RetryFree, AccountEffect::LoginRequired),
            // A captive portal answers every task alike: cooling the account keeps it from spending the whole queue's attempts.
            Self::Garbage => (TaskEffect::RetrySpending, AccountEffect::Cool),
            Self::Stalled
            | Self::Timeout
            | Self::Crashed
            | Self::ResultMissing
            | Self::ChecksFailed
            | Self::EvidenceMissing
            | Self::BadRequest
            | Self::ContextTooLong => (TaskEffect::RetrySpending, AccountEffect::None),
            Self::SandboxFailed | Self::Interrupted | Self::ConversationInUse | Self::ConversationUnknown => {
                (TaskEffect::RetryFree, AccountEffect::None)
            }
            Self::ModelNotFound | Self::Refused | Self::OverBudget => (TaskEffect::Fail, AccountEffect::None),
        };
        Effect { task, account }
    }

    /// How many free retries a task may have had when it meets this class once more and is still retried; 0 for classes whose
    /// retries are not free. Compared with the task's count of all its free retries, so that mixed causes end too.
    pub fn free_retry_limit(self) -> u32 {
        let effect = self.effect();
        match (effect.task, effect.account) {
            (TaskEffect::RetryFree, AccountEffect::Exhausted | AccountEffect::LoginRequired) => FREE_WHILE_ACCOUNT_CLOSED,
            (TaskEffect::RetryFree, _) => FREE_OTHERWISE,
            (TaskEffect::RetrySpending | TaskEffect::Fail, _) => 0,
        }
    }

    /// Which conversation the next attempt uses after this failure.
    ///
    /// Fresh where the conversation itself is at fault (too long, malformed, not there); else resume, also after
    /// `conversation_in_use`: that id is the task's own conversation from an attempt that died before it could say so.
    pub fn next_conversation(self) -> NextConversation {
        match self {
            Self::ContextTooLong | Self::BadRequest | Self::ConversationUnknown | Self::Refused => NextConversation::Fresh,
            _ => NextConversation::Resume,
        }
    }

    /// The class that a name stands for.
    pub fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::from(name)).ok()
    }

    /// The class's name as it is stored and shown, e.g. `usage_limit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::UsageLimit => "usage_limit",
            Self::Overloaded => "overloaded",
            Self::LoginRequired => "login_required",
            Self::CreditExhausted => "credit_exhausted",
            Self::BadRequest => "bad_request",
            Self::ContextTooLong => "context_too_long",
            Self::ModelNotFound => "model_not_found",
            Self::ServerError => "server_error",
            Self::Connection => "connection",
            Self::Stalled => "stalled",
            Self::Garbage => "garbage",
            Self::Refused => "refused",
            Self::OverBudget => "over_budget",
            Self::ResultMissing => "result_missing",
            Self::Timeout => "timeout",
            Self::Crashed => "crashed",
            Self::ConversationInUse => "conversation_in_use",
            Self::ConversationUnknown => "conversation_unknown",
            Self::ChecksFailed => "checks_failed",
            Self::EvidenceMissing => "evidence_missing",
            Self::SandboxFailed => "sandbox_failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl std::fmt::Display for FailureClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
