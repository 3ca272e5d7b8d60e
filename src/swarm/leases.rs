//! Deadlines of claims, in the daemon's memory and on its monotonic clock: a change of the wall clock or a daemon that was away never
//! makes a lease look expired.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::domain::name::AgentName;
use crate::domain::task::Token;

/// A timer that comes later than this was not on time because the machine or the daemon stood still.
const STOOD_STILL: Duration = Duration::from_secs(2);

#[derive(Debug, Clone)]
struct Lease {
    holder: AgentName,
    term: Duration,
    deadline: Instant,
}

/// The deadlines of every claim that is held. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leases {
    live: Arc<Mutex<HashMap<Token, Lease>>>,
    changed: Arc<Notify>,
    runtime: Handle,
}

impl Leases {
    /// No lease yet. Must be called inside the runtime whose clock counts.
    pub(super) fn new() -> Self {
        Self { live: Arc::default(), changed: Arc::default(), runtime: Handle::current() }
    }

    /// A new claim, or one that an earlier daemon handed out. Also called from the store's thread, once the claim is on the disk.
    pub(super) fn grant(&self, token: Token, holder: AgentName, term: Duration) {
        let _clock = self.runtime.enter();
        self.lock().insert(token, Lease { holder, term, deadline: Instant::now() + term });
        self.changed.notify_one();
    }

    /// Gives a claim its full term again, and answers whether it is live and this agent's.
    pub(super) fn renew(&self, token: Token, holder: &AgentName) -> bool {
        match self.lock().get_mut(&token).filter(|lease| lease.holder == *holder) {
            Some(lease) => {
                lease.deadline = Instant::now() + lease.term;
                true
            }
            None => false,
        }
    }

    /// These claims are over: their workers are told so when they renew.
    pub(super) fn end(&self, tokens: &[Token]) {
        let mut live = self.lock();
        for token in tokens {
            live.remove(token);
        }
    }

    /// Waits for claims that ran out. They stay until they are ended, and are reported again after another term.
    pub async fn expired(&self) -> Vec<Token> {
        loop {
            let changed = self.changed.notified();
            let Some(next) = self.lock().values().map(|lease| lease.deadline).min() else {
                changed.await;
                continue;
            };
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(next) => {
                    let found = self.take_expired(next);
                    if !found.is_empty() {
                        return found;
                    }
                }
            }
        }
    }

    fn take_expired(&self, due: Instant) -> Vec<Token> {
        let now = Instant::now();
        let stood_still = now.saturating_duration_since(due) > STOOD_STILL;
        let mut found = Vec::new();
        for (token, lease) in self.lock().iter_mut() {
            if stood_still {
                lease.deadline = now + lease.term;
            } else if lease.deadline <= now {
                lease.deadline = now + lease.term;
                found.push(*token);
            }
        }
        found
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Token, Lease>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Duration = Duration::from_secs(30);

    fn hunter() -> AgentName {
        "hunter".parse().unwrap()
    }

    fn token(n: i64) -> Token {
        Token { epoch: 1, n }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_renewed_does_not_expire() {
        let leases = Leases::new();
        leases.grant(token(1), hunter(), TERM);
        leases.grant(token(2), hunter(), TERM);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(leases.renew(token(1), &hunter()));
        assert!(!leases.renew(token(2), &"critic".parse().unwrap()), "it is another's");
        assert_eq!(leases.expired().await, [token(2)]);
        leases.end(&[token(2)]);
        assert!(!leases.renew(token(2), &hunter()));
        assert_eq!(leases.expired().await, [token(1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_standing_still_everyone_gets_a_full_term() {
        let leases = Leases::new();
        leases.grant(token(1), hunter(), TERM);
        let due = Instant::now() + TERM;
        tokio::time::advance(TERM + Duration::from_secs(60)).await;
        assert!(leases.take_expired(due).is_empty());
        let began = Instant::now();
        assert_eq!(leases.expired().await, [token(1)]);
        assert!(began.elapsed() >= TERM);
    }
}
