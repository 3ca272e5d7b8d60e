//! Approvals: decided once, by a person, about exactly what was asked.

use claude_swarm::domain::approval::{ApprovalState, Decision, binding};
use claude_swarm::domain::error::Kind;
use claude_swarm::domain::principal::Principal;
use claude_swarm::swarm::ApprovalRow;

use crate::home::{Home, OPERATOR, SYSTEM, ready_to_approve};

async fn approve(home: &Home, who: &Principal, asked: &ApprovalRow) -> Result<ApprovalRow, claude_swarm::domain::error::Error> {
    home.swarm.decide(who, asked.id, Decision::Approve, None, Some(asked.binding.clone())).await
}

#[tokio::test]
async fn only_a_person_decides() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    let hunter = home.agent("hunter");
    for who in [Principal::Agent(hunter.clone()), Principal::Worker(hunter), SYSTEM, Principal::Rehearsal] {
        home.refused(Kind::Denied, approve(&home, &who, &asked)).await;
        let reject = home.swarm.decide(&who, asked.id, Decision::Reject, Some("no".to_owned()), None);
        home.refused(Kind::Denied, reject).await;
    }
    let decided = approve(&home, &OPERATOR, &asked).await.unwrap();
    assert_eq!((decided.state, decided.decided_by.as_deref()), (ApprovalState::Approved, Some("operator")));
}

#[tokio::test]
async fn a_rehearsal_decides_in_a_rehearsal_only() {
    let home = Home::with(|rules| rules.rehearsal = true).await;
    let asked = ready_to_approve(&home).await;
    let decided = approve(&home, &Principal::Rehearsal, &asked).await.unwrap();
    assert_eq!(decided.decided_by.as_deref(), Some("rehearsal"));
}

#[tokio::test]
async fn a_home_is_a_rehearsal_for_life_or_never() {
    let mut home = Home::new().await;
    home.rules.rehearsal = true;
    let opened = crate::home::open(home.dir.path(), &home.rules, &home.clock);
    home.refused(Kind::Conflict, async { opened.await.map(drop) }).await;
}

#[tokio::test]
async fn it_is_decided_once() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    home.approve(&asked).await;
    home.refused(Kind::Conflict, approve(&home, &OPERATOR, &asked)).await;
    let reject = home.swarm.decide(&OPERATOR, asked.id, Decision::Reject, Some("no".to_owned()), None);
    home.refused(Kind::Conflict, reject).await;
    assert_eq!(home.count("publication:intended").await, 1);
    home.refused(Kind::NotFound, home.swarm.decide(&OPERATOR, 99, Decision::Approve, None, None)).await;
}

#[tokio::test]
async fn many_that_decide_at_once_are_one_decision() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    let mut deciding = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (swarm, asked) = (home.swarm.clone(), asked.clone());
        let decision = if n % 2 == 0 { Decision::Approve } else { Decision::Reject };
        deciding.spawn(async move { swarm.decide(&OPERATOR, asked.id, decision, Some("now".to_owned()), None).await.is_ok() });
    }
    let decided = deciding.join_all().await;
    assert_eq!(decided.iter().filter(|decided| **decided).count(), 1);
    assert_eq!(home.count("approval:decided").await, 2, "the build's and this one");
}

#[tokio::test]
async fn a_rejection_needs_a_reason() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    for reason in [None, Some(String::new()), Some(" \n".to_owned()), Some("\u{1b}[2J".to_owned()), Some("x".repeat(9000))] {
        let error = home.refused(Kind::Invalid, home.swarm.decide(&OPERATOR, asked.id, Decision::Reject, reason, None)).await;
        assert_eq!(error.field.as_deref(), Some("reason"));
    }
}

#[tokio::test]
async fn what_was_shown_is_what_is_decided() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    let other = binding("publish", asked.snapshot.as_deref(), &serde_json::json!({ "price_usd": 1 }));
    for seen in [other, String::new(), asked.binding.to_uppercase()] {
        home.refused(Kind::Conflict, home.swarm.decide(&OPERATOR, asked.id, Decision::Approve, None, Some(seen))).await;
    }
}

