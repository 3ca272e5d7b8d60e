//! What workers do: say hello, claim, report, die.

use claude_swarm::domain::budget::{MicroUsd, Usage};
use claude_swarm::domain::error::Kind;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::pipeline::Tree;
use claude_swarm::domain::report::{Complete, Ended, Fail, Progress};
use claude_swarm::domain::snapshot::Manifest;
use claude_swarm::swarm::{ClaimAnswer, Setback};
use serde_json::json;
use uuid::Uuid;

use super::world::{Held, Seat, World};
use crate::home::{HOUR, MINUTE, SYSTEM, answer, nothing_more};

#[derive(Clone, Copy)]
enum Act {
    Started,
    Progress,
    Validating,
    Good,
    Bad,
    Fail,
    Renew,
    ClaimAgain,
    Artifact,
    Tell,
    Die,
}

impl World {
    pub async fn worker(&mut self, at: usize) {
        let hand = &self.hands[at];
        let (name, who) = (hand.name.clone(), hand.who.clone());
        match hand.seat {
            Seat::Empty => {
                let session = self.home.swarm.intend_session(&SYSTEM, name.clone(), format!("claude-{name}")).await.unwrap();
                self.note(format!("{name}: session {session} is intended"));
                self.hands[at].seat = Seat::Intended(session);
            }
            Seat::Intended(session) => {
                let claim = self.home.swarm.claim(&who, session).await;
                self.refused("a claim without a process", claim, &[Kind::Conflict]);
                if self.random.chance(10) {
                    self.hands[at].seat = Seat::Dead(session);
                } else {
                    let pid = i32::try_from(session).unwrap();
                    self.home.swarm.session_started(&SYSTEM, session, format!("%{session}"), pid, 7).await.unwrap();
                    self.hands[at].seat = Seat::Started(session);
                }
            }
            Seat::Started(session) => {
                self.home.swarm.session_ready(&who, session).await.unwrap();
                self.hands[at].seat = Seat::Ready(session);
            }
            Seat::Ready(session) if self.hands[at].held.is_none() => self.claim(at, session).await,
            Seat::Ready(session) => self.work(at, session).await,
            Seat::Dead(_) => {}
        }
    }

    async fn claim(&mut self, at: usize, session: i64) {
        let hand = &self.hands[at];
        let (name, who, now) = (hand.name.clone(), hand.who.clone(), self.home.swarm.now());
        let cap = self.home.rules.daily_cap.0;
        let expected = self.watch.next_for(name.as_str(), &hand.types, cap, now);
        match self.home.swarm.claim(&who, session).await.unwrap() {
            ClaimAnswer::Wait(wait) => {
                assert_eq!(expected, None, "{name} has to wait ({:?}), and there is work", wait.why);
                assert!(wait.until.is_none_or(|until| until > now), "{wait:?} at {now:?}");
            }
            ClaimAnswer::Task(claimed) => {
                self.note(format!(
                    "{name} claims task {} ({}) under {}",
                    claimed.task.id, claimed.task.kind, claimed.attempt.token
                ));
                assert_eq!(expected, Some(claimed.task.id), "{name} got another task");
                let (spent, reserved) = self.watch.money(now);
                assert!(reserved >= 0 && spent + reserved <= cap, "{spent} spent and {reserved} reserved of {cap}");
                assert!(self.home.swarm.renew(&who, claimed.attempt.token).unwrap());
                let (task, tree) = (claimed.task.id, claimed.task.product.filter(|_| claimed.task.exclusive));
                for (token, (other, written)) in &self.running {
                    assert_ne!(*other, task, "task {task} runs under {token} still");
                    assert!(tree.is_none() || *written != tree, "{token} writes the tree of product {tree:?} still");
                }
                self.running.insert(claimed.attempt.token, (task, tree));
                // A worker that was cut off before it had its answer asks again.
                self.hands[at].held = Some(Held { claimed: *claimed, report: 1, cost: 0, started: false });
            }
        }
    }

