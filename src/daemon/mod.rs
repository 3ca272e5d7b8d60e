//! The composition root: start, wire, shut down. The only room that knows all the others.

mod credentials;
mod duties;
mod host;
mod lock;
mod publisher;
mod rehearsal;
mod rules;
mod token;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::artifacts::Artifacts;
use crate::clock;
use crate::config::{self, Config, Environment, Home, HomeKind, Problem};
use crate::domain::error::Error;
use crate::domain::principal::Principal;
use crate::domain::text;
use crate::publish::{Local, Outlet};
use crate::runner::{Runner, TmuxRunner, TmuxServer};
use crate::server::{App, Door, Hub, bind_unix, serve};
use crate::store::Store;
use crate::supervisor::{Limits, Problems, Settings, Supervisor};
use crate::swarm::Swarm;
use duties::Duties;
use host::{DaemonHost, Told};
pub use lock::Locked;

/// What a daemon is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The home.
    pub home: Home,
    /// The environment.
    pub environment: Environment,
    /// In a rehearsal: decide every approval as the principal `rehearsal`.
    pub auto_approve: bool,
    /// In a rehearsal: how fast the model plays its script; 1 as written, 2 twice as fast.
    pub pace: f64,
}

/// A daemon that ran.
#[derive(Debug)]
pub struct Stopped {
    /// To be held until this process ends: what is still under way must not meet a second daemon.
    pub lock: Locked,
    /// Why it stopped, unless it was told to: a damaged database, or one of its duties that ended.
    pub outcome: Result<(), Error>,
}

/// Runs a daemon until it is told to stop. Sessions live on.
///
/// # Errors
/// What keeps it from starting, with the way out: a broken configuration, another daemon on this home, a damaged database.
pub async fn run(options: Options) -> Result<Stopped, Error> {
    let Options { home, environment, .. } = &options;
    allow_many_files();
    let loaded = config::load(home).map_err(|problems| Problem::refusal(&problems))?;
    let rehearsal = loaded.config.kind == HomeKind::Rehearsal;
    if options.auto_approve && !rehearsal {
        return Err(Error::denied("--auto-approve exists in a rehearsal only; in a real home a person decides"));
    }
    home.make_folders()?;
    let lock = lock::take(home)?;
    let store = Store::open(&home.database()).map_err(|error| Error::unavailable(error.to_string()))?;
    let failed = |what: &str, error: &dyn std::fmt::Display| Error::unavailable(format!("{what}: {error}"));
    let artifacts = Artifacts::open(&home.artifacts_dir()).map_err(|error| failed("the artifact store", &error))?;
    let swarm = Swarm::open(store, artifacts, rules::of(&loaded.config), Arc::new(clock::Wall)).await?;
    take_note_of_halt(home, &swarm).await?;
    let (stop, stopping) = watch::channel(false);

    let mut notes: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    let mut duties = Duties::new(stopping.clone());
    let model =
        if rehearsal { Some(rehearsal::serve(home, &loaded.config, options.pace, &stopping, &mut duties)?) } else { None };
    let (tcp, note) = listen(&loaded.config).await;
    notes.extend(note);
    let (say, problems) = watch::channel(Problems::new());
    let host = DaemonHost::new(home, environment, &loaded.config, swarm.clone(), Told { model, notes, problems }, stop.clone())?;
    let host = Arc::new(host);
    host.listens_at(tcp.as_ref().and_then(|tcp| tcp.local_addr().ok()));

    let runner = tmux(home, environment, &loaded.config)?;
    let supervisor = Supervisor::new(swarm.clone(), runner, supervision(home, environment, &loaded.config)?, say);

    let hub = Hub::default();
    let app = App { swarm: swarm.clone(), host: host.clone(), hub: hub.clone() };
    duties.endless("the hub of the workers", hub.run(swarm.clone()));
    doors(home, &loaded.config, tcp, &app, &stopping, &mut duties)?;
    reclaim_own(&swarm).await?;
    duties.endless("the supervisor", supervisor.run(stopping.clone()));
    duties.endless("the publisher", publisher::run(swarm.clone(), outlets(home, &loaded.config), stopping.clone()));
    if options.auto_approve {
        duties.endless("the script that approves", rehearsal::decide_everything(swarm.clone(), stopping.clone()));
    }
    let whole = swarm.clone();
    duties.take_up("the look at the database", async move { whole.check_store().await });
    duties.endless("the look for logins", credentials::watch(swarm.clone(), host.clone(), stopping.clone()));
    tracing::info!(home = %home.root().display(), pid = std::process::id(), rehearsal, "ready");

    let outcome = tokio::select! {
        () = until_told(stopping) => Ok(()),
        error = duties.failed() => Err(error),
    };
    match &outcome {
        Ok(()) => tracing::info!("stopping; sessions live on"),
        Err(error) => tracing::error!(%error, "stopping; sessions live on"),
    }
    stop.send_replace(true);
    // A client that keeps its connection open does not keep the daemon.
    let _ = tokio::time::timeout(std::time::Duration::from_secs(2), duties.ended()).await;
    lock::forget(home);
    Ok(Stopped { lock, outcome })
}

/// Takes as many open files as the system allows this process: a shell's usual 1024 are few for many workers, clients and artifacts.
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// The address of the settings; any free one where that is taken, because several homes may run on one machine.
async fn listen(config: &Config) -> (Option<TcpListener>, Option<String>) {
    let wanted = config.settings.server.listen;
    match TcpListener::bind(wanted).await {
        Ok(listener) => (Some(listener), None),
        Err(error) => {
            let mut free = wanted;
            free.set_port(0);
            let note = format!("{wanted} cannot be used ({error}); another port was taken, see `listen`");
            (TcpListener::bind(free).await.ok(), Some(note))
        }
    }
}

