//! What the supervisor, a person, the daemon and whoever comes too late or has no business here do.

use claude_swarm::domain::approval::Decision;
use claude_swarm::domain::budget::{MicroUsd, Usage};
use claude_swarm::domain::error::Kind;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::principal::Principal;
use claude_swarm::domain::report::{Complete, Ended, Fail, Progress};
use claude_swarm::domain::task::{StateName, Token};
use claude_swarm::swarm::{Claimed, CreateTask};
use serde_json::json;

use super::world::{Held, Seat, World};
use crate::home::{OPERATOR, SYSTEM, good, research, similar};

/// So many tasks that are not over are enough.
const OPEN_MAX: usize = 30;

impl World {
    /// Notices one dead worker, or gives one claim back whose worker is gone.
    pub async fn supervise(&mut self) {
        let dead: Vec<usize> = (0..self.hands.len()).filter(|at| matches!(self.hands[*at].seat, Seat::Dead(_))).collect();
        if !dead.is_empty() && self.random.chance(60) {
            let at = self.random.pick(&dead);
            return self.notice(at).await;
        }
        let orphans = self.orphans().await;
        if !orphans.is_empty() {
            let token = self.random.pick(&orphans);
            self.note(format!("{token} is given back"));
            self.home.swarm.lose(&SYSTEM, token, "its worker died".to_owned()).await.unwrap();
            self.running.remove(&token);
        }
    }

    pub async fn notice(&mut self, at: usize) {
        let Seat::Dead(session) = self.hands[at].seat else { return };
        let unexpected = self.unexpected();
        self.note(format!("the end of session {session} is noticed"));
        self.home.swarm.session_ended(&SYSTEM, session, "its worker died".to_owned(), unexpected).await.unwrap();
        self.hands[at].seat = Seat::Empty;
        self.bury(at);
    }

    /// The claims whose session has ended and whose sandbox is not known to be gone.
    async fn orphans(&self) -> Vec<Token> {
        let live: Vec<i64> = self.home.swarm.live_sessions().await.unwrap().iter().map(|session| session.id).collect();
        let all = self.home.swarm.unreleased(None).await.unwrap();
        let orphans = all.into_iter().filter(|attempt| attempt.session.is_some_and(|session| !live.contains(&session)));
        orphans.map(|attempt| attempt.token).collect()
    }

    /// A person orders, cancels, pauses.
    pub async fn person(&mut self) {
        let tasks: Vec<(i64, StateName)> = self.watch.tasks.iter().map(|(id, told)| (*id, told.state)).collect();
        let some = |world: &mut Self, state: fn(StateName) -> bool| {
            let fitting: Vec<i64> = tasks.iter().filter(|(_, it)| state(*it)).map(|(id, _)| *id).collect();
            if fitting.is_empty() { 0 } else { world.random.pick(&fitting) }
        };
        let agents = vec![self.hands[self.random.below(self.hands.len())].name.clone()];
        let swarm = self.home.swarm.clone();
        match self.random.below(100) {
            0..=41 => self.order(&tasks).await,
            42..=50 => {
                let id = some(self, |state| !state.is_over());
                let outcome = swarm.cancel_task(&OPERATOR, id, None).await;
                self.note(format!("task {id} is cancelled"));
                if id == 0 {
                    return self.refused("cancelling nothing", outcome, &[Kind::NotFound]);
                }
                outcome.unwrap();
                if self.random.chance(30) {
                    // Somebody changed their mind before its worker knew of it.
                    self.watch.look();
                    swarm.retry_task(&OPERATOR, id).await.unwrap();
                }
            }
            51..=52 => {
                let id = some(self, StateName::is_over);
                if id != 0 {
                    self.refused("cancelling what is over", swarm.cancel_task(&OPERATOR, id, None).await, &[Kind::Conflict]);
                }
            }
            53..=61 => {
                let id = some(self, |state| matches!(state, StateName::Failed | StateName::Cancelled));
                if id != 0 {
                    self.note(format!("task {id} is retried"));
                    swarm.retry_task(&OPERATOR, id).await.unwrap();
                }
            }
            62..=70 => {
                let (id, needs) = (some(self, |_| true), some(self, |_| true));
                let outcome = swarm.depend_task(&OPERATOR, id, needs).await;
                self.note(format!("task {id} is to wait for {needs}: {outcome:?}"));
                if outcome.is_err() {
                    self.refused("a dependency", outcome, &[Kind::Conflict, Kind::NotFound]);
                }
            }
            71..=73 => drop(swarm.pause_agents(&OPERATOR, agents, None).await.unwrap()),
            74..=82 => drop(swarm.resume_agents(&OPERATOR, vec![]).await.unwrap()),
            83 => swarm.halt(&OPERATOR, "for a while".to_owned()).await.unwrap(),
            84..=85 => drop(swarm.stop_agents(&OPERATOR, agents).await.unwrap()),
            86..=87 => swarm.quarantine(&SYSTEM, agents[0].clone(), "it crashes".to_owned()).await.unwrap(),
            88..=93 => swarm.open_account(&OPERATOR, "claude").await.unwrap(),
            _ => drop(swarm.start_agents(&OPERATOR, vec![]).await.unwrap()),
        }
    }

