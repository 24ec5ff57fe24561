//! Who holds a lock: told to the person who waits, never used to decide anything. Liveness is the lock itself.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::owner_file;
use crate::clock;

/// A process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its command line, cut to 200 characters.
    pub command: String,
    /// When it took the lock (RFC 3339, UTC), where it wrote that down: okstra does, 0.12.0 does not.
    pub since: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} ({})", self.pid, self.command)?;
        match &self.since {
            Some(since) => write!(f, " since {since}"),
            None => Ok(()),
        }
    }
}

/// Writes down beside the lock file that this process holds it. Plainly and without a flush: it is a courtesy, and a
/// torn or old one is noticed by its process id.
#[expect(clippy::disallowed_methods, reason = "a torn owner file costs a detail in a message, nothing else")]
pub(super) fn record(lock: &Path) {
    let owner = Holder { pid: std::process::id(), command: own_command(), since: Some(clock::utc_now()) };
    if let Ok(text) = serde_json::to_vec(&owner) {
        let _ = std::fs::write(owner_file(lock), text);
    }
}

fn own_command() -> String {
    let words: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    shorten(&words.join(" "))
}

fn shorten(command: &str) -> String {
    command.chars().take(200).collect()
}

fn recorded(lock: &Path) -> Option<Holder> {
    serde_json::from_slice(&std::fs::read(owner_file(lock)).ok()?).ok()
}

/// The holder of a lock as far as it can be found out.
#[cfg(target_os = "linux")]
pub(super) fn find(lock: &Path) -> Option<Holder> {
    linux::holder(lock)
}

/// The holder of a lock as its owner file names it, when that process still runs.
#[cfg(not(target_os = "linux"))]
pub(super) fn find(lock: &Path) -> Option<Holder> {
    recorded(lock)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::{Holder, recorded, shorten};

    /// The process that took the lock by `/proc/locks`; when that one is gone (a child inherited the lock), the first
    /// process that has the file open.
    pub fn holder(lock: &Path) -> Option<Holder> {
        let metadata = fs::metadata(lock).ok()?;
        let recorded = recorded(lock);
        let pid =
            taken_by(&metadata).filter(|pid| command_of(*pid).is_some()).or_else(|| opened_by(&metadata))?;
        match recorded {
            Some(owner) if owner.pid == pid => Some(owner),
            _ => Some(Holder { pid, command: command_of(pid)?, since: None }),
        }
    }

    fn taken_by(metadata: &fs::Metadata) -> Option<u32> {
        let inode = metadata.ino().to_string();
        let locks = fs::read_to_string("/proc/locks").ok()?;
        locks.lines().find_map(|line| {
            // "3: FLOCK  ADVISORY  WRITE 1234 00:2b:5678 0 EOF"; a line with "->" is one that waits.
            let words: Vec<_> = line.split_whitespace().collect();
            let [_, "FLOCK", _, _, pid, file, ..] = words[..] else { return None };
            (file.rsplit(':').next() == Some(&inode)).then(|| pid.parse().ok()).flatten()
        })
    }

    fn opened_by(metadata: &fs::Metadata) -> Option<u32> {
        let me = std::process::id();
        fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let open = |fd: fs::DirEntry| {
                let found = fs::metadata(fd.path());
                found.is_ok_and(|found| (found.dev(), found.ino()) == (metadata.dev(), metadata.ino()))
            };
            (pid != me && fs::read_dir(entry.path().join("fd")).ok()?.flatten().any(open)).then_some(pid)
        })
    }

    fn command_of(pid: u32) -> Option<String> {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let text = String::from_utf8_lossy(&bytes).trim_end_matches('\0').replace('\0', " ");
        (!text.is_empty()).then(|| shorten(&text))
    }
}
