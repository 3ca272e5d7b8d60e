//! The operator's token for HTTP on loopback: a file that only the operator can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use crate::config::Home;
use crate::domain::error::Error;
use crate::secrets::Secret;

/// The home's token; made where there is none.
///
/// # Errors
/// `Unavailable` where the file can be neither read nor made.
pub(super) fn of(home: &Home) -> Result<String, Error> {
    let path = home.operator_token();
    let failed = |error: io::Error| Error::unavailable(format!("{}: {error}", path.display()));
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= 32 => return Ok(text.trim().to_owned()),
        Ok(_) => fs::remove_file(&path).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let token = Secret::generate();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    writeln!(file, "{}", token.expose()).map_err(failed)?;
    Ok(token.expose().to_owned())
}
