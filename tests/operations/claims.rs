//! Who gets which task, and when nobody gets any.

use claude_swarm::domain::error::Kind;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::principal::Principal;
use claude_swarm::domain::report::Ended;
use claude_swarm::domain::task::StateName;
use claude_swarm::swarm::{CreateTask, Setback};
use uuid::Uuid;

use crate::home::{HOUR, Hired, Home, MINUTE, OPERATOR, SECOND, SYSTEM, failing, good, nothing_more, research};

fn urgent(question: &str, priority: i64) -> CreateTask {
    CreateTask { priority: Some(priority), ..research(question) }
}

#[tokio::test]
async fn the_highest_priority_comes_first_and_then_the_oldest() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let low = home.create(urgent("low", 2)).await;
    let old = home.create(urgent("old", 9)).await;
    let young = home.create(urgent("young", 9)).await;
    let usual = home.create(research("usual")).await;
    for expected in [old, young, usual, low] {
        assert_eq!(home.work(&hunter).await.task.id, expected);
    }
}

#[tokio::test]
async fn priority_counts_across_types() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(urgent("a question", 5)).await;
    let payload = serde_json::json!({ "platform": "GitHub", "topic": "Markdown" });
    let scan = CreateTask { kind: "scan_platform".to_owned(), payload, priority: Some(6), ..CreateTask::default() };
    let scan = home.create(scan).await;
    assert_eq!(home.claim(&hunter).await.task.id, scan);
}

#[tokio::test]
async fn a_task_that_failed_is_not_claimed_before_its_time() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let id = home.create(research("a")).await;
    let claimed = home.start(&hunter).await;
    assert_eq!(home.fail(&hunter, &claimed, FailureClass::Crashed).await, Ended::Again);
    let not_before = home.task(id).await.life.not_before;
    let now = home.swarm.now();
    assert!(not_before > now, "a retry waits for its back-off");
    let wait = home.wait(&hunter).await;
    assert_eq!(wait.until, Some(not_before), "the worker is told when to ask again");
    home.clock.set(claude_swarm::domain::time::Millis(not_before.0 - 1));
    home.wait(&hunter).await;
    home.clock.set(not_before);
    let again = home.claim(&hunter).await;
    assert_eq!((again.task.id, again.attempt.number), (id, 2));
}

#[tokio::test]
async fn a_clock_that_jumps_back_does_not_lose_a_task() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.clock.advance(24 * HOUR);
    let id = home.create(research("a")).await;
    home.clock.advance(-24 * HOUR);
    assert_eq!(home.work(&hunter).await.task.id, id);
}

#[tokio::test]
async fn asking_again_answers_with_the_same_claim() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    home.create(research("b")).await;
    let first = home.claim(&hunter).await;
    let before = home.dump();
    let second = home.claim(&hunter).await;
    assert_eq!(first.attempt.token, second.attempt.token);
    assert_eq!(before, home.dump());
}

#[tokio::test]
async fn only_the_worker_of_the_live_session_claims() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    for who in [OPERATOR, SYSTEM, Principal::Rehearsal, Principal::Agent(hunter.name.clone())] {
        home.refused(Kind::Denied, home.swarm.claim(&who, hunter.session)).await;
    }
    let critic = Principal::Worker(home.agent("critic"));
    home.refused(Kind::Conflict, home.swarm.claim(&critic, hunter.session)).await;
    home.refused(Kind::Conflict, home.swarm.claim(&hunter.who, hunter.session + 1)).await;
    home.kill(&hunter).await;
    home.refused(Kind::Conflict, home.swarm.claim(&hunter.who, hunter.session)).await;
    let intended = home.swarm.intend_session(&SYSTEM, hunter.name.clone(), "claude-hunter".to_owned()).await.unwrap();
    home.refused(Kind::Conflict, home.swarm.claim(&hunter.who, intended)).await;
    home.refused(Kind::Conflict, home.swarm.intend_session(&SYSTEM, hunter.name.clone(), "claude-hunter".to_owned())).await;
}

