//! Linked worktrees: their administrative directories as git keeps them, and the one way in which okstra adds one.

mod files;
pub mod lock;
pub(crate) mod look;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub use self::files::{admin_dir_of, common_dir_of, names, points_back, same_place, tree_of};
use self::lock::Lock;
pub use self::look::{Fault, Found, look, surely};
use super::Repository;
use super::mend;
use super::repository::path_of;
use super::room;
use crate::cancel::Cancel;
use crate::clock;
use crate::disk;
use crate::error::{Error, Result};
use crate::lock::{RepositoryLock, TaskLock};

/// From this age on an empty `commondir` that another tool left counts as torn: a live `git worktree add` fills it
/// within microseconds.
const TORN_AFTER: Duration = Duration::from_secs(10);
/// Pauses between attempts when another program's git holds a lock or is in the middle of an add, in milliseconds.
const RETRIES: &[u64] = &[10, 30, 100, 300, 1000];
/// Further pauses for a torn entry of another program, until it is old enough to be repaired.
const TORN_RETRIES: &[u64] = &[2000, 2000, 2000, 2000, 2000];

/// Whether the `HEAD` of a worktree names this branch, as far as its file tells: a reftable keeps `HEAD` elsewhere and
/// leaves a stub, which counts as yes.
#[must_use]
pub fn is_on_branch(admin: &Path, branch: &str) -> bool {
    let file = admin.join("HEAD");
    let name = format!("refs/heads/{branch}");
    // core.preferSymlinkRefs makes it a link.
    if let Ok(target) = fs::read_link(&file) {
        return target == Path::new(&name);
    }
    let text = fs::read_to_string(file).unwrap_or_default();
    let target = text.trim().strip_prefix("ref: ").map(str::trim_start);
    target.is_some_and(|target| target == name || target == "refs/heads/.invalid")
}

/// Where a branch is checked out, apart from the worktree at `except`: the main worktree or a linked one, as git lists
/// them.
pub fn checked_out_at(
    repository: &Repository,
    branch: &str,
    except: Option<&Path>,
) -> Result<Option<PathBuf>> {
    let listed = repository.git().args(["worktree", "list", "--porcelain", "-z"]).read()?;
    let wanted = format!("branch refs/heads/{branch}");
    let mut path = PathBuf::new();
    for line in listed.split(|byte| *byte == 0) {
        if let Some(named) = line.strip_prefix(b"worktree ") {
            path = path_of(named);
        } else if line == wanted.as_bytes() && except != Some(path.as_path()) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// All administrative directories of a repository.
#[must_use]
pub fn admin_dirs(common_dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(common_dir.join("worktrees")) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).collect()
}

/// Repairs entries whose `commondir` is empty: a `git worktree add` that was killed in the wrong microsecond leaves one,
/// and from then on nearly every git command in the repository fails, also in the main worktree. Writing `../..`, what
/// git itself would have written, deletes nothing. Needs the repository lock: with it held, no add of ours is running,
/// so our own entries are repaired at once and those of others when they are old. Returns the repaired directories.
pub fn repair_torn(common_dir: &Path, _lock: &RepositoryLock) -> Result<Vec<PathBuf>> {
    let mut repaired = Vec::new();
    for admin in admin_dirs(common_dir) {
        let file = admin.join("commondir");
        let Ok(metadata) = fs::metadata(&file) else { continue };
        let ours = is_past_add(&admin) || matches!(lock::of(&admin), Ok(Lock::Run(_) | Lock::Standing(_)));
        if mend::is_blank(&file) && (ours || is_surely_torn(&metadata)) {
            room::write(common_dir, &file, b"../..\n")?;
            repaired.push(admin);
        }
    }
    Ok(repaired)
}

/// Whether nobody is about to fill an empty file of git's: it is older than any add takes, or than the running system.
#[must_use]
pub fn is_surely_torn(found: &fs::Metadata) -> bool {
    let Ok(modified) = found.modified() else { return false };
    SystemTime::now().duration_since(modified).is_ok_and(|age| age >= TORN_AFTER)
        || clock::started_at().is_some_and(|started| modified < started)
}

/// Whether an entry has what git writes only after its `commondir`: then no add is about to fill that.
#[must_use]
pub fn is_past_add(admin: &Path) -> bool {
    ["index", "logs/HEAD", "okstra.json"].iter().any(|file| admin.join(file).exists())
}

/// A worktree to be added.
#[derive(Debug, Clone, Copy)]
pub struct NewWorktree<'a> {
    /// Where.
    pub path: &'a Path,
    /// On which branch.
    pub branch: &'a str,
    /// The commit at which the branch is made; `None`: the branch exists.
    pub start: Option<&'a str>,
    /// With which reason it is locked, so that what a killed add leaves can be told from what others leave.
    pub reason: &'a str,
}

