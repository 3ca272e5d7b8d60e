//! Small shapes: products, income, messages, agents, blobs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::product::ProductState;
use crate::domain::publication::PublicationState;
use crate::domain::time::Millis;

/// A product as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProductView {
    /// Its number.
    pub id: i64,
    /// Its name in paths.
    pub slug: String,
    /// For people.
    pub title: String,
    /// How far it is.
    pub state: ProductState,
    /// Why it was given up.
    pub reason: Option<String>,
    /// The round of its review and test loop.
    pub round: i64,
    /// Its newest snapshot.
    pub snapshot: Option<String>,
    /// When it was started.
    pub created_at: Millis,
    /// What was published of it.
    pub publications: Vec<PublicationView>,
}

/// A publication as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublicationView {
    /// The approval that allowed it.
    pub approval: i64,
    /// Where to.
    pub outlet: String,
    /// Where it is.
    pub state: PublicationState,
    /// Where it can be seen.
    pub url: Option<String>,
}

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

/// A message to an agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tell {
    /// What it says.
    pub body: String,
    /// Its name: telling it again under the same one is telling it once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<uuid::Uuid>,
}

/// Which agents a request is about; none named means all.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    /// Their names.
    #[serde(default)]
    pub agents: Vec<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Bytes that are in the artifact store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// In lower-case hex.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// Something of which only the number is answered.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Id {
    /// The number.
    pub id: i64,
}

/// What a halt found and ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Halted {
    /// Sessions that were ended.
    pub sessions: Vec<String>,
    /// What could not be ended; empty when everything is gone.
    pub survivors: Vec<String>,
}

/// How the daemon is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// The daemon's version.
    pub version: String,
    /// The daemon's process.
    pub pid: u32,
    /// The home's folder.
    pub home: String,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub more: Value,
}
