//! Which processes belong to a process: a pure walk over a snapshot of /proc.

use std::collections::{BTreeMap, BTreeSet};

use super::ProcessIdentity;
use super::process::Stat;

/// All that stems from `known`, without `known` itself and the dead: children by parent, transitively, and the members of every
/// session and process group that one of them leads or led.
///
/// A session's or group's number cannot be given to another process while a member lives, so members outlive their leader
/// recognisably. If a process other than the known one has the number now, the old session is empty and the number means
/// somebody else's. Out of reach is a process that left its session and whose parents were gone before the first look.
pub(super) fn offspring(known: &BTreeSet<ProcessIdentity>, all: &[Stat]) -> BTreeSet<ProcessIdentity> {
    let holders: BTreeMap<i32, &Stat> = all.iter().map(|stat| (stat.identity.pid, stat)).collect();
    let mut members = known.clone();
    loop {
        let led = |number: i32, led_by_holder: fn(&Stat) -> i32, member: &Stat| match holders.get(&number) {
            Some(holder) => led_by_holder(holder) == number && members.contains(&holder.identity),
            None => members.iter().any(|one| one.pid == number && one.start_time <= member.identity.start_time),
        };
        let found: Vec<ProcessIdentity> = all
            .iter()
            .filter(|stat| !members.contains(&stat.identity))
            .filter(|stat| {
                let child = holders.get(&stat.parent).is_some_and(|parent| members.contains(&parent.identity));
                child || led(stat.session, |s| s.session, stat) || led(stat.group, |s| s.group, stat)
            })
            .map(|stat| stat.identity)
            .collect();
        if found.is_empty() {
            break;
        }
        members.extend(found);
    }
    members.difference(known).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::{BTreeSet, ProcessIdentity, Stat, offspring};

    fn stat(pid: i32, parent: i32, group: i32, session: i32, start_time: u64) -> Stat {
        Stat { identity: ProcessIdentity { pid, start_time }, parent, group, session }
    }

    fn pids(root: (i32, u64), all: &[Stat]) -> Vec<i32> {
        let known = BTreeSet::from([ProcessIdentity { pid: root.0, start_time: root.1 }]);
        offspring(&known, all).iter().map(|one| one.pid).collect()
    }

    #[test]
    fn children_and_theirs_in_sessions_of_their_own() {
        let all = [stat(1, 0, 1, 1, 0), stat(10, 1, 10, 10, 5), stat(11, 10, 11, 11, 6), stat(12, 11, 12, 12, 7)];
        assert_eq!(pids((10, 5), &all), [11, 12]);
    }

    #[test]
    fn members_of_a_led_session_whose_parents_are_gone() {
        let all = [stat(1, 0, 1, 1, 0), stat(10, 1, 10, 10, 5), stat(20, 1, 19, 10, 6), stat(30, 1, 30, 30, 6)];
        assert_eq!(pids((10, 5), &all), [20]);
        assert_eq!(pids((10, 5), &[all[0], all[2], all[3]]), [20], "also after the leader itself is gone");
    }

    #[test]
    fn the_session_of_one_that_leads_none_is_left_alone() {
        let all = [stat(1, 0, 1, 1, 0), stat(9, 1, 9, 9, 1), stat(10, 9, 9, 9, 5), stat(20, 9, 9, 9, 6)];
        assert_eq!(pids((10, 5), &all), Vec::<i32>::new());
    }

    #[test]
    fn a_reused_number_means_somebody_else() {
        let all = [stat(1, 0, 1, 1, 0), stat(10, 1, 10, 10, 99), stat(20, 10, 10, 10, 100)];
        assert_eq!(pids((10, 5), &all), Vec::<i32>::new());
    }

    #[test]
    fn who_started_before_the_known_one_is_not_of_it() {
        let all = [stat(1, 0, 1, 1, 0), stat(20, 1, 10, 10, 3)];
        assert_eq!(pids((10, 5), &all), Vec::<i32>::new());
    }
}
