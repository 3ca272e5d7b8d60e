//! Claims: a worker asks for work, and gets one task or the reason why there is none.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Swarm;
use super::accounts::{self, Gate};
use super::rules::Rules;
use super::tasks::{change, pipeline_of};
use crate::domain::budget::{Ledger, MicroUsd};
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::failure::{FailureClass, NextConversation, TaskEffect};
use crate::domain::name::AgentName;
use crate::domain::pipeline::TaskType;
use crate::domain::principal::Principal;
use crate::domain::session::SessionState;
use crate::domain::task::{Claim, Event, Outcome, Token};
use crate::domain::time::Millis;
use crate::failpoint;
use crate::store::{AgentRow, AttemptRow, MessageRow, NewAttempt, ProductRow, TaskRow, Tx, key};

/// What a worker gets.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The task.
    pub task: TaskRow,
    /// The attempt that begins.
    pub attempt: AttemptRow,
    /// Its type, in the pipeline that it follows.
    pub spec: TaskType,
    /// Its product.
    pub product: Option<ProductRow>,
    /// Whether the conversation goes on, if its file is there.
    pub resume: bool,
    /// What to say first.
    pub prompt: String,
    /// What to say instead when the conversation goes on.
    pub resume_prompt: String,
    /// What to say instead of that where the conversation does not hold it yet, and the id under which it is said, whoever says it.
    pub correction: Option<(Uuid, String)>,
    /// What waits to be told to the agent.
    pub messages: Vec<MessageRow>,
}

/// Why there is no work, and when to ask again without a new event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What holds the agent back, for people; none where there is simply nothing to do.
    pub why: Option<String>,
    /// The next time that could change the answer.
    pub until: Option<Millis>,
}

/// What a worker is told.
#[derive(Debug, Clone)]
pub enum ClaimAnswer {
    /// Work.
    Task(Box<Claimed>),
    /// None now.
    Wait(Wait),
}

/// The name under which the daemon's own attempts are kept.
pub(super) const DAEMON: &str = "daemon";

impl Swarm {
    /// Claims the next task for an agent's worker. Asking again before the claim was begun answers with the same claim.
    ///
    /// # Errors
    /// `Denied` for anyone but the agent's worker; `Conflict` where the session is not the agent's live one.
    pub async fn claim(&self, who: &Principal, session: i64) -> Result<ClaimAnswer, Error> {
        let agent = who.worker("claim tasks")?.clone();
        let rules = self.rules.clone();
        let now = self.now();
        let (leases, term) = (self.leases.clone(), self.rules.lease);
        let lease = move |answer: &ClaimAnswer| {
            if let ClaimAnswer::Task(claimed) = answer {
                failpoint::reach("daemon.claim-committed");
                leases.grant(claimed.attempt.token, claimed.attempt.agent.clone(), term);
            }
        };
        self.store.write_then(move |tx| claim(tx, &rules, &agent, session, now), lease).await
    }

    /// Claims the next task that the daemon does itself.
    ///
    /// # Errors
    /// `Denied` for anyone but the daemon.
    pub async fn claim_own(&self, who: &Principal) -> Result<Option<(TaskRow, AttemptRow)>, Error> {
        who.must_be_system("do these tasks")?;
        let rules = self.rules.clone();
        let now = self.now();
        self.store
            .write(move |tx| {
                if tx.halted()?.is_some() {
                    return Ok(None);
                }
                let Some(task) = tx.next_ready(&rules.daemon_types(), MicroUsd(i64::MAX), now)? else { return Ok(None) };
                let agent: AgentName = DAEMON.parse()?;
                let (task, attempt) = take(tx, &task, &agent, None, &Way::daemon(), now)?;
                Ok(Some((task, attempt)))
            })
            .await
    }

    /// Renews a claim, and answers whether it is still live and this worker's.
    ///
    /// # Errors
    /// `Denied` for anyone but a worker.
    pub fn renew(&self, who: &Principal, token: Token) -> Result<bool, Error> {
        Ok(self.leases.renew(token, who.worker("renew claims")?))
    }
}

