//! The rooms of the source: which may use which, and what is done in one place only. Reads the files themselves, so that a step that
//! the table does not allow fails here and not in a review.
//!
//! Here: the table, and the places that own a dangerous call. What may be called at all is in `clippy.toml`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, and the rooms that each may use. Every room but the strict ones may also use the shapes of `domain`, the wall clock's one
/// place and the places where tests end a process.
const TABLE: [(&str, &[&str]); 18] = [
    ("artifacts", &[]),
    ("cli", &["protocol", "config", "client"]),
    ("client", &["protocol"]),
    ("config", &[]),
    ("daemon", ALL_BUT_CLI),
    ("domain", &[]),
    ("protocol", &[]),
    ("provider", &[]),
    ("publish", &["artifacts"]),
    ("rehearsal", &[]),
    ("runner", &[]),
    ("sandbox", &[]),
    ("secrets", &[]),
    ("server", &["protocol", "swarm"]),
    ("store", &[]),
    ("supervisor", &["runner", "swarm"]),
    ("swarm", &["store", "artifacts"]),
    // The secrets' room only to keep them out of the pane.
    ("worker", &["client", "provider", "sandbox", "artifacts", "protocol", "secrets"]),
];

const ALL_BUT_CLI: &[&str] = &[
    "artifacts",
    "client",
    "config",
    "protocol",
    "provider",
    "publish",
    "rehearsal",
    "runner",
    "sandbox",
    "secrets",
    "server",
    "store",
    "supervisor",
    "swarm",
    "worker",
];

/// Modules beside the rooms, for everybody but the strict rooms, and what they may use themselves.
const BESIDE: [(&str, &[&str]); 2] = [("clock", &["domain"]), ("failpoint", &[])];

/// Rooms that use nothing that their row does not name: pure rules, and a model server that could be anybody's.
const STRICT: [&str; 2] = ["domain", "rehearsal"];

/// What single files may use beyond their room's row. A path ends in `/` where it is a folder.
const BEYOND: [(&str, &[&str]); 5] = [
    // Work without a daemon.
    ("cli/swarm/doctor/", &["runner", "secrets"]),
    // Start a daemon, wait for its end, end sessions where none runs, become tmux: processes are the runner's.
    ("cli/swarm/launch.rs", &["runner"]),
    ("cli/swarm/stop.rs", &["runner"]),
    ("cli/swarm/alone.rs", &["runner"]),
    ("cli/swarm/attach.rs", &["runner"]),
];

/// What is called in one place only: the text, and the beginnings of the paths where it may stand.
const PLACES: [(&str, &[&str]); 11] = [
    ("Command::new", &["runner/", "worker/", "publish/"]),
    ("tokio::process", &["runner/", "worker/", "publish/"]),
    ("process::Command", &["runner/", "worker/", "publish/"]),
    ("Connection::open", &["store/"]),
    ("rusqlite::", &["store/"]),
    ("env::var", &["config/environment.rs"]),
    ("env::vars", &["config/environment.rs"]),
    ("env::set_var", &[]),
    ("SystemTime::now", &["clock.rs"]),
    ("Utc::now", &["clock.rs"]),
    ("Local::now", &["clock.rs"]),
];

/// Names that say nothing about what is in a file.
const DRAWERS: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "manager", "misc", "various"];

/// The most lines of a file, without its tests.
const LINES_MAX: usize = 400;

struct Source {
    /// Below `src`, with `/`.
    path: String,
    text: String,
    /// The text with comments and literals blanked out.
    code: String,
}

