//! The seam between the supervisor and whatever holds sessions: tmux today, containers later, a fake in tests.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{ObservedSession, PaneId, ProcessIdentity, RunnerError, StartSession, Started};

/// What a runner's operation answers.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, RunnerError>>;

/// A place where the sessions of one home live.
///
/// A runner speaks for exactly one home: it lists, stops and captures that home's sessions only, and refuses all others. Every
/// operation may be repeated after an error; after a [`RunnerError::Timeout`] the change may have happened all the same, so list
/// before deciding what to do.
pub trait Runner: Debug + Send + Sync {
    /// The sessions of this home. None, and not an error, when nothing runs at all.
    fn list(&self) -> Answer<'_, Vec<ObservedSession>>;

    /// Start a session. The marks are on it before its process begins.
    fn start<'a>(&'a self, session: &'a StartSession) -> Answer<'a, Started>;

    /// Run a new process in a pane whose process has ended. People who look at the pane stay where they are. Refused with
    /// [`RunnerError::StillRunning`] while the old process lives.
    fn respawn<'a>(&'a self, pane: &'a PaneId, session: &'a StartSession) -> Answer<'a, Started>;

    /// End the process and all it started, see that they are gone, and remove the pane.
    ///
    /// `process` is what was last known to run there, if anything is known. `grace` is the time between asking and forcing. A pane
    /// that is gone already is no error: the process is ended nevertheless, because a process can outlive the tmux server.
    fn stop<'a>(&'a self, pane: &'a PaneId, process: Option<ProcessIdentity>, grace: Duration) -> Answer<'a, ()>;

    /// The text that a pane shows now, one line a row, and the line above; with SGR escape sequences when `with_colours`.
    fn capture<'a>(&'a self, pane: &'a PaneId, with_colours: bool) -> Answer<'a, String>;

    /// Resolves when that very process has exited, at once if it has already. Never resolves for its successor.
    fn exited(&self, process: ProcessIdentity) -> Answer<'static, ()>;

    /// Whether that very process runs. A zombie does not.
    fn is_alive(&self, process: ProcessIdentity) -> bool;
}
