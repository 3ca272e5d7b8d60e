//! Reading a tree into a snapshot. The tree is hostile: links are not followed, and only plain files count.

use std::fs::{self, File};
use std::io::{self, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Worker;
use super::beneath;
use super::disk::blocking;
use crate::domain::error::Error;
use crate::domain::snapshot::{Entry, FILES_MAX, Manifest, check_path};
use crate::secrets::Redactor;

/// Folders that are not part of a product.
const LEFT_OUT: [&str; 2] = ["node_modules", "__pycache__"];

/// The deepest folder that is looked into.
const DEPTH_MAX: usize = 64;

/// The most that is looked at: files, folders, links and everything else.
const SEEN_MAX: usize = 4 * FILES_MAX;

/// The longest manifest that travels, in bytes of JSON: well below what the daemon takes in one message.
const MANIFEST_MAX: usize = 8 << 20;

/// A file that was found.
pub(super) struct Found {
    path: String,
    pub file: File,
    executable: bool,
    size: u64,
}

/// Sends every file of a tree to the artifact store and answers with their manifest. A file with something in it that must not leave,
/// the agent's login, is refused.
pub(super) async fn take(worker: &Worker, tree: &Path, secrets: &Redactor) -> Result<Manifest, Error> {
    let root = tree.to_owned();
    // A tree may be large, and the claim must be renewed meanwhile.
    let paths = blocking(move || files(&root)).await.map_err(|error| unreadable("", &error))??;
    if let Some(folder) = repository(&paths) {
        return Err(refused(format!("{folder:?} is a git repository, which runs what its configuration names"))
            .hint("leave it out, or make it in the test that needs it"));
    }
    let mut entries = Vec::with_capacity(paths.len());
    let mut total = 0;
    for path in paths {
        if secrets.redact(&path) != path {
            return Err(refused("the name of a file holds the login that the agent works with".to_owned()).hint("rename it"));
        }
        let found = open(tree, path).map_err(|error| unreadable("", &error))?;
        total += found.size;
        if total > worker.welcome.snapshot_max_bytes {
            return Err(refused(format!("the product has more than {} bytes", worker.welcome.snapshot_max_bytes))
                .hint("leave build results out, or raise artifacts.max_mb in the settings"));
        }
        let file = clean(found.file, secrets).await.map_err(|error| unreadable(&found.path, &error))?;
        let Some(file) = file else {
            return Err(refused(format!("{:?} holds the login that the agent works with", found.path))
                .hint("take it out; a product never needs it"));
        };
        let blob = worker.blobs.put_file(file).await?;
        entries.push(Entry { path: found.path, executable: found.executable, size: blob.size, sha256: blob.sha256 });
    }
    let manifest = Manifest::new(entries)?;
    let bytes = serde_json::to_string(&manifest).map_or(usize::MAX, |text| text.len());
    if bytes > MANIFEST_MAX {
        return Err(
            refused(format!("the names of the product's files have {bytes} bytes")).hint(format!("at most {MANIFEST_MAX}"))
        );
    }
    Ok(manifest)
}

/// The file, at its beginning again, if no secret is in it.
async fn clean(mut file: File, secrets: &Redactor) -> io::Result<Option<File>> {
    let secrets = secrets.clone();
    blocking(move || {
        let found = secrets.finds_in(&mut file)?;
        file.rewind()?;
        Ok((!found).then_some(file))
    })
    .await?
}

fn refused(message: String) -> Error {
    Error::invalid("snapshot", message)
}

fn unreadable(path: &str, error: &io::Error) -> Error {
    let path = if path.is_empty() { String::new() } else { format!("{path:?}: ") };
    refused(format!("the tree cannot be read: {path}{error}"))
}

/// The paths of a tree's plain files.
fn files(tree: &Path) -> Result<Vec<String>, Error> {
    let (mut paths, mut seen) = (Vec::new(), 0);
    walk(tree, "", 0, &mut seen, &mut paths)?;
    Ok(paths)
}

fn walk(tree: &Path, under: &str, depth: usize, seen: &mut usize, paths: &mut Vec<String>) -> Result<(), Error> {
    if depth > DEPTH_MAX {
        let top = under.split('/').next().unwrap_or_default();
        return Err(refused(format!("folders are nested too deep in {top:?}")).hint(format!("at most {DEPTH_MAX} deep")));
    }
    let failed = |error: io::Error| unreadable(under, &error);
    for entry in fs::read_dir(tree.join(under)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        *seen += 1;
        if *seen > SEEN_MAX {
            return Err(refused(format!("the tree has more than {SEEN_MAX} entries")).hint("take away what is not the product's"));
        }
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(refused(format!("the name {name:?} is not UTF-8")).hint("rename it, or leave it out"));
        };
        let path = if under.is_empty() { name.to_owned() } else { format!("{under}/{name}") };
        if gits_own(name) {
            continue;
        }
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            if !LEFT_OUT.contains(&name) {
                walk(tree, &path, depth + 1, seen, paths)?;
            }
        } else if kind.is_file() {
            check_path(&path).map_err(|error| Error { field: Some("snapshot".to_owned()), ..error })?;
            paths.push(path);
        }
        // A link could show what lies outside the tree, and a socket or pipe has no bytes: neither is part of a product.
        if paths.len() > FILES_MAX {
            return Err(refused(format!("the product has more than {FILES_MAX} files")).hint("leave build results out"));
        }
    }
    Ok(())
}

