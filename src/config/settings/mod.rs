//! `config/settings.yaml` as checked types. Every field has a default; combinations that make no sense cannot be written down.
//!
//! Not here: the reading (`read`), the file that a new home gets (`file`).

mod arguments;
mod claude;
mod file;
mod read;
mod sandbox;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) use self::claude::is_model;
pub use self::file::{Chosen, settings_text};
pub(super) use self::read::read;
use super::home::Home;
use crate::domain::budget::MicroUsd;

/// What a person can set.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `name`: what the swarm is called in its status. Default `claude-swarm`.
    pub name: String,
    /// `server`.
    pub server: Server,
    /// `tmux`.
    pub tmux: Tmux,
    /// `budget.daily_usd`: what may be spent between two midnights (UTC), in US dollars. Default 25.
    pub daily_budget: MicroUsd,
    /// `leases.seconds`: how long a claim holds without a sign of life, in seconds, 5 to 3600. Default 30.
    pub lease: Duration,
    /// `tasks`.
    pub tasks: Tasks,
    /// `providers.claude`.
    pub claude: Claude,
    /// `sandbox`.
    pub sandbox: Sandbox,
    /// `outlets`.
    pub outlets: Outlets,
    /// `publish`.
    pub publish: Publish,
    /// `supervision`.
    pub supervision: Supervision,
    /// `logs`.
    pub logs: Logs,
    /// `artifacts.max_mb`: the most that one snapshot may hold, in bytes here and in MB (1,000,000 bytes) in the file, 1 to 10240.
    /// Default 256.
    pub snapshot_max_bytes: u64,
}

/// `server`: the HTTP API, for programs of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `server.listen`: a loopback address with a port; port 0 takes any free one. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
}

/// Whose tmux server the sessions are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TmuxServer {
    /// The person's default one: `tmux attach -t claude-hunter` shows an agent.
    Default,
    /// One of this home's own, named `claude-swarm-<id of the home>`.
    Own,
}

/// `tmux`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tmux {
    /// `tmux.server`: `default` or `own`. Default `default`.
    pub server: TmuxServer,
    /// `tmux.history_limit`: the lines that a pane keeps, 100 to 50000; 5000 full ones take 5 MB. Default 5000.
    pub history_limit: u32,
}

impl Tmux {
    /// The name for `tmux -L`.
    pub fn socket_name(&self, home: &Home) -> String {
        match self.server {
            TmuxServer::Default => "default".to_owned(),
            TmuxServer::Own => format!("claude-swarm-{}", home.id()),
        }
    }
}

/// `tasks`: bounds beside a type's own attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tasks {
    /// `tasks.losses`: how often a task's worker may die before the task fails, 1 to 100. Default 5.
    pub losses: u32,
    /// `tasks.free_retries`: how often a task may be put back for a rate limit or a missing login, 0 to 1000. Default 20.
    pub free_retries: u32,
}

/// Where a provider's program is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// On `PATH`.
    Auto,
    /// Here.
    At(PathBuf),
}

/// `providers.claude`: how the Claude CLI is run.
#[derive(Clone, PartialEq)]
pub struct Claude {
    /// `program`: `auto` (the `claude` on `PATH`) or an absolute path. Default `auto`.
    pub program: Program,
    /// `base_url`: where its requests go, if not to Anthropic (or `ANTHROPIC_BASE_URL`). Default none.
    pub base_url: Option<String>,
    /// `env`: variables for the CLI, by name. Default none.
    pub env: BTreeMap<String, String>,
    /// `args`: options for the CLI, behind the worker's own; only those that change how the model works. Default none.
    pub args: Vec<String>,
    /// `max_retries`: how often the CLI itself asks again after an error of the service, 0 to 20. Default 3.
    pub max_retries: u32,
    /// `stall_minutes`: how long the CLI may be silent before its attempt is ended, in minutes, 1 to 240. Default 10.
    pub stall: Duration,
    /// `models`: other names for models, by the name that roles use. Default none.
    pub models: BTreeMap<String, String>,
}

impl Claude {
    /// The model to ask for when a role names this one.
    pub fn model<'a>(&'a self, of_role: &'a str) -> &'a str {
        self.models.get(of_role).map_or(of_role, String::as_str)
    }

