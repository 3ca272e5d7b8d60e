//! Products and the pipelines they started with.

use rusqlite::{OptionalExtension, Row};
use serde_json::Value;

use super::error::StoreError;
use super::tasks::{json, word};
use super::{Reader, Tx};
use crate::domain::product::{ProductId, ProductState};
use crate::domain::snapshot::Manifest;
use crate::domain::time::Millis;

/// A product as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductRow {
    /// Its number.
    pub id: ProductId,
    /// Its name outside the home.
    pub uuid: String,
    /// Its name in paths.
    pub slug: String,
    /// For people.
    pub title: String,
    /// What it is about.
    pub idea: Value,
    /// How far it is.
    pub state: ProductState,
    /// Why it was given up.
    pub reason: Option<String>,
    /// The round of its review and test loop, from 1.
    pub round: i64,
    /// The last round that may begin without asking a person.
    pub round_bound: i64,
    /// The pipeline it started with.
    pub pipeline: String,
    /// Its newest snapshot.
    pub snapshot: Option<String>,
    /// When it was started.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// What a product begins with.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// See [`ProductRow::uuid`].
    pub uuid: String,
    /// See [`ProductRow::slug`].
    pub slug: String,
    /// See [`ProductRow::title`].
    pub title: String,
    /// See [`ProductRow::idea`].
    pub idea: Value,
    /// See [`ProductRow::round_bound`].
    pub round_bound: i64,
    /// See [`ProductRow::pipeline`].
    pub pipeline: String,
}

fn product(row: &Row<'_>) -> rusqlite::Result<ProductRow> {
    Ok(ProductRow {
        id: row.get("id")?,
        uuid: row.get("uuid")?,
        slug: row.get("slug")?,
        title: row.get("title")?,
        idea: json(row, "idea")?,
        state: word(row, "state", ProductState::parse)?,
        reason: row.get("reason")?,
        round: row.get("round")?,
        round_bound: row.get("round_bound")?,
        pipeline: row.get("pipeline")?,
        snapshot: row.get("snapshot")?,
        created_at: Millis(row.get("created_at")?),
        updated_at: Millis(row.get("updated_at")?),
    })
}

impl Reader<'_> {
    /// The product with this number.
    ///
    /// # Errors
    /// The database's.
    pub fn product(&self, id: ProductId) -> Result<Option<ProductRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM products WHERE id = ?1")?;
        Ok(statement.query_row([id], product).optional()?)
    }

    /// All products, newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn products(&self) -> Result<Vec<ProductRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM products ORDER BY id DESC")?;
        Ok(statement.query_map([], product)?.collect::<Result<_, _>>()?)
    }

    /// Whether a product has this name.
    ///
    /// # Errors
    /// The database's.
    pub fn slug_taken(&self, slug: &str) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM products WHERE slug = ?1)")?;
        Ok(statement.query_row([slug], |row| row.get(0))?)
    }

    /// The canonical JSON of a pipeline.
    ///
    /// # Errors
    /// The database's.
    pub fn pipeline(&self, hash: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT body FROM pipelines WHERE hash = ?1")?;
        Ok(statement.query_row([hash], |row| row.get(0)).optional()?)
    }

    /// The manifest of a snapshot.
    ///
    /// # Errors
    /// The database's.
    pub fn snapshot(&self, hash: &str) -> Result<Option<Manifest>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT manifest FROM snapshots WHERE hash = ?1")?;
        let found = statement.query_row([hash], |row| json(row, "manifest")).optional()?;
        Ok(found.and_then(|value| serde_json::from_value(value).ok()))
    }
}

impl Tx<'_> {
    /// Adds a product.
    ///
    /// # Errors
    /// The database's.
    pub fn insert_product(&self, new: &NewProduct, now: Millis) -> Result<ProductRow, StoreError> {
        let sql = "INSERT INTO products (uuid, slug, title, idea, state, round_bound, pipeline, created_at, updated_at)
                   VALUES (?1, ?2, ?3, ?4, 'active', ?5, ?6, ?7, ?7) RETURNING *";
        let values = (&new.uuid, &new.slug, &new.title, new.idea.to_string(), new.round_bound, &new.pipeline, now.0);
        Ok(self.connection.prepare_cached(sql)?.query_row(values, product)?)
    }

    /// Writes how far a product is.
    ///
    /// # Errors
    /// The database's.
    pub fn set_product_state(
        &self,
        id: ProductId,
        state: ProductState,
        reason: Option<&str>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE products SET state = ?2, reason = ?3, updated_at = ?4 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute((id, state.as_str(), reason, now.0))?;
        Ok(())
    }

    /// Writes a product's round and its bound.
    ///
    /// # Errors
    /// The database's.
    pub fn set_round(&self, id: ProductId, round: i64, bound: i64, now: Millis) -> Result<(), StoreError> {
        let sql = "UPDATE products SET round = ?2, round_bound = ?3, updated_at = ?4 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute((id, round, bound, now.0))?;
        Ok(())
    }

    /// Makes a snapshot the product's newest.
    ///
    /// # Errors
    /// The database's.
    pub fn set_product_snapshot(&self, id: ProductId, snapshot: &str, now: Millis) -> Result<(), StoreError> {
        let sql = "UPDATE products SET snapshot = ?2, updated_at = ?3 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute((id, snapshot, now.0))?;
        Ok(())
    }

    /// Keeps a pipeline under its hash.
    ///
    /// # Errors
    /// The database's.
    pub fn keep_pipeline(&self, hash: &str, body: &str, now: Millis) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO pipelines (hash, body, created_at) VALUES (?1, ?2, ?3)";
        self.connection.prepare_cached(sql)?.execute((hash, body, now.0))?;
        Ok(())
    }

    /// Keeps a manifest under its hash.
    ///
    /// # Errors
    /// The database's.
    pub fn keep_snapshot(&self, hash: &str, manifest: &Manifest, now: Millis) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO snapshots (hash, manifest, created_at) VALUES (?1, ?2, ?3)";
        let body = serde_json::to_string(manifest).unwrap_or_default();
        self.connection.prepare_cached(sql)?.execute((hash, body, now.0))?;
        Ok(())
    }
}
