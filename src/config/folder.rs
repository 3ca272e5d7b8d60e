//! Reading text files of a home, with a problem for each that cannot be read.
//!
//! Not here: what the texts mean.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::home::Home;
use super::problem::{Place, Problem};
use crate::domain::text::is_unsafe;

/// The largest file that is read, in bytes.
const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// A text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Relative to the home.
    pub file: String,
    /// What it says.
    pub content: String,
}

/// Reads a file; none if it is not there. Everything else that is in the way, and characters that hide or act on a terminal, are
/// problems.
pub fn read_file(home: &Home, path: &Path, problems: &mut Vec<Problem>) -> Option<Text> {
    let file = home.shown(path);
    let unreadable = |message: String, remedy: &str| Problem::error(&file, message).remedy(remedy);
    let bytes = match fs::metadata(path) {
        Ok(metadata) if metadata.len() > FILE_MAX_BYTES => {
            problems.push(unreadable(format!("{} bytes are too long", metadata.len()), "keep it below 1 MiB"));
            return None;
        }
        Ok(_) => fs::read(path),
        Err(error) => Err(error),
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => {
            problems.push(unreadable(format!("cannot be read: {error}"), "see that it is a file that you may read"));
            return None;
        }
    };
    let content = match String::from_utf8(bytes) {
        Ok(content) => content,
        Err(error) => {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + before.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
            let place = Some(Place { line, column: 1 });
            problems.push(unreadable("is not UTF-8".to_owned(), "save it as UTF-8").at(place));
            return None;
        }
    };
    let content = content.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(content).replace("\r\n", "\n");
    for (line, text) in (1..).zip(content.lines()) {
        if let Some(at) = text.chars().position(is_unsafe) {
            let c = text.chars().nth(at).map(u32::from).unwrap_or_default();
            let place = Some(Place { line, column: at as u64 + 1 });
            let remedy = "take it out: it can hide text from a reader or act on a terminal";
            problems.push(unreadable(format!("holds the control character U+{c:04X}"), remedy).at(place));
        }
    }
    Some(Text { file, content })
}

/// Reads a file that must be there.
pub fn read_required(home: &Home, path: &Path, problems: &mut Vec<Problem>) -> Option<Text> {
    let before = problems.len();
    let text = read_file(home, path, problems);
    if text.is_none() && problems.len() == before {
        let remedy = "put it back; `claude-swarm init` of another folder writes one that can be copied";
        problems.push(Problem::error(home.shown(path), "is missing").remedy(remedy));
    }
    text
}

/// Reads the `.md` files of a folder, by stem. A folder that is not there has none.
pub fn read_folder(home: &Home, folder: &Path, problems: &mut Vec<Problem>) -> BTreeMap<String, Text> {
    let mut texts = BTreeMap::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return texts,
        Err(error) => {
            problems.push(Problem::error(home.shown(folder), format!("cannot be read: {error}")));
            return texts;
        }
    };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let Some(stem) = stem(&path) else { continue };
        if let Some(text) = read_file(home, &path, problems) {
            texts.insert(stem, text);
        }
    }
    texts
}

/// The stem of a file's name, if it is one that is read.
fn stem(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    (path.extension()? == "md" && !stem.starts_with('.')).then(|| stem.to_owned())
}
