//! What every verb has: the environment, the chosen home, the daemon, the terminal.

use std::path::PathBuf;
use std::sync::Once;

use clap::Args;

use super::failure::Done;
use super::terminal::{Terminal, Tone};
use crate::client::Operator;
use crate::config::{Environment, Home, HomeKind};

/// What can be said with every verb.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The home; otherwise `CLAUDE_SWARM_HOME`, or the nearest folder upwards that is one
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub home: Option<PathBuf>,
    /// Print JSON instead of text, errors too
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Print without colours, as with `NO_COLOR`
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub no_color: bool,
}

/// What a verb works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub environment: Environment,
    pub terminal: Terminal,
    asked: Option<PathBuf>,
    badge: Once,
}

impl Context {
    pub fn new(global: Global) -> Self {
        let environment = Environment::read();
        let terminal = Terminal::find(global.json, global.no_color || environment.no_color);
        Self { environment, terminal, asked: global.home, badge: Once::new() }
    }

    /// The home that is meant. A rehearsal says so to whoever looks.
    pub fn home(&self) -> Done<Home> {
        let home = Home::choose(self.asked.as_deref(), &self.environment)?;
        if self.terminal.attended && !self.terminal.json && home.declared_kind()? == HomeKind::Rehearsal {
            self.badge.call_once(|| self.terminal.note(self.terminal.paint(Tone::Warn, "REHEARSAL")));
        }
        Ok(home)
    }

    /// The daemon: of the home that was asked for, at `CLAUDE_SWARM_SOCKET` (inside a sandbox), or of the home that is found.
    pub fn operator(&self) -> Done<Operator> {
        let socket = match &self.environment.swarm_socket {
            Some(socket) if self.asked.is_none() => socket.clone(),
            _ => self.home()?.operator_socket(),
        };
        Ok(Operator::at(&socket)?)
    }
}
