//! `claude-tasks`: one file a verb.

mod cancel;
mod create;
mod depend;
mod list;
mod retry;
mod show;
mod types;
mod wait;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::context::{Context, Global};
use super::failure::Done;

/// Create tasks, look at them, wait for them.
#[derive(Debug, Parser)]
#[command(name = "claude-tasks", version, after_help = EXIT_CODES, propagate_version = true)]
struct Program {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Said at the end of both programs' help.
pub(super) const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 failed, 2 usage, 3 daemon not running, 4 not found, 5 conflict or stale, 6 not allowed.";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a task
    Create(create::Create),
    /// List tasks, newest first
    List(list::List),
    /// Show everything about a task
    Show(show::Show),
    /// Wait until a task is over: 0 when it is done, 1 when it failed, was cancelled or the time is over
    Wait(wait::Wait),
    /// Cancel a task
    Cancel(cancel::Cancel),
    /// Start a task that failed or was cancelled from the beginning
    Retry(retry::Retry),
    /// Make a task wait for another
    Depend(depend::Depend),
    /// Show which types of task there are, and what each takes
    Types(types::Types),
    /// Print the completions for a shell
    Completions(super::swarm::Completions),
}

/// `claude-tasks`, from its arguments to its exit code.
pub fn main() -> ExitCode {
    match super::parse::<Program>() {
        Ok(Program { global, verb }) => super::run(global, |context| verb.run(context)),
        Err(code) => code,
    }
}

impl Verb {
    async fn run(self, context: Context) -> Done {
        match self {
            Self::Create(verb) => verb.run(&context).await,
            Self::List(verb) => verb.run(&context).await,
            Self::Show(verb) => verb.run(&context).await,
            Self::Wait(verb) => verb.run(&context).await,
            Self::Cancel(verb) => verb.run(&context).await,
            Self::Retry(verb) => verb.run(&context).await,
            Self::Depend(verb) => verb.run(&context).await,
            Self::Types(verb) => verb.run(&context).await,
            Self::Completions(verb) => verb.run::<Program>(&context),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_arguments_are_well_formed() {
        super::Program::command().debug_assert();
    }

    #[test]
    fn what_a_task_needs_is_one_word_and_the_older_ones_are_understood() {
        let understood = |line: &str| super::Program::try_parse_from(line.split(' ')).map(|asked| format!("{:?}", asked.verb));
        for (word, older) in [
            ("t create --type x --needs 1,2 --needs 3", "t create --type x --after 1 2 --after 3"),
            ("t depend 2 --needs 1", "t depend 2 --on 1"),
        ] {
            assert_eq!(understood(word).unwrap(), understood(older).unwrap());
        }
        let help = super::Program::command().find_subcommand_mut("depend").unwrap().render_help().to_string();
        assert!(help.contains("--needs <ID>") && !help.contains("--on"), "{help}");
    }
}
