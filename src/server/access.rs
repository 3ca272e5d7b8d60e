//! Who asks: known from the door that a request came through, and on loopback HTTP from the token it carries.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::body::Refusal;
use super::listen::Door;
use crate::domain::error::Error;
use crate::domain::principal::Principal;

/// Puts the principal into the request, or answers why there is none.
pub(super) async fn admit(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let admitted = match &door {
        Door::Operator => Ok(Principal::Operator),
        Door::Worker => Ok(Principal::Workers),
        Door::Agent(name) => agent_may(&request).map(|()| Principal::Agent(name.clone())),
        Door::Loopback { token } => loopback(&request, token),
    };
    match admitted {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(error) => Refusal(error).into_response(),
    }
}

/// What an agent may see of the swarm. It changes nothing through this door, and sees no bytes of other products.
fn agent_may(request: &Request) -> Result<(), Error> {
    let path = request.uri().path();
    let visible = ["/api/v1/status", "/api/v1/tasks", "/api/v1/types", "/healthz"];
    let inside = visible.contains(&path) || path.strip_prefix("/api/v1/tasks/").is_some_and(|rest| !rest.contains('/'));
    if request.method() == Method::GET && inside {
        return Ok(());
    }
    Err(Error::denied(format!("an agent may not {} {path}", request.method()))
        .hint("from a sandbox the swarm can be looked at only: status, tasks, one task"))
}

/// A page in a browser on this machine can reach loopback too: so a token, and no foreign Host or Origin.
fn loopback(request: &Request, token: &str) -> Result<Principal, Error> {
    let headers = request.headers();
    let host = text(headers, header::HOST).unwrap_or_default();
    if !is_local(host) {
        return Err(Error::denied("the Host of this request is not this machine"));
    }
    if let Some(origin) = text(headers, header::ORIGIN)
        && !origin.strip_prefix("http://").is_some_and(is_local)
    {
        return Err(Error::denied("the Origin of this request is not this machine"));
    }
    if request.uri().path() == "/healthz" {
        return Ok(Principal::Anyone);
    }
    let given = text(headers, header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if same(given.as_bytes(), token.as_bytes()) {
        return Ok(Principal::Operator);
    }
    Err(Error::denied("a token is needed here").hint("send `Authorization: Bearer …` with what data/run/operator.token holds"))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_local(host: &str) -> bool {
    let name =
        host.rsplit_once(':').map_or(host, |(name, port)| if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host });
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Compares without telling by its time where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && !a.is_empty() && a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_only_look_local_are_not() {
        for host in ["localhost:80", "127.0.0.1", "127.0.0.1:8080", "[::1]:9", "localhost"] {
            assert!(is_local(host), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example", "127.0.0.1.nip.example:80", "localhost:80@evil", "[::1].x"] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn an_empty_token_opens_nothing() {
        assert!(!same(b"", b""));
        assert!(same(b"ab", b"ab"));
        assert!(!same(b"ab", b"ac"));
    }
}
