//! `providers.claude.args`: which options of the Claude CLI a person may add.
//!
//! Those are listed that change how the model works and nothing else. A list of the forbidden ones could never be whole: the CLI has
//! options that its help does not show, among them some that load settings, send the stream elsewhere or run hooks.

use crate::config::yaml::{Node, Refusal, list_of, text};

/// How many values an option takes.
#[derive(Clone, Copy, PartialEq)]
enum Values {
    None,
    One,
    Some,
}

/// What may be given.
const ALLOWED: &[(&str, Values)] = &[
    ("--allowedTools", Values::Some),
    ("--allowed-tools", Values::Some),
    ("--betas", Values::Some),
    ("--disable-slash-commands", Values::None),
    ("--disallowedTools", Values::Some),
    ("--disallowed-tools", Values::Some),
    ("--effort", Values::One),
    ("--exclude-dynamic-system-prompt-sections", Values::None),
    ("--fallback-model", Values::One),
    ("--max-thinking-tokens", Values::One),
    ("--max-turns", Values::One),
    ("--task-budget", Values::One),
    ("--thinking", Values::One),
    ("--tools", Values::Some),
];

/// Why not, for those that somebody may well try.
const REASONS: &[(&[&str], &str)] = &[
    (
        &["-p", "--print", "--output-format", "--input-format", "--verbose", "--include-partial-messages", "--json-schema"],
        "the worker reads the CLI's stream and gives the options for it",
    ),
    (
        &["-c", "--continue", "-r", "--resume", "--session-id", "--fork-session", "--no-session-persistence"],
        "the worker names and resumes conversations",
    ),
    (
        &["--setting-sources", "--settings", "--mcp-config", "--strict-mcp-config", "--plugin-dir", "--agents", "--bare"],
        "it could load settings, tools or prompts that no person has approved",
    ),
    (
        &["--permission-mode", "--dangerously-skip-permissions", "--allow-dangerously-skip-permissions"],
        "the sandbox is what confines an agent; the worker sets the mode that fits it",
    ),
    (&["--model"], "the model is the role's; `models` gives it another name"),
    (&["--max-budget-usd"], "the budget is the task type's, in config/pipeline.yaml"),
    (
        &["--system-prompt", "--system-prompt-file", "--append-system-prompt", "--append-system-prompt-file"],
        "the prompt is the role's, in agents/, and its hash is kept with each attempt",
    ),
    (&["--debug", "--debug-file", "-d"], "what the CLI sends, its login among it, would be written down"),
];

/// Reads the list.
pub fn read(node: &Node) -> Result<Vec<String>, Refusal> {
    let arguments = list_of(text("write each argument as a text"))(node)?;
    let mut rest = arguments.iter().map(String::as_str).peekable();
    while let Some(argument) = rest.next() {
        let (option, value) = argument.split_once('=').map_or((argument, None), |(option, value)| (option, Some(value)));
        let Some((_, values)) = ALLOWED.iter().find(|(allowed, _)| *allowed == option) else {
            return Err(refusal(argument, option));
        };
        let mut count = usize::from(value.is_some());
        while (*values == Values::Some || (*values == Values::One && count == 0))
            && rest.next_if(|next| !next.starts_with('-')).is_some()
        {
            count += 1;
        }
        if count == 0 && *values != Values::None {
            return Err((format!("{option} has no value"), "write its value as the next item".to_owned()));
        }
        if value.is_some() && *values == Values::None {
            return Err((format!("{option} takes no value"), format!("write {option} alone")));
        }
    }
    Ok(arguments)
}

fn refusal(argument: &str, option: &str) -> Refusal {
    let allowed: Vec<&str> = ALLOWED.iter().map(|(option, _)| *option).collect();
    let remedy = format!("take it out; what can be given: {}", allowed.join(", "));
    if !argument.starts_with('-') {
        return (format!("{argument:?} belongs to no option, and would be taken for the prompt"), remedy);
    }
    match REASONS.iter().find(|(options, _)| options.contains(&option)) {
        Some((_, reason)) => (format!("{option} cannot be given here: {reason}"), remedy),
        None => (format!("{option} cannot be given here"), remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(list: &str) -> String {
        let tree = crate::config::yaml::tree(list);
        read(&tree).unwrap_err().0
    }

    #[test]
    fn what_is_listed_may_be_given_with_its_values() {
        for list in [
            "[]",
            "[--fallback-model, haiku]",
            "[--fallback-model=haiku, --effort, high]",
            "[--disallowedTools, WebSearch, 'Bash(git *)', --disable-slash-commands, --max-turns, '30']",
            "[--tools, '']",
        ] {
            assert!(read(&crate::config::yaml::tree(list)).is_ok(), "{list}");
        }
    }

    #[test]
    fn nothing_else_may() {
        for option in [
            "--session-id=7",
            "--resume",
            "-r",
            "-pc",
            "--setting-sources",
            "--mcp-config",
            "--output-format",
            "--",
            "-",
            "--dangerously-skip-permissions",
            "--permission-mode=plan",
            "--model",
            "--settings={}",
            "--append-system-prompt",
            "--sdk-url",
            "--managed-settings",
            "--channels",
            "--unheard-of",
        ] {
            assert!(refused(&format!("['{option}', x]")).contains("cannot be given here"), "{option}");
            assert!(refused(&format!("[--effort, '{option}']")).contains("has no value"), "{option}");
            assert!(refused(&format!("[--effort, high, '{option}']")).contains("cannot be given here"), "{option}");
        }
    }

    #[test]
    fn nothing_can_become_the_prompt() {
        for list in ["[hello]", "[--effort, high, hello]", "[--effort=high, hello]", "[--disable-slash-commands, hello]", "['']"]
        {
            assert!(refused(list).contains("would be taken for the prompt"), "{list}");
        }
        assert_eq!(refused("[--effort]"), "--effort has no value");
        assert_eq!(refused("[--disable-slash-commands=x]"), "--disable-slash-commands takes no value");
        assert_eq!(refused("[1]"), "1 is not a text");
    }
}
