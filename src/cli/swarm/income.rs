//! `claude-swarm income`.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};

use crate::cli::amount;
use crate::cli::context::Context;
use crate::cli::failure::Done;
use crate::cli::table::{Table, cell};
use crate::cli::terminal::{Terminal, Tone};
use crate::cli::time;
use crate::domain::text::one_line;
use crate::domain::time::Millis;
use crate::protocol::income::IncomeBody;

#[derive(Debug, Args)]
pub(super) struct Income {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Enter what came in
    Add(Add),
    /// List what came in, with a sum for each currency
    List,
}

#[derive(Debug, Args)]
struct Add {
    /// How much: 12.50, or -3 for a refund
    #[arg(value_parser = amount::parse, allow_hyphen_values = true)]
    amount: i64,
    /// From where: gumroad, invoice, …
    #[arg(long, value_name = "SOURCE")]
    source: String,
    /// In which currency
    #[arg(long, value_name = "CODE", default_value = "USD")]
    currency: String,
    /// For which product
    #[arg(long, value_name = "ID")]
    product: Option<i64>,
    /// What else there is to say
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// On which day; otherwise now
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    date: Option<Millis>,
}

fn date(text: &str) -> Result<Millis, String> {
    time::noon(text).ok_or_else(|| format!("{text:?} is not a day; write for example 2026-11-20"))
}

impl Income {
    pub async fn run(self, context: &Context) -> Done {
        let operator = context.operator()?;
        match self.verb {
            Verb::Add(add) => {
                let income = IncomeBody {
                    id: None,
                    amount_cents: add.amount,
                    currency: add.currency.to_ascii_uppercase(),
                    source: add.source,
                    product: add.product,
                    note: add.note,
                    at: add.date,
                };
                let id = operator.add_income(&income).await?;
                if context.terminal.json {
                    return context.terminal.say_json_line(&serde_json::json!({ "id": id }));
                }
                context.terminal.say(format!("income {id}: {} {}", amount::show(income.amount_cents), income.currency))
            }
            Verb::List => {
                let income = operator.income().await?;
                if context.terminal.json {
                    return context.terminal.say_json(&income);
                }
                context.terminal.say(list(&context.terminal, &income))
            }
        }
    }
}

fn list(terminal: &Terminal, income: &[IncomeBody]) -> String {
    if income.is_empty() {
        return "no income yet".to_owned();
    }
    let mut table = Table::new(terminal, &["ID", "DAY", "AMOUNT", "", "SOURCE", "PRODUCT", "NOTE"]);
    // Wider than what is summed, so that no sum can be too large.
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    for it in income {
        *sums.entry(&it.currency).or_default() += i128::from(it.amount_cents);
        let amount = cell(amount::show(it.amount_cents)).right();
        table.row([
            cell(it.id.map(|id| id.to_string()).unwrap_or_default()).right(),
            cell(it.at.map(time::day).unwrap_or_default()),
            if it.amount_cents < 0 { amount.tone(Tone::Bad) } else { amount },
            cell(&it.currency),
            cell(one_line(&it.source, 80)),
            cell(it.product.map(|id| id.to_string()).unwrap_or_default()).right(),
            cell(it.note.as_deref().map(|note| one_line(note, 120)).unwrap_or_default()),
        ]);
    }
    let sum = |(currency, cents): (&str, i128)| {
        let shown = i64::try_from(cents).map_or_else(|_| format!("{cents} hundredths"), amount::show);
        format!("{} {shown} {currency}", terminal.paint(Tone::Strong, "sum"))
    };
    let sums: Vec<String> = sums.into_iter().map(sum).collect();
    format!("{}\n\n{}", table.show(), sums.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_by_currency_and_count_refunds() {
        let entry = |amount_cents, currency: &str| IncomeBody {
            id: Some(1),
            amount_cents,
            currency: currency.to_owned(),
            source: "gumroad".to_owned(),
            product: None,
            note: None,
            at: None,
        };
        let shown = list(
            &Terminal::plain(),
            &[entry(1010, "USD"), entry(20, "USD"), entry(-5, "EUR"), entry(i64::MAX, "JPY"), entry(1, "JPY")],
        );
        let sums: Vec<&str> = shown.lines().filter(|line| line.starts_with("sum")).collect();
        assert_eq!(sums, ["sum -0.05 EUR", "sum 9223372036854775808 hundredths JPY", "sum 10.30 USD"]);
    }
}