impl Source {
    /// The room that the file belongs to.
    fn room(&self) -> &str {
        self.path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// How many steps up its module is below the crate's root.
    fn depth(&self) -> usize {
        let path = self.path.trim_end_matches(".rs");
        path.trim_end_matches("/mod").split('/').count()
    }

    fn line_of(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push(Source { path, code: code_of(&text), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 100, "the source tree is where it is looked for");
    found
}

/// The rooms' own files: not the programs and not the root.
fn rooms() -> Vec<Source> {
    sources().into_iter().filter(|source| source.path != "lib.rs" && source.room() != "bin").collect()
}

/// Blanks out comments and literals, keeping every line where it was.
fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut blank =
        |from: usize, to: usize| code[from..to].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let end = if rest.starts_with(b"//") {
            at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            at + text[at..].find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_string(rest, at.checked_sub(1).map(|before| bytes[before])) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = at + 2 + hashes;
            open + text[open..].find(&close).map_or(bytes.len() - open, |end| end + close.len())
        } else if bytes[at] == b'"' {
            at + quoted(rest)
        } else if bytes[at] == b'\'' {
            at + char_literal(&text[at..])
        } else {
            at += 1;
            continue;
        };
        blank(at, end);
        at = end;
    }
    String::from_utf8(code).unwrap()
}

/// The hashes of a raw string that begins here.
fn raw_string(rest: &[u8], before: Option<u8>) -> Option<usize> {
    if rest[0] != b'r' || before.is_some_and(|before| before.is_ascii_alphanumeric() && before != b'b' || before == b'_') {
        return None;
    }
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    (rest.get(1 + hashes) == Some(&b'"')).then_some(hashes)
}

/// The length of a string literal.
fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of a character literal, or of the quote of a lifetime.
fn char_literal(rest: &str) -> usize {
    let mut inside = rest[1..].char_indices();
    match inside.next() {
        Some((_, '\\')) => rest[2..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(1, |(at, _)| at + 3),
        Some(_) => match inside.next() {
            Some((at, '\'')) => at + 2,
            _ => 1,
        },
        None => 1,
    }
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// Every room that a file's code speaks of, with the line: `crate::room`, groups of them, and `super::` up to the root.
fn uses(source: &Source) -> Vec<(usize, String)> {
    let code = &source.code;
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let names = if rest.starts_with('{') { group(rest) } else { vec![word(rest).to_owned()] };
        found.extend(names.into_iter().map(|name| (source.line_of(at), name)));
    }
    // `super::` that leads up to the root leads into other rooms too.
    let mut inline = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let rest = &code[at..];
        if rest.starts_with('{') {
            let before = code[..at].trim_end().rsplit(|c: char| "{};".contains(c)).next().unwrap();
            inline.push(before.split_whitespace().any(|word| word == "mod"));
        } else if rest.starts_with('}') {
            inline.pop();
        } else if rest.starts_with("super::") {
            let mut steps = 0;
            let mut name = rest;
            while let Some(after) = name.strip_prefix("super::") {
                (steps, name) = (steps + 1, after);
            }
            let depth = source.depth() + inline.iter().filter(|module| **module).count();
            if steps >= depth {
                found.push((source.line_of(at), word(name).to_owned()));
            }
            at += steps * "super::".len();
            continue;
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    found
}

/// The first names of a group of imports: `{a::{x, y}, b}` gives a and b.
fn group(text: &str) -> Vec<String> {
    let (mut depth, mut names, mut name) = (0, Vec::new(), String::new());
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(std::mem::take(&mut name)),
            _ if depth == 1 => name.push(c),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names.push(name);
    names.iter().map(|name| word(name.trim()).to_owned()).filter(|name| !name.is_empty()).collect()
}

fn table() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let beside: Vec<&str> = BESIDE.iter().map(|(name, _)| *name).collect();
    let rooms = TABLE.into_iter().map(|(room, row)| {
        let mut may: BTreeSet<&str> = row.iter().copied().chain([room]).collect();
        if !STRICT.contains(&room) {
            may.extend(beside.iter().copied().chain(["domain"]));
        }
        (room, may)
    });
    let modules = BESIDE.iter().map(|(name, row)| (*name, row.iter().copied().chain([*name]).collect()));
    rooms.chain(modules).collect()
}

fn report(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn every_room_has_its_row_and_every_row_its_room() {
    let root = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let code = code_of(&root);
    let declared: BTreeSet<&str> = code.split("mod ").skip(1).map(word).collect();
    let known: BTreeSet<&str> = table().into_keys().collect();
    assert_eq!(declared, known, "src/lib.rs and the table of rooms");
    let there: BTreeSet<String> = rooms().iter().map(|source| source.room().to_owned()).collect();
    assert_eq!(there, known.iter().map(|&room| room.to_owned()).collect(), "the folders and the table of rooms");
    let lines = code.lines().map(str::trim).filter(|line| !line.is_empty());
    let other: Vec<_> = lines.filter(|line| !line.starts_with("pub mod ")).map(str::to_owned).collect();
    report("src/lib.rs names the rooms and nothing else", &other);
}

#[test]
fn the_architecture_says_the_same() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    let mut told = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `") && line.contains("/` |")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let (room, may) = (cells[0].trim().trim_matches(['`', '/']), cells[cells.len() - 1]);
        let words = may.split(|c: char| !c.is_alphanumeric() && c != '_');
        let known = |word: &&str| TABLE.iter().any(|(room, _)| room == word) && *word != "domain";
        let may: BTreeSet<&str> =
            if may.contains("all but cli") { ALL_BUT_CLI.iter().copied().collect() } else { words.filter(known).collect() };
        told.insert(room, may);
    }
    let beyond = |room: &str| {
        let folder = format!("{room}/");
        BEYOND.iter().filter(move |(path, _)| path.starts_with(&folder)).flat_map(|(_, more)| more.iter().copied())
    };
    let held = TABLE.iter().map(|(room, row)| (*room, row.iter().copied().chain(beyond(room)).collect::<BTreeSet<_>>()));
    assert_eq!(told, held.collect(), "ARCHITECTURE.md (left) and what is held to (right)");
}

#[test]
fn no_room_enters_one_that_its_row_does_not_name() {
    let table = table();
    let mut broken = Vec::new();
    for source in rooms() {
        let beyond = BEYOND.iter().filter(|(path, _)| source.path.starts_with(path)).flat_map(|(_, more)| *more);
        let beyond: BTreeSet<&str> = beyond.copied().collect();
        for (line, used) in uses(&source) {
            let used = used.as_str();
            if !table.contains_key(used) {
                broken.push(format!("src/{}:{line}: there is no room {used:?}", source.path));
            } else if !table[source.room()].contains(used) && !beyond.contains(used) {
                broken.push(format!("src/{}:{line}: {} may not use {used}", source.path, source.room()));
            }
        }
    }
    report("steps that the table of rooms does not allow", &broken);
}

#[test]
fn programs_use_the_command_line_and_what_it_cannot_start() {
    let may = ["cli", "config", "daemon", "domain", "failpoint", "worker"];
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.room() == "bin") {
        for (at, _) in source.code.match_indices("claude_swarm::") {
            let rest = &source.code[at + "claude_swarm::".len()..];
            let names = if rest.starts_with('{') { group(rest) } else { vec![word(rest).to_owned()] };
            let bad = names.into_iter().filter(|name| !may.contains(&name.as_str()));
            broken.extend(bad.map(|name| format!("src/{}:{}: {name}", source.path, source.line_of(at))));
        }
    }
    report("programs use no room but the outermost", &broken);
}

