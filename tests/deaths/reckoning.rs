//! The reckoning: what must hold at the end of every story, whoever died in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use claude_swarm::store::Store;
use serde_json::Value;

use crate::harness::TestSwarm;

/// How the attempts of all tasks ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reckoning {
    /// Attempts that were lost: they spend nothing.
    pub lost: usize,
    /// Attempts that failed, by class.
    pub failed: BTreeMap<String, usize>,
}

impl Reckoning {
    /// What a story comes to in which so many attempts were lost and none failed.
    pub fn lost(lost: usize) -> Self {
        Self { lost, ..Self::default() }
    }
}

/// Counts everything, stops the swarm as a person would, and sees that nothing is left of it.
pub fn reckon(swarm: &mut TestSwarm) -> Reckoning {
    let tasks = settled(swarm);
    let events = swarm.events();
    let mut reckoning = Reckoning::default();
    let mut tokens = BTreeSet::new();
    for task in &tasks {
        one_task(swarm, task, &events, &mut reckoning);
        for attempt in list(&task["attempts"]) {
            assert!(tokens.insert(attempt["token"].as_str().unwrap().to_owned()), "a token was given out twice: {attempt}");
        }
    }
    approvals(swarm, &events);
    publications(swarm, &events);
    stop(swarm);
    reckoning
}

/// Waits until every task is over, and answers with all about each.
fn settled(swarm: &TestSwarm) -> Vec<Value> {
    swarm.until("every task is over", |swarm| {
        let tasks = swarm.tasks(&["list", "--limit", "1000"]);
        let over = |task: &Value| ["done", "failed", "cancelled"].contains(&task["state"].as_str().unwrap());
        list(&tasks).iter().all(over).then_some(())
    });
    let tasks = swarm.tasks(&["list", "--limit", "1000"]);
    list(&tasks).iter().map(|task| swarm.tasks(&["show", &task["id"].to_string()])).collect()
}

