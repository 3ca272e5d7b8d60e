//! `claude-swarm approvals`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::Done;
use crate::cli::table::{Table, cell};
use crate::cli::terminal::Tone;
use crate::cli::time;
use crate::domain::approval::ApprovalState;
use crate::domain::text::one_line;

#[derive(Debug, Args)]
pub(super) struct Approvals {
    /// The decided ones too
    #[arg(long)]
    all: bool,
}

impl Approvals {
    pub async fn run(self, context: &Context) -> Done {
        let approvals = context.operator()?.approvals(self.all).await?;
        if context.terminal.json {
            return context.terminal.say_json(&approvals);
        }
        if approvals.is_empty() {
            return context.terminal.say("nothing waits for you");
        }
        let now = crate::clock::now();
        let mut table = Table::new(&context.terminal, &["ID", "KIND", "STATE", "PRODUCT", "AGE", "QUESTION", "REASON"]);
        for approval in &approvals {
            let product = approval.product_slug.clone().unwrap_or_else(|| approval.product.to_string());
            table.row([
                cell(approval.id).right(),
                cell(&approval.kind),
                cell(approval.state.as_str()).tone(tone(approval.state)),
                cell(product),
                cell(time::age(approval.created_at, now)).tone(Tone::Dim),
                cell(one_line(&approval.question, 200)),
                cell(approval.reason.as_deref().map(|reason| one_line(reason, 120)).unwrap_or_default()),
            ]);
        }
        context.terminal.say(format!("{}\n\n`claude-swarm approval ID` shows what one is about.", table.show()))
    }
}

pub(super) fn tone(state: ApprovalState) -> Tone {
    match state {
        ApprovalState::Open => Tone::Bad,
        ApprovalState::Approved => Tone::Good,
        ApprovalState::Rejected => Tone::Warn,
        ApprovalState::Withdrawn => Tone::Dim,
    }
}
