//! Products: what the pipeline makes, and how far each is.

use serde::{Deserialize, Serialize};

/// The number of a product.
pub type ProductId = i64;

/// How far a product is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductState {
    /// In the pipeline.
    Active,
    /// On an outlet.
    Published,
    /// Given up.
    Shelved,
}

impl ProductState {
    /// The word used in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Published => "published",
            Self::Shelved => "shelved",
        }
    }

    /// The state that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Published, Self::Shelved].into_iter().find(|state| state.as_str() == word)
    }
}
