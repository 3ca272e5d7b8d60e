//! The program `claude-swarm`: a person's verbs, the daemon and the workers.

use std::process::ExitCode;

use claude_swarm::cli::swarm::{Asked, parse};

fn main() -> ExitCode {
    match parse() {
        Ok(Asked::Verb(request)) => request.run(),
        Ok(Asked::Daemon(args)) => missing("daemon", &args),
        Ok(Asked::Worker(args)) => missing("worker", &args),
        Err(code) => code,
    }
}

fn missing(what: &str, args: &dyn std::fmt::Debug) -> ExitCode {
    eprintln!("error: this build has no {what} ({args:?})");
    ExitCode::FAILURE
}
