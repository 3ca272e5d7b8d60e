//! Events with their pauses, cuts and stalls as a response body.
//!
//! Here: time. Not here: what the events say (`stream.rs`), which failure is due (`script.rs`).

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio_util::sync::CancellationToken;

use super::script::Ending;
use super::stream::Event;

/// The pause before a further piece of a text or input, at pace 1.
const PIECE_PAUSE: Duration = Duration::from_millis(25);
/// No wait is longer, whatever the scenario and the pace say.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How fast a scenario is played: a factor on all its waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace(f64);

impl Pace {
    /// As the scenario says.
    pub const SCRIPTED: Self = Self(1.0);
    /// Without any wait.
    pub const INSTANT: Self = Self(0.0);

    /// A factor on every wait: 2 is half as fast. Anything that is not a number, or below 0, is 0; a wait never exceeds an hour.
    pub fn factor(factor: f64) -> Self {
        if factor.is_nan() { Self::INSTANT } else { Self(factor.clamp(0.0, 1e6)) }
    }

    pub(super) fn apply(self, wait: Duration) -> Duration {
        Duration::try_from_secs_f64(wait.min(LONGEST_WAIT).as_secs_f64() * self.0).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
    }
}

/// Waits; false if the server closes meanwhile.
pub(super) async fn wait(time: Duration, closing: &CancellationToken) -> bool {
    if time.is_zero() {
        return !closing.is_cancelled();
    }
    tokio::select! {
        () = tokio::time::sleep(time) => true,
        () = closing.cancelled() => false,
    }
}

/// What is left to play.
struct Rest {
    events: VecDeque<Event>,
    first_wait: Duration,
    ending: Ending,
    pace: Pace,
    closing: CancellationToken,
}

/// A body that plays `events` after `first_wait`, to the `ending`. A server that closes breaks it off.
pub(super) fn body(
    mut events: VecDeque<Event>,
    first_wait: Duration,
    ending: Ending,
    pace: Pace,
    closing: CancellationToken,
) -> Body {
    if let Ending::Cut { after_events } | Ending::Stall { after_events } = ending {
        events.truncate(after_events);
    }
    let rest = Rest { events, first_wait: pace.apply(first_wait), ending, pace, closing };
    Body::from_stream(stream::unfold(Some(rest), |rest| async { next(rest?).await }))
}

/// The next bytes and what is left then; an error breaks the connection off.
async fn next(mut rest: Rest) -> Option<(io::Result<Bytes>, Option<Rest>)> {
    let broken_off = |why| Some((Err(io::Error::new(io::ErrorKind::ConnectionAborted, why)), None));
    let first_wait = std::mem::take(&mut rest.first_wait);
    if !wait(first_wait, &rest.closing).await {
        return broken_off("the server closes");
    }
    if let Some(event) = rest.events.pop_front() {
        let pause = if event.is_piece { rest.pace.apply(PIECE_PAUSE) } else { Duration::ZERO };
        if !wait(pause, &rest.closing).await {
            return broken_off("the server closes");
        }
        return Some((Ok(Bytes::from(event.wire)), Some(rest)));
    }
    match rest.ending {
        Ending::Complete => None,
        Ending::Cut { .. } => {
            // Gives what was played so far the chance to be sent before the connection breaks.
            tokio::task::yield_now().await;
            broken_off("a rehearsed cut")
        }
        Ending::Stall { .. } => {
            // Ends with the connection: a client that goes away drops this.
            rest.closing.cancelled().await;
            broken_off("the server closes")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    fn events() -> VecDeque<Event> {
        let event = |wire: &str, is_piece| Event { wire: wire.to_owned(), is_piece };
        VecDeque::from([event("a", false), event("b", true), event("c", true), event("d", false)])
    }

    async fn played(ending: Ending, pace: Pace, closing: &CancellationToken) -> (String, bool, Duration) {
        let began = Instant::now();
        let mut body = body(events(), Duration::from_millis(300), ending, pace, closing.clone()).into_data_stream();
        let (mut text, mut whole) = (String::new(), true);
        while let Some(next) = futures_util::StreamExt::next(&mut body).await {
            match next {
                Ok(bytes) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
                Err(_) => whole = false,
            }
        }
        (text, whole, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn the_pace_scales_every_wait() {
        let open = CancellationToken::new();
        for (pace, waited) in [
            (Pace::SCRIPTED, 350),
            (Pace::factor(2.0), 700),
            (Pace::INSTANT, 0),
            (Pace::factor(-1.0), 0),
            (Pace::factor(f64::NAN), 0),
        ] {
            assert_eq!(
                played(Ending::Complete, pace, &open).await,
                ("abcd".to_owned(), true, Duration::from_millis(waited)),
                "{pace:?}"
            );
        }
        assert_eq!(Pace::factor(f64::INFINITY).apply(Duration::MAX), LONGEST_WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_and_a_stall_end_early() {
        let closing = CancellationToken::new();
        let (text, whole, _) = played(Ending::Cut { after_events: 2 }, Pace::INSTANT, &closing).await;
        assert_eq!((text.as_str(), whole), ("ab", false));
        let stalled =
            tokio::time::timeout(Duration::from_secs(3600), played(Ending::Stall { after_events: 3 }, Pace::INSTANT, &closing));
        assert!(stalled.await.is_err(), "it is silent for as long as one listens");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_closes_breaks_everything_off() {
        let closing = CancellationToken::new();
        let (stall, wait) = (
            played(Ending::Stall { after_events: 1 }, Pace::INSTANT, &closing),
            played(Ending::Complete, Pace::SCRIPTED, &closing),
        );
        let close = async {
            tokio::time::sleep(Duration::from_millis(310)).await;
            closing.cancel();
        };
        let (stall, wait, ()) = tokio::join!(stall, wait, close);
        assert_eq!((stall.0.as_str(), stall.1), ("a", false));
        assert_eq!((wait.0.as_str(), wait.1, wait.2), ("a", false, Duration::from_millis(310)));
    }
}
