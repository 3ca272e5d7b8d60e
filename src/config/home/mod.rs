//! The home: one folder. Which one is meant, what it is for, what stands for it elsewhere.
//!
//! Not here: where things lie in it (`paths`), what its files hold.

mod paths;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::environment::Environment;
use crate::domain::error::Error;

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
