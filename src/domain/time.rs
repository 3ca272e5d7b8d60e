//! Points in time as the product stores them. Reading a clock is not here but in `clock`.

use serde::{Deserialize, Serialize};

/// A point in time: UTC milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// This many milliseconds later.
    pub fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Where the time of day comes from. The daemon's clock reads the machine's; a simulation's says what the test says.
pub trait Clock: Send + Sync + 'static {
    /// The time of day.
    fn now(&self) -> Millis;
}
