//! `claude-swarm account`.

use clap::{Args, Subcommand};

use crate::cli::context::Context;
use crate::cli::failure::Done;

#[derive(Debug, Args)]
pub(super) struct Account {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// You logged in, or the limit is over: the account is tried again at once
    Open {
        /// The account, as `status` names it
        name: String,
    },
}

impl Account {
    pub async fn run(self, context: &Context) -> Done {
        let Verb::Open { name } = self.verb;
        context.operator()?.open_account(&name).await?;
        if context.terminal.json {
            return context.terminal.say_json_line(&serde_json::json!({ "account": name }));
        }
        context.terminal.say(format!("the account {name} is tried again"))
    }
}
