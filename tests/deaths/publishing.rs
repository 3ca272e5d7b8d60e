//! The daemon dies on the way from a decision to the outlet: what was approved is published, once.

use super::reckoning::{Reckoning, reckon};
use super::story::{CREW, Death, stage};
use crate::harness::TestSwarm;

/// A product on its way, with a daemon that was started with these options.
pub fn product(swarm: &mut TestSwarm, options: &[&str]) {
    swarm.start_daemon(options);
    swarm.run(&[&["start"], CREW.as_slice()].concat());
    swarm.create("scan_platform", &serde_json::json!({"platform": "npm", "topic": "tiny tools"}));
}

/// The daemon dies at a failpoint while it publishes the product.
fn dies_at(failpoint: &str, lost: usize) {
    let mut swarm = stage();
    swarm.arm(failpoint);
    product(&mut swarm, &["--auto-approve"]);
    swarm.await_daemon_death();
    let death = Death::now();
    swarm.restart_daemon();
    let publish = swarm.until_type("publish");
    death.recovered(&swarm, publish, "task:completed");
    let posted = swarm.until_type("post");
    swarm.until_task(posted, &["done"]);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(lost));
}

#[test]
fn a_daemon_that_dies_when_it_wrote_down_that_it_sends() {
    dies_at("daemon.publication-sending", 1);
}

#[test]
fn a_daemon_that_dies_in_the_middle_of_sending() {
    dies_at("daemon.outlet-reserved", 1);
}

#[test]
fn a_daemon_that_dies_when_the_outlet_has_it_and_it_is_not_written_down() {
    dies_at("daemon.publication-put", 1);
}

#[test]
fn a_daemon_that_dies_when_it_has_written_down_that_it_is_published() {
    let mut swarm = stage();
    swarm.arm("daemon.publication-recorded");
    product(&mut swarm, &["--auto-approve"]);
    swarm.await_daemon_death();
    swarm.restart_daemon();
    let posted = swarm.until_type("post");
    swarm.until_task(posted, &["done"]);
    assert!(swarm.reached("daemon.publication-recorded"));
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}

#[test]
fn a_daemon_that_dies_between_a_persons_decision_and_the_outlet() {
    let mut swarm = stage();
    product(&mut swarm, &[]);
    let build = swarm.until_approval("build")["id"].to_string();
    swarm.run(&["approve", &build]);
    let publish = swarm.until_approval("publish")["id"].to_string();
    swarm.arm("daemon.decision-committed");
    let cut_off = swarm.try_run(&["approve", &publish]);
    assert!(!cut_off.status.success(), "nobody could answer");
    swarm.await_daemon_death();
    let death = Death::now();
    swarm.restart_daemon();
    let task = swarm.until_type("publish");
    death.recovered(&swarm, task, "task:completed");
    // Whoever was not answered asks again, and is told that it was decided.
    let again = swarm.try_run(&["approve", &publish]);
    assert_eq!(again.status.code(), Some(5), "{}", String::from_utf8_lossy(&again.stderr));
    let post = swarm.until_approval("post")["id"].to_string();
    swarm.run(&["approve", &post]);
    let posted = swarm.until_type("post");
    swarm.until_task(posted, &["done"]);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}
