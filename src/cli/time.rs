//! Times for people: local clock times, ages, and durations as they are typed.

use std::time::Duration;

use chrono::{DateTime, Local, NaiveDate};

use crate::domain::time::Millis;

/// Local date and time: `2026-11-20 09:37:53`.
pub(crate) fn moment(at: Millis) -> String {
    match DateTime::from_timestamp_millis(at.0) {
        Some(utc) => utc.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string(),
        None => format!("{} ms", at.0),
    }
}

/// Local date.
pub(crate) fn day(at: Millis) -> String {
    moment(at).split(' ').next().unwrap_or_default().to_owned()
}

/// Noon of a day here, so that the day is the same in most of the world.
pub(crate) fn noon(text: &str) -> Option<Millis> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let noon = date.and_hms_opt(12, 0, 0)?.and_local_timezone(Local).earliest()?;
    Some(Millis(noon.timestamp_millis()))
}

/// How long something lasts, in its two largest units: `2h 5m`.
pub(crate) fn span(millis: i64) -> String {
    let seconds = millis.max(0) / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// How long ago something was.
pub(crate) fn age(at: Millis, now: Millis) -> String {
    span(now.0.saturating_sub(at.0))
}

/// A duration as it is typed: `500ms`, `60s`, `5m`, `1h30m`, `2d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let refused = || format!("{text:?} is not a duration; write for example 60s, 5m or 1h30m");
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(refused());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, tail) = tail.split_at(letters);
        let unit_ms: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(refused()),
        };
        let number: u64 = number.parse().map_err(|_| refused())?;
        total = number.checked_mul(unit_ms).and_then(|ms| total.checked_add(ms)).ok_or_else(refused)?;
        rest = tail;
    }
    Ok(Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, ms) in [("60s", 60_000), ("5m", 300_000), ("1h30m", 5_400_000), ("500ms", 500), ("2d", 172_800_000), ("0s", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "60", "s", "1.5h", "-1s", "5 m", "1x", "99999999999999999999s", "9999999999999999d"] {
            assert!(duration(bad).unwrap_err().contains("60s, 5m"), "{bad:?}");
        }
    }

    #[test]
    fn spans_show_two_units() {
        let shown = [0, 59_999, 60_000, 3_599_999, 3_600_000, 90_000_000, -5].map(span);
        assert_eq!(shown, ["0s", "59s", "1m 0s", "59m 59s", "1h 0m", "1d 1h", "0s"]);
    }

    #[test]
    fn a_day_stays_that_day() {
        let noon = noon("2026-02-28").unwrap();
        assert_eq!(moment(noon), "2026-02-28 12:00:00");
        assert_eq!(day(noon), "2026-02-28");
        for bad in ["2026-02-30", "28.2.2026", "", "2026-2"] {
            assert!(super::noon(bad).is_none(), "{bad:?}");
        }
    }
}
