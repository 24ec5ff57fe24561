//! Lock files of git that nobody holds: each of them blocks something until it is gone, and git itself never takes one
//! away that a killed process left.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::holders::{self, Holders};
use super::repositories::Place;
use super::{Code, Doctor, Finding, LEFT_BEHIND, Outcome, Severity, spoken};
use crate::clock;
use crate::disk;
use crate::error::{IoContext, Result};
use crate::git::{room, worktree};

/// How long a lock is watched that may be of any age: a live git that holds one ends or changes it within.
const WATCH: Duration = Duration::from_millis(500);
/// A live git holds most locks for less.
const A_MOMENT: Duration = Duration::from_secs(10);

/// Looks at every lock file in a repository's own places. Moves aside what is left behind: no process uses the
/// repository's git directory, no git works in one of its worktrees, and it is older than ten minutes.
pub(super) fn examine(doctor: &mut Doctor<'_>, place: &Place) -> Result<()> {
    let common = &place.common_dir;
    let locks = locks_in(common);
    if locks.is_empty() {
        return Ok(());
    }
    // One look at all processes for all locks: it costs some ten milliseconds.
    let holders = holders::of(std::slice::from_ref(common), &worktrees(common));
    for (lock, before) in locks {
        let old = before.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        // Gone while we looked: it was a live one.
        if fs::symlink_metadata(&lock).is_err() {
            continue;
        }
        let message = format!("git's lock file {} is {}", lock.display(), spoken(old));
        let left_behind = old.is_some_and(|age| age >= LEFT_BEHIND);
        let young = old.is_some_and(|age| age < A_MOMENT);
        let severity = if young { Severity::Note } else { Severity::Error };
        let finding = |message: String| Finding::new(Code::GitLock, severity, message).at(lock.clone());
        match &holders {
            Holders::Some(process) => {
                let message = format!(
                    "{message}; pid {} ({}) is at work in the repository",
                    process.pid, process.command
                );
                doctor.tell(finding(message), Outcome::Wait, "Nothing is done while a process may hold it.");
            }
            Holders::Unknown => {
                let remedy = "Nothing is done, because this system does not tell who holds it. When no git is running, delete it.";
                doctor.tell(finding(message), Outcome::Decide, remedy);
            }
            Holders::Nobody if !left_behind => {
                let remedy = "Nothing is done yet: `--fix` takes it away when it is older than 10 minutes and nobody holds it.";
                doctor.tell(finding(message), Outcome::Wait, remedy);
            }
            Holders::Nobody => {
                let remedy = "Moves it to okstra-quarantine/ in the git directory (an empty one is deleted).";
                let message = format!("{message}, and nobody holds it");
                doctor.mend(finding(message), remedy, |_| take_away(common, &lock, &before))?;
            }
        }
    }
    Ok(())
}

/// The lock files of a repository, with what they are now.
fn locks_in(common: &Path) -> Vec<(PathBuf, Metadata)> {
    let mut directories = vec![
        common.to_owned(),
        common.join("info"),
        common.join("objects"),
        common.join("objects/info"),
        common.join("objects/info/commit-graphs"),
        common.join("reftable"),
    ];
    for admin in worktree::admin_dirs(common) {
        directories.extend([admin.join("reftable"), admin.join("refs"), admin]);
    }
    subdirectories(&common.join("refs"), &mut directories);
    let mut locks: Vec<(PathBuf, Metadata)> = directories
        .iter()
        .filter_map(|directory| fs::read_dir(directory).ok())
        .flat_map(|entries| entries.flatten())
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some("lock".as_ref()))
        .filter_map(|path| {
            fs::symlink_metadata(&path).ok().filter(Metadata::is_file).map(|found| (path, found))
        })
        .collect();
    locks.sort_by(|(one, _), (other, _)| one.cmp(other));
    locks
}

fn subdirectories(directory: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    into.push(directory.to_owned());
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        subdirectories(&entry.path(), into);
    }
}

/// The main worktree by its commonest layout, and where git's entries say that the others are.
fn worktrees(common: &Path) -> Vec<PathBuf> {
    let main = common.parent().filter(|_| common.file_name() == Some(".git".as_ref())).map(Path::to_owned);
    let linked = worktree::admin_dirs(common).into_iter().filter_map(|admin| worktree::tree_of(&admin));
    main.into_iter().chain(linked).filter(|path| path.is_dir()).collect()
}

/// Takes away the lock of a branch that is to be made, whatever its age, where no process can be holding it: a check-up
/// that was killed while it made the branch leaves one, and the next must not have to wait. The caller holds the lock of
/// the repository, so no git of ours lives.
pub(super) fn take_away_if_dead(common: &Path, name: &str) -> Result<()> {
    let lock = common.join(name);
    let Ok(before) = fs::symlink_metadata(&lock) else { return Ok(()) };
    std::thread::sleep(WATCH);
    match holders::of(&[common.to_owned()], &worktrees(common)) {
        Holders::Nobody => take_away(common, &lock, &before),
        // git says that it is there.
        Holders::Some(_) | Holders::Unknown => Ok(()),
    }
}

/// Takes a lock file away, but only the very one that was looked at. What is in it may be somebody's (an index with
/// staged content), so it is kept.
fn take_away(common: &Path, lock: &Path, before: &Metadata) -> Result<()> {
    let now = match fs::symlink_metadata(lock) {
        Ok(now) => now,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).context("look at the lock file", lock),
    };
    if now.len() != before.len() || now.modified().ok() != before.modified().ok() {
        // Another one, of somebody alive.
        return Ok(());
    }
    if now.len() == 0 {
        return fs::remove_file(lock).context("remove the stale lock", lock);
    }
    let name = lock.file_name().unwrap_or_default().to_string_lossy();
    let place = format!("{}-{:04x}-{name}", clock::utc_compact(), disk::random() & 0xffff);
    room::move_into(lock, common, room::QUARANTINE, &place)
}
