//! Where everything in a home lies. Nothing else in the product joins paths of a home by hand.
//!
//! Not here: making the folders (the parent), what is in the files.

use std::path::{Path, PathBuf};

use super::Home;
use crate::domain::name::AgentName;

/// What a person writes.
impl Home {
    /// `config/settings.yaml`; a folder that has it is a home.
    pub fn settings_file(&self) -> PathBuf {
        self.root.join("config/settings.yaml")
    }

    /// `config/pipeline.yaml`.
    pub fn pipeline_file(&self) -> PathBuf {
        self.root.join("config/pipeline.yaml")
    }

    /// `config/rehearsal.yaml`: what the models say in a rehearsal.
    pub fn rehearsal_file(&self) -> PathBuf {
        self.root.join("config/rehearsal.yaml")
    }

    /// `config/kind`: see [`Home::declared_kind`].
    pub fn kind_file(&self) -> PathBuf {
        self.root.join("config/kind")
    }

    /// `config/secrets`: logins, one 0600 file each.
    pub fn secrets_dir(&self) -> PathBuf {
        self.root.join("config/secrets")
    }

    /// `agents`: roles and what they share.
    pub fn agents_dir(&self) -> PathBuf {
        self.root.join("agents")
    }

    /// `skills`: texts that roles name.
    pub fn skills_dir(&self) -> PathBuf {
        self.root.join("skills")
    }

    /// `templates/product_spec.md`: the outline of a specification.
    pub fn spec_template_file(&self) -> PathBuf {
        self.root.join("templates/product_spec.md")
    }

    /// A folder that a setting names: relative to the home unless absolute.
    pub fn resolve(&self, folder: &Path) -> PathBuf {
        self.root.join(folder)
    }
}

/// What the daemon keeps.
impl Home {
    /// `data`.
    pub fn data_dir(&self) -> PathBuf {
        self.root.join("data")
    }

    /// `data/swarm.db`.
    pub fn database(&self) -> PathBuf {
        self.data_dir().join("swarm.db")
    }

    /// `data/artifacts`: the content-addressed store.
    pub fn artifacts_dir(&self) -> PathBuf {
        self.data_dir().join("artifacts")
    }

    /// `data/projects`: the products' trees.
    pub fn projects_dir(&self) -> PathBuf {
        self.data_dir().join("projects")
    }

    /// `data/git`: the products' histories, outside the trees.
    pub fn gits_dir(&self) -> PathBuf {
        self.data_dir().join("git")
    }

    /// `data/tasks`.
    pub fn tasks_dir(&self) -> PathBuf {
        self.data_dir().join("tasks")
    }

    /// `logs`.
    pub fn logs_dir(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// `logs/<agent>.log`: what the agent's worker showed.
    pub fn agent_log(&self, agent: &AgentName) -> PathBuf {
        self.logs_dir().join(format!("{agent}.log"))
    }

    /// `logs/daemon.log`.
    pub fn daemon_log(&self) -> PathBuf {
        self.logs_dir().join("daemon.log")
    }
}

/// Doors and locks, in `data/run`.
impl Home {
    /// `data/run`, 0700.
    pub fn run_dir(&self) -> PathBuf {
        self.data_dir().join("run")
    }

    /// `data/run/operator.sock`: the person's door.
    pub fn operator_socket(&self) -> PathBuf {
        self.run_dir().join("operator.sock")
    }

    /// `data/run/operator.token`: proves a person on the TCP port; 0600.
    pub fn operator_token(&self) -> PathBuf {
        self.run_dir().join("operator.token")
    }

    /// `data/run/worker.sock`: the workers' door.
    pub fn worker_socket(&self) -> PathBuf {
        self.run_dir().join("worker.sock")
    }

    /// `data/run/daemon.pid`.
    pub fn daemon_pid(&self) -> PathBuf {
        self.run_dir().join("daemon.pid")
    }

    /// `data/run/daemon.lock`: held by the one daemon of the home.
    pub fn daemon_lock(&self) -> PathBuf {
        self.run_dir().join("daemon.lock")
    }

    /// `data/run/halted`: why everything was stopped while no daemon could write that down; the next one does.
    pub fn halt_mark(&self) -> PathBuf {
        self.run_dir().join("halted")
    }

    /// `data/run/agents`.
    pub fn agents_run_dir(&self) -> PathBuf {
        self.run_dir().join("agents")
    }

    /// `data/run/agents/<name>`: the folder that is mounted into the agent's sandbox.
    pub fn agent_run_dir(&self, agent: &AgentName) -> PathBuf {
        self.agents_run_dir().join(agent.as_str())
    }

    /// `data/run/agents/<name>/swarm.sock`: the agent's door.
    pub fn agent_socket(&self, agent: &AgentName) -> PathBuf {
        self.agent_run_dir(agent).join("swarm.sock")
    }

    /// `data/run/sandboxes`.
    pub fn sandboxes_dir(&self) -> PathBuf {
        self.run_dir().join("sandboxes")
    }
}
