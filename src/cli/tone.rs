//! Which tone a state is shown in.

use super::table::{Cell, cell};
use super::terminal::Tone;
use crate::domain::agent::AgentState;
use crate::domain::task::StateName;

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
