//! Everybody at once, each in a task of their own, so that operations meet in one transaction. Somebody looks all the while, at one
//! consistent state after another. Not replayable as the random driver is; it is about what only threads show.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use claude_swarm::domain::approval::Decision;
use claude_swarm::domain::budget::{MicroUsd, Usage};
use claude_swarm::domain::error::Kind;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::principal::Principal;
use claude_swarm::domain::report::{Ended, Fail, Progress};
use claude_swarm::domain::task::StateName;
use claude_swarm::swarm::{ClaimAnswer, Claimed, Setback};
use tokio::task::JoinSet;

use super::random::Random;
use super::watch::Watch;
use crate::home::{Home, MINUTE, OPERATOR, SECOND, SYSTEM, good, nothing_more, research};

/// How many questions are asked.
const QUESTIONS: usize = 150;

struct Crowd {
    home: Home,
    watch: Mutex<Watch>,
    asked: AtomicBool,
}

#[test]
fn many_at_once_never_share_a_claim() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    let home = runtime.block_on(Home::new());
    let watch = Mutex::new(Watch::over(&home.database(), home.rules.pipeline.max_rounds));
    let crowd = Arc::new(Crowd { home, watch, asked: AtomicBool::new(false) });
    let over = AtomicBool::new(false);
    let done = std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let (mut looks, mut events) = (0, crowd.home.swarm.follow());
            while !over.load(Ordering::SeqCst) {
                crowd.watch.lock().unwrap().look_at_one_state();
                looks += 1;
                // Nothing new for a while is as good as something: then the end is near.
                let news = async { tokio::time::timeout(Duration::from_millis(20), events.changed()).await };
                drop(runtime.block_on(news));
            }
            looks
        });
        let outcome = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), run(Arc::clone(&crowd))).await });
        over.store(true, Ordering::SeqCst);
        assert!(looking.join().unwrap() > 10, "somebody looked while it went on");
        outcome.expect("it came to an end")
    });
    let mut watch = crowd.watch.lock().unwrap();
    watch.look();
    watch.look_at_all();
    assert!(watch.tasks.values().all(|told| told.state.is_over() || told.state == StateName::Blocked), "{:?}", watch.tasks);
    println!("{done} claims; {:?}", watch.kinds);
}

/// Plays everybody until nothing is left to do; answers how many claims there were.
async fn run(crowd: Arc<Crowd>) -> usize {
    crowd.home.swarm.start_agents(&OPERATOR, vec![]).await.unwrap();
    let mut all = JoinSet::new();
    for (seed, (name, _)) in (1..).zip(crowd.home.rules.agents()) {
        all.spawn(work(Arc::clone(&crowd), name.to_string(), Random::new(seed)));
    }
    all.spawn(decide(Arc::clone(&crowd), Random::new(99)));
    all.spawn(ask(Arc::clone(&crowd), Random::new(100)));
    all.join_all().await.into_iter().sum()
}

/// A worker's life and deaths, until there is nothing left for anybody.
async fn work(crowd: Arc<Crowd>, name: String, mut random: Random) -> usize {
    let (swarm, mut claims) = (crowd.home.swarm.clone(), 0);
    'sessions: loop {
        let hired = crowd.home.seat(name.parse().unwrap()).await;
        loop {
            let mut events = swarm.follow();
            events.borrow_and_update();
            match swarm.claim(&hired.who, hired.session).await.unwrap() {
                ClaimAnswer::Wait(_) => {
                    let nothing = tokio::time::timeout(Duration::from_millis(50), events.changed()).await.is_err();
                    if nothing && crowd.asked.load(Ordering::SeqCst) && crowd.is_at_rest() {
                        return claims;
                    }
                }
                ClaimAnswer::Task(claimed) => {
                    claims += 1;
                    if !attempt(&crowd, &hired.who, &claimed, &mut random).await {
                        swarm
                            .session_ended(
                                &SYSTEM,
                                hired.session,
                                "it died".to_owned(),
                                Some(Setback { remembered: MINUTE, pause: SECOND }),
                            )
                            .await
                            .unwrap();
                        swarm.lose(&SYSTEM, claimed.attempt.token, "it died".to_owned()).await.unwrap();
                        let late = swarm.started(&hired.who, claimed.attempt.token).await.unwrap_err();
                        assert_eq!(late.kind, Kind::Conflict, "{late}");
                        continue 'sessions;
                    }
                }
            }
        }
    }
}

