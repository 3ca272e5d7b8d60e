//! How states are shown, and in which tone.

use super::table::{Cell, cell};
use super::terminal::Tone;
use crate::domain::agent::AgentState;
use crate::domain::task::StateName;
use crate::protocol::tasks::TaskView;

/// An agent's state as a field of a table.
pub(crate) fn agent(state: AgentState) -> Cell {
    let text = cell(state.as_str());
    match state {
        AgentState::Idle | AgentState::Working => text.tone(Tone::Good),
        AgentState::Starting | AgentState::Cooling | AgentState::Paused | AgentState::Stopping => text.tone(Tone::Warn),
        AgentState::LoginRequired | AgentState::Quarantined => text.tone(Tone::Bad),
        AgentState::Absent => text.tone(Tone::Dim),
    }
}

/// A task's state as a field of a table.
pub(crate) fn task(state: StateName) -> Cell {
    cell(state.as_str()).tone(task_tone(state))
}

/// The tone of a task's state.
pub(crate) fn task_tone(state: StateName) -> Tone {
    match state {
        StateName::Done => Tone::Good,
        StateName::Claimed | StateName::Running | StateName::Validating => Tone::Warn,
        StateName::Failed => Tone::Bad,
        StateName::Blocked | StateName::Cancelled => Tone::Dim,
        StateName::Pending => Tone::Strong,
    }
}

/// What a task came to, where its state does not say it already.
pub(crate) fn verdict(task: &TaskView) -> Option<&str> {
    task.verdict.as_deref().filter(|verdict| *verdict != task.state.as_str())
}
