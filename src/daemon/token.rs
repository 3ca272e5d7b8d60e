//! The operator's token for HTTP on loopback: a file that only the operator can read.

use crate::config::Home;
use crate::domain::error::{Error, Kind};
use crate::secrets::{Secret, read_secret, write_secret};

/// The shortest token that is not replaced: nobody guesses one of this length.
const LENGTH_MIN: usize = 32;

/// The home's token; made anew where there is none, or none that would do: a short one, or one that others may have read.
///
/// # Errors
/// `Unavailable` where it can be neither read nor made.
pub(super) fn of(home: &Home) -> Result<String, Error> {
    let path = home.operator_token();
    match read_secret(&path) {
        Ok(Some(token)) if token.expose().len() >= LENGTH_MIN => return Ok(token.expose().to_owned()),
        Ok(_) => {}
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::Denied) => tracing::warn!(%error, "a new token takes its place"),
        Err(error) => return Err(error),
    }
    let token = Secret::generate();
    write_secret(&path, &token)?;
    Ok(token.expose().to_owned())
}