fn doors(
    home: &Home,
    config: &Config,
    tcp: Option<TcpListener>,
    app: &App,
    stopping: &watch::Receiver<bool>,
    duties: &mut Duties,
) -> Result<(), Error> {
    let mut unix = vec![(home.operator_socket(), Door::Operator), (home.worker_socket(), Door::Worker)];
    for (agent, _) in config.agents() {
        let folder = home.agent_run_dir(&agent);
        std::fs::create_dir_all(&folder).map_err(|error| Error::unavailable(format!("{}: {error}", folder.display())))?;
        unix.push((home.agent_socket(&agent), Door::Agent(agent)));
    }
    for (path, door) in unix {
        let listener = bind_unix(&path).map_err(|error| Error::unavailable(format!("{}: {error}", path.display())))?;
        let (app, stopping) = (app.clone(), stopping.clone());
        duties.take_up("a socket", async move {
            serve(listener, door, app, stopping).await.map_err(|error| closed("a socket", &error))
        });
    }
    if let Some(tcp) = tcp {
        let door = Door::Loopback { token: token::of(home)? };
        let (app, stopping) = (app.clone(), stopping.clone());
        duties.take_up("the HTTP door", async move {
            serve(tcp, door, app, stopping).await.map_err(|error| closed("the HTTP door", &error))
        });
    }
    Ok(())
}

fn outlets(home: &Home, config: &Config) -> publisher::Outlets {
    let local: Arc<dyn Outlet> = Arc::new(Local::new(&config.settings.outlets.local(home)));
    BTreeMap::from([(config::Outlet::Local.as_str().to_owned(), local)])
}

fn closed(door: &str, error: &std::io::Error) -> Error {
    Error::unavailable(format!("{door} closed: {error}"))
}

fn tmux(home: &Home, environment: &Environment, config: &Config) -> Result<Arc<dyn Runner>, Error> {
    let server = match config.settings.tmux.server {
        config::TmuxServer::Default => TmuxServer::Default,
        config::TmuxServer::Own => TmuxServer::Named(config.settings.tmux.socket_name(home)),
    };
    let runner = TmuxRunner::new(server, &home.id(), session_environment(environment));
    Ok(Arc::new(runner.map_err(|error| Error::unavailable(error.to_string()))?))
}

/// What sessions inherit: nothing secret, because the tmux server hands it to everyone.
fn session_environment(environment: &Environment) -> Vec<(String, String)> {
    let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let all = [
        ("PATH", environment.path.clone()),
        ("HOME", text(&environment.user_home)),
        ("LANG", environment.lang.clone().or_else(|| Some("C.UTF-8".to_owned()))),
        ("TMUX_TMPDIR", text(&environment.tmux_tmpdir)),
        ("NO_COLOR", environment.no_color.then(|| "1".to_owned())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn supervision(home: &Home, environment: &Environment, config: &Config) -> Result<Settings, Error> {
    let program =
        std::env::current_exe().map_err(|error| Error::unavailable(format!("this program cannot be found: {error}")))?;
    let millis = |time: std::time::Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let bounds = &config.settings.supervision;
    let worker = ["worker", "--home"].map(str::to_owned).into_iter().chain([home.root().display().to_string()]);
    Ok(Settings {
        worker: std::iter::once(program.display().to_string()).chain(worker).collect(),
        env: session_environment(environment),
        cwd: home.root().to_owned(),
        sandboxes: home.sandboxes_dir(),
        history_limit: config.settings.tmux.history_limit,
        limits: Limits {
            grace: millis(bounds.grace),
            exits: bounds.crash_loop_exits as usize,
            within: millis(bounds.crash_loop_within),
        },
        stop_grace: bounds.stop_grace,
        rehearsal: config.kind == HomeKind::Rehearsal,
    })
}

/// Writes down that everything was stopped while no daemon could: before anything is started again.
async fn take_note_of_halt(home: &Home, swarm: &Swarm) -> Result<(), Error> {
    let mark = home.halt_mark();
    let failed = |error: std::io::Error| Error::unavailable(format!("{}: {error}", mark.display()));
    let why = match std::fs::read_to_string(&mark) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        read => text::one_line(&read.map_err(failed)?, 200),
    };
    // A full disk took the file and not what was to be in it.
    let why = if why.is_empty() { "while no daemon could write down why".to_owned() } else { why };
    swarm.halt(&Principal::Operator, why).await?;
    std::fs::remove_file(&mark).map_err(failed)
}

/// What an earlier daemon did itself when it died: it is dead, because this one has the home's lock.
async fn reclaim_own(swarm: &Swarm) -> Result<(), Error> {
    for attempt in swarm.unreleased(None).await?.into_iter().filter(|attempt| attempt.session.is_none()) {
        swarm.lose(&Principal::System, attempt.token, "the daemon died".to_owned()).await?;
    }
    Ok(())
}

/// Waits for the first signal, or for whoever says it otherwise. From then on a signal ends the process at once.
async fn until_told(mut stopping: watch::Receiver<bool>) {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be taken; `claude-swarm stop` still works");
        // An error means that nobody can tell any more, which cannot be: the sender is here.
        drop(stopping.wait_for(|stop| *stop).await);
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        std::process::exit(130);
    });
}