    async fn order(&mut self, tasks: &[(i64, StateName)]) {
        let open = tasks.iter().filter(|(_, state)| !state.is_over()).count();
        if open > OPEN_MAX {
            return;
        }
        let mut request = match self.random.below(6) {
            0..=2 => research("what sells?"),
            3 => {
                let payload = json!({ "repository": "me/links" });
                CreateTask { kind: "monitor_github".to_owned(), payload, ..CreateTask::default() }
            }
            4 => {
                CreateTask { kind: "implement_proposal".to_owned(), payload: json!({ "proposal": "?" }), ..CreateTask::default() }
            }
            _ => {
                let products = self.home.swarm.products().await.unwrap();
                let Some(product) = products.first() else { return };
                let (kind, payload) = match self.random.below(3) {
                    0 => ("fix_product", json!({ "from": "person", "summary": "mend it" })),
                    1 => ("prepare_listing", json!({})),
                    _ => ("code_review", json!({})),
                };
                CreateTask { kind: kind.to_owned(), payload, product: Some(product.id), ..CreateTask::default() }
            }
        };
        if self.random.chance(30) {
            request.priority = Some(self.random.between(1, 10));
        }
        if self.random.chance(15) {
            request.dedup_key = Some(format!("key {}", self.random.below(4)));
        }
        if self.random.chance(20) && !tasks.is_empty() {
            request.needs = vec![self.random.pick(tasks).0];
        }
        let outcome = self.home.swarm.create_task(&OPERATOR, request).await;
        match outcome {
            Ok(created) if created.existed => assert!(!self.watch.changed(), "a task that existed changed something"),
            Ok(created) => self.note(format!("task {} is created", created.id)),
            Err(_) => self.refused("an order", outcome, &[Kind::Conflict]),
        }
    }

    /// A person decides, sometimes what was decided before.
    pub async fn decide(&mut self) {
        let all = self.home.swarm.approvals(true).await.unwrap();
        let open: Vec<_> = all.iter().filter(|(row, _)| row.decided_at.is_none()).map(|(row, _)| row).collect();
        let decision = if self.random.chance(75) { Decision::Approve } else { Decision::Reject };
        let reason = Some("because".to_owned());
        if let Some(asked) = open.first()
            && self.random.chance(80)
        {
            if self.random.chance(10) {
                let seen = Some("0".repeat(64));
                let outcome = self.home.swarm.decide(&OPERATOR, asked.id, decision, reason, seen).await;
                return self.refused("a decision about something else", outcome, &[Kind::Conflict]);
            }
            // What went round too often is given up as often as not.
            let decision = if asked.kind == "continue" && self.random.chance(50) { Decision::Reject } else { decision };
            self.note(format!("approval {} ({}): {decision:?}", asked.id, asked.kind));
            let outcome = self.home.swarm.decide(&OPERATOR, asked.id, decision, reason, Some(asked.binding.clone())).await;
            assert!(outcome.is_ok(), "{outcome:?}");
        } else if let Some((over, _)) = all.iter().find(|(row, _)| row.decided_at.is_some()) {
            let outcome = self.home.swarm.decide(&OPERATOR, over.id, decision, reason, None).await;
            self.refused("a second decision", outcome, &[Kind::Conflict]);
        }
    }

    /// The daemon publishes what was approved, or dies in between.
    pub async fn daemon(&mut self) {
        let Some((task, attempt)) = self.home.swarm.claim_own(&SYSTEM).await.unwrap() else { return };
        self.watch.look();
        let token = attempt.token;
        self.note(format!("the daemon publishes task {} under {token}", task.id));
        self.home.swarm.started(&SYSTEM, token).await.unwrap();
        let what = self.home.swarm.publishing(&SYSTEM, &task).await.unwrap();
        let progress = Progress { token, report: 1, usage: Usage::default(), cost: MicroUsd(0) };
        let give_up = Fail { progress, class: FailureClass::Crashed, detail: "no".to_owned(), resets_at: None };
        let how = self.random.below(10);
        if how == 0 {
            return self.restart().await;
        }
        if how == 1 {
            self.home.swarm.cancel_task(&OPERATOR, task.id, None).await.unwrap();
            self.watch.look();
            self.refused("sending what was cancelled", self.home.swarm.sending(&SYSTEM, token, &what).await, &[Kind::Conflict]);
            assert_eq!(self.home.swarm.fail(&SYSTEM, give_up).await.unwrap(), Ended::Over);
            return;
        }
        self.home.swarm.sending(&SYSTEM, token, &what).await.unwrap();
        match how {
            2 => self.restart().await,
            3 => drop(self.home.swarm.fail(&SYSTEM, give_up).await.unwrap()),
            _ => assert_eq!(self.home.swarm.published(&SYSTEM, token, &what, "file:///x").await.unwrap(), Ended::Done),
        }
    }

