//! `claude-swarm products`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::Done;
use crate::cli::table::{Table, cell};
use crate::cli::terminal::Tone;
use crate::cli::time;
use crate::domain::product::ProductState;
use crate::domain::text::one_line;

#[derive(Debug, Args)]
pub(super) struct Products {}

impl Products {
    pub async fn run(self, context: &Context) -> Done {
        let products = context.operator()?.products().await?;
        if context.terminal.json {
            return context.terminal.say_json(&products);
        }
        if products.is_empty() {
            return context.terminal.say("no products yet");
        }
        let now = crate::clock::now();
        let mut table = Table::new(&context.terminal, &["ID", "NAME", "TITLE", "STATE", "ROUND", "AGE", "WHERE"]);
        for product in &products {
            let tone = match product.state {
                ProductState::Active => Tone::Strong,
                ProductState::Published => Tone::Good,
                ProductState::Shelved => Tone::Dim,
            };
            let place = |it: &crate::protocol::products::PublicationView| match &it.url {
                Some(url) => url.clone(),
                None => format!("{} ({})", it.outlet, it.state.as_str()),
            };
            let places: Vec<String> = product.publications.iter().map(place).collect();
            let about = product.reason.as_deref().map(|reason| one_line(reason, 120)).unwrap_or_else(|| places.join(" "));
            table.row([
                cell(product.id).right(),
                cell(&product.slug),
                cell(one_line(&product.title, 80)),
                cell(product.state.as_str()).tone(tone),
                cell(product.round).right(),
                cell(time::age(product.created_at, now)).tone(Tone::Dim),
                cell(about),
            ]);
        }
        context.terminal.say(table.show())
    }
}
