//! Create, cancel, retry, depend.

use claude_swarm::domain::error::Kind;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::principal::Principal;
use claude_swarm::domain::report::Ended;
use claude_swarm::domain::task::StateName;
use claude_swarm::swarm::CreateTask;
use serde_json::json;

use crate::home::{Home, OPERATOR, SYSTEM, research};

fn keyed(question: &str, key: &str) -> CreateTask {
    CreateTask { dedup_key: Some(key.to_owned()), ..research(question) }
}

fn after(needs: &[i64]) -> CreateTask {
    CreateTask { needs: needs.to_vec(), ..research("later") }
}

#[tokio::test]
async fn the_same_key_is_the_same_task_and_another_key_another() {
    let home = Home::new().await;
    let first = home.create(keyed("why?", "a")).await;
    let before = home.dump();
    let again = home.swarm.create_task(&OPERATOR, keyed("why?", "a")).await.unwrap();
    assert!(again.existed);
    assert_eq!(again.id, first);
    assert_eq!(before, home.dump(), "asking again changes nothing");
    assert_ne!(home.create(keyed("why?", "b")).await, first);
}

#[tokio::test]
async fn a_key_does_not_stand_for_something_else() {
    let home = Home::new().await;
    let product = home.product_to_build().await;
    home.create(keyed("why?", "a")).await;
    home.refused(Kind::Conflict, home.swarm.create_task(&OPERATOR, keyed("how?", "a"))).await;
    let other = CreateTask { kind: "respond_to_human".to_owned(), ..keyed("why?", "a") };
    home.refused(Kind::Conflict, home.swarm.create_task(&OPERATOR, other)).await;
    let elsewhere = CreateTask { product: Some(product), ..keyed("why?", "a") };
    home.refused(Kind::Conflict, home.swarm.create_task(&OPERATOR, elsewhere)).await;
    let empty = home.refused(Kind::Invalid, home.swarm.create_task(&OPERATOR, keyed("why?", ""))).await;
    assert_eq!(empty.field.as_deref(), Some("dedup_key"));
}

#[tokio::test]
async fn a_request_that_is_wrong_is_refused_by_the_name_of_its_field() {
    let home = Home::new().await;
    let product = home.product_to_build().await;
    let question = |value| CreateTask { payload: json!({ "question": value }), ..research("") };
    let wrong = [
        ("type", CreateTask { kind: "guess".to_owned(), ..research("x") }),
        ("payload.question", question(json!(4))),
        ("payload.question", question(json!("red \u{1b}[31m"))),
        ("payload.question", question(json!("turned \u{202e}round"))),
        ("payload", CreateTask { payload: json!({}), ..research("") }),
        ("payload", CreateTask { payload: json!({ "question": "x".repeat(300_000) }), ..research("") }),
        ("priority", CreateTask { priority: Some(0), ..research("x") }),
        ("priority", CreateTask { priority: Some(11), ..research("x") }),
        ("needs", after(&[999])),
        ("needs", after(&[1; 101])),
        (
            "product",
            CreateTask { kind: "fix_product".to_owned(), payload: json!({ "from": "person", "summary": "s" }), ..research("") },
        ),
        ("dedup_key", keyed("x", &"k".repeat(201))),
    ];
    for (field, request) in wrong {
        let what = format!("{request:?}");
        let error = home.refused(Kind::Invalid, home.swarm.create_task(&OPERATOR, request)).await;
        assert_eq!(error.field.as_deref(), Some(field), "{what}: {error}");
        assert!(error.hint.is_some() || field == "needs" || field.starts_with("payload"), "{what}: no way out: {error}");
    }
    home.refused(Kind::NotFound, home.swarm.create_task(&OPERATOR, CreateTask { product: Some(product + 1), ..research("x") }))
        .await;
    let by_hand =
        CreateTask { kind: "publish".to_owned(), payload: json!({ "approval": 1 }), product: Some(product), ..research("") };
    home.refused(Kind::Denied, home.swarm.create_task(&OPERATOR, by_hand)).await;
}

#[tokio::test]
async fn a_type_that_no_agent_takes_is_not_queued_for_ever() {
    let home = Home::with(|rules| drop(rules.roles.remove("hunter"))).await;
    let error = home.refused(Kind::Invalid, home.swarm.create_task(&OPERATOR, research("x"))).await;
    assert_eq!(error.field.as_deref(), Some("type"));
}

#[tokio::test]
async fn only_the_operator_changes_the_queue() {
    let home = Home::new().await;
    let id = home.create(research("x")).await;
    let other = home.create(research("y")).await;
    let hunter = home.agent("hunter");
    for who in [Principal::Agent(hunter.clone()), Principal::Worker(hunter), SYSTEM, Principal::Rehearsal] {
        home.refused(Kind::Denied, home.swarm.create_task(&who, research("z"))).await;
        home.refused(Kind::Denied, home.swarm.cancel_task(&who, id, None)).await;
        home.refused(Kind::Denied, home.swarm.retry_task(&who, id)).await;
        home.refused(Kind::Denied, home.swarm.depend_task(&who, id, other)).await;
    }
}

