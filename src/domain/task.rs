//! How a task lives: its states, what may happen in each, and the one function that decides it.
//!
//! ```text
//!            ┌────────── retry (back-off, attempts left) ──────────┐
//!  blocked ─► pending ─► claimed ─► running ─► validating ─► done  │
//!                ▲          │          │            │              │
//!                └── lost ──┴──────────┴── failed ──┴──────────────┘──► failed | cancelled
//! ```
//!
//! Not here: rows (`store::tasks`), who may ask (`swarm::tasks`), leases' deadlines (`swarm::leases`).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::backoff::task_backoff_ms;
use super::error::Error;
use super::failure::{AccountEffect, FailureClass, TaskEffect};
use super::name::AgentName;
use super::time::Millis;

/// The number of a task, for people and rows.
pub type TaskId = i64;

/// The bytes of JSON that a payload or result may have.
pub const JSON_MAX_BYTES: usize = 256 * 1024;

/// A fencing token. It only grows, so that a write with an older one is known to come from a claim that is over. A restored
/// database starts a new epoch, because the `n` it remembers may have been handed out since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Token {
    /// Raised by every restore.
    pub epoch: i64,
    /// Raised by every claim.
    pub n: i64,
}

impl Token {
    /// The name of the file that is locked as long as anything lives in a sandbox of this claim: the worker takes the lock, and the supervisor
    /// proves by it that nothing does.
    pub fn lock_file(self) -> String {
        format!("{self}.lock")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.n)
    }
}

/// A worker's right to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Who holds it.
    pub agent: AgentName,
    /// Its fencing token.
    pub token: Token,
    /// The session whose worker holds it; none for the daemon's own tasks.
    pub session: Option<i64>,
}

/// Where a task is. A state carries what only it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Waits for other tasks.
    Blocked,
    /// Waits for a worker, not before the given time.
    Pending,
    /// A worker has it and prepares.
    Claimed(Claim),
    /// Its CLI runs.
    Running(Claim),
    /// The CLI is done; the worker runs the checks.
    Validating(Claim),
    /// Over, with evidence.
    Done,
    /// Over, without.
    Failed,
    /// Over, because somebody said so.
    Cancelled,
}

/// A state without what it carries: for rows, tables and filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// See [`State::Blocked`].
    Blocked,
    /// See [`State::Pending`].
    Pending,
    /// See [`State::Claimed`].
    Claimed,
    /// See [`State::Running`].
    Running,
    /// See [`State::Validating`].
    Validating,
    /// See [`State::Done`].
    Done,
    /// See [`State::Failed`].
    Failed,
    /// See [`State::Cancelled`].
    Cancelled,
}

impl StateName {
    /// Every state, in the order of a task's life.
    pub const ALL: [Self; 8] =
        [Self::Blocked, Self::Pending, Self::Claimed, Self::Running, Self::Validating, Self::Done, Self::Failed, Self::Cancelled];

    /// The word used in rows, JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Pending => "pending",
            Self::Claimed => "claimed",
            Self::Running => "running",
            Self::Validating => "validating",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether a task in this state never changes by itself again.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }

    /// Whether a worker holds a claim in this state.
    pub fn is_held(self) -> bool {
        matches!(self, Self::Claimed | Self::Running | Self::Validating)
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl State {
    /// The state's name.
    pub fn name(&self) -> StateName {
        match self {
            Self::Blocked => StateName::Blocked,
            Self::Pending => StateName::Pending,
            Self::Claimed(_) => StateName::Claimed,
            Self::Running(_) => StateName::Running,
            Self::Validating(_) => StateName::Validating,
            Self::Done => StateName::Done,
            Self::Failed => StateName::Failed,
            Self::Cancelled => StateName::Cancelled,
        }
    }

    /// The claim, in the states that have one.
    pub fn claim(&self) -> Option<&Claim> {
        match self {
            Self::Claimed(claim) | Self::Running(claim) | Self::Validating(claim) => Some(claim),
            _ => None,
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its result has its evidence.
    Done,
    /// It came to nothing.
    Failed,
    /// Its worker, or what that stands on, died.
    Lost,
    /// Its task was cancelled under it.
    Cancelled,
}

impl Outcome {
    /// The word used in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
        }
    }

    /// The outcome that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Done, Self::Failed, Self::Lost, Self::Cancelled].into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// How often a task may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Attempts that count.
    pub attempts: u32,
    /// Times its worker, CLI, daemon, tmux or machine may die under it.
    pub losses: u32,
    /// Times it may be put back for something outside it: a rate limit, a missing login.
    pub free: u32,
}

impl Limits {
    /// How often a task may be tried, seen from a failure of this class. While its account is closed, the account's gate bounds how often it
    /// is put back; so a limit of the provider does not use up what is meant for the task's own bad luck.
    #[must_use]
    pub fn after(self, class: FailureClass) -> Self {
        let gated = class.effect().account != AccountEffect::None;
        Self { free: if gated { self.free.max(class.free_retry_limit()) } else { self.free }, ..self }
    }
}

/// What changes of a task over its life, as far as the rules go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where it is.
    pub state: State,
    /// Attempts that counted.
    pub attempts: u32,
    /// Times it was lost.
    pub losses: u32,
    /// Times it was put back without being to blame.
    pub free: u32,
    /// Not to be claimed before.
    pub not_before: Millis,
    /// Why it failed, was lost or cancelled, last time.
    pub reason: Option<String>,
}

