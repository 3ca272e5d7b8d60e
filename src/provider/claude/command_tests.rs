//! Tests of the command line: exact arguments, and that no secret is among them.

use serde_json::json;
use uuid::Uuid;

use super::*;

const ID: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);

const ALWAYS: &str = "/opt/swarm/bin/claude -p --input-format stream-json --output-format stream-json --verbose \
     --replay-user-messages --include-partial-messages --permission-mode bypassPermissions --setting-sources  --strict-mcp-config";

fn launch() -> Launch {
    Launch::new("/opt/swarm/bin/claude", Conversation::New(ID))
}

#[test]
fn the_least_launch_has_exactly_these_arguments() {
    let line = command(&launch()).unwrap();
    assert_eq!(line.argv.join(" "), format!("{ALWAYS} --session-id {ID}"));
    let env: Vec<String> = line.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let always = [
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS=1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
        "CLAUDE_CODE_MAX_RETRIES=4",
        "DISABLE_AUTOUPDATER=1",
    ];
    assert_eq!(env, always);
}

#[test]
fn the_fullest_launch_has_exactly_these_arguments() {
    let full = Launch {
        model: "sonnet".into(),
        conversation: Conversation::Resume(ID),
        system_prompt: Some("/home/agent/role.md".into()),
        result_schema: Some(json!({ "type": "object", "x-ours": 1 })),
        max_budget_usd: Some(2.5),
        max_retries: 1,
        extra_args: vec!["--effort".into(), "low".into()],
        base_url: Some("http://127.0.0.1:9".into()),
        credential: Some(Credential::ApiKey("sk-secret".into())),
        ..launch()
    };
    let line = command(&full).unwrap();
    assert_eq!(
        line.argv.join(" "),
        format!(
            "{ALWAYS} --resume {ID} --model sonnet --append-system-prompt-file /home/agent/role.md \
             --json-schema {{\"type\":\"object\"}} --max-budget-usd 2.5 --effort low"
        )
    );
    assert_eq!(line.env["ANTHROPIC_API_KEY"], "sk-secret");
    assert_eq!(line.env["ANTHROPIC_BASE_URL"], "http://127.0.0.1:9");
}

#[test]
fn a_credential_is_in_the_environment_only_and_alone() {
    let mut with_token = Launch { credential: Some(Credential::OauthToken("tok-secret".into())), ..launch() };
    with_token.extra_env.insert("ANTHROPIC_API_KEY".into(), "sk-other".into());
    with_token.extra_env.insert("CLAUDE_CODE_MAX_RETRIES".into(), "9".into());
    let line = command(&with_token).unwrap();
    assert!(!line.argv.concat().contains("secret"));
    assert_eq!(line.env["CLAUDE_CODE_OAUTH_TOKEN"], "tok-secret");
    assert_eq!(line.env.get("ANTHROPIC_API_KEY"), None);
    assert_eq!(line.env["CLAUDE_CODE_MAX_RETRIES"], "9");
    assert!(!format!("{with_token:?}{line:?}").contains("tok-secret"), "a debug print must not show it");
}

#[test]
fn an_argument_that_the_kernel_would_refuse_is_refused_with_a_way_out() {
    let long = json!({ "type": "object", "description": "x".repeat(99_967) });
    let error = command(&Launch { result_schema: Some(long), ..launch() }).unwrap_err().to_string();
    assert_eq!(error, "result_schema has 100001 bytes, and an argument can have at most 100000: shorten its descriptions");
    let nul = Launch { model: "a\0b".into(), ..launch() };
    assert!(matches!(command(&nul), Err(LaunchError::Nul { .. })));
}
