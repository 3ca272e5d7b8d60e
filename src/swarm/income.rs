//! Income, as a person enters it.

use super::Swarm;
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::principal::Principal;
use crate::domain::text;
use crate::domain::time::Millis;
use crate::store::IncomeRow;

/// What a person enters.
#[derive(Debug, Clone)]
pub struct NewIncome {
    /// In hundredths of the currency; below 0 for a refund.
    pub amount: i64,
    /// ISO 4217: `USD`.
    pub currency: String,
    /// From where.
    pub source: String,
    /// For which product.
    pub product: Option<i64>,
    /// What else there is to say.
    pub note: Option<String>,
    /// When it came in; now, where not given.
    pub at: Option<Millis>,
}

impl Swarm {
    /// Adds an income.
    ///
    /// # Errors
    /// `Invalid`, naming the field; `NotFound` for the product; `Denied` for anyone but the operator.
    pub async fn add_income(&self, who: &Principal, new: NewIncome) -> Result<i64, Error> {
        who.must_be_operator("enter income")?;
        text::check("source", &new.source, 200)?;
        if new.source.trim().is_empty() {
            return Err(Error::invalid("source", "is empty").hint("say where the money came from: gumroad, invoice, …"));
        }
        text::check("note", new.note.as_deref().unwrap_or_default(), 2000)?;
        if new.currency.len() != 3 || !new.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(Error::invalid("currency", format!("{:?} is not a currency", text::one_line(&new.currency, 20)))
                .hint("three letters: USD"));
        }
        if new.amount == 0 {
            return Err(Error::invalid("amount", "is 0"));
        }
        let (actor, now) = (who.to_string(), self.now());
        self.store
            .write(move |tx| {
                if let Some(product) = new.product {
                    tx.product(product)?.ok_or_else(|| super::tasks::no_product(product))?;
                }
                let row = IncomeRow {
                    id: 0,
                    at: new.at.unwrap_or(now),
                    amount: new.amount,
                    currency: new.currency,
                    source: new.source,
                    product: new.product,
                    note: new.note,
                };
                let id = tx.insert_income(&row, &actor, now)?;
                let data = serde_json::json!({ "income": id, "amount_cents": row.amount, "currency": row.currency });
                tx.record(now, &NewEvent::new(EventKind::IncomeAdded, &actor).product(row.product).data(data))?;
                Ok(id)
            })
            .await
    }
}
