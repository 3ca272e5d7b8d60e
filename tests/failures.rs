//! What becomes of a task, its agent and its account when the provider fails: the real CLI against a model that answers with errors.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;

use harness::TestSwarm;
use serde_json::{Value, json};

/// A script in which the hunter's research fails in this way, and succeeds when the failures are used up.
fn failing(fail: &str) -> TestSwarm {
    let swarm = TestSwarm::rehearsal();
    swarm.set("providers", "{claude: {max_retries: 0}}");
    swarm.script(&format!(
        "name: failing\ntasks:\n  - when: {{type: research}}\n    turns:\n      - say: Looking.\n        tool: {{name: Bash, input: {{command: echo hi}}}}\n      \
         - result: {{summary: Nothing found., ideas: []}}\n    fail:\n      - {fail}\n"
    ));
    swarm
}

fn research(swarm: &mut TestSwarm) -> i64 {
    swarm.start_daemon(&[]);
    swarm.run(&["start", "hunter"]);
    swarm.create("research", &json!({"question": "Is anybody there?"}))
}

fn hunter(swarm: &TestSwarm) -> Value {
    swarm.json(&["status"])["agents"].as_array().unwrap().iter().find(|agent| agent["name"] == "hunter").unwrap().clone()
}

fn attempts(task: &Value) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    task["attempts"].as_array().unwrap().iter().map(|it| (word(&it["outcome"]), word(&it["class"]))).collect()
}

/// Puts the account's next probe into the present, as time would.
fn open_gate(swarm: &TestSwarm) {
    swarm.run(&["account", "open", "claude"]);
}

#[test]
fn a_rate_limit_cools_the_account_and_spends_no_attempt() {
    let mut swarm = failing("{at_turn: 0, times: 1, status: 429, error: {type: rate_limit_error, message: slow down}}");
    let id = research(&mut swarm);
    swarm.until("the agent cools", |swarm| (hunter(swarm)["state"] == "cooling").then_some(()));
    let waiting = swarm.tasks(&["show", &id.to_string()]);
    assert_eq!((&waiting["state"], &waiting["attempts_spent"]), (&json!("pending"), &json!(0)));
    assert_eq!(swarm.json(&["status"])["accounts"][0]["state"], "cooling");
    open_gate(&swarm);
    let done = swarm.until_task(id, &["done"]);
    assert_eq!(attempts(&done), [("failed".into(), "rate_limited".into()), ("done".into(), String::new())]);
    assert_eq!(hunter(&swarm)["state"], "idle");
}

#[test]
fn a_refused_login_closes_the_account_until_somebody_opens_it() {
    let mut swarm =
        failing("{at_turn: 0, times: 1, status: 401, error: {type: authentication_error, message: invalid x-api-key}}");
    let id = research(&mut swarm);
    swarm.until("a login is asked for", |swarm| (hunter(swarm)["state"] == "login_required").then_some(()));
    assert_eq!(swarm.tasks(&["show", &id.to_string()])["state"], "pending");
    assert!(swarm.run(&["status"]).contains("login"), "a person is told");
    open_gate(&swarm);
    swarm.until_task(id, &["done"]);
}

#[test]
fn a_used_up_allowance_is_not_asked_again_at_once() {
    let fail = "{at_turn: 0, times: 1, status: 429, headers: {x-should-retry: 'false'}, error: {type: rate_limit_error, message: Usage limit reached}}";
    let mut swarm = failing(fail);
    let id = research(&mut swarm);
    swarm.until("the agent cools", |swarm| (hunter(swarm)["state"] == "cooling").then_some(()));
    let first = swarm.tasks(&["show", &id.to_string()]);
    assert_eq!(attempts(&first), [("failed".into(), "usage_limit".into())]);
    let until = swarm.json(&["status"])["accounts"][0]["until"].as_i64().unwrap();
    let began = first["attempts"][0]["ended_at"].as_i64().unwrap();
    assert!(until - began >= 45_000, "the first probe comes after about a minute, not {} ms", until - began);
    open_gate(&swarm);
    swarm.until_task(id, &["done"]);
}

#[test]
fn an_overloaded_provider_and_a_server_error_put_the_task_back() {
    for (status, kind, class) in [(529, "overloaded_error", "overloaded"), (500, "api_error", "server_error")] {
        let mut swarm =
            failing(&format!("{{at_turn: 0, times: 1, status: {status}, error: {{type: {kind}, message: try later}}}}"));
        let id = research(&mut swarm);
        swarm.until("the agent cools", |swarm| (hunter(swarm)["state"] == "cooling").then_some(()));
        open_gate(&swarm);
        let done = swarm.until_task(id, &["done"]);
        assert_eq!(attempts(&done)[0], ("failed".into(), class.into()));
        assert_eq!(done["attempts_spent"], 1, "only the one that was done");
    }
}

#[test]
fn a_bad_request_spends_attempts_and_then_fails_for_good() {
    let mut swarm = failing("{at_turn: 0, times: 9, status: 400, error: {type: invalid_request_error, message: no such thing}}");
    // The pauses between attempts grow; a person does not wait for them here.
    let id = research(&mut swarm);
    let failed = swarm.until_task(id, &["failed"]);
    assert_eq!(attempts(&failed), vec![("failed".to_owned(), "bad_request".to_owned()); 3]);
    assert_eq!(swarm.count("task:failed"), 1);
    assert!(swarm.run(&["status"]).contains(&format!("task {id}")), "a person is told");
    // And tries again when they have mended it.
    swarm.tasks(&["retry", &id.to_string()]);
    swarm.until_task(id, &["failed"]);
}

