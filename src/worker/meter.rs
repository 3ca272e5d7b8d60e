//! The meter: what an attempt has used, over all its processes.

use crate::domain::budget::{MicroUsd, Usage};
use crate::domain::price;
use crate::domain::report::Progress;
use crate::domain::task::Token;

/// What an attempt has used, and how often that was reported.
pub(super) struct Meter {
    token: Token,
    report: i64,
    /// The processes before this one.
    before: (Usage, MicroUsd),
    usage: Usage,
    /// What this process's tokens cost by the price list.
    imputed: MicroUsd,
    /// What this process cost in the CLI's own word.
    said: MicroUsd,
    /// What the last report said.
    reported: (Usage, MicroUsd),
}

impl Meter {
    pub(super) fn new(token: Token) -> Self {
        let (usage, cost) = (Usage::default(), MicroUsd(0));
        Self { token, report: 0, before: (usage, cost), usage, imputed: cost, said: cost, reported: (usage, cost) }
    }

    /// A process has used this much so far.
    pub(super) fn process_used(&mut self, usage: Usage, model: &str) {
        self.usage = usage;
        self.imputed = price::imputed(model, &usage);
    }

    /// The CLI says what its process cost so far.
    pub(super) fn turn_ended(&mut self, cost: MicroUsd) {
        self.said = self.said.max(cost);
    }

    /// The next process counts from nothing again.
    pub(super) fn next_process(&mut self) {
        self.before = self.total();
        (self.usage, self.imputed, self.said) = (Usage::default(), MicroUsd(0), MicroUsd(0));
    }

    /// Whether this process has asked a model anything yet.
    pub(super) fn is_unused(&self) -> bool {
        self.usage.total() == 0 && self.said == MicroUsd(0)
    }

    /// What the next process may spend of the attempt's budget: at the least a hundredth of a dollar, because none at all means no bound.
    pub(super) fn left(&self, budget: MicroUsd) -> MicroUsd {
        MicroUsd(budget.0.saturating_sub(self.total().1.0).max(10_000))
    }

    /// Tokens and cost: the CLI's own word, or what the tokens cost by the price list if that is more.
    fn total(&self) -> (Usage, MicroUsd) {
        let (usage, cost) = self.before;
        (usage.plus(self.usage), cost.plus(self.said.max(self.imputed)))
    }

    /// Whether anything was used since the last report.
    pub(super) fn has_news(&self) -> bool {
        self.total() != self.reported
    }

    /// The next report.
    pub(super) fn next(&mut self) -> Progress {
        self.report += 1;
        self.reported = self.total();
        let (usage, cost) = self.reported;
        Progress { token: self.token, report: self.report, usage, cost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(output: u64) -> Usage {
        Usage { output, ..Usage::default() }
    }

    #[test]
    fn the_greater_of_word_and_price_list_counts_and_processes_add_up() {
        let token = Token { epoch: 1, n: 1 };
        let mut meter = Meter::new(token);
        meter.process_used(written(1_000_000), "claude-sonnet-5");
        let by_list = meter.next().cost;
        assert!(by_list > MicroUsd(1_000_000), "{by_list:?}");
        meter.turn_ended(MicroUsd(5));
        assert_eq!(meter.next().cost, by_list);
        meter.turn_ended(by_list.plus(MicroUsd(2)));
        // A later turn that says less changes nothing: a process's sum only grows.
        meter.turn_ended(by_list);
        assert!(!meter.is_unused());
        meter.next_process();
        assert!(meter.is_unused());
        assert_eq!(meter.left(by_list.plus(MicroUsd(500_002))), MicroUsd(500_000));
        assert_eq!(meter.left(by_list), MicroUsd(10_000));
        meter.process_used(written(1), "claude-sonnet-5");
        meter.turn_ended(MicroUsd(1_000));
        let progress = meter.next();
        assert_eq!((progress.report, progress.usage.output), (3, 1_000_001));
        assert_eq!(progress.cost, by_list.plus(MicroUsd(1_002)));
    }
}
