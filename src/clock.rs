//! The two ways in which okstra writes a moment down.

use std::time::{Duration, SystemTime};

use jiff::{Timestamp, ZonedDateTime};

/// Now, in the form of `created_at` in a registry row: local time with numeric offset, `2026-11-23T07:00:00+0000`.
#[must_use]
pub fn local_now() -> String {
    ZonedDateTime::now().strftime("%Y-%m-%dT%H:%M:%S%z").to_string()
}

/// Now, as an RFC 3339 moment in UTC with milliseconds, for our own files.
#[must_use]
pub fn utc_now() -> String {
    utc(Timestamp::now())
}

/// Now, as `20261123T070000Z`, for names of files that are kept aside.
#[must_use]
pub fn utc_compact() -> String {
    Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A moment as RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn utc(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// When the machine was started, where the system tells; no process lives that did something before.
#[must_use]
pub fn started_at() -> Option<SystemTime> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let up: f64 = text.split_ascii_whitespace().next()?.parse().ok()?;
    SystemTime::now().checked_sub(Duration::try_from_secs_f64(up).ok()?)
}

/// Whether a moment, in either way of writing it, is later than another one; what cannot be read is the earliest.
#[must_use]
pub fn is_later(one: &str, other: &str) -> bool {
    let read = |text: &str| {
        text.parse::<Timestamp>().ok().or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%z", text).ok())
    };
    read(one) > read(other)
}

/// The moment that [`local_now`] wrote down, in seconds since 1970; `None` for anything else.
#[must_use]
pub fn seconds_of_local(text: &str) -> Option<i64> {
    let parsed = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%z", text).ok()?;
    parsed.to_timestamp().ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_machine_was_started_before_now() {
        assert!(started_at().unwrap() < SystemTime::now());
    }

    #[test]
    fn moments_are_compared_in_either_writing() {
        assert!(is_later("2026-11-23T07:00:01+0100", "2026-11-23T06:00:00.500Z"));
        assert!(!is_later("2026-11-23T07:00:00+0100", "2026-11-23T06:00:00.500Z"));
        assert!(is_later("2026-11-23T07:00:00+0100", "") && !is_later("", ""));
    }

    #[test]
    fn a_moment_of_a_row_is_read_back() {
        assert_eq!(seconds_of_local("1970-01-01T01:00:01+0100"), Some(1));
        let now = seconds_of_local(&local_now()).unwrap();
        assert!((Timestamp::now().as_second() - now).abs() < 5);
        assert_eq!(seconds_of_local("yesterday"), None);
    }
}
