//! `claude-swarm doctor`: is everything there that is needed, and does it work? Works without a daemon.
//!
//! Here: running the checks and showing what they found. The checks: of the machine's programs (`programs`), of the sandbox (`sandbox`),
//! of the home (`home`), of the login (`login`).

mod home;
mod login;
mod programs;
mod sandbox;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::cli::progress::Progress;
use crate::cli::terminal::Tone;
use crate::config::{Config, Home, Problem, load};
use crate::domain::text::clean;

#[derive(Debug, Args)]
pub(super) struct Doctor {}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    name: &'static str,
    verdict: Verdict,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// Whether nothing failed.
    ok: bool,
    findings: &'a [Finding],
}

impl Finding {
    fn new(name: &'static str, verdict: Verdict, message: impl Into<String>) -> Self {
        Self { name, verdict, message: message.into(), remedy: None }
    }

    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, message)
    }

    fn warn(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(name, Verdict::Warn, message) }
    }

    fn fail(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(name, Verdict::Fail, message) }
    }
}

impl Doctor {
    pub async fn run(self, context: &Context) -> Done {
        let progress = Progress::start(&context.terminal, "looking");
        let findings = examine(context, &progress).await;
        drop(progress);
        let failed = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
        if context.terminal.json {
            context.terminal.say_json(&Report { ok: !failed, findings: &findings })?;
        } else {
            for finding in &findings {
                context.terminal.say(shown(context, finding))?;
            }
            context.terminal.say(summary(&findings))?;
        }
        if failed { Err(Failure::Reported) } else { Ok(()) }
    }
}

async fn examine(context: &Context, progress: &Progress) -> Vec<Finding> {
    let mut findings = Vec::new();
    let environment = &context.environment;
    let home = match context.home() {
        Ok(home) => Some(home),
        Err(failure) => {
            let report = failure.report(false);
            let message = report.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let remedy = "only the machine was looked at; name a home with --home DIR, or make one: `claude-swarm init DIR`";
            findings.push(Finding::warn("home", message, remedy));
            None
        }
    };
    let config = home.as_ref().and_then(|home| configuration(home, &mut findings));
    progress.say("tmux");
    findings.push(programs::tmux(environment).await);
    progress.say("bubblewrap");
    findings.extend(sandbox::check(environment, config.as_ref()).await);
    progress.say("git");
    findings.push(programs::git(environment).await);
    progress.say("claude");
    findings.push(programs::claude(environment, config.as_ref()).await);
    findings.push(programs::codex(environment).await);
    findings.push(login::check(environment, home.as_ref(), config.as_ref()));
    if let Some(home) = &home {
        progress.say("home");
        findings.extend(home::permissions(home));
        findings.push(home::disk(home));
        let daemon = home::daemon(home).await;
        if let Some(config) = &config {
            findings.push(home::port(config, daemon.as_ref()));
        }
        findings.push(home::daemon_finding(daemon));
    }
    findings
}

/// Reads the home's files.
fn configuration(home: &Home, findings: &mut Vec<Finding>) -> Option<Config> {
    let told = |problems: &[Problem]| problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n");
    match load(home) {
        Ok(loaded) if loaded.warnings.is_empty() => {
            findings.push(Finding::ok("config", format!("{} can be used", home.root().display())));
            Some(loaded.config)
        }
        Ok(loaded) => {
            let remedy = "`claude-swarm config check` shows it again";
            findings.push(Finding::warn("config", told(&loaded.warnings), remedy));
            Some(loaded.config)
        }
        Err(problems) => {
            let remedy = "mend these files; `claude-swarm config check` reads them again";
            findings.push(Finding::fail("config", told(&problems), remedy));
            None
        }
    }
}

fn shown(context: &Context, finding: &Finding) -> String {
    let (word, tone) = match finding.verdict {
        Verdict::Ok => ("ok  ", Tone::Good),
        Verdict::Warn => ("warn", Tone::Warn),
        Verdict::Fail => ("FAIL", Tone::Bad),
    };
    // Further lines stand under the first.
    let message = clean(&finding.message).replace('\n', "\n                 ");
    let mut line = format!("{}  {:<10} {message}", context.terminal.paint(tone, word), finding.name);
    if let Some(remedy) = &finding.remedy {
        line.push_str("\n                 → ");
        line.push_str(&clean(remedy));
    }
    line
}

fn summary(findings: &[Finding]) -> String {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    match (count(Verdict::Fail), count(Verdict::Warn)) {
        (0, 0) => "all is well".to_owned(),
        (0, warnings) => format!("it works; {warnings} to know about"),
        (failures, warnings) => format!("{failures} to mend, {warnings} to know about"),
    }
}
