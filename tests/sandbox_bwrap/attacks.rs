//! What an agent may try against its own sandbox.

use claude_swarm::sandbox::Profile;

use super::stage::{Running, Stage, held};

/// Takes every descriptor of every process that it can reach and unlocks it; then prints how many it got.
///
/// 434 is `pidfd_open`, 438 `pidfd_getfd`, on every architecture.
const UNLOCK_EVERYTHING: &str = r#"perl -e '
    use Fcntl qw(:flock);
    $| = 1;
    my $got = 0;
    for my $pid (1..200) {
        my $pidfd = syscall(434, $pid, 0);
        next if $pidfd < 0 || $pid == $$;
        for my $n (3..40) {
            my $fd = syscall(438, $pidfd, $n, 0);
            next if $fd < 0;
            $got++;
            open(my $file, ">&=", $fd);
            flock($file, LOCK_UN);
        }
    }
    print "got $got\n";
    sleep 1000'"#;

#[test]
fn an_agent_cannot_release_the_lock_that_proves_it_alive() {
    let stage = Stage::new(Profile::Cli);
    let mut running = Running::start(stage.locked(UNLOCK_EVERYTHING));
    let said = running.line();
    assert!(said.starts_with("got "), "{said}");
    assert!(held(&stage.lock()), "the agent took the lock away: {said}");
}

/// Not a wish but the reason for the guard. Should this fail one day, bubblewrap protects its init and the guard can go.
#[test]
fn without_a_guard_it_can() {
    let stage = Stage::new(Profile::Cli);
    let mut running = Running::start(stage.locked_without_a_guard(UNLOCK_EVERYTHING));
    let said = running.line();
    assert!(said.starts_with("got ") && said != "got 0", "{said}");
    assert!(!held(&stage.lock()), "{said}");
}

#[test]
fn no_descriptor_of_ours_is_inside() {
    let stage = Stage::new(Profile::Cli);
    let mut running = Running::start(stage.locked("ls -l /proc/self/fd; echo end; sleep 1000"));
    let mut seen = Vec::new();
    loop {
        match running.line() {
            end if end == "end" => break,
            line => seen.push(line),
        }
    }
    assert!(!seen.iter().any(|line| line.contains("lock")), "{seen:?}");
}

#[test]
fn no_namespaces_capabilities_or_mounts_can_be_made_inside() {
    let stage = Stage::new(Profile::Cli);
    assert!(stage.run("unshare -U true").contains("unshare failed"));
    assert!(stage.run("mount -t tmpfs none /tmp").contains("must be superuser"));
    assert!(stage.run("unshare -m true").contains("unshare failed"));
    assert_eq!(stage.run("grep CapBnd /proc/self/status").split_whitespace().last().unwrap(), "0000000000000000");
    assert_eq!(stage.run("grep NoNewPrivs /proc/self/status").split_whitespace().last().unwrap(), "1");
    // The way out that matters where root starts the sandbox: the kernel asks for the user id, not for capabilities.
    let before = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let refused = stage.run("cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern && echo written");
    assert!(
        !refused.contains("written") && before == std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap(),
        "{refused}"
    );
    assert_eq!(stage.run("find /proc/sys /proc/irq /proc/bus -writable 2>/dev/null | head -1"), "");
}

#[test]
fn there_is_no_terminal_to_type_into() {
    let stage = Stage::new(Profile::Cli);
    assert!(stage.run(": < /dev/tty").contains("No such device"));
}
