//! Publishing: only what a person approved, only once, and the truth is written down whatever happens in between.

use claude_swarm::domain::budget::{MicroUsd, Usage};
use claude_swarm::domain::error::Kind;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::principal::Principal;
use claude_swarm::domain::product::ProductState;
use claude_swarm::domain::publication::PublicationState;
use claude_swarm::domain::report::{Complete, Ended, Fail, Progress};
use claude_swarm::domain::task::{StateName, Token};
use claude_swarm::swarm::{PublishTerms, TaskRow};
use serde_json::json;

use crate::home::{HOUR, Home, OPERATOR, SYSTEM, ready_to_approve, ready_to_publish};

const URL: &str = "file:///downloads/link-checker";

async fn claim(home: &Home) -> (TaskRow, Token) {
    let (task, attempt) = home.swarm.claim_own(&SYSTEM).await.unwrap().expect("the daemon has something to do");
    home.swarm.started(&SYSTEM, attempt.token).await.unwrap();
    (task, attempt.token)
}

#[tokio::test]
async fn what_was_approved_is_published_once() {
    let home = Home::new().await;
    let approved = ready_to_publish(&home).await;
    let intended = home.swarm.publications().await.unwrap();
    assert_eq!((intended.len(), intended[0].state, intended[0].approval), (1, PublicationState::Intended, approved.id));
    let (task, token) = claim(&home).await;
    let what = home.swarm.publishing(&SYSTEM, &task).await.unwrap();
    assert_eq!(what.manifest.hash(), approved.snapshot.clone().unwrap());
    home.swarm.sending(&SYSTEM, token, &what).await.unwrap();
    assert_eq!(home.swarm.publications().await.unwrap()[0].state, PublicationState::Sending);
    assert_eq!(home.swarm.published(&SYSTEM, token, &what, URL).await.unwrap(), Ended::Done);
    let row = home.swarm.publications().await.unwrap().remove(0);
    assert_eq!((row.state, row.url.as_deref()), (PublicationState::Published, Some(URL)));
    assert_eq!(home.product(approved.product).await.state, ProductState::Published);
    let before = home.dump();
    assert_eq!(home.swarm.published(&SYSTEM, token, &what, URL).await.unwrap(), Ended::Done);
    assert_eq!(before, home.dump());
    home.refused(Kind::Conflict, home.swarm.sending(&SYSTEM, token, &what)).await;
    assert!(home.swarm.claim_own(&SYSTEM).await.unwrap().is_none());
    assert_eq!(home.count("publication:published").await, 1);
    home.pending("market").await;
}

#[tokio::test]
async fn only_the_daemon_takes_its_own_tasks() {
    let home = Home::new().await;
    ready_to_publish(&home).await;
    let hunter = home.agent("hunter");
    for who in [OPERATOR, Principal::Agent(hunter.clone()), Principal::Worker(hunter), Principal::Rehearsal] {
        home.refused(Kind::Denied, home.swarm.claim_own(&who)).await;
    }
}

#[tokio::test]
async fn an_agent_with_the_daemons_name_is_not_the_daemon() {
    let home = Home::with(|rules| {
        let mut role = rules.roles["hunter"].clone();
        role.name = "daemon".to_owned();
        rules.roles.insert("daemon".to_owned(), role);
    })
    .await;
    ready_to_publish(&home).await;
    let impostor = home.hire("daemon").await;
    let (_, token) = claim(&home).await;
    let finish = Complete {
        progress: Progress { token, report: 1, usage: Usage::default(), cost: MicroUsd(0) },
        result: json!({ "url": "http://evil.example" }),
        manifest: None,
        checks: vec![],
    };
    home.refused(Kind::Denied, home.swarm.complete(&impostor.who, finish)).await;
    home.refused(Kind::Denied, home.swarm.validating(&impostor.who, token)).await;
    home.swarm.lose(&SYSTEM, token, "the daemon died".to_owned()).await.unwrap();
}