/// What happens to a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The last of its dependencies is done.
    Unblock,
    /// A dependency was added that is not done.
    Block,
    /// A worker takes it.
    Claim(Claim),
    /// The worker started its CLI.
    Start(Token),
    /// The CLI is done, the checks begin.
    Validate(Token),
    /// The result has its evidence.
    Complete(Token),
    /// The attempt came to nothing.
    Fail {
        /// The claim's.
        token: Token,
        /// What it means for the task.
        effect: TaskEffect,
        /// Why, for people.
        reason: String,
        /// When to try again, if it is tried again.
        not_before: Millis,
    },
    /// The worker or what it stands on died; proven.
    Lose {
        /// The claim's.
        token: Token,
        /// Why, for people.
        reason: String,
    },
    /// Somebody does not want it any more.
    Cancel {
        /// Why.
        reason: String,
    },
    /// Somebody wants it tried again from the start.
    Retry,
}

impl Event {
    fn name(&self) -> &'static str {
        match self {
            Self::Unblock => "unblock",
            Self::Block => "block",
            Self::Claim(_) => "claim",
            Self::Start(_) => "start",
            Self::Validate(_) => "validate",
            Self::Complete(_) => "complete",
            Self::Fail { .. } => "fail",
            Self::Lose { .. } => "lose",
            Self::Cancel { .. } => "cancel",
            Self::Retry => "retry",
        }
    }

    fn token(&self) -> Option<Token> {
        match self {
            Self::Start(token) | Self::Validate(token) | Self::Complete(token) => Some(*token),
            Self::Fail { token, .. } | Self::Lose { token, .. } => Some(*token),
            _ => None,
        }
    }
}

impl Life {
    /// A task that was just created.
    pub fn new(blocked: bool, not_before: Millis) -> Self {
        let state = if blocked { State::Blocked } else { State::Pending };
        Self { state, attempts: 0, losses: 0, free: 0, not_before, reason: None }
    }

    /// How long it waits after a failure of this class before it may be tried again, in milliseconds. While its account is closed, the account's
    /// gate holds it back; the task itself may go at once when that opens. `seed` is anything that differs between tasks.
    pub fn pause_after(&self, class: FailureClass, seed: u64) -> i64 {
        let effect = class.effect();
        if effect.account != AccountEffect::None {
            return 0;
        }
        let tries = match effect.task {
            TaskEffect::RetrySpending => self.attempts,
            TaskEffect::RetryFree | TaskEffect::Fail => self.free,
        };
        task_backoff_ms(tries, seed)
    }

