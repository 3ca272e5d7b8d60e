//! `claude-swarm halt`: the emergency stop. Where the daemon cannot do it, it says how a person can.

use std::time::Duration;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::cli::progress::Progress;
use crate::cli::variables;
use crate::config::{Home, TmuxServer, load};
use crate::domain::text::one_line;
use crate::protocol::daemon::Halted;
use crate::runner::{self, Runner, State, TmuxRunner};

/// How long a daemon may take to say that it is there. In an emergency nobody waits for long.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Halt {
    /// Why; it is shown until agents are started again
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Halt {
    pub async fn run(self, context: &Context) -> Done {
        let asked = async {
            let operator = context.operator()?;
            operator.health(PATIENCE).await?;
            Ok::<_, Failure>(operator)
        };
        let operator = match asked.await {
            Ok(operator) => operator,
            Err(failure) => {
                if let (Failure::NotRunning(_) | Failure::Refused(_), Ok(home)) = (&failure, context.home()) {
                    context.terminal.note(by_hand(context, &home).await);
                }
                return Err(failure);
            }
        };
        let progress = Progress::start(&context.terminal, "everything is being ended");
        let halted = operator.halt(self.reason).await;
        drop(progress);
        let halted = halted?;
        if context.terminal.json {
            context.terminal.say_json(&halted)?;
        } else {
            context.terminal.say(told(&halted))?;
        }
        if halted.survivors.is_empty() {
            return Ok(());
        }
        let hint = "end these processes yourself; nothing new is started until `claude-swarm start`";
        Err(Failure::failed_with(format!("not everything could be ended: {}", halted.survivors.join(", ")), hint))
    }
}

fn told(halted: &Halted) -> String {
    let ended = match halted.sessions.as_slice() {
        [] => "nothing ran".to_owned(),
        sessions => format!("ended: {}", sessions.join(", ")),
    };
    let confirmed = if halted.survivors.is_empty() { "; every process is gone" } else { "" };
    format!("halted. {ended}{confirmed}\nnothing is started until `claude-swarm start`")
}

/// What a person can do where the daemon cannot. Only this home's sessions are named: `tmux kill-server` would end all of them.
async fn by_hand(context: &Context, home: &Home) -> String {
    let mut said = vec!["the daemon cannot end the agents, so do it by hand:".to_owned()];
    let pid = std::fs::read_to_string(home.daemon_pid()).ok().and_then(|text| text.trim().parse::<i32>().ok());
    if let Some(process) = pid.and_then(runner::ProcessIdentity::of).filter(|process| runner::is_alive(*process)) {
        said.push(format!("  kill -9 {}    # if that is still the daemon, so that it starts nothing again", process.pid));
    }
    match sessions(context, home).await {
        Ok(commands) if commands.is_empty() => said = vec!["no session of this home is left in tmux".to_owned()],
        Ok(commands) => {
            said.extend(commands);
            said.push("  with its worker every sandbox ends, and all that runs in it".to_owned());
        }
        Err(why) => said.push(format!("  its sessions cannot be listed ({}); look with `tmux ls`", one_line(&why, 200))),
    }
    said.join("\n")
}

async fn sessions(context: &Context, home: &Home) -> Result<Vec<String>, String> {
    let loaded = load(home).map_err(|_| "the configuration cannot be read".to_owned())?;
    let tmux = loaded.config.settings.tmux;
    let (server, option) = match tmux.server {
        TmuxServer::Default => (runner::TmuxServer::Default, String::new()),
        TmuxServer::Own => (runner::TmuxServer::Named(tmux.socket_name(home)), format!("-L {} ", tmux.socket_name(home))),
    };
    let variables = variables::as_text(variables::plain(&context.environment));
    let tmux = TmuxRunner::new(server, &home.id(), variables).map_err(|error| error.to_string())?;
    let sessions = tmux.list().await.map_err(|error| error.to_string())?;
    Ok(sessions
        .into_iter()
        .map(|session| {
            let kill = match session.state {
                State::Running(process) => format!("kill -9 {}; ", process.pid),
                State::Exited { .. } | State::Gone => String::new(),
            };
            format!("  {kill}tmux {option}kill-session -t ={}", one_line(&session.name, 80))
        })
        .collect())
}
