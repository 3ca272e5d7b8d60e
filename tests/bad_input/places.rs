//! Homes in places where none can be, or hardly.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use serde_json::json;

use super::stage::{daemon, said, state};
use crate::harness::TestSwarm;

#[test]
fn a_home_is_made_in_an_empty_folder_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    fs::create_dir(root.join("full")).unwrap();
    fs::write(root.join("full/mine"), "mine").unwrap();
    fs::write(root.join("file"), "mine").unwrap();
    let swarm = TestSwarm::real();
    let init = |path: &std::ffi::OsStr, more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_claude-swarm"))
            .arg("init")
            .arg(path)
            .args(more)
            .current_dir(&root)
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stderr)
            .replace(&root.display().to_string(), "DIR")
            .replace(&swarm.home.display().to_string(), "HOME");
        assert_eq!(output.stdout, b"", "{}", String::from_utf8_lossy(&output.stdout));
        format!("{} {shown}", output.status.code().unwrap())
    };
    let text = |path: &str| std::ffi::OsString::from(path);
    let all = [
        init(&text("full"), &[]),
        init(&text("file"), &[]),
        init(&text("file/below"), &[]),
        init(swarm.home.as_os_str(), &[]),
        init(&text(""), &[]),
        init(&text("line\nfeed"), &[]),
        init(&text("\u{1b}[2Jcleared"), &[]),
        init(std::ffi::OsStr::from_bytes(b"not text \xff"), &[]),
        init(&text(&"x".repeat(300)), &[]),
        init(&text("open"), &["--listen", "0.0.0.0:8080"]),
        init(&text("/proc/none"), &[]),
    ]
    .concat();
    insta::assert_snapshot!(all, @r#"
    5 error: full is not empty: it holds mine; nothing was changed
      → name an empty folder, or one that does not exist yet
    5 error: file is not a folder
      → name another one
    5 error: file/below is not a folder
      → name another one
    5 error: HOME is a home already; nothing was changed
      → start it with `claude-swarm start --home HOME`, or name another folder
    2 error: a value is required for '<DIR>' but none was supplied

    For more information, try '--help'.
    2 error: dir: "DIR/line\nfeed" has characters that cannot be shown
      → name another folder
    2 error: dir: "DIR/\u{1b}[2Jcleared" has characters that cannot be shown
      → name another folder
    2 error: dir: "DIR/not text \xFF" has characters that cannot be shown
      → name another folder
    1 error: cannot write xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: File name too long (os error 36)
      → nothing was left behind; mend that and try again
    2 error: listen: 0.0.0.0:8080 can be reached from other machines
      → listen on 127.0.0.1 or [::1]
    1 error: cannot write /proc/none: No such file or directory (os error 2)
      → nothing was left behind; mend that and try again
    "#);
    let mut left: Vec<String> =
        fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["file", "full"], "nothing is left behind");
    assert_eq!(fs::read_dir(root.join("full")).unwrap().count(), 1);
}

#[test]
fn a_home_that_lies_deeper_than_a_sockets_address_may_be_long_works() {
    let mut swarm = TestSwarm::rehearsal();
    let deep = swarm.home.join("x".repeat(120)).join("y".repeat(120));
    let made = swarm.try_run(&["init", deep.to_str().unwrap(), "--rehearsal"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    swarm.home = deep;
    swarm.start_daemon(&[]);
    swarm.run(&["start", "hunter"]);
    // Its first turn looks at the swarm through the agent's own door.
    let task = swarm.create_scan();
    swarm.until_task(task, &["done"]);
    assert!(fs::read_to_string(swarm.home.join("logs/hunter.log")).unwrap().contains("scan_platform"));
}

#[test]
fn a_home_with_an_odd_name_works() {
    let mut swarm = TestSwarm::rehearsal();
    let odd = swarm.home.join("a 'b' \"é\" #{pid} %d $x ;");
    let made = swarm.try_run(&["init", odd.to_str().unwrap(), "--rehearsal"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    swarm.home = odd;
    swarm.start_daemon(&[]);
    swarm.run(&["start", "hunter"]);
    let task = swarm.create("research", &json!({"question": "why?"}));
    swarm.until_task(task, &["done"]);
    assert!(swarm.home.join("logs/hunter.log").exists());
}

#[test]
fn a_rehearsal_stays_one_and_a_real_home_becomes_none() {
    let mut swarm = TestSwarm::rehearsal();
    swarm.start_daemon(&[]);
    swarm.create("research", &json!({"question": "why?"}));
    swarm.run(&["stop"]);
    swarm.daemon.take().unwrap().wait().unwrap();
    fs::remove_file(swarm.home.join("config/kind")).unwrap();
    let refused = said(&daemon(&swarm));
    insta::assert_snapshot!(refused, @r#"
    5 error: this home is rehearsal for life and cannot be opened as real
      → `claude-swarm init DIR` makes another home
    "#);
    assert_eq!(swarm.try_run(&["start"]).status.code(), Some(1));
    fs::write(swarm.home.join("config/kind"), "unreal\n").unwrap();
    insta::assert_snapshot!(said(&daemon(&swarm)), @r#"
    2 error: configuration: config/kind: "unreal" is no kind of home
      → write `rehearsal`, or delete the file for a real home
      → mend the files named above; nothing was changed
    "#);
    fs::write(swarm.home.join("config/kind"), "rehearsal\n").unwrap();
    swarm.start_daemon(&[]);
    assert_eq!(swarm.tasks(&["list"]).as_array().unwrap().len(), 1);
    assert_eq!(state(&swarm)["tasks"][0]["state"], "pending");

    let mut real = TestSwarm::real();
    real.start_daemon(&[]);
    real.run(&["stop"]);
    real.daemon.take().unwrap().wait().unwrap();
    fs::write(real.home.join("config/kind"), "rehearsal\n").unwrap();
    fs::copy(swarm.home.join("config/rehearsal.yaml"), real.home.join("config/rehearsal.yaml")).unwrap();
    insta::assert_snapshot!(said(&daemon(&real)), @r#"
    5 error: this home is real for life and cannot be opened as rehearsal
      → `claude-swarm init DIR` makes another home
    "#);
}
