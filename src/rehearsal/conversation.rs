//! From the messages of a request to what matters for the script: the task, the answers given since, what a person added.
//!
//! Here: reading, as the real CLI writes. Not here: which turn follows from the answers (that is `progress.rs`).
//!
//! What the CLI does to a conversation, measured with version 2.1.197 (the bodies under `bodies/` are its own, without what is not read):
//! - Killed in the middle of an answer, it keeps the blocks of that answer that were complete, drops a tool call without a result, and a text
//!   that was not complete. So an answer that was meant to call a tool can come back as a mere text.
//! - Resumed (`--resume`), it ends what was left open with a user message "Continue from where you left off." and an assistant message "No response
//!   requested.", which nobody said; then comes the new prompt.
//! - A line that a person writes while it works comes as a message of role *system*, behind the tool's result; between answers as a user
//!   message. Both kinds can stand before the invented assistant message.
//! - An answer without the tool that the schema wants is followed by a user message that begins "[structured-output-enforce]".

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::request::{Block, Message, RESULT_TOOL, Role};

/// The largest task block that is read, in bytes: as a value in memory it takes many times as much.
const BLOCK_LIMIT: usize = 1024 * 1024;

/// What a request says, from the task's point of view.
#[derive(Debug, PartialEq)]
pub(super) struct Conversation {
    /// The task that the conversation is about now; None if no message has a task block.
    pub(super) task: Option<Task>,
    /// The answers since that task was given, oldest first: of each the ids of its tool calls.
    pub(super) answers: Vec<Vec<String>>,
    /// What a person wrote since the last answer.
    pub(super) person: Vec<String>,
    /// What the newest tool printed.
    pub(super) last_tool_result: Option<String>,
    /// Length of the text that came in since the last answer, in bytes.
    pub(super) fresh_bytes: usize,
}

/// The block between `<task>` and `</task>`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Task {
    /// The task's id.
    pub(super) id: i64,
    /// The task's type.
    pub(super) kind: String,
    /// Which attempt this is, from 1.
    pub(super) attempt: u32,
    /// Which round this is, from 1.
    pub(super) round: u32,
    /// All of the block.
    pub(super) json: Value,
}

/// A conversation whose only task blocks cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the <task> block cannot be read: {0}")]
pub(super) struct UnreadableTask(String);

impl Conversation {
    /// Reads the messages of a request.
    ///
    /// # Errors
    /// If there are task blocks, but none that can be read.
    pub(super) fn read(messages: &[Message]) -> Result<Self, UnreadableTask> {
        let found = find_task(messages)?;
        let (task, start) = found.map_or((None, Position::default()), |(task, start)| (Some(task), start));
        let mut read = Self { task, answers: Vec::new(), person: Vec::new(), last_tool_result: None, fresh_bytes: 0 };
        let mut result_calls = HashSet::new();
        for (at, message) in messages.iter().enumerate().skip(start.message) {
            let skipped = if at == start.message { start.block } else { 0 };
            let blocks = message.content.0.get(skipped..).unwrap_or_default();
            match message.role {
                Role::Assistant => read.assistant_message(blocks, &mut result_calls),
                Role::User => read.user_message(blocks, &result_calls),
                Role::System | Role::Other => {
                    read.person.extend(texts(blocks).flat_map(typed_while_working));
                }
            }
        }
        Ok(read)
    }

    fn assistant_message<'a>(&mut self, blocks: &'a [Block], result_calls: &mut HashSet<&'a str>) {
        if is_invented(blocks) {
            return;
        }
        let mut ids = Vec::new();
        for block in blocks {
            if let Block::ToolUse { id, name } = block {
                ids.push(id.clone());
                if name == RESULT_TOOL {
                    result_calls.insert(id.as_str());
                }
            }
        }
        self.answers.push(ids);
        self.person.clear();
        self.fresh_bytes = 0;
    }

    fn user_message(&mut self, blocks: &[Block], result_calls: &HashSet<&str>) {
        for block in blocks {
            match block {
                Block::Text(text) => {
                    self.fresh_bytes = self.fresh_bytes.saturating_add(text.len());
                    self.person.extend(typed_while_working(text));
                    if is_from_person(text) {
                        self.person.push(text.trim().to_owned());
                    }
                }
                Block::ToolResult { id, text } => {
                    self.fresh_bytes = self.fresh_bytes.saturating_add(text.len());
                    if !result_calls.contains(id.as_str()) {
                        self.last_tool_result = Some(text.clone());
                    }
                }
                Block::ToolUse { .. } => {}
            }
        }
    }
}

/// Where a block stands.
#[derive(Debug, Clone, Copy, Default)]
struct Position {
    message: usize,
    block: usize,
}

