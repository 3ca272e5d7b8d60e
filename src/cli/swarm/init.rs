//! `claude-swarm init`. Works without a daemon.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::context::Context;
use crate::cli::failure::Done;
use crate::config::{InitOptions, TmuxServer, init};

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The folder; empty, or not there yet
    dir: PathBuf,
    /// For rehearsals: a script plays the models and, where wanted, the person. A home stays what it is for life
    #[arg(long)]
    rehearsal: bool,
    /// Whose tmux server the agents' sessions are in
    #[arg(long, value_enum, default_value_t = Server::Own)]
    tmux: Server,
    /// Where the HTTP API listens: an address of this machine; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Server {
    /// Your own: `tmux attach -t claude-hunter` shows an agent
    Default,
    /// One of this home's own
    Own,
}

impl Init {
    pub fn run(self, context: &Context) -> Done {
        let tmux_server = match self.tmux {
            Server::Default => TmuxServer::Default,
            Server::Own => TmuxServer::Own,
        };
        let written = init(&self.dir, &InitOptions { rehearsal: self.rehearsal, tmux_server, listen: self.listen })?;
        let root = written.home.root().display();
        if context.terminal.json {
            return context.terminal.say_json(&serde_json::json!({ "home": root.to_string(), "files": written.files }));
        }
        let kind = if self.rehearsal { "rehearsal home" } else { "home" };
        context.terminal.say(format!(
            "made a {kind} in {root}: {} files\n\
             next: claude-swarm doctor --home {root}\n      claude-swarm start --home {root}",
            written.files.len()
        ))
    }
}
