//! An approval, from the page that shows it to the decision.

use std::fs;

use serde_json::json;

use crate::harness::TestSwarm;
use crate::output::ended;

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
