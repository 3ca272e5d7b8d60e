//! The settings, field by field: every one can be set, and whatever is wrong is named, all of it at once.
//!
//! Not here: settings on which the safety of the machine and of secrets depends (`safety`).

use std::fs;
use std::path::Path;

use claude_swarm::config::{Chosen, Program, Settings, TmuxServer, settings_text};

use super::small_home::{SmallHome, settings_errors};

#[test]
fn every_setting_can_be_set() {
    let small = SmallHome::new();
    let settings = small.settings(
        "name: ' My swarm '\nserver: {listen: '[::1]:0'}\ntmux: {server: own, history_limit: 100}\nbudget: {daily_usd: 3}\n\
         leases: {seconds: 5}\ntasks: {losses: 1, free_retries: 0}\n\
         providers:\n  claude:\n    program: /opt/claude\n    base_url: http://127.0.0.1:9/\n    env: {HTTPS_PROXY: 'http://p:1'}\n    \
         args: [--fallback-model, haiku]\n    max_retries: 0\n    stall_minutes: 1\n    models: {opus: gw/opus-4}\n\
         sandbox: {mode: bubblewrap, read_only: [/usr/share]}\noutlets: {local: {directory: /srv/out}}\n\
         publish: {outlet: local, account: me, visibility: public}\n\
         supervision: {grace_seconds: 5, crash_loop: {exits: 2, within_seconds: 10}, stop_grace_seconds: 1}\n\
         logs: {max_mb: 1, keep: 0}\nartifacts: {max_mb: 1}\n",
    );
    insta::assert_debug_snapshot!(settings, @r#"
    Settings {
        name: "My swarm",
        server: Server {
            listen: [::1]:0,
        },
        tmux: Tmux {
            server: Own,
            history_limit: 100,
        },
        daily_budget: MicroUsd(
            3000000,
        ),
        lease: 5s,
        tasks: Tasks {
            losses: 1,
            free_retries: 0,
        },
        claude: Claude {
            program: At(
                "/opt/claude",
            ),
            base_url: Some(
                "http://127.0.0.1:9",
            ),
            env: [
                "HTTPS_PROXY",
            ],
            args: [
                "--fallback-model",
                "haiku",
            ],
            max_retries: 0,
            stall: 60s,
            models: {
                "opus": "gw/opus-4",
            },
        },
        sandbox: Bubblewrap {
            read_only: [
                "/usr/share",
            ],
        },
        outlets: Outlets {
            local_directory: "/srv/out",
        },
        publish: Publish {
            outlet: Local,
            account: "me",
            visibility: Public,
        },
        supervision: Supervision {
            grace: 5s,
            crash_loop_exits: 2,
            crash_loop_within: 10s,
            stop_grace: 1s,
        },
        logs: Logs {
            max_bytes: 1000000,
            keep: 0,
        },
        snapshot_max_bytes: 1000000,
    }
    "#);
    assert_eq!(settings.claude.model("opus"), "gw/opus-4");
    assert_eq!(settings.claude.model("sonnet"), "sonnet");
    assert_eq!(settings.claude.program, Program::At("/opt/claude".into()));
    assert_eq!(settings.tmux.socket_name(&small.home()), format!("claude-swarm-{}", small.home().id()));
}

#[test]
fn broken_yaml_is_named_with_its_line() {
    insta::assert_snapshot!(settings_errors("name: x\nserver: {listen: \"127\n"), @r"
    config/settings.yaml:2: is not YAML: unclosed quote
      → mend the YAML; indent with spaces, and quote texts that hold `: ` or ` #`
    ");
    insta::assert_snapshot!(settings_errors("budget:\n  daily_usd: 1\n  daily_usd: 2\n"), @r"
    config/settings.yaml:3: is not YAML: duplicate mapping key: daily_usd not allowed here
      → mend the YAML; indent with spaces, and quote texts that hold `: ` or ` #`
    ");
    insta::assert_snapshot!(settings_errors("just a text"), @r#"
    config/settings.yaml:1: "just a text" is not a mapping
      → write `key: value` lines below it
    "#);
}

#[test]
fn unknown_fields_wrong_types_and_ranges_are_all_named_at_once() {
    insta::assert_snapshot!(settings_errors(
        "naem: x\nname: [1]\nserver:\n  listen: 0.0.0.0:8080\n  port: 1\ntmux: default\nbudget:\n  daily_usd: many\nleases: {seconds: 4}\n\
         tasks: {losses: 1.5, free_retries: -1}\nlogs:\n  keep: '5'\npublish: {visibility: secret, account: 'Me You', outlet: gumroad}\n\
         supervision: {crash_loop: {exits: 1}}\nartifacts: {max_mb: 99999999999999999999}\n"
    ), @r#"
    config/settings.yaml:1: naem: there is no such field
      → take it out, or write one of: name, server, tmux, budget, leases, tasks, providers, sandbox, outlets, publish, supervision, logs, artifacts
    config/settings.yaml:2: name: a list is not a text
      → write a name of at most 80 characters on one line
    config/settings.yaml:4: server.listen: 0.0.0.0:8080 can be reached from other machines
      → listen on 127.0.0.1 or [::1]; from elsewhere, come by `ssh -L 8080:127.0.0.1:8080 HOST`
    config/settings.yaml:5: server.port: there is no such field
      → take it out, or write one of: listen
    config/settings.yaml:6: tmux: "default" is not a mapping
      → write `key: value` lines below it
    config/settings.yaml:8: budget.daily_usd: "many" is not a number
      → write a number of US dollars, for example 25
    config/settings.yaml:9: leases.seconds: 4 is out of range
      → write a whole number of seconds from 5 to 3600
    config/settings.yaml:10: tasks.losses: 1.5 is not a whole number
      → write a whole number of times from 1 to 100
    config/settings.yaml:10: tasks.free_retries: -1 is out of range
      → write a whole number of times from 0 to 1000
    config/settings.yaml:12: logs.keep: "5" is not a number
      → write a whole number of files from 0 to 100
    config/settings.yaml:13: publish.visibility: "secret" is not known
      → write one of: private, public
    config/settings.yaml:13: publish.account: "Me You" is not a name
      → write a name in lower-case letters, digits and inner hyphens, for example local
    config/settings.yaml:13: publish.outlet: "gumroad" is not known
      → write one of: local
    config/settings.yaml:14: supervision.crash_loop.exits: 1 is out of range
      → write a whole number of exits from 2 to 100
    config/settings.yaml:15: artifacts.max_mb: 1e+20 is not a whole number
      → write a whole number of MB from 1 to 10240
    "#);
    insta::assert_snapshot!(settings_errors("server: {listen: 8080}\nbudget: {daily_usd: 0}\ntmux: {server: true}\nleases: [30]\n"), @r"
    config/settings.yaml:1: server.listen: 8080 is not an address with a port
      → write an address of this machine with a port, for example 127.0.0.1:8080; port 0 takes any free one
    config/settings.yaml:2: budget.daily_usd: 0 is out of range
      → write a number of US dollars above 0, for example 25; `claude-swarm pause` stops the spending
    config/settings.yaml:3: tmux.server: true is not known
      → write one of: default, own
    config/settings.yaml:4: leases: a list is not a mapping
      → write `key: value` lines below it
    ");
}

#[test]
fn the_settings_of_the_source_tree_are_those_that_init_would_write_for_it() {
    let chosen = Chosen { tmux_server: TmuxServer::Default, listen: "127.0.0.1:8080".parse().unwrap() };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/settings.yaml");
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text, settings_text(chosen));
    // And every field stands there with its default, as it says at its top.
    assert_eq!(SmallHome::new().settings(&text), Settings::default());
    for field in SETTINGS {
        assert!(text.lines().any(|line| line.trim_start().starts_with(&format!("{field}:"))), "{field} is not explained");
    }
}

const SETTINGS: &[&str] = &[
    "name",
    "listen",
    "server",
    "history_limit",
    "daily_usd",
    "seconds",
    "losses",
    "free_retries",
    "program",
    "base_url",
    "env",
    "args",
    "max_retries",
    "stall_minutes",
    "models",
    "mode",
    "read_only",
    "directory",
    "outlet",
    "account",
    "visibility",
    "grace_seconds",
    "exits",
    "within_seconds",
    "stop_grace_seconds",
    "max_mb",
    "keep",
];
