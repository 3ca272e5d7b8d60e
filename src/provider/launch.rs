//! What the worker asks a provider's CLI to run, before it is a command line.

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;

use crate::domain::credential::Credential;

/// One run of a CLI. The paths in it are paths inside the sandbox.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The CLI's binary.
    pub program: String,
    /// The model's name; empty for the CLI's default.
    pub model: String,
    /// Which conversation.
    pub conversation: Conversation,
    /// A file with what is added to the CLI's own system prompt: of any size, and unlike an argument readable by the agent only.
    pub system_prompt: Option<String>,
    /// The JSON Schema that the result must have; it describes an object.
    pub result_schema: Option<serde_json::Value>,
    /// The cap of this run in dollars. The CLI checks it after each answer, so one answer can go past it.
    pub max_budget_usd: Option<f64>,
    /// How often the CLI repeats a failed request by itself, with pauses from half a second up.
    pub max_retries: u32,
    /// More arguments, from settings.
    pub extra_args: Vec<String>,
    /// Where the provider's API is; none for the provider's own.
    pub base_url: Option<String>,
    /// The account's key or token; none where something between adds it.
    pub credential: Option<Credential>,
    /// More environment, from settings. It may override the defaults, but neither the base URL nor the credential.
    pub extra_env: BTreeMap<String, String>,
}

impl Launch {
    /// A run of `program` in `conversation` with everything else at its default.
    pub fn new(program: &str, conversation: Conversation) -> Self {
        Self {
            program: program.to_owned(),
            model: String::new(),
            conversation,
            system_prompt: None,
            result_schema: None,
            max_budget_usd: None,
            max_retries: 4,
            extra_args: Vec::new(),
            base_url: None,
            credential: None,
            extra_env: BTreeMap::new(),
        }
    }
}

/// Which conversation a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversation {
    /// Begin one under this id.
    New(Uuid),
    /// Go on with the one of this id.
    Resume(Uuid),
}

/// A program with its arguments, and the environment that it needs on top of the sandbox's.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program, then its arguments. No secrets.
    pub argv: Vec<String>,
    /// Names and values. Holds the credential.
    pub env: BTreeMap<String, String>,
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandLine").field("argv", &self.argv).field("env", &self.env.keys()).finish()
    }
}

/// Why a launch is no command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// The kernel takes at most 128 KiB in one argument.
    #[error("{field} has {bytes} bytes, and an argument can have at most {most}: {way_out}")]
    ArgumentTooLong {
        /// The field of [`Launch`].
        field: &'static str,
        /// Its length.
        bytes: usize,
        /// The most that is accepted.
        most: usize,
        /// What to do instead.
        way_out: &'static str,
    },
    /// The CLI gives its result as a tool's input, which is an object.
    #[error("the result schema describes {found}, and a result must be an object: wrap it in one")]
    SchemaNotAnObject {
        /// What the schema's `type` says.
        found: String,
    },
    /// An argument with a NUL character cannot be passed to a program.
    #[error("{field} contains a NUL character, which no argument or variable can hold")]
    Nul {
        /// The field of [`Launch`].
        field: String,
    },
}
