//! Budgets: the worst case is reserved before anything begins, and what was reported counts, once.

use claude_swarm::domain::budget::{Ledger, MicroUsd, Usage};
use claude_swarm::domain::error::Kind;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::report::{Ended, Progress};
use claude_swarm::domain::time::Millis;
use claude_swarm::swarm::CreateTask;
use serde_json::json;

use crate::home::{DAY, Home, MORNING, OPERATOR, failing, good, nothing_more, research};

fn question() -> CreateTask {
    CreateTask { kind: "respond_to_human".to_owned(), payload: json!({ "question": "why?" }), ..CreateTask::default() }
}

async fn ledger(home: &Home) -> Ledger {
    home.swarm.status().await.unwrap().ledger
}

fn midnight() -> Millis {
    Millis((MORNING.0 / DAY + 1) * DAY)
}

#[tokio::test]
async fn an_attempt_begins_only_if_its_worst_case_fits() {
    // A research may cost 2 dollars, an answer 1.
    let home = Home::with(|rules| rules.daily_cap = MicroUsd::from_usd(2.5)).await;
    let (hunter, liaison) = (home.hire("hunter").await, home.hire("liaison").await);
    home.create(research("a")).await;
    home.create(question()).await;
    let claimed = home.start(&hunter).await;
    let full = Ledger { spent: MicroUsd(0), reserved: MicroUsd::from_usd(2.0), cap: MicroUsd::from_usd(2.5) };
    assert_eq!(ledger(&home).await, full);
    for _ in 0..3 {
        let wait = home.wait(&liaison).await;
        assert_eq!(wait.until, Some(midnight()), "{:?}", wait.why);
    }
    assert_eq!(home.count("budget:exhausted").await, 1, "it is said once");
    // It cost less than it might have: the rest is free again.
    home.finish(&hunter, &claimed, good(&claimed.spec, "research")).await;
    let spent = MicroUsd::from_usd(0.25);
    assert_eq!(ledger(&home).await, Ledger { spent, reserved: MicroUsd(0), ..full });
    home.claim(&liaison).await;
}

#[tokio::test]
async fn the_next_day_begins_with_nothing_spent() {
    let home = Home::with(|rules| rules.daily_cap = MicroUsd::from_usd(2.0)).await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    home.create(research("b")).await;
    home.work(&hunter).await;
    home.wait(&hunter).await;
    home.clock.set(Millis(midnight().0 - 1));
    home.wait(&hunter).await;
    home.clock.set(midnight());
    home.work(&hunter).await;
    home.create(research("c")).await;
    home.wait(&hunter).await;
    assert_eq!(home.count("budget:exhausted").await, 2, "once a day");
}

#[tokio::test]
async fn what_was_reserved_for_a_cancelled_attempt_stays_reserved_until_it_is_gone() {
    let home = Home::with(|rules| rules.daily_cap = MicroUsd::from_usd(2.0)).await;
    let (hunter, liaison) = (home.hire("hunter").await, home.hire("liaison").await);
    let id = home.create(research("a")).await;
    home.create(question()).await;
    let claimed = home.start(&hunter).await;
    home.swarm.cancel_task(&OPERATOR, id, None).await.unwrap();
    home.wait(&liaison).await;
    home.swarm.released(&hunter.who, nothing_more(claimed.attempt.token)).await.unwrap();
    home.claim(&liaison).await;
}

#[tokio::test]
async fn what_a_cancelled_attempt_used_until_it_was_gone_is_spent() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let id = home.create(research("a")).await;
    let claimed = home.start(&hunter).await;
    home.swarm.cancel_task(&OPERATOR, id, None).await.unwrap();
    let last = |report, dollars| Progress { report, cost: MicroUsd::from_usd(dollars), ..nothing_more(claimed.attempt.token) };
    home.swarm.released(&hunter.who, last(7, 0.8)).await.unwrap();
    assert_eq!(ledger(&home).await.spent, MicroUsd::from_usd(0.8));
    home.swarm.released(&hunter.who, last(8, 1.5)).await.unwrap();
    assert_eq!(ledger(&home).await.spent, MicroUsd::from_usd(0.8), "nothing runs any more that could spend");
}

#[tokio::test]
async fn what_does_not_fit_the_day_does_not_hold_up_what_does() {
    let home = Home::with(|rules| rules.daily_cap = MicroUsd::from_usd(2.0)).await;
    let (hunter, critic) = (home.hire("hunter").await, home.hire("critic").await);
    home.create(research("a")).await;
    home.work(&hunter).await;
    // Of the money that is left an evaluation may take its part, and a scan of higher priority may not.
    let dear = home.create(CreateTask { priority: Some(10), ..research("b") }).await;
    assert!(home.wait(&hunter).await.why.unwrap().contains(&format!("task {dear} needs $2.00")));
    home.work(&critic).await;
    assert_eq!(home.count("budget:exhausted").await, 1);
}

#[tokio::test]
async fn a_forged_cost_does_not_eat_the_day() {
    let home = Home::with(|rules| rules.daily_cap = MicroUsd::from_usd(100.0)).await;
    let (hunter, liaison) = (home.hire("hunter").await, home.hire("liaison").await);
    home.create(research("a")).await;
    home.create(question()).await;
    let claimed = home.start(&hunter).await;
    for (report, dollars) in [(1, 1e9), (2, f64::INFINITY)] {
        let forged = Progress { report, cost: MicroUsd::from_usd(dollars), ..nothing_more(claimed.attempt.token) };
        home.swarm.progress(&hunter.who, forged).await.unwrap();
    }
    assert_eq!(ledger(&home).await.spent, MicroUsd::from_usd(27.0), "its budget, and one turn that went too far");
    home.claim(&liaison).await;
}