/// Whether git, on some system, takes a name for its own: a folder with a repository, or a file that leads to one.
fn gits_own(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.trim_end_matches(['.', ' ']), ".git" | "git~1")
}

/// The first folder that git would take for a repository without a working tree; whoever goes into it may run what its configuration
/// names.
fn repository(paths: &[String]) -> Option<&str> {
    let of_head =
        paths.iter().filter_map(|path| path.strip_suffix("HEAD")).filter(|under| under.is_empty() || under.ends_with('/'));
    let has = |start: String| paths.iter().any(|path| path.starts_with(&start));
    let found = of_head.filter(|under| ["config", "objects/", "refs/"].iter().all(|name| has(format!("{under}{name}"))));
    found.map(|under| if under.is_empty() { "." } else { under.trim_end_matches('/') }).next()
}

/// Opens a file of the tree without following a link at its end or on the way to it.
pub(super) fn open(tree: &Path, path: String) -> io::Result<Found> {
    let file = beneath::file(tree, Path::new(&path))?;
    let about = file.metadata()?;
    Ok(Found { executable: about.permissions().mode() & 0o100 != 0, size: about.len(), path, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_git_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        fs::create_dir_all(tree.join("src/.git")).unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        fs::write(tree.join("src/a.txt"), "a").unwrap();
        fs::write(tree.join("src/.git/config"), "x").unwrap();
        std::os::unix::fs::symlink("../secret", tree.join("stolen")).unwrap();
        std::os::unix::fs::symlink("..", tree.join("up")).unwrap();
        assert_eq!(files(&tree).unwrap(), ["src/a.txt"]);
    }

    #[test]
    fn what_git_takes_for_its_own_is_no_part_of_a_product() {
        for name in [".git", ".GIT", ".git.", ".git ", "git~1", "GIT~1"] {
            assert!(gits_own(name), "{name:?}");
        }
        for name in [".gitignore", ".github", "git", ".gitmodules", "x.git"] {
            assert!(!gits_own(name), "{name:?}");
        }
        let found =
            |paths: &[&str]| repository(&paths.iter().map(|&path| path.to_owned()).collect::<Vec<_>>()).map(str::to_owned);
        assert_eq!(found(&["a/HEAD", "a/config", "a/objects/x", "a/refs/heads/x"]), Some("a".to_owned()));
        assert_eq!(found(&["HEAD", "config", "objects/x", "refs/x"]), Some(".".to_owned()));
        assert_eq!(found(&["a/HEAD", "a/config", "b/objects/x", "a/refs/x"]), None);
        assert_eq!(found(&["OVERHEAD", "config", "objects/x", "refs/x"]), None);
    }
}
