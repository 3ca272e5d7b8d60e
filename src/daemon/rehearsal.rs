//! What only a rehearsal has: a model that plays a script, and a principal that decides instead of a person.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::sync::watch;

use super::duties::Duties;
use crate::config::{Config, Home};
use crate::domain::approval::Decision;
use crate::domain::error::Error;
use crate::domain::principal::Principal;
use crate::rehearsal::{Pace, Scenario, Server};
use crate::swarm::Swarm;

/// Serves the script on loopback and answers with its address. The port stays the same over restarts of the daemon, because CLIs that
/// outlive it go on asking there.
pub(super) fn serve(
    home: &Home,
    config: &Config,
    pace: f64,
    stop: &watch::Receiver<bool>,
    duties: &mut Duties,
) -> Result<String, Error> {
    let missing =
        || Error::unavailable("config/rehearsal.yaml is missing").hint("`claude-swarm init --rehearsal DIR` writes one");
    let script = config.rehearsal.as_ref().ok_or_else(missing)?;
    let parse = || {
        Scenario::parse(script)
            .map_err(|error| Error::invalid("config/rehearsal.yaml", error.to_string()).hint("mend the line it names"))
    };
    let failed = |error: std::io::Error| Error::unavailable(format!("the rehearsal's model cannot listen: {error}"));
    let kept = home.run_dir().join("rehearsal.port");
    let port: u16 = fs::read_to_string(&kept).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let pace = Pace::factor(1.0 / pace);
    let server = match Server::bind(at(port), parse()?, pace) {
        Ok(server) => server,
        // Somebody else has the port by now.
        Err(_) if port != 0 => Server::bind(at(0), parse()?, pace).map_err(failed)?,
        Err(error) => return Err(failed(error)),
    };
    fs::write(&kept, format!("{}\n", server.addr().port())).map_err(failed)?;
    let url = server.base_url();
    let mut stop = stop.clone();
    duties.take_up("the rehearsal's model", async move {
        let stopped = async move {
            // An error means that the daemon is gone, which stops as well.
            drop(stop.wait_for(|stop| *stop).await);
        };
        server.run(stopped).await.map_err(|error| Error::unavailable(format!("the rehearsal's model ended: {error}")))
    });
    Ok(url)
}

/// Approves whatever is asked, as the principal `rehearsal`, until `stop` says so.
pub(super) async fn decide_everything(swarm: Swarm, mut stop: watch::Receiver<bool>) {
    let mut events = swarm.follow();
    loop {
        events.borrow_and_update();
        for (approval, _) in swarm.approvals(false).await.unwrap_or_default() {
            let reason = Some("the rehearsal approves by itself".to_owned());
            let decided =
                swarm.decide(&Principal::Rehearsal, approval.id, Decision::Approve, reason, Some(approval.binding)).await;
            if let Err(error) = decided {
                tracing::warn!(approval.id = approval.id, %error, "the rehearsal could not decide");
            }
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            changed = events.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}