fn claim(tx: &Tx<'_>, rules: &Rules, agent: &AgentName, session: i64, now: Millis) -> Result<ClaimAnswer, Error> {
    let wait = |why: &str, until| Ok(ClaimAnswer::Wait(Wait { why: Some(why.to_owned()), until }));
    let live = tx.live_session_of(agent)?;
    if live.is_none_or(|live| live.id != session || live.state == SessionState::Intended) {
        return Err(Error::conflict(format!("session {session} of {agent} is over"))
            .hint("this worker should end; a newer one has the work"));
    }
    let Some(role) = rules.role_of(agent) else { return wait("no role has an agent of this name any more", None) };
    for task in tx.held_tasks()? {
        if task.life.state.claim().is_some_and(|claim| claim.agent == *agent && claim.session == Some(session)) {
            return Ok(ClaimAnswer::Task(Box::new(again(tx, rules, task)?)));
        }
    }
    if let Some(why) = tx.halted()? {
        return wait(&format!("the swarm is halted: {why}"), None);
    }
    match tx.agent(agent)? {
        Some(AgentRow { quarantined: Some(why), .. }) => return wait(&format!("quarantined: {why}"), None),
        Some(AgentRow { paused: Some(why), .. }) => return wait(&format!("paused: {why}"), None),
        Some(AgentRow { wanted: true, .. }) => {}
        // Its session is about to be ended; what it began now would be lost.
        _ => return wait(&format!("{agent} is to stop"), None),
    }
    let account = tx.account(&role.provider)?;
    let probe = match accounts::gate(&account, now) {
        Gate::Open => false,
        Gate::Probe => true,
        Gate::Closed { why, until } => return wait(&why, until),
    };
    let ledger = Ledger { spent: tx.spent_today(now)?, reserved: tx.reserved()?, cap: rules.daily_cap };
    let Some(task) = tx.next_ready(&role.task_types, ledger.left(), now)? else {
        let Some(dear) = tx.next_ready(&role.task_types, MicroUsd(i64::MAX), now)? else {
            return Ok(ClaimAnswer::Wait(Wait { why: None, until: tx.next_not_before(now)? }));
        };
        note_cap(tx, &ledger, now)?;
        let left = format!("task {} needs ${:.2}, and less is left of the day's budget", dear.id, dear.budget.usd());
        return wait(&left, Some(next_midnight(now)));
    };
    let way = Way { provider: role.provider.clone(), model: role.model.clone(), prompt: role.prompt_hash.clone(), probe };
    let (task, _) = take(tx, &task, agent, Some(session), &way, now)?;
    Ok(ClaimAnswer::Task(Box::new(again(tx, rules, task)?)))
}

/// How an attempt is made.
struct Way {
    provider: String,
    model: String,
    prompt: String,
    probe: bool,
}

impl Way {
    fn daemon() -> Self {
        Self { provider: DAEMON.to_owned(), model: String::new(), prompt: String::new(), probe: false }
    }
}

fn take(
    tx: &Tx<'_>,
    task: &TaskRow,
    agent: &AgentName,
    session: Option<i64>,
    way: &Way,
    now: Millis,
) -> Result<(TaskRow, AttemptRow), Error> {
    let token = tx.next_token()?;
    let claim = Claim { agent: agent.clone(), token, session };
    let before = tx.attempts_of(task.id)?;
    let task = change(tx, task, Event::Claim(claim), now)?;
    // A conversation that was cut off goes on; one that failed in a way that would repeat itself does not.
    let conversation = match before.last() {
        Some(last) if goes_on(&task, last) => last.conversation.clone(),
        _ => Uuid::new_v4().to_string(),
    };
    let attempt = tx.insert_attempt(
        &NewAttempt {
            task: task.id,
            agent: agent.clone(),
            session,
            token,
            provider: way.provider.clone(),
            model: way.model.clone(),
            account: way.provider.clone(),
            conversation,
            prompt: way.prompt.clone(),
            budget: if session.is_some() { task.budget } else { MicroUsd(0) },
        },
        now,
    )?;
    if way.probe {
        accounts::begin_probe(tx, &way.provider, attempt.id)?;
    }
    let data = serde_json::json!({ "attempt": attempt.number, "token": token.to_string(), "model": way.model });
    tx.record(now, &NewEvent::new(EventKind::TaskClaimed, agent).task(task.id).agent(agent).product(task.product).data(data))?;
    Ok((task, attempt))
}