    async fn work(&mut self, at: usize, session: i64) {
        let acts = [
            (16, Act::Started),
            (12, Act::Progress),
            (8, Act::Validating),
            (44, Act::Good),
            (6, Act::Bad),
            (8, Act::Fail),
            (6, Act::Renew),
            (3, Act::ClaimAgain),
            (2, Act::Artifact),
            (2, Act::Tell),
            (5, Act::Die),
        ];
        let act = self.random.weighted(&acts);
        let hand = &mut self.hands[at];
        let held = hand.held.as_mut().unwrap();
        let (who, name, token, task) = (hand.who.clone(), hand.name.clone(), held.claimed.attempt.token, held.claimed.task.id);
        held.report += 1;
        held.cost += 40_000;
        let progress = Progress {
            token,
            report: held.report,
            usage: Usage { input: u64::try_from(held.report).unwrap() * 10, ..Usage::default() },
            cost: MicroUsd(held.cost),
        };
        let live = self.is_live(task, token);
        assert_eq!(self.home.swarm.renew(&who, token).unwrap(), live, "the lease of {token} and its claim");
        if !live {
            return self.stop(at, act).await;
        }
        match act {
            Act::Started => {
                self.home.swarm.started(&who, token).await.unwrap();
                self.hands[at].held.as_mut().unwrap().started = true;
                self.note(format!("{name} starts {token}"));
            }
            Act::Progress => {
                self.home.swarm.progress(&who, progress).await.unwrap();
                self.watch.was_reported(token, progress.cost);
            }
            Act::Validating => {
                let outcome = self.home.swarm.validating(&who, token).await;
                self.note(format!("{name} validates {token}"));
                if !self.hands[at].held.as_ref().unwrap().started {
                    self.refused("checks before the CLI", outcome, &[Kind::Conflict]);
                } else {
                    outcome.unwrap();
                }
            }
            Act::Good | Act::Bad => {
                let (finish, spoiled) = self.finishing(at, progress, matches!(act, Act::Bad));
                let outcome = self.home.swarm.complete(&who, finish).await;
                self.note(format!("{name} finishes {token} ({}): {outcome:?}", spoiled.unwrap_or("well")));
                if spoiled == Some("bytes that were not sent") {
                    self.refused("a finish without its bytes", outcome, &[Kind::Invalid]);
                } else {
                    let ended = outcome.unwrap();
                    assert_eq!(ended == Ended::Done, spoiled.is_none(), "{ended:?} after {spoiled:?}");
                    self.watch.was_reported(token, progress.cost);
                    self.running.remove(&token);
                    self.bury(at);
                }
            }
            Act::Fail => {
                let class = self.random.pick(&FailureClass::ALL);
                let resets_at = self.random.chance(50).then(|| self.home.swarm.now().plus(self.random.between(-HOUR, HOUR)));
                let failing = Fail { progress, class, detail: "it did not work".to_owned(), resets_at };
                let ended = self.home.swarm.fail(&who, failing).await.unwrap();
                self.note(format!("{name} fails {token} ({class}): {ended:?}"));
                assert!(matches!(ended, Ended::Again | Ended::Failed), "{ended:?}");
                self.watch.was_reported(token, progress.cost);
                self.running.remove(&token);
                self.bury(at);
            }
            Act::Renew => {}
            Act::ClaimAgain => match self.home.swarm.claim(&who, session).await.unwrap() {
                ClaimAnswer::Task(again) => assert_eq!(again.attempt.token, token, "asking again is the same claim"),
                ClaimAnswer::Wait(wait) => panic!("{name} holds {token} and is told to wait: {wait:?}"),
            },
            Act::Artifact => {
                let sha256 = self.passed.sha256.clone();
                self.home.swarm.keep_artifact(&who, token, "log".to_owned(), sha256, self.passed.size).await.unwrap();
            }
            Act::Tell => {
                let message = self.home.swarm.tell(&who, name, Uuid::new_v4(), "typed".to_owned()).await.unwrap();
                self.home.swarm.delivered(&who, token, message).await.unwrap();
            }
            Act::Die => {
                self.note(format!("{name} dies with {token}"));
                self.hands[at].seat = Seat::Dead(session);
            }
        }
    }

