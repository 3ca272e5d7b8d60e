//! `completions`, of either program.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::context::Context;
use crate::cli::failure::Done;

#[derive(Debug, Args)]
pub(in crate::cli) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run<C: CommandFactory>(self, context: &Context) -> Done {
        let mut command = C::command();
        let name = command.get_name().to_owned();
        // Into memory first: the generator panics where it cannot write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        context.terminal.write(&script)
    }
}
