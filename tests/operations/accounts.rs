//! The gate of an account: what closes it, who probes it, what opens it.

use claude_swarm::domain::account::AccountState;
use claude_swarm::domain::budget::Usage;
use claude_swarm::domain::error::Kind;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::report::{Fail, Progress};
use claude_swarm::domain::time::Millis;
use claude_swarm::swarm::{Account, Claimed, CreateTask};
use serde_json::json;

use crate::home::{DAY, HOUR, Hired, Home, MINUTE, MORNING, OPERATOR, SECOND, SYSTEM, failing, good, nothing_more, research};

/// Three agents of one account, each with a task under way.
async fn busy(home: &Home) -> Vec<(Hired, Claimed)> {
    let question =
        || CreateTask { kind: "respond_to_human".to_owned(), payload: json!({ "question": "why?" }), ..CreateTask::default() };
    let proposal =
        || CreateTask { kind: "implement_proposal".to_owned(), payload: json!({ "proposal": "more" }), ..CreateTask::default() };
    for request in [research("a"), research("b"), question(), question(), proposal(), proposal()] {
        home.create(request).await;
    }
    let mut all = Vec::new();
    for name in ["hunter", "liaison", "support"] {
        let hired = home.hire(name).await;
        let claimed = home.start(&hired).await;
        all.push((hired, claimed));
    }
    all
}

async fn account(home: &Home) -> Account {
    let closed = home.swarm.status().await.unwrap().closed_accounts;
    closed.into_iter().find(|account| account.name == "claude").unwrap_or_else(|| Account::ready("claude"))
}

#[tokio::test]
async fn a_rate_limit_closes_the_gate_for_all_until_its_time() {
    let home = Home::new().await;
    let all = busy(&home).await;
    let (hunter, claimed) = &all[0];
    home.fail(hunter, claimed, FailureClass::RateLimited).await;
    let closed = account(&home).await;
    assert_eq!(closed.state, AccountState::Cooling);
    assert!((12 * SECOND..=15 * SECOND).contains(&(closed.until.0 - home.swarm.now().0)), "{closed:?}");
    assert_eq!(home.wait(hunter).await.until, Some(closed.until));
    home.clock.set(closed.until);
    home.claim(hunter).await;
}

#[tokio::test]
async fn one_attempt_at_a_time_probes_and_its_success_opens() {
    let home = Home::new().await;
    let mut all = busy(&home).await;
    for (hired, claimed) in &all {
        home.fail(hired, claimed, FailureClass::RateLimited).await;
    }
    home.clock.advance(HOUR);
    let (support, _) = all.remove(2);
    let (liaison, _) = all.remove(1);
    let (hunter, _) = all.remove(0);
    let probe = home.start(&hunter).await;
    assert_eq!(account(&home).await.probing, Some(probe.attempt.id));
    home.wait(&liaison).await;
    home.wait(&support).await;
    home.finish(&hunter, &probe, good(&probe.spec, &probe.task.kind)).await;
    assert_eq!(account(&home).await.state, AccountState::Ready);
    home.claim(&liaison).await;
    home.claim(&support).await;
}

#[tokio::test]
async fn a_probe_that_is_answered_opens_before_its_task_is_done() {
    let home = Home::new().await;
    let all = busy(&home).await;
    for (hired, claimed) in &all {
        home.fail(hired, claimed, FailureClass::RateLimited).await;
    }
    home.clock.advance(HOUR);
    let probe = home.start(&all[0].0).await;
    let said = |report, output| {
        let progress = nothing_more(probe.attempt.token);
        Progress { report, usage: Usage { output, ..Usage::default() }, ..progress }
    };
    home.swarm.progress(&all[0].0.who, said(1, 0)).await.unwrap();
    home.wait(&all[1].0).await;
    home.swarm.progress(&all[0].0.who, said(2, 7)).await.unwrap();
    assert_eq!(account(&home).await.state, AccountState::Ready);
    home.claim(&all[1].0).await;
}

#[tokio::test]
async fn a_probe_that_fails_closes_for_longer_and_one_that_is_lost_lets_another_probe() {
    let home = Home::new().await;
    let all = busy(&home).await;
    let ((hunter, claimed), (liaison, answering)) = (&all[0], &all[1]);
    home.fail(hunter, claimed, FailureClass::UsageLimit).await;
    home.fail(liaison, answering, FailureClass::UsageLimit).await;
    let first = account(&home).await.until.0 - home.swarm.now().0;
    home.clock.advance(first);
    let probe = home.start(hunter).await;
    home.fail(hunter, &probe, FailureClass::UsageLimit).await;
    let second = account(&home).await.until.0 - home.swarm.now().0;
    assert!(second > first * 3 / 2, "{first} then {second}");
    home.clock.advance(second);
    let probe = home.start(hunter).await;
    home.kill(hunter).await;
    home.wait(liaison).await;
    home.swarm.lose(&SYSTEM, probe.attempt.token, "its worker died".to_owned()).await.unwrap();
    let probe = home.start(liaison).await;
    home.swarm.cancel_task(&OPERATOR, probe.task.id, None).await.unwrap();
    home.swarm.released(&liaison.who, nothing_more(probe.attempt.token)).await.unwrap();
    assert_eq!(account(&home).await.probing, None);
    home.claim(liaison).await;
}

