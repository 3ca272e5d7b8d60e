//! Sessions: intended before they are started, started when their process is known, ready when their worker said hello, ended when the
//! process is gone.

use super::Swarm;
use super::agents::note_exit;
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::name::AgentName;
use crate::domain::principal::Principal;
use crate::domain::session::SessionState;
use crate::store::SessionRow;

/// What an unexpected end of a session means for its agent's next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setback {
    /// How long it is remembered by the breaker, in milliseconds.
    pub remembered: i64,
    /// How long the next start waits, if this was not the first end that is remembered, in milliseconds.
    pub pause: i64,
}

impl Swarm {
    /// Writes down that a session is to be started.
    ///
    /// # Errors
    /// `Conflict` where the agent has a live one.
    pub async fn intend_session(&self, who: &Principal, agent: AgentName, name: String) -> Result<i64, Error> {
        who.must_be_system("run sessions")?;
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
        who.must_be_system("run sessions")?;
        self.store.write(move |tx| Ok(tx.set_session_started(id, &pane, pid, start_time)?)).await
    }

    /// A worker says hello.
    ///
    /// # Errors
    /// `Conflict` where its session is not the agent's live one: the worker should end.
    pub async fn session_ready(&self, who: &Principal, id: i64) -> Result<(), Error> {
        let (agent, now) = (who.worker("say hello")?.clone(), self.now());
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

    /// Writes down that a session's process is gone. An unexpected end counts for the back-off and the breaker.
    ///
    /// # Errors
    /// `Denied` for anyone but the daemon.
    pub async fn session_ended(&self, who: &Principal, id: i64, why: String, unexpected: Option<Setback>) -> Result<(), Error> {
        who.must_be_system("run sessions")?;
        let now = self.now();
        self.store
            .write(move |tx| {
                let Some(session) = tx.session(id)? else { return Ok(()) };
                if !tx.end_session(id, &why, now)? {
                    return Ok(());
                }
                if let Some(setback) = unexpected {
                    note_exit(tx, &session, setback, now)?;
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
