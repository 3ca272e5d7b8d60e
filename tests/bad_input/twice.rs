//! A second daemon on one home.

use std::fs;

use super::stage::{daemon, quiet, state};

#[test]
fn a_second_daemon_ends_at_once_and_the_first_does_not_notice() {
    let mut swarm = quiet();
    let pid = swarm.daemon.as_ref().unwrap().id();
    let before = state(&swarm);
    for _ in 0..2 {
        let second = daemon(&swarm);
        assert_eq!(second.status.code(), Some(5));
        let why = String::from_utf8_lossy(&second.stderr).replace(&swarm.home.display().to_string(), "HOME");
        let last = why.lines().filter(|line| line.starts_with("error") || line.starts_with("  →")).collect::<Vec<_>>().join("\n");
        assert_eq!(
            last,
            format!("error: a daemon runs on HOME already (process {pid})\n  → use that one, or end it with `claude-swarm stop`")
        );
    }
    assert_eq!(state(&swarm), before);
    assert_eq!(fs::read_to_string(swarm.home.join("data/run/daemon.pid")).unwrap(), format!("{pid}\n"));

    // What a dead one left behind keeps nobody out.
    swarm.kill_daemon();
    assert!(swarm.home.join("data/run/daemon.pid").exists() && swarm.home.join("data/run/operator.sock").exists());
    swarm.restart_daemon();
    assert_ne!(swarm.daemon.as_ref().unwrap().id(), pid);
    assert_eq!(state(&swarm)["tasks"], before["tasks"]);
}