    /// The values of `env` whose names say that they are secret: to be redacted.
    pub fn secret_values(&self) -> Vec<&str> {
        self.env.iter().filter(|(name, _)| claude::sounds_secret(name)).map(|(_, value)| value.as_str()).collect()
    }
}

/// Without the values of `env`.
impl fmt::Debug for Claude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claude")
            .field("program", &self.program)
            .field("base_url", &self.base_url)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("args", &self.args)
            .field("max_retries", &self.max_retries)
            .field("stall", &self.stall)
            .field("models", &self.models)
            .finish()
    }
}

/// `sandbox`: what confines an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sandbox {
    /// `mode: bubblewrap`, the default.
    Bubblewrap {
        /// `read_only`: what an agent may read beside the system, as absolute paths. Default none.
        read_only: Vec<PathBuf>,
    },
    /// `mode: off`: nothing does. The agent has the rights of whoever runs the swarm.
    Off,
}

/// `outlets`: where products can go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlets {
    /// `outlets.local.directory`: a folder, relative to the home unless absolute. Default `downloads`.
    pub local_directory: PathBuf,
}

impl Outlets {
    /// The folder of the local outlet.
    pub fn local(&self, home: &Home) -> PathBuf {
        home.resolve(&self.local_directory)
    }
}

/// An outlet that exists in this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlet {
    /// A folder on this machine.
    Local,
}

impl Outlet {
    /// The word used in terms, rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
        }
    }
}

/// Who may see what is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Whoever has the address.
    Private,
    /// Everybody.
    Public,
}

impl Visibility {
    /// The word used in terms, rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
        }
    }
}

/// `publish`: the terms that a person is asked to agree to, beside those that the agents propose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// `publish.outlet`. Default `local`.
    pub outlet: Outlet,
    /// `publish.account`: with the outlet. Default `local`.
    pub account: String,
    /// `publish.visibility`: `private` or `public`. Default `private`.
    pub visibility: Visibility,
}

/// `supervision`: of the agents' sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supervision {
    /// `grace_seconds`: how long a new worker may take to report, in seconds, 5 to 600. Default 30.
    pub grace: Duration,
    /// `crash_loop.exits`: so many exits …, 2 to 100. Default 5.
    pub crash_loop_exits: u32,
    /// `crash_loop.within_seconds`: … in so many seconds and a person has to look, 10 to 86400. Default 300.
    pub crash_loop_within: Duration,
    /// `stop_grace_seconds`: how long a worker may take to end by itself, in seconds, 1 to 600. Default 10.
    pub stop_grace: Duration,
}

/// `logs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// `logs.max_mb`: the size at which a log is put aside, in bytes here and in MB in the file, 1 to 1000. Default 10.
    pub max_bytes: u64,
    /// `logs.keep`: how many of an agent's logs that were put aside are kept, 0 to 100; of the daemon's it is always one. Default 5.
    pub keep: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "claude-swarm".to_owned(),
            server: Server { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)) },
            tmux: Tmux { server: TmuxServer::Default, history_limit: 5000 },
            daily_budget: MicroUsd::from_usd(25.0),
            lease: Duration::from_secs(30),
            tasks: Tasks { losses: 5, free_retries: 20 },
            claude: Claude {
                program: Program::Auto,
                base_url: None,
                env: BTreeMap::new(),
                args: Vec::new(),
                max_retries: 3,
                stall: Duration::from_secs(10 * 60),
                models: BTreeMap::new(),
            },
            sandbox: Sandbox::Bubblewrap { read_only: Vec::new() },
            outlets: Outlets { local_directory: Path::new("downloads").to_owned() },
            publish: Publish { outlet: Outlet::Local, account: "local".to_owned(), visibility: Visibility::Private },
            supervision: Supervision {
                grace: Duration::from_secs(30),
                crash_loop_exits: 5,
                crash_loop_within: Duration::from_secs(300),
                stop_grace: Duration::from_secs(10),
            },
            logs: Logs { max_bytes: 10_000_000, keep: 5 },
            snapshot_max_bytes: 256_000_000,
        }
    }
}
