//! What workers and the daemon say to each other: JSON-RPC 2.0 over a WebSocket.
//!
//! A worker says `hello` first and is told everything that does not change while it lives. Then it claims, reports and renews; `claim`
//! is answered when there is work. Every report carries the claim's fencing token, and saying it twice is saying it once. The daemon
//! says `message` and `stop` unasked.

mod assignment;
mod welcome;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use assignment::{AssignedProduct, Assignment, Correction};
pub use welcome::{LogSettings, Paths, ProviderSettings, SandboxSettings, Welcome};

use super::problem::Problem;
use crate::domain::error::Kind;
use crate::domain::report::{Complete, Fail, Progress};
use crate::domain::task::Token;

/// A frame from a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// Always `2.0`.
    pub jsonrpc: String,
    /// Ties the answer to it.
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub call: Call,
}

impl Request {
    /// A request under this number.
    pub fn new(id: u64, call: Call) -> Self {
        Self { jsonrpc: "2.0".to_owned(), id, call }
    }
}

/// A frame from the daemon: an answer, or something it says unasked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Frame {
    /// The answer to a request.
    Answer {
        /// Always `2.0`.
        jsonrpc: String,
        /// Of the request.
        id: u64,
        /// What was answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Value>,
        /// Why not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<RpcError>,
    },
    /// Unasked.
    Notice {
        /// Always `2.0`.
        jsonrpc: String,
        /// What.
        #[serde(flatten)]
        notice: Notice,
    },
}

/// An error as JSON-RPC wants it; `data` holds what people are told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RpcError {
    /// One code a kind, in the range that JSON-RPC leaves to servers: -32000 not found, then conflict, invalid, denied, unavailable.
    pub code: i32,
    /// One sentence.
    pub message: String,
    /// The whole problem.
    pub data: Problem,
}

impl From<Problem> for RpcError {
    fn from(problem: Problem) -> Self {
        let code = match problem.kind {
            Kind::NotFound => -32_000,
            Kind::Conflict => -32_001,
            Kind::Invalid => -32_002,
            Kind::Denied => -32_003,
            Kind::Unavailable => -32_004,
        };
        Self { code, message: problem.detail.clone(), data: problem }
    }
}

/// What a worker asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "snake_case")]
pub enum Call {
    /// First of all. Answered with [`Welcome`].
    Hello(Hello),
    /// Wait for work. Answered with [`Assignment`].
    Claim {},
    /// The claim is still worked on. Answered with [`Renewed`].
    Renew {
        /// The claim's.
        token: Token,
    },
    /// The CLI was started.
    Started {
        /// The claim's.
        token: Token,
    },
    /// The CLI is done, the checks begin.
    Validating {
        /// The claim's.
        token: Token,
    },
    /// What the attempt has used until now.
    Progress(Progress),
    /// Bytes that were put into the artifact store are kept under this name.
    Artifact {
        /// The claim's.
        token: Token,
        /// What they are.
        name: String,
        /// In lower-case hex.
        sha256: String,
        /// In bytes.
        size: u64,
    },
    /// The CLI answered and the checks were run. Answered with [`Ended`](crate::domain::report::Ended).
    Complete(Complete),
    /// The attempt came to nothing. Answered with [`Ended`](crate::domain::report::Ended).
    Fail(Fail),
    /// The CLI of a cancelled task is gone; it had used this much.
    Released(Progress),
    /// A person typed a line in the pane.
    Typed {
        /// The name of the message that it becomes: sending it again is sending it once.
        id: uuid::Uuid,
        /// The line.
        text: String,
    },
    /// A message is in the conversation.
    Delivered {
        /// The claim's.
        token: Token,
        /// The message.
        message: i64,
    },
}

/// What the daemon says unasked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "snake_case")]
pub enum Notice {
    /// There is a message for the agent.
    Message(Message),
    /// The claim is over: end the CLI.
    Stop {
        /// The claim's.
        token: Token,
        /// Why, for people.
        reason: String,
    },
}

/// Who a worker is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hello {
    /// Of this protocol.
    pub protocol: u32,
    /// Whose worker it is.
    pub agent: String,
    /// The session it was started for.
    pub session: i64,
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
}

/// A message for an agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// Its number.
    pub id: i64,
    /// Its name in the conversation.
    pub uuid: uuid::Uuid,
    /// From whom.
    pub sender: String,
    /// What it says.
    pub body: String,
}

/// Whether a claim is still live.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Renewed {
    /// If not, the worker ends its CLI.
    pub live: bool,
}
