//! A look at the machine: what its system consists of, for the sandbox to show.

use std::fs;

use crate::sandbox::{Found, SystemLayout};

/// What the system consists of.
pub(super) fn look() -> SystemLayout {
    SystemLayout::from_looking(|path| {
        let about = fs::symlink_metadata(path).ok()?;
        if !about.is_symlink() {
            return Some(Found::Other);
        }
        // A link that leads nowhere cannot be shown.
        fs::metadata(path).ok()?;
        fs::read_link(path).ok().map(Found::Link)
    })
}
