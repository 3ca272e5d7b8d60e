//! "Done" needs evidence: what the model says is held against the schema, the files and the checks.

use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::pipeline::{Action, Creation, OnFailure, Pipeline};
use claude_swarm::domain::report::{Complete, Ended, Progress};
use claude_swarm::domain::task::{Outcome, StateName};
use claude_swarm::swarm::CreateTask;
use serde_json::{Value, json};

use crate::home::{HOUR, Hired, Home, OPERATOR, answer, good, idea, research};

/// Finishes in a way that must not count, as often as the task may be tried, and says what the last attempt was told.
async fn never_good_enough(home: &Home, hired: &Hired, spoil: impl Fn(&Home, &mut Complete), class: FailureClass) -> String {
    let mut told = None;
    let attempts = home.claim(hired).await.task.limits.attempts;
    for n in 1..=attempts {
        let claimed = home.start(hired).await;
        assert_eq!(claimed.task.feedback, told, "attempt {n} is told why the one before was refused");
        let mut finish = home.finishing(&claimed, good(&claimed.spec, &claimed.task.kind));
        spoil(home, &mut finish);
        let ended = home.swarm.complete(&hired.who, finish).await.unwrap();
        assert_eq!(ended, if n < attempts { Ended::Again } else { Ended::Failed });
        let detail = home.swarm.task(claimed.task.id).await.unwrap();
        let last = detail.attempts.last().unwrap();
        assert_eq!((last.outcome, last.class), (Some(Outcome::Failed), Some(class)));
        assert_eq!(last.cost.usd(), 0.25, "what it cost counts all the same");
        assert!(detail.task.life.reason.is_some() && detail.task.result.is_none());
        assert!(last.released_at.is_some());
        told = detail.task.feedback;
        assert!(told.is_some());
        home.clock.advance(HOUR);
    }
    told.unwrap()
}

#[tokio::test]
async fn a_result_that_misses_its_schema_is_tried_again_and_then_fails() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    let spoil = |_: &Home, finish: &mut Complete| finish.result["ideas"] = json!([{ "title": "x" }]);
    let told = never_good_enough(&home, &hunter, spoil, FailureClass::ResultMissing).await;
    assert!(told.starts_with("result.ideas.0"), "{told}");
}

#[tokio::test]
async fn a_result_that_is_no_object_is_tried_again() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    for result in [Value::Null, json!("done"), json!([1]), json!({})] {
        let id = home.create(research("a")).await;
        never_good_enough(&home, &hunter, |_, finish| finish.result = result.clone(), FailureClass::ResultMissing).await;
        assert_eq!(home.task(id).await.life.state.name(), StateName::Failed);
    }
}

#[tokio::test]
async fn a_verdict_that_contradicts_itself_does_not_count() {
    let home = Home::new().await;
    let (hunter, critic) = (home.hire("hunter").await, home.hire("critic").await);
    home.create(research("a")).await;
    home.work(&hunter).await;
    // Bounty work never passes, whatever the score.
    let spoil = |_: &Home, finish: &mut Complete| finish.result["is_bounty"] = json!(true);
    let told = never_good_enough(&home, &critic, spoil, FailureClass::ResultMissing).await;
    assert!(told.contains("contradicts the verdict"), "{told}");
    assert_eq!(home.count("product:started").await, 0);
}

#[tokio::test]
async fn a_pass_with_an_aspect_that_is_not_ok_does_not_count() {
    let home = Home::new().await;
    home.product_to_build().await;
    let (builder, reviewer) = (home.hire("builder-1").await, home.hire("reviewer").await);
    home.work(&builder).await;
    let spoil = |_: &Home, finish: &mut Complete| finish.result["security"]["ok"] = json!(false);
    never_good_enough(&home, &reviewer, spoil, FailureClass::ResultMissing).await;
}

#[tokio::test]
async fn a_file_that_is_declared_and_not_there_does_not_count() {
    let home = Home::new().await;
    home.product_to_build().await;
    let builder = home.hire("builder-1").await;
    let spoil = |_: &Home, finish: &mut Complete| finish.result["files"] = json!(["README.md", "src/main.rs"]);
    let told = never_good_enough(&home, &builder, spoil, FailureClass::EvidenceMissing).await;
    assert!(told.contains("src/main.rs"), "{told}");
}

#[tokio::test]
async fn a_file_that_must_be_there_and_is_not_does_not_count() {
    let home = Home::new().await;
    home.product_to_build().await;
    let builder = home.hire("builder-1").await;
    let spoil = |_: &Home, finish: &mut Complete| {
        finish.result["files"] = json!(["README.md"]);
        finish.manifest.as_mut().unwrap().0.retain(|entry| entry.path != "test.sh");
    };
    never_good_enough(&home, &builder, spoil, FailureClass::EvidenceMissing).await;
}

#[tokio::test]
async fn a_writer_without_a_snapshot_is_not_done() {
    let home = Home::new().await;
    home.product_to_build().await;
    let builder = home.hire("builder-1").await;
    never_good_enough(&home, &builder, |_, finish| finish.manifest = None, FailureClass::EvidenceMissing).await;
}

