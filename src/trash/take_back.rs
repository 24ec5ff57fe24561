//! An error leaves no intent: what a move in or out of the trash had begun is taken back, the other half with it, and the
//! intent is dropped. Where that fails too, or where the move had come so far that it can only be finished, the error says
//! that it stands and which command finishes it.
//!
//! Killed in the middle of this, the intent still says that things are on the move, and the next call moves them on: each
//! step leaves a state that the list of the move knows.

use std::cell::Cell;
use std::fs;

use super::record::{GitSide, Record};
use super::{Ground, bury, put_back, repository_at};
use crate::disk::{self, Replace};
use crate::error::Result;
use crate::git::{Git, worktree};
use crate::intent::{Intent, Kind};
use crate::lock::RepositoryLock;
use crate::registry::EntryStatus;

/// Gives the result of a move on, after taking a failed one back. `made`: whether it made the branch.
pub(super) fn unless_done<T>(
    ground: &Ground<'_>,
    intent: &Intent,
    record: &Record,
    made: &Cell<bool>,
    done: Result<T>,
) -> Result<T> {
    let error = match done {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    let (command, taken_back) = match intent.kind {
        Kind::Remove => ("remove", removal(ground, intent, record)),
        _ => ("restore", restoration(ground, record, made)),
    };
    Err(if matches!(taken_back, Ok(true)) {
        error
    } else {
        error.begun(format!("okstra {command} {}", ground.key))
    })
}

/// Whether it could be taken back: as long as the tree is where it was, or was gone before.
fn removal(ground: &Ground<'_>, intent: &Intent, record: &Record) -> Result<bool> {
    if fs::symlink_metadata(&record.tree).is_ok()
        || fs::symlink_metadata(bury::elsewhere(record)).is_ok()
        || (record.tree_id.is_some() && fs::symlink_metadata(&record.path).is_err())
    {
        return Ok(false);
    }
    if let Some(git) = &record.git
        && fs::symlink_metadata(&git.admin).is_err()
        && Record::id_inside(&git.kept)?.is_some_and(|id| id == record.id)
    {
        let lock = RepositoryLock::acquire(ground.home, &git.common_dir, &ground.resolute())?;
        disk::move_aside(&git.kept, &git.admin)?;
        sync(git)?;
        drop(lock);
    }
    if record.tree_id.is_some() {
        put_back::link_again(&record.path, &record.links)?;
    }
    if let Some(git) = &record.git {
        Record::drop_inside(&git.admin)?;
    }
    super::abandon(ground, intent)?;
    Ok(true)
}

/// Whether it could be taken back: as long as the registry does not say that the task has its worktree.
fn restoration(ground: &Ground<'_>, record: &Record, made: &Cell<bool>) -> Result<bool> {
    let row = ground.registry.lookup(ground.key)?;
    if row.is_some_and(|row| row.status == EntryStatus::Active && row.worktree_path == record.path) {
        return Ok(false);
    }
    if let Some(git) = &record.git {
        admin_back(ground, record, git)?;
    }
    if put_back::is_back(record) {
        bury::unlink_shared(record)?;
        disk::move_aside(&record.path, &record.tree)?;
        for directory in [record.path.parent(), record.tree.parent()].into_iter().flatten() {
            disk::sync_dir(directory)?;
        }
    }
    if fs::symlink_metadata(&record.tree).is_err() {
        return Ok(false);
    }
    if let (true, Some(git), Some(branch)) = (made.get(), &record.git, record.branch())
        && let Some(tip) = &git.branch_tip
        && let Some(repository) = repository_at(&git.common_dir, branch)?
        && repository.branch_tip(branch)?.as_ref() == Some(tip)
    {
        worktree::delete_branch(&repository, branch, tip, ground.lock)?;
    }
    Intent::drop_for(ground.home, ground.key, ground.lock)?;
    Ok(true)
}

fn admin_back(ground: &Ground<'_>, record: &Record, git: &GitSide) -> Result<()> {
    if fs::symlink_metadata(&git.kept).is_err()
        && let Ok(Some(named)) = worktree::admin_dir_of(&record.path)
        && Record::id_inside(&named)?.is_some_and(|id| id == record.id)
    {
        let lock = RepositoryLock::acquire(ground.home, &git.common_dir, &ground.resolute())?;
        disk::move_aside(&named, &git.kept)?;
        sync(git)?;
        drop(lock);
        if named != git.admin {
            let link = [b"gitdir: ", git.admin.as_os_str().as_encoded_bytes(), b"\n"].concat();
            let how = Replace { keep_mode: true, ..Replace::default() };
            disk::replace_file(&record.path.join(".git"), &link, how)?;
        }
    }
    // It may have been detached for the place where it was to stand.
    if let Some(branch) = &git.branch
        && git.kept.is_dir()
        && !worktree::is_on_branch(&git.kept, branch)
    {
        let name = format!("refs/heads/{branch}");
        let git = Git::new(&git.common_dir).git_dir(Some(&git.kept)).args(["symbolic-ref", "HEAD", &name]);
        git.holding(ground.lock).read()?;
    }
    Ok(())
}

fn sync(git: &GitSide) -> Result<()> {
    [git.admin.parent(), git.kept.parent()]
        .into_iter()
        .flatten()
        .filter(|directory| directory.is_dir())
        .try_for_each(disk::sync_dir)
}
