//! The command line and environment of Claude Code.

use std::collections::BTreeMap;

use super::schema;
use crate::domain::credential::Credential;
use crate::domain::text::clip;
use crate::provider::launch::{CommandLine, Conversation, Launch, LaunchError};

/// The most bytes of one argument that are accepted. The kernel's limit is 128 KiB with the closing NUL.
const MAX_ARGUMENT_BYTES: usize = 100_000;

/// The command line for a launch.
pub fn command(launch: &Launch) -> Result<CommandLine, LaunchError> {
    let mut argv: Vec<String> = vec![launch.program.clone()];
    let mut push = |args: &[&str]| argv.extend(args.iter().map(|arg| (*arg).to_owned()));

    push(&["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose", "--replay-user-messages"]);
    // The parts of an answer as they come: exact output tokens before its end, and without them a long answer is silence.
    push(&["--include-partial-messages"]);
    // The sandbox decides what may be done, and nobody is there to answer a question. Neither a tree's own settings, hooks, memories and MCP
    // servers are obeyed nor those in the home: they are the work of whoever wrote the tree, or of code that ran in an earlier attempt.
    push(&["--permission-mode", "bypassPermissions", "--setting-sources", "", "--strict-mcp-config"]);
    match launch.conversation {
        Conversation::New(id) => push(&["--session-id", &id.to_string()]),
        Conversation::Resume(id) => push(&["--resume", &id.to_string()]),
    }
    if !launch.model.is_empty() {
        push(&["--model", &launch.model]);
    }
    if let Some(path) = &launch.system_prompt {
        push(&["--append-system-prompt-file", path]);
    }
    if let Some(full) = &launch.result_schema {
        let text = schema::accepted(full)?.to_string();
        at_most("result_schema", &text, "shorten its descriptions")?;
        push(&["--json-schema", &text]);
    }
    if let Some(dollars) = launch.max_budget_usd {
        push(&["--max-budget-usd", &format!("{dollars}")]);
    }
    argv.extend(launch.extra_args.iter().cloned());

    let env = environment(launch);
    if let Some(arg) = argv.iter().find(|arg| arg.contains('\0')) {
        return Err(LaunchError::Nul { field: format!("the argument {:?}", clip(arg, 40)) });
    }
    if let Some((name, _)) = env.iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
        return Err(LaunchError::Nul { field: format!("the variable {name:?}") });
    }
    Ok(CommandLine { argv, env })
}

fn environment(launch: &Launch) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = [
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
        ("DISABLE_AUTOUPDATER", "1".to_owned()),
        ("CLAUDE_CODE_MAX_RETRIES", launch.max_retries.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    env.extend(launch.extra_env.iter().map(|(name, value)| (name.clone(), value.clone())));
    // What runs in the background is over when the answer is. Before that the CLI would tell its model of it as if somebody had said so,
    // which cannot be told from words that product code put into the stream; and it moves there by itself whatever outlasts its time.
    env.insert("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS".to_owned(), "1".to_owned());
    if let Some(url) = &launch.base_url {
        env.insert("ANTHROPIC_BASE_URL".to_owned(), url.clone());
    }
    // One credential and no other: with two, the CLI would choose.
    if let Some(credential) = &launch.credential {
        for name in ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"] {
            env.remove(name);
        }
        let (name, value) = match credential {
            Credential::ApiKey(key) => ("ANTHROPIC_API_KEY", key),
            Credential::OauthToken(token) => ("CLAUDE_CODE_OAUTH_TOKEN", token),
        };
        env.insert(name.to_owned(), value.clone());
    }
    env
}

fn at_most(field: &'static str, text: &str, way_out: &'static str) -> Result<(), LaunchError> {
    if text.len() <= MAX_ARGUMENT_BYTES {
        return Ok(());
    }
    Err(LaunchError::ArgumentTooLong { field, bytes: text.len(), most: MAX_ARGUMENT_BYTES, way_out })
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
