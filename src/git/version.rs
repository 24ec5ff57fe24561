//! Which git is on PATH.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Mutex;

use super::Git;
use crate::error::{Error, Result};

/// The oldest git that okstra works with: `worktree list -z` and `git hook run` came with 2.36, `worktree add --lock
/// --reason` with 2.33.
pub const MINIMUM: &str = "2.36";

/// Its first two numbers.
pub type Version = (u32, u32);

static CHECKED: Mutex<Option<(OsString, Version)>> = Mutex::new(None);

/// Fails when there is no git on PATH or it is too old. Asks git once per process and PATH: 2 ms.
pub fn check() -> Result<()> {
    known().map(drop)
}

/// Whether git is of this version or newer.
pub fn is_at_least(major: u32, minor: u32) -> Result<bool> {
    Ok(known()? >= (major, minor))
}

/// The first two numbers of its version, asked once per process and PATH.
pub fn known() -> Result<Version> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut checked = CHECKED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((known, version)) = &*checked
        && *known == path
    {
        return Ok(*version);
    }
    let version = parse(&installed()?).unwrap_or((2, 36));
    *checked = Some((path, version));
    Ok(version)
}

/// The version of the git on PATH, as git says it. Fails when there is none or it is too old.
pub fn installed() -> Result<String> {
    let output = Git::new(Path::new(if cfg!(windows) { "." } else { "/" })).args(["version"]).read()?;
    let text = String::from_utf8_lossy(&output);
    let found = text.trim().trim_start_matches("git version ").to_owned();
    if parse(&found).is_none_or(|version| version < (2, 36)) {
        return Err(Error::GitTooOld { found, needed: MINIMUM });
    }
    Ok(found)
}

fn parse(text: &str) -> Option<Version> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn versions_of_all_vendors_are_read() {
        assert_eq!(parse("2.47.3"), Some((2, 47)));
        assert_eq!(parse("2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(parse("2.51.0.windows.1"), Some((2, 51)));
        assert_eq!(parse("3.0.0-rc1"), Some((3, 0)));
        assert_eq!(parse("nonsense"), None);
    }
}