/// The last task block, and where its run begins: the same task given again (id, type, attempt and round) is a run that goes on, so
/// its answers count from where it was given first.
fn find_task(messages: &[Message]) -> Result<Option<(Task, Position)>, UnreadableTask> {
    let mut current: Option<(Task, Position)> = None;
    let mut unreadable = None;
    for (at, message) in messages.iter().enumerate().filter(|(_, message)| message.role == Role::User) {
        for (block, text) in message.content.0.iter().enumerate() {
            let Block::Text(text) = text else { continue };
            for source in task_blocks(text) {
                match Task::parse(&source) {
                    Ok(task) => {
                        let goes_on = current.as_ref().filter(|(before, _)| before.is_same_run(&task)).map(|(_, start)| *start);
                        current = Some((task, goes_on.unwrap_or(Position { message: at, block })));
                    }
                    Err(error) => unreadable = Some(error),
                }
            }
        }
    }
    match (current, unreadable) {
        (None, Some(error)) => Err(error),
        (current, _) => Ok(current),
    }
}

/// What stands between the lines `<task>` and `</task>`, for each such pair.
fn task_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<Vec<&str>> = None;
    for line in text.lines() {
        match line.trim() {
            "<task>" => open = Some(Vec::new()),
            "</task>" => blocks.extend(open.take().map(|lines| lines.join("\n"))),
            _ => {
                if let Some(lines) = &mut open {
                    lines.push(line);
                }
            }
        }
    }
    blocks
}

