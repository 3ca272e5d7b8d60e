//! Acting on a pane only if it still is what it was taken for, decided by the tmux server at the moment of acting.
//!
//! A pane id is unique for the life of one tmux server, and the next server gives it out again: between a look and an act, `%3` can
//! become a person's pane.

use std::fmt::Write;

use tmux_interface::{DisplayMessage, IfShell, TmuxCommand};

use super::super::{PaneId, RunnerError};
use super::{TmuxRunner, marks};

/// Printed in place of what a refused command would print.
const REFUSED: &str = "refused-pane-changed";

impl TmuxRunner {
    /// Runs commands if the pane is this home's and, where `pid` is given, its process is or was that one.
    pub(super) async fn guarded<'a>(
        &self,
        pane: &PaneId,
        pid: Option<i32>,
        commands: impl IntoIterator<Item = TmuxCommand<'a>>,
    ) -> Result<String, RunnerError> {
        let mut condition = format!("#{{&&:#{{==:#{{pane_id}},{pane}}},#{{==:#{{{}}},{}}}}}", marks::HOME, self.home);
        if let Some(pid) = pid {
            condition = format!("#{{&&:{condition},#{{==:#{{pane_pid}},{pid}}}}}");
        }
        let refuse = DisplayMessage::new().print().message(REFUSED).build();
        let mut guard =
            IfShell::new().not_execute().target_pane(&pane.0).shell_command(condition).command(script(commands)).build();
        guard.push_param(script([refuse]));
        let printed = self.server.run([guard]).await?;
        if printed.trim_end() == REFUSED { Err(RunnerError::Changed(pane.clone())) } else { Ok(printed) }
    }
}

/// Commands as tmux's own parser reads them: every word in single quotes, within which nothing has a meaning.
fn script<'a>(commands: impl IntoIterator<Item = TmuxCommand<'a>>) -> String {
    let mut script = String::new();
    for command in commands {
        for word in command.to_vec() {
            // Writing to a string cannot fail.
            let _ = write!(script, "'{}' ", word.replace('\'', r"'\''"));
        }
        script.push_str("; ");
    }
    script
}

#[cfg(test)]
mod tests {
    use tmux_interface::{DisplayMessage, KillPane};

    use super::script;

    #[test]
    fn words_are_quoted_and_commands_separated() {
        let commands = [KillPane::new().target_pane("%1").build(), DisplayMessage::new().message("it's;").build()];
        assert_eq!(script(commands), r"'killp' '-t' '%1' ; 'display' 'it'\''s;' ; ");
    }
}
