//! The two ways in which okstra writes a moment down.

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
