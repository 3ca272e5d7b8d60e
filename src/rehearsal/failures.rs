//! Which rehearsed failures were played already: the only thing that outlives a request.
//!
//! Here: the count, bounded. Not here: what a failure does (`playback.rs`, `server.rs`).

use std::collections::BTreeMap;

use super::conversation::Task;
use super::scenario::{Failure, Script};

/// Failures remembered as played, over all tasks; past that those of the lowest task ids are forgotten.
const REMEMBERED: usize = 65_536;

/// Which failures were played how often: by task id, number of the script, number of the failure.
#[derive(Debug, Default)]
pub(super) struct Played(BTreeMap<(i64, usize, usize), u32>);

impl Played {
    /// Whether a failure is still to be played; if so, this is one of its times.
    fn take(&mut self, key: (i64, usize, usize), times: u32) -> bool {
        if self.0.len() >= REMEMBERED && !self.0.contains_key(&key) {
            self.0.pop_first();
        }
        let played = self.0.entry(key).or_insert(0);
        if *played >= times {
            return false;
        }
        *played += 1;
        true
    }
}

/// The failure that is to be played at a turn, if one is left; it is counted as played.
pub(super) fn due_failure<'a>(
    script: &'a Script,
    number: usize,
    task: Option<&Task>,
    turn: usize,
    played: &mut Played,
) -> Option<&'a Failure> {
    let task = task?;
    let due = script
        .failures
        .iter()
        .enumerate()
        .find(|(at, failure)| failure.at_turn == turn && played.take((task.id, number, *at), failure.times));
    due.map(|(_, failure)| failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_failures_is_bounded() {
        let mut played = Played::default();
        for id in 0..70_000 {
            assert!(played.take((id, 0, 0), 1));
        }
        assert_eq!(played.0.len(), REMEMBERED);
        assert!(!played.take((69_999, 0, 0), 1));
    }
}
