//! The environment inside, and the files of `/etc` that are not the host's.

use std::collections::BTreeMap;

use super::{BIN, GIT_DIR, HOME, Profile, WORKSPACE};

/// The files that the worker writes once into [`super::Sandbox::etc`]: (name, content).
pub const ETC_FILES: [(&str, &str); 2] = [
    ("passwd", "agent:x:1000:1000:agent:/home/agent:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"),
    ("group", "agent:x:1000:\nnogroup:x:65534:\n"),
];

/// The whole environment that bubblewrap is started with, before what the provider adds; nothing is inherited.
///
/// Set it on the process (cleared first) and not by `--setenv`: arguments are readable by everyone on the machine.
pub fn environment(profile: Profile) -> BTreeMap<String, String> {
    let path = format!("{BIN}:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
    let common = [
        ("PATH", path.as_str()),
        ("HOME", HOME),
        ("USER", "agent"),
        ("LOGNAME", "agent"),
        ("SHELL", "/bin/sh"),
        ("LANG", "C.UTF-8"),
        ("TERM", "dumb"),
        ("TMPDIR", "/tmp"),
    ];
    // The tree is hostile and the git directory is ours: nothing but that directory's own configuration is read, and no program that a
    // configuration could name is run.
    let git = [
        ("GIT_DIR", GIT_DIR),
        ("GIT_WORK_TREE", WORKSPACE),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_CONFIG_COUNT", "2"),
        ("GIT_CONFIG_KEY_0", "core.hooksPath"),
        ("GIT_CONFIG_VALUE_0", "/dev/null"),
        ("GIT_CONFIG_KEY_1", "core.fsmonitor"),
        ("GIT_CONFIG_VALUE_1", "false"),
    ];
    let more: &[(&str, &str)] = if profile == Profile::Git { &git } else { &[] };
    common.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