impl Task {
    fn parse(source: &str) -> Result<Self, UnreadableTask> {
        #[derive(Deserialize)]
        struct Head {
            id: i64,
            r#type: String,
            #[serde(default = "first")]
            attempt: u32,
            #[serde(default = "first")]
            round: u32,
        }
        fn first() -> u32 {
            1
        }
        if source.len() > BLOCK_LIMIT {
            return Err(UnreadableTask(format!("it is larger than {BLOCK_LIMIT} bytes")));
        }
        let unreadable = |error: serde_json::Error| UnreadableTask(error.to_string());
        let json: Value = serde_json::from_str(source).map_err(unreadable)?;
        let Head { id, r#type: kind, attempt, round } = Head::deserialize(&json).map_err(unreadable)?;
        Ok(Self { id, kind, attempt, round, json })
    }

    fn is_same_run(&self, other: &Self) -> bool {
        (self.id, &self.kind, self.attempt, self.round) == (other.id, &other.kind, other.attempt, other.round)
    }
}

fn texts(blocks: &[Block]) -> impl Iterator<Item = &str> {
    blocks.iter().filter_map(|block| match block {
        Block::Text(text) => Some(text.as_str()),
        Block::ToolUse { .. } | Block::ToolResult { .. } => None,
    })
}

/// Whether the CLI made this assistant message up to close what was left open.
fn is_invented(blocks: &[Block]) -> bool {
    matches!(blocks, [Block::Text(text)] if text.trim() == "No response requested.")
}

/// Whether a user text is a line that a person wrote, and none that the CLI or a prompt for a task is.
fn is_from_person(text: &str) -> bool {
    const FROM_CLI: [&str; 5] = [
        "<system-reminder>",
        "[structured-output-enforce]",
        "[Request interrupted by user",
        "Continue from where you left off",
        "Stop hook feedback",
    ];
    let text = text.trim();
    // How one resumes a conversation when there is nothing to say.
    let resumes = text.trim_end_matches('.').eq_ignore_ascii_case("continue");
    !text.is_empty() && !resumes && !FROM_CLI.iter().any(|begin| text.starts_with(begin)) && task_blocks(text).is_empty()
}

/// The lines in a text with which the CLI passes on what a person wrote while it worked.
fn typed_while_working(text: &str) -> Vec<String> {
    const BEGIN: &str = "The user sent a new message while you were working:\n";
    const END: &str = "\n\nIMPORTANT: After completing your current task, you MUST address the user's message above.";
    let passed_on = text.split(BEGIN).skip(1).map(|part| part.split_once(END).map_or(part, |(line, _)| line).trim().to_owned());
    passed_on.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::request::MessagesRequest;
    use super::*;

    fn read(body: &str) -> Conversation {
        Conversation::read(&MessagesRequest::parse(body.as_bytes()).unwrap().messages).unwrap()
    }

    /// Expected: calls of each answer, what a person wrote, what the newest tool printed.
    #[rstest::rstest]
    #[case::no_stream(include_str!("bodies/no_stream.json"), &[], &[], None)]
    #[case::killed_in_an_answer(include_str!("bodies/killed_in_an_answer.json"), &[1], &[], Some("looked"))]
    #[case::killed_while_a_tool_ran(include_str!("bodies/killed_while_a_tool_ran.json"), &[0], &[], None)]
    #[case::cut_behind_a_text(include_str!("bodies/cut_behind_a_text.json"), &[0], &[], None)]
    #[case::whole_prompt_again(include_str!("bodies/whole_prompt_again.json"), &[1], &[], Some("looked"))]
    #[case::person_while_working(include_str!("bodies/person_while_working.json"), &[1], &["Please keep it small."], Some(""))]
    #[case::two_lines(include_str!("bodies/two_lines_while_working.json"), &[1], &["Please hurry\nand\n\nbe kind", "second as block"], Some("hi"))]
    #[case::person_before_a_crash(include_str!("bodies/person_before_a_crash.json"), &[1], &["Please hurry"], Some("hi"))]
    #[case::person_after_the_end(include_str!("bodies/person_after_the_end.json"), &[1, 1, 1], &["Thank you."], Some("went on"))]
    #[case::result_tool_demanded(include_str!("bodies/result_tool_demanded.json"), &[1, 1, 0], &[], Some("hi"))]
    #[case::result_refused(include_str!("bodies/result_refused.json"), &[1, 1], &[], Some("hi"))]
    #[case::new_round(include_str!("bodies/new_round.json"), &[], &[], None)]
    fn what_the_cli_sends_is_understood(
        #[case] body: &str,
        #[case] calls: &[usize],
        #[case] person: &[&str],
        #[case] last_tool_result: Option<&str>,
    ) {
        let conversation = read(body);
        assert_eq!(conversation.answers.iter().map(Vec::len).collect::<Vec<_>>(), calls);
        assert_eq!(conversation.person, person);
        assert_eq!(
            conversation.last_tool_result.as_deref().map(|text| text.trim_start_matches("(Bash completed with no output)")),
            last_tool_result
        );
        assert_eq!(conversation.task.unwrap().kind, "build_product");
    }

    #[test]
    fn the_last_block_counts() {
        let task = read(include_str!("bodies/new_round.json")).task.unwrap();
        assert_eq!((task.id, task.attempt, task.round), (12, 1, 2));
        assert_eq!(task.json["product"]["slug"], "link-checker");
    }

    fn user(texts: &[&str]) -> Message {
        let blocks: Vec<Value> = texts.iter().map(|text| serde_json::json!({"type": "text", "text": text})).collect();
        serde_json::from_value(serde_json::json!({"role": "user", "content": blocks})).unwrap()
    }

    #[test]
    fn only_lines_of_their_own_make_a_block() {
        let inline = "a <task> {\"id\":1} </task> in a sentence";
        assert_eq!(Conversation::read(&[user(&[inline])]).unwrap().task, None);
        let several = "<task>\n{\"id\": 1,\n \"type\": \"t\"}\n</task>\nthen\n<task>\n";
        let task = Conversation::read(&[user(&[several])]).unwrap().task.unwrap();
        assert_eq!((task.id, task.kind.as_str(), task.attempt, task.round), (1, "t", 1, 1));
    }

    #[test]
    fn a_block_that_cannot_be_read_does_not_replace_one_that_can() {
        let good = "<task>\n{\"id\":1,\"type\":\"t\"}\n</task>";
        let bad = "<task>\n{\"id\":\"1\",\"type\":\"t\"}\n</task>";
        assert_eq!(Conversation::read(&[user(&[good]), user(&[bad])]).unwrap().task.unwrap().id, 1);
        let error = Conversation::read(&[user(&[bad])]).unwrap_err().to_string();
        assert!(error.starts_with("the <task> block cannot be read: invalid type: string \"1\", expected i64"), "{error}");
        let huge = good.replace("{", &format!("{{{}", " ".repeat(BLOCK_LIMIT)));
        let error = Conversation::read(&[user(&[&huge])]).unwrap_err().to_string();
        assert_eq!(error, "the <task> block cannot be read: it is larger than 1048576 bytes");
    }

    #[test]
    fn lines_before_the_block_are_the_prompt_and_lines_after_it_a_person() {
        let task = "<task>\n{\"id\":1,\"type\":\"t\"}\n</task>";
        let said = Conversation::read(&[user(&["You are a builder.", task, "Be quick.", "<system-reminder>x", "continue"])]);
        assert_eq!(said.unwrap().person, ["Be quick."]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(texts in proptest::collection::vec("(<task>|</task>|\n|\\{\"id\":1,\"type\":\"t\"\\}|[a-zé]| |Continue|The user sent a new message while you were working:\n){0,12}", 0..6)) {
            let messages: Vec<Message> = texts.iter().map(|text| user(&[text])).collect();
            drop(Conversation::read(&messages));
        }
    }
}
