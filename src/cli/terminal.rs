//! Where output goes: the standard output for what was asked, the standard error for what is said beside it; colours and width.
//!
//! Whoever writes here has cleaned what came from elsewhere. A reader that goes away ends the command quietly.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::failure::{Done, Failure};
use crate::domain::text::is_unsafe;

/// How a text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Somebody should know.
    Warn,
    /// Somebody has to do something.
    Bad,
    /// Beside the point.
    Dim,
    /// The point.
    Strong,
}

/// The two outputs of a command.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    /// Whether JSON is wanted.
    pub json: bool,
    /// Whether a person watches the standard output.
    pub interactive: bool,
    /// Whether a person watches the standard error.
    pub attended: bool,
    /// Whether colours are wanted and can be seen.
    pub colour: bool,
    /// Characters in a line, where a person watches.
    pub width: Option<u16>,
}

impl Terminal {
    /// As the process finds them.
    pub fn find(json: bool, no_colour: bool) -> Self {
        let interactive = io::stdout().is_terminal();
        let width = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0);
        Self {
            json,
            interactive,
            attended: io::stderr().is_terminal(),
            colour: interactive && !no_colour,
            width: width.filter(|_| interactive),
        }
    }

    /// Writes to the standard output, as it stands.
    pub fn write(&self, bytes: &[u8]) -> Done {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(Failure::Output)
    }

    /// Writes a line, or several, to the standard output.
    pub fn say(&self, text: impl AsRef<str>) -> Done {
        let text = text.as_ref();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        self.write(format!("{text}{end}").as_bytes())
    }

    /// Writes a value as JSON for people and programs.
    pub fn say_json(&self, value: &(impl Serialize + ?Sized)) -> Done {
        let text = serde_json::to_string_pretty(value).map_err(|error| no_json(&error))?;
        self.say(escaped(&text))
    }

    /// Writes a value as one line of JSON, for streams.
    pub fn say_json_line(&self, value: &(impl Serialize + ?Sized)) -> Done {
        let text = serde_json::to_string(value).map_err(|error| no_json(&error))?;
        self.say(escaped(&text))
    }

    /// Says something beside what was asked, on the standard error. Not being heard is no failure.
    pub fn note(&self, text: impl AsRef<str>) {
        drop(writeln!(io::stderr().lock(), "{}", text.as_ref()));
    }

    /// The text in its tone, where colours are wanted.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "31",
            Tone::Dim => "2",
            Tone::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A terminal that shows nothing special, for tests.
    #[cfg(test)]
    pub fn plain() -> Self {
        Self { json: false, interactive: false, attended: false, colour: false, width: None }
    }
}

/// The same JSON, with what could act on a terminal written as escapes: such characters can only stand in strings.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) {
            let mut units = [0; 2];
            escaped.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// A value that has no JSON is a fault of this program, and not of the output.
fn no_json(error: &serde_json::Error) -> Failure {
    Failure::failed(format!("the answer cannot be put into JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn json_says_the_same_and_acts_on_nothing() {
        let text = "a\u{1b}[2J\u{9b}31m\u{202e}\u{7f}\u{e0041}é\n\t";
        let json = escaped(&serde_json::to_string_pretty(&[text]).unwrap());
        assert!(!json.chars().any(crate::domain::text::is_unsafe), "{json:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap(), [text]);
    }
}