#[tokio::test]
async fn nothing_is_claimed_while_everything_is_halted() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    home.swarm.halt(&OPERATOR, "fire".to_owned()).await.unwrap();
    let before = home.dump();
    assert!(home.wait(&hunter).await.why.unwrap().contains("fire"));
    assert_eq!(before, home.dump());
    home.swarm.start_agents(&OPERATOR, vec![]).await.unwrap();
    home.claim(&hunter).await;
}

#[tokio::test]
async fn the_daemon_itself_does_nothing_while_everything_is_halted() {
    let home = Home::new().await;
    crate::home::ready_to_publish(&home).await;
    home.swarm.halt(&OPERATOR, "fire".to_owned()).await.unwrap();
    let before = home.dump();
    assert!(home.swarm.claim_own(&SYSTEM).await.unwrap().is_none());
    assert_eq!(before, home.dump());
    home.swarm.start_agents(&OPERATOR, vec![]).await.unwrap();
    assert!(home.swarm.claim_own(&SYSTEM).await.unwrap().is_some());
}

#[tokio::test]
async fn nothing_is_claimed_by_whoever_is_paused_quarantined_or_stopped() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    let all = vec![hunter.name.clone()];

    home.swarm.pause_agents(&OPERATOR, all.clone(), Some("lunch".to_owned())).await.unwrap();
    assert!(home.wait(&hunter).await.why.unwrap().contains("lunch"));
    home.swarm.resume_agents(&OPERATOR, all.clone()).await.unwrap();

    home.swarm.quarantine(&SYSTEM, hunter.name.clone(), "it crashes".to_owned()).await.unwrap();
    assert!(home.wait(&hunter).await.why.unwrap().contains("it crashes"));
    home.swarm.resume_agents(&OPERATOR, all.clone()).await.unwrap();

    home.swarm.stop_agents(&OPERATOR, all.clone()).await.unwrap();
    let before = home.dump();
    home.wait(&hunter).await;
    assert_eq!(before, home.dump());
    home.swarm.start_agents(&OPERATOR, all).await.unwrap();
    home.claim(&hunter).await;
}

#[tokio::test]
async fn what_is_begun_is_finished_by_whoever_is_paused() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    let claimed = home.claim(&hunter).await;
    home.swarm.pause_agents(&OPERATOR, vec![], None).await.unwrap();
    assert_eq!(home.claim(&hunter).await.attempt.token, claimed.attempt.token);
    home.finish(&hunter, &claimed, good(&claimed.spec, "research")).await;
}

#[tokio::test]
async fn a_claim_that_is_over_changes_nothing() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    let dead = home.start(&hunter).await;
    home.kill(&hunter).await;
    home.swarm.lose(&SYSTEM, dead.attempt.token, "its worker died".to_owned()).await.unwrap();
    let hunter = home.seat(hunter.name).await;
    let live = home.start(&hunter).await;
    assert!(live.attempt.token > dead.attempt.token);
    every_report_is_stale(&home, &hunter, &dead).await;
    home.finish(&hunter, &live, good(&live.spec, "research")).await;
    every_report_is_stale(&home, &hunter, &dead).await;
}

