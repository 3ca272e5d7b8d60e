//! The outlet `local`: a folder on this machine. `downloads/<name>/` holds exactly the files of the snapshot, `downloads/<name>.json`
//! says which publication it is.
//!
//! A publication is made under a draft's name and then renamed, so that a death at any point leaves either nothing under its name or
//! all of it. The receipt is there first: it reserves the name for the key.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Outlet, Publication};
use crate::artifacts::Artifacts;
use crate::domain::pipeline::words::{CHANNEL, POSTS, PUBLISH, TEXT};
use crate::failpoint;

/// The outlet that is a folder.
#[derive(Debug, Clone)]
pub struct Local {
    folder: PathBuf,
}

/// What lies beside a publication.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    key: String,
    kind: String,
    snapshot: String,
    terms: Value,
}

/// Names that are tried before giving up.
const NAMES: u32 = 1000;

impl Local {
    /// The outlet in this folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The name that is reserved for this key, or the first that is free.
    fn name(&self, publication: &Publication) -> io::Result<(String, bool)> {
        let base = if publication.kind == PUBLISH {
            publication.slug.clone()
        } else {
            format!("{}-{}s", publication.slug, publication.kind)
        };
        for n in 1..=NAMES {
            let name = if n == 1 { base.clone() } else { format!("{base}-{n}") };
            match fs::read(self.receipt(&name)) {
                Ok(text) => match serde_json::from_slice::<Receipt>(&text) {
                    Ok(receipt) if receipt.key == publication.key => return Ok((name, true)),
                    // Somebody else's, or not one of ours: either way not this name.
                    _ => {}
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if !self.folder.join(&name).exists() {
                        return Ok((name, false));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!("no free name for {base} in {}", self.folder.display())))
    }

    fn receipt(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn reserve(&self, name: &str, publication: &Publication) -> io::Result<()> {
        let receipt = Receipt {
            key: publication.key.clone(),
            kind: publication.kind.clone(),
            snapshot: publication.snapshot.clone(),
            terms: publication.terms.clone(),
        };
        let draft = self.draft(publication).with_extension("json");
        let mut file = File::create(&draft)?;
        file.write_all(serde_json::to_string_pretty(&receipt)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&draft, self.receipt(name))?;
        self.sync()
    }

    fn draft(&self, publication: &Publication) -> PathBuf {
        self.folder.join(".drafts").join(&publication.key)
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    /// Lays the publication's files out, each proven to be the approved bytes.
    fn lay_out(&self, publication: &Publication, artifacts: &Artifacts) -> io::Result<PathBuf> {
        let draft = self.draft(publication);
        match fs::remove_dir_all(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&draft)?,
        }
        if publication.kind == PUBLISH {
            for entry in &publication.manifest.0 {
                let path = draft.join(&entry.path);
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                let mut file = File::create_new(&path)?;
                artifacts.copy_verified(&entry.sha256, &mut file)?;
                fs::set_permissions(&path, fs::Permissions::from_mode(if entry.executable { 0o755 } else { 0o644 }))?;
                file.sync_all()?;
            }
        } else {
            for (i, post) in publication.terms.get(POSTS).and_then(Value::as_array).into_iter().flatten().enumerate() {
                let field = |name: &str| post.get(name).and_then(Value::as_str).unwrap_or_default();
                let channel: String = field(CHANNEL).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
                let mut file = File::create_new(draft.join(format!("{:02}-{channel}.md", i + 1)))?;
                writeln!(file, "{}", field(TEXT))?;
                file.sync_all()?;
            }
        }
        Ok(draft)
    }
}

impl Outlet for Local {
    fn find(&self, publication: &Publication) -> io::Result<Option<String>> {
        let (name, reserved) = self.name(publication)?;
        let path = self.folder.join(name);
        Ok((reserved && path.is_dir()).then(|| path.display().to_string()))
    }

    fn put(&self, publication: &Publication, artifacts: &Artifacts) -> io::Result<String> {
        fs::create_dir_all(self.folder.join(".drafts"))?;
        if let Some(there) = self.find(publication)? {
            return Ok(there);
        }
        let draft = self.lay_out(publication, artifacts)?;
        let (name, reserved) = self.name(publication)?;
        if !reserved {
            self.reserve(&name, publication)?;
        }
        failpoint::reach("daemon.outlet-reserved");
        let path = self.folder.join(&name);
        fs::rename(&draft, &path)?;
        self.sync()?;
        Ok(path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::snapshot::Entry;
    use serde_json::json;

    fn stage() -> (tempfile::TempDir, Local, Artifacts, Publication) {
        let dir = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(&dir.path().join("artifacts")).unwrap();
        let kept = artifacts.put(&b"echo hi\n"[..], 100).unwrap();
        let entry = Entry { path: "bin/hi".into(), executable: true, size: kept.size, sha256: kept.sha256 };
        let manifest = Manifest::new(vec![entry]).unwrap();
        let publication = Publication {
            key: "k1".into(),
            kind: "publish".into(),
            slug: "hi".into(),
            snapshot: manifest.hash(),
            manifest,
            terms: json!({}),
        };
        let local = Local::new(&dir.path().join("downloads"));
        (dir, local, artifacts, publication)
    }

    use crate::domain::snapshot::Manifest;

    #[test]
    fn the_same_key_is_published_once_and_another_gets_another_name() {
        let (_dir, local, artifacts, publication) = stage();
        let first = local.put(&publication, &artifacts).unwrap();
        assert_eq!(local.put(&publication, &artifacts).unwrap(), first);
        assert_eq!(fs::read_to_string(Path::new(&first).join("bin/hi")).unwrap(), "echo hi\n");
        let other = local.put(&Publication { key: "k2".into(), ..publication }, &artifacts).unwrap();
        assert!(other.ends_with("hi-2"), "{other}");
    }

    #[test]
    fn a_death_after_the_receipt_is_mended_by_trying_again() {
        let (_dir, local, artifacts, publication) = stage();
        fs::create_dir_all(local.folder.join(".drafts")).unwrap();
        local.reserve("hi", &publication).unwrap();
        assert_eq!(local.find(&publication).unwrap(), None);
        assert!(local.put(&publication, &artifacts).unwrap().ends_with("/hi"));
        assert!(local.find(&publication).unwrap().is_some());
    }

    #[test]
    fn changed_bytes_are_not_published() {
        let (dir, local, artifacts, publication) = stage();
        let sha256 = &publication.manifest.0[0].sha256;
        fs::write(dir.path().join("artifacts").join(&sha256[..2]).join(sha256), "evil").unwrap();
        assert!(local.put(&publication, &artifacts).is_err());
        assert!(!local.folder.join("hi").exists());
    }

    #[test]
    fn a_folder_that_was_there_before_is_left_alone() {
        let (_dir, local, artifacts, publication) = stage();
        fs::create_dir_all(local.folder.join("hi")).unwrap();
        assert!(local.put(&publication, &artifacts).unwrap().ends_with("/hi-2"));
        assert_eq!(fs::read_dir(local.folder.join("hi")).unwrap().count(), 0);
    }
}
