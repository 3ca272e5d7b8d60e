//! Tests of the command line: exact arguments, and what is refused. What the arguments do is tested with the real program in
//! `tests/sandbox_bwrap.rs`.

use super::*;
use crate::sandbox::SystemLayout;

fn sandbox(profile: Profile) -> Sandbox {
    let entries = vec![
        SystemEntry::Shown("/usr".into()),
        SystemEntry::Link { path: "/bin".into(), target: "usr/bin".into() },
        SystemEntry::Shown("/etc/ssl/certs".into()),
    ];
    Sandbox {
        profile,
        bwrap: "/usr/bin/bwrap".into(),
        layout: SystemLayout { entries },
        tree: "/srv/swarm/data/projects/shop".into(),
        home: "/srv/swarm/data/agents/builder/home".into(),
        git_dir: Some("/srv/swarm/data/git/shop".into()),
        programs: vec![("/usr/lib/claude".into(), "claude".into())],
        socket_dir: Some("/srv/swarm/run/builder".into()),
        etc: Some("/srv/swarm/data/etc".into()),
        read_only: vec![],
        hidden: vec!["/srv/swarm".into()],
        tmp_bytes: 1 << 30,
        lock_fd: Some(7),
    }
}

fn line(sandbox: &Sandbox) -> String {
    sandbox.argv(&["/opt/swarm/bin/claude".into(), "-p".into()]).unwrap().join(" ")
}

#[test]
fn the_cli_gets_exactly_this() {
    assert_eq!(
        line(&sandbox(Profile::Cli)),
        "/usr/bin/bwrap --unshare-user --uid 1000 --gid 1000 --unshare-pid --die-with-parent --cap-drop ALL --dev-bind / / --sync-fd 7 -- \
         /usr/bin/bwrap --unshare-user --disable-userns --uid 1000 --gid 1000 --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try \
         --hostname swarm --die-with-parent --new-session --cap-drop ALL \
         --ro-bind /usr /usr --symlink usr/bin /bin --ro-bind /etc/ssl/certs /etc/ssl/certs \
         --ro-bind /srv/swarm/data/etc/passwd /etc/passwd --ro-bind /srv/swarm/data/etc/group /etc/group \
         --proc /proc --ro-bind /proc/sys /proc/sys --ro-bind-try /proc/acpi /proc/acpi --ro-bind-try /proc/fs /proc/fs \
         --ro-bind-try /proc/scsi /proc/scsi --ro-bind-try /proc/sysrq-trigger /proc/sysrq-trigger --dev /dev --perms 1777 --size 1073741824 --tmpfs /tmp --symlink /tmp /var/tmp \
         --bind /srv/swarm/data/projects/shop /workspace --bind /srv/swarm/data/agents/builder/home /home/agent \
         --ro-bind /usr/lib/claude /opt/swarm/bin/claude --ro-bind /srv/swarm/run/builder /run/swarm \
         --remount-ro / --chdir /workspace -- /opt/swarm/bin/claude -p"
    );
}

#[test]
fn checks_and_git_have_no_network_and_no_door_to_the_daemon() {
    for profile in [Profile::Check, Profile::Git] {
        let line = line(&sandbox(profile));
        assert!(line.contains(" --unshare-net "), "{line}");
        assert!(!line.contains("/run/swarm"), "{line}");
        assert_eq!(line.contains("--bind /srv/swarm/data/git/shop /git "), profile == Profile::Git, "{line}");
    }
    assert!(!line(&sandbox(Profile::Cli)).contains("--unshare-net"));
    let without = Sandbox { git_dir: None, ..sandbox(Profile::Git) };
    assert_eq!(without.argv(&[]).unwrap_err(), SandboxError::Missing { field: "git_dir" });
}

#[test]
fn the_home_is_hidden_wherever_it_would_be_seen() {
    let below_usr = Sandbox { hidden: vec!["/usr/local/swarm".into()], ..sandbox(Profile::Cli) };
    assert!(line(&below_usr).contains(" --tmpfs /usr/local/swarm --remount-ro /usr/local/swarm --remount-ro / "));
    let below_tree = Sandbox { tree: "/srv".into(), ..sandbox(Profile::Cli) };
    assert!(line(&below_tree).contains(" --tmpfs /workspace/swarm --remount-ro /workspace/swarm "));
    let below_both = Sandbox { tree: "/srv".into(), read_only: vec!["/srv".into()], ..sandbox(Profile::Cli) };
    let both = line(&below_both);
    assert!(both.contains(" --tmpfs /srv/swarm ") && both.contains(" --tmpfs /workspace/swarm "), "{both}");
    // Similar names are not below.
    let beside = Sandbox { hidden: vec!["/usrlocal".into(), "/us".into()], ..sandbox(Profile::Cli) };
    assert!(!line(&beside).contains("--tmpfs /us"));
}

#[test]
fn settings_cannot_show_what_is_hidden_nor_lie_over_our_places() {
    let with = |path: &str| Sandbox { read_only: vec![path.into()], ..sandbox(Profile::Cli) }.argv(&[]);
    for path in ["/srv/swarm", "/srv/swarm/data/swarm.db"] {
        assert!(matches!(with(path), Err(SandboxError::ShowsHidden { .. })), "{path}");
    }
    for path in ["/", "/home", "/workspace/x", "/proc/sys", "/tmp", "/var/tmp/x", "/run", "/opt"] {
        assert!(matches!(with(path), Err(SandboxError::OwnPlace { .. })), "{path}");
    }
    for path in ["relative", "/a/../srv/swarm", ""] {
        assert!(matches!(with(path), Err(SandboxError::NotAbsolute { .. })), "{path}");
    }
    assert!(with("/opt/jdk").is_ok());
    assert!(with("/tmp/shared").is_ok());
    assert!(with("/srv/swarmlike").is_ok());
}

#[test]
fn the_lock_is_with_the_guard_only() {
    for profile in [Profile::Cli, Profile::Check, Profile::Git] {
        let line = line(&sandbox(profile));
        let (guard, inside) = line.split_once(" -- ").unwrap();
        assert!(guard.ends_with(" --sync-fd 7") && !inside.contains("--sync-fd"), "{line}");
    }
}
