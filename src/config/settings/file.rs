//! The settings file that a home starts with: every field, with its meaning and its default.
//!
//! `config/settings.yaml` of the source tree is this text too (a test says so), so that there is one place to describe a field.

use std::net::SocketAddr;

use super::TmuxServer;

/// What differs between one home's first settings and another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Whose tmux server.
    pub tmux_server: TmuxServer,
    /// Where the HTTP API listens.
    pub listen: SocketAddr,
}

/// The text of a settings file.
pub fn settings_text(chosen: Chosen) -> String {
    let Chosen { tmux_server, listen } = chosen;
    let tmux_server = match tmux_server {
        TmuxServer::Default => "default",
        TmuxServer::Own => "own",
    };
    format!(
        r#"# Settings of this home. The daemon reads them when it starts; `claude-swarm doctor` checks them.
# Every field may be left out. What stands here is what holds without it, except where the home was made with something else.

# What the swarm is called in `claude-swarm status`.
name: claude-swarm

server:
  # Where the HTTP API listens. Only an address of this machine (127.0.0.1 or [::1]); port 0 takes any free port,
  # and `claude-swarm status` shows which. Default 127.0.0.1:8080.
  listen: {listen}

tmux:
  # default: sessions are in your own tmux server, so that `tmux attach -t claude-hunter` shows an agent.
  # own: in a server of this home's own (`tmux -L claude-swarm-<id>`; `claude-swarm status` shows the name). Default: default.
  server: {tmux_server}
  # Lines that each pane keeps. 5000 full lines take 5 MB. 100 to 50000.
  history_limit: 5000

budget:
  # US dollars that may be spent between two midnights (UTC). Nothing starts that could go past it.
  daily_usd: 25.0

leases:
  # Seconds that a worker's claim on a task holds without a sign of life. 5 to 3600.
  seconds: 30

tasks:
  # How often a task's worker, CLI, daemon or machine may die under it before the task fails. 1 to 100.
  losses: 5
  # How often a task may be put back for what is not its fault: a rate limit, a missing login. 0 to 1000.
  free_retries: 20

providers:
  claude:
    # auto: the `claude` on PATH. Or an absolute path.
    program: auto
    # Where requests to the model go, for example a gateway: https://gateway.example. null: to Anthropic, or to ANTHROPIC_BASE_URL.
    base_url: null
    # Variables for the CLI, for gateways and proxies: {{HTTPS_PROXY: "http://proxy.example:3128"}}. No credentials: a key or
    # token goes into config/secrets/anthropic_api_key or config/secrets/claude_code_oauth_token (chmod 600).
    env: {{}}
    # Options for the CLI that change how the model works: ["--fallback-model", "haiku", "--effort", "high"].
    args: []
    # How often the CLI itself asks again after an error of the service. 0 to 20.
    max_retries: 3
    # Minutes that the CLI may be silent before its attempt is ended. 1 to 240.
    stall_minutes: 10
    # Other names for the models that roles ask for: {{opus: my-gateway/opus}}.
    models: {{}}

sandbox:
  # bubblewrap: an agent sees its task's workspace and the system, read-only. off: it runs with all your rights.
  mode: bubblewrap
  # What agents may read beside the system: absolute paths, not the home nor what holds it.
  read_only: []

outlets:
  local:
    # The folder that products are published into; relative to the home unless absolute.
    directory: downloads

# The terms that you are asked to agree to before anything is published, beside the title and price that the agents propose.
publish:
  # Only `local` exists in this version.
  outlet: local
  account: local
  # private or public.
  visibility: private

supervision:
  # Seconds that a new worker may take to report. 5 to 600.
  grace_seconds: 30
  # So many exits in so many seconds, and the agent is put aside until a person has looked. 2 to 100, 10 to 86400.
  crash_loop:
    exits: 5
    within_seconds: 300
  # Seconds that a worker may take to end by itself. 1 to 600.
  stop_grace_seconds: 10

logs:
  # Megabytes at which a log is put aside. 1 to 1000. The daemon looks at its own only when it is started.
  max_mb: 10
  # How many that were put aside are kept of each agent's log. 0 to 100. Of the daemon's it is always one.
  keep: 5

artifacts:
  # Megabytes that one snapshot of a product may hold. 1 to 10240.
  max_mb: 256
"#
    )
}
