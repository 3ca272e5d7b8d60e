//! The program `claude-swarm`: a person's verbs, the daemon and the workers.
//!
//! Here: which of the three is meant, and what each needs of the process around it. Not here: what they do.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use claude_swarm::cli::swarm::{Asked, parse};
use claude_swarm::cli::{DaemonArgs, Failure, WorkerArgs};
use claude_swarm::config::{Environment, Home};
use claude_swarm::domain::error::Error;
use claude_swarm::{daemon, failpoint, worker};
use tokio::runtime::Builder;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let outcome = match parse() {
        Ok(Asked::Verb(request)) => return request.run(),
        Ok(Asked::Daemon(args)) => run_daemon(args),
        Ok(Asked::Worker(args)) => run_worker(args),
        Err(code) => return code,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::from(error);
            // Where nobody reads it, the exit code still says it.
            drop(write!(std::io::stderr(), "{}", failure.report(false)));
            ExitCode::from(failure.code())
        }
    }
}

fn home(asked: Option<&Path>, environment: &Environment) -> Result<Home, Error> {
    let home = Home::choose(asked, environment)?;
    failpoint::arm(home.root());
    Ok(home)
}

fn log_to_stderr(filter: &str) -> Result<(), Error> {
    let wrong = |error| {
        Error::invalid("CLAUDE_SWARM_LOG", format!("{error}")).hint("`info`, `debug`, or `info,claude_swarm::store=debug`")
    };
    let filter = EnvFilter::builder().parse(filter).map_err(wrong)?;
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // A line that a full disk does not take is lost. Telling of that at the same place would panic, in whatever thread wanted to log.
    log.log_internal_errors(false).init();
    Ok(())
}

fn run_daemon(args: DaemonArgs) -> Result<(), Error> {
    let environment = Environment::read();
    log_to_stderr(environment.swarm_log.as_deref().unwrap_or("info"))?;
    if !std::io::stdin().is_terminal() {
        // Started by somebody who will go away: the daemon does not go with them. It fails where this process leads a group already,
        // and then its starter has seen to it.
        let _ = rustix::process::setsid();
    }
    let home = home(args.home.as_deref(), &environment)?;
    let options = daemon::Options { home, environment, auto_approve: args.auto_approve, pace: args.pace.unwrap_or(1.0) };
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::unavailable(format!("no runtime: {error}")))?;
    let stopped = runtime.block_on(daemon::run(options))?;
    // What still blocks does not keep the daemon, and another one may begin only when this one is gone.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    drop(stopped.lock);
    stopped.outcome
}

fn run_worker(args: WorkerArgs) -> Result<(), Error> {
    let environment = Environment::read();
    log_to_stderr("warn")?;
    let home = home(args.home.as_deref(), &environment)?;
    let start = worker::Start {
        agent: args.agent,
        session: args.session,
        socket: home.worker_socket(),
        bwrap: environment.find_program("bwrap"),
        colours: !environment.no_color,
    };
    // One thread, which starts every sandbox and lives as long as the worker.
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::unavailable(format!("no runtime: {error}")))?;
    let outcome = runtime.block_on(worker::run(start));
    // Something may wait for a lock that is never given back; it does not keep the worker.
    runtime.shutdown_background();
    outcome
}
