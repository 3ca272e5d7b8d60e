//! Products as they travel, and what was published of them.

use serde::{Deserialize, Serialize};

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
    /// Why it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
