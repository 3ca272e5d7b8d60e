//! What can be seen and reached from inside.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use claude_swarm::sandbox::{Profile, Sandbox, environment};
use rstest::rstest;

use super::stage::Stage;

#[test]
fn the_tree_and_the_home_can_be_written_and_nothing_else_of_the_system_can() {
    let stage = Stage::new(Profile::Cli);
    fs::write(stage.tree().join("given"), "from outside").unwrap();
    assert_eq!(stage.run("cat given; echo made > made; echo kept > ~/kept; pwd; id -un"), "from outside/workspace\nagent");
    assert_eq!(fs::read_to_string(stage.tree().join("made")).unwrap(), "made\n");
    assert_eq!(fs::read_to_string(stage.sandbox.home.join("kept")).unwrap(), "kept\n");
    for place in ["/", "/etc", "/usr", "/usr/bin", "/opt", "/home", "/run", "/var", "/run/swarm"] {
        assert!(stage.run(&format!("echo x > {place}/x && echo written")).contains("Read-only file system"), "{place}");
    }
    assert_eq!(stage.run("echo x > /tmp/x && echo x > /dev/shm/x && cat /var/tmp/x"), "x");
}

#[test]
fn what_lies_beside_the_tree_is_not_there() {
    let stage = Stage::new(Profile::Cli);
    let secret = stage.dir.path().join("swarm/secret");
    assert!(secret.exists());
    assert!(stage.run(&format!("cat {}", secret.display())).contains("No such file"));
    assert!(stage.run("cat ../swarm/secret /workspace/../secret").contains("No such file"));
    let known = "bin dev etc home lib lib32 lib64 libx32 opt proc run sbin tmp usr var workspace";
    let top = stage.run("ls -A /");
    assert!(top.contains("workspace") && top.lines().all(|name| known.split(' ').any(|one| one == name)), "{top}");
    // Through the guard's or bubblewrap's root, or a link in the tree.
    std::os::unix::fs::symlink(&secret, stage.tree().join("link")).unwrap();
    let ways = format!("cat link /proc/1/root{0} /proc/self/root{0} /proc/*/cwd/secret", secret.display());
    assert!(!stage.run(&ways).contains("the secret"));
}

#[test]
fn a_hidden_directory_is_empty_also_below_a_shown_one() {
    let mut stage = Stage::new(Profile::Cli);
    let shown = stage.dir.path().canonicalize().unwrap().join("shown");
    fs::create_dir_all(shown.join("hidden")).unwrap();
    fs::write(shown.join("plain"), "seen").unwrap();
    fs::write(shown.join("hidden/secret"), "the secret").unwrap();
    let script = format!("cat {0}/plain; ls -A {0}/hidden; echo x > {0}/hidden/x", shown.display());

    stage.sandbox = Sandbox { read_only: vec![shown.clone()], ..stage.sandbox };
    assert!(stage.run(&script).starts_with("seensecret"), "shown on purpose while nothing hides it");
    stage.sandbox.hidden.push(shown.join("hidden"));
    let seen = stage.run(&script);
    assert!(seen.starts_with("seen") && !seen.contains("secret") && seen.contains("Read-only"), "{seen}");

    // The home of the swarm below the tree itself.
    stage.sandbox = Sandbox { tree: shown.clone(), read_only: vec![], ..stage.sandbox };
    assert_eq!(stage.run("cat plain; ls -A hidden"), "seen");
}

#[test]
fn the_processes_of_the_machine_are_not_there() {
    let stage = Stage::new(Profile::Cli);
    let mut outside = Command::new("sleep").arg("98761").stdin(Stdio::null()).spawn().unwrap();
    let seen = stage.run("cat /proc/*/cmdline | tr '\\0' ' '; echo; ls -d /proc/[0-9]* | wc -l");
    outside.kill().unwrap();
    outside.wait().unwrap();
    assert!(!seen.contains("98761"), "{seen}");
    assert!(seen.contains("bwrap"), "its own init is there: {seen}");
    let count: u32 = seen.lines().last().unwrap().parse().unwrap();
    assert!(count < 8, "{count} processes");
    assert!(stage.run("ls /sys /proc/sys/fs/cgroup /run/docker.sock /var/run/docker.sock").contains("No such file"));
}