#[test]
fn what_is_dangerous_is_done_in_one_place() {
    let mut broken = Vec::new();
    for source in sources() {
        for (call, places) in PLACES {
            if places.iter().any(|place| source.path.starts_with(place)) {
                continue;
            }
            for (at, _) in source.code.match_indices(call) {
                if !source.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                    broken.push(format!("src/{}:{}: {call}", source.path, source.line_of(at)));
                }
            }
        }
    }
    report("calls outside of the room that owns them", &broken);
}

#[test]
fn every_file_says_what_lives_there() {
    let silent = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    report("files that do not begin with `//!`", &silent.map(|source| source.path).collect::<Vec<_>>());
}

#[test]
fn no_file_is_a_drawer() {
    let mut drawers = Vec::new();
    for source in sources() {
        let parts = source.path.trim_end_matches(".rs").split(['/', '_']);
        if parts.into_iter().any(|part| DRAWERS.contains(&part)) {
            drawers.push(source.path);
        }
    }
    report("names that say nothing", &drawers);
}

#[test]
fn no_file_is_too_long() {
    let mut long = Vec::new();
    for source in sources().iter().filter(|source| !source.path.ends_with("_tests.rs")) {
        let lines = source.text.split("#[cfg(test)]\nmod ").next().unwrap().lines().count();
        if lines > LINES_MAX {
            long.push(format!("src/{}: {lines} lines", source.path));
        }
    }
    report(&format!("files of more than {LINES_MAX} lines"), &long);
}

#[test]
fn the_reader_of_the_source_sees_what_the_compiler_sees() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), code: code_of(text), text: text.to_owned() };
    let seen = |path: &str, text: &str| uses(&source(path, text)).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(seen("a/b.rs", "use crate::store::Tx; fn f() { crate::swarm::go(); }"), ["store", "swarm"]);
    assert_eq!(seen("a/b.rs", "use crate::{clock, store::{Tx, Reader}, domain::x};"), ["clock", "store", "domain"]);
    assert_eq!(
        seen("a/b.rs", "// crate::x\n/* crate::y */ let s = \"crate::z\"; let r = r#\"crate::q \" \"#; let c = '\"';"),
        [""; 0]
    );
    assert_eq!(seen("a/b.rs", "fn f<'a>(x: &'a str) -> char { '\\'' } use crate::store;"), ["store"]);
    assert_eq!(seen("a/b.rs", "use super::super::store; use super::c; mod tests { use super::super::c; }"), ["store"]);
    assert_eq!(
        seen("a/mod.rs", "use super::store; fn f() { super::swarm::go() } mod tests { use super::c; }"),
        ["store", "swarm"]
    );
    assert_eq!(source("a/b.rs", "\n\ncrate::x").line_of(2), 3);
}
