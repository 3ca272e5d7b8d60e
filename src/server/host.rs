//! What the doors need of the daemon around them: settings for workers, logins, shutting down.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use crate::domain::credential::Credential;
use crate::domain::error::Error;
use crate::domain::name::AgentName;
use crate::domain::time::Millis;
use crate::protocol::daemon::Halted;
use crate::protocol::rpc::Welcome;

/// What there is to say about the daemon and its home.
#[derive(Debug, Clone)]
pub struct About {
    /// The swarm's name.
    pub name: String,
    /// The home's folder.
    pub home: String,
    /// When the daemon started.
    pub since: Millis,
    /// Where it listens for HTTP.
    pub listen: Option<String>,
    /// How to look at an agent, with `AGENT` for its name.
    pub attach: String,
    /// Whether agents run outside the sandbox.
    pub sandbox_off: bool,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// What an attempt needs of the machine.
#[derive(Debug, Clone)]
pub struct Means {
    /// The provider's program, without links.
    pub program: PathBuf,
    /// A login for it.
    pub credential: Credential,
}

/// The daemon, as its doors see it.
pub trait Host: Send + Sync + 'static {
    /// What there is to say about it.
    fn about(&self) -> About;

    /// What a worker needs to know when it starts.
    ///
    /// # Errors
    /// `NotFound` for an agent that no role has.
    fn welcome(&self, agent: &AgentName) -> Result<Welcome, Error>;

    /// What one attempt needs of the machine, looked for afresh: the provider's program and a login.
    ///
    /// # Errors
    /// In words for people: where was looked, and what to do.
    fn means(&self, provider: &str) -> Result<Means, String>;

    /// Ends every session and sandbox, and answers when they are gone.
    fn end_everything(&self) -> Pin<Box<dyn Future<Output = Halted> + Send + '_>>;

    /// Begins to shut the daemon down. Sessions live on.
    fn shut_down(&self);
}
