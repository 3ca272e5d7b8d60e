//! The end of a run: when nothing goes wrong any more, everything that can be done is done.

use claude_swarm::domain::budget::{MicroUsd, Usage};
use claude_swarm::domain::report::{Ended, Progress};
use claude_swarm::domain::task::StateName;

use super::world::{Seat, World};
use crate::home::{DAY, OPERATOR, SYSTEM};

/// Rounds after which everything must have come to rest.
const PATIENCE: usize = 400;

impl World {
    /// Everybody is well and nobody orders or decides anything new. In the end nothing is left that somebody could do: a task that nobody
    /// may claim, for no reason, would be found here.
    pub async fn settle(&mut self) {
        self.note("everything settles".to_owned());
        let swarm = self.home.swarm.clone();
        swarm.resume_agents(&OPERATOR, vec![]).await.unwrap();
        for at in 0..self.hands.len() {
            if let Seat::Intended(session) | Seat::Started(session) | Seat::Ready(session) = self.hands[at].seat {
                self.hands[at].seat = Seat::Dead(session);
            }
            self.notice(at).await;
        }
        for attempt in swarm.unreleased(None).await.unwrap() {
            swarm.lose(&SYSTEM, attempt.token, "everything begins anew".to_owned()).await.unwrap();
            self.running.remove(&attempt.token);
        }
        for _ in 0..PATIENCE {
            // Enough money, no back-off, no closed account.
            self.home.clock.advance(DAY);
            swarm.start_agents(&OPERATOR, vec![]).await.unwrap();
            swarm.open_account(&OPERATOR, "claude").await.unwrap();
            self.watch.look();
            for at in 0..self.hands.len() {
                self.notice(at).await;
                for _ in 0..4 {
                    self.do_well(at).await;
                }
            }
            if let Some((task, attempt)) = self.home.swarm.claim_own(&SYSTEM).await.unwrap() {
                self.watch.look();
                let what = self.home.swarm.publishing(&SYSTEM, &task).await.unwrap();
                self.home.swarm.sending(&SYSTEM, attempt.token, &what).await.unwrap();
                self.home.swarm.published(&SYSTEM, attempt.token, &what, "file:///x").await.unwrap();
            }
            self.watch.look();
            if self.watch.tasks.values().all(|told| told.state.is_over() || told.state == StateName::Blocked) {
                // What still waits, waits for what failed or was cancelled, or for what waits itself.
                return;
            }
        }
        let left: Vec<_> = self.watch.tasks.iter().filter(|(_, told)| !told.state.is_over()).collect();
        panic!("nobody does what is left to do: {left:?}");
    }

    /// The next thing that a worker does when nothing goes wrong.
    async fn do_well(&mut self, at: usize) {
        if self.hands[at].held.is_none() {
            self.worker(at).await;
            return self.watch.look();
        }
        let hand = &self.hands[at];
        let (who, token) = (hand.who.clone(), hand.held.as_ref().unwrap().claimed.attempt.token);
        self.home.swarm.started(&who, token).await.unwrap();
        let progress = Progress { token, report: 1, usage: Usage::default(), cost: MicroUsd(1_000) };
        let (mut finish, _) = self.finishing(at, progress, false);
        if let Some(ideas) = finish.result.get_mut("ideas") {
            *ideas = serde_json::json!([]);
        }
        assert_eq!(self.home.swarm.complete(&who, finish).await.unwrap(), Ended::Done);
        self.watch.was_reported(token, progress.cost);
        self.running.remove(&token);
        self.bury(at);
        self.watch.look();
    }
}
