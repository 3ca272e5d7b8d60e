//! Leases follow what was committed, whoever still waits for the answer.

use claude_swarm::domain::approval::Decision;
use claude_swarm::domain::task::StateName;
use claude_swarm::swarm::CreateTask;

use crate::home::{Home, OPERATOR, answer, good, research};

/// Begins an operation and goes away before its answer, as a client does whose person pressed Ctrl-C. Answers when it is committed. A writer that
/// was faster than the going away is as good: nobody takes the answer either way.
async fn asked_and_left<T>(home: &Home, operation: impl Future<Output = T>) {
    {
        let mut operation = std::pin::pin!(operation);
        std::future::poll_fn(|context| std::task::Poll::Ready(operation.as_mut().poll(context).is_ready())).await;
    }
    home.settle().await;
}

#[tokio::test]
async fn a_claim_is_renewed_until_it_is_over() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    let claimed = home.start(&hunter).await;
    assert!(home.swarm.renew(&hunter.who, claimed.attempt.token).unwrap());
    home.finish(&hunter, &claimed, good(&claimed.spec, "research")).await;
    assert!(!home.swarm.renew(&hunter.who, claimed.attempt.token).unwrap());
}

#[tokio::test]
async fn whoever_cancels_and_goes_away_has_cancelled() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let id = home.create(research("a")).await;
    let claimed = home.start(&hunter).await;
    asked_and_left(&home, home.swarm.cancel_task(&OPERATOR, id, None)).await;
    assert_eq!(home.task(id).await.life.state.name(), StateName::Cancelled);
    assert!(!home.swarm.renew(&hunter.who, claimed.attempt.token).unwrap(), "its worker must be told to stop");
}

#[tokio::test]
async fn a_worker_that_asks_and_is_cut_off_has_its_claim() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let id = home.create(research("a")).await;
    asked_and_left(&home, home.swarm.claim(&hunter.who, hunter.session)).await;
    let task = home.task(id).await;
    assert!(
        home.swarm.renew(&hunter.who, task.life.state.claim().unwrap().token).unwrap(),
        "a claim without a lease would never run out"
    );
}

#[tokio::test]
async fn what_ends_with_its_product_is_told_to_stop() {
    let home = Home::with_pipeline(|pipeline| pipeline.max_rounds = 1).await;
    let product = home.product_to_build().await;
    let (builder, reviewer) = (home.hire("builder-1").await, home.hire("reviewer").await);
    // Reviews fail until a person is asked, while somebody works on the product by the operator's order.
    home.work(&builder).await;
    loop {
        let review = home.start(&reviewer).await;
        home.finish(&reviewer, &review, answer("code_review", Some("fail"))).await;
        if !home.swarm.approvals(false).await.unwrap().is_empty() {
            break;
        }
        home.work(&builder).await;
    }
    let request = CreateTask {
        kind: "code_review".to_owned(),
        payload: serde_json::json!({}),
        product: Some(product),
        ..CreateTask::default()
    };
    home.create(request).await;
    let ordered = home.start(&reviewer).await;
    let asked = home.open().await;
    assert_eq!(asked.kind, "continue");
    home.swarm.decide(&OPERATOR, asked.id, Decision::Reject, Some("enough".to_owned()), None).await.unwrap();
    assert_eq!(home.task(ordered.task.id).await.life.state.name(), StateName::Cancelled);
    assert!(!home.swarm.renew(&reviewer.who, ordered.attempt.token).unwrap(), "its worker must be told to stop");
}

#[tokio::test]
async fn after_a_restart_every_claim_has_a_full_term() {
    let mut home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    let claimed = home.start(&hunter).await;
    home.restart().await;
    assert!(home.swarm.renew(&hunter.who, claimed.attempt.token).unwrap());
    home.finish(&hunter, &claimed, good(&claimed.spec, "research")).await;
}
