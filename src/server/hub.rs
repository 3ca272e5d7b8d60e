//! The workers that are connected, and what the daemon tells them unasked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::rpc;
use crate::domain::event::EventKind;
use crate::domain::name::AgentName;
use crate::protocol::rpc::Notice;
use crate::swarm::Swarm;

/// Notices that may wait for one worker. One that does not read is told again when it asks.
const WAITING: usize = 64;

/// The workers that are connected. Cheap to clone.
#[derive(Clone, Default)]
pub struct Hub {
    workers: Arc<Mutex<HashMap<AgentName, mpsc::Sender<Notice>>>>,
    /// What holds those back who wait for work.
    waiting: Arc<Mutex<HashMap<AgentName, String>>>,
}

impl Hub {
    /// A worker connected; a newer connection of the same agent takes its place.
    pub(super) fn join(&self, agent: AgentName) -> mpsc::Receiver<Notice> {
        let (send, receive) = mpsc::channel(WAITING);
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).insert(agent, send);
        receive
    }

    /// A worker waits for work, held back by this; or by nothing, or does not wait any more.
    pub(super) fn held_back(&self, agent: &AgentName, why: Option<String>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match why {
            Some(why) => drop(waiting.insert(agent.clone(), why)),
            None => drop(waiting.remove(agent)),
        }
    }

    /// What holds an agent's worker back.
    pub(super) fn why(&self, agent: &AgentName) -> Option<String> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(agent).cloned()
    }

    fn tell(&self, agent: &AgentName, notice: Notice) {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = workers.get(agent)
            && let Err(error) = worker.try_send(notice)
        {
            tracing::debug!(agent = %agent, %error, "a notice was not taken");
        }
    }

    /// Follows the events and tells workers what concerns them, until the store is gone.
    pub async fn run(self, swarm: Swarm) {
        let mut newest = swarm.follow();
        let mut seen = *newest.borrow_and_update();
        while newest.changed().await.is_ok() {
            let upto = *newest.borrow_and_update();
            let Ok(events) = swarm.events_after(seen, u32::MAX).await else { continue };
            seen = events.last().map_or(upto, |event| event.seq);
            for event in events {
                let Some(agent) = event.agent.as_deref().and_then(|agent| agent.parse::<AgentName>().ok()) else { continue };
                match event.known() {
                    Some(EventKind::MessageSent) => {
                        for message in swarm.waiting_messages(agent.clone()).await.unwrap_or_default() {
                            self.tell(&agent, Notice::Message(rpc::message(message)));
                        }
                    }
                    Some(EventKind::TaskCancelled) => {
                        for attempt in swarm.unreleased(Some(agent.clone())).await.unwrap_or_default() {
                            if Some(attempt.task) == event.task {
                                let reason = attempt.detail.unwrap_or_default();
                                self.tell(&agent, Notice::Stop { token: attempt.token, reason });
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}
