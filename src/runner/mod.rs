//! Where sessions live: list, start, respawn, stop and capture them.
//!
//! Here: the seam ([`Runner`]) and its shapes, the tmux runner, and the identity and the end of local processes. Not here: which
//! sessions should live (the supervisor decides), what a worker does in one, and how an exit is classified.

mod end;
mod error;
mod exit;
mod process;
mod seam;
mod session;
mod tmux;
mod tree;

pub use end::{Ended, end};
pub use error::{Holder, RunnerError};
pub use exit::{is_alive, wait_exit};
pub use process::ProcessIdentity;
pub use seam::{Answer, Runner};
pub use session::{Exit, Labels, ObservedSession, PaneId, Size, StartSession, Started, State};
pub use tmux::{TmuxRunner, TmuxServer};