    /// A report comes from a claim that is over.
    pub async fn late(&mut self) {
        if self.late.is_empty() {
            return;
        }
        let at = self.random.below(self.late.len());
        let (who, claimed) = (self.late[at].who.clone(), self.late[at].claimed.clone());
        if !self.is_live(claimed.task.id, claimed.attempt.token) {
            self.report_late(&who, &claimed).await;
        }
    }

    /// Whatever it says, it changes nothing.
    pub async fn report_late(&mut self, who: &Principal, claimed: &Claimed) {
        let (token, swarm) = (claimed.attempt.token, self.home.swarm.clone());
        self.note(format!("a late report under {token}"));
        let before = self.watch.tasks_as_text();
        let progress =
            Progress { token, report: 9_999, usage: Usage { output: 9, ..Usage::default() }, cost: MicroUsd(99_000_000) };
        let finish = Complete { progress, result: good(&claimed.spec, &claimed.task.kind), manifest: None, checks: vec![] };
        let stale = [Kind::Conflict];
        match self.random.below(6) {
            0 => self.refused("a late start", swarm.started(who, token).await, &stale),
            1 => self.refused("late progress", swarm.progress(who, progress).await, &stale),
            2 => self.refused("late checks", swarm.validating(who, token).await, &stale),
            3 => {
                let (sha256, size) = (self.passed.sha256.clone(), self.passed.size);
                self.refused("a late artifact", swarm.keep_artifact(who, token, "x".to_owned(), sha256, size).await, &stale)
            }
            // What ended by a report is told its end again; what ended otherwise is told that it is over.
            how => {
                let class = FailureClass::Crashed;
                let failing = Fail { progress, class, detail: "late".to_owned(), resets_at: None };
                let outcome = if how == 4 { swarm.complete(who, finish).await } else { swarm.fail(who, failing).await };
                if let Err(error) = outcome {
                    assert_eq!(error.kind, Kind::Conflict, "{error}");
                }
                assert!(!self.watch.changed(), "a late end changed something");
            }
        }
        assert!(!swarm.renew(who, token).unwrap());
        similar(&before, &self.watch.tasks_as_text());
    }

    /// Somebody tries what is not theirs.
    pub async fn intrude(&mut self) {
        let hand = &self.hands[self.random.below(self.hands.len())];
        let (agent, worker, swarm) = (Principal::Agent(hand.name.clone()), hand.who.clone(), self.home.swarm.clone());
        let who = match self.random.below(4) {
            0 => agent,
            1 => worker,
            2 => Principal::Rehearsal,
            _ => SYSTEM,
        };
        let denied = [Kind::Denied];
        let id = i64::try_from(self.random.below(20)).unwrap();
        match self.random.below(5) {
            0 => self.refused("a decision", swarm.decide(&who, id, Decision::Approve, None, None).await, &denied),
            1 => self.refused("an order", swarm.create_task(&who, research("mine")).await, &denied),
            2 => self.refused("a cancel", swarm.cancel_task(&who, id, None).await, &denied),
            3 => self.refused("a start", swarm.start_agents(&who, vec![]).await, &denied),
            _ => self.refused("a retry", swarm.retry_task(&who, id).await, &denied),
        }
    }

    /// Some workers stop renewing: the daemon notices when their leases have run out, and ends them.
    pub async fn expire(&mut self) {
        let term = self.home.rules.lease;
        let frozen: Vec<bool> = self.hands.iter().map(|_| self.random.chance(40)).collect();
        tokio::time::sleep(term * 2 / 3).await;
        for (hand, frozen) in self.hands.iter().zip(&frozen) {
            if let Some(held) = &hand.held
                && !frozen
            {
                self.home.swarm.renew(&hand.who, held.claimed.attempt.token).unwrap();
            }
        }
        let expired = tokio::time::timeout(term / 2, self.home.swarm.leases().expired()).await.unwrap_or_default();
        for token in expired {
            let holds = |held: &Held| held.claimed.attempt.token == token;
            let Some(at) = self.hands.iter().position(|hand| hand.held.as_ref().is_some_and(holds)) else {
                // It is reported until what its worker left behind is given back.
                assert!(self.orphans().await.contains(&token), "{token} expired, and nobody holds it");
                continue;
            };
            let seat = self.hands[at].seat;
            assert!(frozen[at] || matches!(seat, Seat::Dead(_)), "{token} was renewed and expired");
            if let Seat::Ready(session) = seat {
                self.note(format!("the lease of {token} ran out"));
                self.hands[at].seat = Seat::Dead(session);
            }
            self.notice(at).await;
        }
    }

    /// The daemon dies and another one starts: nothing that was in memory is there any more.
    pub async fn restart(&mut self) {
        self.note("the daemon dies".to_owned());
        self.home.restart().await;
        self.watch.look();
        for attempt in self.home.swarm.unreleased(None).await.unwrap() {
            if attempt.session.is_none() {
                self.home.swarm.lose(&SYSTEM, attempt.token, "the daemon died".to_owned()).await.unwrap();
            }
        }
    }
}