    /// The claim of a worker is over, and it did not know: it learns that by whatever it reports, and says when its CLI is gone.
    async fn stop(&mut self, at: usize, act: Act) {
        let hand = &self.hands[at];
        let (who, held) = (hand.who.clone(), hand.held.as_ref().unwrap());
        let (token, claimed) = (held.claimed.attempt.token, held.claimed.clone());
        self.note(format!("{} learns that {token} is over", hand.name));
        match act {
            Act::Good | Act::Bad | Act::Fail | Act::Progress | Act::Validating | Act::Started => {
                self.report_late(&who, &claimed).await
            }
            Act::Die => {
                let Seat::Ready(session) = self.hands[at].seat else { return };
                self.hands[at].seat = Seat::Dead(session);
                return;
            }
            _ => {}
        }
        self.watch.look();
        self.home.swarm.released(&who, nothing_more(token)).await.unwrap();
        self.running.remove(&token);
        self.bury(at);
    }

    /// A report that the task is done: as good as it can be, or spoiled in some way that is named.
    pub fn finishing(&mut self, at: usize, progress: Progress, bad: bool) -> (Complete, Option<&'static str>) {
        let claimed = &self.hands[at].held.as_ref().unwrap().claimed;
        let (spec, kind) = (claimed.spec.clone(), claimed.task.kind.clone());
        let verdicts = spec.verdicts();
        let yes = if self.random.chance(self.yes) { ["pass", "approve"] } else { ["fail", "reject"] };
        let verdict = verdicts.iter().find(|verdict| yes.contains(&verdict.as_str())).cloned();
        let mut result = answer(&kind, verdict.as_deref());
        if let Some(ideas) = result.get_mut("ideas").and_then(|ideas| ideas.as_array_mut()) {
            ideas.truncate(usize::from(self.random.chance(60)));
        }
        let manifest = (spec.tree == Tree::Write).then(|| {
            let mut files = self.files.clone();
            files.truncate(3 + self.random.below(6));
            files[2].executable = self.random.chance(50);
            Manifest::new(files).unwrap()
        });
        let check = if self.random.chance(90) { &self.passed } else { &self.failed };
        let turns = spec.checks.iter().any(|check| check.on_failure == claude_swarm::domain::pipeline::OnFailure::FailVerdict);
        let check = if turns { check } else { &self.passed };
        let checks = spec.checks.iter().map(|_| check.clone()).collect();
        let mut finish = Complete { progress, result, manifest, checks };
        if !bad {
            return (finish, None);
        }
        let how = self.random.below(5);
        let spoiled = match how {
            0 if finish.manifest.is_some() => {
                finish.manifest = None;
                "no snapshot"
            }
            1 if finish.manifest.is_some() => {
                finish.manifest.as_mut().unwrap().0.retain(|entry| entry.path != "README.md" && entry.path != "SPEC.md");
                "a file that is missing"
            }
            2 if !finish.checks.is_empty() => {
                finish.checks.clear();
                "a check that was not run"
            }
            3 if finish.manifest.is_some() => {
                finish.manifest.as_mut().unwrap().0[0].sha256 = "0".repeat(64);
                "bytes that were not sent"
            }
            _ => {
                finish.result = json!({ "nonsense": true });
                "another schema"
            }
        };
        (finish, Some(spoiled))
    }

    /// The backoff that the supervisor gives for an unexpected end.
    pub fn unexpected(&mut self) -> Option<Setback> {
        self.random.chance(70).then(|| Setback { remembered: 10 * MINUTE, pause: self.random.between(1, MINUTE) })
    }
}