async fn every_report_is_stale(home: &Home, hunter: &Hired, dead: &claude_swarm::swarm::Claimed) {
    let (who, token) = (&hunter.who, dead.attempt.token);
    let report = failing(dead, FailureClass::Crashed);
    let finish = home.finishing(dead, good(&dead.spec, "research"));
    let message = home.swarm.tell(&OPERATOR, hunter.name.clone(), Uuid::new_v4(), "hello".to_owned()).await.unwrap();
    assert!(!home.swarm.renew(&hunter.who, token).unwrap());
    home.refused(Kind::Conflict, home.swarm.started(who, token)).await;
    home.refused(Kind::Conflict, home.swarm.progress(who, report.progress)).await;
    home.refused(Kind::Conflict, home.swarm.validating(who, token)).await;
    home.refused(Kind::Conflict, home.swarm.complete(who, finish)).await;
    home.refused(Kind::Conflict, home.swarm.fail(who, report)).await;
    let kept = home.file("x", "x");
    home.refused(Kind::Conflict, home.swarm.keep_artifact(who, token, kept.path, kept.sha256, kept.size)).await;
    home.refused(Kind::Invalid, home.swarm.keep_artifact(who, token, "x".to_owned(), "a".repeat(64), 1)).await;
    home.refused(Kind::Conflict, home.swarm.delivered(who, token, message)).await;
}

#[tokio::test]
async fn nobody_reports_on_a_claim_of_somebody_else() {
    let home = Home::new().await;
    let (hunter, critic) = (home.hire("hunter").await, home.hire("critic").await);
    home.create(research("a")).await;
    let claimed = home.start(&hunter).await;
    let token = claimed.attempt.token;
    for who in [critic.who, OPERATOR, SYSTEM, Principal::Rehearsal, Principal::Agent(hunter.name.clone())] {
        let report = failing(&claimed, FailureClass::Crashed);
        let finish = home.finishing(&claimed, good(&claimed.spec, "research"));
        home.refused(Kind::Denied, home.swarm.started(&who, token)).await;
        home.refused(Kind::Denied, home.swarm.progress(&who, report.progress)).await;
        home.refused(Kind::Denied, home.swarm.validating(&who, token)).await;
        home.refused(Kind::Denied, home.swarm.complete(&who, finish)).await;
        home.refused(Kind::Denied, home.swarm.fail(&who, report)).await;
        home.refused(Kind::Denied, home.swarm.released(&who, nothing_more(token))).await;
        if who != SYSTEM {
            home.refused(Kind::Denied, home.swarm.lose(&who, token, "because".to_owned())).await;
        }
    }
    let never = claude_swarm::domain::task::Token { epoch: 9, n: 9 };
    home.refused(Kind::NotFound, home.swarm.started(&hunter.who, never)).await;
}

#[tokio::test]
async fn a_lost_attempt_is_not_spent_and_losses_have_a_bound() {
    let home = Home::new().await;
    let mut hunter = home.hire("hunter").await;
    let id = home.create(research("a")).await;
    let mut conversation = None;
    for loss in 1..=5 {
        let claimed = home.start(&hunter).await;
        assert_eq!(*conversation.get_or_insert(claimed.attempt.conversation.clone()), claimed.attempt.conversation);
        assert_eq!(claimed.resume, loss > 1, "what was cut off goes on");
        home.kill(&hunter).await;
        home.swarm.lose(&SYSTEM, claimed.attempt.token, "its worker died".to_owned()).await.unwrap();
        let before = home.dump();
        home.swarm.lose(&SYSTEM, claimed.attempt.token, "its worker died".to_owned()).await.unwrap();
        assert_eq!(before, home.dump(), "losing it twice is once");
        let life = home.task(id).await.life;
        assert_eq!((life.attempts, life.losses), (0, loss));
        let over = if loss < 5 { StateName::Pending } else { StateName::Failed };
        assert_eq!(life.state.name(), over);
        hunter = home.seat(hunter.name).await;
    }
}

#[tokio::test]
async fn free_retries_have_a_bound_and_spend_no_attempt() {
    let home = Home::with(|rules| rules.free_retries = 3).await;
    let hunter = home.hire("hunter").await;
    let id = home.create(research("a")).await;
    for n in 1..=4 {
        let claimed = home.start(&hunter).await;
        let ended = home.fail(&hunter, &claimed, FailureClass::SandboxFailed).await;
        assert_eq!(ended, if n < 4 { Ended::Again } else { Ended::Failed });
        home.clock.advance(HOUR);
    }
    assert_eq!(home.task(id).await.life.attempts, 0);
}

