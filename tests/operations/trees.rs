//! A product's tree has one writer at a time, and is taken until its last writer is known to be gone.

use claude_swarm::domain::error::Kind;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::report::Ended;
use claude_swarm::domain::snapshot::Manifest;
use claude_swarm::swarm::CreateTask;
use serde_json::json;

use crate::home::{Home, OPERATOR, SYSTEM, answer, failing, good, nothing_more};

fn fix(product: i64) -> CreateTask {
    CreateTask {
        kind: "fix_product".to_owned(),
        payload: json!({ "from": "person", "summary": "mend it" }),
        product: Some(product),
        ..CreateTask::default()
    }
}

#[tokio::test]
async fn two_writers_of_one_product_work_one_after_the_other() {
    let home = Home::new().await;
    let product = home.product_to_build().await;
    home.create(fix(product)).await;
    let (one, two) = (home.hire("builder-1").await, home.hire("builder-2").await);
    let first = home.start(&one).await;
    home.wait(&two).await;
    home.finish(&one, &first, good(&first.spec, &first.task.kind)).await;
    home.claim(&two).await;
    home.wait(&one).await;
}

#[tokio::test]
async fn writers_of_two_products_work_side_by_side() {
    let home = Home::new().await;
    home.product_to_build().await;
    home.product_to_build().await;
    let (one, two) = (home.hire("builder-1").await, home.hire("builder-2").await);
    assert_ne!(home.claim(&one).await.task.product, home.claim(&two).await.task.product);
}

#[tokio::test]
async fn a_cancelled_writer_keeps_the_tree_until_it_is_gone() {
    let home = Home::new().await;
    let product = home.product_to_build().await;
    home.create(fix(product)).await;
    let (one, two) = (home.hire("builder-1").await, home.hire("builder-2").await);
    let first = home.start(&one).await;
    home.refused(Kind::Conflict, home.swarm.released(&one.who, nothing_more(first.attempt.token))).await;
    home.swarm.cancel_task(&OPERATOR, first.task.id, None).await.unwrap();
    assert!(!home.swarm.renew(&one.who, first.attempt.token).unwrap(), "its worker is told to stop");
    home.wait(&two).await;
    // Whoever waits for the tree is woken by the event that tells of it.
    let release = async { home.swarm.released(&one.who, nothing_more(first.attempt.token)).await.unwrap() };
    assert!(home.is_told(release).await);
    home.claim(&two).await;
    let before = home.dump();
    home.swarm.released(&one.who, nothing_more(first.attempt.token)).await.unwrap();
    assert_eq!(before, home.dump(), "saying it twice is once");
}

#[tokio::test]
async fn a_cancelled_writer_that_died_gives_the_tree_back_when_that_is_proven() {
    let home = Home::new().await;
    let product = home.product_to_build().await;
    home.create(fix(product)).await;
    let (one, two) = (home.hire("builder-1").await, home.hire("builder-2").await);
    let first = home.start(&one).await;
    home.swarm.cancel_task(&OPERATOR, first.task.id, None).await.unwrap();
    home.kill(&one).await;
    home.wait(&two).await;
    let lose = async { home.swarm.lose(&SYSTEM, first.attempt.token, "its worker died".to_owned()).await.unwrap() };
    assert!(home.is_told(lose).await);
    home.claim(&two).await;
}

#[tokio::test]
async fn a_cancelled_task_can_be_retried_but_waits_for_its_old_attempt() {
    let home = Home::new().await;
    home.product_to_build().await;
    let builder = home.hire("builder-1").await;
    let other = home.hire("builder-2").await;
    let first = home.start(&builder).await;
    home.swarm.cancel_task(&OPERATOR, first.task.id, None).await.unwrap();
    home.swarm.retry_task(&OPERATOR, first.task.id).await.unwrap();
    home.wait(&other).await;
    home.swarm.released(&builder.who, nothing_more(first.attempt.token)).await.unwrap();
    assert_eq!(home.claim(&other).await.task.id, first.task.id);
}

#[tokio::test]
async fn a_report_that_comes_after_the_cancel_is_too_late_and_is_told_so() {
    let home = Home::new().await;
    let product = home.product_to_build().await;
    let builder = home.hire("builder-1").await;
    let first = home.start(&builder).await;
    let before = home.product(product).await.snapshot;
    let finish = home.finishing(&first, good(&first.spec, &first.task.kind));
    home.swarm.cancel_task(&OPERATOR, first.task.id, None).await.unwrap();
    assert_eq!(home.swarm.complete(&builder.who, finish).await.unwrap(), Ended::Over);
    assert_eq!(home.swarm.fail(&builder.who, failing(&first, FailureClass::Crashed)).await.unwrap(), Ended::Over);
    assert_eq!(home.product(product).await.snapshot, before);
    assert_eq!(home.swarm.unreleased(None).await.unwrap().len(), 1, "its sandbox may still run");
}

#[tokio::test]
async fn only_whoever_writes_the_tree_says_what_is_in_it() {
    let home = Home::new().await;
    let product = home.product_to_build().await;
    let (builder, reviewer) = (home.hire("builder-1").await, home.hire("reviewer").await);
    home.work(&builder).await;
    let built = home.product(product).await.snapshot;
    let review = home.start(&reviewer).await;
    let mut finish = home.finishing(&review, answer("code_review", Some("pass")));
    finish.manifest = Some(Manifest::new(vec![home.file("README.md", "another tree")]).unwrap());
    home.swarm.complete(&reviewer.who, finish).await.unwrap();
    assert_eq!(home.product(product).await.snapshot, built);
}

#[tokio::test]
async fn a_manifest_that_could_leave_its_folder_is_refused() {
    let home = Home::new().await;
    home.product_to_build().await;
    let builder = home.hire("builder-1").await;
    let claimed = home.start(&builder).await;
    let good = home.finishing(&claimed, good(&claimed.spec, &claimed.task.kind));
    let Manifest(sound) = good.manifest.clone().unwrap();
    for hostile in ["../escape", "/etc/passwd", "a/../../b", "README.md", "README.md/x", "a\u{1b}b"] {
        // Not through `Manifest::new`: a frame of the wire is not made by it.
        let entries = sound.iter().cloned().chain([home.file(hostile, "x")]).collect();
        let finish = claude_swarm::domain::report::Complete { manifest: Some(Manifest(entries)), ..good.clone() };
        home.refused(Kind::Invalid, home.swarm.complete(&builder.who, finish)).await;
    }
    assert_eq!(home.swarm.complete(&builder.who, good).await.unwrap(), Ended::Done);
}
