//! Tables for the plan: what is, and what follows.

use super::*;
use crate::domain::budget::{MicroUsd, Usage};
use crate::runner::Labels;

const LIMITS: Limits = Limits { grace: 30_000, exits: 3, within: 60_000 };
const NOW: Millis = Millis(1_000_000);
const PROCESS: ProcessIdentity = ProcessIdentity { pid: 42, start_time: 7 };

fn agent() -> AgentRow {
    AgentRow {
        name: "hunter".parse().unwrap(),
        wanted: true,
        paused: None,
        quarantined: None,
        restarts: 0,
        exits: vec![],
        not_before: Millis(0),
    }
}

fn session(state: SessionState) -> SessionRow {
    let started = state != SessionState::Intended;
    SessionRow {
        id: 5,
        agent: "hunter".parse().unwrap(),
        name: "claude-hunter".into(),
        state,
        pane: started.then(|| "%1".into()),
        pid: started.then_some(PROCESS.pid),
        start_time: started.then_some(PROCESS.start_time),
        created_at: NOW,
        ready_at: None,
    }
}

fn attempt(session: Option<i64>) -> AttemptRow {
    AttemptRow {
        id: 1,
        task: 1,
        number: 1,
        agent: "hunter".parse().unwrap(),
        session,
        token: Token { epoch: 1, n: 9 },
        provider: "claude".into(),
        model: "sonnet".into(),
        account: "claude".into(),
        conversation: String::new(),
        prompt: String::new(),
        budget: MicroUsd(0),
        started_at: NOW,
        ended_at: None,
        outcome: None,
        class: None,
        detail: None,
        cost: MicroUsd(0),
        usage: Usage::default(),
        report: 0,
        released_at: None,
    }
}

fn seen(state: State) -> ObservedSession {
    ObservedSession {
        pane: PaneId("%1".into()),
        name: "claude-hunter".into(),
        labels: Labels { session: 5, agent: "hunter".into() },
        state,
        attached: 0,
    }
}

fn desired(agent: AgentRow, sessions: Vec<SessionRow>) -> Desired {
    Desired { agents: vec![agent], sessions, ..Desired::default() }
}

fn steps(desired: &Desired, observed: &[ObservedSession], alive: bool) -> Vec<&'static str> {
    let plan = plan(desired, observed, |_| alive, LIMITS, NOW);
    plan.steps
        .iter()
        .map(|step| match step {
            Step::Adopt { .. } => "adopt",
            Step::End { unexpected: true, .. } => "end (unexpected)",
            Step::End { .. } => "end",
            Step::Stop { unexpected: true, .. } => "stop (unexpected)",
            Step::Stop { .. } => "stop",
            Step::Sweep { .. } => "sweep",
            Step::Reclaim { .. } => "reclaim",
            Step::Quarantine { .. } => "quarantine",
            Step::Start { pane: Some(_), .. } => "start in its pane",
            Step::Start { .. } => "start",
        })
        .collect()
}

const RUNNING: State = State::Running(PROCESS);
const EXITED: State = State::Exited(Exit::Code(1));

#[test]
fn what_is_as_it_should_be_is_left_alone() {
    assert!(steps(&desired(agent(), vec![session(SessionState::Ready)]), &[seen(RUNNING)], true).is_empty());
    assert!(steps(&desired(agent(), vec![session(SessionState::Started)]), &[seen(RUNNING)], true).is_empty());
}

#[test]
fn the_missing_is_started_in_its_old_pane_if_there_is_one() {
    assert_eq!(steps(&desired(agent(), vec![]), &[], false), ["start"]);
    assert_eq!(steps(&desired(agent(), vec![]), &[seen(EXITED)], false), ["start in its pane"]);
}

#[test]
fn a_daemon_that_died_between_intent_and_record_is_made_up_for() {
    assert_eq!(steps(&desired(agent(), vec![session(SessionState::Intended)]), &[seen(RUNNING)], true), ["adopt"]);
    assert_eq!(steps(&desired(agent(), vec![session(SessionState::Intended)]), &[], false), ["end"]);
    assert_eq!(steps(&desired(agent(), vec![session(SessionState::Intended)]), &[seen(EXITED)], false), ["end (unexpected)"]);
}