#[tokio::test]
async fn a_check_that_failed_is_told_to_the_next_attempt() {
    let home = Home::new().await;
    home.product_to_build().await;
    let builder = home.hire("builder-1").await;
    let spoil = |home: &Home, finish: &mut Complete| finish.checks = vec![home.check("tests", 3, "FAILED links.sh")];
    let told = never_good_enough(&home, &builder, spoil, FailureClass::ChecksFailed).await;
    assert!(told.contains("exited with 3") && told.contains("FAILED links.sh"), "{told}");
}

#[tokio::test]
async fn a_check_that_was_not_run_or_did_not_end_does_not_count() {
    let home = Home::new().await;
    home.product_to_build().await;
    let builder = home.hire("builder-1").await;
    never_good_enough(&home, &builder, |_, finish| finish.checks.clear(), FailureClass::EvidenceMissing).await;
    home.product_to_build().await;
    let spoil = |_: &Home, finish: &mut Complete| finish.checks[0].exit = None;
    never_good_enough(&home, &builder, spoil, FailureClass::ChecksFailed).await;
}

#[tokio::test]
async fn finishing_twice_is_once() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    home.create(research("a")).await;
    let claimed = home.start(&hunter).await;
    let finish = home.finishing(&claimed, good(&claimed.spec, "research"));
    assert_eq!(home.swarm.complete(&hunter.who, finish.clone()).await.unwrap(), Ended::Done);
    let before = home.dump();
    assert_eq!(home.swarm.complete(&hunter.who, finish.clone()).await.unwrap(), Ended::Done);
    let other = Complete {
        result: json!({ "summary": "another", "ideas": [] }),
        progress: Progress { report: 101, ..finish.progress },
        ..finish
    };
    assert_eq!(home.swarm.complete(&hunter.who, other).await.unwrap(), Ended::Done);
    assert_eq!(before, home.dump());
    assert_eq!(home.count("task:completed").await, 1);
}

#[tokio::test]
async fn what_follows_is_created_with_what_it_follows_from() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let id = home.create(research("a")).await;
    let claimed = home.start(&hunter).await;
    home.finish(&hunter, &claimed, json!({ "summary": "two", "ideas": [idea("One"), idea("Two")] })).await;
    let all = home.swarm.tasks(claude_swarm::swarm::TaskFilter { limit: 10, ..Default::default() }).await.unwrap();
    let (children, parent): (Vec<_>, Vec<_>) = all.into_iter().partition(|task| task.id != id);
    assert_eq!(children.len(), 2);
    for child in children {
        assert_eq!((child.kind.as_str(), child.parent, child.root), ("evaluate_idea", Some(id), Some(id)));
        assert_eq!(child.trace, parent[0].trace);
    }
}

#[tokio::test]
async fn feedback_is_not_triaged_twice() {
    let home = Home::new().await;
    let support = home.hire("support").await;
    for _ in 0..2 {
        let payload = json!({ "repository": "me/links" });
        home.create(CreateTask { kind: "monitor_github".to_owned(), payload, priority: Some(10), ..CreateTask::default() }).await;
        assert_eq!(home.work(&support).await.task.kind, "monitor_github");
    }
    home.pending("triage_issue").await;
}

/// A test whose program says no, whatever the model says.
async fn tested(home: &Home, exit: i32, tail: &str, result: Value) -> claude_swarm::swarm::TaskRow {
    home.product_to_build().await;
    for name in ["builder-1", "reviewer"] {
        let hired = home.hire(name).await;
        home.work(&hired).await;
    }
    let tester = home.hire("tester").await;
    let claimed = home.start(&tester).await;
    let mut finish = home.finishing(&claimed, result);
    finish.checks = vec![home.check("tests", exit, tail)];
    assert_eq!(home.swarm.complete(&tester.who, finish).await.unwrap(), Ended::Done);
    home.task(claimed.task.id).await
}

#[tokio::test]
async fn a_failing_check_turns_the_testers_verdict_and_the_product_goes_back() {
    let home = Home::new().await;
    let task = tested(&home, 1, "1 of 9 failed", answer("test_product", Some("pass"))).await;
    assert_eq!(task.verdict.as_deref(), Some("fail"));
    let fix = home.pending("fix_product").await;
    assert_eq!(fix.payload["from"], "test_product");
    assert!(fix.payload["findings"][0]["what"].as_str().unwrap().contains("1 of 9 failed"), "{}", fix.payload);
    assert_eq!((fix.round, home.product(fix.product.unwrap()).await.round), (2, 2));
}

#[tokio::test]
async fn a_failing_check_beside_many_findings_still_counts() {
    let home = Home::new().await;
    let mut result = answer("test_product", Some("fail"));
    let finding = result["findings"][0].clone();
    result["findings"] = Value::Array(vec![finding; 100]);
    let task = tested(&home, 1, "no", result).await;
    assert_eq!(task.verdict.as_deref(), Some("fail"));
    assert_eq!(task.result.unwrap()["findings"][0]["where"], "tests");
}

