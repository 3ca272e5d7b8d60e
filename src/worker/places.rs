//! Where things are for what an attempt starts: at constant places inside the sandbox, or where they really lie, if the settings switched it
//! off.

use super::Worker;
use super::workspace::Workspace;
use crate::sandbox::{BIN, HOME, SOCKET_DIR, WORKSPACE};

/// The places of one attempt, as what it starts knows them.
pub(super) struct Places {
    pub home: String,
    /// The CLI's program.
    pub program: String,
    /// The folder of the agent's socket.
    pub socket_dir: String,
    /// From the sandbox's places to the real ones, where those are used.
    mapped: Vec<(&'static str, String)>,
}

impl Places {
    pub(super) fn of(worker: &Worker, workspace: &Workspace) -> Self {
        let (provider, paths) = (&worker.welcome.provider.name, &worker.welcome.paths);
        if worker.welcome.sandbox.enabled {
            return Self {
                home: HOME.to_owned(),
                program: format!("{BIN}/{provider}"),
                socket_dir: SOCKET_DIR.to_owned(),
                mapped: vec![],
            };
        }
        let home = workspace.home.display().to_string();
        let mapped = vec![
            (WORKSPACE, workspace.tree.display().to_string()),
            (HOME, home.clone()),
            (SOCKET_DIR, paths.agent_socket.clone()),
            (BIN, paths.binaries.clone()),
        ];
        Self { home, program: workspace.program.display().to_string(), socket_dir: paths.agent_socket.clone(), mapped }
    }

    /// A text that speaks of the sandbox's places (a prompt, a variable, an argument), speaking of these.
    pub(super) fn text(&self, text: &str) -> String {
        self.mapped.iter().fold(text.to_owned(), |text, (inside, real)| replaced(&text, inside, real))
    }
}

/// Replaces a path where it stands as a path of its own: `/workspace` and `/workspace/a`, not `/data/workspace` and not `/workspaces`.
fn replaced(text: &str, path: &str, by: &str) -> String {
    let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(path) {
        let (before, after) = (&rest[..at], &rest[at + path.len()..]);
        let begins = !before.chars().next_back().or_else(|| done.chars().next_back()).is_some_and(|c| name(c) || c == '/');
        // A full stop ends a sentence more often than it begins a name.
        let mut next = after.chars();
        let ends = !match next.next() {
            Some('.') => next.next().is_some_and(name),
            Some(c) => name(c),
            None => false,
        };
        done.push_str(before);
        done.push_str(if begins && ends { by } else { path });
        rest = after;
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_path_is_replaced_where_it_is_one() {
        let all =
            "/workspace: see `/workspace/a`, /workspace. /data/workspace /workspaces /workspace.old x/workspace a:/workspace";
        let real = "/t: see `/t/a`, /t. /data/workspace /workspaces /workspace.old x/workspace a:/t";
        assert_eq!(replaced(all, "/workspace", "/t"), real);
        assert_eq!(replaced("/workspace/workspace", "/workspace", "/t"), "/t/workspace");
        assert_eq!(replaced("", "/workspace", "/t"), "");
    }
}
