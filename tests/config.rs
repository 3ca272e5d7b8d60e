//! A home's files through the front door: what `init` writes can be loaded, and what is wrong is named with file, line, field and
//! remedy, all of it at once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use claude_swarm::config::{
    Chosen, Environment, Home, HomeKind, InitOptions, Problem, Program, Sandbox, Settings, Severity, TmuxServer, embedded_files,
    init, load, settings_text,
};
use claude_swarm::domain::error::Kind;

const PIPELINE: &str = "version: 1
max_rounds: 3
types:
  research:
    summary: Find out
    priority: 5
    payload: &any {type: object}
    result: *any
  publish:
    summary: Put it out
    executor: daemon
    priority: 9
    payload: *any
    result: *any
approvals:
  continue:
    question: Go on?
";

/// A small home that is right, and can be made wrong.
struct SmallHome {
    folder: tempfile::TempDir,
}

impl SmallHome {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        home.write("config/settings.yaml", "");
        home.write("config/pipeline.yaml", PIPELINE);
        home.write("templates/product_spec.md", "# Title\n");
        home.write("agents/MASTER.md", "# Master\nBe honest.\n");
        home.write("agents/RULES.md", "Rules without a heading.\n");
        home.write("skills/search.md", "# Searching\nLook twice.\n");
        home.write(
            "agents/hunter.md",
            &role("title: Hunter\nmodel: sonnet\ntask_types: [research]\nskills: [search]\nshared: [RULES]"),
        );
        home
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn home(&self) -> Home {
        Home::open(self.folder.path()).unwrap()
    }

    fn settings(&self, text: &str) -> Settings {
        self.write("config/settings.yaml", text);
        load(&self.home()).map(|loaded| loaded.config.settings).unwrap_or_else(|problems| panic!("{}", shown(&problems)))
    }

    /// The errors of a home that must have some.
    fn errors(&self) -> String {
        match load(&self.home()) {
            Ok(loaded) => panic!("it loaded: {loaded:?}"),
            Err(problems) => {
                assert!(problems.iter().any(|problem| problem.severity == Severity::Error));
                shown(&problems).replace(&self.home().root().display().to_string(), "HOME")
            }
        }
    }

    fn warnings(&self) -> String {
        shown(&load(&self.home()).unwrap_or_else(|problems| panic!("{}", shown(&problems))).warnings)
    }
}

fn role(front: &str) -> String {
    format!("---\n{front}\n---\n# A role\nDo it.\n")
}

fn shown(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn settings_errors(text: &str) -> String {
    SmallHome::new().write("config/settings.yaml", text).errors()
}

#[test]
fn a_small_home_loads_with_defaults() {
    let small = SmallHome::new();
    let loaded = load(&small.home()).unwrap();
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.settings, Settings::default());
    assert_eq!(loaded.config.kind, HomeKind::Real);
    assert_eq!(loaded.config.rehearsal, None);
    let agents: Vec<String> = loaded.config.agents().iter().map(|(agent, _)| agent.to_string()).collect();
    assert_eq!(agents, ["hunter"]);
    assert!(loaded.config.role_of(&"hunter".parse().unwrap()).is_some());
    assert!(loaded.config.role_of(&"hunter-1".parse().unwrap()).is_none());
}