#[test]
fn the_dead_are_ended_first_and_started_in_the_next_plan() {
    assert_eq!(steps(&desired(agent(), vec![session(SessionState::Ready)]), &[seen(EXITED)], false), ["end (unexpected)"]);
    assert_eq!(steps(&desired(agent(), vec![session(SessionState::Ready)]), &[], false), ["end (unexpected)"]);
}

#[test]
fn a_process_that_outlived_its_pane_is_ended_before_anything_else() {
    assert_eq!(steps(&desired(agent(), vec![session(SessionState::Ready)]), &[], true), ["stop (unexpected)"]);
}

#[test]
fn the_unwanted_are_stopped() {
    let unwanted = AgentRow { wanted: false, ..agent() };
    assert_eq!(steps(&desired(unwanted.clone(), vec![session(SessionState::Ready)]), &[seen(RUNNING)], true), ["stop"]);
    assert!(steps(&desired(unwanted.clone(), vec![]), &[], false).is_empty());
    assert_eq!(steps(&desired(unwanted, vec![]), &[seen(EXITED)], false), ["sweep"]);
    let halted = Desired { halted: true, ..desired(agent(), vec![session(SessionState::Ready)]) };
    assert_eq!(steps(&halted, &[seen(RUNNING)], true), ["stop"]);
}

#[test]
fn a_pane_of_ours_that_no_session_speaks_of_is_swept() {
    let stray = ObservedSession { labels: Labels { session: 4, agent: "hunter".into() }, ..seen(RUNNING) };
    assert_eq!(steps(&desired(agent(), vec![session(SessionState::Ready)]), &[seen(RUNNING), stray], true), ["sweep"]);
}

#[test]
fn a_claim_is_given_back_only_when_its_session_has_ended() {
    let with = |sessions, owner| Desired { unreleased: vec![attempt(owner)], ..desired(agent(), sessions) };
    assert!(steps(&with(vec![session(SessionState::Ready)], Some(5)), &[seen(RUNNING)], true).is_empty());
    assert_eq!(steps(&with(vec![session(SessionState::Ready)], Some(4)), &[seen(RUNNING)], true), ["reclaim"]);
    assert!(steps(&with(vec![session(SessionState::Ready)], None), &[seen(RUNNING)], true).is_empty());
}

#[test]
fn a_worker_that_does_not_renew_is_ended() {
    let frozen = Desired {
        unreleased: vec![attempt(Some(5))],
        expired: BTreeSet::from([Token { epoch: 1, n: 9 }]),
        ..desired(agent(), vec![session(SessionState::Ready)])
    };
    assert_eq!(steps(&frozen, &[seen(RUNNING)], true), ["stop (unexpected)"]);
}

#[test]
fn a_worker_that_never_says_hello_is_given_its_grace_and_then_ended() {
    let late = SessionRow { created_at: Millis(NOW.0 - LIMITS.grace), ..session(SessionState::Started) };
    assert_eq!(steps(&desired(agent(), vec![late]), &[seen(RUNNING)], true), ["stop (unexpected)"]);
    let young = SessionRow { created_at: Millis(NOW.0 - 1), ..session(SessionState::Started) };
    let plan = plan(&desired(agent(), vec![young]), &[seen(RUNNING)], |_| true, LIMITS, NOW);
    assert_eq!(plan.wake, Some(Millis(NOW.0 - 1 + LIMITS.grace)));
}

#[test]
fn back_off_waits_and_the_breaker_opens() {
    let waiting = AgentRow { not_before: NOW.plus(500), exits: vec![NOW], ..agent() };
    let plan = plan(&desired(waiting, vec![]), &[], |_| false, LIMITS, NOW);
    assert_eq!((plan.steps.len(), plan.wake), (0, Some(NOW.plus(500))));
    let crashing = AgentRow { exits: vec![NOW; 3], ..agent() };
    assert_eq!(steps(&desired(crashing, vec![]), &[], false), ["quarantine"]);
    let long_ago = AgentRow { exits: vec![Millis(0); 3], ..agent() };
    assert_eq!(steps(&desired(long_ago, vec![]), &[], false), ["start"]);
    let quarantined = AgentRow { quarantined: Some("crashes".into()), ..agent() };
    assert!(steps(&desired(quarantined, vec![]), &[], false).is_empty());
}
