//! Income as it travels.

use serde::{Deserialize, Serialize};

use crate::domain::time::Millis;

/// An income, as it is entered and shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncomeBody {
    /// Its number; not given when it is entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// In hundredths of the currency; below 0 for a refund.
    pub amount_cents: i64,
    /// ISO 4217.
    pub currency: String,
    /// From where.
    pub source: String,
    /// For which product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<i64>,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Millis>,
}
