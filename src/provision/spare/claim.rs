//! Moves a spare into a worktree that git has just registered, instead of filling it.

use std::fs;
use std::io;
use std::path::Path;

use super::pool::{self, Spare, State};
use crate::cancel::Cancel;
use crate::disk;
use crate::error::{IoContext, Result};
use crate::git::{Git, Repository};
use crate::home::OkstraHome;
use crate::intent::Intent;
use crate::lock::TaskLock;

/// What a claim needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The home whose spares are looked at.
    pub home: &'a OkstraHome,
    /// The repository.
    pub repository: &'a Repository,
    /// The lock of the task, handed on to git.
    pub task_lock: &'a TaskLock,
    /// Stops it.
    pub cancel: &'a Cancel,
}

/// Whether there is a spare of the repository at all.
#[must_use]
pub fn is_any(job: &Claim<'_>) -> bool {
    pool::of_repository(job.home, &job.repository.common_dir).iter().any(Spare::is_usable)
}

/// Fills a registered worktree that holds nothing but its `.git` file from a spare, where one fits; `false` when none
/// does. The index is renamed into place last, as git does, so that its being there proves the tree complete. A failure
/// leaves what [`resume`] finishes.
pub fn claim(job: &Claim<'_>, intent: &Intent, admin: &Path) -> Result<bool> {
    let pool = job.home.spares_of(&job.repository.common_dir);
    let mut spares = pool::of_repository(job.home, &job.repository.common_dir);
    spares.retain(Spare::is_usable);
    // One at the very commit needs no git; the sort is stable, so the newest of each kind comes first.
    spares.sort_by_key(|spare| spare.record.commit != intent.commit);
    for spare in spares {
        if !fits(job, &spare, &intent.commit)? {
            continue;
        }
        let claimed = pool::place(&pool, State::Claimed, &intent.op);
        if pool::take(&spare.directory, &claimed)?.is_some() {
            move_in(job, intent, admin, &claimed)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the tree becomes what git would make when only the files are written that differ between the commits. With
/// other attributes git would write files differently that do not differ.
fn fits(job: &Claim<'_>, spare: &Spare, commit: &str) -> Result<bool> {
    if spare.record.commit == commit {
        return Ok(true);
    }
    let git =
        job.repository.git().args(["diff-tree", "-r", "-z", "--name-only", &spare.record.commit, commit]);
    let output = git.cancel(job.cancel).run()?;
    let attributes = |path: &[u8]| path == b".gitattributes" || path.ends_with(b"/.gitattributes");
    Ok(output.status.success() && !output.stdout.split(|byte| *byte == 0).any(attributes))
}

/// Finishes a claim that was killed, or gives an untouched spare back. `Ok(false)`: this intent had claimed none. Call it
/// with the task lock held, before the tree is looked at.
pub fn resume(job: &Claim<'_>, intent: &Intent, admin: Option<&Path>) -> Result<bool> {
    let pool = job.home.spares_of(&intent.common_dir);
    let claimed = pool::place(&pool, State::Claimed, &intent.op);
    if !claimed.is_dir() {
        return Ok(false);
    }
    let started = !claimed.join("tree").exists() || !pool::is_untouched(&claimed);
    match admin {
        // The tree has begun to move: forward is the shorter way, and every step can be repeated.
        Some(admin) if started => move_in(job, intent, admin, &claimed)?,
        _ if !started => drop(pool::take(&claimed, &pool::place(&pool, State::Ready, &intent.op))?),
        // Its entry is gone: what is left of the spare is swept with the next warming.
        _ => {}
    }
    Ok(true)
}

/// Tree, then index. Each step looks at what is there first, because recovery repeats them.
fn move_in(job: &Claim<'_>, intent: &Intent, admin: &Path, claimed: &Path) -> Result<()> {
    let (tree, index) = (claimed.join("tree"), claimed.join("index"));
    if tree.is_dir() {
        let (link, target) = (intent.path.join(".git"), tree.join(".git"));
        if fs::symlink_metadata(&link).is_ok() && fs::symlink_metadata(&target).is_err() {
            disk::move_aside(&link, &target)?;
        }
        // Only an empty directory goes: what somebody put there since git made it stays, and is an error.
        match fs::remove_dir(&intent.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).context("take the place of the empty worktree", &intent.path);
            }
            _ => {}
        }
        disk::move_aside(&tree, &intent.path)?;
    }
    if index.is_file() {
        let spare = pool::read_record(claimed);
        if spare.is_none_or(|record| record.commit != intent.commit) {
            match fs::remove_file(claimed.join("index.lock")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).context("remove the stale lock of", &index);
                }
                _ => {}
            }
            // `--reset`: nobody has worked in this tree, and a killed attempt may have written some of the files.
            Git::new(&intent.path)
                .args(["read-tree", "--reset", "-u", &intent.commit])
                .setting("core.splitIndex=false")
                .index_file(&index)
                .runs_user_code()
                .holding(job.task_lock)
                .cancel(job.cancel)
                .read()?;
        }
        disk::move_aside(&index, &admin.join("index"))?;
    }
    pool::drop_shell(claimed)
}
