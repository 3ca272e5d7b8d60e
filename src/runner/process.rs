//! Which process is meant, as /proc tells it. Reading only: waiting is in `exit`, signals are in `end`.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

/// One process and not a later one with the same number. Valid until the machine starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// Its number.
    pub pid: i32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/<pid>/stat`).
    pub start_time: u64,
}

impl ProcessIdentity {
    /// The process that has this number now; None when there is none. It may be a zombie.
    pub fn of(pid: i32) -> Option<Self> {
        Stat::read(pid).map(|stat| stat.identity)
    }
}

/// The processes of this user whose arguments, after the program's own name, begin with these.
///
/// # Errors
/// /proc cannot be read.
pub fn called(arguments: &[&str]) -> std::io::Result<Vec<ProcessIdentity>> {
    let own = rustix::process::geteuid().as_raw();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        // Its identity first: if the number is another's by the time the arguments are read, the identity is nobody's.
        let Some(identity) = ProcessIdentity::of(pid) else { continue };
        let ours = entry.metadata().is_ok_and(|metadata| metadata.uid() == own);
        let Ok(line) = fs::read(entry.path().join("cmdline")) else { continue };
        let mut said = line.split(|byte| *byte == 0).skip(1);
        if ours && arguments.iter().all(|argument| said.next() == Some(argument.as_bytes())) {
            found.push(identity);
        }
    }
    Ok(found)
}

/// What is wanted of `/proc/<pid>/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub identity: ProcessIdentity,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
}

impl Stat {
    pub fn read(pid: i32) -> Option<Self> {
        // Bytes, because a process may call itself anything.
        let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// The second field is the command's name in parentheses and may itself hold spaces, parentheses and newlines; the last
    /// parenthesis ends it, since only numbers and one letter follow.
    fn parse(line: &str) -> Option<Self> {
        let (head, tail) = line.rsplit_once(')')?;
        let pid = head.split_once(" (")?.0.parse().ok()?;
        // The first field after the name is the third of the line.
        let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied();
        Some(Self {
            identity: ProcessIdentity { pid, start_time: field(22)?.parse().ok()? },
            parent: field(4)?.parse().ok()?,
            group: field(5)?.parse().ok()?,
            session: field(6)?.parse().ok()?,
        })
    }

    /// Every process of the machine that may be seen, at about the same time.
    pub fn read_all() -> std::io::Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let pid = entry?.file_name().to_str().and_then(|name| name.parse().ok());
            all.extend(pid.and_then(Self::read));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::{ProcessIdentity, Stat};

    #[test]
    fn a_name_may_look_like_the_rest_of_the_line() {
        let line = "42 (a) S 1 1 (x\n) R 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3 18446744073709551615 0\n";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(stat.identity, ProcessIdentity { pid: 42, start_time: 987_654 });
        assert_eq!((stat.parent, stat.group, stat.session), (7, 8, 9));
    }

    #[test]
    fn what_is_no_stat_line_is_nothing() {
        for line in ["", "42", "42 (a", "42 (a) S 1 2 3", "x (a) S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654"] {
            assert_eq!(Stat::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn this_process_is_found_with_its_parent() {
        let own = i32::try_from(std::process::id()).unwrap();
        let all = Stat::read_all().unwrap();
        let stat = all.iter().find(|stat| stat.identity.pid == own).unwrap();
        assert_eq!(Some(stat.identity), ProcessIdentity::of(own));
        assert!(all.iter().any(|other| other.identity.pid == stat.parent));
    }
}
