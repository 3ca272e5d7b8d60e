//! A worker dies; its sandbox dies with it, and a successor goes on with the task.

use std::fs;
use std::process::Command;

use super::publishing::product;
use super::reckoning::{Reckoning, reckon};
use super::story::{Death, Gate, stage};
use super::victims::{cli_of, worker_of};

/// A worker that dies at a failpoint, once.
fn dies_at(failpoint: &str) {
    let mut swarm = stage();
    swarm.start_daemon(&[]);
    swarm.run(&["start", "hunter"]);
    let worker = worker_of(&swarm, "hunter");
    swarm.arm(failpoint);
    let gate = Gate::create(&swarm);
    gate.open();
    worker.gone();
    let death = Death::now();
    assert!(swarm.reached(failpoint));
    let claimed = death.recovered(&swarm, gate.task, "task:claimed");
    assert_eq!(claimed["data"]["attempt"], 2);
    gate.done(&swarm);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(1));
}

#[test]
fn a_worker_that_dies_between_its_claim_and_its_cli() {
    dies_at("worker.before-spawn");
}

#[test]
fn a_worker_that_dies_in_the_moment_in_which_it_starts_its_sandbox() {
    dies_at("worker.spawned");
}

#[test]
fn a_worker_that_dies_in_the_middle_of_the_stream() {
    dies_at("worker.mid-stream");
}

#[test]
fn a_worker_that_dies_with_the_result_in_its_hands() {
    dies_at("worker.before-report");
}

#[test]
fn a_worker_that_is_killed_takes_its_sandbox_with_it() {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    let cli = cli_of(worker);
    worker.kill();
    let death = Death::now();
    death.recovered(&swarm, gate.task, "task:lost");
    assert!(!cli.can_act(), "the claim was taken back while its CLI lived");
    death.recovered(&swarm, gate.task, "task:claimed");
    gate.open();
    gate.passed(&swarm);
    assert_ne!(worker_of(&swarm, "hunter"), worker);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(1));
}

#[test]
fn a_task_outlives_one_worker_after_another() {
    let mut swarm = stage();
    let (gate, first) = Gate::reached(&mut swarm);
    let mut worker = first;
    for _ in 0..3 {
        gate.forget();
        worker.kill();
        Death::now().recovered(&swarm, gate.task, "task:claimed");
        gate.wait(&swarm);
        worker = worker_of(&swarm, "hunter");
    }
    gate.open();
    gate.passed(&swarm);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(3));
}

#[test]
fn a_product_whose_history_was_cut_off_has_one_all_the_same() {
    let mut swarm = stage();
    swarm.arm("worker.history-begun");
    product(&mut swarm, &[]);
    let build = swarm.until_approval("build")["id"].to_string();
    assert!(swarm.reached("worker.history-begun"), "the worker died before its product had a repository");
    // A git that dies leaves its locks.
    let repository = swarm.home.join("data/git/a-tiny-tool.git");
    for lock in ["index.lock", "HEAD.lock", "config.lock", "refs/heads/master.lock"] {
        fs::write(repository.join(lock), "").unwrap();
    }
    swarm.run(&["approve", &build]);
    let publish = swarm.until_approval("publish")["id"].to_string();
    swarm.run(&["approve", &publish]);
    let post = swarm.until_approval("post")["id"].to_string();
    swarm.run(&["approve", &post]);
    let posted = swarm.until_type("post");
    swarm.until_task(posted, &["done"]);
    let log = Command::new("git").arg("--git-dir").arg(&repository).args(["log", "--reverse", "--format=%s"]).output().unwrap();
    let log = String::from_utf8(log.stdout).unwrap();
    let kinds: Vec<&str> = log.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(kinds, ["write_spec", "build_product"], "{log}");
    assert_eq!(reckon(&mut swarm), Reckoning::lost(1));
}