    /// The one transition function.
    ///
    /// # Errors
    /// `Conflict` for an event that the state does not allow; a token that is not the live claim's says `stale claim`.
    pub fn apply(mut self, event: Event, limits: Limits) -> Result<Self, Error> {
        if let Some(token) = event.token()
            && self.state.claim().is_none_or(|claim| claim.token != token)
        {
            return Err(Error::stale_claim());
        }
        self.state = match (self.state, event) {
            (State::Blocked, Event::Unblock) => State::Pending,
            (State::Pending | State::Blocked, Event::Block) => State::Blocked,
            (State::Pending, Event::Claim(claim)) => State::Claimed(claim),
            (State::Claimed(claim), Event::Start(_)) => State::Running(claim),
            (State::Running(claim), Event::Validate(_)) => State::Validating(claim),
            (State::Validating(_), Event::Complete(_)) => {
                self.reason = None;
                self.attempts += 1;
                State::Done
            }
            (State::Claimed(_) | State::Running(_) | State::Validating(_), Event::Fail { effect, reason, not_before, .. }) => {
                let left = match effect {
                    TaskEffect::RetrySpending => {
                        self.attempts += 1;
                        self.attempts < limits.attempts
                    }
                    TaskEffect::RetryFree => {
                        self.free += 1;
                        self.free <= limits.free
                    }
                    TaskEffect::Fail => {
                        self.attempts += 1;
                        false
                    }
                };
                self.reason = Some(reason);
                self.not_before = not_before;
                if left { State::Pending } else { State::Failed }
            }
            (State::Claimed(_) | State::Running(_) | State::Validating(_), Event::Lose { reason, .. }) => {
                self.losses += 1;
                self.reason = Some(reason);
                if self.losses < limits.losses { State::Pending } else { State::Failed }
            }
            (
                State::Blocked | State::Pending | State::Claimed(_) | State::Running(_) | State::Validating(_),
                Event::Cancel { reason },
            ) => {
                self.reason = Some(reason);
                State::Cancelled
            }
            (State::Failed | State::Cancelled, Event::Retry) => {
                (self.attempts, self.losses, self.free) = (0, 0, 0);
                self.not_before = Millis(0);
                State::Pending
            }
            (state, event) => {
                return Err(Error::conflict(format!("cannot {} a task that is {}", event.name(), state.name())));
            }
        };
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { attempts: 3, losses: 5, free: 10 };

    fn claim(n: i64) -> Claim {
        Claim { agent: "builder".parse().unwrap(), token: Token { epoch: 1, n }, session: Some(1) }
    }

    fn in_state(name: StateName) -> Life {
        let state = match name {
            StateName::Blocked => State::Blocked,
            StateName::Pending => State::Pending,
            StateName::Claimed => State::Claimed(claim(7)),
            StateName::Running => State::Running(claim(7)),
            StateName::Validating => State::Validating(claim(7)),
            StateName::Done => State::Done,
            StateName::Failed => State::Failed,
            StateName::Cancelled => State::Cancelled,
        };
        Life { state, ..Life::new(false, Millis(0)) }
    }

    fn events(n: i64) -> [(&'static str, Event); 12] {
        let token = Token { epoch: 1, n };
        let fail = |effect| Event::Fail { token, effect, reason: "r".into(), not_before: Millis(9) };
        [
            ("unblock", Event::Unblock),
            ("block", Event::Block),
            ("claim", Event::Claim(claim(8))),
            ("start", Event::Start(token)),
            ("validate", Event::Validate(token)),
            ("complete", Event::Complete(token)),
            ("fail spending", fail(TaskEffect::RetrySpending)),
            ("fail free", fail(TaskEffect::RetryFree)),
            ("fail never", fail(TaskEffect::Fail)),
            ("lose", Event::Lose { token, reason: "r".into() }),
            ("cancel", Event::Cancel { reason: "r".into() }),
            ("retry", Event::Retry),
        ]
    }

    /// Every (state, event) pair: the state it leads to, or nothing where it is not allowed.
    fn expected(state: StateName, event: &str) -> Option<StateName> {
        use StateName as S;
        match (state, event) {
            (S::Blocked, "unblock") => Some(S::Pending),
            (S::Blocked | S::Pending, "block") => Some(S::Blocked),
            (S::Pending, "claim") => Some(S::Claimed),
            (S::Claimed, "start") => Some(S::Running),
            (S::Running, "validate") => Some(S::Validating),
            (S::Validating, "complete") => Some(S::Done),
            (S::Claimed | S::Running | S::Validating, "fail spending" | "fail free" | "lose") => Some(S::Pending),
            (S::Claimed | S::Running | S::Validating, "fail never") => Some(S::Failed),
            (S::Blocked | S::Pending | S::Claimed | S::Running | S::Validating, "cancel") => Some(S::Cancelled),
            (S::Failed | S::Cancelled, "retry") => Some(S::Pending),
            _ => None,
        }
    }

    #[test]
    fn every_pair_of_state_and_event() {
        for state in StateName::ALL {
            for (name, event) in events(7) {
                let got = in_state(state).apply(event, LIMITS).ok().map(|life| life.state.name());
                assert_eq!(got, expected(state, name), "{state} + {name}");
            }
        }
    }

    #[test]
    fn a_token_that_is_not_the_live_one_changes_nothing() {
        for state in StateName::ALL {
            for (name, event) in events(6).into_iter().filter(|(_, event)| event.token().is_some()) {
                let error = in_state(state).apply(event, LIMITS).expect_err(name);
                assert!(error.message.starts_with("stale claim"), "{state} + {name}: {error}");
            }
        }
    }

    #[test]
    fn attempts_losses_and_free_retries_each_have_their_bound() {
        for (name, bound, of) in [
            ("fail spending", 3, (|life: &Life| life.attempts) as fn(&Life) -> u32),
            ("lose", 5, |life| life.losses),
            ("fail free", 11, |life| life.free),
        ] {
            let mut life = Life::new(false, Millis(0));
            let mut n = 0;
            while life.state.name() == StateName::Pending {
                n += 1;
                life = life.apply(Event::Claim(claim(n)), LIMITS).unwrap();
                let (_, event) = events(n).into_iter().find(|(it, _)| *it == name).unwrap();
                life = life.apply(event, LIMITS).unwrap();
            }
            assert_eq!((life.state.name(), of(&life), n), (StateName::Failed, bound, i64::from(bound)), "{name}");
        }
    }

    #[test]
    fn a_lost_attempt_is_not_spent() {
        let life =
            in_state(StateName::Running).apply(Event::Lose { token: Token { epoch: 1, n: 7 }, reason: "died".into() }, LIMITS);
        assert_eq!(life.unwrap().attempts, 0);
    }
}
