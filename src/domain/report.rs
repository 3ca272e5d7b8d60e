//! What a worker reports about an attempt, and what becomes of it: the same values in the operations and on the wire.
//!
//! Each carries the claim's fencing token, so that one from a claim that is over changes nothing, and a number, so that one which is sent
//! again counts once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::budget::{MicroUsd, Usage};
use super::failure::FailureClass;
use super::snapshot::Manifest;
use super::task::Token;
use super::time::Millis;

/// What an attempt has used since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The claim's.
    pub token: Token,
    /// The number of this report; one that is not higher than the last is not counted again.
    pub report: i64,
    /// Tokens.
    pub usage: Usage,
    /// Cost.
    #[serde(rename = "cost_micro_usd")]
    pub cost: MicroUsd,
}

/// What a check came to, as the worker saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Which of the type's checks.
    pub name: String,
    /// The command's exit code; none where it did not exit by itself.
    pub exit: Option<i32>,
    /// The end of what it printed.
    pub tail: String,
    /// Everything it printed, in the artifact store.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// The CLI answered and the checks were run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Complete {
    /// What the whole attempt used.
    #[serde(flatten)]
    pub progress: Progress,
    /// The model's answer.
    pub result: Value,
    /// The files of the tree, where the type writes one. Their bytes are in the artifact store.
    pub manifest: Option<Manifest>,
    /// What the checks came to.
    pub checks: Vec<CheckReport>,
}

/// The attempt came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fail {
    /// What the whole attempt used.
    #[serde(flatten)]
    pub progress: Progress,
    /// What class of failure.
    pub class: FailureClass,
    /// For people, and for the next attempt.
    pub detail: String,
    /// When the provider's limit ends, if it said so.
    pub resets_at: Option<Millis>,
}

/// What became of the task when an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It is done.
    Done,
    /// It will be tried again.
    Again,
    /// It failed for good.
    Failed,
    /// It had ended before: cancelled, or reported already.
    Over,
}
