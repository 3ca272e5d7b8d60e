//! `claude-swarm approve` and `reject`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::Done;
use crate::domain::approval::Decision;
use crate::domain::error::Error;
use crate::protocol::approvals::Decide;

#[derive(Debug, Args)]
pub(super) struct Approve {
    /// Its number
    id: i64,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The binding that you were shown, or its beginning: decides only if it is still that
    #[arg(long, value_name = "HASH")]
    binding: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Reject {
    /// Its number
    id: i64,
    /// Why; the next attempt is told
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The binding that you were shown, or its beginning: decides only if it is still that
    #[arg(long, value_name = "HASH")]
    binding: Option<String>,
}

impl Approve {
    pub async fn run(self, context: &Context) -> Done {
        decide(context, self.id, Decision::Approve, self.reason, self.binding).await
    }
}

impl Reject {
    pub async fn run(self, context: &Context) -> Done {
        decide(context, self.id, Decision::Reject, Some(self.reason), self.binding).await
    }
}

/// The shortest beginning of a binding that names one.
const BINDING_MIN: usize = 8;

async fn decide(context: &Context, id: i64, decision: Decision, reason: Option<String>, seen: Option<String>) -> Done {
    let operator = context.operator()?;
    let shown = operator.approval(id).await?.approval;
    if let Some(seen) = seen {
        if seen.len() < BINDING_MIN {
            let error = Error::invalid("binding", format!("{seen:?} is too short"));
            return Err(error.hint(format!("give at least its first {BINDING_MIN} digits")).into());
        }
        if !shown.binding.starts_with(&seen) {
            let error = Error::conflict(format!("approval {id} is not what you were shown: its binding is {}", shown.binding));
            return Err(error.hint(format!("look at it again: `claude-swarm approval {id}`")).into());
        }
    }
    let decided = operator.decide(id, decision, &Decide { reason, binding: Some(shown.binding) }).await?;
    if context.terminal.json {
        return context.terminal.say_json(&decided);
    }
    let product = shown.product_slug.unwrap_or_else(|| format!("product {}", shown.product));
    context.terminal.say(format!("approval {id} ({} of {product}) {}", decided.kind, decided.state.as_str()))
}
