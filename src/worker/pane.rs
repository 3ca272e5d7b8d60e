//! The pane: what a person who attaches sees. The same lines go to the agent's log. Not here: what they type (`typed`).

use std::io::{self, Write};
use std::path::Path;

use chrono::{Local, TimeZone};

use super::log::Log;
use crate::domain::error::Error;
use crate::domain::text;
use crate::protocol::rpc::Welcome;
use crate::secrets::Redactor;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Dim,
    Good,
    Bad,
    Warn,
    Tool,
    Title,
}

impl Tone {
    fn sgr(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "\u{1b}[2m",
            Self::Good => "\u{1b}[32m",
            Self::Bad => "\u{1b}[31m",
            Self::Warn => "\u{1b}[33m",
            Self::Tool => "\u{1b}[36m",
            Self::Title => "\u{1b}[1m",
        }
    }
}

/// The pane and the log behind it.
pub(super) struct Pane {
    log: Log,
    colours: bool,
    /// What must not be shown: the login of the attempt under way. The agent has it in its environment and may print it.
    pub redactor: Redactor,
    /// What was shown of the attempt under way, while it is kept.
    transcript: Option<String>,
}

/// The most of an attempt's transcript that is kept, in bytes. A log rotates; this is what remains of one attempt.
const TRANSCRIPT_MAX: usize = 2 << 20;

/// Where it was cut off.
const CUT: &str = "(more was shown than is kept)\n";

impl Pane {
    pub(super) fn open(welcome: &Welcome, colours: bool) -> Result<Self, Error> {
        let path = Path::new(&welcome.paths.log);
        let log = Log::open(path, welcome.log).map_err(|error| Error::unavailable(format!("{}: {error}", path.display())))?;
        Ok(Self { log, colours, redactor: Redactor::default(), transcript: None })
    }

    /// Shows a text, line by line. Whatever it is, it cannot act on the terminal.
    pub(super) fn show(&mut self, tone: Tone, mark: &str, text: &str) {
        let at = Local.timestamp_millis_opt(crate::clock::now().0).single().map(|at| at.format("%H:%M:%S").to_string());
        let at = at.unwrap_or_default();
        let room = width().saturating_sub(at.len() + 3);
        let mut out = io::stdout().lock();
        let (mut mark, mut time) = (mark, at.as_str());
        for line in text::clean(&self.redactor.redact(text)).lines() {
            let logged = format!("{at} {mark:<2}{line}");
            self.log.line(&logged);
            self.keep(&logged);
            for row in wrap(line, room) {
                let drawn = if self.colours {
                    writeln!(out, "\u{1b}[2m{time:<8}\u{1b}[0m {}{mark:<2}{row}\u{1b}[0m", tone.sgr())
                } else {
                    writeln!(out, "{time:<8} {mark:<2}{row}")
                };
                // A pane that is gone shows nothing; the log has it.
                drop(drawn);
                (mark, time) = ("", "");
            }
        }
        drop(out.flush());
    }

    /// Keeps what is shown from now on.
    pub(super) fn begin_transcript(&mut self) {
        self.transcript = Some(String::new());
    }

    /// What was shown since it was begun.
    pub(super) fn end_transcript(&mut self) -> String {
        self.transcript.take().unwrap_or_default()
    }

    fn keep(&mut self, line: &str) {
        let Some(kept) = &mut self.transcript else { return };
        if kept.len() + line.len() < TRANSCRIPT_MAX {
            kept.push_str(line);
            kept.push('\n');
        } else if !kept.ends_with(CUT) {
            kept.push_str(CUT);
        }
    }

    pub(super) fn banner(&mut self, agent: &str, welcome: &Welcome) {
        if welcome.rehearsal {
            self.show(Tone::Warn, "", "REHEARSAL: the model plays a script; nothing leaves this machine");
        }
        self.show(Tone::Title, "", &format!("{agent} · {}", welcome.title));
        if !welcome.sandbox.enabled {
            self.show(Tone::Bad, "!", "the sandbox is off: this agent can do whatever you can");
        }
        self.show(Tone::Dim, "", "Type a line and press Enter: it reaches the agent as a message. Detach with Ctrl-b d.");
    }

    pub(super) fn waiting(&mut self) {
        self.show(Tone::Dim, "·", "waiting for work");
    }

    pub(super) fn note(&mut self, text: &str) {
        self.show(Tone::Dim, "", text);
    }
}

/// The columns of the pane now; a person who attaches may change them.
fn width() -> usize {
    rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col))
}

/// Narrower than this, the terminal may break lines itself.
const ROOM_MIN: usize = 20;

/// A line in rows of at most `room` characters, broken at spaces where there are any. No room to speak of means no wrapping.
fn wrap(line: &str, room: usize) -> Vec<&str> {
    if room < ROOM_MIN {
        return vec![line];
    }
    let mut rows = Vec::new();
    let mut rest = line;
    while let Some((end, _)) = rest.char_indices().nth(room) {
        let cut = rest[..end].rfind(' ').filter(|cut| *cut > end / 2).unwrap_or(end);
        rows.push(&rest[..cut]);
        rest = rest[cut..].trim_start_matches(' ');
    }
    rows.push(rest);
    rows
}

/// Says that the daemon cannot be asked at the moment. What is under way goes on.
pub(super) fn away(error: &Error) {
    let hint = error.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    // A pane that is gone shows nothing.
    drop(writeln!(io::stdout(), "{}", text::clean(&format!("… {error}{hint}"))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_fit_and_lose_nothing_but_spaces() {
        let line = "one two three four five six seven eight nine ten äöü ".repeat(5);
        let rows = wrap(&line, 30);
        assert!(rows.iter().all(|row| row.chars().count() <= 30), "{rows:?}");
        let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
        assert_eq!(letters(&rows.concat()), letters(&line));
        assert_eq!(wrap(&"x".repeat(45), 20), ["x".repeat(20), "x".repeat(20), "x".repeat(5)]);
        assert_eq!(wrap("a b", 0), ["a b"]);
    }
}
