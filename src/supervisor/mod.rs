//! Keeps the wanted agents alive: looks at what should be and what is, plans the difference, closes it. A crash, a restart of the daemon
//! and a new role take the same path.
//!
//! Here: the plan (pure) and its execution. Not here: how a session is started or ended (`runner`), what a lost claim means (`swarm`).

mod execute;
mod plan;
mod watch;

pub use execute::{Problems, Settings, Supervisor};
pub use plan::{Desired, Limits, Plan, Step, plan};
