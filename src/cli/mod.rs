//! The command line of people and agents: `claude-swarm` (`swarm`) and `claude-tasks` (`tasks`), one file a verb.
//!
//! Here: arguments, what is asked of the daemon for them, and how the answer is shown. Not here: talking to the daemon (`client`), the
//! daemon and the worker themselves: `src/bin` hands their arguments to them.

mod amount;
mod args;
mod context;
mod event;
mod export;
mod failure;
mod outline;
mod progress;
mod settle;
pub mod swarm;
mod table;
pub mod tasks;
mod terminal;
mod time;
mod tone;
mod variables;
mod visible;
mod wait;

pub use args::{DaemonArgs, WorkerArgs};
pub use failure::Failure;

use std::future::Future;
use std::io::Write;
use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory, FromArgMatches};

use self::context::{Context, Global};
use self::failure::Done;
use crate::domain::error::{Error, Kind};

/// Reads the arguments; what is not understood, and help, is printed here.
fn parse<C: CommandFactory + FromArgMatches>() -> Result<C, ExitCode> {
    let args: Vec<_> = std::env::args_os().collect();
    let said = |option: &str| args.iter().take_while(|arg| *arg != "--").any(|arg| arg == option);
    let mut command = C::command();
    if said("--no-color") {
        command = command.color(ColorChoice::Never);
    }
    let parsed = command.try_get_matches_from(&args).and_then(|mut matches| C::from_arg_matches_mut(&mut matches));
    parsed.map_err(|error| {
        if error.use_stderr() && said("--json") {
            return print(&usage(&error), true);
        }
        // Not being heard is no failure of its own.
        drop(error.print());
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

/// A usage error in one sentence.
fn usage(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let lines = text.trim_start_matches("error: ").lines().take_while(|line| !line.starts_with("Usage:"));
    let message = lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    Error::new(Kind::Invalid, message).hint("see --help").into()
}

/// Runs a verb to its end.
fn run<F: Future<Output = Done>>(global: Global, verb: impl FnOnce(Context) -> F) -> ExitCode {
    let as_json = global.json;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("the runtime cannot be started: {error}")));
    let done = runtime.and_then(|runtime| runtime.block_on(verb(Context::new(global))));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => print(&failure, as_json),
    }
}

/// Prints why not, and answers with the exit code for it.
fn print(failure: &Failure, as_json: bool) -> ExitCode {
    drop(std::io::stderr().lock().write_all(failure.report(as_json).as_bytes()));
    ExitCode::from(failure.code())
}
