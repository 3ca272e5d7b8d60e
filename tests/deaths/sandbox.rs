//! What runs in the sandbox dies, or the sandbox itself: its worker sees it, and says so.

use std::collections::BTreeMap;

use super::reckoning::{Reckoning, reckon};
use super::story::{Death, Gate, stage};
use super::victims::{Process, cli_of, guard_of, worker_of};

/// Kills one part of a sandbox. Whether the CLI itself or somebody from outside did it cannot be told: an attempt is spent.
fn dies(victim: impl FnOnce(Process) -> Process) {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    let cli = cli_of(worker);
    victim(worker).kill();
    let death = Death::now();
    gate.open();
    death.recovered(&swarm, gate.task, "task:retrying");
    cli.gone();
    death.recovered(&swarm, gate.task, "task:claimed");
    gate.done(&swarm);
    assert_eq!(worker_of(&swarm, "hunter"), worker, "the worker lives on");
    let reckoning = reckon(&mut swarm);
    assert_eq!(reckoning, Reckoning { lost: 0, failed: BTreeMap::from([("crashed".to_owned(), 1)]) });
}

#[test]
fn a_cli_that_is_killed_is_resumed() {
    dies(cli_of);
}

#[test]
fn a_guard_that_is_killed_takes_all_of_its_sandbox_with_it() {
    dies(guard_of);
}
