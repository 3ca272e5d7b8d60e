//! Income, as a person entered it.

use rusqlite::Row;

use super::error::StoreError;
use super::{Reader, Tx};
use crate::domain::time::Millis;

/// An income as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct IncomeRow {
    /// Its number.
    pub id: i64,
    /// When it came in.
    pub at: Millis,
    /// In hundredths of the currency.
    pub amount: i64,
    /// ISO 4217: `USD`.
    pub currency: String,
    /// From where.
    pub source: String,
    /// For which product.
    pub product: Option<i64>,
    /// What else there is to say.
    pub note: Option<String>,
}

fn income(row: &Row<'_>) -> rusqlite::Result<IncomeRow> {
    Ok(IncomeRow {
        id: row.get("id")?,
        at: Millis(row.get("at")?),
        amount: row.get("amount")?,
        currency: row.get("currency")?,
        source: row.get("source")?,
        product: row.get("product")?,
        note: row.get("note")?,
    })
}

impl Reader<'_> {
    /// All income, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub fn income(&self) -> Result<Vec<IncomeRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM income ORDER BY at, id")?;
        Ok(statement.query_map([], income)?.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Adds an income; the row's own number is not used.
    ///
    /// # Errors
    /// The database's.
    pub fn insert_income(&self, row: &IncomeRow, by: &str, now: Millis) -> Result<i64, StoreError> {
        let sql = "INSERT INTO income (at, amount, currency, source, product, note, created_by, created_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let values = (row.at.0, row.amount, &row.currency, &row.source, row.product, &row.note, by, now.0);
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(self.connection.last_insert_rowid())
    }
}
