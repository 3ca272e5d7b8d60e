//! `claude-swarm config`. Works without a daemon.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::config::{Problem, Severity, load};
use crate::domain::text::clean;

#[derive(Debug, Args)]
pub(super) struct ConfigVerb {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Read every file of the home and say what is wrong: exit code 1 if it cannot be used
    Check,
}

impl ConfigVerb {
    pub fn run(self, context: &Context) -> Done {
        let Verb::Check = self.verb;
        let home = context.home()?;
        let (problems, summary) = match load(&home) {
            Ok(loaded) => {
                let (roles, agents) = (loaded.config.roles.len(), loaded.config.agents().len());
                let types = loaded.config.pipeline.pipeline.types.len();
                (loaded.warnings, Some(format!("{roles} roles, {agents} agents, {types} types of task")))
            }
            Err(problems) => (problems, None),
        };
        let usable = summary.is_some();
        if context.terminal.json {
            context.terminal.say_json(&json!({ "ok": usable, "problems": problems.iter().map(shape).collect::<Vec<_>>() }))?;
        } else {
            for problem in &problems {
                context.terminal.say(clean(&problem.to_string()))?;
            }
            let root = home.root().display();
            context.terminal.say(match summary {
                Some(summary) => format!("{root} can be used: {summary}"),
                None => format!("{root} cannot be used until this is mended"),
            })?;
        }
        if usable { Ok(()) } else { Err(Failure::Reported) }
    }
}

fn shape(problem: &Problem) -> serde_json::Value {
    json!({
        "severity": match problem.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "file": problem.file, "line": problem.line, "column": problem.column, "field": problem.field,
        "message": problem.message, "remedy": problem.remedy,
    })
}
