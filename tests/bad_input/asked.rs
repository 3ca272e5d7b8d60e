//! Tasks that are asked for in a way that cannot be.

use std::fs;

use serde_json::json;

use super::stage::{quiet, said, state, without_change};
use crate::harness::TestSwarm;

const TOPIC: &str = r#"{"platform": "npm", "topic": "linters"}"#;

/// What `claude-tasks create` with these arguments says, one after the other.
fn creating(swarm: &TestSwarm, all: &[&[&str]]) -> String {
    without_change(swarm, || all.iter().map(|args| said(&swarm.try_tasks(&[&["create"], *args].concat()))).collect())
}

#[test]
fn a_type_that_is_not_there() {
    let swarm = quiet();
    insta::assert_snapshot!(creating(&swarm, &[
        &["--type", "scan_platfrom", "--payload", TOPIC],
        &["--type", "", "--payload", TOPIC],
        &["--type", "publish", "--payload", r#"{"approval": 1}"#],
        &["--type", "build_product", "--payload", "{}"],
        &["--type", "build_product", "--payload", "{}", "--product", "7"],
    ]), @r#"
    2 error: type: there is no task type "scan_platfrom"
      → one of: build_product, code_review, directive, evaluate_idea, fix_product, implement_proposal, market, monitor_github, post, prepare_listing, publish, research, respond_to_human, scan_platform, test_product, triage_issue, write_spec
    2 error: type: there is no task type ""
      → one of: build_product, code_review, directive, evaluate_idea, fix_product, implement_proposal, market, monitor_github, post, prepare_listing, publish, research, respond_to_human, scan_platform, test_product, triage_issue, write_spec
    6 error: publish is done by the daemon after an approval, and is not created by hand
      → `claude-swarm approvals` shows what waits for you
    2 error: product: build_product works on a product, and none is named
      → `claude-swarm products` lists them
    4 error: there is no product 7
      → `claude-swarm products` shows what there is
    "#);
}

#[test]
fn a_priority_out_of_range() {
    let swarm = quiet();
    insta::assert_snapshot!(creating(&swarm, &[
        &["--type", "scan_platform", "--payload", TOPIC, "--priority", "11"],
        &["--type", "scan_platform", "--payload", TOPIC, "--priority", "0"],
        &["--type", "scan_platform", "--payload", TOPIC, "--priority=-3"],
        &["--type", "scan_platform", "--payload", TOPIC, "--priority", "9223372036854775807"],
    ]), @r#"
    2 error: priority: 11 is out of range
      → 1 to 10, 10 first
    2 error: priority: 0 is out of range
      → 1 to 10, 10 first
    2 error: priority: -3 is out of range
      → 1 to 10, 10 first
    2 error: priority: 9223372036854775807 is out of range
      → 1 to 10, 10 first
    "#);
    let output = swarm.try_tasks(&["create", "--type", "scan_platform", "--payload", TOPIC, "--priority", "high"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--priority <N>"));
}

#[test]
fn a_payload_that_misses_its_schema() {
    let swarm = quiet();
    let long = json!({"platform": "npm", "topic": "x".repeat(401)}).to_string();
    insta::assert_snapshot!(creating(&swarm, &[
        &["--type", "scan_platform", "--payload", r#"{"platform": "npm"}"#],
        &["--type", "scan_platform", "--payload", r#"{"platform": "npm", "topic": 7}"#],
        &["--type", "scan_platform", "--payload", r#"{"platform": "npm", "topic": ""}"#],
        &["--type", "scan_platform", "--payload", r#"{"platform": "npm", "topic": "x", "extra": true}"#],
        &["--type", "scan_platform", "--payload", &long],
        &["--type", "scan_platform", "--payload", "[1]"],
        &["--type", "scan_platform", "--payload", "null"],
        &["--type", "scan_platform"],
        &["--type", "evaluate_idea", "--payload", r#"{"idea": {"title": "t", "problem": "p", "customer": "c", "evidence": "e", "category": "stolen"}}"#],
    ]), @r#"
    2 error: payload: "topic" is a required property
      → `claude-tasks types` shows what each type takes
    2 error: payload.topic: 7 is not of type "string"
      → `claude-tasks types` shows what each type takes
    2 error: payload.topic: "" is shorter than 1 character
      → `claude-tasks types` shows what each type takes
    2 error: payload: Additional properties are not allowed ('extra' was unexpected)
      → `claude-tasks types` shows what each type takes
    2 error: payload.topic: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
      → `claude-tasks types` shows what each type takes
    2 error: payload: [1] is not of type "object"
      → `claude-tasks types` shows what each type takes
    2 error: payload: "platform" is a required property
      → 1 more like this; `claude-tasks types` shows what each type takes
    2 error: payload: "platform" is a required property
      → 1 more like this; `claude-tasks types` shows what each type takes
    2 error: payload.idea.category: "stolen" is not one of "digital_product", "service" or 3 other candidates
      → `claude-tasks types` shows what each type takes
    "#);
}

#[test]
fn a_payload_that_is_no_json() {
    let swarm = quiet();
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    insta::assert_snapshot!(creating(&swarm, &[
        &["--type", "scan_platform", "--payload", "topic=linters"],
        &["--type", "scan_platform", "--payload", r#"{"platform": "npm","#],
        &["--type", "scan_platform", "--payload", ""],
        &["--type", "scan_platform", "--payload", "@/no/such/file"],
        &["--type", "scan_platform", "--payload", "@/"],
        &["--type", "scan_platform", "--payload", "-"],
        &["--type", "scan_platform", "--payload", &deep],
    ]), @r#"
    2 error: payload: is not JSON: expected ident at line 1 column 2
      → write for example --payload '{"topic": "link checkers"}', or --payload @FILE
    2 error: payload: is not JSON: EOF while parsing a value at line 1 column 19
      → write for example --payload '{"topic": "link checkers"}', or --payload @FILE
    2 error: payload: is not JSON: EOF while parsing a value at line 1 column 0
      → write for example --payload '{"topic": "link checkers"}', or --payload @FILE
    2 error: payload: /no/such/file: No such file or directory (os error 2)
    2 error: payload: cannot be read: Is a directory (os error 21)
    2 error: payload: is not JSON: EOF while parsing a value at line 1 column 0
      → write for example --payload '{"topic": "link checkers"}', or --payload @FILE
    2 error: payload: is not JSON: recursion limit exceeded at line 1 column 128
      → write for example --payload '{"topic": "link checkers"}', or --payload @FILE
    "#);
}

#[test]
fn a_payload_of_ten_megabytes() {
    let swarm = quiet();
    let payload = json!({"platform": "npm", "topic": "x".repeat(10_000_000)}).to_string();
    let file = swarm.home.join("large.json");
    fs::write(&file, &payload).unwrap();
    let argument = format!("@{}", file.display());
    // Larger than a task may be, and smaller than a request.
    let medium = json!({"question": "x".repeat(500_000)}).to_string();
    fs::write(swarm.home.join("medium.json"), medium).unwrap();
    let medium = format!("@{}", swarm.home.join("medium.json").display());
    insta::assert_snapshot!(creating(&swarm, &[
        &["--type", "scan_platform", "--payload", &argument],
        &["--type", "research", "--payload", &medium],
    ]), @r#"
    2 error: payload: is larger than 1048576 bytes
      → put what is large into a file of the product
    2 error: payload: 500015 bytes are too many
      → at most 262144; put what is larger into a file of the product
    "#);
    let body = json!({"type": "scan_platform", "payload": {"platform": "npm", "topic": "x".repeat(10_000_000)}}).to_string();
    let (status, problem) = without_change(&swarm, || swarm.rest("POST", "/api/v1/tasks", body.as_bytes()));
    insta::assert_snapshot!(format!("{status} {problem}"), @r#"422 {"kind":"invalid","status":422,"detail":"is too large","field":"body","hint":"at most 1048576 bytes"}"#);
}

#[test]
fn control_characters() {
    let swarm = quiet();
    let task = swarm.create("research", &json!({"question": "why?"}));
    let id = task.to_string();
    without_change(&swarm, || {
        let mut all = String::new();
        for payload in [
            r#"{"question": "\u001b[2J"}"#,
            r#"{"question": "a\u0000b"}"#,
            r#"{"question": "\u202egnp.exe"}"#,
            r#"{"\u0007": 1}"#,
        ] {
            all.push_str(&said(&swarm.try_tasks(&["create", "--type", "research", "--payload", payload])));
        }
        all.push_str(&said(&swarm.try_tasks(&[
            "create",
            "--type",
            "research",
            "--payload",
            r#"{"question": "q"}"#,
            "--dedup-key",
            "k\u{1b}[2J",
        ])));
        all.push_str(&said(&swarm.try_tasks(&["create", "--type", "re\u{1b}[2Jsearch", "--payload", "{}"])));
        all.push_str(&said(&swarm.try_tasks(&["cancel", &id, "--reason", "\u{1b}[2J"])));
        all.push_str(&said(&swarm.try_run(&["pause", "hunter", "--reason", "\u{7}"])));
        all.push_str(&said(&swarm.try_run(&["pause", "hun\u{1b}[2Jter"])));
        insta::assert_snapshot!(all, @r#"
        2 error: payload.question: holds the control character U+001B
          → take it out; line breaks and tabs are allowed
        2 error: payload.question: holds the control character U+0000
          → take it out; line breaks and tabs are allowed
        2 error: payload.question: holds the control character U+202E
          → take it out; line breaks and tabs are allowed
        2 error: payload: holds the control character U+0007
          → take it out; line breaks and tabs are allowed
        2 error: dedup_key: holds the control character U+001B
          → take it out; line breaks and tabs are allowed
        2 error: type: there is no task type "re[2Jsearch"
          → one of: build_product, code_review, directive, evaluate_idea, fix_product, implement_proposal, market, monitor_github, post, prepare_listing, publish, research, respond_to_human, scan_platform, test_product, triage_issue, write_spec
        2 error: reason: holds the control character U+001B
          → take it out; line breaks and tabs are allowed
        2 error: reason: holds the control character U+0007
          → take it out; line breaks and tabs are allowed
        2 error: agent: "hun\u{1b}[2Jter" is not a name of an agent
          → a name begins with a letter, holds lower-case letters, digits and inner hyphens, and is at most 40 long
        "#);
        assert!(!all.contains('\u{1b}') && !all.contains('\u{202e}'));
    });
    // A message is cleaned rather than refused: it may be typed, and a terminal sends more than a person means.
    swarm.run(&["tell", "hunter", "look \u{1b}[2Jhere\u{7}"]);
    without_change(&swarm, || {
        assert!(said(&swarm.try_run(&["tell", "hunter", "\u{1b}\u{7}"])).starts_with("2 error: body: is empty"))
    });
}

#[test]
fn tasks_that_would_wait_for_ever() {
    let swarm = quiet();
    let create = |after: &[&str]| {
        let mut args = vec!["create", "--type", "research", "--payload", r#"{"question": "why?"}"#];
        args.extend(after);
        swarm.tasks(&args)["id"].as_i64().unwrap().to_string()
    };
    let first = create(&[]);
    let second = create(&["--after", &first]);
    let third = create(&["--after", &second]);
    let depend = |id: &str, on: &str| said(&swarm.try_tasks(&["depend", id, "--on", on]));
    let seen = without_change(&swarm, || {
        [
            depend(&first, &third),
            depend(&first, &first),
            depend(&first, "77"),
            depend("77", &first),
            said(&swarm.try_tasks(&["create", "--type", "research", "--payload", r#"{"question": "why?"}"#, "--after", "77"])),
            said(&swarm.try_tasks(&["create", "--type", "research", "--payload", r#"{"question": "why?"}"#, "--after=-1"])),
        ]
        .concat()
    });
    insta::assert_snapshot!(seen, @r#"
    5 error: task 3 already waits for task 1: together they would wait forever
      → `claude-tasks show` lists what a task waits for
    5 error: task 1 already waits for task 1: together they would wait forever
      → `claude-tasks show` lists what a task waits for
    4 error: there is no task 77
      → `claude-tasks list` shows what there is
    4 error: there is no task 77
      → `claude-tasks list` shows what there is
    2 error: needs: there is no task 77
      → `claude-tasks list` shows what there is
    2 error: needs: there is no task -1
      → `claude-tasks list` shows what there is
    "#);
}

#[test]
fn what_is_not_there() {
    let swarm = quiet();
    let mut all = String::new();
    without_change(&swarm, || {
        for args in [
            &["show", "77"][..],
            &["cancel", "77"],
            &["retry", "77"],
            &["wait", "77"],
            &["show", "9223372036854775807"],
            &["types", "nothing"],
        ] {
            all.push_str(&said(&swarm.try_tasks(args)));
        }
        for args in [
            &["approval", "77"][..],
            &["approve", "77"],
            &["reject", "77", "--reason", "no"],
            &["start", "nobody"],
            &["stop", "nobody"],
            &["pause", "nobody"],
            &["resume", "nobody"],
            &["tell", "nobody", "hello"],
            &["account", "open", "nobody"],
            &["logs", "nobody"],
            &["attach", "nobody"],
            &["pause", "../hunter"],
            &["income", "add", "5", "--source", "x", "--product", "77"],
        ] {
            all.push_str(&format!(
                "{}: {}",
                args[0],
                said(&swarm.try_run(args)).replace(&swarm.home.display().to_string(), "HOME")
            ));
        }
    });
    insta::assert_snapshot!(all, @r#"
    4 error: there is no task 77
      → `claude-tasks list` shows what there is
    4 error: there is no task 77
      → `claude-tasks list` shows what there is
    4 error: there is no task 77
      → `claude-tasks list` shows what there is
    4 error: there is no task 77
      → `claude-tasks list` shows what there is
    4 error: there is no task 9223372036854775807
      → `claude-tasks list` shows what there is
    4 error: there is no type "nothing"
      → one of: build_product, code_review, directive, evaluate_idea, fix_product, implement_proposal, market, monitor_github, post, prepare_listing, publish, research, respond_to_human, scan_platform, test_product, triage_issue, write_spec
    approval: 4 error: there is no approval 77
      → `claude-swarm approvals` lists what is open
    approve: 4 error: there is no approval 77
      → `claude-swarm approvals` lists what is open
    reject: 4 error: there is no approval 77
      → `claude-swarm approvals` lists what is open
    start: 4 error: there is no agent nobody
      → one of: builder, critic, hunter, liaison, meta, pm, publisher, reviewer, support, tester
    stop: 4 error: there is no agent nobody
      → one of: builder, critic, hunter, liaison, meta, pm, publisher, reviewer, support, tester
    pause: 4 error: there is no agent nobody
      → one of: builder, critic, hunter, liaison, meta, pm, publisher, reviewer, support, tester
    resume: 4 error: there is no agent nobody
      → one of: builder, critic, hunter, liaison, meta, pm, publisher, reviewer, support, tester
    tell: 4 error: there is no agent nobody
      → `claude-swarm status` lists them
    account: 4 error: there is no account "nobody"
      → one of: claude
    logs: 4 error: nobody has no log yet: HOME/logs/nobody.log is not there
      → `claude-swarm status` lists the agents; a log begins with the agent's first start
    attach: 4 error: there is no agent nobody
      → one of: builder, critic, hunter, liaison, meta, pm, publisher, reviewer, support, tester
    pause: 2 error: agent: "../hunter" is not a name of an agent
      → a name begins with a letter, holds lower-case letters, digits and inner hyphens, and is at most 40 long
    income: 4 error: there is no product 77
      → `claude-swarm products` shows what there is
    "#);
}

#[test]
fn without_a_daemon() {
    let swarm = TestSwarm::rehearsal();
    let home = swarm.home.display().to_string();
    let mut all = Vec::new();
    for args in [
        &["status"][..],
        &["events"],
        &["approvals"],
        &["approve", "1"],
        &["stop"],
        &["pause"],
        &["tell", "hunter", "x"],
        &["ask", "x"],
    ] {
        all.push(said(&swarm.try_run(args)).replace(&home, "HOME"));
    }
    for args in [&["list"][..], &["create", "--type", "research", "--payload", "{}"], &["cancel", "1"]] {
        all.push(said(&swarm.try_tasks(args)).replace(&home, "HOME"));
    }
    all.dedup();
    insta::assert_snapshot!(all.concat(), @r#"3 error: the daemon of HOME is not running; start it with `claude-swarm start`"#);
    assert!(!swarm.home.join("data/swarm.db").exists(), "asking makes nothing");
}

#[test]
fn a_key_that_stands_for_something_else() {
    let swarm = quiet();
    let args = ["create", "--type", "research", "--payload", r#"{"question": "why?"}"#, "--dedup-key", "k"];
    swarm.tasks(&args);
    let before = state(&swarm);
    swarm.tasks(&args);
    assert_eq!(state(&swarm), before, "asking twice is asking once");
    let other = creating(
        &swarm,
        &[
            &["--type", "research", "--payload", r#"{"question": "how?"}"#, "--dedup-key", "k"],
            &["--type", "scan_platform", "--payload", TOPIC, "--dedup-key", "k"],
        ],
    );
    insta::assert_snapshot!(other, @r#"
    5 error: the dedup key "k" belongs to task 1, which asks for something else
      → choose another key, or ask for the same
    5 error: the dedup key "k" belongs to task 1, which asks for something else
      → choose another key, or ask for the same
    "#);
}