/// Registers a worktree without filling it (10 ms). Runs under the repository lock, because parallel adds read each
/// other's half-written entries and fail; other programs do not take our lock, so the failures that their adds and ref
/// updates cause are met with a bounded number of further attempts.
pub fn add(
    repository: &Repository,
    new: NewWorktree<'_>,
    task_lock: &TaskLock,
    repository_lock: &RepositoryLock,
    cancel: &Cancel,
) -> Result<()> {
    let mut pauses = RETRIES.iter();
    let mut torn_pauses = TORN_RETRIES.iter();
    let mut start = new.start;
    loop {
        let mut git =
            repository.git().args(["worktree", "add", "--no-checkout", "--lock", "--reason", new.reason]);
        if start.is_some() {
            git = git.args(["--no-track", "-b", new.branch]);
        }
        let git = git.args(["--".as_ref(), new.path.as_os_str(), start.unwrap_or(new.branch).as_ref()]);
        let output = git.holding(task_lock).holding(repository_lock).cancel(cancel).run()?;
        if output.status.success() {
            return Ok(());
        }
        let torn = output.stderr.contains("commondir");
        let pause = match pauses.next() {
            Some(pause) if is_transient(&output.stderr) => Some(pause),
            None if torn => torn_pauses.next(),
            _ => None,
        };
        let Some(pause) = pause else {
            return Err(output.into_error("worktree add", &repository.common_dir));
        };
        // git makes the branch first and never takes it back, so the next attempt may find it made.
        if let Some(base) = start
            && repository.branch_tip(new.branch)?.is_some_and(|tip| tip == base)
        {
            start = None;
        }
        wait(Duration::from_millis(*pause), cancel)?;
        repair_torn(&repository.common_dir, repository_lock)?;
    }
}

fn wait(pause: Duration, cancel: &Cancel) -> Result<()> {
    // Between 75 and 125 %, so that two that met do not meet again.
    let jitter = 75 + u32::try_from(disk::random() % 51).unwrap_or(25);
    let mut left = pause * jitter / 100;
    while !left.is_zero() {
        cancel.check("adding the worktree")?;
        let slice = left.min(crate::cancel::NOTICE_WITHIN);
        std::thread::sleep(slice);
        left -= slice;
    }
    Ok(())
}

/// Whether git failed because another git was in the middle of something.
fn is_transient(stderr: &str) -> bool {
    (stderr.contains("failed to read ") && stderr.contains("commondir"))
        || stderr.contains("could not lock config file")
        || (stderr.contains("Unable to create '") && stderr.contains(".lock': File exists"))
        || stderr.contains("cannot lock references")
        || (stderr.contains("could not open ") && stderr.contains("/worktrees/"))
}

/// Flushes what git wrote to register a worktree: by itself git flushes nothing of it, and after a power cut every one
/// of these files was seen empty. 2 to 3 ms on a disk.
pub fn sync(common_dir: &Path, admin: &Path, worktree: &Path, branch: &str) -> Result<()> {
    let head = common_dir.join("refs/heads");
    for file in [
        head.join(branch),
        admin.join("HEAD"),
        admin.join("index"),
        admin.join("gitdir"),
        admin.join("commondir"),
        admin.join("locked"),
        admin.join("logs/HEAD"),
        worktree.join(".git"),
    ] {
        disk::sync_file(&file)?;
    }
    // With the reftable backend refs/heads is a file, and git flushes its tables itself.
    for directory in [head.as_path(), admin, &common_dir.join("worktrees"), worktree] {
        if directory.is_dir() {
            disk::sync_dir(directory)?;
        }
    }
    worktree.parent().map_or(Ok(()), disk::sync_dir)
}

/// Deletes a branch only while it still stands at `commit`.
pub fn delete_branch(
    repository: &Repository,
    branch: &str,
    commit: &str,
    task_lock: &TaskLock,
) -> Result<()> {
    let name = format!("refs/heads/{branch}");
    repository.git().args(["update-ref", "-d", &name, commit]).holding(task_lock).read().map(drop)
}

/// Moves a branch from one commit to another, only while it still stands at the first.
pub fn move_branch(
    repository: &Repository,
    branch: &str,
    from: &str,
    to: &str,
    task_lock: &TaskLock,
) -> Result<()> {
    let name = format!("refs/heads/{branch}");
    repository.git().args(["update-ref", &name, to, from]).holding(task_lock).read().map(drop)
}

/// Turns git's refusal to add a worktree into the error that says what a person must know.
#[must_use]
pub fn explain(error: Error, task_key: &crate::task::TaskKey, branch: &str) -> Error {
    let Error::GitFailed { stderr, .. } = &error else { return error };
    if let Some(at) =
        stderr.split("already used by worktree at '").nth(1).and_then(|rest| rest.split('\'').next())
    {
        return Error::BranchCheckedOut {
            task_key: task_key.clone(),
            branch: branch.to_owned(),
            path: PathBuf::from(at),
        };
    }
    if stderr.contains("already exists") && stderr.contains("a branch named") {
        return Error::BranchExists {
            task_key: task_key.clone(),
            branch: branch.to_owned(),
            blocking: branch.to_owned(),
        };
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_failures_are_told_from_real_ones() {
        for text in [
            "fatal: failed to read .git/worktrees/x/commondir: Success",
            "fatal: failed to read .git/worktrees/x/commondir: Undefined error: 0",
            "error: could not lock config file .git/config: File exists",
            "fatal: Unable to create '/r/.git/refs/heads/x.lock': File exists.",
        ] {
            assert!(is_transient(text), "{text}");
        }
        for text in ["fatal: a branch named 'x' already exists", "fatal: '/p' already exists", ""] {
            assert!(!is_transient(text), "{text}");
        }
    }
}