#[tokio::test]
async fn many_that_meet_the_same_limit_are_counted_once() {
    let home = Home::new().await;
    let all = busy(&home).await;
    let mut closed = Vec::new();
    for (hired, claimed) in &all {
        home.fail(hired, claimed, FailureClass::RateLimited).await;
        closed.push(account(&home).await);
    }
    assert_eq!(closed[0].probes, 1);
    assert!(closed.iter().all(|account| *account == closed[0]), "{closed:#?}");
    assert_eq!(home.count("account:closed").await, 1);
}

#[tokio::test]
async fn a_worse_limit_met_beside_a_lesser_one_counts() {
    let home = Home::new().await;
    let all = busy(&home).await;
    let later = home.swarm.now().plus(3 * HOUR);
    home.fail(&all[0].0, &all[0].1, FailureClass::RateLimited).await;
    let limit = Fail { resets_at: Some(later), ..failing(&all[1].1, FailureClass::UsageLimit) };
    home.swarm.fail(&all[1].0.who, limit).await.unwrap();
    assert_eq!(account(&home).await.until, later);
    // And not the other way round.
    home.fail(&all[2].0, &all[2].1, FailureClass::RateLimited).await;
    assert_eq!(account(&home).await.until, later);
}

#[tokio::test]
async fn a_stated_reset_is_kept_to() {
    let home = Home::new().await;
    let all = busy(&home).await;
    let (hunter, claimed) = &all[0];
    let later = home.swarm.now().plus(5 * HOUR);
    let limit = Fail { resets_at: Some(later), ..failing(claimed, FailureClass::UsageLimit) };
    home.swarm.fail(&hunter.who, limit).await.unwrap();
    assert_eq!(account(&home).await.until, later);
    // An attempt that began before the limit was met says nothing about it when it ends well.
    let (liaison, answering) = &all[1];
    home.finish(liaison, answering, good(&answering.spec, "respond_to_human")).await;
    assert_eq!(account(&home).await.until, later);
    assert_eq!(home.wait(liaison).await.until, Some(later));
    home.clock.set(later);
    home.claim(liaison).await;
    home.wait(hunter).await;
}

#[tokio::test]
async fn a_reset_that_no_allowance_has_is_not_believed() {
    for never in [Millis(i64::MAX), Millis(MORNING.0 + 365 * DAY)] {
        let home = Home::new().await;
        let all = busy(&home).await;
        let (hunter, claimed) = &all[0];
        let limit = Fail { resets_at: Some(never), ..failing(claimed, FailureClass::UsageLimit) };
        home.swarm.fail(&hunter.who, limit).await.unwrap();
        assert_eq!(account(&home).await.until, home.swarm.now().plus(8 * DAY));
    }
}

#[tokio::test]
async fn a_reset_in_the_past_is_probed_at_intervals() {
    let home = Home::new().await;
    let all = busy(&home).await;
    let past = Millis(home.swarm.now().0 - HOUR);
    let limit = Fail { resets_at: Some(past), ..failing(&all[0].1, FailureClass::CreditExhausted) };
    home.swarm.fail(&all[0].0.who, limit).await.unwrap();
    let wait = account(&home).await.until.0 - home.swarm.now().0;
    assert!((48 * SECOND..=MINUTE).contains(&wait), "{wait}");
}

#[tokio::test]
async fn only_a_person_or_a_new_login_opens_what_needs_a_login() {
    let home = Home::new().await;
    let all = busy(&home).await;
    let (hunter, claimed) = &all[0];
    home.fail(hunter, claimed, FailureClass::LoginRequired).await;
    assert_eq!(account(&home).await.state, AccountState::LoginRequired);
    // What was under way before meets a lesser limit, or even ends well: neither is a login.
    home.fail(&all[1].0, &all[1].1, FailureClass::RateLimited).await;
    assert_eq!(account(&home).await.state, AccountState::LoginRequired);
    home.finish(&all[2].0, &all[2].1, good(&all[2].1.spec, "implement_proposal")).await;
    assert_eq!(account(&home).await.state, AccountState::LoginRequired);
    home.clock.advance(30 * 24 * HOUR);
    assert_eq!(home.wait(hunter).await.until, None);
    for who in [hunter.who.clone(), claude_swarm::domain::principal::Principal::Agent(hunter.name.clone())] {
        home.refused(Kind::Denied, home.swarm.open_account(&who, "claude")).await;
    }
    home.swarm.open_account(&OPERATOR, "claude").await.unwrap();
    home.claim(hunter).await;
    let opened = home.swarm.newest_events(50).await.unwrap();
    let opened = opened.iter().rfind(|event| event.kind == "account:ready").unwrap();
    assert_eq!(opened.actor, "operator", "the event names who opened it");
}

#[tokio::test]
async fn an_account_that_does_not_exist_is_not_opened() {
    let home = Home::new().await;
    home.refused(Kind::NotFound, home.swarm.open_account(&OPERATOR, "cluade")).await;
    let before = home.dump();
    home.swarm.open_account(&OPERATOR, "claude").await.unwrap();
    assert_eq!(before, home.dump(), "what is open stays open");
}
