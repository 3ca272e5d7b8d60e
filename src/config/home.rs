//! The home: one folder, and the one place that knows where everything in it lies.
//!
//! Not here: what the files hold. Nothing else in the product joins paths of the home by hand.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::environment::Environment;
use crate::domain::error::Error;
use crate::domain::name::AgentName;

/// The longest path that a Unix socket can have, in bytes.
pub const SOCKET_PATH_MAX: usize = 107;

/// What a home is for. It never changes once the daemon has written it into the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HomeKind {
    /// People decide.
    Real,
    /// A script may decide, and models are played by a script.
    Rehearsal,
}

/// A folder with agents, config and data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home at a folder.
    ///
    /// # Errors
    /// `NotFound` if there is no such folder or it is no home: it has no `config/settings.yaml`.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let hint = format!("`claude-swarm init {}` makes a home", folder.display());
        let root = folder
            .canonicalize()
            .map_err(|error| Error::not_found(format!("{}: {error}", folder.display())).hint(hint.clone()))?;
        let home = Self { root };
        if home.settings_file().is_file() {
            return Ok(home);
        }
        Err(Error::not_found(format!("{} is not a home: it has no config/settings.yaml", home.root.display())).hint(hint))
    }

    /// The home that is meant: the one asked for, or `CLAUDE_SWARM_HOME`, or the nearest folder from the current one upwards that is
    /// one.
    ///
    /// # Errors
    /// `NotFound` if what is named is no home, or nothing is named and none is found.
    pub fn choose(asked: Option<&Path>, environment: &Environment) -> Result<Self, Error> {
        if let Some(folder) = asked {
            return Self::open(folder);
        }
        if let Some(folder) = &environment.swarm_home {
            return Self::open(folder)
                .map_err(|error| Error { message: format!("CLAUDE_SWARM_HOME: {}", error.message), ..error });
        }
        let start = environment.current_dir.as_deref().unwrap_or(Path::new("/"));
        start.ancestors().find_map(|folder| Self::open(folder).ok()).ok_or_else(|| {
            Error::not_found(format!("no home is named, and none is at or above {}", start.display())).hint(
                "give --home DIR, set CLAUDE_SWARM_HOME, go to a folder inside a home, or make one with `claude-swarm init DIR`",
            )
        })
    }

    /// The folder itself, without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Twelve hex digits that stand for this folder: for names of tmux servers and marks on sessions.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.root.as_os_str().as_bytes());
        hex::encode(digest).chars().take(12).collect()
    }

    /// What the home says it is: `config/kind`, written by `init --rehearsal`. Without the file it is real.
    ///
    /// # Errors
    /// `Invalid` if the file says anything but `rehearsal` or `real`, `Unavailable` if it cannot be read.
    pub fn declared_kind(&self) -> Result<HomeKind, Error> {
        match fs::read_to_string(self.kind_file()) {
            Ok(text) => match text.trim() {
                "rehearsal" => Ok(HomeKind::Rehearsal),
                "real" => Ok(HomeKind::Real),
                other => {
                    let shown = crate::domain::text::one_line(other, 40);
                    Err(Error::invalid("config/kind", format!("{shown:?} is no kind of home"))
                        .hint("write `rehearsal`, or delete the file for a real home"))
                }
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HomeKind::Real),
            Err(error) => Err(Error::unavailable(format!("config/kind: {error}"))),
        }
    }

    /// Makes the folders that a running home needs, readable by their owner only.
    ///
    /// # Errors
    /// `Unavailable`, naming the folder.
    pub fn make_folders(&self) -> Result<(), Error> {
        let folders = [
            self.data_dir(),
            self.artifacts_dir(),
            self.projects_dir(),
            self.gits_dir(),
            self.tasks_dir(),
            self.spool_dir(),
            self.backups_dir(),
            self.run_dir(),
            self.agents_run_dir(),
            self.sandboxes_dir(),
            self.logs_dir(),
        ];
        for folder in folders {
            make_private(&folder).map_err(|error| Error::unavailable(format!("{}: {error}", folder.display())))?;
        }
        Ok(())
    }

    /// A path of the home as people see it: relative to it, where it lies inside.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// Makes a folder and takes everybody else's rights to it away.
