//! What each day cost.

use super::attempts::signed;
use super::error::StoreError;
use super::{Reader, Tx};
use crate::domain::budget::{MicroUsd, Usage};
use crate::domain::time::Millis;

/// One agent's day.
#[derive(Debug, Clone, PartialEq)]
pub struct SpendRow {
    /// Who.
    pub agent: String,
    /// What it cost.
    pub cost: MicroUsd,
    /// Tokens of all classes.
    pub tokens: u64,
}

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

impl Reader<'_> {
    /// What was spent on the UTC day of `now`.
    ///
    /// # Errors
    /// The database's.
    pub fn spent_today(&self, now: Millis) -> Result<MicroUsd, StoreError> {
        let sql = "SELECT coalesce(sum(cost), 0) FROM spend WHERE day = ?1";
        Ok(MicroUsd(self.connection.prepare_cached(sql)?.query_row([now.0.div_euclid(DAY)], |row| row.get(0))?))
    }

    /// What each agent has spent on the UTC day of `now`.
    ///
    /// # Errors
    /// The database's.
    pub fn spend_by_agent(&self, now: Millis) -> Result<Vec<SpendRow>, StoreError> {
        let sql =
            "SELECT agent, cost, input + output + cache_read + cache_write AS tokens FROM spend WHERE day = ?1 ORDER BY agent";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([now.0.div_euclid(DAY)], |row| {
            let tokens: i64 = row.get("tokens")?;
            Ok(SpendRow { agent: row.get("agent")?, cost: MicroUsd(row.get("cost")?), tokens: tokens.unsigned_abs() })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Adds to an agent's day.
    ///
    /// # Errors
    /// The database's.
    pub fn add_spend(&self, agent: &str, cost: MicroUsd, usage: &Usage, now: Millis) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO spend (day, agent, cost, input, output, cache_read, cache_write) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                   ON CONFLICT (day, agent) DO UPDATE SET cost = cost + excluded.cost, input = input + excluded.input,
                     output = output + excluded.output, cache_read = cache_read + excluded.cache_read,
                     cache_write = cache_write + excluded.cache_write";
        self.connection.prepare_cached(sql)?.execute((
            now.0.div_euclid(DAY),
            agent,
            cost.0,
            signed(usage.input),
            signed(usage.output),
            signed(usage.cache_read),
            signed(usage.cache_write),
        ))?;
        Ok(())
    }
}
