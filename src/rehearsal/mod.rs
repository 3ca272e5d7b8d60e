//! A loopback model server that answers the real provider CLIs from a script instead of a model.
//!
//! It speaks Anthropic's Messages API, so that the `claude` CLI works against it unmodified: set `ANTHROPIC_BASE_URL` to
//! [`Server::base_url`] and any `ANTHROPIC_API_KEY`. What it answers is written in a [`Scenario`] (YAML). A prompt tells it which
//! task it is about with one line of JSON between a line `<task>` and a line `</task>`.
//!
//! | file | what lives there |
//! |---|---|
//! | `yaml.rs` | a scenario as a person writes it; the reference of the format |
//! | `scenario.rs` | a scenario that was checked, and the way from one to the other |
//! | `checks.rs` | the checks of a turn and of a failure |
//! | `template.rs` | `{{path.to.value}}` in strings |
//! | `request.rs` | what is read of a request's body |
//! | `conversation.rs` | from the messages to the task, the answers given so far, what a person added |
//! | `progress.rs` | which turn is next, from the answers given so far |
//! | `script.rs` | the choice of an answer. Pure, but for the count of failures already played |
//! | `failures.rs` | that count |
//! | `compose.rs` | a turn with its templates filled |
//! | `answer.rs`, `error.rs` | an answer and what it says it used; an error |
//! | `stream.rs` | an answer as server-sent events |
//! | `playback.rs` | events with their pauses, cuts and stalls as a response body |
//! | `server.rs` | HTTP |
//! | `journal.rs` | what was asked, for tests and demonstrations |
//!
//! Nothing of a conversation is kept here: every request carries all of it, so a server that was restarted goes on where the
//! last one was. Only the failures already played and the journal are in memory.
//!
//! Not here: the other provider's protocol, keys (none is checked), and anything of the swarm. This room uses no other.

mod answer;
mod checks;
mod compose;
mod conversation;
mod error;
mod failures;
mod journal;
mod playback;
mod progress;
mod request;
mod scenario;
mod script;
mod server;
mod stream;
mod template;
mod yaml;

pub use journal::{Journal, Outcome, Request};
pub use playback::Pace;
pub use scenario::{Scenario, ScenarioError};
pub use server::Server;
