//! Money and tokens: what was spent, what is reserved, and whether another attempt still fits.

use serde::{Deserialize, Serialize};

/// The most dollars that are converted: far above anything real, and far below what would break the sums.
const USD_MAX: MicroUsd = MicroUsd(1_000_000_000_000_000);

/// By how much a sum of dollars in binary may lie beside what was meant, in millionths of a dollar.
const HAIR: f64 = 1e-6;

/// The most tokens of one class that an attempt is believed to have used: far above anything real.
const TOKENS_MAX: u64 = 1_000_000_000_000;

/// How far an attempt is believed to have gone beyond its budget. The CLI looks at its budget between two turns, so that the last turn may
/// exceed it, and no single turn costs as much as this. The figure comes from a stream into which product code could write.
const OVERSHOOT_MAX: MicroUsd = MicroUsd(25_000_000);

/// Millionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MicroUsd(pub i64);

impl MicroUsd {
    /// From dollars, rounded up, so that a cap is never missed by rounding. Not a number counts as nothing.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "clamped to a range that fits")]
    pub fn from_usd(usd: f64) -> Self {
        // A hair above a whole number is that number: 0.1 + 0.2 dollars are 300000 millionths, not 300001.
        let micro = (usd * 1_000_000.0 - HAIR).ceil();
        Self(micro.clamp(0.0, USD_MAX.0 as f64) as i64)
    }

    /// In dollars, for people.
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1_000_000.0
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What can be believed of an attempt's cost: nothing below 0, and not far more than its `budget`.
    #[must_use]
    pub fn believable(self, budget: Self) -> Self {
        Self(self.0.clamp(0, budget.plus(OVERSHOOT_MAX).0.max(0)))
    }
}

/// Tokens of an attempt, each class by itself because each has its own price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Read by the model, not from the cache.
    pub input: u64,
    /// Written by the model.
    pub output: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Written to the cache.
    pub cache_write: u64,
}

impl Usage {
    /// The sum, class by class.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.each(other, u64::saturating_add)
    }

    /// The greater, class by class.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        self.each(other, u64::max)
    }

    /// What is here and not there, class by class; never below 0.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.each(other, u64::saturating_sub)
    }

    fn each(self, other: Self, join: fn(u64, u64) -> u64) -> Self {
        Self {
            input: join(self.input, other.input),
            output: join(self.output, other.output),
            cache_read: join(self.cache_read, other.cache_read),
            cache_write: join(self.cache_write, other.cache_write),
        }
    }

    /// What can be believed of it: never more of a class than any attempt could use.
    #[must_use]
    pub fn believable(self) -> Self {
        self.each(Self::default(), |count, _| count.min(TOKENS_MAX))
    }

    /// All classes together.
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output).saturating_add(self.cache_read).saturating_add(self.cache_write)
    }
}

/// The day's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Spent since midnight UTC.
    pub spent: MicroUsd,
    /// What the attempts under way may still spend: each one's budget less what it has reported.
    pub reserved: MicroUsd,
    /// The most a day may cost.
    pub cap: MicroUsd,
}

impl Ledger {
    /// The largest budget with which another attempt may begin: only if even its worst case stays under the cap. Below 0 where nothing may.
    pub fn left(&self) -> MicroUsd {
        MicroUsd(self.cap.0.saturating_sub(self.spent.0).saturating_sub(self.reserved.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_case_must_fit() {
        let ledger = Ledger { spent: MicroUsd(5), reserved: MicroUsd(3), cap: MicroUsd(10) };
        assert_eq!(ledger.left(), MicroUsd(2));
    }

    #[test]
    fn a_cost_is_believed_up_to_an_expensive_turn_beyond_its_budget() {
        let budget = MicroUsd::from_usd(2.0);
        for (said, believed) in [(1.5, 1.5), (9.0, 9.0), (27.0, 27.0), (1e9, 27.0)] {
            assert_eq!(MicroUsd::from_usd(said).believable(budget), MicroUsd::from_usd(believed), "{said}");
        }
        assert_eq!(MicroUsd(-5).believable(budget), MicroUsd(0));
    }

    #[test]
    fn dollars_round_up_and_nonsense_is_nothing() {
        for (usd, micro) in [
            (0.000_000_1, 1),
            (0.007_262_499_999_999_999, 7263),
            (0.3, 300_000),
            (0.1 + 0.2, 300_000),
            (0.0, 0),
            (-3.0, 0),
            (f64::NAN, 0),
            (f64::NEG_INFINITY, 0),
            (f64::INFINITY, USD_MAX.0),
        ] {
            assert_eq!(MicroUsd::from_usd(usd), MicroUsd(micro), "{usd}");
        }
    }
}
