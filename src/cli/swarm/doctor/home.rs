//! The home: who may write to it, how much room it has, its port, its daemon.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use super::Finding;
use crate::client::{ClientError, Operator};
use crate::config::{Config, Home};
use crate::protocol::status::StatusView;

/// Room below which a home is full, and below which somebody should know, in bytes.
const ROOM: (u64, u64) = (500_000_000, 5_000_000_000);

/// Whose the home is, and who else may write to it.
pub(super) fn permissions(home: &Home) -> Vec<Finding> {
    const NAME: &str = "rights";
    let me = rustix::process::geteuid().as_raw();
    let mut findings = Vec::new();
    let mut look = |path: &Path, forbidden: u32, what: &str| {
        let Ok(metadata) = fs::metadata(path) else { return };
        let (shown, mode) = (path.display(), metadata.mode() & 0o777);
        if metadata.uid() != me && me != 0 {
            let remedy = format!("chown -R it to yourself, or run as user {}", metadata.uid());
            findings.push(Finding::fail(NAME, format!("{shown} belongs to user {}", metadata.uid()), remedy));
        } else if mode & forbidden != 0 {
            let remedy = format!("chmod {:o} {shown}", mode & !forbidden);
            findings.push(Finding::fail(NAME, format!("{shown} can be {what} by others: its mode is {mode:o}"), remedy));
        }
    };
    for folder in [home.root(), &home.agents_dir(), &home.root().join("config"), &home.data_dir(), &home.logs_dir()] {
        look(folder, 0o022, "changed");
    }
    for folder in [home.secrets_dir(), home.run_dir()] {
        look(&folder, 0o077, "read or changed");
    }
    if !can_write(home.root()) {
        let remedy = "mount it writable, or make another home with `claude-swarm init DIR`";
        findings.push(Finding::fail(NAME, format!("{} cannot be written to", home.root().display()), remedy));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(NAME, "only you can change the home"));
    }
    findings
}

fn can_write(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

/// How much room there is.
pub(super) fn disk(home: &Home) -> Finding {
    const NAME: &str = "disk";
    let room = match rustix::fs::statvfs(home.root()) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => return Finding::warn(NAME, format!("cannot be asked: {error}"), "see that the home can be reached"),
    };
    let said = format!("{}.{} GB free", room / 1_000_000_000, room / 100_000_000 % 10);
    let remedy = "free some space, or move the home to another disk";
    match room {
        room if room < ROOM.0 => Finding::fail(NAME, said, remedy),
        room if room < ROOM.1 => Finding::warn(NAME, said, remedy),
        _ => Finding::ok(NAME, said),
    }
}

/// The daemon's word, if it runs.
pub(super) async fn daemon(home: &Home) -> Option<Result<StatusView, ClientError>> {
    let asked = async {
        let operator = Operator::at(&home.operator_socket())?;
        operator.health(Duration::from_secs(3)).await?;
        operator.status().await
    };
    match asked.await {
        Err(ClientError::NotRunning { .. }) => None,
        answer => Some(answer),
    }
}

/// Whether the daemon is well, if it runs.
pub(super) fn daemon_finding(daemon: Option<Result<StatusView, ClientError>>) -> Finding {
    const NAME: &str = "daemon";
    match daemon {
        None => Finding::ok(NAME, "does not run; `claude-swarm start` starts it"),
        Some(Ok(status)) => Finding::ok(NAME, format!("runs as process {}, version {}", status.daemon_pid, status.version)),
        Some(Err(error)) => Finding::fail(NAME, format!("runs, and is not well: {error}"), "look at `claude-swarm logs daemon`"),
    }
}

/// Whether the port of the HTTP API is free, or this home's daemon has it.
pub(super) fn port(config: &Config, daemon: Option<&Result<StatusView, ClientError>>) -> Finding {
    const NAME: &str = "port";
    let listen = config.settings.server.listen;
    if listen.port() == 0 {
        return Finding::ok(NAME, format!("any free one of {}", listen.ip()));
    }
    if let Some(Ok(status)) = daemon
        && status.listen.as_deref().is_some_and(|own| own.contains(&listen.to_string()))
    {
        return Finding::ok(NAME, format!("{listen} is this home's daemon's"));
    }
    let remedy = "write another server.listen into config/settings.yaml; 127.0.0.1:0 takes any free port";
    match TcpListener::bind(listen) {
        Ok(_) => Finding::ok(NAME, format!("{listen} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Finding::fail(NAME, format!("{listen} is taken by another program"), remedy)
        }
        Err(error) => Finding::fail(NAME, format!("{listen}: {error}"), remedy),
    }
}