#[tokio::test]
async fn a_circle_of_dependencies_is_refused() {
    let home = Home::new().await;
    let a = home.create(research("a")).await;
    let b = home.create(after(&[a])).await;
    let c = home.create(after(&[b])).await;
    home.refused(Kind::Conflict, home.swarm.depend_task(&OPERATOR, a, c)).await;
    home.refused(Kind::Conflict, home.swarm.depend_task(&OPERATOR, a, b)).await;
    home.refused(Kind::Conflict, home.swarm.depend_task(&OPERATOR, a, a)).await;
    home.refused(Kind::NotFound, home.swarm.depend_task(&OPERATOR, a, 99)).await;
    home.refused(Kind::NotFound, home.swarm.depend_task(&OPERATOR, 99, a)).await;
    assert_eq!(home.task(a).await.life.state.name(), StateName::Pending);
}

#[tokio::test]
async fn a_task_is_free_when_all_it_waits_for_is_done() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let (a, b) = (home.create(research("a")).await, home.create(research("b")).await);
    let last = home.create(after(&[a, b])).await;
    assert_eq!(home.task(last).await.life.state.name(), StateName::Blocked);
    home.work(&hunter).await;
    assert_eq!(home.task(last).await.life.state.name(), StateName::Blocked, "one of two is not enough");
    home.work(&hunter).await;
    assert_eq!(home.task(last).await.life.state.name(), StateName::Pending);
    assert_eq!(home.count("task:unblocked").await, 1);
    let at_once = home.create(after(&[a, b])).await;
    assert_eq!(home.task(at_once).await.life.state.name(), StateName::Pending, "what is done holds nobody up");
}

#[tokio::test]
async fn what_waits_for_a_failed_task_is_stuck_until_that_is_done() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let first = home.create(research("a")).await;
    let second = home.create(after(&[first])).await;
    let claimed = home.start(&hunter).await;
    assert_eq!(home.fail(&hunter, &claimed, FailureClass::Refused).await, Ended::Failed);
    let detail = home.swarm.task(second).await.unwrap();
    assert_eq!(detail.task.life.state.name(), StateName::Blocked);
    assert_eq!(detail.needs, [(first, StateName::Failed)]);
    home.wait(&hunter).await;
    home.swarm.retry_task(&OPERATOR, first).await.unwrap();
    home.work(&hunter).await;
    assert_eq!(home.task(second).await.life.state.name(), StateName::Pending);
}

#[tokio::test]
async fn a_dependency_can_be_added_as_long_as_nothing_has_begun() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let done = home.create(research("done")).await;
    home.work(&hunter).await;
    let (a, b) = (home.create(research("a")).await, home.create(research("b")).await);
    home.swarm.depend_task(&OPERATOR, b, a).await.unwrap();
    assert_eq!(home.task(b).await.life.state.name(), StateName::Blocked);
    // What is done already changes nothing, whether the task waits for others or not.
    home.swarm.depend_task(&OPERATOR, b, done).await.unwrap();
    home.swarm.depend_task(&OPERATOR, a, done).await.unwrap();
    assert_eq!(home.task(b).await.life.state.name(), StateName::Blocked);
    assert_eq!(home.task(a).await.life.state.name(), StateName::Pending);
    let before = home.dump();
    home.swarm.depend_task(&OPERATOR, b, a).await.unwrap();
    assert_eq!(before, home.dump(), "saying it twice is once");
    let running = home.start(&hunter).await;
    let late = home.create(research("late")).await;
    home.refused(Kind::Conflict, home.swarm.depend_task(&OPERATOR, running.task.id, late)).await;
    home.refused(Kind::Conflict, home.swarm.depend_task(&OPERATOR, done, late)).await;
}

#[tokio::test]
async fn a_task_cancelled_while_it_waited_waits_again_when_it_is_retried() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let first = home.create(research("a")).await;
    let second = home.create(after(&[first])).await;
    home.swarm.cancel_task(&OPERATOR, second, None).await.unwrap();
    home.swarm.retry_task(&OPERATOR, second).await.unwrap();
    assert_eq!(home.task(second).await.life.state.name(), StateName::Blocked);
    assert_eq!(home.work(&hunter).await.task.id, first);
    assert_eq!(home.task(second).await.life.state.name(), StateName::Pending);
}

#[tokio::test]
async fn what_is_over_is_cancelled_and_retried_only_where_that_makes_sense() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let id = home.create(research("a")).await;
    home.refused(Kind::Conflict, home.swarm.retry_task(&OPERATOR, id)).await;
    home.work(&hunter).await;
    home.refused(Kind::Conflict, home.swarm.retry_task(&OPERATOR, id)).await;
    home.refused(Kind::Conflict, home.swarm.cancel_task(&OPERATOR, id, None)).await;
    home.refused(Kind::NotFound, home.swarm.cancel_task(&OPERATOR, 99, None)).await;
    home.refused(Kind::NotFound, home.swarm.retry_task(&OPERATOR, 99)).await;
    let id = home.create(research("b")).await;
    home.swarm.cancel_task(&OPERATOR, id, Some("not now".to_owned())).await.unwrap();
    assert_eq!(home.task(id).await.life.reason.as_deref(), Some("not now"));
    home.refused(Kind::Conflict, home.swarm.cancel_task(&OPERATOR, id, None)).await;
    home.refused(Kind::Invalid, home.swarm.cancel_task(&OPERATOR, id, Some("\u{7}".to_owned()))).await;
    home.swarm.retry_task(&OPERATOR, id).await.unwrap();
    assert_eq!(home.work(&hunter).await.task.id, id);
}