#[tokio::test]
async fn changed_terms_are_not_approved() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    home.tamper(&format!("UPDATE approvals SET terms = json_set(terms, '$.price_usd', 1) WHERE id = {}", asked.id));
    home.refused(Kind::Conflict, approve(&home, &OPERATOR, &asked)).await;
    home.refused(Kind::Conflict, home.swarm.decide(&OPERATOR, asked.id, Decision::Approve, None, None)).await;
}

#[tokio::test]
async fn another_snapshot_is_not_approved() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    let other = "(SELECT hash FROM snapshots WHERE hash <> approvals.snapshot LIMIT 1)";
    home.tamper(&format!("UPDATE approvals SET snapshot = {other} WHERE id = {}", asked.id));
    home.refused(Kind::Conflict, approve(&home, &OPERATOR, &asked)).await;
}

#[tokio::test]
async fn a_snapshot_whose_files_were_swapped_is_not_approved() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    let snapshot = asked.snapshot.clone().unwrap();
    let other = "(SELECT manifest FROM snapshots s WHERE s.hash <> snapshots.hash LIMIT 1)";
    home.tamper(&format!("UPDATE snapshots SET manifest = {other} WHERE hash = '{snapshot}'"));
    home.refused(Kind::Conflict, approve(&home, &OPERATOR, &asked)).await;
    home.tamper(&format!("UPDATE snapshots SET manifest = '[' WHERE hash = '{snapshot}'"));
    home.refused(Kind::Conflict, approve(&home, &OPERATOR, &asked)).await;
    // A person can still say no.
    home.reject(&asked, "somebody was here").await;
}

#[tokio::test]
async fn the_terms_say_where_it_goes() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    for (name, value) in [("outlet", "local"), ("account", "me"), ("visibility", "private"), ("title", "Link checker")] {
        assert_eq!(asked.terms[name], value, "{}", asked.terms);
    }
    assert_eq!(asked.terms["price_usd"], 9);
    assert_eq!(asked.snapshot, home.product(asked.product).await.snapshot);
}

#[tokio::test]
async fn what_is_asked_about_is_what_was_tested_whatever_was_written_since() {
    let home = Home::new().await;
    let product = home.product_to_build().await;
    let builder = home.hire("builder-1").await;
    home.work(&builder).await;
    let built = home.product(product).await.snapshot;
    let (reviewer, tester, publisher) = (home.hire("reviewer").await, home.hire("tester").await, home.hire("publisher").await);
    let fix = |summary: &str| claude_swarm::swarm::CreateTask {
        kind: "fix_product".to_owned(),
        payload: serde_json::json!({ "from": "person", "summary": summary }),
        product: Some(product),
        ..Default::default()
    };
    // Somebody writes between any two of those who look.
    assert_eq!(home.work(&reviewer).await.task.snapshot, built);
    home.create(fix("one")).await;
    home.work(&builder).await;
    let tested = home.work(&tester).await.task;
    assert_eq!((tested.kind.as_str(), tested.snapshot), ("test_product", built.clone()));
    home.create(fix("two")).await;
    home.work(&builder).await;
    assert_eq!(home.work(&publisher).await.task.snapshot, built);
    let asked = home.open().await;
    assert_eq!((asked.kind.as_str(), &asked.snapshot), ("publish", &built));
    assert_ne!(home.product(product).await.snapshot, built);
    // And so it is with what follows from the decision.
    home.approve(&asked).await;
    assert_eq!(home.pending("publish").await.snapshot, built);
}

#[tokio::test]
async fn a_newer_question_takes_the_place_of_an_older_one() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    let request = claude_swarm::swarm::CreateTask {
        kind: "prepare_listing".to_owned(),
        payload: serde_json::json!({}),
        product: Some(asked.product),
        ..Default::default()
    };
    home.create(request).await;
    let publisher = home.hire("publisher").await;
    home.work(&publisher).await;
    let newer = home.open().await;
    assert_ne!(newer.id, asked.id);
    let error = home.refused(Kind::Conflict, approve(&home, &OPERATOR, &asked)).await;
    assert!(error.message.contains("withdrawn"), "{error}");
}