#[test]
fn the_environment_is_what_was_given_and_no_more() {
    let stage = Stage::new(Profile::Cli);
    let output = stage.command("env; echo; cat /proc/1/environ | tr '\\0' '\\n'").env("GIVEN", "yes").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (mine, init) = text.split_once("\n\n").unwrap();
    let mut expected: Vec<String> = environment(Profile::Cli).iter().map(|(name, value)| format!("{name}={value}")).collect();
    expected.push("GIVEN=yes".into());
    expected.sort();
    // The shell itself adds PWD and its like.
    let mut mine: Vec<&str> =
        mine.lines().filter(|line| !["PWD=", "OLDPWD=", "SHLVL=", "_="].iter().any(|own| line.starts_with(own))).collect();
    mine.sort_unstable();
    assert_eq!(mine, expected);
    assert!(
        init.lines().all(|line| line.is_empty() || expected.iter().any(|known| known == line) || line.starts_with("PWD=")),
        "{init}"
    );
}

#[rstest]
#[case(Profile::Cli, true)]
#[case(Profile::Check, false)]
#[case(Profile::Git, false)]
fn only_the_cli_has_a_network(#[case] profile: Profile, #[case] reachable: bool) {
    let stage = Stage::new(profile);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let perl = format!("use IO::Socket; print IO::Socket::INET->new(PeerAddr=>\"127.0.0.1:{port}\") ? \"reached\" : \"no way\"");
    let seen = stage.run(&format!("perl -e '{perl}'; echo; ls /proc/sys/net/ipv4/conf"));
    assert_eq!(seen.contains("reached"), reachable, "{seen}");
    assert_eq!(seen.contains("no way"), !reachable, "{seen}");
}

#[rstest]
#[case(Profile::Cli, true)]
#[case(Profile::Check, false)]
fn the_door_to_the_daemon_can_be_used_by_the_cli_but_not_taken_away(#[case] profile: Profile, #[case] there: bool) {
    let stage = Stage::new(profile);
    let path = stage.sandbox.socket_dir.clone().unwrap().join("agent.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let perl = "use IO::Socket::UNIX; print IO::Socket::UNIX->new(Peer=>\"/run/swarm/agent.sock\") ? \"reached\" : \"no way\"";
    assert_eq!(stage.run(&format!("perl -e '{perl}'")) == "reached", there);
    let seen = stage.run("rm -f /run/swarm/agent.sock; mv /run/swarm/agent.sock /run/swarm/x");
    assert!(seen.contains(if there { "Read-only file system" } else { "No such file" }), "{seen}");
    assert!(path.exists());
}

#[test]
fn git_works_on_a_tree_whose_git_directory_is_elsewhere_and_runs_nothing_of_the_tree() {
    let stage = Stage::new(Profile::Git);
    fs::write(stage.tree().join("file"), "one\n").unwrap();
    let seen = stage.run(
        "git init -q && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first && git add file && \
         git -c user.name=a -c user.email=a@b commit -q -m second && git log --format=%s; ls -A",
    );
    assert_eq!(seen, "second\nfirst\nfile");
    assert!(stage.sandbox.git_dir.as_ref().unwrap().join("HEAD").exists());
    // A repository of its own in the tree, with a hook, is not taken for ours.
    fs::create_dir_all(stage.tree().join(".git/hooks")).unwrap();
    fs::write(stage.tree().join(".git/config"), "[core]\n\tfsmonitor = \"touch /workspace/ran\"\n").unwrap();
    assert_eq!(stage.run("git status --short; git log --format=%s; ls -A"), "second\nfirst\n.git\nfile");
}
