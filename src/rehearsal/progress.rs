//! Which turn of a script is next, from the answers that a conversation shows.
//!
//! Here: the counting, and the ids of tool calls, which carry the turn they belong to: an id survives everything that the CLI does to a
//! conversation, a mere count does not. Not here: reading the answers (that is `conversation.rs`).

use std::collections::BTreeSet;

use super::scenario::Turn;

/// Where a run of a script stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// The turn to play next, from 0; at the number of turns or past it when all were played.
    pub(super) turn: usize,
    /// Which calls of that turn were made already, before a crash cut the rest off.
    pub(super) done_calls: BTreeSet<usize>,
}

/// The id of call number `call` of turn number `turn`; `unique` tells it from the same call in another answer.
pub(super) fn call_id(turn: usize, call: usize, unique: &str) -> String {
    format!("toolu_rehearsal_{turn}_{call}_{unique}")
}

/// Turn and call of an id that [`call_id`] made.
fn read_call_id(id: &str) -> Option<(usize, usize)> {
    let mut parts = id.strip_prefix("toolu_rehearsal_")?.split('_');
    let turn = parts.next()?.parse().ok()?;
    let call = parts.next()?.parse().ok()?;
    Some((turn, call))
}

impl Progress {
    /// Reads the answers since the task was given: of each the ids of its tool calls, oldest answer first.
    ///
    /// A text alone is an answer to a turn that is only text. Where the turn calls tools, it is what a crash left of it, and the
    /// turn is played again. Calls whose ids are not ours count as one whole turn.
    pub(super) fn read(turns: &[Turn], answers: &[Vec<String>], offers_result_tool: bool) -> Self {
        let mut progress = Self { turn: 0, done_calls: BTreeSet::new() };
        for calls in answers {
            let planned = turns.get(progress.turn).map_or(0, |turn| turn.calls(offers_result_tool));
            if calls.is_empty() {
                if planned == 0 {
                    progress.finish_turn();
                }
                continue;
            }
            let ours: Vec<(usize, usize)> = calls.iter().filter_map(|id| read_call_id(id)).collect();
            if ours.is_empty() {
                progress.finish_turn();
            }
            for (turn, call) in ours {
                progress.call_made(turn, call, turns, offers_result_tool);
            }
        }
        progress
    }

    fn call_made(&mut self, turn: usize, call: usize, turns: &[Turn], offers_result_tool: bool) {
        if turn != self.turn {
            *self = Self { turn, done_calls: BTreeSet::new() };
        }
        self.done_calls.insert(call);
        let planned = turns.get(turn).map_or(1, |turn| turn.calls(offers_result_tool));
        if self.done_calls.len() >= planned {
            self.finish_turn();
        }
    }

    fn finish_turn(&mut self) {
        self.turn = self.turn.saturating_add(1);
        self.done_calls.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Scenario;
    use super::*;

    /// Two calls, a text, one call, the result.
    const SCENARIO: &str = "
name: counting
tasks:
  - turns:
      - tools: [{name: A}, {name: B}]
      - say: just text
      - {say: look, tool: {name: A}}
      - result: {verdict: done}
";

    /// Answers are words: calls as `turn.call` or as an id, joined by `+`; `text` is an answer without a call.
    fn next(answers: &str) -> (usize, Vec<usize>) {
        let scenario = Scenario::parse(SCENARIO).unwrap();
        let id = |call: &str| match call.split_once('.') {
            Some((turn, call)) => call_id(turn.parse().unwrap(), call.parse().unwrap(), "9f"),
            None => call.to_owned(),
        };
        let calls = |answer: &str| if answer == "text" { Vec::new() } else { answer.split('+').map(id).collect() };
        let answers: Vec<Vec<String>> = answers.split_whitespace().map(calls).collect();
        let progress = Progress::read(&scenario.scripts[0].turns, &answers, true);
        (progress.turn, progress.done_calls.into_iter().collect())
    }

    #[rstest::rstest]
    #[case::nothing_yet("", 0)]
    #[case::both_calls("0.0+0.1", 1)]
    #[case::then_text("0.0+0.1 text", 2)]
    #[case::text_of_a_turn_that_should_call("0.0+0.1 text text", 2)]
    #[case::played_again_after_that("0.0+0.1 text text 2.0", 3)]
    #[case::the_result("0.0+0.1 text 2.0 3.0", 4)]
    #[case::the_result_refused_and_repeated("0.0+0.1 text 2.0 3.0 4.0", 5)]
    #[case::a_text_past_the_end("0.0+0.1 text 2.0 3.0 text", 5)]
    #[case::two_answers_in_one_message("0.0+0.1+2.0", 3)]
    #[case::foreign_ids("toolu_01abc text call_9+call_10", 3)]
    #[case::hostile_ids(
        "toolu_rehearsal_18446744073709551615_0_x toolu_rehearsal_99999999999999999999_0_x toolu_rehearsal_-1",
        usize::MAX
    )]
    fn answers_lead_to_a_turn(#[case] answers: &str, #[case] turn: usize) {
        assert_eq!(next(answers), (turn, vec![]));
    }

    #[test]
    fn calls_that_a_crash_cut_off_are_still_to_be_made() {
        assert_eq!(next("0.0"), (0, vec![0]));
        assert_eq!(next("0.0 0.1"), (1, vec![]));
        assert_eq!(next("0.0 text"), (0, vec![0]));
    }

    #[test]
    fn an_id_can_be_read_back() {
        assert_eq!(read_call_id(&call_id(7, 2, "9f_3")), Some((7, 2)));
    }
}
