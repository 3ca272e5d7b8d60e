//! What workers and the daemon say to each other: JSON-RPC 2.0 over a WebSocket.
//!
//! A worker says `hello` first and is told everything that does not change while it lives. Then it claims, reports and renews; `claim`
//! is answered when there is work. Every report carries the claim's fencing token, and saying it twice is saying it once. The daemon
//! says `message` and `stop` unasked.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::problem::Problem;
use crate::domain::credential::Credential;
use crate::domain::error::Kind;
use crate::domain::pipeline::{Check, Tree};
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
    /// The CLI answered and the checks were run. Answered with [`Ended`].
    Complete(Complete),
    /// The attempt came to nothing. Answered with [`Ended`].
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

/// Everything that does not change while a worker lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The protocol that is spoken from here on.
    pub protocol: u32,
    /// Whether this is a rehearsal.
    pub rehearsal: bool,
    /// The agent's title.
    pub title: String,
    /// How long a claim lasts without being renewed, in milliseconds.
    pub lease_ms: u64,
    /// How the CLI is started.
    pub provider: ProviderSettings,
    /// What the sandbox shows.
    pub sandbox: SandboxSettings,
    /// Where things are.
    pub paths: Paths,
    /// The agent's log.
    pub log: LogSettings,
    /// The most bytes that a product's snapshot may have.
    pub snapshot_max_bytes: u64,
}

/// How the CLI is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSettings {
    /// Which: `claude`.
    pub name: String,
    /// Where its requests go, if not to the provider itself.
    pub base_url: Option<String>,
    /// More environment.
    pub env: BTreeMap<String, String>,
    /// What of its values must not be shown.
    pub secrets: Vec<String>,
    /// More arguments.
    pub args: Vec<String>,
    /// How often the CLI may repeat a request by itself.
    pub max_retries: u32,
    /// After how long without a line the stream counts as stalled, in milliseconds.
    pub stall_ms: u64,
}

/// What the sandbox shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxSettings {
    /// False only where the settings say so.
    pub enabled: bool,
    /// More folders that may be read.
    pub read_only: Vec<String>,
    /// Folders that must not be seen, wherever they lie.
    pub hidden: Vec<String>,
}

/// Where things are on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paths {
    /// Products' trees.
    pub projects: String,
    /// Products' histories.
    pub git: String,
    /// A folder a task: the CLI's home, scratch trees.
    pub tasks: String,
    /// The folder with the agent's own socket.
    pub agent_socket: String,
    /// Files that are locked while a sandbox lives.
    pub sandboxes: String,
    /// The agent's log.
    pub log: String,
    /// The folder with this program's binaries.
    pub binaries: String,
}

/// The agent's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSettings {
    /// Size at which a new file begins, in bytes.
    pub max_bytes: u64,
    /// Older files that are kept.
    pub keep: u32,
}

/// A product as a worker needs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AssignedProduct {
    /// Its number.
    pub id: i64,
    /// Its name in paths.
    pub slug: String,
    /// The files that the task is about, where it does not write them.
    pub snapshot: Option<String>,
}

/// Work.
#[derive(Clone, Serialize, Deserialize)]
pub struct Assignment {
    /// The task.
    pub task: i64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The attempt's number.
    pub attempt: i64,
    /// The claim's fencing token.
    pub token: Token,
    /// The model.
    pub model: String,
    /// The role's prompt.
    pub system_prompt: String,
    /// What to say first.
    pub prompt: String,
    /// What to say instead when the conversation goes on.
    pub resume_prompt: String,
    /// What to say instead of that, once.
    pub correction: Option<Correction>,
    /// The conversation.
    pub conversation: uuid::Uuid,
    /// Whether it goes on, if its file is there.
    pub resume: bool,
    /// JSON Schema of the result.
    pub result_schema: Value,
    /// What the workspace holds.
    pub tree: Tree,
    /// The product.
    pub product: Option<AssignedProduct>,
    /// What to run when the CLI is done.
    pub checks: Vec<Check>,
    /// The most the attempt may cost, in US dollars.
    pub budget_usd: f64,
    /// The longest it may take, in milliseconds.
    pub timeout_ms: u64,
    /// What waits to be told to the agent.
    pub messages: Vec<Message>,
    /// The CLI's program on this machine, without links.
    pub program: String,
    /// The login, for the CLI's environment only.
    pub credential: Option<Credential>,
}

/// What a conversation has to be told about its last answer, unless it holds it already.
#[derive(Clone, Serialize, Deserialize)]
pub struct Correction {
    /// The id under which it is said, whoever says it.
    pub id: uuid::Uuid,
    /// The text.
    pub text: String,
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the prompts, which are long, and the credential.
        f.debug_struct("Assignment")
            .field("task", &self.task)
            .field("kind", &self.kind)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
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
