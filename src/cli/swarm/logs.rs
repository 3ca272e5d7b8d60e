//! `claude-swarm logs`: read from the home's files, with or without a daemon.

use std::io;
use std::path::Path;

use clap::Args;

use super::tail::Tail;
use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::domain::error::Error;
use crate::domain::name::AgentName;

#[derive(Debug, Args)]
pub(super) struct Logs {
    /// The agent's name, or `daemon`
    #[arg(value_name = "AGENT|daemon")]
    whose: String,
    /// Go on with what is written from now on
    #[arg(short, long)]
    follow: bool,
    /// Begin with the last so many lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    lines: usize,
}

impl Logs {
    pub fn run(self, context: &Context) -> Done {
        let home = context.home()?;
        let path = if self.whose == "daemon" { home.daemon_log() } else { home.agent_log(&self.whose.parse::<AgentName>()?) };
        let mut tail = Tail::last(&path, self.lines).map_err(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                return unreadable(&path, &error);
            }
            let error = Error::not_found(format!("{} has no log yet: {} is not there", self.whose, path.display()));
            error.hint("`claude-swarm status` lists the agents; a log begins with the agent's first start").into()
        })?;
        let say = |line: &str| {
            if context.terminal.json {
                context.terminal.say_json_line(line)
            } else {
                context.terminal.write(format!("{line}\n").as_bytes())
            }
        };
        if self.follow {
            return tail.follow(|error| unreadable(&path, &error), say);
        }
        tail.read(true).map_err(|error| unreadable(&path, &error))?.iter().try_for_each(|line| say(line))
    }
}

fn unreadable(log: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("the log {} cannot be read: {error}", log.display()))
}
