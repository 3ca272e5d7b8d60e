//! Listening: which door leads where, and sockets whose paths are longer than the system's 108 bytes.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::serve::Listener;
use tokio::net::UnixListener;
use tokio::sync::{Semaphore, watch};

use super::limit::Limited;
use super::{App, access, rest, rpc};
use crate::domain::name::AgentName;
use crate::protocol::BODY_MAX;

/// The most connections that are open at a time through the door of one agent. What waits beyond them is that agent's own.
const AGENT_CONNECTIONS: usize = 16;

/// The most connections that are open at a time on loopback, which agents reach too: whoever has no token is refused only when the request
/// is read.
const LOOPBACK_CONNECTIONS: usize = 64;

/// Where a request comes in; this alone says who asks.
#[derive(Clone)]
pub enum Door {
    /// The operator's socket, mode 0600.
    Operator,
    /// The workers' socket, mode 0600, which no sandbox sees.
    Worker,
    /// The socket inside one agent's sandbox.
    Agent(AgentName),
    /// HTTP on loopback, with a token.
    Loopback {
        /// The operator's.
        token: String,
    },
}

/// Binds a socket with mode 0600. What lies there from an earlier daemon is replaced; that none lives is the home's lock's matter.
///
/// # Errors
/// The system's.
pub fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    // Bound under another name and then moved, so that the socket is never there with wider rights or half made.
    let draft = format!(".{}.new", name.to_string_lossy());
    let open = fs::File::open(folder)?;
    // A socket's address holds 108 bytes; through the open folder the path to it may be of any length.
    let short = Path::new("/proc/self/fd").join(open.as_raw_fd().to_string());
    if let Err(error) = fs::remove_file(folder.join(&draft))
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let listener = UnixListener::bind(short.join(&draft))?;
    fs::set_permissions(folder.join(&draft), fs::Permissions::from_mode(0o600))?;
    fs::rename(folder.join(&draft), path)?;
    Ok(listener)
}

/// Serves one door until `stop` says so; requests under way may end.
///
/// # Errors
/// The listener's.
pub async fn serve<L>(listener: L, door: Door, app: App, mut stop: watch::Receiver<bool>) -> io::Result<()>
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let most = match &door {
        Door::Agent(_) => AGENT_CONNECTIONS,
        Door::Loopback { .. } => LOOPBACK_CONNECTIONS,
        Door::Operator | Door::Worker => Semaphore::MAX_PERMITS,
    };
    let routes = match &door {
        Door::Worker => Router::new().merge(rpc::routes()).merge(rest::blobs::routes()),
        _ => rest::routes().layer(DefaultBodyLimit::max(BODY_MAX)).merge(rest::blobs::routes()),
    };
    let routes = routes
        .fallback(rest::nothing_here)
        .method_not_allowed_fallback(rest::nothing_here)
        .layer(from_fn_with_state(door, access::admit))
        .with_state(app);
    let stopped = async move {
        // An error means that the daemon is gone, which stops as well.
        drop(stop.wait_for(|stop| *stop).await);
    };
    let listener = Limited::new(listener, most);
    axum::serve(listener, routes).with_graceful_shutdown(stopped).await
}
