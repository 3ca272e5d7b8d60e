//! The command lines against the real daemon: what a verb changes, what it says, how it ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;
#[path = "cli/output.rs"]
mod output;

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use harness::{PATIENCE, TestSwarm, processes_of};
use output::{SWARM, TASKS, ended, err, out};
use serde_json::{Value, json};

/// A daemon with nobody at work: tasks stay where they are.
fn quiet() -> TestSwarm {
    let mut swarm = TestSwarm::rehearsal();
    swarm.start_daemon(&[]);
    swarm
}

fn research(swarm: &TestSwarm) -> i64 {
    swarm.create("research", &json!({"question": "what is missing?"}))
}

/// `claude-tasks wait`, in the background.
fn waiting(swarm: &TestSwarm, id: i64) -> Child {
    let mut command = Command::new(TASKS);
    command.args(["wait", &id.to_string(), "--timeout", "60s"]).env("CLAUDE_SWARM_HOME", &swarm.home);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Until a waiting client follows the events: beside the three sockets of its runtime it has one for requests and one for events.
fn until_following(child: &Child) {
    let folder = PathBuf::from(format!("/proc/{}/fd", child.id()));
    let began = std::time::Instant::now();
    let sockets = || {
        let links = fs::read_dir(&folder).into_iter().flatten().flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
    };
    while sockets() < 5 {
        assert!(began.elapsed() < PATIENCE, "the client does not follow");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn tasks_are_created_shown_and_ended() {
    let swarm = quiet();
    let created = swarm.try_tasks(&["create", "--type", "research", "--payload", r#"{"question":"why?"}"#, "--dedup-key", "k"]);
    ended(&created, 0);
    assert_eq!(out(&created), "task 1 created\n");
    let again = swarm.tasks(&["create", "--type", "research", "--payload", r#"{"question":"why?"}"#, "--dedup-key", "k"]);
    assert_eq!(again, json!({"id": 1, "existed": true}));
    let other = swarm.try_tasks(&["create", "--type", "research", "--payload", r#"{"question":"how?"}"#, "--dedup-key", "k"]);
    ended(&other, 5);

    let file = swarm.home.join("payload.json");
    fs::write(&file, r#"{"question": "from a file"}"#).unwrap();
    let argument = format!("@{}", file.display());
    let second = swarm.tasks(&["create", "--type", "research", "--payload", &argument, "--needs", "1", "--priority", "9"]);
    assert_eq!(second, json!({"id": 2}));
    let shown = swarm.tasks(&["show", "2"]);
    assert_eq!((&shown["state"], &shown["priority"]), (&json!("blocked"), &json!(9)));
    assert_eq!((&shown["payload"]["question"], &shown["needs"][0]["id"]), (&json!("from a file"), &json!(1)));
    for part in ["attempts", "artifacts", "events", "result", "claim"] {
        assert!(shown.get(part).is_some(), "{part}: {shown}");
    }
    let page = out(&swarm.try_tasks(&["show", "2"]));
    assert!(page.starts_with("task 2  research  blocked\n") && page.contains("  needs     1 (pending)\n"), "{page}");
    assert!(
        page.contains("question: from a file\n") && page.contains("task 2 created: research, priority 9 (by operator)"),
        "{page}"
    );

    let cancelled = swarm.try_tasks(&["cancel", "1", "--reason", "not now"]);
    assert_eq!(out(&cancelled), "task 1 cancelled\n");
    ended(&swarm.try_tasks(&["cancel", "1"]), 5);
    assert!(out(&swarm.try_tasks(&["show", "2"])).contains("it needs task 1, which is cancelled"));
    assert_eq!(out(&swarm.try_tasks(&["retry", "1"])), "task 1 is pending again\n");
    let cycle = swarm.try_tasks(&["depend", "1", "--needs", "2"]);
    ended(&cycle, 5);

    let listed = swarm.tasks(&["list", "--state", "blocked"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(swarm.tasks(&["list", "--limit", "1"]).as_array().unwrap().len(), 1);
    ended(&swarm.try_tasks(&["list", "--state", "sleeping"]), 2);
    assert_eq!(out(&swarm.try_tasks(&["list", "--type", "market"])), "no tasks\n");
}

#[test]
fn what_a_type_does_not_take_is_refused_with_the_field_and_the_way_out() {
    let swarm = quiet();
    let wrong = ["create", "--type", "scan_platform", "--payload", r#"{"platform": "npm", "topic": 7}"#];
    let output = swarm.try_tasks(&wrong);
    ended(&output, 2);
    assert!(err(&output).starts_with("error: payload.topic: ") && err(&output).contains("\n  → "), "{}", err(&output));
    let problem: Value = serde_json::from_str(&err(&swarm.try_tasks(&[&wrong[..], &["--json"]].concat()))).unwrap();
    assert_eq!((&problem["kind"], &problem["field"], &problem["exit"]), (&json!("invalid"), &json!("payload.topic"), &json!(2)));
    ended(&swarm.try_tasks(&["create", "--type", "research", "--payload", "{"]), 2);
    // What a person must have approved is not made by hand.
    ended(&swarm.try_tasks(&["create", "--type", "publish", "--payload", r#"{"approval": 1}"#]), 6);
    for args in [&["show", "77"][..], &["wait", "77"], &["retry", "77"], &["types", "nonsense"]] {
        ended(&swarm.try_tasks(args), 4);
    }
    assert_eq!(swarm.tasks(&["list"]), json!([]));

    let page = out(&swarm.try_tasks(&["types", "scan_platform"]));
    assert!(page.contains("topic     required  text, up to 400 characters"), "{page}");
    let example = page.lines().find_map(|line| line.split_once("--payload '")).unwrap().1.trim_end_matches('\'');
    swarm.create("scan_platform", &serde_json::from_str(example).unwrap());
}

#[test]
fn waiting_ends_with_the_task_the_time_or_neither() {
    let mut swarm = quiet();
    let id = research(&swarm);
    let late = swarm.try_tasks(&["wait", &id.to_string(), "--timeout", "50ms"]);
    ended(&late, 1);
    assert!(err(&late).starts_with(&format!("error: timed out after 0s: task {id} (research) is pending\n")), "{}", err(&late));

    let waiter = waiting(&swarm, id);
    until_following(&waiter);
    swarm.try_tasks(&["cancel", &id.to_string(), "--reason", "never mind"]);
    let output = waiter.wait_with_output().unwrap();
    ended(&output, 1);
    assert!(err(&output).starts_with(&format!("error: task {id} (research) cancelled: never mind\n")), "{}", err(&output));
    // One that is over is not waited for.
    ended(&swarm.try_tasks(&["wait", &id.to_string()]), 1);

    // The daemon may die meanwhile.
    let id = research(&swarm);
    let waiter = waiting(&swarm, id);
    until_following(&waiter);
    swarm.kill_daemon();
    swarm.restart_daemon();
    swarm.try_tasks(&["cancel", &id.to_string()]);
    let output = waiter.wait_with_output().unwrap();
    ended(&output, 1);
    assert!(err(&output).starts_with(&format!("error: task {id} (research) cancelled: ")), "{}", err(&output));
}

#[test]
fn events_are_followed_across_a_restart_and_none_is_missed() {
    let mut swarm = quiet();
    let events = harness::Events::follow(&swarm);
    let tasks: Vec<i64> = (0..3)
        .map(|round| {
            let id = research(&swarm);
            if round == 1 {
                swarm.kill_daemon();
                swarm.restart_daemon();
            }
            id
        })
        .collect();
    let mut created = Vec::new();
    let mut last = 0;
    while created.len() < tasks.len() {
        let event = events.next(PATIENCE).expect("an event");
        let seq = event["seq"].as_i64().unwrap();
        assert!(seq > last, "{event}");
        last = seq;
        if event["kind"] == "task:created" {
            created.push(event["task"].as_i64().unwrap());
        }
    }
    assert_eq!(created, tasks);
    let all = swarm.events();
    assert_eq!(all.iter().filter(|event| event["kind"] == "task:created").count(), 3);
    let lines = swarm.run(&["events", "-n", "1"]);
    assert!(lines.trim_end().ends_with("task 3 created: research, priority 5 (by operator)"), "{lines}");
}

#[test]
fn income_messages_pauses_and_accounts() {
    let swarm = quiet();
    assert_eq!(swarm.run(&["income", "add", "12.50", "--source", "gumroad"]), "income 1: 12.50 USD\n");
    let refund = ["income", "add", "-0.29", "--source", "gumroad", "--currency", "eur", "--date", "2026-11-01", "--note", "back"];
    assert_eq!(swarm.run(&refund), "income 2: -0.29 EUR\n");
    let listed = swarm.run(&["income", "list"]);
    assert!(listed.contains("2026-11-01") && listed.ends_with("\nsum -0.29 EUR\nsum 12.50 USD\n"), "{listed}");
    assert_eq!(swarm.json(&["income", "list"]).as_array().unwrap().len(), 2);
    ended(&swarm.try_run(&["income", "add", "1", "--source", "x", "--product", "9"]), 4);
    ended(&swarm.try_run(&["income", "add", "0", "--source", "x"]), 2);

    assert_eq!(swarm.json(&["tell", "hunter", "look again"]), json!({"id": 1}));
    ended(&swarm.try_run(&["tell", "nobody", "x"]), 4);
    ended(&swarm.try_run(&["tell", "hunter", " "]), 2);

    assert_eq!(swarm.json(&["pause", "hunter", "pm"]), json!({"agents": ["hunter", "pm"]}));
    assert!(swarm.run(&["pause", "hunter", "pm", "--reason", "by operator"]).starts_with("nothing to change"));
    assert_eq!(swarm.run(&["resume", "hunter"]), "resumed hunter\n");
    ended(&swarm.try_run(&["pause", "hunter", "nobody"]), 4);
    ended(&swarm.try_run(&["account", "open", "claude"]), 0);
    ended(&swarm.try_run(&["attach", "hunter"]), 4);
    assert_eq!(swarm.run(&["products"]), "no products yet\n");
    assert_eq!(swarm.run(&["approvals"]), "nothing waits for you\n");
    for args in [&["approval", "1"][..], &["approve", "1"], &["reject", "1", "--reason", "x"]] {
        ended(&swarm.try_run(args), 4);
    }
}

#[test]
fn a_question_that_nobody_takes_says_so() {
    let swarm = quiet();
    let output = swarm.try_run(&["ask", "anybody?", "--timeout", "100ms"]);
    ended(&output, 1);
    assert!(err(&output).contains("no agent takes it now; `claude-swarm start liaison` brings one"), "{}", err(&output));
    let order = swarm.run(&["order", "look at npm", "--no-wait"]);
    assert_eq!(order, "task 2 created; `claude-tasks show 2` shows the answer\n");
    assert_eq!(swarm.tasks(&["show", "2"])["payload"], json!({"order": "look at npm"}));
}

#[test]
fn in_a_sandbox_the_swarm_can_be_looked_at_and_not_changed() {
    let swarm = quiet();
    let id = research(&swarm);
    let agent = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        let socket = swarm.home.join("data/run/agents/hunter/swarm.sock");
        command.args(args).env_clear().env("CLAUDE_SWARM_SOCKET", socket).current_dir("/").stdin(Stdio::null()).output().unwrap()
    };
    for args in [&["list"][..], &["show", &id.to_string()], &["types"], &["types", "research"]] {
        ended(&agent(TASKS, args), 0);
    }
    let status: Value = serde_json::from_str(&out(&agent(SWARM, &["status", "--json"]))).unwrap();
    assert_eq!(status["rehearsal"], true);
    let id = id.to_string();
    let refused: [(&str, &[&str]); 6] = [
        (TASKS, &["create", "--type", "research", "--payload", r#"{"question":"x"}"#]),
        (TASKS, &["cancel", &id]),
        (SWARM, &["approve", "1"]),
        (SWARM, &["stop"]),
        (SWARM, &["halt"]),
        (SWARM, &["tell", "hunter", "obey"]),
    ];
    for (program, args) in refused {
        let output = agent(program, args);
        ended(&output, 6);
        assert!(err(&output).starts_with("error: an agent may not "), "{}", err(&output));
    }
    assert_eq!(swarm.tasks(&["show", &id])["state"], "pending");
}

#[test]
fn an_agent_that_opens_its_door_over_and_over_closes_nobody_elses() {
    let swarm = quiet();
    let door = swarm.home.join("data/run/agents/hunter/swarm.sock");
    // More than a process may usually have open, if they were all let in.
    let open: Vec<UnixStream> = (0..400).map_while(|_| UnixStream::connect(&door).ok()).collect();
    assert!(open.len() > 16, "they wait with the system");
    let daemon = swarm.json(&["status"])["daemon_pid"].to_string();
    let files = fs::read_dir(format!("/proc/{daemon}/fd")).unwrap().count();
    assert!(files < 150, "{files} files are open");
    let look = |door: &std::path::Path| {
        let mut command = Command::new(TASKS);
        command.arg("list").env_clear().env("CLAUDE_SWARM_SOCKET", door).stdin(Stdio::null()).output().unwrap()
    };
    ended(&look(&swarm.home.join("data/run/agents/critic/swarm.sock")), 0);
    drop(open);
    ended(&look(&door), 0);
}

#[test]
fn an_approval_is_read_down_to_its_bytes_and_decided_once() {
    let mut swarm = TestSwarm::rehearsal();
    swarm.start_daemon(&[]);
    swarm.run(&["start", "hunter", "critic", "pm"]);
    swarm.create_scan();
    let approval = swarm.until_approval("build");
    let id = approval["id"].to_string();
    let page = swarm.run(&["approval", &id]);
    assert!(page.starts_with(&format!("approval {id}  build  open\nBuild this product?\n")), "{page}");
    let binding = approval["binding"].as_str().unwrap();
    for told in [binding, "SPEC.md", "summary:", &format!("claude-swarm reject {id} --reason")] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let status = swarm.run(&["status"]);
    assert!(status.contains("[REHEARSAL]") && status.contains("needs you\n"), "{status}");
    assert!(status.contains(&format!("claude-swarm approval {id}")), "{status}");

    let folder = swarm.home.join("export");
    swarm.run(&["approval", &id, "--export", folder.to_str().unwrap()]);
    let spec = fs::read_to_string(folder.join("SPEC.md")).unwrap();
    assert_eq!(swarm.run(&["approval", &id, "--file", "SPEC.md"]).trim_end(), spec.trim_end());
    ended(&swarm.try_run(&["approval", &id, "--export", folder.to_str().unwrap()]), 5);
    ended(&swarm.try_run(&["approval", &id, "--file", "../SPEC.md"]), 4);

    ended(&swarm.try_run(&["reject", &id]), 2);
    ended(&swarm.try_run(&["approve", &id, "--binding", "0123456789abcdef"]), 5);
    ended(&swarm.try_run(&["approve", &id, "--binding", &binding[..4]]), 2);
    assert_eq!(swarm.json(&["approval", &id])["state"], "open");
    let decided = swarm.json(&["approve", &id, "--reason", "good", "--binding", &binding[..12]]);
    assert_eq!((&decided["state"], &decided["binding"]), (&json!("approved"), &json!(binding)));
    ended(&swarm.try_run(&["approve", &id]), 5);
    ended(&swarm.try_run(&["reject", &id, "--reason", "late"]), 5);
    assert!(swarm.run(&["approvals", "--all"]).contains("approved"));
}

/// A home that is run as a person runs it: with `start` and `stop`.
struct Own {
    dir: tempfile::TempDir,
    home: PathBuf,
}

impl Own {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap().join("home");
        let own = Self { dir, home };
        ended(&own.run(&["init", own.home.to_str().unwrap(), "--rehearsal"]), 0);
        own
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(SWARM);
        // A secret of the person's that no argument may show.
        command.env("ANTHROPIC_API_KEY", "sk-ant-not-in-argv").env("CLAUDE_SWARM_HOME", &self.home);
        command.args(args).stdin(Stdio::null()).output().unwrap()
    }

    fn status(&self) -> Value {
        let output = self.run(&["status", "--json"]);
        ended(&output, 0);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.run(&["halt"]);
        self.run(&["stop"]);
        for (pid, _) in processes_of(self.dir.path()) {
            drop(Command::new("kill").args(["-9", &pid.to_string()]).output());
        }
    }
}

fn state<'a>(status: &'a Value, agent: &str) -> &'a str {
    status["agents"].as_array().unwrap().iter().find(|it| it["name"] == agent).unwrap()["state"].as_str().unwrap()
}

#[test]
fn start_brings_the_daemon_and_stop_ends_it_for_good() {
    let own = Own::new();
    let started = own.run(&["start", "hunter", "--auto-approve"]);
    ended(&started, 0);
    assert!(out(&started).starts_with("claude-swarm  [REHEARSAL]\n"), "{}", out(&started));
    let status = own.status();
    assert_eq!((state(&status, "hunter"), state(&status, "critic")), ("idle", "absent"));
    let pid = status["daemon_pid"].as_i64().unwrap();
    // A session of its own: it outlives the terminal; and no secret where everybody can read it.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(3).unwrap().to_owned();
    assert_eq!(session, pid.to_string());
    for (_, line) in processes_of(own.dir.path()) {
        assert!(!line.contains("sk-ant"), "{line}");
    }

    ended(&own.run(&["start", "hunter", "critic"]), 0);
    assert_eq!(own.status()["daemon_pid"].as_i64(), Some(pid), "a daemon that runs is used");
    ended(&own.run(&["start", "--auto-approve"]), 5);
    ended(&own.run(&["start", "nobody"]), 4);

    let stopped = own.run(&["stop", "hunter"]);
    assert_eq!(out(&stopped), "stopped hunter\n");
    assert_eq!(state(&own.status(), "hunter"), "absent");

    let kept = own.run(&["stop", "--keep-sessions"]);
    ended(&kept, 0);
    assert!(out(&kept).starts_with(&format!("the daemon (process {pid}) is gone; sessions live on")), "{}", out(&kept));
    assert!(!processes_of(&own.home).iter().any(|(other, _)| i64::from(*other) == pid));
    let workers = || processes_of(own.dir.path()).into_iter().filter(|(_, line)| line.contains(" worker ")).count();
    assert_eq!(workers(), 1);
    let told = own.run(&["halt"]);
    ended(&told, 3);
    assert!(err(&told).contains("kill-session -t =claude-critic"), "{}", err(&told));

    ended(&own.run(&["start", "hunter"]), 0);
    assert_eq!(state(&own.status(), "critic"), "idle", "the session that lived on was found again");
    let halted = own.run(&["halt", "--reason", "a test"]);
    ended(&halted, 0);
    assert!(out(&halted).starts_with("halted. ended: claude-critic, claude-hunter; every process is gone\n"), "{}", out(&halted));
    assert_eq!(own.status()["halted"], "a test");
    assert_eq!(workers(), 0);

    let stopped = own.run(&["stop", "--json"]);
    ended(&stopped, 0);
    ended(&own.run(&["stop"]), 3);
    assert_eq!(processes_of(own.dir.path()), []);
}

#[test]
fn a_daemon_that_does_not_come_up_is_shown_with_its_last_words() {
    let own = Own::new();
    fs::create_dir_all(own.home.join("data")).unwrap();
    fs::write(own.home.join("data/swarm.db"), "this is no database, and long enough to be seen as one that is damaged").unwrap();
    let output = own.run(&["start"]);
    ended(&output, 1);
    let said = err(&output);
    assert!(said.starts_with("error: the daemon ended at once with exit code 1, and wrote:\n"), "{said}");
    assert!(said.contains("swarm.db") && said.contains("logs/daemon.log"), "{said}");
}
