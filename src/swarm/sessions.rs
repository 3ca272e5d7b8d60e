//! Sessions: intended before they are started, started when their process is known, ready when their worker said hello, ended when the
//! process is gone.

use super::Swarm;
use super::agents::note_exit;
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::name::AgentName;
use crate::domain::principal::Principal;
use crate::store::{SessionRow, SessionState};

fn must_be_system(who: &Principal) -> Result<(), Error> {
    if *who == Principal::System { Ok(()) } else { Err(Error::denied("only the daemon runs sessions")) }
}

impl Swarm {
    /// Writes down that a session is to be started.
    ///
    /// # Errors
    /// `Conflict` where the agent has a live one.
    pub async fn intend_session(&self, who: &Principal, agent: AgentName, name: String) -> Result<i64, Error> {
        must_be_system(who)?;
        let now = self.now();
        self.store
            .write(move |tx| {
                if let Some(live) = tx.live_session_of(&agent)? {
                    return Err(Error::conflict(format!("{agent} has the live session {}", live.id)));
                }
                let id = tx.insert_session(&agent, &name, now)?;
                let data = serde_json::json!({ "session": id });
                tx.record(now, &NewEvent::new(EventKind::AgentStarting, Principal::System).agent(&agent).data(data))?;
                Ok(id)
            })
            .await
    }

    /// Writes down which process a session has.
    ///
    /// # Errors
    /// `Denied` for anyone but the daemon.
    pub async fn session_started(&self, who: &Principal, id: i64, pane: String, pid: i32, start_time: u64) -> Result<(), Error> {
        must_be_system(who)?;
        self.store.write(move |tx| Ok(tx.set_session_started(id, &pane, pid, start_time)?)).await
    }

    /// A worker says hello.
    ///
    /// # Errors
    /// `Conflict` where its session is not the agent's live one: the worker should end.
    pub async fn session_ready(&self, who: &Principal, id: i64) -> Result<(), Error> {
        let Principal::Worker(agent) = who else { return Err(Error::denied("only a worker says hello")) };
        let (agent, now) = (agent.clone(), self.now());
        self.store
            .write(move |tx| {
                let live = tx.live_session_of(&agent)?.filter(|live| live.id == id);
                let live = live
                    .ok_or_else(|| Error::conflict(format!("session {id} of {agent} is over")).hint("this worker should end"))?;
                if live.state != SessionState::Ready {
                    tx.set_session_ready(id, now)?;
                    let data = serde_json::json!({ "session": id });
                    tx.record(now, &NewEvent::new(EventKind::AgentReady, &agent).agent(&agent).data(data))?;
                }
                Ok(())
            })
            .await
    }

    /// Writes down that a session's process is gone. An unexpected end counts for the back-off and the breaker: `within` is how long
    /// it is remembered and `backoff` how long the next start waits if it was not the first, both in milliseconds.
    ///
    /// # Errors
    /// `Denied` for anyone but the daemon.
    pub async fn session_ended(
        &self,
        who: &Principal,
        id: i64,
        why: String,
        unexpected: Option<(i64, i64)>,
    ) -> Result<(), Error> {
        must_be_system(who)?;
        let now = self.now();
        self.store
            .write(move |tx| {
                let Some(session) = tx.session(id)? else { return Ok(()) };
                if !tx.end_session(id, &why, now)? {
                    return Ok(());
                }
                if let Some((within, backoff)) = unexpected {
                    note_exit(tx, &session.agent, within, backoff, session.ready_at.map_or(0, |ready| now.0 - ready.0), now)?;
                }
                let data = serde_json::json!({ "session": id, "reason": why, "unexpected": unexpected.is_some() });
                tx.record(now, &NewEvent::new(EventKind::AgentEnded, Principal::System).agent(&session.agent).data(data))?;
                Ok(())
            })
            .await
    }

    /// The sessions that have not ended.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn live_sessions(&self) -> Result<Vec<SessionRow>, Error> {
        self.store.read(|reader| Ok(reader.live_sessions()?)).await
    }
}
