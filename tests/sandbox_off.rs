//! The sandbox switched off by the settings, and on again: the same work is done where things really lie, and every surface says what that means.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;

use std::fs;
use std::process::Command;

use harness::TestSwarm;
use serde_json::json;

/// A product from its idea to its review, made by commands that name no path.
const SCRIPT: &str = r#"
name: bare
tasks:
  - when: {type: scan_platform}
    turns:
      - result:
          summary: One idea.
          ideas: [{title: Tiny tool, problem: p, customer: c, evidence: e, category: digital_product}]
  - when: {type: evaluate_idea}
    turns:
      - result: {verdict: approve, score: 7, demand: some, competition: little, feasibility: easy, reasons: good, is_bounty: false,
          is_outside_contribution: false, opinions_differ: false}
  - when: {type: write_spec}
    turns:
      - tool: {name: Bash, input: {command: 'pwd >SPEC.md; echo $HOME >>SPEC.md; grep -o "^- In .*, inside" $HOME/.swarm-role.md >>SPEC.md; claude-tasks list >>SPEC.md'}}
      - result: {summary: what it is, files: [SPEC.md]}
  - when: {type: build_product}
    turns:
      - tool: {name: Bash, input: {command: 'echo hi >README.md; echo "test -f README.md && pwd" >test.sh'}}
      - result: {summary: made it, files: [README.md, test.sh]}
  - when: {type: code_review}
    turns:
      - tool: {name: Bash, input: {command: 'sh test.sh'}}
      - result: {verdict: pass, security: {ok: true, note: n}, quality: {ok: true, note: n}, maintainability: {ok: true, note: n},
          findings: [], summary: fine}
"#;

#[test]
fn the_same_work_is_done_and_every_surface_says_that_nothing_holds_the_agents() {
    let mut swarm = TestSwarm::rehearsal();
    swarm.set("sandbox", "{mode: \"off\"}");
    // Tests run as root where there is no other user; the CLI takes this for being contained.
    swarm.set("providers", "{claude: {env: {IS_SANDBOX: '1'}}}");
    swarm.script(SCRIPT);
    swarm.start_daemon(&[]);
    swarm.run(&["start", "hunter", "critic", "pm", "builder", "reviewer"]);
    assert_eq!(swarm.json(&["status"])["sandbox_off"], true);
    assert!(swarm.run(&["status"]).contains("[NO SANDBOX]"));

    swarm.create_scan();
    let build = swarm.until_approval("build");
    let tree = swarm.home.join("data/projects/tiny-tool");
    let spec = fs::read_to_string(tree.join("SPEC.md")).unwrap();
    let lines: Vec<&str> = spec.lines().collect();
    let writing = swarm.tasks(&["list", "--type", "write_spec"])[0]["id"].clone();
    assert_eq!(lines[0], tree.to_str().unwrap());
    assert_eq!(lines[1], swarm.home.join(format!("data/tasks/{writing}/home")).to_str().unwrap());
    assert_eq!(lines[2], format!("- In `{}`, inside", tree.display()), "the prompt names the real places");
    assert!(spec.contains("write_spec"), "its door to the swarm is open: {spec}");

    swarm.run(&["approve", &build["id"].to_string()]);
    let review = swarm.until_type("code_review");
    swarm.until_task(review, &["done"]);
    let built = swarm.until_type("build_product");
    let built = swarm.tasks(&["show", &built.to_string()]);
    let kept: Vec<&str> =
        built["artifacts"].as_array().unwrap().iter().filter_map(|artifact| artifact["name"].as_str()).collect();
    assert_eq!(kept, ["transcript", "check:tests"], "{built}");
    let git = swarm.home.join("data/git/tiny-tool.git");
    let log = Command::new("git").arg("--git-dir").arg(git).args(["log", "--format=%s", "main"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&log.stdout).lines().count(), 2, "{log:?}");
    for pane in ["pm", "builder"] {
        let log = fs::read_to_string(swarm.home.join(format!("logs/{pane}.log"))).unwrap();
        assert!(log.contains("the sandbox is off"), "{log}");
    }
}

/// A task that says in which way it runs.
const MARKED: &str = r#"
name: marked
tasks:
  - when: {type: research}
    turns:
      - tool: {name: Bash, input: {command: 'echo "mark $MARK in $PWD"'}}
      - result: {summary: done, ideas: []}
"#;

#[test]
fn workers_that_outlive_the_daemon_go_by_the_settings_of_the_next() {
    let mut swarm = TestSwarm::rehearsal();
    swarm.script(MARKED);
    swarm.set("sandbox", "{mode: \"off\"}");
    swarm.set("providers", "{claude: {env: {IS_SANDBOX: '1', MARK: one}}}");
    swarm.start_daemon(&[]);
    swarm.run(&["start", "hunter"]);
    let pid = |swarm: &TestSwarm| swarm.json(&["status"])["agents"][2]["pid"].clone();
    let before = pid(&swarm);
    let ran = |swarm: &TestSwarm, mark: &str| {
        let task = swarm.create("research", &json!({ "question": mark }));
        swarm.until_task(task, &["done"]);
        let log = fs::read_to_string(swarm.home.join("logs/hunter.log")).unwrap();
        log.lines().rfind(|line| line.contains(&format!("↳ mark {mark} in "))).unwrap_or_else(|| panic!("{log}")).to_owned()
    };
    assert!(ran(&swarm, "one").contains("/data/tasks/"), "it runs on the machine itself");
    swarm.kill_daemon();
    swarm.set("sandbox", "{mode: bubblewrap}");
    swarm.set("providers", "{claude: {env: {MARK: two}}}");
    swarm.restart_daemon();
    assert!(ran(&swarm, "two").ends_with("/workspace"), "the sandbox holds from the next task on");
    assert_eq!(pid(&swarm), before, "the worker is the same");
}
