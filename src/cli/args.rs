//! The arguments of what is not run here: the daemon and the worker. The programs hand them over.

use std::path::PathBuf;

use clap::Args;

/// How the daemon is run in the foreground.
#[derive(Debug, Clone, Default, Args)]
pub struct DaemonArgs {
    /// The home that was asked for with `--home`.
    #[arg(skip)]
    pub home: Option<PathBuf>,
    /// Let a script decide what a person must decide; in rehearsals only
    #[arg(long)]
    pub auto_approve: bool,
    /// How fast a rehearsal's script plays: 2 is twice as fast
    #[arg(long, value_name = "FACTOR", value_parser = pace)]
    pub pace: Option<f64>,
}

/// Whose worker to be.
#[derive(Debug, Clone, Default, Args)]
pub struct WorkerArgs {
    /// The home that was asked for with `--home`.
    #[arg(skip)]
    pub home: Option<PathBuf>,
    /// The agent
    #[arg(long, value_name = "NAME")]
    pub agent: String,
    /// The session it was started for
    #[arg(long, value_name = "ID")]
    pub session: i64,
}

/// How fast a script plays; nothing at all would never end.
pub(crate) fn pace(text: &str) -> Result<f64, String> {
    let pace: f64 = text.parse().map_err(|_| format!("{text:?} is not a number"))?;
    if pace.is_finite() && pace > 0.0 { Ok(pace) } else { Err("the pace must be above 0".to_owned()) }
}