/// Whether the conversation of the last attempt goes on. A task that judges a product has run the product's code beside its CLI, where that
/// could change the conversation or the home and then end the CLI: only if it was lost with its worker, which that code cannot reach,
/// does it go on.
fn goes_on(task: &TaskRow, last: &AttemptRow) -> bool {
    let judges = task.snapshot.is_some();
    last.outcome == Some(Outcome::Lost)
        || !judges && failure(last).is_some_and(|class| class.next_conversation() == NextConversation::Resume)
}

/// Why an attempt failed, if it did.
fn failure(attempt: &AttemptRow) -> Option<FailureClass> {
    attempt.class.filter(|_| attempt.outcome == Some(Outcome::Failed))
}

/// What a conversation that goes on has to be told about its last answer. An attempt that was lost may have died before it said so, and
/// nobody knows; so it is said under an id that belongs to the failure, which the worker looks for in the conversation.
fn correction(
    task: &TaskRow,
    attempt: &AttemptRow,
    attempts: &[AttemptRow],
    product: Option<&ProductRow>,
) -> Option<(Uuid, String)> {
    task.feedback.as_ref()?;
    let spent = attempts.iter().rev().filter(|other| other.id != attempt.id && other.conversation == attempt.conversation);
    let spent = spent.filter_map(|other| Some((other, failure(other)?)));
    let (failed, class) = spent.into_iter().find(|(_, class)| class.effect().task == TaskEffect::RetrySpending)?;
    let digest = Sha256::digest(format!("correction {} {}", failed.conversation, failed.number));
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Some((uuid::Builder::from_random_bytes(id).into_uuid(), super::prompt::correction(task, attempt, product, class)))
}

/// Everything about a claim that is held, as its worker needs it.
fn again(tx: &Tx<'_>, rules: &Rules, task: TaskRow) -> Result<Claimed, Error> {
    let claim = task.life.state.claim().ok_or_else(Error::stale_claim)?;
    let attempts = tx.attempts_of(task.id)?;
    let attempt = attempts.iter().find(|attempt| attempt.token == claim.token).ok_or_else(Error::stale_claim)?.clone();
    let resume = attempts.iter().any(|other| other.id != attempt.id && other.conversation == attempt.conversation);
    let pipeline = pipeline_of(tx, rules, &task.pipeline)?;
    let spec = pipeline.task_type(&task.kind)?.clone();
    let product = task.product.map(|id| tx.product(id)).transpose()?.flatten();
    let prompt = super::prompt::opening(&task, &attempt, product.as_ref());
    let resume_prompt = super::prompt::resumption();
    let correction = correction(&task, &attempt, &attempts, product.as_ref());
    let messages = tx.waiting_messages(&attempt.agent)?;
    Ok(Claimed { task, attempt, spec, product, resume, prompt, resume_prompt, correction, messages })
}

/// Says once a day that the cap holds work back.
fn note_cap(tx: &Tx<'_>, ledger: &Ledger, now: Millis) -> Result<(), Error> {
    let today = next_midnight(now).0.to_string();
    if tx.text(key::CAP_NOTED)?.as_deref() != Some(&today) {
        tx.set_text(key::CAP_NOTED, &today)?;
        let data = serde_json::json!({ "spent_usd": ledger.spent.usd(), "reserved_usd": ledger.reserved.usd(), "cap_usd": ledger.cap.usd() });
        tx.record(now, &NewEvent::new(EventKind::BudgetExhausted, Principal::System).data(data))?;
    }
    Ok(())
}

fn next_midnight(now: Millis) -> Millis {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    Millis((now.0.div_euclid(DAY) + 1) * DAY)
}
