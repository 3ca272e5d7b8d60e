//! Reading a whole home: everything or nothing.

use super::folder::{read_file, read_required};
use super::home::{Home, HomeKind};
use super::pipeline::{self, PinnedPipeline};
use super::problem::{Problem, Severity};
use super::roles;
use super::settings::{self, Settings};
use super::yaml::Report;
use crate::domain::agent::Role;
use crate::domain::budget::MicroUsd;
use crate::domain::name::AgentName;
use crate::domain::pipeline::{Executor, Pipeline};

/// What a home says, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What the home says it is.
    pub kind: HomeKind,
    /// `config/settings.yaml`.
    pub settings: Settings,
    /// `agents/*.md`, by name.
    pub roles: Vec<Role>,
    /// `config/pipeline.yaml`.
    pub pipeline: PinnedPipeline,
    /// `config/rehearsal.yaml`, as text, where there is one.
    pub rehearsal: Option<String>,
}

impl Config {
    /// The role that an agent holds.
    pub fn role_of(&self, agent: &AgentName) -> Option<&Role> {
        self.roles.iter().find(|role| role.agents().contains(agent))
    }

    /// All agents that should live, with their roles.
    pub fn agents(&self) -> Vec<(AgentName, &Role)> {
        self.roles.iter().flat_map(|role| role.agents().into_iter().map(move |agent| (agent, role))).collect()
    }
}

/// A home that can be used, and what somebody should know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// None of these keeps it from being used.
    pub warnings: Vec<Problem>,
}

/// Types of which an attempt may cost more than a whole day: they would never start.
fn beyond_the_day(settings: &Settings, pipeline: &Pipeline, home: &Home) -> Option<Problem> {
    let day = settings.daily_budget;
    let beyond: Vec<String> = pipeline
        .types
        .iter()
        .filter(|(_, spec)| spec.executor == Executor::Agent && MicroUsd::from_usd(spec.budget_usd) > day)
        .map(|(name, spec)| format!("{name} ({:.2})", spec.budget_usd))
        .collect();
    (!beyond.is_empty()).then(|| {
        let message =
            format!("{:.2} is less than one attempt may cost, so that these would never start: {}", day.usd(), beyond.join(", "));
        let file = home.shown(&home.settings_file());
        Problem::warning(file, message).field("budget.daily_usd").remedy("raise it, or lower budget_usd in config/pipeline.yaml")
    })
}

/// Reads a home.
///
/// # Errors
/// Every problem that can be seen, the warnings among them, if one of them is an error. Broken YAML hides what else is wrong in its
/// own file only.
pub fn load(home: &Home) -> Result<Loaded, Vec<Problem>> {
    let mut problems = Vec::new();
    let kind = home
        .declared_kind()
        .map_err(|error| problems.push(Problem::error("config/kind", error.message).remedy(error.hint.unwrap_or_default())));
    let settings = read_required(home, &home.settings_file(), &mut problems).map(|text| {
        let report = Report::on(&text.file);
        let settings = settings::read(&text.content, home, &report);
        problems.extend(report.into_problems());
        settings
    });
    let pipeline = read_required(home, &home.pipeline_file(), &mut problems).and_then(|text| {
        let report = Report::on(&text.file);
        let pipeline = pipeline::read(&text.file, &text.content, &report);
        problems.extend(report.into_problems());
        pipeline
    });
    let template = read_required(home, &home.spec_template_file(), &mut problems).map(|text| text.content);
    let rehearsal = read_file(home, &home.rehearsal_file(), &mut problems).map(|text| text.content);
    let known = pipeline.as_ref().map(|pinned| &pinned.pipeline);
    let roles = roles::read(home, known, template.as_deref(), &mut problems);
    let (Ok(kind), Some(settings), Some(pipeline)) = (kind, settings, pipeline) else {
        return Err(problems);
    };
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(problems);
    }
    problems.extend(beyond_the_day(&settings, &pipeline.pipeline, home));
    let config = Config { kind, settings, roles, pipeline, rehearsal };
    Ok(Loaded { config, warnings: problems })
}
