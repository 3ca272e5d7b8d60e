//! The pause before a daemon that is away is looked for again: short at first, because most restarts are, and never long, because
//! somebody waits.

use std::time::Duration;

use tokio::time::sleep;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// Pauses that double from 50 ms to 1 s.
#[derive(Debug)]
pub(super) struct Pause {
    next: Duration,
}

impl Default for Pause {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Pause {
    /// Waits. Where this is dropped before its end, the next pause is as long.
    pub async fn wait(&mut self) {
        sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_to_the_longest() {
        let mut pause = Pause::default();
        for millis in [50, 100, 200, 400, 800, 1000, 1000] {
            let began = Instant::now();
            pause.wait().await;
            assert_eq!(began.elapsed(), Duration::from_millis(millis));
        }
        // What was broken off does not count.
        let mut pause = Pause::default();
        assert!(tokio::time::timeout(Duration::from_millis(20), pause.wait()).await.is_err());
        assert_eq!(pause.next, FIRST);
    }
}
