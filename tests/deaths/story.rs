//! The stories: scripts that are as short as they can be and still touch what dies.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use claude_swarm::clock;
use serde_json::{Value, json};

use super::victims::{Process, worker_of};
use crate::harness::TestSwarm;

/// A scan that waits at a gate until the test opens it, and a product that goes from idea to posts in as few turns as the pipeline
/// allows. A file that is appended to shows what was done twice.
const SCRIPT: &str = r#"
name: deaths
pace_ms: 0
tasks:
  - when: {type: scan_platform, payload: {platform: gate}}
    turns:
      - say: A note first.
        tool: {name: Bash, input: {command: "echo first >>notes"}}
      - say: Then the gate.
        tool: {name: Bash, input: {command: "touch at-gate; until test -e go; do sleep 0.02; done; echo second >>notes"}}
      - result: {summary: I waited., ideas: []}

  - when: {type: scan_platform}
    turns:
      - result:
          summary: One idea.
          ideas: [{title: A tiny tool, problem: None., customer: Nobody., evidence: None., category: digital_product}]
  - when: {type: evaluate_idea}
    turns:
      - result: {verdict: approve, score: 7, demand: d, competition: c, feasibility: f, reasons: r, is_bounty: false,
                 is_outside_contribution: false, opinions_differ: false}
  - when: {type: write_spec}
    turns:
      - tool: {name: Bash, input: {command: "echo specified >>SPEC.md"}}
      - result: {summary: s, files: [SPEC.md]}
  - when: {type: build_product}
    turns:
      - tool: {name: Bash, input: {command: "echo built >>README.md; echo 'grep -c built README.md' >test.sh"}}
      - result: {summary: b, files: [README.md, test.sh]}
  - when: {type: code_review}
    turns:
      - result: {verdict: pass, security: {ok: true, note: n}, quality: {ok: true, note: n}, maintainability: {ok: true, note: n},
                 findings: [], summary: s}
  - when: {type: test_product}
    turns:
      - result: {verdict: pass, build: {ok: true, note: n}, function: {ok: true, note: n}, customer: {ok: true, note: n},
                 findings: [], summary: s}
  - when: {type: prepare_listing}
    turns:
      - result: {title: A tiny tool, tagline: Tiny., description: It is tiny., price_usd: 1}
  - when: {type: market}
    turns:
      - result: {posts: [{channel: blog, text: There is a tiny tool.}]}
"#;

/// The agents that take a product from the idea to the posts.
pub const CREW: [&str; 7] = ["hunter", "critic", "pm", "builder", "reviewer", "tester", "publisher"];

/// A rehearsal that plays the stories; its daemon does not run yet.
pub fn stage() -> TestSwarm {
    let swarm = TestSwarm::rehearsal();
    swarm.script(SCRIPT);
    swarm
}

/// A scan at its gate: the first of its turns is over, the second runs.
pub struct Gate {
    pub task: i64,
    folder: PathBuf,
}

impl Gate {
    /// Creates the task.
    pub fn create(swarm: &TestSwarm) -> Self {
        let task = swarm.create("scan_platform", &json!({"platform": "gate", "topic": "t"}));
        Self { task, folder: swarm.home.join(format!("data/tasks/{task}/workspace")) }
    }

    /// A hunter at work on it, and it has come to the gate.
    pub fn reached(swarm: &mut TestSwarm) -> (Self, Process) {
        swarm.start_daemon(&[]);
        swarm.run(&["start", "hunter"]);
        let gate = Self::create(swarm);
        gate.wait(swarm);
        let worker = worker_of(swarm, "hunter");
        (gate, worker)
    }

    /// Waits until the CLI stands at the gate and has written down what came before: it does so about every tenth of a second.
    pub fn wait(&self, swarm: &TestSwarm) {
        swarm.until("the CLI is at the gate", |swarm| {
            let file = self.conversation(swarm).and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
            (self.folder.join("at-gate").exists() && file.contains("Then the gate.")).then_some(())
        });
    }

    /// The file in which the CLI keeps the task's conversation, once it is there.
    pub fn conversation(&self, swarm: &TestSwarm) -> Option<PathBuf> {
        let folder = swarm.home.join(format!("data/tasks/{}/home/.claude/projects/-workspace", self.task));
        let mut files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        files.find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
    }

    /// Forgets that the CLI ever stood there.
    pub fn forget(&self) {
        fs::remove_file(self.folder.join("at-gate")).unwrap();
    }

    /// Lets the CLI pass.
    pub fn open(&self) {
        fs::create_dir_all(&self.folder).unwrap();
        fs::write(self.folder.join("go"), "").unwrap();
    }

    /// Waits until the task is done: each note was written once, because the conversation went on where it was.
    pub fn passed(&self, swarm: &TestSwarm) -> Value {
        let task = self.done(swarm);
        assert_eq!(self.notes(), "first\nsecond\n");
        task
    }

    /// Waits until the task is done. A CLI writes its conversation down about every tenth of a second: of one that died, the newest
    /// turn may be done again.
    pub fn done(&self, swarm: &TestSwarm) -> Value {
        let task = swarm.until_task(self.task, &["done", "failed"]);
        assert_eq!(task["state"], "done", "{task:#}");
        assert!(self.notes().ends_with("first\nsecond\n"), "{}", self.notes());
        task
    }

    fn notes(&self) -> String {
        fs::read_to_string(self.folder.join("notes")).unwrap()
    }
}

/// A death, from whose moment on recovery is measured.
pub struct Death(i64);

impl Death {
    pub fn now() -> Self {
        Self(clock::now().0)
    }

    /// Waits for the task's next claim by a live worker (or for the next sign of life of the one that it has), prints how long after
    /// the death it came, and answers with the event.
    pub fn recovered(&self, swarm: &TestSwarm, task: i64, sign: &str) -> Value {
        let event = swarm.until(&format!("{sign} of task {task} after the death"), |swarm| {
            let mut events = swarm.events().into_iter();
            events.find(|event| event["kind"] == sign && event["task"] == task && event["at"].as_i64().unwrap() >= self.0)
        });
        let took = Duration::from_millis((event["at"].as_i64().unwrap() - self.0).unsigned_abs());
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        eprintln!("recovery: {test}: {sign} after {} ms", took.as_millis());
        assert!(took < Duration::from_secs(30), "recovery took {took:?}");
        event
    }
}
