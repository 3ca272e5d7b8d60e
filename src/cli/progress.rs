//! A sign of life for what takes longer than a moment: a spinner on the standard error, if a person watches it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::Terminal;
use crate::domain::text::one_line;

/// A spinner; it goes away with this value.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins to spin.
    pub fn start(terminal: &Terminal, text: &str) -> Self {
        if !terminal.attended || terminal.json {
            return Self(ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(one_line(text, 200));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Says what is waited for now.
    pub fn say(&self, text: &str) {
        self.0.set_message(one_line(text, 200));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
