//! What times the files of a new tree get.
//!
//! A build directory outside the tree (`cmake -B`, `CARGO_TARGET_DIR`, `make O=...`) outlives the tree. make, ninja and
//! cargo build what is younger than what they built before; so where anybody may have built from this path before, every
//! file of the new tree must be younger than that. Files get one time then, taken before the fill, and nothing in the tree
//! lies in the future. Only where nobody can have built from the path, files keep the times of their sources, which is
//! what caches of builds like best.
//!
//! git compares whole seconds: an entry of the second in which the index was written is read again by every `git status`.
//! So the time is the end of the second before, where the path was not in use since; else it is now, and the index is
//! written a second later.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Job;
use crate::cancel::{Cancel, NOTICE_WITHIN};
use crate::disk;
use crate::error::Result;

/// Largest file that is searched for a path. A registry of a million rows is smaller.
const LIMIT: u64 = 1 << 30;

/// Seconds and nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time {
    pub(super) seconds: i64,
    pub(super) nanoseconds: i64,
}

/// The times of a new tree's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// Those of the files that they are copies of.
    OfSources,
    /// One for all, later than anything that was built from the path. `in_use` is how late that may have been.
    One { in_use: Time },
}

/// The one time of a tree's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// The time.
    pub(super) time: Time,
}

impl Times {
    /// Looked up before anything is made. `was_given`: the task had a worktree, or a run that died was about to make one.
    pub(super) fn of(job: &Job<'_>, path: &Path, was_given: bool) -> Self {
        let one = Self::One { in_use: changed_above(path) };
        if was_given || may_have_been_used(job) { one } else { Self::OfSources }
    }

    /// For a path of which git still knows a worktree.
    #[must_use]
    pub(super) fn of_known_path(self, path: &Path) -> Self {
        match self {
            Self::OfSources => Self::One { in_use: changed_above(path) },
            one @ Self::One { .. } => one,
        }
    }

    /// Taken right before the fill.
    pub(super) fn moment(self) -> Option<Moment> {
        let Self::One { in_use } = self else { return None };
        let now = now();
        // A whole millisecond: what reads times less exactly must not round it into the next second.
        let before = Time { seconds: now.seconds - 1, nanoseconds: 999_000_000 };
        Some(Moment { time: if in_use < before { before } else { now } })
    }
}

impl Moment {
    /// Waits until an index that is written now is of a later second than the files: at most one second, and only where
    /// the path was in use in this very one.
    pub(super) fn pass(self, cancel: &Cancel) -> Result<()> {
        loop {
            cancel.check("filling the worktree")?;
            let now = now();
            if now.seconds != self.time.seconds {
                return Ok(());
            }
            let left = u64::try_from(1_000_000_000 - now.nanoseconds).unwrap_or(1);
            std::thread::sleep(NOTICE_WITHIN.min(Duration::from_nanos(left) + Duration::from_millis(1)));
        }
    }
}

/// Whether anything that the home remembers names the path, or it may have forgotten.
///
/// Rows stay when a task is released or removed; the history tells of attempts too; what was kept of a damaged registry is
/// searched as well. All of them name a worktree by its key or by a path that ends with it. A key that ends alike does no
/// harm.
fn may_have_been_used(job: &Job<'_>) -> bool {
    let wanted = format!("{}\"", job.plan.key);
    let names = memchr::memmem::Finder::new(wanted.as_bytes());
    let worktrees = job.home.worktrees();
    let (mut registry, mut history) = (false, false);
    for entry in fs::read_dir(&worktrees).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let is_history = name.starts_with(b"history");
        if !is_history && !name.starts_with(b"registry.json") {
            continue;
        }
        match disk::contains(&entry.path(), &names, LIMIT) {
            // Gone meanwhile: its new version is there too.
            Ok(Some(false) | None) => {}
            _ => return true,
        }
        registry |= name == b"registry.json";
        history |= is_history;
    }
    // Somebody took the registry away; what else it knew is not known.
    let forgotten =
        || history || fs::read_dir(job.home.trash()).is_ok_and(|mut entries| entries.next().is_some());
    !registry && forgotten()
}

/// When the path was last made or taken away, at the latest: that changes the directory it lies in.
fn changed_above(path: &Path) -> Time {
    let above = path.ancestors().skip(1).find_map(|directory| fs::metadata(directory).ok());
    above.map_or_else(now, |found| modified(&found))
}

#[cfg(unix)]
fn modified(found: &fs::Metadata) -> Time {
    use std::os::unix::fs::MetadataExt;
    Time { seconds: found.mtime(), nanoseconds: found.mtime_nsec() }
}

#[cfg(unix)]
fn now() -> Time {
    // The clock of file times, which ticks more coarsely than the other one.
    #[cfg(target_os = "linux")]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::RealtimeCoarse;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Realtime;
    let now = rustix::time::clock_gettime(CLOCK);
    Time { seconds: now.tv_sec, nanoseconds: now.tv_nsec as _ }
}

// Windows: git fills every tree, and gives every file the time of now.
#[cfg(not(unix))]
fn modified(_found: &fs::Metadata) -> Time {
    Time { seconds: 0, nanoseconds: 0 }
}

#[cfg(not(unix))]
fn now() -> Time {
    Time { seconds: 0, nanoseconds: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_later_than_the_last_use_and_never_in_the_future() {
        let long_ago = Times::One { in_use: Time { seconds: 1, nanoseconds: 0 } }.moment().unwrap().time;
        let present = now();
        assert!(long_ago.seconds < present.seconds && long_ago.seconds >= present.seconds - 2);
        let in_use = now();
        let moment = Times::One { in_use }.moment().unwrap();
        assert!(moment.time >= in_use && moment.time <= now());
        moment.pass(&Cancel::default()).unwrap();
        assert!(now().seconds > moment.time.seconds);
        assert_eq!(Times::OfSources.moment(), None);
    }
}
