//! The sandbox: can bubblewrap really make one here, and what follows from running as root.

use std::fs;
use std::path::Path;

use super::Finding;
use super::programs::{ask, version};
use crate::config::{Config, Environment, Sandbox};
use crate::domain::text::one_line;

const NAME: &str = "sandbox";

/// The namespaces that agents run in, with a program that does nothing: first alone, then inside the guard's.
const INNER: &[&str] = &[
    "--unshare-user",
    "--disable-userns",
    "--uid",
    "1000",
    "--gid",
    "1000",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-net",
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",
    "--ro-bind",
    "/",
    "/",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--tmpfs",
    "/tmp",
    "--",
    "/bin/sh",
    "-c",
    "exit 0",
];
const GUARD: &[&str] = &[
    "--unshare-user",
    "--uid",
    "1000",
    "--gid",
    "1000",
    "--unshare-pid",
    "--die-with-parent",
    "--cap-drop",
    "ALL",
    "--dev-bind",
    "/",
    "/",
    "--",
];

/// bubblewrap, and the user.
pub(super) async fn check(environment: &Environment, config: Option<&Config>) -> Vec<Finding> {
    let off = config.is_some_and(|config| config.settings.sandbox == Sandbox::Off);
    let root = rustix::process::geteuid().is_root();
    if off {
        let remedy = "write `mode: bubblewrap` under `sandbox` in config/settings.yaml";
        let message = "is off: agents run with all your rights, and can read and change whatever you can";
        return vec![Finding::warn(NAME, message, remedy), user(root, true)];
    }
    vec![bubblewrap(environment).await, user(root, false)]
}

async fn bubblewrap(environment: &Environment) -> Finding {
    let install = "install bubblewrap 0.8 or newer (Debian and Ubuntu: apt install bubblewrap)";
    let Some(program) = environment.find_program("bwrap") else {
        return Finding::fail(NAME, "bubblewrap (bwrap) is not on the PATH", install);
    };
    let said = match ask(environment, &program, &["--version"]).await {
        Ok(probed) => one_line(probed.first_line(), 60),
        Err(why) => return Finding::fail(NAME, format!("{} does not run: {why}", program.display()), install),
    };
    if version(&said).is_some_and(|version| version < (0, 8)) {
        return Finding::fail(NAME, format!("{said} is too old"), install);
    }
    if let Err(why) = ask(environment, &program, INNER).await {
        return Finding::fail(NAME, format!("{said} cannot make a sandbox: {why}"), forbidden());
    }
    let Some(path) = program.to_str() else {
        return Finding::fail(NAME, format!("{} is not UTF-8", program.display()), install);
    };
    let nested = [GUARD, &[path], INNER].concat();
    match ask(environment, &program, &nested).await {
        Ok(_) => Finding::ok(NAME, format!("{said}, and makes sandboxes")),
        Err(why) => {
            let remedy = format!("agents need a sandbox inside a guard's namespaces; {}", forbidden());
            Finding::fail(NAME, format!("{said} cannot make a sandbox in a sandbox: {why}"), remedy)
        }
    }
}

/// Why the system may forbid namespaces, and the way out.
fn forbidden() -> String {
    let setting = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    if setting("/proc/sys/kernel/unprivileged_userns_clone") == "0" {
        return "user namespaces are off: sysctl -w kernel.unprivileged_userns_clone=1".to_owned();
    }
    if setting("/proc/sys/user/max_user_namespaces") == "0" {
        return "user namespaces are off: sysctl -w user.max_user_namespaces=15000".to_owned();
    }
    if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
        return "AppArmor restricts user namespaces: give bwrap a profile that allows `userns`, or \
                sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
            .to_owned();
    }
    let container = Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists();
    if container {
        return "this is a container whose runtime forbids namespaces: start it with --security-opt seccomp=unconfined \
                --security-opt systempaths=unconfined, or use a virtual machine"
            .to_owned();
    }
    "the system forbids user namespaces; `unshare --user --pid --fork true` should work for this user".to_owned()
}

fn user(root: bool, off: bool) -> Finding {
    match (root, off) {
        (false, _) => Finding::ok("user", format!("user id {}, not root", rustix::process::geteuid().as_raw())),
        (true, false) => Finding::ok("user", "root; agents are user 1000 in a user namespace of their own, and not root"),
        (true, true) => {
            let remedy = "turn the sandbox on, or run as another user";
            Finding::fail("user", "root without a sandbox: the Claude CLI refuses to work unattended as root", remedy)
        }
    }
}
