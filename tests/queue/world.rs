//! A swarm whose every part is played by chance: ten workers, a person, the supervisor, the daemon that dies.
//!
//! Here: who there is, and which of them acts next. What each does is in the files beside this one.

use std::collections::{BTreeMap, VecDeque};

use claude_swarm::domain::agent::Role;
use claude_swarm::domain::error::{Error, Kind};
use claude_swarm::domain::name::AgentName;
use claude_swarm::domain::principal::Principal;
use claude_swarm::domain::report::CheckReport;
use claude_swarm::domain::snapshot::Entry;
use claude_swarm::domain::task::Token;
use claude_swarm::swarm::Claimed;

use super::random::Random;
use super::watch::Watch;
use crate::home::{HOUR, Home, MINUTE, SECOND};

/// A session that ended, or whose process died and that nobody has noticed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    /// No session.
    Empty,
    /// Written down.
    Intended(i64),
    /// Its process is known.
    Started(i64),
    /// Its worker works.
    Ready(i64),
    /// Its process died; the daemon does not know yet.
    Dead(i64),
}

/// What a worker has under way.
pub struct Held {
    pub claimed: Claimed,
    /// The number of the next report.
    pub report: i64,
    /// What it cost so far, in millionths of a dollar.
    pub cost: i64,
    pub started: bool,
}

/// One of the ten.
pub struct Hand {
    pub name: AgentName,
    pub who: Principal,
    pub types: Vec<String>,
    pub seat: Seat,
    pub held: Option<Held>,
}

/// An attempt that is over, whose reports may still come.
pub struct Late {
    pub who: Principal,
    pub claimed: Claimed,
}

pub struct World {
    pub random: Random,
    pub home: Home,
    pub watch: Watch,
    pub hands: Vec<Hand>,
    pub late: Vec<Late>,
    /// The attempts whose sandbox runs, whatever the database says: of which task, and which product's tree they write.
    pub running: BTreeMap<Token, (i64, Option<i64>)>,
    pub files: Vec<Entry>,
    pub passed: CheckReport,
    pub failed: CheckReport,
    /// How often a verdict is a yes, in a hundred.
    pub yes: usize,
    /// What happened last, for whoever has to find out why it went wrong.
    pub trace: VecDeque<String>,
}

/// How much of what happened is kept.
const TRACE: usize = 40;

impl World {
    pub async fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (losses, free, cap) = (random.between(2, 6), random.between(2, 30), random.between(12, 120));
        let (rounds, yes) = (random.between(1, 3), random.pick(&[30, 60, 90]));
        let home = Home::with_rules_of(
            |pipeline| pipeline.max_rounds = u32::try_from(rounds).unwrap(),
            |rules| {
                rules.losses = u32::try_from(losses).unwrap();
                rules.free_retries = u32::try_from(free).unwrap();
                // Two of a kind, for what only two can do to each other.
                rules.roles.get_mut("hunter").unwrap().count = 2;
                rules.roles.remove("liaison");
                rules.daily_cap = claude_swarm::domain::budget::MicroUsd(cap * 1_000_000);
            },
        )
        .await;
        let watch = Watch::over(&home.database(), home.rules.pipeline.max_rounds);
        let files = ["README.md", "SPEC.md", "test.sh"].map(|path| home.file(path, path)).into_iter();
        let files = files.chain((0..5).map(|n| home.file(&format!("src/{n}.sh"), &format!("# {n}")))).collect();
        let (passed, failed) = (home.check("tests", 0, "ok"), home.check("tests", 1, "not ok"));
        let hand = |(name, role): (AgentName, &Role)| {
            let who = Principal::Worker(name.clone());
            Hand { name, who, types: role.task_types.clone(), seat: Seat::Empty, held: None }
        };
        let hands: Vec<Hand> = home.rules.agents().into_iter().map(hand).collect();
        assert_eq!(hands.len(), 10);
        let trace = VecDeque::new();
        let mut world =
            Self { random, home, watch, hands, late: vec![], running: BTreeMap::new(), files, passed, failed, yes, trace };
        world.home.swarm.start_agents(&Principal::Operator, vec![]).await.unwrap();
        world.watch.look();
        world
    }

    pub fn note(&mut self, what: String) {
        if self.trace.len() == TRACE {
            self.trace.pop_front();
        }
        self.trace.push_back(what);
    }

    /// One thing happens, and everything is looked at.
    pub async fn step(&mut self) {
        #[derive(Clone, Copy)]
        enum Act {
            Worker,
            Supervisor,
            Person,
            Decide,
            Daemon,
            Late,
            Intruder,
            Time,
            Expire,
            Restart,
        }
        let acts = [
            (560, Act::Worker),
            (120, Act::Supervisor),
            (130, Act::Person),
            (50, Act::Decide),
            (50, Act::Daemon),
            (60, Act::Late),
            (15, Act::Intruder),
            (65, Act::Time),
            (4, Act::Expire),
            (6, Act::Restart),
        ];
        match self.random.weighted(&acts) {
            Act::Worker => {
                let mut hand = self.random.below(self.hands.len());
                let busy: Vec<usize> = (0..self.hands.len()).filter(|at| self.hands[*at].held.is_some()).collect();
                if !busy.is_empty() && self.random.chance(50) {
                    hand = self.random.pick(&busy);
                }
                self.worker(hand).await;
            }
            Act::Supervisor => self.supervise().await,
            Act::Person => self.person().await,
            Act::Decide => self.decide().await,
            Act::Daemon => self.daemon().await,
            Act::Late => self.late().await,
            Act::Intruder => self.intrude().await,
            Act::Time => self.time(),
            Act::Expire => self.expire().await,
            Act::Restart => self.restart().await,
        }
        self.watch.look();
    }

    fn time(&mut self) {
        let by = self.random.weighted(&[(50, 20 * SECOND), (30, 10 * MINUTE), (15, HOUR), (3, 9 * HOUR), (2, -HOUR)]);
        let by = if by > 0 { self.random.between(1, by) } else { by };
        self.note(format!("the clock goes {by} ms"));
        self.home.clock.advance(by);
    }

    /// What was refused must have changed nothing.
    pub fn refused<T: std::fmt::Debug>(&self, what: &str, outcome: Result<T, Error>, kinds: &[Kind]) {
        match outcome {
            Ok(answer) => panic!("{what} had to be refused, and was answered {answer:?}"),
            Err(error) => assert!(kinds.contains(&error.kind), "{what}: {error}"),
        }
        assert!(!self.watch.changed(), "{what} was refused and changed something");
    }

    /// Whether the events say that this claim is live.
    pub fn is_live(&self, task: i64, token: Token) -> bool {
        let claim = self.watch.tasks.get(&task).and_then(|told| told.claim.as_ref());
        claim.is_some_and(|(_, live)| *live == token.to_string())
    }

    /// What a worker had is over for it; its reports may still come.
    pub fn bury(&mut self, hand: usize) {
        if let Some(held) = self.hands[hand].held.take() {
            let late = Late { who: self.hands[hand].who.clone(), claimed: held.claimed };
            if self.late.len() < 60 {
                self.late.push(late);
            } else {
                let at = self.random.below(60);
                self.late[at] = late;
            }
        }
    }
}
