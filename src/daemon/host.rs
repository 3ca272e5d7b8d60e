//! The daemon as its doors see it: settings for workers, logins, the end of everything.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;
use crate::config::{Config, Environment, Home, HomeKind, Program, Sandbox, TmuxServer};
use crate::domain::credential::Credential;
use crate::domain::error::Error;
use crate::domain::name::AgentName;
use crate::domain::time::Millis;
use crate::protocol::VERSION;
use crate::protocol::daemon::Halted;
use crate::protocol::rpc::{LogSettings, Paths, ProviderSettings, SandboxSettings, Welcome};
use crate::secrets::{Login, Sources, claude_credentials};
use crate::server::{About, Host, Means};
use crate::supervisor::Problems;
use crate::swarm::Swarm;

/// How long everything may take to end before what is left is named.
const END: Duration = Duration::from_secs(20);

/// The daemon as its doors see it.
pub(super) struct DaemonHost {
    home: Home,
    environment: Environment,
    config: Config,
    swarm: Swarm,
    /// The address of the rehearsal's model.
    model: Option<String>,
    binaries: PathBuf,
    since: Millis,
    notes: Vec<String>,
    listen: OnceLock<SocketAddr>,
    problems: watch::Receiver<Problems>,
    stop: watch::Sender<bool>,
}

/// What the daemon found out while it started, and goes on finding out.
pub(super) struct Told {
    /// The address of the rehearsal's model.
    pub model: Option<String>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// What the supervisor could not do.
    pub problems: watch::Receiver<Problems>,
}

impl DaemonHost {
    pub(super) fn new(
        home: &Home,
        environment: &Environment,
        config: &Config,
        swarm: Swarm,
        Told { model, notes, problems }: Told,
        stop: watch::Sender<bool>,
    ) -> Result<Self, Error> {
        let program =
            std::env::current_exe().map_err(|error| Error::unavailable(format!("this program cannot be found: {error}")))?;
        Ok(Self {
            home: home.clone(),
            environment: environment.clone(),
            config: config.clone(),
            swarm,
            model,
            binaries: program.parent().unwrap_or(Path::new("/")).to_owned(),
            since: clock::now(),
            notes,
            listen: OnceLock::new(),
            problems,
            stop,
        })
    }

    pub(super) fn listens_at(&self, address: Option<SocketAddr>) {
        if let Some(address) = address {
            // It is said once.
            let _ = self.listen.set(address);
        }
    }

    /// The login, where one is needed.
    fn credential(&self, provider: &str) -> Result<Credential, String> {
        if self.model.is_some() {
            // The rehearsal's model takes any key, and no real one must go there.
            return Ok(Credential::ApiKey("sk-rehearsal-that-opens-nothing".to_owned()));
        }
        if provider != "claude" {
            return Err(format!("there is no login for {provider}"));
        }
        let sources = Sources {
            secrets_dir: Some(&self.home.secrets_dir()),
            user_home: self.environment.user_home.as_deref(),
            api_key: self.environment.anthropic_api_key.as_deref(),
            oauth_token: self.environment.claude_code_oauth_token.as_deref(),
            now: clock::now(),
        };
        match claude_credentials(&sources) {
            Ok(Login::Found { credential, .. }) => Ok(credential),
            Ok(Login::Expired { source, remedy, .. }) => Err(format!("the login in {source} has ended; {remedy}")),
            Ok(Login::None { remedy, .. }) => Err(format!("there is no login for Claude; {remedy}")),
            Err(error) => Err(format!("{error}{}", error.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default())),
        }
    }

    fn program(&self) -> Result<PathBuf, Error> {
        let found = match &self.config.settings.claude.program {
            Program::At(path) => Some(path.clone()),
            Program::Auto => self.environment.find_program("claude"),
        };
        let missing =
            || Error::unavailable("the Claude CLI is not installed").hint("`claude-swarm doctor` says how to mend that");
        let found = found.ok_or_else(missing)?;
        found.canonicalize().map_err(|error| Error::unavailable(format!("{}: {error}", found.display())))
    }
}