fn make_private(folder: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// A name as one component of a path. Names are checked where they are made; here nothing may leave its folder, whatever it is.
fn component(name: &str) -> String {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).collect();
    if safe.is_empty() || safe.starts_with('.') { format!("_{safe}") } else { safe }
}

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

    /// `templates`.
    pub fn templates_dir(&self) -> PathBuf {
        self.root.join("templates")
    }

    /// `templates/product_spec.md`: the outline of a specification.
    pub fn spec_template_file(&self) -> PathBuf {
        self.templates_dir().join("product_spec.md")
    }

    /// `downloads`: where the local outlet puts products, unless settings.yaml says otherwise.
    pub fn downloads_dir(&self) -> PathBuf {
        self.root.join("downloads")
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

    /// `data/backups`: copies of the database.
    pub fn backups_dir(&self) -> PathBuf {
        self.data_dir().join("backups")
    }

    /// `data/artifacts`: the content-addressed store.
    pub fn artifacts_dir(&self) -> PathBuf {
        self.data_dir().join("artifacts")
    }

    /// `data/projects`: the products' trees.
    pub fn projects_dir(&self) -> PathBuf {
        self.data_dir().join("projects")
    }

    /// `data/projects/<slug>`: a product's tree.
    pub fn project_dir(&self, slug: &str) -> PathBuf {
        self.projects_dir().join(component(slug))
    }

    /// `data/git`: the products' histories, outside the trees.
    pub fn gits_dir(&self) -> PathBuf {
        self.data_dir().join("git")
    }

    /// `data/git/<slug>`: a product's history.
    pub fn git_dir(&self, slug: &str) -> PathBuf {
        self.gits_dir().join(component(slug))
    }

    /// `data/tasks`.
    pub fn tasks_dir(&self) -> PathBuf {
        self.data_dir().join("tasks")
    }

    /// `data/tasks/<id>`: what a task needs while it runs.
    pub fn task_dir(&self, id: i64) -> PathBuf {
        self.tasks_dir().join(id.to_string())
    }

    /// `data/tasks/<id>/home`: HOME of its CLI; kept between attempts, so that a conversation can go on.
    pub fn task_home(&self, id: i64) -> PathBuf {
        self.task_dir(id).join("home")
    }

    /// `data/tasks/<id>/workspace`: the workspace of a task that does not write a product's tree.
    pub fn task_workspace(&self, id: i64) -> PathBuf {
        self.task_dir(id).join("workspace")
    }

    /// `data/tasks/<id>/scratch`: files that the worker hands into the sandbox.
    pub fn task_scratch(&self, id: i64) -> PathBuf {
        self.task_dir(id).join("scratch")
    }

    /// `data/spool`: what workers could not report yet.
    pub fn spool_dir(&self) -> PathBuf {
        self.data_dir().join("spool")
    }

    /// `data/spool/<agent>`: one worker's.
    pub fn agent_spool_dir(&self, agent: &AgentName) -> PathBuf {
        self.spool_dir().join(agent.as_str())
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

    /// `data/run/sandboxes/<token>.lock`: held as long as anything of that claim's sandbox lives.
    pub fn sandbox_lock(&self, token: &str) -> PathBuf {
        self.sandboxes_dir().join(format!("{}.lock", component(token)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("config")).unwrap();
        fs::write(folder.path().join("config/settings.yaml"), "").unwrap();
        let home = Home::open(folder.path()).unwrap();
        (folder, home)
    }

    #[test]
    fn the_home_is_the_asked_one_then_the_variable_then_the_nearest() {
        let (one, _) = home();
        let (two, _) = home();
        let (three, _) = home();
        let below = three.path().join("agents/deep");
        fs::create_dir_all(&below).unwrap();
        let mut environment =
            Environment { swarm_home: Some(two.path().into()), current_dir: Some(below), ..Environment::default() };
        let chosen = |asked, environment: &Environment| Home::choose(asked, environment).unwrap().root().to_owned();
        assert_eq!(chosen(Some(one.path()), &environment), one.path().canonicalize().unwrap());
        assert_eq!(chosen(None, &environment), two.path().canonicalize().unwrap());
        environment.swarm_home = None;
        assert_eq!(chosen(None, &environment), three.path().canonicalize().unwrap());
    }

    #[test]
    fn a_named_folder_that_is_no_home_is_not_replaced_by_another() {
        let (_real, home) = home();
        let empty = tempfile::tempdir().unwrap();
        let environment = Environment {
            swarm_home: Some(empty.path().into()),
            current_dir: Some(home.root().to_owned()),
            ..Environment::default()
        };
        let error = Home::choose(None, &environment).unwrap_err();
        assert!(error.message.starts_with("CLAUDE_SWARM_HOME: "), "{error}");
        assert!(Home::choose(Some(empty.path()), &environment).is_err());
        let nowhere = Environment { current_dir: Some("/".into()), ..Environment::default() };
        assert!(Home::choose(None, &nowhere).unwrap_err().hint.unwrap().contains("claude-swarm init"));
    }

    #[test]
    fn the_id_is_of_the_folder_and_not_of_the_way_to_it() {
        let (folder, home) = home();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert_eq!(Home::open(&link).unwrap().id(), home.id());
        assert_eq!(home.id().len(), 12);
        assert_ne!(self::home().1.id(), home.id());
    }

    #[test]
    fn no_name_leaves_its_folder() {
        let (_folder, home) = home();
        for name in ["..", "../../etc", "/etc", "", ".", "a/b", "a\0b"] {
            assert_eq!(home.project_dir(name).parent(), Some(home.projects_dir().as_path()), "{name:?}");
            assert_eq!(home.sandbox_lock(name).parent(), Some(home.sandboxes_dir().as_path()), "{name:?}");
        }
        assert_eq!(home.project_dir("link-checker-2"), home.projects_dir().join("link-checker-2"));
    }

    #[test]
    fn data_is_for_its_owner_only_even_if_it_was_not() {
        let (_folder, home) = home();
        fs::create_dir_all(home.run_dir()).unwrap();
        fs::set_permissions(home.run_dir(), fs::Permissions::from_mode(0o777)).unwrap();
        home.make_folders().unwrap();
        for folder in [home.data_dir(), home.run_dir(), home.logs_dir(), home.agents_run_dir()] {
            assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        }
    }

    #[test]
    fn the_kind_is_real_unless_declared() {
        let (_folder, home) = home();
        assert_eq!(home.declared_kind().unwrap(), HomeKind::Real);
        fs::write(home.kind_file(), "rehearsal\n").unwrap();
        assert_eq!(home.declared_kind().unwrap(), HomeKind::Rehearsal);
        fs::write(home.kind_file(), "rehersal").unwrap();
        assert!(home.declared_kind().is_err());
    }
}