#[tokio::test]
async fn what_was_changed_after_the_decision_is_not_published() {
    let changes = [
        "UPDATE approvals SET terms = json_set(terms, '$.visibility', 'public') WHERE kind = 'publish'",
        "UPDATE approvals SET snapshot = (SELECT hash FROM snapshots s WHERE s.hash <> approvals.snapshot LIMIT 1) WHERE kind = 'publish'",
        "UPDATE approvals SET kind = 'post' WHERE kind = 'publish'",
        "UPDATE approvals SET state = 'rejected' WHERE kind = 'publish'",
        "UPDATE approvals SET decided_by = 'agent hunter' WHERE kind = 'publish'",
        "UPDATE approvals SET decided_by = 'rehearsal' WHERE kind = 'publish'",
        "UPDATE snapshots SET manifest = '[]' WHERE hash = (SELECT snapshot FROM approvals WHERE kind = 'publish')",
        "UPDATE tasks SET payload = '{\"approval\":1}' WHERE type = 'publish'",
        "UPDATE tasks SET payload = '{\"approval\":99}' WHERE type = 'publish'",
        "UPDATE publications SET approval = 1",
    ];
    for change in changes {
        let home = Home::new().await;
        ready_to_publish(&home).await;
        let (task, token) = claim(&home).await;
        let what = home.swarm.publishing(&SYSTEM, &task).await.unwrap();
        home.tamper(change);
        let task = home.task(task.id).await;
        let error = home.refused(Kind::Denied, home.swarm.publishing(&SYSTEM, &task)).await;
        assert!(error.message.contains("does not allow"), "{change}: {error}");
        // Also what was proven before the change is not sent after it.
        let error = home.swarm.sending(&SYSTEM, token, &what).await.expect_err(change);
        assert!(matches!(error.kind, Kind::Denied | Kind::Conflict), "{change}: {error}");
    }
}

#[tokio::test]
async fn nothing_is_published_before_the_decision() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    assert!(home.swarm.publications().await.unwrap().is_empty());
    assert!(home.swarm.claim_own(&SYSTEM).await.unwrap().is_none());
    home.reject(&asked, "no").await;
    assert!(home.swarm.claim_own(&SYSTEM).await.unwrap().is_none());
}

#[tokio::test]
async fn a_publication_that_was_cancelled_is_not_sent() {
    let home = Home::new().await;
    ready_to_publish(&home).await;
    let (task, token) = claim(&home).await;
    let what = home.swarm.publishing(&SYSTEM, &task).await.unwrap();
    home.swarm.cancel_task(&OPERATOR, task.id, Some("wait".to_owned())).await.unwrap();
    home.refused(Kind::Conflict, home.swarm.sending(&SYSTEM, token, &what)).await;
    // The daemon gives up, and the task can be tried again.
    let progress = Progress { token, report: 1, usage: Usage::default(), cost: MicroUsd(0) };
    let failing = Fail { progress, class: FailureClass::Crashed, detail: "not published".to_owned(), resets_at: None };
    assert_eq!(home.swarm.fail(&SYSTEM, failing).await.unwrap(), Ended::Over);
    assert!(home.swarm.unreleased(None).await.unwrap().is_empty(), "nothing of it runs any more");
    home.swarm.retry_task(&OPERATOR, task.id).await.unwrap();
    assert_eq!(claim(&home).await.0.id, task.id);
}

