//! A tool call on one readable line.

use serde_json::Value;

use crate::domain::text::joined;

/// The longest summary, in bytes.
const MOST: usize = 160;

/// What a call of this tool does: the command, the file, the pattern; for a tool that is not known, its input's first text.
pub fn summary(tool: &str, input: &Value) -> String {
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    let line = match tool {
        "Bash" => text("command").to_owned(),
        "Read" | "Edit" | "Write" | "MultiEdit" => file(text("file_path")).to_owned(),
        "NotebookEdit" => file(text("notebook_path")).to_owned(),
        "Grep" | "Glob" => match text("path") {
            "" => text("pattern").to_owned(),
            path => format!("{} in {}", text("pattern"), file(path)),
        },
        "WebFetch" => text("url").to_owned(),
        "WebSearch" => text("query").to_owned(),
        "Task" | "Agent" | "TaskCreate" => first(input, &["description", "subject", "prompt"]),
        "Skill" => first(input, &["skill", "command"]),
        "StructuredOutput" => input.to_string(),
        _ => first(input, &["description", "command", "file_path", "path", "url", "query", "pattern", "name", "id"]),
    };
    let line = joined(&line, MOST);
    if line.is_empty() && input.as_object().is_some_and(|members| !members.is_empty()) {
        return joined(&input.to_string(), MOST);
    }
    line
}

/// The first of these members that is a text.
fn first(input: &Value, names: &[&str]) -> String {
    names.iter().find_map(|name| input[*name].as_str()).unwrap_or_default().to_owned()
}

/// The path as a reader of the pane wants it: relative to the tree.
fn file(path: &str) -> &str {
    path.strip_prefix("/workspace/").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("Bash", json!({ "command": "cargo test \\\n  --all", "description": "test" }), "cargo test \\ --all")]
    #[case("Write", json!({ "file_path": "/workspace/src/a.rs", "content": "x" }), "src/a.rs")]
    #[case("Read", json!({ "file_path": "/etc/hosts" }), "/etc/hosts")]
    #[case("Grep", json!({ "pattern": "fn main", "path": "/workspace/src" }), "fn main in src")]
    #[case("Glob", json!({ "pattern": "**/*.rs" }), "**/*.rs")]
    #[case("Agent", json!({ "description": "look", "prompt": "long" }), "look")]
    #[case("StructuredOutput", json!({ "verdict": "approve" }), "{\"verdict\":\"approve\"}")]
    #[case("mcp__swarm__send", json!({ "to": "critic" }), "{\"to\":\"critic\"}")]
    #[case("Bash", json!({}), "")]
    #[case("Bash", json!(null), "")]
    #[case("Bash", json!({ "command": "echo \u{1b}[31mred" }), "echo [31mred")]
    fn a_call_reads_as_what_it_does(#[case] tool: &str, #[case] input: Value, #[case] expected: &str) {
        assert_eq!(summary(tool, &input), expected);
    }
}
