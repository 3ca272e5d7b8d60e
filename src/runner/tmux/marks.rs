//! The marks by which a home knows its sessions again. Tmux keeps them as user options, as long as the pane or session lives.

use tmux_interface::{SetOption, TmuxCommand};

use super::super::Labels;

/// On the worker's pane: the home's id.
pub(super) const HOME: &str = "@claude_swarm_home";
/// On the worker's pane: the session's id in the store.
pub(super) const SESSION: &str = "@claude_swarm_session";
/// On the worker's pane: the agent's name.
pub(super) const AGENT: &str = "@claude_swarm_agent";
/// On the session that was made for the worker: the home's id. It has a name of its own because a pane's format falls back to its
/// session's options, and a person may move a worker's pane to a session of theirs, or split one of their own off in the worker's.
pub(super) const OWNER: &str = "@claude_swarm_owner";

/// Marks a pane.
pub(super) fn mark<'a>(target: &'a str, home: &'a str, labels: &'a Labels) -> [TmuxCommand<'a>; 3] {
    let set = |option, value: String| SetOption::new().pane().target_pane(target).option(option).value(value).build();
    [set(HOME, home.to_owned()), set(SESSION, labels.session.to_string()), set(AGENT, labels.agent.clone())]
}
