//! How a command ends when it does not end well: the one map to exit codes, and the one place that prints errors.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::client::ClientError;
use crate::domain::error::{Error, Kind};
use crate::domain::text::clean;

/// What a verb comes to.
pub(crate) type Done<T = ()> = Result<T, Failure>;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The daemon refused, or something here did before it was asked.
    Refused(Error),
    /// Nobody listens at the socket.
    NotRunning(PathBuf),
    /// It was tried, and came to nothing.
    Failed {
        /// One sentence.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// It came to nothing, and what there is to say has been said on the standard output.
    Reported,
    /// The output cannot be written; for nothing else.
    Output(io::Error),
}

impl Failure {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: None }
    }

    pub(crate) fn failed_with(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: Some(hint.into()) }
    }

    /// The exit code: 0 done, 1 failed, 2 usage, 3 daemon not running, 4 not found, 5 conflict or stale, 6 not allowed.
    ///
    /// A reader that has gone away (`| head`) has what it wanted, so that counts as done.
    pub fn code(&self) -> u8 {
        match self {
            Self::Refused(error) => match error.kind {
                Kind::Unavailable => 1,
                Kind::Invalid => 2,
                Kind::NotFound => 4,
                Kind::Conflict => 5,
                Kind::Denied => 6,
            },
            Self::Failed { .. } | Self::Reported => 1,
            Self::NotRunning(_) => 3,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Output(_) => 1,
        }
    }

    fn kind(&self) -> Value {
        match self {
            Self::Refused(error) => json!(error.kind),
            Self::NotRunning(_) => json!("not_running"),
            Self::Failed { .. } | Self::Reported | Self::Output(_) => json!("failed"),
        }
    }

    /// Field, sentence and way out; none where there is nothing left to say.
    fn words(&self) -> Option<Words> {
        let words = |message: &str, hint: Option<&str>| Words {
            field: None,
            message: clean(message),
            hint: hint.map(clean).filter(|hint| !hint.is_empty()),
        };
        match self {
            Self::Refused(error) => {
                Some(Words { field: error.field.as_deref().map(clean), ..words(&error.message, error.hint.as_deref()) })
            }
            Self::NotRunning(socket) => {
                let home = socket.ends_with("data/run/operator.sock").then(|| socket.ancestors().nth(3)).flatten();
                Some(match home {
                    Some(home) => {
                        let home = home.display();
                        words(&format!("the daemon of {home} is not running; start it with `claude-swarm start`"), None)
                    }
                    None => words(&format!("no daemon listens at {}", socket.display()), None),
                })
            }
            Self::Failed { message, hint } => Some(words(message, hint.as_deref())),
            Self::Reported => None,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(error) => Some(words(&format!("the output cannot be written: {error}"), None)),
        }
    }

    /// What goes to the standard error: `error: payload.topic: …` and `  → hint`, or one JSON object. Empty where nothing is left to say.
    pub fn report(&self, as_json: bool) -> String {
        let Some(Words { field, message, hint }) = self.words() else { return String::new() };
        if as_json {
            let mut problem = json!({ "kind": self.kind(), "exit": self.code(), "detail": message });
            for (name, value) in [("field", field), ("hint", hint)] {
                if let Some(value) = value {
                    problem[name] = json!(value);
                }
            }
            return format!("{problem}\n");
        }
        let mut text = "error: ".to_owned();
        if let Some(field) = field {
            text.push_str(&field);
            text.push_str(": ");
        }
        text.push_str(&message);
        text.push('\n');
        if let Some(hint) = hint {
            let _ = writeln!(text, "  → {hint}");
        }
        text
    }
}

struct Words {
    field: Option<String>,
    message: String,
    hint: Option<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotRunning { socket } => Self::NotRunning(socket),
            ClientError::Refused(error) => Self::Refused(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_exit_code() {
        let refused = |kind| Failure::Refused(Error::new(kind, "x")).code();
        assert_eq!(refused(Kind::Unavailable), 1);
        assert_eq!(refused(Kind::Invalid), 2);
        assert_eq!(refused(Kind::NotFound), 4);
        assert_eq!(refused(Kind::Conflict), 5);
        assert_eq!(refused(Kind::Denied), 6);
        assert_eq!(Failure::NotRunning("x".into()).code(), 3);
        assert_eq!(Failure::failed("x").code(), 1);
        assert_eq!(Failure::Reported.code(), 1);
        assert_eq!(Failure::Output(io::ErrorKind::BrokenPipe.into()).code(), 0);
        assert_eq!(Failure::Output(io::ErrorKind::StorageFull.into()).code(), 1);
    }

    #[test]
    fn an_error_names_field_and_way_out_and_cannot_act_on_the_terminal() {
        let error = Error::invalid("payload.topic", "is \u{1b}[2J missing").hint("say what to look for");
        let failure = Failure::from(error);
        assert_eq!(failure.report(false), "error: payload.topic: is [2J missing\n  → say what to look for\n");
        let json: Value = serde_json::from_str(&failure.report(true)).unwrap();
        let expected = json!({"kind": "invalid", "exit": 2, "detail": "is [2J missing", "field": "payload.topic", "hint": "say what to look for"});
        assert_eq!(json, expected);
    }

    #[test]
    fn without_a_daemon_the_home_is_named_and_how_to_start_it() {
        let failure = Failure::NotRunning("/srv/home/data/run/operator.sock".into());
        assert_eq!(failure.report(false), "error: the daemon of /srv/home is not running; start it with `claude-swarm start`\n");
        let elsewhere = Failure::NotRunning("/run/swarm/swarm.sock".into());
        assert_eq!(elsewhere.report(false), "error: no daemon listens at /run/swarm/swarm.sock\n");
    }
}
