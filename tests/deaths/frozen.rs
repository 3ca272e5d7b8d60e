//! Somebody is frozen (SIGSTOP, a suspended machine, a disk that hangs) for longer than a lease, and wakes up.

use claude_swarm::client::link::Link;
use claude_swarm::domain::budget::{MicroUsd, Usage};
use claude_swarm::domain::error::Error;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::report::{Complete, Ended, Fail, Progress};
use claude_swarm::domain::task::Token;
use claude_swarm::protocol::VERSION;
use claude_swarm::protocol::rpc::{Call, Hello};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::reckoning::{Reckoning, reckon};
use super::story::{Death, Gate, stage};
use super::victims::{Process, cli_of, worker_of};
use crate::harness::TestSwarm;

#[test]
fn a_worker_that_is_frozen_past_its_lease_loses_its_claim_once_it_is_dead() {
    let mut swarm = stage();
    swarm.start_daemon(&[]);
    swarm.run(&["start", "hunter"]);
    swarm.arm_to_hang("worker.mid-stream");
    let gate = Gate::create(&swarm);
    gate.wait(&swarm);
    let (worker, death) = (worker_of(&swarm, "hunter"), Death::now());
    let cli = cli_of(worker);
    let first = swarm.tasks(&["show", &gate.task.to_string()])["claim"].clone();
    death.recovered(&swarm, gate.task, "task:lost");
    assert!(!worker.is_alive() && !cli.can_act(), "the claim was taken back from somebody who lives");
    death.recovered(&swarm, gate.task, "task:claimed");
    let claim = swarm.tasks(&["show", &gate.task.to_string()])["claim"].clone();
    assert_ne!(claim["token"], first["token"]);

    // What the old claim still had to say changes nothing.
    let before = swarm.events().len();
    for error in late_reports(&swarm, &first, &claim) {
        assert!(error.message.starts_with("stale claim"), "{error}");
    }
    let late: Vec<Value> = swarm.events().split_off(before);
    assert!(late.iter().all(|event| event["task"].is_null() || event["kind"] == "task:started"), "{late:?}");

    gate.open();
    gate.passed(&swarm);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(1));
}

/// Says with the new session's voice what the old claim would have said.
fn late_reports(swarm: &TestSwarm, old: &Value, new: &Value) -> Vec<Error> {
    let (epoch, n) = old["token"].as_str().unwrap().split_once('.').unwrap();
    let token = Token { epoch: epoch.parse().unwrap(), n: n.parse().unwrap() };
    let hello = Hello {
        protocol: VERSION,
        agent: "hunter".to_owned(),
        session: new["session"].as_i64().unwrap(),
        pid: std::process::id(),
        version: "late".to_owned(),
    };
    let progress = Progress { token, report: 99, usage: Usage::default(), cost: MicroUsd(1_000_000) };
    let result = json!({"summary": "late", "ideas": []});
    let fail = Fail { progress, class: FailureClass::Refused, detail: "late".to_owned(), resets_at: None };
    let calls = [
        Call::Started { token },
        Call::Progress(progress),
        Call::Validating { token },
        Call::Complete(Complete { progress, result, manifest: None, checks: vec![] }),
        Call::Fail(fail),
    ];
    let socket = swarm.home.join("data/run/worker.sock");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (link, _, _notices) = Link::connect(&socket, hello, |_| {}).await.unwrap();
        let mut errors = Vec::new();
        for call in calls {
            let said = format!("{call:?}");
            let answer = match call {
                Call::Complete(_) | Call::Fail(_) => link.call::<Ended>(call).await.map(|ending| format!("{ending:?}")),
                call => link.call::<()>(call).await.map(|()| "taken".to_owned()),
            };
            errors.push(answer.expect_err(&said));
        }
        errors
    })
}

#[test]
fn a_worker_that_is_stopped_is_woken_by_tmux_and_loses_nothing() {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    worker.signal(Signal::STOP);
    gate.open();
    gate.passed(&swarm);
    assert_eq!(worker_of(&swarm, "hunter"), worker);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}

#[test]
fn a_daemon_that_is_frozen_for_longer_than_a_lease_takes_no_claim_back() {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    let daemon = Process::of(swarm.daemon.as_ref().unwrap().id().into());
    daemon.signal(Signal::STOP);
    // Nothing tells that a lease has run out while nobody looks.
    std::thread::sleep(std::time::Duration::from_secs(8));
    daemon.signal(Signal::CONT);
    gate.open();
    gate.passed(&swarm);
    assert_eq!(worker_of(&swarm, "hunter"), worker);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}
