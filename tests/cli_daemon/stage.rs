//! What these tests begin with: a daemon with nobody at work, and a task for it.

use serde_json::json;

use crate::harness::TestSwarm;

/// A daemon with nobody at work: tasks stay where they are.
pub fn quiet() -> TestSwarm {
    let mut swarm = TestSwarm::rehearsal();
    swarm.start_daemon(&[]);
    swarm
}

/// Creates a task that somebody could do.
pub fn research(swarm: &TestSwarm) -> i64 {
    swarm.create("research", &json!({"question": "what is missing?"}))
}