/// Done, once; every other attempt is accounted for; the conversation went on.
fn one_task(swarm: &TestSwarm, task: &Value, events: &[Value], reckoning: &mut Reckoning) {
    assert_eq!(task["state"], "done", "{task:#}");
    let attempts = list(&task["attempts"]);
    let by = |outcome: &str| attempts.iter().filter(|attempt| attempt["outcome"] == outcome).count();
    assert_eq!(by("done"), 1, "{task:#}");
    assert_eq!(attempts.last().unwrap()["outcome"], "done", "{task:#}");
    assert_eq!(by("done") + by("lost") + by("failed"), attempts.len(), "{task:#}");
    assert!(attempts.iter().all(|attempt| attempt["ended_at"].is_i64()), "{task:#}");
    assert_eq!(task["attempts_spent"], 1 + by("failed"), "{task:#}");
    assert_eq!(task["losses"], by("lost"), "{task:#}");
    let about = |kind: &str| events.iter().filter(|event| event["kind"] == kind && event["task"] == task["id"]).count();
    assert_eq!(about("task:created"), 1);
    assert_eq!(about("task:claimed"), attempts.len(), "{task:#}");
    assert_eq!(about("task:lost"), by("lost"), "{task:#}");
    assert_eq!(about("task:completed"), 1, "{task:#}");

    reckoning.lost += by("lost");
    for attempt in attempts.iter().filter(|attempt| attempt["outcome"] == "failed") {
        *reckoning.failed.entry(attempt["class"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let conversations: BTreeSet<&str> = attempts.iter().map(|attempt| attempt["conversation"].as_str().unwrap()).collect();
    assert_eq!(conversations.len(), 1, "a lost or crashed attempt's conversation goes on: {task:#}");
    prompts(&swarm.home.join(format!("data/tasks/{}", task["id"])), conversations.first().unwrap(), attempts.len());
}

/// The task was said once in its conversation, and after that at most once for every attempt that it should go on.
fn prompts(folder: &Path, conversation: &str, attempts: usize) {
    let file = folder.join(format!("home/.claude/projects/-workspace/{conversation}.jsonl"));
    // The daemon's own tasks have none.
    let Ok(text) = fs::read_to_string(&file) else { return };
    let (mut openings, mut going_on) = (0, 0);
    for line in text.lines() {
        // A line that a death cut off is no message.
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        if line["type"] == "user"
            && let Some(said) = line["message"]["content"].as_str()
        {
            openings += usize::from(said.starts_with("Task ") && said.contains("\n<task>\n"));
            going_on += usize::from(said == "Continue.");
        }
    }
    assert_eq!(openings, 1, "{text}");
    assert!(going_on < attempts, "{text}");
}

fn approvals(swarm: &TestSwarm, events: &[Value]) {
    for approval in list(&swarm.json(&["approvals", "--all"])) {
        assert_eq!(approval["state"], "approved", "{approval}");
        for kind in ["approval:requested", "approval:decided"] {
            let count = events.iter().filter(|event| event["kind"] == kind && event["approval"] == approval["id"]).count();
            assert_eq!(count, 1, "{kind} of {approval}");
        }
    }
}

/// Each product is on its outlet once, with its posts once, complete, and nothing half-done lies beside it.
fn publications(swarm: &TestSwarm, events: &[Value]) {
    let products = swarm.json(&["products"]);
    let downloads = swarm.home.join("downloads");
    let mut expected = BTreeSet::new();
    for product in list(&products) {
        let slug = product["slug"].as_str().unwrap();
        expected.extend(["", ".json", "-posts", "-posts.json"].map(|end| format!("{slug}{end}")));
        assert_eq!(product["state"], "published", "{product}");
        for publication in list(&product["publications"]) {
            assert_eq!(publication["state"], "published", "{product}");
            let of = |kind: &str| {
                events.iter().filter(|event| event["kind"] == kind && event["approval"] == publication["approval"]).count()
            };
            assert_eq!((of("publication:intended"), of("publication:published")), (1, 1), "{publication}");
        }
        assert_eq!(list(&product["publications"]).len(), 2, "the product and its posts: {product}");
    }
    let names = |folder: &Path| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).filter(|name| name != ".drafts").collect()
    };
    assert_eq!(names(&downloads), expected);
    assert_eq!(names(&downloads.join(".drafts")), BTreeSet::new());
    for product in list(&products) {
        let folder = downloads.join(product["slug"].as_str().unwrap());
        let shown = swarm.json(&["products"]);
        assert!(folder.is_dir(), "{shown}");
        let output = Command::new("sh").arg("./test.sh").current_dir(&folder).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n", "it was built once, and its test passes");
    }
}

/// `claude-swarm stop`: no process, no session, no claim is left.
fn stop(swarm: &mut TestSwarm) {
    let server = swarm.tmux_server();
    swarm.run(&["stop"]);
    assert!(swarm.daemon.take().unwrap().wait().unwrap().success());
    assert_eq!(swarm.processes(), []);
    assert_eq!(swarm.sandboxed(), []);
    let sessions = Command::new("tmux").args(["-L", &server, "list-sessions"]).output().unwrap();
    assert!(!sessions.status.success(), "sessions are left: {}", String::from_utf8_lossy(&sessions.stdout));

    let locks = fs::read_dir(swarm.home.join("data/run/sandboxes")).unwrap().flatten();
    let locks: Vec<_> = locks.map(|lock| lock.file_name()).collect();
    assert!(locks.is_empty(), "each lock was taken once more, which proves its sandbox gone, and removed: {locks:?}");

    let store = Store::open(&swarm.home.join("data/swarm.db")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (unreleased, sessions) =
        runtime.block_on(store.read(|reader| Ok((reader.unreleased_attempts()?, reader.live_sessions()?)))).unwrap();
    assert_eq!((unreleased, sessions), (vec![], vec![]));
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}
