//! The files of a new home, inside the program, so that `init` needs nothing but itself.
//!
//! Not here: writing them (`init`), and the settings, which are written for each home (`settings::file`).

use std::borrow::Cow;

use rust_embed::Embed;

#[derive(Embed)]
#[folder = "agents/"]
struct Agents;

#[derive(Embed)]
#[folder = "skills/"]
struct Skills;

#[derive(Embed)]
#[folder = "templates/"]
struct Templates;

/// Named one by one: the folder of a source tree that is also a home holds logins.
const CONFIG: &[(&str, &[u8])] = &[
    ("config/pipeline.yaml", include_bytes!("../../config/pipeline.yaml")),
    ("config/rehearsal.yaml", include_bytes!("../../config/rehearsal.yaml")),
];

/// A file of a home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedFile {
    /// Relative to the home: `agents/hunter.md`.
    pub path: String,
    /// What is in it.
    pub bytes: Cow<'static, [u8]>,
}

/// Every embedded file, by path.
pub fn files() -> Vec<EmbeddedFile> {
    let mut files: Vec<EmbeddedFile> =
        CONFIG.iter().map(|(path, bytes)| EmbeddedFile { path: (*path).to_owned(), bytes: Cow::Borrowed(*bytes) }).collect();
    collect::<Agents>("agents", &mut files);
    collect::<Skills>("skills", &mut files);
    collect::<Templates>("templates", &mut files);
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

/// The Markdown files of a folder; an editor's leavings are not embedded into homes.
fn collect<Folder: Embed>(prefix: &str, files: &mut Vec<EmbeddedFile>) {
    for name in Folder::iter().filter(|name| name.ends_with(".md") && !name.starts_with('.')) {
        if let Some(file) = Folder::get(&name) {
            files.push(EmbeddedFile { path: format!("{prefix}/{name}"), bytes: file.data });
        }
    }
}
