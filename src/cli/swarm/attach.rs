//! `claude-swarm attach`: becomes the command that shows an agent's session, or prints it.

use std::io::IsTerminal;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::domain::error::Error;
use crate::runner::become_program;

#[derive(Debug, Args)]
pub(super) struct Attach {
    /// The agent
    agent: String,
    /// Only print the command
    #[arg(long)]
    print: bool,
}

impl Attach {
    pub async fn run(self, context: &Context) -> Done {
        let status = context.operator()?.status().await?;
        let name = &self.agent;
        let Some(agent) = status.agents.iter().find(|agent| agent.name == *name) else {
            let known: Vec<&str> = status.agents.iter().map(|agent| agent.name.as_str()).collect();
            let error = Error::not_found(format!("there is no agent {name}"));
            return Err(error.hint(format!("one of: {}", known.join(", "))).into());
        };
        if agent.session.is_none() {
            let error = Error::not_found(format!("{name} has no session: it is {}", agent.state.as_str()));
            return Err(error.hint(format!("`claude-swarm start {name}` starts one")).into());
        }
        let command = status.attach.replace("AGENT", name);
        if context.terminal.json {
            return context.terminal.say_json_line(&serde_json::json!({ "command": command }));
        }
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if self.print || !context.terminal.interactive || !std::io::stdin().is_terminal() || !is_plain(&words) {
            return context.terminal.say(command);
        }
        match words.split_first().map(|(program, args)| become_program(program, args)) {
            Some(Err(error)) => Err(Failure::failed_with(format!("tmux: {error}"), format!("run it yourself: {command}"))),
            None => context.terminal.say(command),
        }
    }
}

/// Whether the words mean the same to a shell and to us, and are what they should be.
fn is_plain(words: &[String]) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=' | '.' | '/' | ':');
    words.first().is_some_and(|program| program == "tmux") && words.iter().all(|word| word.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn only_a_plain_tmux_command_is_run() {
        let plain = |command: &str| is_plain(&command.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert!(plain("tmux -L claude-swarm-0123456789ab attach -t =claude-hunter"));
        for other in ["", "sh -c x", "tmux attach; reboot", "tmux attach -t 'a b'", "tmux $(id)"] {
            assert!(!plain(other), "{other:?}");
        }
    }
}
