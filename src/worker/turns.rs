//! What the turns of one process of the CLI came to, and which of their results counts. Pure.
//!
//! A message that is echoed after a result opens a further turn, whose result counts; a few words in it leave the structured result before
//! them standing.

use crate::domain::failure::FailureClass;
use crate::provider::{Answer, Failure};

/// What a turn came to.
type Turn = Result<Answer, Failure>;

/// The turns of one process.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// What the last turn came to, if none is open.
    last: Option<Turn>,
    /// What the turn before the open one came to.
    before: Option<Turn>,
    closed: bool,
}

impl Turns {
    /// The CLI heard something: it answers that in a turn of its own, if the one before is over.
    pub(super) fn heard(&mut self) {
        self.before = self.last.take().or(self.before.take());
    }

    /// A turn ended.
    ///
    /// # Errors
    /// When there can be no further turn. What the agent started can write where the CLI writes: which answer is the CLI's is not known.
    pub(super) fn ended(&mut self, turn: Turn) -> Result<(), Failure> {
        if self.closed {
            let message = "a second answer came after the last one; neither is trusted".to_owned();
            return Err(Failure { class: FailureClass::Garbage, message, resets_at: None });
        }
        self.last = Some(match (self.before.take(), turn) {
            (Some(Ok(before)), Ok(Answer { text, structured: None })) => Ok(Answer { text, structured: before.structured }),
            (_, turn) => turn,
        });
        Ok(())
    }

    /// Nothing more is to be answered. Answers whether this closes the turns: the last one is over, and they were open.
    pub(super) fn close(&mut self) -> bool {
        let closes = self.last.is_some() && !self.closed;
        self.closed |= closes;
        closes
    }

    /// What it all came to; nothing, if a turn was still open.
    pub(super) fn result(self) -> Option<Turn> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::{self, Fact};

    fn words(text: &str) -> Turn {
        Ok(Answer { text: text.to_owned(), structured: None })
    }

    fn answer(verdict: &str) -> Turn {
        Ok(Answer { text: verdict.to_owned(), structured: Some(json!({ "verdict": verdict })) })
    }

    fn refused() -> Turn {
        Err(Failure { class: FailureClass::Refused, message: "no".to_owned(), resets_at: None })
    }

    /// Turns that each began with a message and ended like this.
    fn after(turns: impl IntoIterator<Item = Turn>) -> Turns {
        let mut all = Turns::default();
        for turn in turns {
            all.heard();
            all.ended(turn).unwrap();
        }
        all
    }

    #[test]
    fn the_last_turn_counts_and_a_few_words_leave_the_result_standing() {
        let kept = Ok(Answer { text: "thanks".to_owned(), structured: Some(json!({ "verdict": "approve" })) });
        for (turns, result) in [
            (vec![answer("approve")], answer("approve")),
            (vec![words("hm")], words("hm")),
            (vec![answer("approve"), words("thanks")], kept.clone()),
            (vec![answer("approve"), words("so"), words("thanks")], kept),
            (vec![answer("approve"), answer("reject")], answer("reject")),
            (vec![words("hm"), answer("approve")], answer("approve")),
            (vec![refused(), answer("approve")], answer("approve")),
            (vec![answer("approve"), refused()], refused()),
            (vec![answer("approve"), refused(), words("thanks")], words("thanks")),
        ] {
            assert_eq!(after(turns.clone()).result(), Some(result), "{turns:?}");
        }
    }

    #[test]
    fn what_the_cli_prints_of_a_result_and_a_few_words_is_the_result() {
        let mut parser = provider::named("claude").unwrap().parser();
        let mut turns = Turns::default();
        for name in ["structured", "structured-missing"] {
            let path = format!("{}/tests/data/claude/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
            for line in std::fs::read_to_string(path).unwrap().lines() {
                for fact in parser.feed(line.as_bytes()) {
                    match fact {
                        Fact::Delivered { .. } => turns.heard(),
                        Fact::Finished(outcome) => turns.ended(outcome.result).unwrap(),
                        _ => {}
                    }
                }
            }
        }
        let structured = Some(json!({ "verdict": "approve", "score": 8 }));
        assert_eq!(turns.result(), Some(Ok(Answer { text: "no object from me".to_owned(), structured })));
    }

    #[test]
    fn a_turn_without_a_message_stands_for_itself() {
        let mut turns = after([answer("approve")]);
        turns.ended(words("hm")).unwrap();
        assert_eq!(turns.result(), Some(words("hm")));
    }

    #[test]
    fn what_is_heard_while_a_turn_is_open_opens_no_other() {
        let mut turns = after([answer("approve")]);
        turns.heard();
        turns.heard();
        assert!(!turns.close());
        turns.ended(words("both read")).unwrap();
        assert_eq!(turns.result().unwrap().unwrap().structured, Some(json!({ "verdict": "approve" })));
    }

    #[test]
    fn an_open_turn_is_no_result() {
        assert_eq!(Turns::default().result(), None);
        let mut turns = after([answer("approve")]);
        turns.heard();
        assert!(!turns.close());
        assert_eq!(turns.result(), None);
    }

    #[test]
    fn after_the_last_answer_there_is_no_other() {
        let mut turns = after([answer("approve")]);
        assert!(turns.close() && !turns.close(), "it is told once that nothing follows");
        assert_eq!(turns.ended(answer("reject")).unwrap_err().class, FailureClass::Garbage);
    }
}
