//! Claude Code, run as `claude -p` with JSON lines in both directions. Measured on version 2.1.197.

mod classify;
mod command;
mod result;
mod schema;
mod stream;
mod summary;

use std::path::{Path, PathBuf};

use serde_json::json;
use uuid::Uuid;

pub use stream::StreamParser;

use super::{CommandLine, Ending, Launch, LaunchError, Parser, Provider};
use crate::domain::failure::FailureClass;

/// The Claude Code CLI.
#[derive(Debug, Clone, Copy)]
pub struct Claude;

impl Provider for Claude {
    fn command(&self, launch: &Launch) -> Result<CommandLine, LaunchError> {
        command::command(launch)
    }

    fn user_message(&self, id: Uuid, text: &str) -> String {
        user_message(id, text)
    }

    fn parser(&self) -> Box<dyn Parser> {
        Box::new(StreamParser::default())
    }

    fn classify_exit(&self, ending: &Ending<'_>) -> FailureClass {
        classify::ending(ending)
    }

    fn conversation_file(&self, home: &Path, cwd: &Path, conversation: Uuid) -> PathBuf {
        conversation_file(home, cwd, conversation)
    }

    fn is_message(&self, line: &[u8], id: Uuid) -> bool {
        is_message(line, id)
    }
}

/// A message for the CLI's standard input, with its newline.
///
/// The CLI echoes the id once the message is part of the conversation: at once when it was idle, before the next request to the
/// model when it was not. An id that the conversation already holds is echoed too but not taken up a second time, so that sending a
/// message again after a crash is safe; but it starts no turn then, and the process ends without a result if nothing else was sent.
pub fn user_message(id: Uuid, text: &str) -> String {
    let line = json!({ "type": "user", "uuid": id, "message": { "role": "user", "content": text } });
    format!("{line}\n")
}

/// Where a conversation is kept: `<home>/.claude/projects/<the working directory with '-' for all that is no letter or
/// digit>/<id>.jsonl`.
pub fn conversation_file(home: &Path, cwd: &Path, conversation: Uuid) -> PathBuf {
    let project: String = cwd.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    home.join(".claude/projects").join(project).join(format!("{conversation}.jsonl"))
}

/// Whether a line of a conversation's file is the message of this id. What was handed over while the CLI was busy stands there in another
/// form and is not found.
pub fn is_message(line: &[u8], id: Uuid) -> bool {
    // Most lines are long and not meant; a text that speaks of the id is not the message yet.
    let id = id.to_string();
    let line = String::from_utf8_lossy(line);
    line.contains(&id)
        && serde_json::from_str::<serde_json::Value>(&line)
            .is_ok_and(|line| line["type"] == "user" && line["uuid"] == id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);

    #[test]
    fn a_message_is_one_line_whatever_it_says() {
        let line = user_message(ID, "two\nlines \"quoted\" \u{2028} é");
        assert_eq!(line.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["message"]["content"], "two\nlines \"quoted\" \u{2028} é");
        assert_eq!(value["uuid"], "11111111-1111-4111-8111-111111111111");
    }

    #[test]
    fn a_message_is_known_by_its_id() {
        let line =
            |kind: &str, id: &str| format!("{{\"type\":\"{kind}\",\"message\":{{\"content\":\"{ID}\"}},\"uuid\":\"{id}\"}}\n");
        let other = "22222222-2222-4222-8222-222222222222";
        assert!(is_message(line("user", &ID.to_string()).as_bytes(), ID));
        for not in [
            line("user", other),
            line("assistant", &ID.to_string()),
            ID.to_string(),
            line("user", &ID.to_string())[5..].to_owned(),
        ] {
            assert!(!is_message(not.as_bytes(), ID), "{not}");
        }
    }

    #[test]
    fn a_conversation_lies_where_the_cli_puts_it() {
        let file = conversation_file(Path::new("/home/agent"), Path::new("/workspace"), ID);
        assert_eq!(file, Path::new("/home/agent/.claude/projects/-workspace/11111111-1111-4111-8111-111111111111.jsonl"));
        let file = conversation_file(Path::new("/h"), Path::new("/a_b/c.d"), ID);
        assert!(file.starts_with("/h/.claude/projects/-a-b-c-d"), "{}", file.display());
    }
}