/// One attempt; answers whether its worker lives.
async fn attempt(crowd: &Crowd, who: &Principal, claimed: &Claimed, random: &mut Random) -> bool {
    let (swarm, token) = (&crowd.home.swarm, claimed.attempt.token);
    let progress = Progress { token, report: 1, usage: Usage::default(), cost: MicroUsd(10_000) };
    let mut finish = crowd.home.finishing(claimed, good(&claimed.spec, &claimed.task.kind));
    if let Some(ideas) = finish.result.get_mut("ideas").and_then(|ideas| ideas.as_array_mut()) {
        ideas.truncate(usize::from(random.chance(10)));
    }
    crowd.watch.lock().unwrap().was_reported(token, finish.progress.cost);
    let outcome = match random.below(10) {
        0 => return false,
        1 => {
            let class = random.pick(&[FailureClass::Stalled, FailureClass::Interrupted, FailureClass::Refused]);
            swarm.fail(who, Fail { progress, class, detail: "no".to_owned(), resets_at: None }).await
        }
        _ => match swarm.started(who, token).await {
            Ok(()) => {
                drop(swarm.progress(who, progress).await);
                swarm.complete(who, finish).await
            }
            Err(error) => Err(error),
        },
    };
    match outcome {
        Ok(Ended::Over) => swarm.released(who, nothing_more(token)).await.unwrap(),
        Ok(_) => {}
        // It was cancelled under it.
        Err(error) => {
            assert_eq!(error.kind, Kind::Conflict, "{error}");
            swarm.released(who, nothing_more(token)).await.unwrap();
        }
    }
    true
}

/// A person asks, cancels and retries.
async fn ask(crowd: Arc<Crowd>, mut random: Random) -> usize {
    let swarm = &crowd.home.swarm;
    let mut ids = Vec::new();
    for _ in 0..QUESTIONS {
        let mut request = research("what sells?");
        request.priority = Some(random.between(1, 10));
        if !ids.is_empty() && random.chance(20) {
            request.needs = vec![random.pick(&ids)];
        }
        ids.push(swarm.create_task(&OPERATOR, request).await.unwrap().id);
        let id = random.pick(&ids);
        let outcome = match random.below(5) {
            0 => swarm.cancel_task(&OPERATOR, id, None).await,
            1 => swarm.retry_task(&OPERATOR, id).await,
            _ => Ok(()),
        };
        assert!(outcome.is_ok() || outcome.is_err_and(|error| error.kind == Kind::Conflict));
        crowd.home.clock.advance(MINUTE);
    }
    for _ in 0..20 {
        // Back-offs come to their end.
        crowd.home.clock.advance(10 * MINUTE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    crowd.asked.store(true, Ordering::SeqCst);
    0
}

/// Two persons decide at once, and one of them does; the daemon publishes what they allow.
async fn decide(crowd: Arc<Crowd>, mut random: Random) -> usize {
    let swarm = &crowd.home.swarm;
    while !(crowd.asked.load(Ordering::SeqCst) && crowd.is_at_rest()) {
        while let Some((task, attempt)) = swarm.claim_own(&SYSTEM).await.unwrap() {
            let what = swarm.publishing(&SYSTEM, &task).await.unwrap();
            if swarm.sending(&SYSTEM, attempt.token, &what).await.is_ok() {
                swarm.published(&SYSTEM, attempt.token, &what, "file:///x").await.unwrap();
            } else {
                let progress = Progress { token: attempt.token, report: 1, usage: Usage::default(), cost: MicroUsd(0) };
                let class = FailureClass::Crashed;
                swarm.fail(&SYSTEM, Fail { progress, class, detail: "no".to_owned(), resets_at: None }).await.unwrap();
            }
        }
        for (asked, _) in swarm.approvals(false).await.unwrap() {
            let reject = if random.chance(20) { Decision::Reject } else { Decision::Approve };
            let decide = |decision| swarm.decide(&OPERATOR, asked.id, decision, Some("because".to_owned()), None);
            let (one, other) = tokio::join!(decide(Decision::Approve), decide(reject));
            assert!(!(one.is_ok() && other.is_ok()), "it was decided twice");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    0
}

impl Crowd {
    /// Whether everything that a worker could do is done; the clock goes on until no back-off holds anything back.
    fn is_at_rest(&self) -> bool {
        self.home.clock.advance(10 * MINUTE);
        let mut watch = self.watch.lock().unwrap();
        watch.look_at_one_state();
        watch.tasks.values().all(|told| told.state.is_over() || told.state == StateName::Blocked)
    }
}
