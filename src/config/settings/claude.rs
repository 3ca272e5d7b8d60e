//! `providers.claude`: what people with gateways of their own may add, and what would undo the contract between worker, CLI and
//! sandbox. Not here: the CLI's arguments (`arguments`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{Claude, Program, arguments};
use crate::config::yaml::{Node, Refusal, Section, text, whole};

/// Variables that the sandbox or the worker sets, or that are a credential with a place of its own; each with the remedy.
const REFUSED_ENV: &[(&[&str], &str)] = &[
    (&["ANTHROPIC_API_KEY"], "put the key into config/secrets/anthropic_api_key, mode 600"),
    (&["CLAUDE_CODE_OAUTH_TOKEN"], "put the token into config/secrets/claude_code_oauth_token, mode 600"),
    (&["ANTHROPIC_BASE_URL"], "write `base_url` instead"),
    (&["CLAUDE_CODE_MAX_RETRIES"], "write `max_retries` instead"),
    (&["HOME", "PATH", "PWD", "TMPDIR", "USER", "SHELL", "TERM"], "take it out: the sandbox sets it"),
    (&["CLAUDE_CONFIG_DIR", "CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"], "take it out: the worker sets it"),
    (
        &["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "NODE_OPTIONS", "BASH_ENV", "ENV"],
        "take it out: it runs code in every program",
    ),
    (
        &["GITHUB_TOKEN", "GH_TOKEN", "NPM_TOKEN", "NODE_AUTH_TOKEN", "GUMROAD_ACCESS_TOKEN", "VERCEL_TOKEN"],
        "take it out: what can publish never enters an agent's process",
    ),
];

/// Whether a variable's name says that its value is secret.
pub fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "CUSTOM_HEADERS"].iter().any(|word| name.contains(word))
}

/// Reads the section.
pub fn read(mut section: Section<'_>, default: Claude) -> Claude {
    let base_url = section.optional("base_url", base_url);
    if base_url.as_deref().is_some_and(is_in_clear) {
        let message = "whoever is on the way to that machine can read the requests and the credential in them".to_owned();
        section.warn("base_url", (message, "use https, or a gateway on this machine".to_owned()));
    }
    let claude = Claude {
        program: section.field("program", default.program, program),
        base_url,
        env: variables(&mut section),
        args: section.field("args", default.args, arguments::read),
        max_retries: section.field("max_retries", default.max_retries, whole(0..=20, "retries")),
        stall: section.field("stall_minutes", default.stall, |node| {
            whole(1..=240, "minutes")(node).map(|m: u64| Duration::from_secs(m * 60))
        }),
        models: models(&mut section),
    };
    section.end();
    claude
}

fn program(node: &Node) -> Result<Program, Refusal> {
    let remedy = "write auto, or the absolute path of the claude program";
    let program = text(remedy)(node)?;
    if program == "auto" {
        return Ok(Program::Auto);
    }
    let path = PathBuf::from(&program);
    if path.is_absolute() { Ok(Program::At(path)) } else { Err((format!("{program:?} is not absolute"), remedy.to_owned())) }
}

fn base_url(node: &Node) -> Result<String, Refusal> {
    let remedy = "write an address like https://gateway.example";
    let address = text(remedy)(node)?;
    let url = reqwest::Url::parse(&address)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
        .ok_or_else(|| (format!("{} is not an http or https address", node.shown()), remedy.to_owned()))?;
    if !url.username().is_empty() || url.password().is_some() {
        // The value is not shown: it holds a password.
        let remedy =
            "take the name and password out of the address; a header can be set with `env: {ANTHROPIC_CUSTOM_HEADERS: …}`";
        return Err((
            "holds a name or password, which would be seen wherever the address is shown".to_owned(),
            remedy.to_owned(),
        ));
    }
    Ok(address.trim_end_matches('/').to_owned())
}

/// Whether requests to an address leave the machine unencrypted.
fn is_in_clear(address: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(address) else { return false };
    let here = match url.host_str().unwrap_or_default() {
        "localhost" => true,
        host => host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
    };
    url.scheme() == "http" && !here
}

fn variables(section: &mut Section<'_>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for entry in section.entries("env") {
        let name = &entry.key;
        let at = format!("env.{name}");
        let refuse = |section: &Section<'_>, message: String, remedy: &str| {
            section.refuse_at(entry.place, &at, (message, remedy.to_owned()));
        };
        if !is_variable(name) {
            refuse(section, format!("{name:?} is not a name of a variable"), "write letters, digits and _, no digit first");
            continue;
        }
        let refused = REFUSED_ENV.iter().find(|(names, _)| names.contains(&name.as_str()));
        if let Some((_, remedy)) = refused {
            refuse(section, "cannot be set here".to_owned(), remedy);
            continue;
        }
        if name.starts_with("CLAUDE_SWARM_") {
            refuse(section, "cannot be set here".to_owned(), "take it out: the swarm's own variables are set by the worker");
            continue;
        }
        match text("write a text")(&entry.node) {
            Ok(value) => {
                if sounds_secret(name) {
                    let message = "is in clear in this file, and every agent can read it".to_owned();
                    let remedy =
                        "keep the file to yourself (chmod 600), and use a credential that can do nothing but ask a model";
                    section.warn_at(entry.place, &at, (message, remedy.to_owned()));
                }
                variables.insert(name.clone(), value);
            }
            // The value is not shown: it may be a secret.
            Err(_) => refuse(section, "its value is not a text".to_owned(), "write the value in quotes"),
        }
    }
    variables
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn models(section: &mut Section<'_>) -> BTreeMap<String, String> {
    let mut models = BTreeMap::new();
    for entry in section.entries("models") {
        let remedy = "write a model's name, for example claude-sonnet-4-5";
        match text(remedy)(&entry.node) {
            Ok(model) if is_model(&model) => {
                models.insert(entry.key.clone(), model);
            }
            Ok(model) => {
                let refusal = (format!("{model:?} is not a name of a model"), remedy.to_owned());
                section.refuse_at(entry.place, &format!("models.{}", entry.key), refusal);
            }
            Err(refusal) => section.refuse_at(entry.place, &format!("models.{}", entry.key), refusal),
        }
    }
    models
}

/// Whether a text can be a model's name: it becomes an argument.
pub fn is_model(text: &str) -> bool {
    !text.is_empty() && text.len() <= 120 && !text.starts_with('-') && text.chars().all(|c| c.is_ascii_graphic())
}
