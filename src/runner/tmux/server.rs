//! How one tmux server is reached: which socket, which environment, how long to wait, and what its refusals mean.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tmux_interface::{StdIO, Tmux, TmuxCommand, TmuxCommands};
use tokio::process::Command;
use tokio::time::timeout;

use super::super::RunnerError;

/// A healthy server answers within milliseconds; one that is stopped or swapped out would hold the caller for good.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many servers may be found leaving one after another.
const ATTEMPTS: usize = 4;

/// Which tmux server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TmuxServer {
    /// The person's own, with their configuration: `tmux attach` finds it.
    Default,
    /// One with a socket of that name (`tmux -L NAME`), without the person's configuration.
    Named(String),
}

#[derive(Debug, Clone)]
pub(super) struct Server {
    which: TmuxServer,
    environment: Vec<(String, String)>,
}

impl Server {
    pub fn new(which: TmuxServer, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let harmless = |key: &str| matches!(key, "PATH" | "HOME" | "LANG" | "TERM" | "TMUX_TMPDIR") || key.starts_with("LC_");
        Self { which, environment: environment.into_iter().filter(|(key, _)| harmless(key)).collect() }
    }

    /// Runs commands as one message to the server, which stops at the first that fails. Answers what they print.
    ///
    /// A server that was just leaving (its last session had ended) may still accept a client and drop it. What was asked of it has
    /// left no trace then, so it is asked of its successor.
    pub async fn run<'a>(&self, commands: impl IntoIterator<Item = TmuxCommand<'a>>) -> Result<String, RunnerError> {
        let commands: Vec<_> = commands.into_iter().collect();
        for _ in 1..ATTEMPTS {
            match self.run_once(commands.clone()).await {
                Err(error) if server_left(&error) => {}
                answer => return answer,
            }
        }
        self.run_once(commands).await
    }

    async fn run_once(&self, commands: Vec<TmuxCommand<'_>>) -> Result<String, RunnerError> {
        let mut chain = TmuxCommands::new();
        for mut command in commands {
            for argument in command.args.iter_mut().flatten() {
                escape(argument);
            }
            chain.push(command);
        }
        let command = chain.commands.first().and_then(|first| first.name.as_deref()).unwrap_or_default().to_owned();

        let mut tmux = Tmux::with_commands(chain).force_utf8().stdin(Some(StdIO::Null));
        if let TmuxServer::Named(name) = &self.which {
            tmux = tmux.socket_name(name).file("/dev/null");
        }
        let mut client = Command::from(tmux.into_command());
        client.env_clear().envs(self.environment.iter().map(|(key, value)| (key, value)));
        // A server that this client starts would otherwise hold the daemon's directory.
        client.current_dir("/").stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);

        let output = match timeout(PATIENCE, client.output()).await {
            Err(_) => return Err(RunnerError::Timeout { command, after: PATIENCE }),
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Err(RunnerError::NotInstalled),
            Ok(output) => output?,
        };
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if message == "command too long" {
            let hint = "with the environment it may have 16 kB; put the rest into a file";
            return Err(RunnerError::Invalid { field: "argv", value: message, hint });
        }
        Err(RunnerError::Tmux { command, message })
    }
}

/// tmux takes a semicolon at the end of an argument for the end of a command, unless a backslash stands before it.
fn escape(argument: &mut std::borrow::Cow<'_, str>) {
    if argument.ends_with(';') {
        let argument = argument.to_mut();
        argument.insert(argument.len() - 1, '\\');
    }
}

/// Whether a refusal means that no server runs, or one without any session. A server that may not be reached is not meant.
pub(super) fn nothing_runs(error: &RunnerError) -> bool {
    let RunnerError::Tmux { message, .. } = error else { return false };
    message.starts_with("no server running on ")
        || (message.starts_with("error connecting to ") && message.ends_with("(No such file or directory)"))
        || message == "no current target"
}

fn server_left(error: &RunnerError) -> bool {
    matches!(error, RunnerError::Tmux { message, .. } if message == "server exited unexpectedly" || message == "lost server")
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{RunnerError, Server, TmuxServer, escape, nothing_runs};

    #[test]
    fn only_a_last_semicolon_is_escaped() {
        for (argument, escaped) in [("a;b", "a;b"), ("a;", "a\\;"), (";", "\\;"), ("a\\;", "a\\\\;"), ("", ""), ("a;;", "a;\\;")]
        {
            let mut argument = Cow::Borrowed(argument);
            escape(&mut argument);
            assert_eq!(argument, escaped);
        }
    }

    #[test]
    fn a_server_that_may_not_be_reached_is_an_error() {
        let said = |message: &str| nothing_runs(&RunnerError::Tmux { command: "list-panes".into(), message: message.into() });
        assert!(said("no server running on /tmp/tmux-0/default"));
        assert!(said("error connecting to /tmp/tmux-0/x (No such file or directory)"));
        assert!(said("no current target"));
        assert!(!said("error connecting to /tmp/tmux-0/x (Permission denied)"));
        assert!(!said("server exited unexpectedly"));
    }

    #[test]
    fn tmux_gets_what_it_needs_of_the_environment_only() {
        let pair = |key: &str| (key.to_owned(), "x".to_owned());
        let keys = ["PATH", "ANTHROPIC_API_KEY", "LC_ALL", "SSH_AUTH_SOCK", "TMUX", "TMUX_TMPDIR", "HOME"];
        let server = Server::new(TmuxServer::Default, keys.map(pair));
        assert_eq!(server.environment, ["PATH", "LC_ALL", "TMUX_TMPDIR", "HOME"].map(pair));
    }
}