#[tokio::test]
async fn a_report_counts_once_and_is_never_taken_back() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    let claimed = home.start(&hunter).await;
    let report = |number, dollars| Progress {
        token: claimed.attempt.token,
        report: number,
        usage: Usage { output: 10, ..Usage::default() },
        cost: MicroUsd::from_usd(dollars),
    };
    home.swarm.progress(&hunter.who, report(1, 0.5)).await.unwrap();
    let before = home.dump();
    home.swarm.progress(&hunter.who, report(1, 0.5)).await.unwrap();
    home.swarm.progress(&hunter.who, report(0, 0.9)).await.unwrap();
    assert_eq!(before, home.dump(), "the same report again");
    home.swarm.progress(&hunter.who, report(2, 0.4)).await.unwrap();
    assert_eq!(ledger(&home).await.spent, MicroUsd::from_usd(0.5));
    home.swarm.progress(&hunter.who, report(3, 0.7)).await.unwrap();
    assert_eq!(ledger(&home).await.spent, MicroUsd::from_usd(0.7));
    assert_eq!(ledger(&home).await.reserved, MicroUsd::from_usd(1.3));
    // Past its own budget nothing is reserved any more, and all of it counts.
    home.swarm.progress(&hunter.who, report(4, 2.5)).await.unwrap();
    assert_eq!(ledger(&home).await.reserved, MicroUsd(0));
    assert_eq!(home.fail(&hunter, &claimed, FailureClass::OverBudget).await, Ended::Failed);
    assert_eq!(ledger(&home).await.spent, MicroUsd::from_usd(2.5));
}

#[tokio::test]
async fn what_a_failed_attempt_cost_is_spent() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    let claimed = home.start(&hunter).await;
    home.fail(&hunter, &claimed, FailureClass::Crashed).await;
    assert_eq!(ledger(&home).await.spent, MicroUsd::from_usd(0.1));
    assert_eq!(ledger(&home).await.reserved, MicroUsd(0));
}

#[tokio::test]
async fn absurd_figures_do_not_break_the_books() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let usage = Usage { input: u64::MAX, output: u64::MAX, cache_read: u64::MAX, cache_write: u64::MAX };
    for _ in 0..3 {
        home.create(research("a")).await;
        let claimed = home.start(&hunter).await;
        let mut report = failing(&claimed, FailureClass::Refused);
        report.progress.usage = usage;
        report.progress.cost = MicroUsd(i64::MAX);
        assert_eq!(home.swarm.fail(&hunter.who, report).await.unwrap(), Ended::Failed);
        assert_eq!(ledger(&home).await.spent, MicroUsd::from_usd(27.0));
        // Tomorrow there is money again.
        home.clock.advance(DAY);
        home.create(research("b")).await;
        home.work(&hunter).await;
        home.clock.advance(-DAY);
        home.clock.advance(2 * DAY);
    }
    // Below 0 is no cost.
    home.clock.advance(DAY);
    home.create(research("c")).await;
    let claimed = home.start(&hunter).await;
    let mut report = failing(&claimed, FailureClass::Refused);
    report.progress.cost = MicroUsd(-5_000_000);
    home.swarm.fail(&hunter.who, report).await.unwrap();
    assert_eq!(ledger(&home).await.spent, MicroUsd(0));
}

#[tokio::test]
async fn two_absurd_attempts_on_one_day_do_not_break_the_books() {
    let home = Home::with(|rules| rules.daily_cap = MicroUsd(i64::MAX / 4)).await;
    let (hunter, liaison) = (home.hire("hunter").await, home.hire("liaison").await);
    home.create(research("a")).await;
    home.create(question()).await;
    let both = [(home.start(&hunter).await, &hunter), (home.start(&liaison).await, &liaison)];
    for (claimed, hired) in both {
        let mut report = failing(&claimed, FailureClass::Refused);
        report.progress.cost = MicroUsd(i64::MAX);
        report.progress.usage = Usage { input: u64::MAX, output: u64::MAX, cache_read: u64::MAX, cache_write: u64::MAX };
        assert_eq!(home.swarm.fail(&hired.who, report).await.unwrap(), Ended::Failed);
    }
    assert_eq!(ledger(&home).await.spent, MicroUsd::from_usd(27.0 + 26.0));
    home.create(research("b")).await;
    home.work(&hunter).await;
}

#[tokio::test]
async fn bytes_that_were_not_sent_are_no_evidence() {
    let home = Home::new().await;
    home.product_to_build().await;
    let builder = home.hire("builder-1").await;
    let claimed = home.start(&builder).await;
    let good = home.finishing(&claimed, good(&claimed.spec, &claimed.task.kind));
    let mut finish = good.clone();
    finish.checks[0].sha256 = "0".repeat(64);
    home.refused(Kind::Invalid, home.swarm.complete(&builder.who, finish)).await;
    let mut finish = good.clone();
    finish.manifest.as_mut().unwrap().0[0].size += 1;
    home.refused(Kind::Invalid, home.swarm.complete(&builder.who, finish)).await;
    assert_eq!(home.swarm.complete(&builder.who, good).await.unwrap(), Ended::Done);
}
