//! Agents: wanted or not, paused or not, and the halt of all.

use super::Swarm;
use super::sessions::Setback;
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::name::AgentName;
use crate::domain::principal::Principal;
use crate::domain::text;
use crate::domain::time::Millis;
use crate::store::{AgentRow, SessionRow, Tx, key};

fn row_of(tx: &Tx<'_>, name: &AgentName) -> Result<AgentRow, Error> {
    let fresh = AgentRow {
        name: name.clone(),
        wanted: false,
        paused: None,
        quarantined: None,
        restarts: 0,
        exits: vec![],
        not_before: Millis(0),
    };
    Ok(tx.agent(name)?.unwrap_or(fresh))
}

fn lift_halt(tx: &Tx<'_>, actor: &str, now: Millis) -> Result<(), Error> {
    if tx.halted()?.is_some() {
        tx.forget(key::HALTED)?;
        tx.record(now, &NewEvent::new(EventKind::SwarmHaltLifted, actor))?;
    }
    Ok(())
}

impl Swarm {
    /// The agents that a request speaks of: the named ones, or all there are.
    fn named(&self, names: &[AgentName]) -> Result<Vec<AgentName>, Error> {
        let known: Vec<AgentName> = self.rules.agents().into_iter().map(|(name, _)| name).collect();
        if names.is_empty() {
            return Ok(known);
        }
        match names.iter().find(|name| !known.contains(name)) {
            Some(unknown) => {
                let list: Vec<&str> = known.iter().map(AgentName::as_str).collect();
                Err(Error::not_found(format!("there is no agent {unknown}")).hint(format!("one of: {}", list.join(", "))))
            }
            None => Ok(names.to_vec()),
        }
    }

    async fn change_agents(
        &self,
        who: &Principal,
        names: Vec<AgentName>,
        kind: EventKind,
        lifts_halt: bool,
        mut edit: impl FnMut(&mut AgentRow) + Send + 'static,
    ) -> Result<Vec<AgentName>, Error> {
        who.must_be_operator("change what agents do")?;
        let names = self.named(&names)?;
        let (actor, now) = (who.to_string(), self.now());
        self.store
            .write(move |tx| {
                if lifts_halt {
                    lift_halt(tx, &actor, now)?;
                }
                let mut changed = Vec::new();
                for name in names {
                    let before = row_of(tx, &name)?;
                    let mut row = before.clone();
                    edit(&mut row);
                    if row != before {
                        tx.put_agent(&row)?;
                        tx.record(now, &NewEvent::new(kind, &actor).agent(&name))?;
                        changed.push(name);
                    }
                }
                Ok(changed)
            })
            .await
    }

    /// Wants agents alive; all of them where none is named. Ends a halt, and forgives what put them into quarantine.
    ///
    /// # Errors
    /// `NotFound` for a name that no role has; `Denied` for anyone but the operator.
    pub async fn start_agents(&self, who: &Principal, names: Vec<AgentName>) -> Result<Vec<AgentName>, Error> {
        let edit = |row: &mut AgentRow| {
            row.wanted = true;
            row.quarantined = None;
            row.exits.clear();
            row.not_before = Millis(0);
        };
        self.change_agents(who, names, EventKind::AgentWanted, true, edit).await
    }

    /// Wants agents gone; all of them where none is named. Their tasks go back to the queue.
    ///
    /// # Errors
    /// As [`Self::start_agents`].
    pub async fn stop_agents(&self, who: &Principal, names: Vec<AgentName>) -> Result<Vec<AgentName>, Error> {
        self.change_agents(who, names, EventKind::AgentUnwanted, false, |row| row.wanted = false).await
    }

    /// Lets agents finish what they do and take nothing new; all of them where none is named.
    ///
    /// # Errors
    /// As [`Self::start_agents`].
    pub async fn pause_agents(
        &self,
        who: &Principal,
        names: Vec<AgentName>,
        why: Option<String>,
    ) -> Result<Vec<AgentName>, Error> {
        let why = why.unwrap_or_else(|| format!("by {who}"));
        text::check("reason", &why, 400)?;
        self.change_agents(who, names, EventKind::AgentPaused, false, move |row| row.paused = Some(why.clone())).await
    }

    /// Lets paused agents take work again; all of them where none is named.
    ///
    /// # Errors
    /// As [`Self::start_agents`].
    pub async fn resume_agents(&self, who: &Principal, names: Vec<AgentName>) -> Result<Vec<AgentName>, Error> {
        let edit = |row: &mut AgentRow| {
            row.paused = None;
            row.quarantined = None;
            row.exits.clear();
        };
        self.change_agents(who, names, EventKind::AgentResumed, false, edit).await
    }

    /// Stops everything: nothing is claimed any more, no agent is wanted, and the supervisor ends every process. Holds over restarts of the
    /// daemon until agents are started again; only those live then that are named.
    ///
    /// # Errors
    /// `Denied` for anyone but the operator.
    pub async fn halt(&self, who: &Principal, why: String) -> Result<(), Error> {
        who.must_be_operator("halt the swarm")?;
        text::check("reason", &why, 400)?;
        let (actor, now) = (who.to_string(), self.now());
        self.store
            .write(move |tx| {
                tx.set_text(key::HALTED, &why)?;
                tx.record(now, &NewEvent::new(EventKind::SwarmHalted, &actor).data(serde_json::json!({ "reason": why })))?;
                for row in tx.agents()?.into_iter().filter(|row| row.wanted) {
                    tx.record(now, &NewEvent::new(EventKind::AgentUnwanted, &actor).agent(&row.name))?;
                    tx.put_agent(&AgentRow { wanted: false, ..row })?;
                }
                Ok(())
            })
            .await
    }

    /// Puts an agent that crashes over and over out of service, until a person starts it again.
    ///
    /// # Errors
    /// `Denied` for anyone but the daemon.
    pub async fn quarantine(&self, who: &Principal, name: AgentName, why: String) -> Result<(), Error> {
        who.must_be_system("put an agent into quarantine")?;
        let now = self.now();
        self.store
            .write(move |tx| {
                let row = AgentRow { quarantined: Some(why.clone()), ..row_of(tx, &name)? };
                tx.put_agent(&row)?;
                let data = serde_json::json!({ "reason": why });
                tx.record(now, &NewEvent::new(EventKind::AgentQuarantined, Principal::System).agent(&name).data(data))?;
                Ok(())
            })
            .await
    }
}

/// A worker that lived this long after its hello, in milliseconds, was well.
const STEADY: i64 = 60_000;

/// Notes that an agent's worker died: for the back-off and the breaker.
pub(super) fn note_exit(tx: &Tx<'_>, session: &SessionRow, setback: Setback, now: Millis) -> Result<(), Error> {
    let lived = session.ready_at.map_or(0, |ready| now.0 - ready.0);
    let mut row = row_of(tx, &session.agent)?;
    row.restarts += 1;
    row.exits.retain(|exit| exit.0 > now.0 - setback.remembered);
    // The first respawn is not delayed; a worker that did its work for a while before it died starts the count anew.
    if lived >= STEADY {
        row.exits.clear();
    }
    row.not_before = if row.exits.is_empty() { now } else { now.plus(setback.pause) };
    row.exits.push(now);
    Ok(tx.put_agent(&row)?)
}
