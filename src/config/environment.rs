//! The environment, read once: the only place in the product that looks at environment variables.
//!
//! Not here: what the variables mean for a home (`home`) or a login (`secrets`).

use std::fmt;
use std::path::PathBuf;

/// What the product takes from its environment. An empty variable counts as one that is not set.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `CLAUDE_SWARM_HOME`: which home is meant.
    pub swarm_home: Option<PathBuf>,
    /// `CLAUDE_SWARM_SOCKET`: the daemon's socket, where it is not the home's own; in a sandbox, the agent's.
    pub swarm_socket: Option<PathBuf>,
    /// `CLAUDE_SWARM_LOG`: what the daemon logs, as a filter of `tracing` (`info,claude_swarm::store=debug`).
    pub swarm_log: Option<String>,
    /// `ANTHROPIC_API_KEY`: a secret.
    pub anthropic_api_key: Option<String>,
    /// `CLAUDE_CODE_OAUTH_TOKEN`: a secret.
    pub claude_code_oauth_token: Option<String>,
    /// `ANTHROPIC_BASE_URL`: where requests to the model go, if settings.yaml does not say.
    pub anthropic_base_url: Option<String>,
    /// `HOME`: the person's own.
    pub user_home: Option<PathBuf>,
    /// `PATH`: where programs are looked for.
    pub path: Option<String>,
    /// `TMUX_TMPDIR`: where tmux keeps its sockets.
    pub tmux_tmpdir: Option<PathBuf>,
    /// `LANG`: handed to sessions, so that their text is not garbled.
    pub lang: Option<String>,
    /// `NO_COLOR`: set to anything, output has no colours.
    pub no_color: bool,
    /// `XDG_RUNTIME_DIR`: handed on to the daemon.
    pub xdg_runtime_dir: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`: handed on to the daemon.
    pub xdg_config_home: Option<PathBuf>,
    /// The folder that the program was started in; none if it is gone.
    pub current_dir: Option<PathBuf>,
}

impl Environment {
    /// Reads the process's environment. A text variable that is not UTF-8 counts as one that is not set.
    pub fn read() -> Self {
        Self {
            swarm_home: path("CLAUDE_SWARM_HOME"),
            swarm_socket: path("CLAUDE_SWARM_SOCKET"),
            swarm_log: text("CLAUDE_SWARM_LOG"),
            anthropic_api_key: text("ANTHROPIC_API_KEY"),
            claude_code_oauth_token: text("CLAUDE_CODE_OAUTH_TOKEN"),
            anthropic_base_url: text("ANTHROPIC_BASE_URL"),
            user_home: path("HOME"),
            path: text("PATH"),
            tmux_tmpdir: path("TMUX_TMPDIR"),
            lang: text("LANG"),
            no_color: path("NO_COLOR").is_some(),
            xdg_runtime_dir: path("XDG_RUNTIME_DIR"),
            xdg_config_home: path("XDG_CONFIG_HOME"),
            current_dir: std::env::current_dir().ok(),
        }
    }

    /// The first program of this name on `PATH` that is a file somebody may execute.
    pub fn find_program(&self, name: &str) -> Option<PathBuf> {
        use std::os::unix::fs::PermissionsExt;
        let folders = self.path.as_deref().unwrap_or("/usr/local/bin:/usr/bin:/bin");
        std::env::split_paths(folders)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .find(|file| file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0))
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that clippy.toml points to")]
fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn text(name: &str) -> Option<String> {
    path(name)?.into_os_string().into_string().ok()
}

/// Without the secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |value: &Option<String>| if value.is_some() { "<set>" } else { "<not set>" };
        f.debug_struct("Environment")
            .field("swarm_home", &self.swarm_home)
            .field("swarm_socket", &self.swarm_socket)
            .field("swarm_log", &self.swarm_log)
            .field("anthropic_api_key", &hidden(&self.anthropic_api_key))
            .field("claude_code_oauth_token", &hidden(&self.claude_code_oauth_token))
            .field("anthropic_base_url", &self.anthropic_base_url)
            .field("user_home", &self.user_home)
            .field("path", &self.path)
            .field("tmux_tmpdir", &self.tmux_tmpdir)
            .field("lang", &self.lang)
            .field("no_color", &self.no_color)
            .field("xdg_runtime_dir", &self.xdg_runtime_dir)
            .field("xdg_config_home", &self.xdg_config_home)
            .field("current_dir", &self.current_dir)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let environment = Environment { anthropic_api_key: Some("sk-ant-secret".into()), ..Environment::default() };
        let shown = format!("{environment:?}");
        assert!(!shown.contains("sk-ant-secret") && shown.contains("anthropic_api_key: \"<set>\""), "{shown}");
    }

    #[test]
    fn programs_are_found_on_the_path_only_if_they_can_be_executed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notes"), "").unwrap();
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let environment = Environment { path: Some(path), ..Environment::default() };
        assert!(environment.find_program("sh").is_some());
        assert_eq!(environment.find_program("notes"), None);
    }
}
