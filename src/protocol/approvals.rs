//! Approvals as they travel.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::approval::ApprovalState;
use crate::domain::snapshot::Entry;
use crate::domain::time::Millis;

/// An approval as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Its number.
    pub id: i64,
    /// What is to be decided.
    pub kind: String,
    /// Where it is.
    pub state: ApprovalState,
    /// What the person is asked.
    pub question: String,
    /// About which product.
    pub product: i64,
    /// That product's name.
    pub product_slug: Option<String>,
    /// That product's title.
    pub product_title: Option<String>,
    /// The task that asked.
    pub task: i64,
    /// Exactly which bytes, by the hash of their manifest.
    pub snapshot: Option<String>,
    /// Whether it is open and the product has other files by now; the decision is about these all the same.
    #[serde(default)]
    pub outdated: bool,
    /// What else is agreed to.
    pub terms: Value,
    /// The hash over kind, snapshot and terms: what a decision is bound to.
    pub binding: String,
    /// When it was asked.
    pub created_at: Millis,
    /// When it was decided.
    pub decided_at: Option<Millis>,
    /// By whom.
    pub decided_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// An approval with the files that it is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApprovalDetail {
    /// The approval.
    #[serde(flatten)]
    pub approval: ApprovalView,
    /// The files.
    pub files: Vec<Entry>,
}

/// A decision.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// Why; needed to reject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The binding that the person was shown. With it the decision holds for that or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
}
