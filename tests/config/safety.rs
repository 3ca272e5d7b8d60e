//! Settings that would undo the sandbox or show a secret are refused; those that only weaken are warned of.

use std::fs;

use claude_swarm::config::Sandbox;

use super::small_home::{SmallHome, settings_errors};

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
    config/settings.yaml: warning: budget.daily_usd: 0.50 is less than one attempt may cost, so that these would never start: directive (1.00), research (1.00), respond_to_human (1.00), write_spec (1.00)
      → raise it, or lower budget_usd in config/pipeline.yaml
    ");
    for here in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "https://10.0.0.1"] {
        small.settings(&format!("providers: {{claude: {{base_url: '{here}'}}}}\n"));
        assert_eq!(small.warnings(), "");
    }
}
