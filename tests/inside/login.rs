//! The login: an agent has it in its CLI's environment, and nobody has it from there.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::obeyed::overheard;

const KEY: &str = "sk-ant-api03-THE-LOGIN-OF-THIS-TEST-0123456789";

/// Whether a file or anything below a folder holds the key.
fn holders(path: &Path) -> Vec<String> {
    if path.is_dir() {
        return fs::read_dir(path).unwrap().flatten().flat_map(|entry| holders(&entry.path())).collect();
    }
    let holds = fs::read(path).is_ok_and(|bytes| bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()));
    if holds { vec![path.display().to_string()] } else { vec![] }
}

#[test]
fn the_login_is_in_the_clis_environment_only() {
    let (stage, recorder) = overheard(&["hunter", "critic"], KEY);
    let task =
        stage.probe("echo ${#ANTHROPIC_API_KEY}; touch /workspace/ready; while [ ! -e /workspace/go ]; do sleep 0.05; done");
    let workspace = stage.workspace(task);
    stage.swarm.until("the CLI runs", |_| workspace.join("ready").exists().then_some(()));

    let (mut with, mut arguments) = (Vec::new(), Vec::new());
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let holds =
            |file: &str| fs::read(entry.path().join(file)).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(KEY));
        if holds("environ") {
            with.push(pid);
        }
        if holds("cmdline") {
            arguments.push(pid);
        }
    }
    assert_eq!(arguments, Vec::<u32>::new());
    let status = stage.swarm.json(&["status"]);
    let workers: Vec<u32> =
        status["agents"].as_array().unwrap().iter().filter_map(|agent| agent["pid"].as_u64()).map(|pid| pid as u32).collect();
    let tmux: u32 = stage.swarm.tmux(&["display-message", "-p", "#{pid}"]).trim().parse().unwrap();
    assert_eq!(workers.len(), 2);
    assert!(with.contains(&stage.swarm.daemon.as_ref().unwrap().id()) && with.len() > 1, "{with:?}");
    assert!(!with.contains(&tmux) && !workers.iter().any(|pid| with.contains(pid)), "{with:?}");
    assert!(!stage.swarm.tmux(&["show-environment", "-g"]).contains(KEY));

    fs::write(workspace.join("go"), "").unwrap();
    stage.swarm.until_task(task, &["done"]);
    assert_eq!(stage.printed(task), format!("{}\n", KEY.len()));
    assert!(recorder.seen().contains(KEY), "it is what the model's server is shown");
    for place in ["logs", "data/swarm.db", "data/swarm.db-wal", "daemon.log", "data/artifacts", "data/run"] {
        assert_eq!(holders(&stage.swarm.home.join(place)), Vec::<String>::new(), "{place}");
    }
}

#[test]
fn a_login_that_an_agent_prints_is_taken_out() {
    let (stage, _recorder) = overheard(&["hunter"], KEY);
    let topic = "echo \"my login is $ANTHROPIC_API_KEY\"; echo $ANTHROPIC_API_KEY | base64 -w0";
    let task = stage.swarm.create("scan_platform", &json!({"platform": "x", "topic": topic}));
    let shown = stage.swarm.until_task(task, &["done"]);
    let summary = shown["result"]["summary"].as_str().unwrap();
    assert!(summary.contains("my login is [secret]"), "{summary}");
    let log = fs::read_to_string(stage.swarm.home.join("logs/hunter.log")).unwrap();
    assert!(log.contains("my login is [secret]"), "{log}");
    assert!(!stage.swarm.tmux(&["capture-pane", "-p", "-J", "-t", "claude-hunter"]).contains("THE-LOGIN"));
    let events = stage.swarm.run(&["events", "--after", "0", "--json"]);
    assert!(!events.contains("THE-LOGIN"));
    for place in ["logs", "data/swarm.db", "data/swarm.db-wal", "daemon.log", "data/artifacts"] {
        assert_eq!(holders(&stage.swarm.home.join(place)), Vec::<String>::new(), "{place}");
    }
}

#[test]
fn a_product_that_holds_the_login_is_none() {
    let (stage, _recorder) = overheard(&["critic", "pm", "builder"], KEY);
    let product = stage.product("A product");
    let before = stage.snapshot(&product);
    let files =
        "mkdir sub; echo \"key = $ANTHROPIC_API_KEY\" > sub/config; echo read > README.md; echo 'cat sub/config' > test.sh";
    let task = stage.begin_build(&product, files);
    let (class, detail) = stage.first_failure(task);
    insta::assert_snapshot!(format!("{class}: {detail}"), @r#"evidence_missing: snapshot: "sub/config" holds the login that the agent works with (take it out; a product never needs it)"#);
    assert_eq!(stage.snapshot(&product), before);
    for place in ["logs", "data/swarm.db", "data/swarm.db-wal", "data/artifacts"] {
        assert_eq!(holders(&stage.swarm.home.join(place)), Vec::<String>::new(), "{place}");
    }
}
