//! The one place that reads the wall clock.
//!
//! Here: the time of day as the product stores it. Not here: anything that decides by time; such code takes the time as an argument,
//! so that tests can say what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::time::{Clock, Millis};

/// The time of day, in UTC milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place that clippy.toml points to")]
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The machine's clock, for whoever takes a [`Clock`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Wall;

impl Clock for Wall {
    fn now(&self) -> Millis {
        now()
    }
}
