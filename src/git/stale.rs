//! Lock files that a killed git of ours left. git itself never takes them away, and each of them blocks somebody.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::disk;
use crate::error::{IoContext, Result};

/// How long a lock file of the whole repository that our killed git may have left is watched before it counts as left.
const SHARED_LOCK_WATCH: Duration = Duration::from_secs(5);

/// Removes the lock of one ref when it is not older than `since`, the moment when we began to change that ref. A
/// reftable has no such locks.
pub fn remove_ref_lock(common_dir: &Path, name: &str, since: SystemTime) -> Result<()> {
    let path = common_dir.join(format!("{name}.lock"));
    match fs::metadata(&path).and_then(|found| found.modified()) {
        Ok(at) if at >= since => remove_if_there(&path),
        _ => Ok(()),
    }
}

/// Removes the locks in an administrative directory whose git is dead: one that is kept would only puzzle whoever looks
/// for stale ones.
pub fn remove_own_locks(admin: &Path) -> Result<()> {
    for directory in [admin.to_owned(), admin.join("reftable")] {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.path().extension() == Some("lock".as_ref()) {
                remove_if_there(&entry.path())?;
            }
        }
    }
    Ok(())
}

/// git takes some locks for the whole repository, for a moment each: `packed-refs.lock` to delete a branch, those in
/// `reftable/` to change any ref. One that appeared after our intent was written, and that stays the same for longer than
/// any live git holds it, was left by our own killed git. Left there, it blocks the commits of everybody.
pub fn remove_shared_locks(common_dir: &Path, since: Option<SystemTime>) -> Result<()> {
    let Some(since) = since else { return Ok(()) };
    let modified = |path: &PathBuf| fs::metadata(path).and_then(|found| found.modified()).ok();
    let tables =
        fs::read_dir(common_dir.join("reftable")).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut suspects: Vec<(PathBuf, SystemTime)> = tables
        .filter(|path| path.extension() == Some("lock".as_ref()))
        .chain([common_dir.join("packed-refs.lock")])
        .filter_map(|path| modified(&path).filter(|at| *at >= since).map(|at| (path, at)))
        .collect();
    let start = Instant::now();
    while !suspects.is_empty() && start.elapsed() < SHARED_LOCK_WATCH {
        std::thread::sleep(Duration::from_millis(50));
        suspects.retain(|(path, at)| modified(path) == Some(*at));
    }
    suspects.iter().try_for_each(|(path, _)| remove_if_there(path))
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Err(error).context("remove the stale lock", path)
        }
        _ => Ok(()),
    }
}

/// Largest crash report that is looked into.
const REPORT: u64 = 64 * 1024 * 1024;

/// Takes away the reports of a `git fast-import` that ended before its stream did, because it was stopped or had no room:
/// it leaves one in its git directory, with names of files in it, and no setting keeps it from that. Only those go that
/// name this ref, and those of this process.
pub fn remove_crash_reports(git_dir: &Path, name: &str) {
    let parent = format!("    parent process     : {}\n", std::process::id());
    for entry in fs::read_dir(git_dir).into_iter().flatten().flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(b"fast_import_crash_") {
            continue;
        }
        let Ok(Some((_, report))) = disk::read_regular(&entry.path(), REPORT) else { continue };
        let says = |text: &str| memchr::memmem::find(&report, text.as_bytes()).is_some();
        if says(name) || says(&parent) {
            // What stays is a text that nobody reads, and no reason to fail.
            let _ = fs::remove_file(entry.path());
        }
    }
}
