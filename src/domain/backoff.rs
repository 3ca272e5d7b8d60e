//! How long to wait before trying again. Pure: no clock, and the jitter comes from a seed, so that the same failure always gets the
//! same pause and a test can say which.

/// The first pause of a task, in milliseconds.
const TASK_BASE_MS: i64 = 5_000;
/// The longest pause of a task, in milliseconds.
const TASK_CAP_MS: i64 = 10 * 60_000;
/// The first pause of an account that is to slow down, in milliseconds.
const COOL_BASE_MS: i64 = 15_000;
/// The longest pause of an account that is to slow down, in milliseconds.
const COOL_CAP_MS: i64 = 10 * 60_000;
/// The first interval between probes of an exhausted account, in milliseconds.
const PROBE_BASE_MS: i64 = 60_000;
/// The longest interval between probes of an exhausted account, in milliseconds.
const PROBE_CAP_MS: i64 = 30 * 60_000;

/// The first pause before a crashed worker is started again, in milliseconds.
const RESTART_BASE_MS: i64 = 1_000;
/// The longest pause before a crashed worker is started again, in milliseconds.
const RESTART_CAP_MS: i64 = 60_000;
/// The furthest end of a limit that is believed, in milliseconds from now: the longest allowances are weekly. What is stated beyond it comes
/// from whoever wrote into the stream, and would close the account for good.
pub const RESET_MAX_MS: i64 = 8 * 24 * 60 * 60_000;

/// The pause of a task before its next attempt: 5 s doubling to 10 minutes. `n` counts the retries before this one; `seed` is
/// anything that differs between tasks, such as the id.
pub fn task_backoff_ms(n: u32, seed: u64) -> i64 {
    backoff_ms(TASK_BASE_MS, TASK_CAP_MS, n, seed)
}

/// The pause of an account after a rate limit or a failure of the provider: 15 s doubling to 10 minutes. `n` counts such failures
/// in a row before this one.
pub fn account_cool_ms(n: u32, seed: u64) -> i64 {
    backoff_ms(COOL_BASE_MS, COOL_CAP_MS, n, seed)
}

/// The interval until an exhausted account is probed with one task: 1 minute doubling to 30. `n` counts failed probes in a row.
pub fn account_probe_ms(n: u32, seed: u64) -> i64 {
    backoff_ms(PROBE_BASE_MS, PROBE_CAP_MS, n, seed)
}

/// The pause before a crashed worker is started again: 1 s doubling to 1 minute. `n` counts its unexpected ends before the last one.
pub fn restart_ms(n: u32, seed: u64) -> i64 {
    backoff_ms(RESTART_BASE_MS, RESTART_CAP_MS, n, seed)
}

/// `base`·2ⁿ, at most `cap` milliseconds, less a share of up to a fifth that depends on `seed` and `n` only: what failed together
/// does not come back together. Never above `cap`, never below four fifths of `base` or of `cap`, whichever is less.
fn backoff_ms(base: i64, cap: i64, n: u32, seed: u64) -> i64 {
    let full = 1_i64.checked_shl(n).filter(|factor| *factor > 0).map_or(cap, |factor| base.saturating_mul(factor)).min(cap);
    let span = full / 5;
    if span <= 0 {
        return full.max(0);
    }
    let share = i64::try_from(mix(seed ^ (u64::from(n) << 32)) % (span.unsigned_abs() + 1)).unwrap_or(0);
    full - share
}

/// The finaliser of `SplitMix64`: neighbouring seeds give unrelated values.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_pause_doubles_to_its_cap() {
        let full: Vec<i64> = (0..9).map(|n| task_backoff_ms(n, 1)).collect();
        let expected = [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000];
        for (got, most) in full.iter().zip(expected) {
            assert!(*got <= most && *got >= most - most / 5, "{got} is not within a fifth below {most}");
        }
        assert!((48_000..=60_000).contains(&account_probe_ms(0, 9)));
        assert!((1_440_000..=1_800_000).contains(&account_probe_ms(30, 9)));
        assert!((12_000..=15_000).contains(&account_cool_ms(0, 9)));
    }

    #[test]
    fn the_same_seed_gives_the_same_pause_and_others_spread() {
        assert_eq!(task_backoff_ms(3, 42), task_backoff_ms(3, 42));
        let distinct: std::collections::BTreeSet<i64> = (0..100).map(|seed| task_backoff_ms(3, seed)).collect();
        assert!(distinct.len() > 90, "only {} distinct pauses for 100 seeds", distinct.len());
    }

    proptest! {
        #[test]
        fn it_is_always_within_its_bounds(n in any::<u32>(), seed in any::<u64>()) {
            let pause = task_backoff_ms(n, seed);
            prop_assert!((4_000..=TASK_CAP_MS).contains(&pause), "{}", pause);
        }
    }
}
