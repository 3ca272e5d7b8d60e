//! The tmux server dies, and with it every pane and every worker.

use super::reckoning::{Reckoning, reckon};
use super::story::{Death, Gate, stage};
use super::victims::{Process, cli_of, tmux_of, worker_of};

#[test]
fn a_tmux_server_that_dies_takes_the_workers_and_no_task() {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    let (server, cli) = (tmux_of(&swarm), cli_of(worker));
    server.kill();
    let death = Death::now();
    // Until it is gone it could still pass the gate, as it could in life.
    cli.gone();
    gate.open();
    death.recovered(&swarm, gate.task, "task:claimed");
    assert!(!worker.is_alive() && !cli.can_act());
    gate.passed(&swarm);
    assert_ne!(tmux_of(&swarm), server);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(1));
}

#[test]
fn everything_that_dies_at_once_as_in_a_power_cut_goes_on() {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    let daemon = Process::of(swarm.daemon.as_ref().unwrap().id().into());
    for victim in [daemon, tmux_of(&swarm), worker, cli_of(worker)] {
        victim.kill();
    }
    let death = Death::now();
    swarm.await_daemon_death();
    gate.open();
    swarm.restart_daemon();
    death.recovered(&swarm, gate.task, "task:claimed");
    gate.passed(&swarm);
    assert_ne!(worker_of(&swarm, "hunter"), worker);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(1));
}