#[test]
fn a_prompt_is_put_together_in_order_and_its_hash_is_of_all_of_it() {
    let small = SmallHome::new();
    let prompt = |small: &SmallHome| {
        let config = load(&small.home()).unwrap().config;
        (config.roles[0].prompt.clone(), config.roles[0].prompt_hash.clone())
    };
    let (text, hash) = prompt(&small);
    insta::assert_snapshot!(text, @r"
    # Master
    Be honest.

    # RULES

    Rules without a heading.

    # A role
    Do it.

    # Searching
    Look twice.
    ");
    small.write("skills/search.md", "# Searching\nLook three times.\n");
    assert_ne!(prompt(&small).1, hash);
}

#[test]
fn whoever_writes_specifications_is_given_their_outline() {
    let small = SmallHome::new();
    small.write("config/pipeline.yaml", &PIPELINE.replace("research", "write_spec"));
    small.write("agents/hunter.md", &role("title: PM\nmodel: sonnet\ntask_types: [write_spec]"));
    let prompt = load(&small.home()).unwrap().config.roles[0].prompt.clone();
    assert!(prompt.ends_with("# Template of SPEC.md\n\n<template>\n# Title\n</template>\n"), "{prompt}");
}

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
fn what_would_undo_the_sandbox_or_show_a_secret_is_refused() {
    insta::assert_snapshot!(settings_errors(
        "providers:\n  claude:\n    program: bin/claude\n    base_url: https://me:hunter2@gw.example\n    env:\n      ANTHROPIC_API_KEY: sk-1\n      \
         GITHUB_TOKEN: x\n      1X: y\n      CLAUDE_SWARM_HOME: /\n      N: 1\n      HOME: /root\n    models: {opus: --model, haiku: ''}\n"
    ), @r#"
    config/settings.yaml:3: providers.claude.program: "bin/claude" is not absolute
      → write auto, or the absolute path of the claude program
    config/settings.yaml:4: providers.claude.base_url: holds a name or password, which would be seen wherever the address is shown
      → take the name and password out of the address; a header can be set with `env: {ANTHROPIC_CUSTOM_HEADERS: …}`
    config/settings.yaml:6: providers.claude.env.ANTHROPIC_API_KEY: cannot be set here
      → put the key into config/secrets/anthropic_api_key, mode 600
    config/settings.yaml:7: providers.claude.env.GITHUB_TOKEN: cannot be set here
      → take it out: what can publish never enters an agent's process
    config/settings.yaml:8: providers.claude.env.1X: "1X" is not a name of a variable
      → write letters, digits and _, no digit first
    config/settings.yaml:9: providers.claude.env.CLAUDE_SWARM_HOME: cannot be set here
      → take it out: the swarm's own variables are set by the worker
    config/settings.yaml:10: providers.claude.env.N: its value is not a text
      → write the value in quotes
    config/settings.yaml:11: providers.claude.env.HOME: cannot be set here
      → take it out: the sandbox sets it
    config/settings.yaml:12: providers.claude.models.opus: "--model" is not a name of a model
      → write a model's name, for example claude-sonnet-4-5
    config/settings.yaml:12: providers.claude.models.haiku: "" is not a name of a model
      → write a model's name, for example claude-sonnet-4-5
    "#);
    for file in ["agents", "config/settings.yaml", ""] {
        let small = SmallHome::new();
        let path = small.home().root().join(file);
        let errors = small.write("config/settings.yaml", &format!("sandbox: {{read_only: [\"{}\"]}}", path.display())).errors();
        assert!(errors.contains("holds the home or lies in it"), "{errors}");
    }
    insta::assert_snapshot!(settings_errors("sandbox: {read_only: [/]}"), @r#"
    config/settings.yaml:1: sandbox.read_only: "/" holds the home or lies in it, and agents must not see it
      → write absolute paths of files or folders that every agent may read
    "#);
    insta::assert_snapshot!(settings_errors("sandbox: {read_only: [usr/share]}"), @r#"
    config/settings.yaml:1: sandbox.read_only: "usr/share" is not absolute
      → write absolute paths of files or folders that every agent may read
    "#);
    insta::assert_snapshot!(settings_errors("sandbox: {read_only: [/run]}"), @r#"
    config/settings.yaml:1: sandbox.read_only: "/run" holds sockets and files of everything else that runs here
      → write absolute paths of files or folders that every agent may read
    "#);
    insta::assert_snapshot!(settings_errors("sandbox: {read_only: [/no/such/place]}"), @r#"
    config/settings.yaml:1: sandbox.read_only: "/no/such/place" cannot be read: No such file or directory (os error 2)
      → write absolute paths of files or folders that every agent may read
    "#);
    insta::assert_snapshot!(settings_errors("sandbox: {mode: false}"), @r"
    config/settings.yaml:1: sandbox.mode: false is not known
      → write one of: bubblewrap, off
    ");
    insta::assert_snapshot!(settings_errors("sandbox: {mode: off, read_only: [/usr/share]}"), @r"
    config/settings.yaml:1: warning: sandbox.mode: agents run with all your rights: they can read and change whatever you can
      → write `mode: bubblewrap`; `claude-swarm doctor` says what it needs
    config/settings.yaml:1: sandbox.read_only: means nothing without a sandbox
      → take read_only out, or write `mode: bubblewrap`
    ");
    insta::assert_snapshot!(settings_errors("providers: {claude: {args: [--effort, high, --resume]}}"), @r"
    config/settings.yaml:1: providers.claude.args: --resume cannot be given here: the worker names and resumes conversations
      → take it out; what can be given: --allowedTools, --allowed-tools, --betas, --disable-slash-commands, --disallowedTools, --disallowed-tools, --effort, --exclude-dynamic-system-prompt-sections, --fallback-model, --max-thinking-tokens, --max-turns, --task-budget, --thinking, --tools
    ");
    let person = tempfile::tempdir().unwrap();
    fs::create_dir(person.path().join(".ssh")).unwrap();
    for logins in [person.path().to_owned(), person.path().join(".ssh")] {
        let errors = settings_errors(&format!("sandbox: {{read_only: [\"{}\"]}}", logins.display()));
        assert!(errors.contains("holds somebody's logins"), "{errors}");
    }
    let _socket = std::os::unix::net::UnixListener::bind(person.path().join("s")).unwrap();
    let errors = settings_errors(&format!("sandbox: {{read_only: [\"{}\"]}}", person.path().join("s").display()));
    assert!(errors.contains("is a socket"), "{errors}");
    for folder in ["data", "config/x", "./logs", "../out", "a/../../b", ".", "''"] {
        let errors = settings_errors(&format!("outlets: {{local: {{directory: {folder}}}}}\n"));
        assert!(errors.starts_with("config/settings.yaml:1: outlets.local.directory: "), "{errors}");
    }
}

#[test]
fn a_link_to_the_home_is_the_home() {
    let small = SmallHome::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(small.home().root(), &link).unwrap();
    let errors = small.write("config/settings.yaml", &format!("sandbox: {{read_only: [\"{}\"]}}", link.display())).errors();
    assert!(errors.contains("holds the home or lies in it"), "{errors}");
}

#[test]
fn off_is_off_and_everybody_is_told() {
    let small = SmallHome::new();
    assert_eq!(small.settings("sandbox: {mode: off}\n").sandbox, Sandbox::Off);
    insta::assert_snapshot!(small.warnings(), @r"
    config/settings.yaml:1: warning: sandbox.mode: agents run with all your rights: they can read and change whatever you can
      → write `mode: bubblewrap`; `claude-swarm doctor` says what it needs
    ");
}

#[test]
fn secrets_in_clear_are_warned_of_and_not_shown() {
    let small = SmallHome::new();
    let settings = small.settings("providers: {claude: {env: {ANTHROPIC_AUTH_TOKEN: tok-123456}}}\n");
    assert_eq!(settings.claude.secret_values(), ["tok-123456"]);
    assert!(!format!("{settings:?}").contains("tok-123456"));
    insta::assert_snapshot!(small.warnings(), @r"
    config/settings.yaml:1: warning: providers.claude.env.ANTHROPIC_AUTH_TOKEN: is in clear in this file, and every agent can read it
      → keep the file to yourself (chmod 600), and use a credential that can do nothing but ask a model
    ");
}

#[test]
fn settings_that_hardly_anybody_wants_are_warned_of() {
    let small = SmallHome::new();
    small.settings("budget: {daily_usd: 0.5}\nproviders: {claude: {base_url: 'http://10.0.0.1:4000'}}\n");
    insta::assert_snapshot!(small.warnings(), @r"
    config/settings.yaml:2: warning: providers.claude.base_url: whoever is on the way to that machine can read the requests and the credential in them
      → use https, or a gateway on this machine
    config/settings.yaml: warning: budget.daily_usd: 0.50 is less than one attempt may cost, so that these would never start: research (1.00)
      → raise it, or lower budget_usd in config/pipeline.yaml
    ");
    for here in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "https://10.0.0.1"] {
        small.settings(&format!("providers: {{claude: {{base_url: '{here}'}}}}\n"));
        assert_eq!(small.warnings(), "");
    }
}

#[test]
fn missing_and_unreadable_files_are_named() {
    let small = SmallHome::new();
    for path in ["config/pipeline.yaml", "templates/product_spec.md", "agents/MASTER.md"] {
        fs::remove_file(small.folder.path().join(path)).unwrap();
    }
    fs::write(small.folder.path().join("agents/RULES.md"), b"fine\nnot \xff fine\n").unwrap();
    small.write("skills/search.md", "harmless\nhidden\u{202e} text\n").write("config/kind", "rehersal");
    insta::assert_snapshot!(small.errors(), @r#"
    config/kind: "rehersal" is no kind of home
      → write `rehearsal`, or delete the file for a real home
    config/pipeline.yaml: is missing
      → put it back; `claude-swarm init` of another folder writes one that can be copied
    templates/product_spec.md: is missing
      → put it back; `claude-swarm init` of another folder writes one that can be copied
    agents/RULES.md:2: is not UTF-8
      → save it as UTF-8
    skills/search.md:2: holds the control character U+202E
      → take it out: it can hide text from a reader or act on a terminal
    agents/MASTER.md: is missing; every prompt begins with it
      → `claude-swarm init` of another folder writes one that can be copied
    "#);
    let nothing = tempfile::tempdir().unwrap();
    let error = Home::open(nothing.path()).unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    assert!(error.hint.unwrap().starts_with("`claude-swarm init "));
}

#[test]
fn bad_front_matter_is_named_with_the_line_of_the_file() {
    let small = SmallHome::new();
    small
        .write("agents/a.md", "no front matter\n")
        .write("agents/b.md", "---\ntitle: B\nmodel: x\n")
        .write("agents/c.md", "---\ntitle: C\n\nmodel: [\n---\nbody\n")
        .write("agents/d.md", &role("title: D\nmodel: --help\ntask_types: research\nskill: [search]\ncount: many\nprovider: codex"))
        .write("agents/e.md", &role("title: E"))
        .write("agents/f.md", "---\ntitle: F\nmodel: x\ntask_types: [research]\n---\n\n")
        .write("agents/G_g.md", &role("title: G\nmodel: x\ntask_types: [research]"))
        .write("agents/h.md", &role("title: H\nmodel: x\ntask_types:\n  - research\n  - reserch\n  - publish\nskills: [sear, search]\nshared: [../RULES]"))
        .write("agents/i.md", &role("title: I\nmodel: x\ntask_types: [research]\nskills: [nothing]\nshared: [hunter, RULE]"))
        .write("agents/j.md", "---\r\ntitle: J\r\nmodel: 4\r\ntask_types: [research, research]\r\n---\r\nbody\r\n");
    insta::assert_snapshot!(small.errors(), @r#"
    agents/G_g.md: "G_g" is not a name of a role
      → name the file in lower-case letters, digits and inner hyphens
    agents/a.md:1: has no front matter
      → begin the file with `---`, lines like `title: Hunter`, and `---` again; shared texts are named in CAPITALS
    agents/b.md:1: its front matter is not closed
      → write a line `---` below the last of its fields
    agents/c.md:4: is not YAML: unclosed bracket '['
      → mend the YAML; indent with spaces, and quote texts that hold `: ` or ` #`
    agents/d.md:3: model: "--help" is not a name of a model
      → write a model's name, for example sonnet
    agents/d.md:4: task_types: "research" is not a list
      → write a list of names in letters, digits, _ and -, like [one, two]
    agents/d.md:5: skill: there is no such field
      → take it out, or write one of: title, model, provider, task_types, skills, shared, count
    agents/d.md:6: count: "many" is not a number
      → write a whole number of agents from 0 to 99
    agents/d.md:7: provider: "codex" is not known
      → write one of: claude
    agents/e.md:1: model: is missing
      → add a line like `model: sonnet`
    agents/e.md:1: task_types: is missing
      → add a line like `task_types: [research]`
    agents/f.md:6: says nothing below its front matter
      → write what the role is to do
    agents/h.md:6: task_types: there is no task type "reserch"
      → write one of: research
    agents/h.md:7: task_types: publish is done by the daemon, without an agent
      → take it out
    agents/h.md:9: shared: "../RULES" is not a name
      → write a list of names in letters, digits, _ and -, like [one, two]
    agents/i.md:5: skills: there is no skills/nothing.md
      → write skills/nothing.md, or one of: search
    agents/i.md:6: shared: there is no shared text agents/hunter.md
      → write agents/hunter.md, or one of: MASTER, RULES
    agents/i.md:6: shared: there is no shared text agents/RULE.md
      → write agents/RULE.md, or one of: MASTER, RULES
    agents/j.md:3: model: 4 is not a text
      → write a model's name, for example sonnet; in quotes if it looks like a number or a yes or no
    agents/j.md:4: task_types: research is there twice
      → take one out
    "#);
}

#[test]
fn two_agents_of_one_name_and_types_without_a_taker_are_seen() {
    let small = SmallHome::new();
    small
        .write("agents/dev.md", &role("title: D\nmodel: x\ntask_types: [research]\ncount: 2"))
        .write("agents/dev-2.md", &role("title: D\nmodel: x\ntask_types: [research]"))
        .write(&format!("agents/{}.md", "l".repeat(39)), &role("title: L\nmodel: x\ntask_types: [research]\ncount: 12"));
    insta::assert_snapshot!(small.errors(), @r"
    agents/dev-2.md: count: its agent dev-2 would have the name of one of agents/dev.md
      → rename one of the two roles
    agents/lllllllllllllllllllllllllllllllllllllll.md: count: lllllllllllllllllllllllllllllllllllllll-12 is too long for a name of an agent
      → give the role a shorter name
    ");
    let small = SmallHome::new();
    small.write("agents/hunter.md", &role("title: H\nmodel: x\ntask_types: [research]\ncount: 0"));
    insta::assert_snapshot!(small.warnings(), @r"
    agents: warning: no role takes tasks of the type research; they would wait
      → add research to the task_types of a role in agents/
    ");
}

#[test]
fn a_prompt_that_is_too_long_is_refused() {
    let small = SmallHome::new();
    let errors = small.write("skills/search.md", &"long ".repeat(30_000)).errors();
    assert!(errors.contains("its whole prompt has 150") && errors.contains("at most 120000 bytes"), "{errors}");
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

fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.strip_prefix(folder).unwrap().display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_fresh_home_has_no_problem() {
    let folder = tempfile::tempdir().unwrap();
    let written = init(&folder.path().join("new/home"), &InitOptions::default()).unwrap();
    let loaded = load(&written.home).unwrap_or_else(|problems| panic!("{}", shown(&problems)));
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.kind, HomeKind::Real);
    assert_eq!(loaded.config.settings.tmux.server, TmuxServer::Own);
    assert_eq!(loaded.config.settings.server.listen.port(), 0);
    assert_eq!(loaded.config.agents().len(), 10);
    let there: Vec<String> = files_below(written.home.root()).into_iter().map(|(path, _)| path).collect();
    assert_eq!(there, written.files);
    let secrets = written.home.secrets_dir().metadata().unwrap();
    assert_eq!(secrets.permissions().mode() & 0o777, 0o700);
    // What is embedded is what the source tree has.
    for file in embedded_files() {
        assert_eq!(fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file.path)).unwrap(), *file.bytes, "{}", file.path);
    }
}

#[test]
fn a_rehearsal_says_so_and_brings_its_script() {
    let folder = tempfile::tempdir().unwrap();
    let options = InitOptions { rehearsal: true, listen: "127.0.0.1:4711".parse().unwrap(), tmux_server: TmuxServer::Default };
    let home = init(folder.path(), &options).unwrap().home;
    let config = load(&home).unwrap_or_else(|problems| panic!("{}", shown(&problems))).config;
    assert_eq!(config.kind, HomeKind::Rehearsal);
    assert!(config.rehearsal.is_some());
    assert_eq!(config.settings.server.listen, options.listen);
    assert_eq!(config.settings.tmux.socket_name(&home), "default");
}

#[test]
fn init_changes_nothing_where_something_is() {
    let small = SmallHome::new();
    let before = files_below(small.folder.path());
    let error = init(small.folder.path(), &InitOptions::default()).unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.message.contains("is a home already") && error.hint.is_some(), "{error}");
    assert_eq!(files_below(small.folder.path()), before);

    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("thesis.txt"), "years of work").unwrap();
    let error = init(other.path(), &InitOptions::default()).unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.message.contains("thesis.txt"), "{error}");
    assert_eq!(files_below(other.path()).len(), 1);
    assert!(init(&other.path().join("thesis.txt"), &InitOptions::default()).is_err());
    assert!(init(&other.path().join("thesis.txt/below"), &InitOptions::default()).is_err());

    let open = InitOptions { listen: "0.0.0.0:80".parse().unwrap(), ..InitOptions::default() };
    assert_eq!(init(&other.path().join("new"), &open).unwrap_err().kind, Kind::Invalid);
    assert!(!other.path().join("new").exists());
}

#[test]
fn an_init_that_fails_half_way_leaves_nothing() {
    // A name that is too long for the file system, below two folders that init has to make first.
    let folder = tempfile::tempdir().unwrap();
    let error = init(&folder.path().join("a/b").join("n".repeat(300)), &InitOptions::default()).unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn of_two_inits_at_once_one_writes_the_home() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("home");
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| init(&target, &InitOptions::default()))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(Home::open(&target).is_ok());
    assert!(!target.join(".claude-swarm-init").exists());
}

#[test]
fn the_environment_is_read() {
    let environment = Environment::read();
    assert!(environment.path.is_some() && environment.current_dir.is_some());
}
