//! What a home goes by, as its configuration said when the daemon started. Plain values: `config` reads them, the daemon hands them
//! over.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::agent::Role;
use crate::domain::budget::MicroUsd;
use crate::domain::name::AgentName;
use crate::domain::pipeline::{Executor, Pipeline};

/// Where publications go, and how.
#[derive(Debug, Clone)]
pub struct PublishTerms {
    /// The outlet's name: `local`.
    pub outlet: String,
    /// Whose account there.
    pub account: String,
    /// `private` or `public`.
    pub visibility: String,
}

/// What a home goes by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Whether this is a rehearsal.
    pub rehearsal: bool,
    /// The pipeline for what starts now.
    pub pipeline: Pipeline,
    /// Its canonical JSON.
    pub pipeline_body: String,
    /// SHA-256 of `pipeline_body`, in hex.
    pub pipeline_hash: String,
    /// The roles, by name.
    pub roles: BTreeMap<String, Role>,
    /// The most that a UTC day may cost.
    pub daily_cap: MicroUsd,
    /// How long a claim lasts without being renewed.
    pub lease: Duration,
    /// How often a task may be lost.
    pub losses: u32,
    /// How often a task may be put back for something outside it.
    pub free_retries: u32,
    /// Where publications go.
    pub publish: PublishTerms,
}

impl Rules {
    /// The agents that the roles call for, by name.
    pub fn agents(&self) -> Vec<(AgentName, &Role)> {
        let mut agents: Vec<_> =
            self.roles.values().flat_map(|role| role.agents().into_iter().map(move |name| (name, role))).collect();
        agents.sort_by(|a, b| a.0.cmp(&b.0));
        agents
    }

    /// The role of an agent.
    pub fn role_of(&self, agent: &AgentName) -> Option<&Role> {
        self.roles.values().find(|role| role.agents().contains(agent))
    }

    /// The types that the daemon does itself.
    pub fn daemon_types(&self) -> Vec<String> {
        let types = self.pipeline.types.iter().filter(|(_, spec)| spec.executor == Executor::Daemon);
        types.map(|(name, _)| name.clone()).collect()
    }

    /// Whether anybody here does tasks of this type.
    pub fn is_served(&self, kind: &str) -> bool {
        self.daemon_types().iter().any(|it| it == kind)
            || self.roles.values().any(|role| role.task_types.iter().any(|it| it == kind))
    }
}
