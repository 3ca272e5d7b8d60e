//! Decisions that are none: without a reason, twice, about something else, about nothing.

use serde_json::json;

use super::stage::{said, without_change};
use crate::harness::TestSwarm;

#[test]
fn a_decision_is_made_once_about_what_was_shown_and_a_no_says_why() {
    let mut swarm = TestSwarm::rehearsal();
    swarm.start_daemon(&[]);
    swarm.run(&["start", "critic", "pm"]);
    let idea = json!({"title": "A product", "problem": "p", "customer": "c", "evidence": "e", "category": "content"});
    swarm.create("evaluate_idea", &json!({ "idea": idea }));
    let asked = swarm.until_approval("build");
    let binding = asked["binding"].as_str().unwrap();
    let other = "0".repeat(64);
    let run = |args: &[&str]| said(&swarm.try_run(args)).replace(binding, "BINDING");
    let refused = without_change(&swarm, || {
        let missing = swarm.try_run(&["reject", "1"]);
        assert_eq!(missing.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&missing.stderr).contains("--reason <TEXT>"));
        [
            run(&["reject", "1", "--reason", ""]),
            run(&["reject", "1", "--reason", " \t "]),
            run(&["reject", "1", "--reason", "\u{1b}[2J"]),
            run(&["approve", "1", "--reason", &"x".repeat(8001)]),
            run(&["approve", "1", "--binding", &other]),
            run(&["approve", "1", "--binding", "0"]),
            format!("{:?}\n", swarm.rest("POST", "/api/v1/approvals/1/reject", b"{}")),
            format!(
                "{:?}\n",
                swarm.rest("POST", "/api/v1/approvals/1/approve", json!({"binding": other}).to_string().as_bytes())
            ),
        ]
        .concat()
    });
    insta::assert_snapshot!(refused, @r#"
    2 error: reason: a rejection needs one
      → the next attempt is told why: --reason "…"
    2 error: reason: a rejection needs one
      → the next attempt is told why: --reason "…"
    2 error: reason: holds the control character U+001B
      → take it out; line breaks and tabs are allowed
    2 error: reason: 8001 bytes are too long
      → at most 8000 bytes
    5 error: approval 1 is not what you were shown: its binding is BINDING
      → look at it again: `claude-swarm approval 1`
    2 error: binding: "0" is too short
      → give at least its first 8 digits
    (422, Object {"kind": String("invalid"), "status": Number(422), "detail": String("a rejection needs one"), "field": String("reason"), "hint": String("the next attempt is told why: --reason \"…\"")})
    (409, Object {"kind": String("conflict"), "status": Number(409), "detail": String("approval 1 is not what you were shown"), "hint": String("look at it again, then decide")})
    "#);

    swarm.run(&["approve", "1", "--binding", &binding[..8]]);
    let task = swarm.until_type("build_product");
    let twice = without_change(&swarm, || {
        [
            run(&["approve", "1"]),
            run(&["reject", "1", "--reason", "I changed my mind"]),
            run(&["approve", "1", "--binding", binding]),
        ]
        .concat()
    });
    insta::assert_snapshot!(twice, @r#"
    5 error: approval 1 is approved already, by operator
    5 error: approval 1 is approved already, by operator
    5 error: approval 1 is approved already, by operator
    "#);
    assert_eq!(swarm.tasks(&["list", "--type", "build_product"]).as_array().unwrap().len(), 1);
    assert_eq!(swarm.tasks(&["show", &task.to_string()])["state"], "pending");
}
