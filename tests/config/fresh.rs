//! What `init` writes: a home without a problem, all of it or nothing, and never over something else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use claude_swarm::config::{Home, HomeKind, InitOptions, TmuxServer, embedded_files, init, load};
use claude_swarm::domain::error::Kind;

use super::small_home::{SmallHome, shown};

fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.strip_prefix(folder).unwrap().display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_fresh_home_has_no_problem() {
    let folder = tempfile::tempdir().unwrap();
    let written = init(&folder.path().join("new/home"), &InitOptions::default()).unwrap();
    let loaded = load(&written.home).unwrap_or_else(|problems| panic!("{}", shown(&problems)));
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.kind, HomeKind::Real);
    assert_eq!(loaded.config.settings.tmux.server, TmuxServer::Own);
    assert_eq!(loaded.config.settings.server.listen.port(), 0);
    assert_eq!(loaded.config.agents().len(), 10);
    let there: Vec<String> = files_below(written.home.root()).into_iter().map(|(path, _)| path).collect();
    assert_eq!(there, written.files);
    let secrets = written.home.secrets_dir().metadata().unwrap();
    assert_eq!(secrets.permissions().mode() & 0o777, 0o700);
    // What is embedded is what the source tree has.
    for file in embedded_files() {
        assert_eq!(fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file.path)).unwrap(), *file.bytes, "{}", file.path);
    }
}

#[test]
fn a_rehearsal_says_so_and_brings_its_script() {
    let folder = tempfile::tempdir().unwrap();
    let options = InitOptions { rehearsal: true, listen: "127.0.0.1:4711".parse().unwrap(), tmux_server: TmuxServer::Default };
    let home = init(folder.path(), &options).unwrap().home;
    let config = load(&home).unwrap_or_else(|problems| panic!("{}", shown(&problems))).config;
    assert_eq!(config.kind, HomeKind::Rehearsal);
    assert!(config.rehearsal.is_some());
    assert_eq!(config.settings.server.listen, options.listen);
    assert_eq!(config.settings.tmux.socket_name(&home), "default");
}

#[test]
fn init_changes_nothing_where_something_is() {
    let small = SmallHome::new();
    let before = files_below(small.folder.path());
    let error = init(small.folder.path(), &InitOptions::default()).unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.message.contains("is a home already") && error.hint.is_some(), "{error}");
    assert_eq!(files_below(small.folder.path()), before);

    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("thesis.txt"), "years of work").unwrap();
    let error = init(other.path(), &InitOptions::default()).unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.message.contains("thesis.txt"), "{error}");
    assert_eq!(files_below(other.path()).len(), 1);
    assert!(init(&other.path().join("thesis.txt"), &InitOptions::default()).is_err());
    assert!(init(&other.path().join("thesis.txt/below"), &InitOptions::default()).is_err());

    let open = InitOptions { listen: "0.0.0.0:80".parse().unwrap(), ..InitOptions::default() };
    assert_eq!(init(&other.path().join("new"), &open).unwrap_err().kind, Kind::Invalid);
    assert!(!other.path().join("new").exists());
}

#[test]
fn an_init_that_fails_half_way_leaves_nothing() {
    // A name that is too long for the file system, below two folders that init has to make first.
    let folder = tempfile::tempdir().unwrap();
    let error = init(&folder.path().join("a/b").join("n".repeat(300)), &InitOptions::default()).unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn of_two_inits_at_once_one_writes_the_home() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("home");
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| init(&target, &InitOptions::default()))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(Home::open(&target).is_ok());
    assert!(!target.join(".claude-swarm-init").exists());
}
