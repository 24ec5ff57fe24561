//! git's lock of a worktree (`worktrees/<id>/locked`), and which of them are okstra's own.
//!
//! While a task is active its entry stays locked, so that nobody's `git worktree prune`, `git worktree remove --force` or
//! `git gc` takes it away while the disk is not mounted or a tool tidies up. While a run makes the worktree the reason names
//! the run instead. Both are replaced in one step: there is no moment in which the entry is not locked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{IoContext, Result};
use crate::git::room;
use crate::task::TaskKey;

/// What a standing lock begins with, before the task-key.
const STANDING: &str = "okstra ";
/// What a standing lock ends with, for whoever git shows it to.
const ADVICE: &str = ": use okstra remove";
/// What the lock of a run begins with, before the name of the run.
const RUN: &str = "okstra:";

/// Who has locked an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// Nobody.
    Free,
    /// The task of this key, for as long as it is active.
    Standing(String),
    /// A run of okstra, for as long as it is at work; the whole reason.
    Run(String),
    /// Somebody else, with this reason; empty where none was given.
    Foreign(String),
}

impl Lock {
    fn parse(text: &[u8]) -> Self {
        // A power cut leaves zeros as well as nothing.
        let reason =
            String::from_utf8_lossy(text).trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned();
        match reason.strip_prefix(STANDING).and_then(|rest| rest.strip_suffix(ADVICE)) {
            Some(key) if TaskKey::parse(key).is_ok() => Self::Standing(key.to_owned()),
            _ if reason.starts_with(RUN) => Self::Run(reason),
            _ => Self::Foreign(reason),
        }
    }

    /// Whether it is the standing lock of this task.
    #[must_use]
    pub fn stands_for(&self, key: &TaskKey) -> bool {
        matches!(self, Self::Standing(name) if *name == key.to_string())
    }

    /// The reason of a lock that this task has to respect or to tell of; `None` where there is none but its own.
    #[must_use]
    pub fn not_of(self, key: &TaskKey) -> Option<String> {
        match self {
            Self::Free => None,
            Self::Standing(_) if self.stands_for(key) => None,
            Self::Standing(name) => Some(reason_for(&name)),
            Self::Run(reason) | Self::Foreign(reason) => Some(reason),
        }
    }
}

/// What an empty lock file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// Our own, which a power cut has torn: an intent or other torn files of the same entry say so.
    Torn,
    /// Somebody's `git worktree lock` without a reason. Ours is never empty once it is put on: it is replaced durably.
    Foreign,
}

/// The reason with which the entry of an active task is locked.
#[must_use]
pub fn standing_reason(key: &TaskKey) -> String {
    reason_for(&key.to_string())
}

fn reason_for(key: &str) -> String {
    format!("{STANDING}{key}{ADVICE}")
}

/// The reason with which an entry is locked while a run of okstra works on it.
#[must_use]
pub fn run_reason(op: &str) -> String {
    format!("{RUN}{op}")
}

/// Who has locked an entry. What cannot be read is an error: it is not known to be unlocked.
pub fn of(admin: &Path) -> Result<Lock> {
    let file = file(admin);
    match fs::read(&file) {
        Ok(text) => Ok(Lock::parse(&text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Lock::Free)
        }
        Err(error) => Err(error).context("read", file),
    }
}

/// The reason with which an entry is locked, where it is.
#[must_use]
pub fn reason(admin: &Path) -> Option<String> {
    let text = fs::read(file(admin)).ok()?;
    Some(String::from_utf8_lossy(&text).trim().to_owned())
}

/// Whether an entry is locked by anybody: one system call.
#[must_use]
pub fn is_on(admin: &Path) -> bool {
    fs::symlink_metadata(file(admin)).is_ok()
}

/// Puts the standing lock of a task on its entry, in place of the lock of a run or of a standing one that is out of date;
/// somebody else's stays. Whether it stands now.
pub fn put_on(admin: &Path, key: &TaskKey, empty: Empty) -> Result<bool> {
    match of(admin)? {
        lock if lock.stands_for(key) => Ok(true),
        Lock::Foreign(reason) if !reason.is_empty() || empty == Empty::Foreign => Ok(false),
        _ => {
            // Whoever may read the rest of the entry can read this too: git dies where it cannot.
            room::write(room::common_of(admin), &file(admin), standing_reason(key).as_bytes())?;
            Ok(true)
        }
    }
}

/// Takes a lock off that is okstra's own: the standing one of this task, or the one of this run.
pub fn take_off(admin: &Path, ours: impl Fn(&Lock) -> bool) -> Result<()> {
    if !ours(&of(admin)?) {
        return Ok(());
    }
    match fs::remove_file(file(admin)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("unlock", admin),
        _ => Ok(()),
    }
}

fn file(admin: &Path) -> PathBuf {
    admin.join("locked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{self, Replace};

    #[test]
    fn our_own_locks_are_told_from_those_of_others() {
        let key = TaskKey::new("p", "g", "t").unwrap();
        assert_eq!(standing_reason(&key), "okstra p/g/t: use okstra remove");
        for (text, lock) in [
            ("okstra p/g/t: use okstra remove\n", Lock::Standing("p/g/t".into())),
            ("okstra p/g/t: use okstra remove", Lock::Standing("p/g/t".into())),
            ("okstra:0123456789abcdef", Lock::Run("okstra:0123456789abcdef".into())),
            ("okstra p/g: use okstra remove", Lock::Foreign("okstra p/g: use okstra remove".into())),
            ("okstra p/g/t", Lock::Foreign("okstra p/g/t".into())),
            ("on a stick\n", Lock::Foreign("on a stick".into())),
            ("", Lock::Foreign(String::new())),
            ("\0\0\0\0", Lock::Foreign(String::new())),
        ] {
            assert_eq!(Lock::parse(text.as_bytes()), lock, "{text:?}");
        }
        assert_eq!(Lock::Standing("p/g/t".into()).not_of(&key), None);
        assert_eq!(
            Lock::Standing("p/g/u".into()).not_of(&key).as_deref(),
            Some("okstra p/g/u: use okstra remove")
        );
    }

    #[test]
    fn a_foreign_lock_stays_and_ours_is_replaced_in_one_step() {
        let directory = tempfile::tempdir().unwrap();
        let (admin, key) = (directory.path(), TaskKey::new("p", "g", "t").unwrap());
        let write =
            |text: &str| disk::replace_file(&file(admin), text.as_bytes(), Replace::default()).unwrap();
        assert!(put_on(admin, &key, Empty::Foreign).unwrap(), "where there is none");
        for ours in ["okstra:0123", "okstra p/g/other: use okstra remove"] {
            write(ours);
            assert!(put_on(admin, &key, Empty::Foreign).unwrap(), "{ours}");
            assert_eq!(reason(admin).unwrap(), standing_reason(&key));
        }
        for foreign in ["mine", ""] {
            write(foreign);
            assert!(!put_on(admin, &key, Empty::Foreign).unwrap(), "{foreign}");
            take_off(admin, |lock| lock.stands_for(&key)).unwrap();
            assert_eq!(reason(admin).unwrap(), foreign);
        }
        assert!(put_on(admin, &key, Empty::Torn).unwrap());
        take_off(admin, |lock| lock.stands_for(&key)).unwrap();
        assert_eq!(of(admin).unwrap(), Lock::Free);
    }
}