#[test]
fn the_days_budget_holds_work_back_before_it_is_spent() {
    let mut swarm = TestSwarm::rehearsal();
    // A scan may cost 2 dollars, so that not even the first fits.
    swarm.set("budget", "{daily_usd: 1.5}");
    swarm.start_daemon(&[]);
    swarm.run(&["start", "hunter", "critic"]);
    let id = swarm.create_scan();
    swarm.until("the cap is noted", |swarm| (swarm.count("budget:exhausted") == 1).then_some(()));
    let idea = json!({"idea": {"title": "T", "problem": "p", "customer": "c", "evidence": "e", "category": "digital_product"}});
    let cheap = swarm.create("evaluate_idea", &idea);
    swarm.until_task(cheap, &["done"]);
    assert_eq!(swarm.tasks(&["show", &id.to_string()])["state"], "pending");
    let budget = swarm.json(&["status"])["budget"].clone();
    assert!(budget["spent_usd"].as_f64().unwrap() <= 1.5, "{budget}");
}

#[test]
fn an_attempt_that_costs_too_much_is_ended() {
    let mut swarm = TestSwarm::rehearsal();
    let path = swarm.home.join("config/pipeline.yaml");
    let pipeline = std::fs::read_to_string(&path).unwrap();
    let (before, after) = pipeline.split_once("  research:\n").unwrap();
    std::fs::write(&path, format!("{before}  research:\n{}", after.replacen("budget_usd: 2.00", "budget_usd: 0.01", 1))).unwrap();
    swarm.script(
        "name: dear\ntasks:\n  - when: {type: research}\n    turns:\n      - tool: {name: Bash, input: {command: echo 1}}\n      - tool: {name: Bash, input: {command: echo 2}}\n      \
         - tool: {name: Bash, input: {command: echo 3}}\n      - result: {summary: done, ideas: []}\n",
    );
    let id = research(&mut swarm);
    let failed = swarm.until_task(id, &["failed"]);
    assert_eq!(attempts(&failed), [("failed".into(), "over_budget".into())]);
}

#[test]
fn everything_stops_when_a_person_says_so() {
    let mut swarm = TestSwarm::rehearsal();
    // Commands that do not end, with a number that nobody else's on this machine have.
    let own = std::process::id();
    swarm.script(&format!(
        "name: slow\ntasks:\n  - when: {{type: research}}\n    turns:\n      - tool: {{name: Bash, input: {{command: 'tail -s 300.{own} -f /dev/null & setsid tail -s 301.{own} -f /dev/null & tail -s 302.{own} -f /dev/null'}}}}\n      \
         - result: {{summary: done, ideas: []}}\n",
    ));
    let id = research(&mut swarm);
    swarm.until("the agent's command runs", |_| running().then_some(()));
    swarm.run(&["halt", "--reason", "enough"]);
    assert!(!running(), "everything in the sandbox has ended when the command answers");
    let status = swarm.json(&["status"]);
    assert_eq!(status["halted"], "enough");
    assert!(status["agents"].as_array().unwrap().iter().all(|agent| agent["pid"].is_null()), "{status}");
    let task = swarm.tasks(&["show", &id.to_string()]);
    assert_eq!((&task["state"], &task["attempts_spent"]), (&json!("pending"), &json!(0)), "nothing is lost");
    // It holds over a restart, until somebody starts again.
    swarm.kill_daemon();
    swarm.restart_daemon();
    assert_eq!(swarm.json(&["status"])["halted"], "enough");
    swarm.run(&["start", "hunter"]);
    swarm.until_task(id, &["running"]);
}

/// Whether a process of the script above runs anywhere on this machine.
fn running() -> bool {
    let lines = std::process::Command::new("ps").args(["-eo", "args"]).output().unwrap();
    let lines = String::from_utf8_lossy(&lines.stdout).into_owned();
    lines.lines().any(|line| line.starts_with("tail -s 30") && line.contains(&format!(".{} ", std::process::id())))
}

/// The CLI tells a model by itself when a command in the background has ended, in words that nobody here said; and it puts there whatever
/// outlasts its time, a long build for example.
#[test]
fn a_command_that_takes_long_is_no_failure() {
    let mut swarm = TestSwarm::rehearsal();
    swarm.script(
        "name: long\ntasks:\n  - when: {type: research}\n    turns:\n      \
         - tool: {name: Bash, input: {command: sleep 1, run_in_background: true}}\n      \
         - tool: {name: Bash, input: {command: sleep 2.5, timeout: 1000}}\n      \
         - tool: {name: Bash, input: {command: sleep 3}}\n      \
         - result: {summary: Nothing found., ideas: []}\n",
    );
    let id = research(&mut swarm);
    let done = swarm.until_task(id, &["done", "failed"]);
    assert_eq!(attempts(&done), [("done".into(), String::new())], "{done:#}");
    assert_eq!(swarm.json(&["status"])["accounts"], json!([]));
}