#[tokio::test]
async fn a_failure_that_would_repeat_itself_ends_the_task_at_once() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    for class in [FailureClass::Refused, FailureClass::OverBudget, FailureClass::ModelNotFound] {
        let id = home.create(research("a")).await;
        let claimed = home.start(&hunter).await;
        assert_eq!(home.fail(&hunter, &claimed, class).await, Ended::Failed);
        assert_eq!(home.task(id).await.life.state.name(), StateName::Failed);
    }
}

#[tokio::test]
async fn a_report_may_be_sent_twice() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    let claimed = home.claim(&hunter).await;
    let token = claimed.attempt.token;
    home.swarm.started(&hunter.who, token).await.unwrap();
    let before = home.dump();
    home.swarm.started(&hunter.who, token).await.unwrap();
    assert_eq!(before, home.dump());
    home.swarm.validating(&hunter.who, token).await.unwrap();
    let before = home.dump();
    home.swarm.validating(&hunter.who, token).await.unwrap();
    home.swarm.started(&hunter.who, token).await.unwrap();
    assert_eq!(before, home.dump());
    assert_eq!(home.fail(&hunter, &claimed, FailureClass::Crashed).await, Ended::Again);
    let before = home.dump();
    assert_eq!(home.fail(&hunter, &claimed, FailureClass::Crashed).await, Ended::Again);
    assert_eq!(before, home.dump());
}

#[tokio::test]
async fn sessions_are_the_daemons_business_and_end_once() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    for who in [OPERATOR, hunter.who.clone(), Principal::Agent(hunter.name.clone()), Principal::Rehearsal] {
        let name = home.agent("critic");
        home.refused(Kind::Denied, home.swarm.intend_session(&who, name, "claude-critic".to_owned())).await;
        home.refused(Kind::Denied, home.swarm.session_started(&who, hunter.session, "%1".to_owned(), 1, 1)).await;
        home.refused(Kind::Denied, home.swarm.session_ended(&who, hunter.session, "x".to_owned(), None)).await;
    }
    home.refused(Kind::Denied, home.swarm.session_ready(&SYSTEM, hunter.session)).await;
    home.kill(&hunter).await;
    let before = home.dump();
    home.swarm
        .session_ended(&SYSTEM, hunter.session, "again".to_owned(), Some(Setback { remembered: MINUTE, pause: SECOND }))
        .await
        .unwrap();
    assert_eq!(before, home.dump());
    home.refused(Kind::Conflict, home.swarm.session_ready(&hunter.who, hunter.session)).await;
}

#[tokio::test]
async fn who_judges_a_product_goes_on_only_where_its_code_could_not_have_ended_it() {
    let home = Home::new().await;
    home.product_to_build().await;
    let (builder, mut reviewer) = (home.hire("builder-1").await, home.hire("reviewer").await);
    // Who writes goes on with what it had begun.
    let begun = home.start(&builder).await;
    home.fail(&builder, &begun, FailureClass::Crashed).await;
    home.clock.advance(HOUR);
    let again = home.start(&builder).await;
    assert_eq!((again.resume, &again.attempt.conversation), (true, &begun.attempt.conversation));
    home.finish(&builder, &again, good(&again.spec, "build_product")).await;
    let first = home.start(&reviewer).await;
    home.fail(&reviewer, &first, FailureClass::Crashed).await;
    home.clock.advance(HOUR);
    let second = home.start(&reviewer).await;
    assert!(!second.resume);
    assert_ne!(second.attempt.conversation, first.attempt.conversation);
    home.kill(&reviewer).await;
    home.swarm.lose(&SYSTEM, second.attempt.token, "its worker died".to_owned()).await.unwrap();
    reviewer = home.seat(reviewer.name.clone()).await;
    let third = home.start(&reviewer).await;
    assert_eq!((third.resume, third.attempt.conversation), (true, second.attempt.conversation));
}
