//! Tasks.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;

use crate::domain::error::Error;
use crate::domain::principal::Principal;
use crate::domain::task::StateName;
use crate::protocol::tasks::{CreateTask, Created, Depend, Reason, TaskDetail, TaskView, TypeView};
use crate::server::body::{Body, Refusal};
use crate::server::params::{Path, Query};
use crate::server::{App, views};
use crate::swarm::{self, TaskFilter};

/// Rows of a page, where the request does not say.
const PAGE: u32 = 100;

/// The most rows of a page.
const PAGE_MAX: u32 = 1000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/tasks", get(list).post(create))
        .route("/api/v1/tasks/{id}", get(show))
        .route("/api/v1/tasks/{id}/cancel", post(cancel))
        .route("/api/v1/tasks/{id}/retry", post(retry))
        .route("/api/v1/tasks/{id}/depend", post(depend))
        .route("/api/v1/types", get(types))
}

#[derive(Deserialize)]
struct Filter {
    state: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    product: Option<i64>,
    before: Option<i64>,
    limit: Option<u32>,
}

async fn list(State(app): State<App>, Query(filter): Query<Filter>) -> Result<Json<Vec<TaskView>>, Refusal> {
    let state = match filter.state {
        None => None,
        Some(word) => Some(StateName::parse(&word).ok_or_else(|| {
            let known: Vec<&str> = StateName::ALL.into_iter().map(StateName::as_str).collect();
            Error::invalid("state", format!("{word:?} is no state of a task")).hint(format!("one of: {}", known.join(", ")))
        })?),
    };
    let limit = filter.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let rows =
        app.swarm.tasks(TaskFilter { state, kind: filter.kind, product: filter.product, before: filter.before, limit }).await?;
    Ok(Json(rows.iter().map(views::task).collect()))
}

async fn create(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Body(body): Body<CreateTask>,
) -> Result<Json<Created>, Refusal> {
    let request = swarm::CreateTask {
        kind: body.kind,
        priority: body.priority,
        payload: if body.payload.is_null() { serde_json::json!({}) } else { body.payload },
        needs: body.needs,
        dedup_key: body.dedup_key,
        product: body.product,
    };
    let created = app.swarm.create_task(&who, request).await?;
    Ok(Json(Created { id: created.id, existed: created.existed }))
}

async fn show(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<TaskDetail>, Refusal> {
    Ok(Json(views::task_detail(app.swarm.task(id).await?)))
}

async fn cancel(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(id): Path<i64>,
    Body(body): Body<Reason>,
) -> Result<Json<TaskDetail>, Refusal> {
    app.swarm.cancel_task(&who, id, body.reason).await?;
    show(State(app), Path(id)).await
}

async fn retry(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(id): Path<i64>,
) -> Result<Json<TaskDetail>, Refusal> {
    app.swarm.retry_task(&who, id).await?;
    show(State(app), Path(id)).await
}

async fn depend(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(id): Path<i64>,
    Body(body): Body<Depend>,
) -> Result<Json<TaskDetail>, Refusal> {
    app.swarm.depend_task(&who, id, body.needs).await?;
    show(State(app), Path(id)).await
}

async fn types(State(app): State<App>) -> Json<Vec<TypeView>> {
    let rules = app.swarm.rules();
    let view = |(name, spec): (&String, &crate::domain::pipeline::TaskType)| TypeView {
        name: name.clone(),
        summary: spec.summary.clone(),
        priority: spec.priority,
        agents: rules
            .agents()
            .into_iter()
            .filter(|(_, role)| role.task_types.contains(name))
            .map(|(agent, _)| agent.to_string())
            .collect(),
        payload: spec.payload.clone(),
        result: spec.result.clone(),
    };
    Json(rules.pipeline.types.iter().map(view).collect())
}
