//! The program `claude-tasks`: tasks, for people, scripts and agents.

use std::process::ExitCode;

fn main() -> ExitCode {
    claude_swarm::cli::tasks::main()
}
