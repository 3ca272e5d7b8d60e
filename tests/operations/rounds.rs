//! The bounded loop of review, test and mending.

use claude_swarm::domain::product::ProductState;
use claude_swarm::domain::task::StateName;
use claude_swarm::swarm::{ApprovalRow, TaskFilter};

use crate::home::{Hired, Home, OPERATOR, answer, ready_to_approve};

struct Team {
    builder: Hired,
    reviewer: Hired,
}

async fn team(home: &Home) -> Team {
    Team { builder: home.hire("builder-1").await, reviewer: home.hire("reviewer").await }
}

/// Sends the product back until a person is asked; answers how often it was sent back before.
async fn until_asked(home: &Home, team: &Team) -> (usize, ApprovalRow) {
    let mut sent_back = 0;
    loop {
        home.work(&team.builder).await;
        let review = home.start(&team.reviewer).await;
        home.finish(&team.reviewer, &review, answer("code_review", Some("fail"))).await;
        if let Some((asked, _)) = home.swarm.approvals(false).await.unwrap().pop() {
            return (sent_back, asked);
        }
        sent_back += 1;
    }
}

#[tokio::test]
async fn past_the_bound_a_person_is_asked_and_may_allow_one_more() {
    let home = Home::new().await;
    assert_eq!(home.rules.pipeline.max_rounds, 3);
    let id = home.product_to_build().await;
    let team = team(&home).await;
    let (sent_back, asked) = until_asked(&home, &team).await;
    assert_eq!(sent_back, 3, "max_rounds is how often it is sent back before a person is asked");
    assert_eq!(asked.kind, "continue");
    let product = home.product(id).await;
    assert_eq!(product.round, product.round_bound);

    home.approve(&asked).await;
    let allowed = home.product(id).await;
    assert_eq!((allowed.round, allowed.round_bound), (product.round + 1, product.round_bound + 1));
    let (sent_back, asked) = until_asked(&home, &team).await;
    assert_eq!((sent_back, asked.kind.as_str()), (0, "continue"), "one more and not two");
}

#[tokio::test]
async fn a_person_may_give_the_product_up() {
    let home = Home::new().await;
    let id = home.product_to_build().await;
    let team = team(&home).await;
    let (_, asked) = until_asked(&home, &team).await;
    home.reject(&asked, "It is not worth it.").await;
    let product = home.product(id).await;
    assert_eq!((product.state, product.reason.as_deref()), (ProductState::Shelved, Some("It is not worth it.")));
    let filter = TaskFilter { product: Some(id), limit: 100, ..TaskFilter::default() };
    assert!(home.swarm.tasks(filter).await.unwrap().iter().all(|task| task.life.state.name().is_over()));
}

#[tokio::test]
async fn a_product_that_is_given_up_leaves_nothing_to_do() {
    let home = Home::new().await;
    let id = home.product_to_build().await;
    let team = team(&home).await;
    let (_, asked) = until_asked(&home, &team).await;
    let request = claude_swarm::swarm::CreateTask {
        kind: "code_review".to_owned(),
        payload: serde_json::json!({}),
        product: Some(id),
        ..Default::default()
    };
    let waiting = home.create(request).await;
    home.reject(&asked, "enough").await;
    assert_eq!(home.task(waiting).await.life.state.name(), StateName::Cancelled);
    home.wait(&team.reviewer).await;
    home.wait(&team.builder).await;
}

#[tokio::test]
async fn a_rejected_publication_goes_back_with_the_reason() {
    let home = Home::new().await;
    let asked = ready_to_approve(&home).await;
    home.reject(&asked, "The price is wrong.").await;
    let fix = home.pending("fix_product").await;
    assert_eq!(fix.payload, serde_json::json!({ "from": "person", "summary": "The price is wrong." }));
    assert_eq!(fix.product, Some(asked.product));
    assert!(home.swarm.publications().await.unwrap().is_empty());
    assert!(home.swarm.claim_own(&crate::home::SYSTEM).await.unwrap().is_none());
    home.swarm.cancel_task(&OPERATOR, fix.id, None).await.unwrap();
}
