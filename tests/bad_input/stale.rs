//! Reports of a worker whose claim is over.

use std::process::Command;

use claude_swarm::client::link::Link;
use claude_swarm::domain::budget::{MicroUsd, Usage};
use claude_swarm::domain::error::Error;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::report::{Complete, Ended, Fail, Progress};
use claude_swarm::domain::task::Token;
use claude_swarm::protocol::VERSION;
use claude_swarm::protocol::rpc::{Call, Hello, Renewed};
use serde_json::{Value, json};

use crate::harness::TestSwarm;

/// A model that works until its workspace says that it may end.
const SLOW: &str = r#"
name: slow
tasks:
  - when: {type: research}
    turns:
      - tool: {name: Bash, input: {command: "until [ -e /workspace/go ]; do sleep 0.1; done"}}
      - result: {summary: done, ideas: []}
"#;

fn token(task: &Value) -> Token {
    let (epoch, n) = task["claim"]["token"].as_str().unwrap().split_once('.').unwrap();
    Token { epoch: epoch.parse().unwrap(), n: n.parse().unwrap() }
}

/// What tells one state of a task from another.
fn life(swarm: &TestSwarm, task: i64) -> Value {
    let shown = swarm.tasks(&["show", &task.to_string()]);
    json!([shown["state"], shown["claim"], shown["attempts"], shown["result"], shown["losses"], shown["events"]])
}

#[test]
fn a_report_with_a_stale_token_changes_nothing() {
    let mut swarm = TestSwarm::rehearsal();
    swarm.script(SLOW);
    swarm.start_daemon(&[]);
    swarm.run(&["start", "hunter"]);
    let task = swarm.create("research", &json!({"question": "why?"}));
    let claimed = swarm.until_task(task, &["running"]);
    let stale = token(&claimed);

    // The worker dies, and its successor has the task again.
    let agents = swarm.json(&["status"])["agents"].clone();
    let pid = agents.as_array().unwrap().iter().find(|agent| agent["name"] == "hunter").unwrap()["pid"].to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    let live = swarm.until("another claim", |swarm| {
        let shown = swarm.tasks(&["show", &task.to_string()]);
        (shown["state"] == "running" && shown["claim"]["token"] != claimed["claim"]["token"]).then_some(shown)
    });
    let session = live["claim"]["session"].as_i64().unwrap();
    let before = life(&swarm, task);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let errors = runtime.block_on(async {
        let hello = |agent: &str, session| Hello {
            protocol: VERSION,
            agent: agent.to_owned(),
            session,
            pid: 1,
            version: "test".to_owned(),
        };
        let socket = swarm.home.join("data/run/worker.sock");
        let connect = |hello| Link::connect(&socket, hello, |_| {});
        // Of a session that is over, nothing is taken at all.
        let over = connect(hello("hunter", session - 1)).await.map(drop).unwrap_err();
        let nobody = connect(hello("nobody", session)).await.map(drop).unwrap_err();
        let (link, _, _notices) = connect(hello("hunter", session)).await.unwrap();
        let progress = |token| Progress { token, report: 99, usage: Usage::default(), cost: MicroUsd(5_000_000) };
        let complete = |token| {
            Call::Complete(Complete {
                progress: progress(token),
                result: json!({"summary": "forged", "ideas": []}),
                manifest: None,
                checks: vec![],
            })
        };
        let fail = |token| {
            Call::Fail(Fail {
                progress: progress(token),
                class: FailureClass::LoginRequired,
                detail: "forged".to_owned(),
                resets_at: None,
            })
        };
        assert!(!link.call::<Renewed>(Call::Renew { token: stale }).await.unwrap().live);
        let mut errors: Vec<(&str, Error)> = vec![("hello of a session that is over", over), ("hello of nobody", nobody)];
        let stale_calls = [
            ("started", Call::Started { token: stale }),
            ("validating", Call::Validating { token: stale }),
            ("progress", Call::Progress(progress(stale))),
            ("complete", complete(stale)),
            ("fail", fail(stale)),
            ("delivered", Call::Delivered { token: stale, message: 1 }),
        ];
        for (name, call) in stale_calls {
            errors.push((name, link.call::<Value>(call).await.unwrap_err()));
        }
        let never = Token { epoch: 1, n: 999 };
        errors.push(("complete of a claim that never was", link.call::<Ended>(complete(never)).await.unwrap_err()));
        errors
    });
    let seen: String = errors.iter().map(|(name, error)| format!("{name}: {:?} {error}\n", error.kind)).collect();
    insta::assert_snapshot!(seen, @r#"
    hello of a session that is over: Conflict session 1 of hunter is over
    hello of nobody: NotFound there is no agent nobody
    started: Conflict stale claim: the task has gone on under another claim, or has ended
    validating: Conflict stale claim: the task has gone on under another claim, or has ended
    progress: Conflict stale claim: the task has gone on under another claim, or has ended
    complete: Conflict stale claim: the task has gone on under another claim, or has ended
    fail: Conflict stale claim: the task has gone on under another claim, or has ended
    delivered: Conflict stale claim: the task has gone on under another claim, or has ended
    complete of a claim that never was: NotFound no claim has the token 1.999
    "#);
    assert_eq!(life(&swarm, task), before);
    let status = swarm.json(&["status"]);
    assert_eq!(
        (&status["accounts"], &status["budget"]["spent_usd"].as_f64().is_some_and(|spent| spent < 5.0)),
        (&json!([]), &true),
        "{status}"
    );
    drop(runtime);

    std::fs::write(swarm.home.join(format!("data/tasks/{task}/workspace/go")), "").unwrap();
    let done = swarm.until_task(task, &["done"]);
    assert_eq!(done["result"]["summary"], "done");
}