#[tokio::test]
async fn what_was_sent_before_the_cancel_is_written_down_as_published() {
    let home = Home::new().await;
    ready_to_publish(&home).await;
    let (task, token) = claim(&home).await;
    let what = home.swarm.publishing(&SYSTEM, &task).await.unwrap();
    home.swarm.sending(&SYSTEM, token, &what).await.unwrap();
    home.swarm.cancel_task(&OPERATOR, task.id, None).await.unwrap();
    assert_eq!(home.swarm.published(&SYSTEM, token, &what, URL).await.unwrap(), Ended::Over);
    assert_eq!(home.swarm.publications().await.unwrap()[0].state, PublicationState::Published);
    assert_eq!(home.task(task.id).await.life.state.name(), StateName::Cancelled);
    assert!(home.swarm.unreleased(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_daemon_that_dies_while_publishing_goes_on_with_the_same_key() {
    let mut home = Home::new().await;
    ready_to_publish(&home).await;
    let (task, token) = claim(&home).await;
    let what = home.swarm.publishing(&SYSTEM, &task).await.unwrap();
    home.swarm.sending(&SYSTEM, token, &what).await.unwrap();
    home.restart().await;
    home.swarm.lose(&SYSTEM, token, "the daemon died".to_owned()).await.unwrap();
    home.refused(Kind::Conflict, home.swarm.sending(&SYSTEM, token, &what)).await;
    let (task, token) = claim(&home).await;
    let again = home.swarm.publishing(&SYSTEM, &task).await.unwrap();
    assert_eq!((again.publication.key, again.publication.state), (what.publication.key, PublicationState::Sending));
    let what = home.swarm.publishing(&SYSTEM, &task).await.unwrap();
    home.swarm.sending(&SYSTEM, token, &what).await.unwrap();
    assert_eq!(home.swarm.published(&SYSTEM, token, &what, URL).await.unwrap(), Ended::Done);
}

#[tokio::test]
async fn an_outlet_that_refuses_is_tried_again_and_then_told() {
    let home = Home::new().await;
    let approved = ready_to_publish(&home).await;
    let mut ended = Ended::Again;
    while ended == Ended::Again {
        let (_, token) = claim(&home).await;
        let progress = Progress { token, report: 1, usage: Usage::default(), cost: MicroUsd(0) };
        let detail = "not published: the outlet is full".to_owned();
        ended = home.swarm.fail(&SYSTEM, Fail { progress, class: FailureClass::Crashed, detail, resets_at: None }).await.unwrap();
        home.clock.advance(HOUR);
    }
    assert_eq!(ended, Ended::Failed);
    assert_ne!(home.product(approved.product).await.state, ProductState::Published);
    let given_up = home.swarm.publications().await.unwrap().remove(0);
    assert_eq!(given_up.state, PublicationState::Failed);
    // Somebody made room, and says so.
    home.swarm.retry_task(&OPERATOR, given_up_task(&home).await).await.unwrap();
    let (task, token) = claim(&home).await;
    let what = home.swarm.publishing(&SYSTEM, &task).await.unwrap();
    assert_eq!(what.publication.key, given_up.key, "whatever was sent before is found under it");
    home.swarm.sending(&SYSTEM, token, &what).await.unwrap();
    home.swarm.published(&SYSTEM, token, &what, URL).await.unwrap();
    assert_eq!(home.swarm.publications().await.unwrap().remove(0).state, PublicationState::Published);
}

/// The publish task that failed for good.
async fn given_up_task(home: &Home) -> i64 {
    let failed = home.swarm.status().await.unwrap().failed;
    failed.into_iter().find(|task| task.kind == "publish").unwrap().id
}

#[tokio::test]
async fn it_goes_where_the_person_agreed_to_whatever_the_settings_say_by_now() {
    let mut home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    home.rules.publish = PublishTerms { outlet: "elsewhere".into(), account: "somebody".into(), visibility: "public".into() };
    home.restart().await;
    home.approve(&asked).await;
    let (task, _) = claim(&home).await;
    let what = home.swarm.publishing(&SYSTEM, &task).await.unwrap();
    assert_eq!(what.publication.outlet, "local");
    assert_eq!((&what.approval.terms["outlet"], &what.approval.terms["visibility"]), (&json!("local"), &json!("private")));
}

#[tokio::test]
async fn each_step_of_a_publication_is_told() {
    let home = Home::new().await;
    ready_to_publish(&home).await;
    let (task, token) = claim(&home).await;
    let what = home.swarm.publishing(&SYSTEM, &task).await.unwrap();
    home.swarm.sending(&SYSTEM, token, &what).await.unwrap();
    home.swarm.published(&SYSTEM, token, &what, URL).await.unwrap();
    for kind in ["publication:intended", "publication:sending", "publication:published"] {
        assert_eq!(home.count(kind).await, 1, "{kind}");
    }
}
