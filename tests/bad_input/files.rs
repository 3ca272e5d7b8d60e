//! Files of a home that were broken by hand, by a crash or by a disk.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::stage::{daemon, quiet, said, state};
use crate::harness::TestSwarm;

/// Replaces a piece of a file of the home.
fn change(swarm: &TestSwarm, path: &str, from: &str, to: &str) {
    let path = swarm.home.join(path);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{}: {from}", path.display());
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// What `config check` prints, and what starting the daemon says. Both must refuse.
fn refused(swarm: &TestSwarm) -> String {
    let check = swarm.try_run(&["config", "check"]);
    assert_eq!(check.status.code(), Some(1));
    let check = String::from_utf8(check.stdout).unwrap();
    let output = daemon(swarm);
    assert_ne!(output.status.code(), Some(0));
    let why = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // The daemon names the first of what the check names.
    let first = check.lines().next().unwrap();
    assert!(why.contains(first), "{why}");
    assert!(!swarm.home.join("data/swarm.db").exists(), "nothing was begun");
    check.replace(&swarm.home.display().to_string(), "HOME")
}

#[test]
fn broken_settings() {
    let swarm = TestSwarm::rehearsal();
    change(&swarm, "config/settings.yaml", "  daily_usd: 25.0", "  daily_usd: lots\n  dayly_usd: 3");
    insta::assert_snapshot!(refused(&swarm), @r#"
    config/settings.yaml:21: budget.daily_usd: "lots" is not a number
      → write a number of US dollars, for example 25
    config/settings.yaml:22: budget.dayly_usd: there is no such field
      → take it out, or write one of: daily_usd
    HOME cannot be used until this is mended
    "#);
    change(&swarm, "config/settings.yaml", "budget:\n", "budget: [\n");
    insta::assert_snapshot!(refused(&swarm), @r#"
    config/settings.yaml:22: is not YAML: while parsing a flow mapping, did not find expected ',' or '}'
      → mend the YAML; indent with spaces, and quote texts that hold `: ` or ` #`
    HOME cannot be used until this is mended
    "#);
}

#[test]
fn a_broken_pipeline() {
    let swarm = TestSwarm::rehearsal();
    change(&swarm, "config/pipeline.yaml", "- create: code_review", "- create: code_revue");
    insta::assert_snapshot!(refused(&swarm), @r#"
    config/pipeline.yaml:163: types.build_product.on.done[0].create: there is no type "code_revue"
      → name a key of `types`
    HOME cannot be used until this is mended
    "#);
    change(&swarm, "config/pipeline.yaml", "  scan_platform:\n", "  scan_platform:\n\tsummary: tab\n");
    insta::assert_snapshot!(refused(&swarm), @r#"
    config/pipeline.yaml:23: is not YAML: tabs disallowed within this context (block indentation)
      → mend the YAML; indent with spaces, and quote texts that hold `: ` or ` #`
    HOME cannot be used until this is mended
    "#);
}

#[test]
fn a_broken_role() {
    let swarm = TestSwarm::rehearsal();
    change(&swarm, "agents/hunter.md", "task_types: [", "task_types: [nothing, ");
    change(&swarm, "agents/critic.md", "---\n", "--\n");
    fs::remove_file(swarm.home.join("agents/pm.md")).unwrap();
    fs::write(swarm.home.join("agents/pm.md"), b"---\ntitle: \xff\xfe\n---\n").unwrap();
    insta::assert_snapshot!(refused(&swarm), @r#"
    agents/pm.md:2: is not UTF-8
      → save it as UTF-8
    agents/critic.md:1: has no front matter
      → begin the file with `---`, lines like `title: Hunter`, and `---` again; shared texts are named in CAPITALS
    agents/hunter.md:4: task_types: there is no task type "nothing"
      → write one of: build_product, code_review, directive, evaluate_idea, fix_product, implement_proposal, market, monitor_github, prepare_listing, research, respond_to_human, scan_platform, test_product, triage_issue, write_spec
    HOME cannot be used until this is mended
    "#);
}

#[test]
fn a_running_daemon_is_not_disturbed_by_files_that_break() {
    let mut swarm = quiet();
    swarm.create("research", &serde_json::json!({"question": "why?"}));
    let before = state(&swarm);
    for path in ["config/settings.yaml", "config/pipeline.yaml", "agents/hunter.md"] {
        fs::write(swarm.home.join(path), "{{{ nothing of this is YAML").unwrap();
    }
    assert_eq!(swarm.try_run(&["config", "check"]).status.code(), Some(1));
    let second = daemon(&swarm);
    assert_ne!(second.status.code(), Some(0));
    assert_eq!(state(&swarm), before);
    assert!(swarm.daemon.as_mut().unwrap().try_wait().unwrap().is_none());
}

/// All bytes below `data` that a daemon must not touch where it does not start.
fn bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names = ["swarm.db", "swarm.db-wal"].map(str::to_owned);
    names.into_iter().filter_map(|name| Some((name.clone(), fs::read(folder.join(name)).ok()?))).collect()
}

/// A home with some tasks, whose daemon ended in order.
#[expect(clippy::disallowed_methods, reason = "the test plays a person with the database's own tools")]
fn used() -> TestSwarm {
    let mut swarm = quiet();
    for question in 0..40 {
        swarm.create("research", &serde_json::json!({ "question": format!("{question} {}", "why? ".repeat(100)) }));
    }
    swarm.run(&["stop"]);
    swarm.daemon.take().unwrap().wait().unwrap();
    // What is still in the log beside the file goes into it, so that damage to the file is damage to what it holds.
    let file = rusqlite::Connection::open(swarm.home.join("data/swarm.db")).unwrap();
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    swarm
}

#[test]
fn a_damaged_database() {
    let mut all = String::new();
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 3] = [
        ("no database at all", |path| fs::write(path, "this is a text").unwrap()),
        ("overwritten at its beginning", |path| {
            File::options().write(true).open(path).unwrap().write_all_at(&[0x5a; 4096], 0).unwrap()
        }),
        ("cut off", |path| {
            let file = File::options().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2 / 4096 * 4096).unwrap();
        }),
    ];
    let swarm = used();
    let database = swarm.home.join("data/swarm.db");
    let whole = fs::read(&database).unwrap();
    for (name, damage) in damages {
        fs::write(&database, &whole).unwrap();
        damage(&database);
        let before = bytes(&swarm.home.join("data"));
        let refused = daemon(&swarm);
        let why = said(&refused).replace(&swarm.home.display().to_string(), "HOME");
        all.push_str(&format!("{name}: {why}"));
        assert!(bytes(&swarm.home.join("data")) == before, "{name}: the bytes are as they were");
    }
    insta::assert_snapshot!(all, @r#"
    no database at all: 1 error: the database HOME/data/swarm.db is damaged (file is not a database); stop the daemon, keep the file, and try `sqlite3 FILE .recover > rescued.sql`; nothing was overwritten
    overwritten at its beginning: 1 error: the database HOME/data/swarm.db is damaged (file is not a database); stop the daemon, keep the file, and try `sqlite3 FILE .recover > rescued.sql`; nothing was overwritten
    cut off: 1 error: the database HOME/data/swarm.db is damaged (database disk image is malformed); stop the daemon, keep the file, and try `sqlite3 FILE .recover > rescued.sql`; nothing was overwritten
    "#);
    // Nothing else was lost: with the file as it was, everything is there.
    fs::write(&database, &whole).unwrap();
    let mut swarm = swarm;
    swarm.start_daemon(&[]);
    assert_eq!(swarm.tasks(&["list"]).as_array().unwrap().len(), 40);
}

#[test]
fn a_database_that_is_damaged_where_nobody_looks_first() {
    let mut swarm = used();
    let database = swarm.home.join("data/swarm.db");
    let file = File::options().read(true).write(true).open(&database).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    for page in pages / 3..pages {
        file.write_all_at(&[0xa5; 4096], page * 4096).unwrap();
    }
    let before = fs::read(&database).unwrap();
    // It may begin, but it finds out and ends rather than work on.
    let output = daemon(&swarm);
    let log = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(log.contains("damaged") && log.contains(".recover") && log.contains("nothing was overwritten"), "{log}");
    assert_ne!(output.status.code(), Some(0), "{log}");
    assert!(fs::read(&database).unwrap() == before, "the bytes are as they were");
    swarm.daemon = None;
}

#[test]
fn a_database_of_a_newer_version() {
    let swarm = used();
    // The schema's number stands at byte 60, big-endian.
    let database = File::options().write(true).open(swarm.home.join("data/swarm.db")).unwrap();
    database.write_all_at(&99_u32.to_be_bytes(), 60).unwrap();
    let before = bytes(&swarm.home.join("data"));
    let why = said(&daemon(&swarm)).replace(&swarm.home.display().to_string(), "HOME");
    insta::assert_snapshot!(why, @r#"1 error: the database HOME/data/swarm.db has schema 99, and this version knows up to 2; install the version that wrote it, or a newer one"#);
    assert!(bytes(&swarm.home.join("data")) == before);
}
