//! Who is to die: workers, CLIs, guards, servers, found as a person would find them.

use std::fs;
use std::time::Instant;

use claude_swarm::runner::{ProcessIdentity, is_alive};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{PATIENCE, TestSwarm, all_processes};

/// One process, and no later one of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(ProcessIdentity);

impl Process {
    pub fn of(pid: i64) -> Self {
        Self(ProcessIdentity::of(i32::try_from(pid).unwrap()).expect("the process runs"))
    }

    pub fn pid(self) -> i32 {
        self.0.pid
    }

    pub fn signal(self, signal: Signal) {
        kill_process(Pid::from_raw(self.0.pid).unwrap(), signal).unwrap();
    }

    /// `kill -9`.
    pub fn kill(self) {
        self.signal(Signal::KILL);
    }

    pub fn is_alive(self) -> bool {
        is_alive(self.0)
    }

    /// Whether it may still do anything. What has been killed may be on its way out for a while (the kernel gives a CLI's memory back page
    /// by page), but runs no instruction of its own any more.
    pub fn can_act(self) -> bool {
        const EXITING: u32 = 0x4;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.pid)).unwrap_or_default();
        let flags = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(6)?.parse::<u32>().ok());
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.pid)).unwrap_or_default();
        let pending = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
            line.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 << (Signal::KILL.as_raw() - 1) != 0)
        };
        self.is_alive() && flags.is_some_and(|flags| flags & EXITING == 0) && !pending("SigPnd") && !pending("ShdPnd")
    }

    /// Waits until it is gone.
    pub fn gone(self) {
        let began = Instant::now();
        while self.is_alive() {
            assert!(began.elapsed() < PATIENCE, "process {} does not end", self.0.pid);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

/// The worker of an agent, as `status` names it.
pub fn worker_of(swarm: &TestSwarm, agent: &str) -> Process {
    swarm.until(&format!("{agent} has a worker"), |swarm| {
        let status = swarm.json(&["status"]);
        let row = status["agents"].as_array().unwrap().iter().find(|row| row["name"] == agent).cloned().unwrap();
        row["pid"].as_i64().map(Process::of)
    })
}

/// The CLI that a worker runs, seen from outside its sandbox.
pub fn cli_of(worker: Process) -> Process {
    below(worker)
        .into_iter()
        .find(|(_, line)| line.starts_with("/opt/swarm/bin/claude"))
        .map(|(pid, _)| Process::of(pid.into()))
        .unwrap()
}

/// The outermost process of a worker's sandbox: bubblewrap on the machine itself.
pub fn guard_of(worker: Process) -> Process {
    let children = all_processes().into_iter().filter(|(pid, _)| parent(*pid) == Some(worker.pid()));
    Process::of(children.map(|(pid, _)| pid.into()).next().unwrap())
}

/// The tmux server of this home.
pub fn tmux_of(swarm: &TestSwarm) -> Process {
    Process::of(swarm.tmux(&["display-message", "-p", "#{pid}"]).trim().parse().unwrap())
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// All that stems from a process, with command lines.
fn below(process: Process) -> Vec<(i32, String)> {
    let mut found = all_processes();
    found.retain(|(pid, _)| {
        let line = std::iter::successors(parent(*pid), |pid| parent(*pid));
        line.take(64).any(|ancestor| ancestor == process.pid())
    });
    found
}
