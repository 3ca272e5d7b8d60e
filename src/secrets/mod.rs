//! Secrets: holding them without showing them, finding the login for a provider, taking them out of texts.
//!
//! Not here: where the home keeps them (`config::Home`), who is given one (`worker`, `publish`).

mod accounts;
mod encode;
mod file;
mod redact;
mod secret;
mod stream;

pub use accounts::{Login, Sources, claude_credentials};
pub use file::{read_secret, write_secret};
pub use redact::{MASK, Redactor, SECRET_MIN_BYTES};
pub use secret::Secret;
pub use stream::RedactingStream;
