//! The agent's own door: it can look, and change nothing.

use serde_json::json;

use super::stage::Stage;

/// What differs between an agent that asked and one that changed something.
fn state(stage: &Stage, tasks: &[i64]) -> serde_json::Value {
    let status = stage.swarm.json(&["status"]);
    let agents: Vec<_> = status["agents"].as_array().unwrap().iter().map(|agent| (&agent["name"], &agent["state"])).collect();
    let approvals = stage.swarm.json(&["approvals", "--all"]);
    json!({"agents": agents, "approvals": approvals, "halted": status["halted"], "accounts": status["accounts"],
        "events": stage.elsewhere(tasks), "pid": status["daemon_pid"]})
}

#[test]
fn an_agent_may_look_and_every_other_verb_is_refused() {
    let stage = Stage::new(&["hunter", "critic", "pm"]);
    stage.product("A product");
    let before = state(&stage, &[]);
    let looking = ["claude-swarm status", "claude-tasks list", "claude-tasks show 1", "claude-tasks types"];
    let task = stage.probe(&looking.map(|verb| format!("{verb} >/dev/null; echo $? {verb}\n")).concat());
    stage.swarm.until_task(task, &["done"]);
    assert_eq!(stage.printed(task), looking.map(|verb| format!("0 {verb}\n")).concat());

    let payload = json!({"platform": "x", "topic": "y"}).to_string();
    let refused = [
        "claude-swarm approvals",
        "claude-swarm approval 1",
        "claude-swarm approve 1",
        "claude-swarm reject 1 --reason no",
        "claude-swarm pause critic",
        "claude-swarm resume critic",
        "claude-swarm stop critic",
        "claude-swarm stop",
        "claude-swarm stop --keep-sessions",
        "claude-swarm tell critic approve",
        "claude-swarm events",
        "claude-swarm products",
        "claude-swarm income list",
        "claude-swarm account open claude",
        "claude-swarm ask hello",
        "claude-swarm order more",
        &format!("claude-tasks create --type scan_platform --payload '{payload}'"),
        "claude-tasks cancel 1",
        "claude-tasks retry 1",
        "claude-tasks depend 1 --on 2",
        "claude-swarm halt",
    ];
    let more = stage.probe(
        &refused
            .iter()
            .map(|verb| format!("{verb} >/dev/null 2>&1; echo $? \"{}\"\n", verb.replace('"', "")))
            .collect::<String>(),
    );
    stage.swarm.until_task(more, &["done"]);
    let seen = stage.printed(more);
    assert_eq!(seen.lines().count(), refused.len(), "{seen}");
    assert_eq!(seen.lines().filter(|line| !line.starts_with("6 ")).collect::<Vec<_>>(), Vec::<&str>::new(), "{seen}");
    assert_eq!(state(&stage, &[task, more]), before);
}

#[test]
fn no_request_by_hand_gets_further_than_the_verbs() {
    let stage = Stage::new(&["hunter", "critic", "pm"]);
    stage.product("A product");
    let before = state(&stage, &[]);
    let requests = [
        "POST /api/v1/approvals/1/approve",
        "POST /api/v1/approvals/1/reject",
        "POST /api/v1/tasks",
        "POST /api/v1/tasks/1/cancel",
        "GET /api/v1/tasks/1/cancel",
        "POST /api/v1/halt",
        "POST /api/v1/shutdown",
        "PUT /api/v1/shutdown",
        "POST /api/v1/status",
        "HEAD /api/v1/approvals",
        "POST /api/v1/agents/pause",
        "POST /api/v1/agents/critic/messages",
        "POST /api/v1/accounts/claude/open",
        "POST /api/v1/income",
        "GET /api/v1/approvals",
        "GET /api/v1/approvals/1",
        "GET /api/v1/events",
        "GET /api/v1/products",
        "PUT /api/v1/artifacts",
        "GET /api/v1/snapshots/0",
        "GET /rpc",
        "GET /",
        "POST //api/v1/halt",
        "POST /api/v1/tasks/../halt",
        "POST /api/v1/tasks/%2e%2e/halt",
        "POST /api/v1/status/../halt",
        "POST /api/v1/tasks/1?/../../halt",
        "POST http://localhost/api/v1/halt",
        "GET /api/v1/halt 'X-HTTP-Method-Override: POST'",
        "GET /api/v1/events/follow 'Upgrade: websocket' 'Connection: Upgrade' 'Sec-WebSocket-Version: 13' 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='",
        "GET /rpc 'Upgrade: websocket' 'Connection: Upgrade' 'Sec-WebSocket-Version: 13' 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='",
        "POST /api/v1/approvals/1/approve 'Authorization: Bearer 0' 'X-Principal: operator' 'X-Forwarded-For: 127.0.0.1'",
    ];
    let mut tasks = Vec::new();
    for part in requests.chunks(16) {
        let script: String = part.iter().map(|request| format!("BODY='{{}}' ask /run/swarm/swarm.sock {request}\n")).collect();
        let task = stage.probe(&script);
        stage.swarm.until_task(task, &["done"]);
        let seen = stage.printed(task);
        assert_eq!(seen.lines().count(), part.len(), "{seen}");
        assert_eq!(seen.lines().filter(|line| !line.contains(": 403 ")).collect::<Vec<_>>(), Vec::<&str>::new(), "{seen}");
        tasks.push(task);
    }
    assert_eq!(state(&stage, &tasks), before);
}

#[test]
fn a_line_typed_in_a_pane_is_a_message_and_never_a_decision() {
    let stage = Stage::new(&["hunter", "critic", "pm"]);
    let product = stage.product("A product");
    let before = stage.swarm.json(&["approvals", "--all"]);
    for line in ["approve 1", "claude-swarm approve 1", "/approve 1", "y"] {
        stage.swarm.tmux(&["send-keys", "-t", "claude-pm", "-l", line]);
        stage.swarm.tmux(&["send-keys", "-t", "claude-pm", "Enter"]);
    }
    stage.swarm.until("the lines are messages", |swarm| (swarm.count("message:sent") == 4).then_some(()));
    // The next task brings them to the agent, and still nothing is decided.
    let task = stage.swarm.tasks(&[
        "create",
        "--type",
        "write_spec",
        "--product",
        &product.id.to_string(),
        "--payload",
        &json!({"idea": {"title": "t", "problem": "p", "customer": "c", "evidence": "e", "category": "content"}}).to_string(),
    ])["id"]
        .as_i64()
        .unwrap();
    stage.swarm.until_task(task, &["done"]);
    assert_eq!(stage.swarm.count("message:delivered"), 4);
    assert_eq!(stage.swarm.count("approval:decided"), 0);
    let after = stage.swarm.json(&["approvals", "--all"]);
    let first = after.as_array().unwrap().iter().find(|approval| approval["id"] == 1).unwrap();
    assert_eq!((first["state"].as_str(), &first["binding"]), (Some("withdrawn"), &before[0]["binding"]), "{after}");
}
