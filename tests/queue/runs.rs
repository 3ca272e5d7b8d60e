//! The runs: many seeds side by side, and what must be true at the end of each.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::world::World;

/// Seeds of a usual run.
const SEEDS: u64 = 50;
/// Steps of each.
const STEPS: u64 = 1_000;

#[expect(clippy::disallowed_methods, reason = "how often and how long is for whoever runs the test")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Plays one seed, and answers how often each kind of event happened.
fn play(seed: u64, steps: u64) -> BTreeMap<String, u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut world = runtime.block_on(World::new(seed));
    let mut at = 0;
    let run = catch_unwind(AssertUnwindSafe(|| {
        while at < steps {
            at += 1;
            runtime.block_on(world.step());
        }
        world.watch.look_at_all();
        runtime.block_on(world.settle());
        world.watch.look_at_all();
    }));
    if let Err(panic) = run {
        let trace: Vec<&str> = world.trace.iter().map(String::as_str).collect();
        eprintln!("seed {seed}, step {at}; play it again with QUEUE_SEED={seed}. What happened last:\n{}", trace.join("\n"));
        resume_unwind(panic);
    }
    world.watch.kinds
}

#[test]
fn whatever_happens_the_queue_keeps_its_word() {
    let steps = asked("QUEUE_STEPS").unwrap_or(STEPS);
    let (first, count) = asked("QUEUE_SEED").map_or((1, asked("QUEUE_SEEDS").unwrap_or(SEEDS)), |seed| (seed, 1));
    let next = AtomicU64::new(first);
    let kinds = Mutex::new(BTreeMap::<String, u64>::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    for (kind, n) in play(seed, steps) {
                        *kinds.lock().unwrap().entry(kind).or_default() += n;
                    }
                }
            });
        }
    });
    let kinds = kinds.into_inner().unwrap();
    println!("{kinds:#?}");
    if count >= SEEDS && steps >= STEPS {
        // A driver that never gets anywhere would find nothing.
        for kind in EXPECTED {
            assert!(kinds.contains_key(kind), "never happened: {kind}");
        }
    }
}

/// Everything that can happen.
const EXPECTED: [&str; 36] = [
    "account:closed",
    "account:ready",
    "agent:ended",
    "agent:paused",
    "agent:quarantined",
    "agent:ready",
    "agent:resumed",
    "agent:starting",
    "agent:unwanted",
    "agent:wanted",
    "approval:decided",
    "approval:requested",
    "approval:withdrawn",
    "budget:exhausted",
    "message:delivered",
    "message:sent",
    "product:shelved",
    "product:started",
    "publication:intended",
    "publication:published",
    "publication:sending",
    "swarm:halted",
    "swarm:halt_lifted",
    "task:cancelled",
    "task:claimed",
    "task:completed",
    "task:created",
    "task:depends",
    "task:failed",
    "task:lost",
    "task:released",
    "task:retried",
    "task:retrying",
    "task:started",
    "task:unblocked",
    "task:validating",
];