impl Host for DaemonHost {
    fn about(&self) -> About {
        let name = self.config.settings.tmux.socket_name(&self.home);
        let problems: Vec<String> = self.problems.borrow().iter().map(|(about, problem)| format!("{about}: {problem}")).collect();
        About {
            name: self.config.settings.name.clone(),
            home: self.home.root().display().to_string(),
            since: self.since,
            listen: self.listen.get().map(|address| format!("http://{address}")),
            attach: match self.config.settings.tmux.server {
                TmuxServer::Default => "tmux attach -t claude-AGENT".to_owned(),
                TmuxServer::Own => format!("tmux -L {name} attach -t claude-AGENT"),
            },
            sandbox_off: self.config.settings.sandbox == Sandbox::Off,
            notes: self
                .notes
                .iter()
                .cloned()
                .chain(self.program().err().map(|error| error.to_string()))
                .chain(problems)
                .collect(),
        }
    }

    fn welcome(&self, agent: &AgentName) -> Result<Welcome, Error> {
        let role = self.config.role_of(agent).ok_or_else(|| Error::not_found(format!("there is no agent {agent}")))?;
        let settings = &self.config.settings;
        let text = |path: PathBuf| path.display().to_string();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let read_only = match &settings.sandbox {
            Sandbox::Bubblewrap { read_only } => read_only.iter().map(|path| path.display().to_string()).collect(),
            Sandbox::Off => vec![],
        };
        Ok(Welcome {
            protocol: VERSION,
            rehearsal: self.config.kind == HomeKind::Rehearsal,
            title: role.title.clone(),
            lease_ms: millis(settings.lease),
            provider: ProviderSettings {
                name: role.provider.clone(),
                base_url: self
                    .model
                    .clone()
                    .or_else(|| settings.claude.base_url.clone())
                    .or_else(|| self.environment.anthropic_base_url.clone()),
                env: settings.claude.env.clone(),
                secrets: settings.claude.secret_values().into_iter().map(str::to_owned).collect(),
                args: settings.claude.args.clone(),
                max_retries: settings.claude.max_retries,
                stall_ms: millis(settings.claude.stall),
            },
            sandbox: SandboxSettings {
                enabled: settings.sandbox != Sandbox::Off,
                read_only,
                hidden: vec![self.home.root().display().to_string()],
            },
            paths: Paths {
                projects: text(self.home.projects_dir()),
                git: text(self.home.gits_dir()),
                tasks: text(self.home.tasks_dir()),
                agent_socket: text(self.home.agent_run_dir(agent)),
                sandboxes: text(self.home.sandboxes_dir()),
                log: text(self.home.agent_log(agent)),
                binaries: text(self.binaries.clone()),
            },
            log: LogSettings { max_bytes: settings.logs.max_bytes, keep: settings.logs.keep },
            snapshot_max_bytes: settings.snapshot_max_bytes,
        })
    }

    fn means(&self, provider: &str) -> Result<Means, String> {
        let program = self.program().map_err(|error| match &error.hint {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        })?;
        Ok(Means { program, credential: self.credential(provider)? })
    }

    fn end_everything(&self) -> Pin<Box<dyn Future<Output = Halted> + Send + '_>> {
        Box::pin(async {
            let before = self.swarm.live_sessions().await.unwrap_or_default();
            let mut events = self.swarm.follow();
            let gone = async {
                loop {
                    events.borrow_and_update();
                    let sessions = self.swarm.live_sessions().await.map_or(1, |sessions| sessions.len());
                    let sandboxes = self
                        .swarm
                        .unreleased(None)
                        .await
                        .map_or(1, |attempts| attempts.iter().filter(|it| it.session.is_some()).count());
                    if sessions + sandboxes == 0 || events.changed().await.is_err() {
                        return;
                    }
                }
            };
            // What is not gone by then is named.
            let _ = tokio::time::timeout(END, gone).await;
            let survivors = match (self.swarm.live_sessions().await, self.swarm.unreleased(None).await) {
                (Ok(left), Ok(attempts)) => {
                    let sessions = left.iter().map(|session| format!("session {} (process {:?})", session.name, session.pid));
                    let sandboxes = attempts.iter().filter(|attempt| attempt.session.is_some());
                    sessions.chain(sandboxes.map(|attempt| format!("the sandbox of task {}", attempt.task))).collect()
                }
                // What cannot be seen is not confirmed.
                (Err(error), _) | (_, Err(error)) => vec![format!("not known what is left: {error}")],
            };
            Halted { sessions: before.into_iter().map(|session| session.name).collect(), survivors }
        })
    }

    fn shut_down(&self) {
        self.stop.send_replace(true);
    }
}
