//! Messages to agents: accepted durably, delivered at the agent's next turn or with its next task.

use uuid::Uuid;

use super::Swarm;
use super::reports::held;
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::name::AgentName;
use crate::domain::principal::Principal;
use crate::domain::task::Token;
use crate::domain::text;
use crate::failpoint;
use crate::store::{MessageRow, Tx};

/// The longest message, in bytes.
const BODY_MAX: usize = 16 * 1024;

impl Swarm {
    /// Accepts a message for an agent. A line typed in an agent's own pane comes through its worker and counts as the operator's word,
    /// because only the operator's terminal reaches the pane; it is a message and never a decision. Telling it again under the same `id`
    /// answers with the same message.
    ///
    /// # Errors
    /// `NotFound` for an agent that no role has; `Invalid` for an empty or too long text; `Conflict` where the `id` is another message's;
    /// `Denied` for an agent.
    pub async fn tell(&self, who: &Principal, agent: AgentName, id: Uuid, body: String) -> Result<i64, Error> {
        let sender = match who {
            Principal::Operator => "operator".to_owned(),
            Principal::Worker(name) if *name == agent => "operator (typed in the pane)".to_owned(),
            other => return Err(Error::denied(format!("{other} may not send messages yet"))),
        };
        let body = text::clean(&body).trim().to_owned();
        if body.is_empty() {
            return Err(Error::invalid("body", "is empty"));
        }
        text::check("body", &body, BODY_MAX)?;
        if self.rules.role_of(&agent).is_none() {
            return Err(Error::not_found(format!("there is no agent {agent}")).hint("`claude-swarm status` lists them"));
        }
        let (actor, now) = (who.to_string(), self.now());
        let tell = move |tx: &Tx<'_>| {
            if let Some(there) = tx.message_by_uuid(&id.to_string())? {
                let same = (&there.agent, &there.sender, &there.body) == (&agent, &sender, &body);
                return if same { Ok(there.id) } else { Err(Error::conflict(format!("{id} is another message's id"))) };
            }
            let number = tx.insert_message(&id.to_string(), &agent, &sender, &body, now)?;
            let data = serde_json::json!({ "message": number, "from": sender });
            tx.record(now, &NewEvent::new(EventKind::MessageSent, actor).agent(&agent).data(data))?;
            Ok(number)
        };
        self.store.write_then(tell, |_| failpoint::reach("daemon.message-committed")).await
    }

    /// An agent's messages that were not delivered.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn waiting_messages(&self, agent: AgentName) -> Result<Vec<MessageRow>, Error> {
        self.store.read(move |reader| Ok(reader.waiting_messages(&agent)?)).await
    }

    /// A message is in the agent's conversation: the CLI echoed it.
    ///
    /// # Errors
    /// `Conflict` for a stale token; `Denied` for anyone but the agent's worker.
    pub async fn delivered(&self, who: &Principal, token: Token, message: i64) -> Result<(), Error> {
        let (agent, now) = (who.worker("deliver messages")?.clone(), self.now());
        self.store
            .write(move |tx| {
                let (_, attempt) = held(tx, &Principal::Worker(agent.clone()), token)?;
                if tx.deliver_message(message, &agent, attempt.task, now)? {
                    let data = serde_json::json!({ "message": message });
                    let event = NewEvent::new(EventKind::MessageDelivered, &agent).agent(&agent).task(attempt.task).data(data);
                    tx.record(now, &event)?;
                }
                Ok(())
            })
            .await
    }
}