#[tokio::test]
async fn what_a_check_printed_does_not_reach_a_terminal_as_it_came() {
    let home = Home::new().await;
    let task = tested(&home, 1, "\u{1b}]0;title\u{7}\u{202e}no", answer("test_product", Some("fail"))).await;
    let fix = home.pending("fix_product").await;
    for value in [task.result.unwrap(), fix.payload] {
        claude_swarm::domain::text::check_json("it", &value).unwrap();
    }
}

#[tokio::test]
async fn a_check_that_turns_the_verdict_of_a_type_without_a_summary() {
    let home = Home::with_pipeline(|pipeline| {
        let checks = pipeline.types["test_product"].checks.clone();
        assert_eq!(checks[0].on_failure, OnFailure::FailVerdict);
        let spec = pipeline.types.get_mut("code_review").unwrap();
        spec.checks = checks;
        spec.result = json!({
            "type": "object", "required": ["verdict"], "additionalProperties": false,
            "properties": { "verdict": { "enum": ["pass", "fail"] } },
        });
        spec.requires.clear();
        let payload = Some(json!({ "from": "code_review", "summary": "it failed" }));
        let fix = Creation { kind: "fix_product".to_owned(), payload, next_round: true, ..Creation::default() };
        spec.on.insert("fail".to_owned(), vec![Action::Create(fix)]);
    })
    .await;
    home.product_to_build().await;
    let (builder, reviewer) = (home.hire("builder-1").await, home.hire("reviewer").await);
    home.work(&builder).await;
    let claimed = home.start(&reviewer).await;
    let mut finish = home.finishing(&claimed, json!({ "verdict": "pass" }));
    finish.checks = vec![home.check("tests", 1, "no")];
    assert_eq!(home.swarm.complete(&reviewer.who, finish).await.unwrap(), Ended::Done);
    assert_eq!(home.task(claimed.task.id).await.verdict.as_deref(), Some("fail"));
}

#[tokio::test]
async fn what_cannot_follow_is_a_failed_attempt_and_not_an_endless_one() {
    // A task without a product whose end asks for what needs one.
    let home = Home::with_pipeline(|pipeline| {
        let ask = Action::AskPerson { kind: "build".to_owned(), terms: None };
        pipeline.types.get_mut("respond_to_human").unwrap().on.insert("done".to_owned(), vec![ask]);
        let build = Action::Create(Creation { kind: "build_product".to_owned(), ..Creation::default() });
        pipeline.types.get_mut("research").unwrap().on.insert("done".to_owned(), vec![build]);
    })
    .await;
    let (hunter, liaison) = (home.hire("hunter").await, home.hire("liaison").await);
    home.create(research("a")).await;
    let payload = json!({ "question": "why?" });
    home.create(CreateTask { kind: "respond_to_human".to_owned(), payload, ..CreateTask::default() }).await;
    for hired in [hunter, liaison] {
        let told = never_good_enough(&home, &hired, |_, _| {}, FailureClass::ResultMissing).await;
        assert!(told.contains("product"), "{told}");
    }
}

#[tokio::test]
async fn a_retried_task_begins_with_all_its_attempts() {
    let home = Home::new().await;
    let hunter = home.hire("hunter").await;
    let id = home.create(research("a")).await;
    never_good_enough(&home, &hunter, |_, finish| finish.result = json!({}), FailureClass::ResultMissing).await;
    home.swarm.retry_task(&OPERATOR, id).await.unwrap();
    let again = home.start(&hunter).await;
    assert_eq!((again.task.life.attempts, again.attempt.number), (0, 4));
    home.finish(&hunter, &again, good(&again.spec, "research")).await;
    assert_eq!(home.task(id).await.life.reason, None);
}

#[test]
fn a_pipeline_that_publishes_without_a_yes_is_none() {
    let payload = json!({ "approval": "$approval.id" });
    let publish =
        || Action::Create(Creation { kind: "publish".to_owned(), payload: Some(payload.clone()), ..Creation::default() });
    let problems = |change: &dyn Fn(&mut Pipeline)| {
        let mut pipeline = crate::home::pipeline();
        change(&mut pipeline);
        pipeline.problems().into_iter().map(|(at, ..)| at).collect::<Vec<_>>()
    };
    let on_done = problems(&|it| it.types.get_mut("market").unwrap().on.get_mut("done").unwrap().push(publish()));
    assert_eq!(on_done, ["types.market.on.done[1].create"]);
    let on_no = problems(&|it| it.approvals.get_mut("publish").unwrap().reject.push(publish()));
    assert_eq!(on_no, ["approvals.publish.reject"]);
    let twice = problems(&|it| it.approvals.get_mut("publish").unwrap().approve.push(publish()));
    assert_eq!(twice, ["approvals.publish.approve"]);
    let turned = problems(&|it| it.types.get_mut("build_product").unwrap().checks[0].on_failure = OnFailure::FailVerdict);
    assert_eq!(turned, ["types.build_product.checks.tests.on_failure"]);
}
