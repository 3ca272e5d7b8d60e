//! Agents: wanted, paused, told something.

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Json, Router};
use uuid::Uuid;

use crate::domain::error::Error;
use crate::domain::name::AgentName;
use crate::domain::principal::Principal;
use crate::protocol::Id;
use crate::protocol::agents::{Agents, Tell};
use crate::server::App;
use crate::server::body::{Body, Refusal};
use crate::server::params::Path;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/agents/start", post(start))
        .route("/api/v1/agents/stop", post(stop))
        .route("/api/v1/agents/pause", post(pause))
        .route("/api/v1/agents/resume", post(resume))
        .route("/api/v1/agents/{name}/messages", post(tell))
        .route("/api/v1/accounts/{name}/open", post(open_account))
}

type Answer = Result<Json<Agents>, Refusal>;

fn names(body: &Agents) -> Result<Vec<AgentName>, Error> {
    body.agents.iter().map(|name| name.parse()).collect()
}

fn changed(names: Vec<AgentName>) -> Answer {
    Ok(Json(Agents { agents: names.into_iter().map(String::from).collect(), reason: None }))
}

async fn start(State(app): State<App>, Extension(who): Extension<Principal>, Body(body): Body<Agents>) -> Answer {
    changed(app.swarm.start_agents(&who, names(&body)?).await?)
}

async fn stop(State(app): State<App>, Extension(who): Extension<Principal>, Body(body): Body<Agents>) -> Answer {
    changed(app.swarm.stop_agents(&who, names(&body)?).await?)
}

async fn pause(State(app): State<App>, Extension(who): Extension<Principal>, Body(body): Body<Agents>) -> Answer {
    let names = names(&body)?;
    changed(app.swarm.pause_agents(&who, names, body.reason).await?)
}

async fn resume(State(app): State<App>, Extension(who): Extension<Principal>, Body(body): Body<Agents>) -> Answer {
    changed(app.swarm.resume_agents(&who, names(&body)?).await?)
}

async fn tell(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(name): Path<String>,
    Body(body): Body<Tell>,
) -> Result<Json<Id>, Refusal> {
    let id = app.swarm.tell(&who, name.parse()?, body.id.unwrap_or_else(Uuid::new_v4), body.body).await?;
    Ok(Json(Id { id }))
}

async fn open_account(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(name): Path<String>,
) -> Result<Json<Agents>, Refusal> {
    app.swarm.open_account(&who, &name).await?;
    changed(vec![])
}
