//! What tokens cost, for attempts that end before their CLI could say. The CLI's own figure takes the place of this one when it is higher.

use super::budget::{MicroUsd, Usage};

/// US dollars for a million tokens of each class: input, output, read from the cache, written to the cache.
type Price = [f64; 4];

/// Anthropic's list prices as Claude Code 2.1 charges them; an unknown model counts as the dearest.
const PRICES: [(&str, Price); 3] =
    [("haiku", [1.0, 5.0, 0.1, 1.25]), ("sonnet", [3.0, 15.0, 0.3, 3.75]), ("opus", [5.0, 25.0, 0.5, 6.25])];

/// The price of a usage, if it all went to one model. `model` is any name that holds the family's: `opus`, `claude-sonnet-5`.
#[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
pub fn imputed(model: &str, usage: &Usage) -> MicroUsd {
    let price = PRICES.iter().find(|(family, _)| model.contains(family)).unwrap_or(&PRICES[2]).1;
    let tokens = [usage.input, usage.output, usage.cache_read, usage.cache_write];
    MicroUsd::from_usd(tokens.iter().zip(price).map(|(n, price)| *n as f64 * price / 1e6).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_cli_charges_it() {
        // From a result line of Claude Code 2.1.197: "total_cost_usd": 0.0045375.
        let usage = Usage { input: 1200, output: 42, cache_read: 400, cache_write: 50 };
        assert_eq!(imputed("claude-sonnet-5", &usage), MicroUsd(4538));
    }
}
