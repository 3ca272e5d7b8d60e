//! Where sessions live: list, start, respawn, stop and capture them.
//!
//! Here: the seam ([`Runner`]) and its shapes, the tmux runner, the identity and the end of local processes, and starting the few
//! processes that are no sessions (`detach`, `probe`). Not here: which sessions should live (the supervisor decides), what a worker does
//! in one, and how an exit is classified.

mod detach;
mod end;
mod error;
mod exit;
mod lock;
mod probe;
mod process;
mod seam;
mod session;
mod tmux;
mod tree;

pub use detach::{Detach, Detached, become_program};
pub use end::{Ended, end, kill};
pub use error::{Holder, RunnerError};
pub use exit::{is_alive, wait_exit};
pub use lock::{holders, sandbox_gone};
pub use probe::{Probed, probe};
pub use process::{ProcessIdentity, called};
pub use seam::{Answer, Runner};
pub use session::{Exit, Labels, ObservedSession, PaneId, Size, StartSession, Started, State};
pub use tmux::{TmuxRunner, TmuxServer};
