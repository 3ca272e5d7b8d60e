//! What a provider's CLI said, in the words of this product. The same for every provider.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::budget::MicroUsd;
pub use crate::domain::budget::Usage;
use crate::domain::failure::FailureClass;
use crate::domain::time::Millis;

/// One thing that a line of the CLI's output says. Texts are clipped and free of control characters unless noted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// A turn began. Claude says so at the start of every turn of a process, not only of the first.
    Started {
        /// The conversation's id as the CLI prints it.
        conversation: String,
        /// The model that answers.
        model: String,
        /// The CLI's version.
        version: String,
    },
    /// The model said something.
    Said {
        /// What it said.
        text: String,
        /// The tool call of the sub-agent that said it; none for the agent itself.
        within: Option<String>,
    },
    /// The model is thinking; the thoughts are not kept.
    Thinking,
    /// Something moves (a part of an answer, a status) that has no content of its own: the run is not stalled.
    Progress,
    /// The model called a tool.
    ToolCalled {
        /// The call's id, to match with its return.
        id: String,
        /// The tool's name.
        name: String,
        /// What it does, on one readable line.
        summary: String,
        /// The call's input; long strings in it are cut.
        input: serde_json::Value,
        /// As in [`Fact::Said`].
        within: Option<String>,
    },
    /// A tool returned.
    ToolReturned {
        /// The call's id.
        id: String,
        /// Whether the tool says that it succeeded.
        ok: bool,
        /// The first lines of what it returned.
        head: String,
        /// As in [`Fact::Said`].
        within: Option<String>,
    },
    /// The CLI tries a request again by itself.
    Retrying {
        /// Why.
        class: FailureClass,
        /// Which retry this is, from 1.
        attempt: u32,
        /// How many there will be at most.
        max: u32,
        /// The pause before it, in milliseconds.
        delay_ms: i64,
    },
    /// What the provider says about the account's allowance. Claude says it for subscription logins, not for keys.
    Limit {
        /// Whether requests are still let through.
        status: LimitStatus,
        /// Which allowance, in the provider's word, e.g. `five_hour`.
        kind: Option<String>,
        /// When it is filled again.
        resets_at: Option<Millis>,
    },
    /// A message reached the conversation: the acknowledgement of a delivery.
    Delivered {
        /// The id that was sent with the message, if one was.
        id: Option<Uuid>,
        /// The message's beginning.
        text: String,
    },
    /// The tokens used so far by this process. Only grows.
    Usage(Usage),
    /// A turn ended with this.
    Finished(Box<Outcome>),
    /// A line that is JSON of a kind that carries nothing for us, or that is not known.
    Unknown {
        /// Its type, e.g. `system/status`.
        kind: String,
    },
    /// A line that is not what the protocol has: not JSON, or too long.
    Garbage {
        /// Its beginning.
        head: String,
    },
}

/// What the provider says about an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitStatus {
    /// There is enough.
    Allowed,
    /// It is nearly used up.
    Warning,
    /// Requests are refused.
    Rejected,
}

/// How a turn ended, and what the process has cost up to then.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The answer, or why there is none.
    pub result: Result<Answer, Failure>,
    /// What this process has cost so far by the CLI's price list. For a subscription it is a price that nobody is charged.
    pub cost: MicroUsd,
}

/// A successful end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The last thing the model said, uncut and as it was: not yet safe to show.
    pub text: String,
    /// The structured result, if one was given.
    pub structured: Option<serde_json::Value>,
}

/// An unsuccessful end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Its class.
    pub class: FailureClass,
    /// What the CLI said about it, on one line.
    pub message: String,
    /// When the provider says that it will work again.
    pub resets_at: Option<Millis>,
}
