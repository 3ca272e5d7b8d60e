//! Sessions in tmux: the person's own server, or one on a socket of its own.
//!
//! **Whose session is it?** Three marks sit on the worker's pane (home, session, agent) and one on its session (owner), as tmux user
//! options. A session's creation, its marks and the start of its process are one message to the tmux server, which carries it out
//! without doing anything else in between, and the process is the last link of that chain. So a session without a mark is not the
//! swarm's: it is never stopped, renamed, respawned or captured. The only exception is harmless: where a person's own tmux hook
//! makes the chain wait and the daemon dies in that moment, an unmarked session may be left that holds nothing but a `sleep` of
//! some seconds and goes away with it.
//!
//! **Global options are never written.** The server may be a person's own.

mod guard;
mod list;
mod marks;
mod server;
mod start;
mod stop;

use std::time::Duration;

use futures_util::FutureExt;

pub use server::TmuxServer;

use super::seam::{Answer, Runner};
use super::session::plain_name;
use super::{ObservedSession, PaneId, ProcessIdentity, RunnerError, StartSession, exit};
use server::Server;

/// The sessions of one home on one tmux server.
#[derive(Debug, Clone)]
pub struct TmuxRunner {
    server: Server,
    home: String,
}

impl TmuxRunner {
    /// A runner for the home with this id (1 to 64 of `A-Z a-z 0-9 - _`, a UUID for instance).
    ///
    /// `environment` is the caller's: tmux gets only `PATH`, `HOME`, `LANG`, `LC_*`, `TERM` and `TMUX_TMPDIR` of it, because a tmux
    /// server keeps the environment of whoever started it and gives it to every session, of the person too. No server is started
    /// or asked here.
    ///
    /// # Errors
    /// [`RunnerError::Invalid`] for a home's id or a server's name with other characters.
    pub fn new(
        server: TmuxServer,
        home: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, RunnerError> {
        plain_name("home", home)?;
        if let TmuxServer::Named(name) = &server {
            plain_name("tmux server", name)?;
        }
        Ok(Self { server: Server::new(server, environment), home: home.to_owned() })
    }
}

impl Runner for TmuxRunner {
    fn list(&self) -> Answer<'_, Vec<ObservedSession>> {
        async { Ok(self.rows().await?.into_iter().map(|row| row.observed).collect()) }.boxed()
    }

    fn start<'a>(&'a self, session: &'a StartSession) -> Answer<'a, super::Started> {
        self.start_session(session).boxed()
    }

    fn respawn<'a>(&'a self, pane: &'a PaneId, session: &'a StartSession) -> Answer<'a, super::Started> {
        self.respawn_pane(pane, session).boxed()
    }

    fn stop<'a>(&'a self, pane: &'a PaneId, process: Option<ProcessIdentity>, grace: Duration) -> Answer<'a, ()> {
        self.stop_pane(pane, process, grace).boxed()
    }

    fn capture<'a>(&'a self, pane: &'a PaneId, with_colours: bool) -> Answer<'a, String> {
        self.capture_pane(pane, with_colours).boxed()
    }

    fn exited(&self, process: ProcessIdentity) -> Answer<'static, ()> {
        async move { Ok(exit::wait_exit(process).await?) }.boxed()
    }

    fn is_alive(&self, process: ProcessIdentity) -> bool {
        exit::is_alive(process)
    }
}
