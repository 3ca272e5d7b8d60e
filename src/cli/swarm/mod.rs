//! `claude-swarm`: one file a verb.

mod account;
mod alone;
mod approval;
mod approvals;
mod ask;
mod attach;
mod completions;
mod config;
mod decide;
mod doctor;
mod events;
mod halt;
mod income;
mod init;
mod launch;
mod logs;
mod overview;
mod pause;
mod products;
mod start;
mod status;
mod stop;
mod tail;
mod tell;

pub(super) use completions::Completions;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::args::{DaemonArgs, WorkerArgs};
use super::context::{Context, Global};
use super::failure::Done;

/// A swarm of role agents that publishes nothing without your approval.
#[derive(Debug, Parser)]
#[command(name = "claude-swarm", version, after_help = super::tasks::EXIT_CODES, propagate_version = true)]
struct Program {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a new home in an empty folder
    Init(init::Init),
    /// Look at the configuration
    Config(config::ConfigVerb),
    /// Check whether everything that is needed is there and works
    Doctor(doctor::Doctor),
    /// Run the daemon in the foreground; `start` runs it for you
    #[command(hide = true)]
    Daemon(DaemonArgs),
    /// Run an agent's worker; the daemon does
    #[command(hide = true)]
    Worker(WorkerArgs),
    /// Start agents, all of them where none is named; the daemon too, where it does not run
    Start(start::Start),
    /// Stop agents; where none is named all of them, and then the daemon
    Stop(stop::Stop),
    /// Emergency stop: end every agent's processes now, and start nothing until `start`
    Halt(halt::Halt),
    /// Show the swarm at a glance; what needs you comes first
    Status(status::Status),
    /// Show what happened
    Events(events::Events),
    /// Show what an agent or the daemon wrote into its log
    Logs(logs::Logs),
    /// List what waits for your decision
    Approvals(approvals::Approvals),
    /// Show what one approval is about: its terms and the files it is bound to
    Approval(approval::Approval),
    /// Say yes to an approval
    Approve(decide::Approve),
    /// Say no to an approval, and why
    Reject(decide::Reject),
    /// Ask the swarm a question and wait for the answer
    Ask(ask::Ask),
    /// Give the swarm an order and wait for what it makes of it
    Order(ask::Order),
    /// Tell an agent something; it hears it at its next turn or with its next task
    Tell(tell::Tell),
    /// Let agents finish what they do and take nothing new; all of them where none is named
    Pause(pause::Pause),
    /// Let paused or quarantined agents work again; all of them where none is named
    Resume(pause::Resume),
    /// List the products
    Products(products::Products),
    /// Enter and list income
    Income(income::Income),
    /// Say that an account can be used again
    Account(account::Account),
    /// Look at an agent at work in its session
    Attach(attach::Attach),
    /// Print the completions for a shell
    Completions(Completions),
}

/// What the arguments ask for.
#[derive(Debug)]
pub enum Asked {
    /// To run the daemon.
    Daemon(DaemonArgs),
    /// To run a worker.
    Worker(WorkerArgs),
    /// A verb, which runs here.
    Verb(Box<Request>),
}

/// A verb that was asked for.
#[derive(Debug)]
pub struct Request {
    global: Global,
    verb: Verb,
}

/// Reads the arguments of `claude-swarm`.
///
/// # Errors
/// With the exit code, after having printed why, or the help that was asked for.
pub fn parse() -> Result<Asked, ExitCode> {
    let Program { global, verb } = super::parse::<Program>()?;
    Ok(match verb {
        Verb::Daemon(args) => Asked::Daemon(DaemonArgs { home: global.home, ..args }),
        Verb::Worker(args) => Asked::Worker(WorkerArgs { home: global.home, ..args }),
        verb => Asked::Verb(Box::new(Request { global, verb })),
    })
}

impl Request {
    /// Does what was asked, to the exit code.
    pub fn run(self) -> ExitCode {
        let Self { global, verb } = self;
        super::run(global, |context| verb.run(context))
    }
}

impl Verb {
    async fn run(self, context: Context) -> Done {
        let context = &context;
        match self {
            Self::Init(verb) => verb.run(context),
            Self::Config(verb) => verb.run(context),
            Self::Doctor(verb) => verb.run(context).await,
            // The programs run these before they come here.
            Self::Daemon(_) | Self::Worker(_) => Ok(()),
            Self::Start(verb) => verb.run(context).await,
            Self::Stop(verb) => verb.run(context).await,
            Self::Halt(verb) => verb.run(context).await,
            Self::Status(verb) => verb.run(context).await,
            Self::Events(verb) => verb.run(context).await,
            Self::Logs(verb) => verb.run(context),
            Self::Approvals(verb) => verb.run(context).await,
            Self::Approval(verb) => verb.run(context).await,
            Self::Approve(verb) => verb.run(context).await,
            Self::Reject(verb) => verb.run(context).await,
            Self::Ask(verb) => verb.run(context).await,
            Self::Order(verb) => verb.run(context).await,
            Self::Tell(verb) => verb.run(context).await,
            Self::Pause(verb) => verb.run(context).await,
            Self::Resume(verb) => verb.run(context).await,
            Self::Products(verb) => verb.run(context).await,
            Self::Income(verb) => verb.run(context).await,
            Self::Account(verb) => verb.run(context).await,
            Self::Attach(verb) => verb.run(context).await,
            Self::Completions(verb) => verb.run::<Program>(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_well_formed() {
        super::Program::command().debug_assert();
    }
}
