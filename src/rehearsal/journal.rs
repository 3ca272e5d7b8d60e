//! What was asked of the server and how it answered, for tests and demonstrations.
//!
//! Here: a bounded record in memory. Not here: bodies, and anything durable.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

/// Requests kept; older ones are forgotten.
const KEPT: usize = 10_000;
/// The longest text kept of what a client chose, in characters.
const TEXT_CHARS: usize = 200;

/// A request that was answered, or that an answer was begun for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its number, from 1, in the order of arrival.
    pub number: u64,
    /// When the answer was chosen, on the monotonic clock.
    pub at: Instant,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The id of the task that it is about.
    pub task_id: Option<i64>,
    /// The type of that task.
    pub task_type: Option<String>,
    /// The turn that was played or failed, from 0.
    pub turn: Option<usize>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered, as far as the client wanted to hear.
    Answered,
    /// It failed because the scenario wanted it to: an error status, a cut, a stall or garbage.
    Rehearsed,
    /// It could not be answered: no script, no such path, no such shape.
    Refused,
}

/// What is written down about a request; number and time are added here.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) task_id: Option<i64>,
    pub(super) task_type: Option<String>,
    pub(super) turn: Option<usize>,
}

/// A handle on the record; clones see the same.
#[derive(Debug, Clone)]
pub struct Journal {
    requests: Arc<Mutex<VecDeque<Request>>>,
    total: watch::Sender<u64>,
}

impl Journal {
    pub(super) fn new() -> Self {
        Self { requests: Arc::default(), total: watch::Sender::new(0) }
    }

    /// The newest 10,000 requests, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// How many requests there were in all; the receiver wakes at each.
    pub fn total(&self) -> watch::Receiver<u64> {
        self.total.subscribe()
    }

    pub(super) fn record(&self, method: &str, path: &str, entry: Entry, status: u16, outcome: Outcome) {
        let short = |text: &str| text.chars().take(TEXT_CHARS).collect::<String>();
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *self.total.borrow() + 1;
        if requests.len() >= KEPT {
            requests.pop_front();
        }
        requests.push_back(Request {
            number,
            at: Instant::now(),
            method: short(method),
            path: short(path),
            task_id: entry.task_id,
            task_type: entry.task_type.as_deref().map(short),
            turn: entry.turn,
            status,
            outcome,
        });
        // Under the lock, so that whoever wakes finds the request.
        self.total.send_replace(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_bounded_and_counts_on() {
        let journal = Journal::new();
        for _ in 0..KEPT + 5 {
            journal.record("POST", &"é".repeat(300), Entry::default(), 200, Outcome::Answered);
        }
        let requests = journal.requests();
        assert_eq!((requests.len(), requests[0].number), (KEPT, 6));
        assert_eq!(requests[0].path.chars().count(), TEXT_CHARS);
        assert_eq!(u64::try_from(KEPT).unwrap() + 5, *journal.total().borrow());
    }
}
