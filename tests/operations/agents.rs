//! Wanted, paused, halted: only by the operator, and a name that does not exist changes nothing.

use claude_swarm::domain::error::Kind;
use claude_swarm::domain::principal::Principal;

use crate::home::{Home, OPERATOR, SYSTEM};

#[tokio::test]
async fn only_the_operator_says_who_works() {
    let home = Home::new().await;
    let hunter = home.agent("hunter");
    for who in [Principal::Agent(hunter.clone()), Principal::Worker(hunter.clone()), SYSTEM, Principal::Rehearsal] {
        home.refused(Kind::Denied, home.swarm.start_agents(&who, vec![])).await;
        home.refused(Kind::Denied, home.swarm.stop_agents(&who, vec![])).await;
        home.refused(Kind::Denied, home.swarm.pause_agents(&who, vec![], None)).await;
        home.refused(Kind::Denied, home.swarm.resume_agents(&who, vec![])).await;
        home.refused(Kind::Denied, home.swarm.halt(&who, "x".to_owned())).await;
        if who != SYSTEM {
            home.refused(Kind::Denied, home.swarm.quarantine(&who, hunter.clone(), "x".to_owned())).await;
        }
    }
}

#[tokio::test]
async fn a_name_that_no_role_has_changes_nothing() {
    let home = Home::new().await;
    home.swarm.halt(&OPERATOR, "fire".to_owned()).await.unwrap();
    let names = || vec![home.agent("hunter"), home.agent("nobody")];
    home.refused(Kind::NotFound, home.swarm.start_agents(&OPERATOR, names())).await;
    home.refused(Kind::NotFound, home.swarm.stop_agents(&OPERATOR, names())).await;
    home.refused(Kind::NotFound, home.swarm.pause_agents(&OPERATOR, names(), None)).await;
    home.refused(Kind::NotFound, home.swarm.resume_agents(&OPERATOR, names())).await;
    let bell = Some("\u{7}".to_owned());
    home.refused(Kind::Invalid, home.swarm.pause_agents(&OPERATOR, vec![], bell)).await;
}

#[tokio::test]
async fn asking_twice_is_once() {
    let home = Home::new().await;
    let hunter = vec![home.agent("hunter")];
    assert_eq!(home.swarm.start_agents(&OPERATOR, hunter.clone()).await.unwrap(), hunter);
    let before = home.dump();
    assert_eq!(home.swarm.start_agents(&OPERATOR, hunter.clone()).await.unwrap(), []);
    assert_eq!(before, home.dump());
    assert_eq!(home.swarm.start_agents(&OPERATOR, vec![]).await.unwrap().len(), 9, "all the others");
    home.swarm.quarantine(&SYSTEM, hunter[0].clone(), "it crashes".to_owned()).await.unwrap();
    assert_eq!(home.swarm.start_agents(&OPERATOR, vec![]).await.unwrap(), hunter, "it is forgiven");
}

#[tokio::test]
async fn after_a_halt_only_those_live_that_are_named() {
    let home = Home::new().await;
    home.swarm.start_agents(&OPERATOR, vec![]).await.unwrap();
    home.swarm.halt(&OPERATOR, "fire".to_owned()).await.unwrap();
    home.swarm.start_agents(&OPERATOR, vec![home.agent("hunter")]).await.unwrap();
    let desired = home.swarm.desired().await.unwrap();
    let wanted: Vec<_> = desired.agents.iter().filter(|row| row.wanted).map(|row| row.name.to_string()).collect();
    assert_eq!((wanted, desired.halted), (vec!["hunter".to_owned()], false));
}
