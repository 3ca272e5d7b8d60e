//! A home's files, read once into checked types, and the environment, read once.
//!
//! Here: where a home's files lie (`home`), what they say (`settings`, `roles`, `pipeline`), what is wrong with them (`problem`), and
//! writing a new home (`init`, `embedded`). Not here: logins (`secrets`), the database (`store`), anything that changes while the swarm
//! runs.

mod embedded;
mod environment;
mod folder;
mod front_matter;
mod home;
mod init;
mod load;
mod pipeline;
mod problem;
mod roles;
mod settings;
mod yaml;

pub use embedded::{EmbeddedFile, files as embedded_files};
pub use environment::Environment;
pub use home::{Home, HomeKind};
pub use init::{InitOptions, Written, init};
pub use load::{Config, Loaded, load};
pub use pipeline::PinnedPipeline;
pub use problem::{Place, Problem, Severity};
pub use roles::PROMPT_MAX_BYTES;
pub use settings::{
    Chosen, Claude, Logs, Outlet, Outlets, Program, Publish, Sandbox, Server, Settings, Supervision, Tasks, Tmux, TmuxServer,
    Visibility, settings_text,
};
