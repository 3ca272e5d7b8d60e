//! Events: a page of them, or all that come, over a WebSocket that can be resumed from a sequence number.

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use crate::domain::event::Event;
use crate::server::App;
use crate::server::body::Refusal;
use crate::server::params::Query;
use crate::swarm::Swarm;

/// Events of a page.
const PAGE: u32 = 500;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/v1/events", get(list)).route("/api/v1/events/follow", get(follow))
}

#[derive(Deserialize)]
struct From {
    /// The last sequence number that was seen; without it, the newest are answered.
    after: Option<i64>,
    limit: Option<u32>,
}

async fn list(State(app): State<App>, Query(from): Query<From>) -> Result<Json<Vec<Event>>, Refusal> {
    let limit = from.limit.unwrap_or(PAGE).clamp(1, PAGE);
    let events = match from.after {
        Some(seq) => app.swarm.events_after(seq, limit).await?,
        None => app.swarm.newest_events(limit).await?,
    };
    Ok(Json(events))
}

async fn follow(State(app): State<App>, Query(from): Query<From>, upgrade: WebSocketUpgrade) -> Response {
    let swarm = app.swarm;
    let newest = swarm.follow();
    let after = from.after.unwrap_or_else(|| *newest.borrow());
    upgrade.on_upgrade(move |socket| send(socket, swarm, after))
}

async fn send(mut socket: WebSocket, swarm: Swarm, mut after: i64) {
    let mut newest = swarm.follow();
    newest.mark_changed();
    loop {
        tokio::select! {
            changed = newest.changed() => {
                if changed.is_err() {
                    return;
                }
                newest.borrow_and_update();
            }
            // Whatever a client says, it only matters that it is still there.
            frame = socket.recv() => {
                if !matches!(frame, Some(Ok(_))) {
                    return;
                }
                continue;
            }
        }
        loop {
            let Ok(events) = swarm.events_after(after, PAGE).await else { return };
            let Some(last) = events.last() else { break };
            after = last.seq;
            for event in &events {
                let Ok(text) = serde_json::to_string(event) else { return };
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return;
                }
            }
        }
    }
}
