//! Into the trash. Each step looks first whether it is done already, so that the list can be begun again at any point.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::record::{GitSide, Record};
use super::{Ground, beside, repository_at};
use crate::disk;
use crate::durability::Durability;
use crate::error::{Error, IoContext, Result};
use crate::git::{Repository, room, stale, worktree};
use crate::intent::Intent;
use crate::lock::RepositoryLock;
use crate::registry::history::{Event, EventKind};

pub(super) fn finish(ground: &Ground<'_>, intent: &Intent, record: &Record) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    if fs::symlink_metadata(&record.tree).is_err() && record.is_tree(&record.path) {
        unlink_shared(record)?;
    }
    // The administrative directory first: without its tree it would be an entry that `git worktree prune` deletes,
    // with the index in it. A tree without it only waits.
    if let Some(git) = &record.git {
        move_admin(ground, git, record)?;
    }
    move_tree(ground, record)?;
    let repository = match &record.git {
        Some(git) => repository_at(&git.common_dir, &intent.branch)?,
        None => None,
    };
    if let Some((repository, git)) = repository.as_ref().zip(record.git.as_ref())
        && git.delete_branch
    {
        notes.extend(delete_branch(ground, intent, repository, git, record)?);
    }
    // Also what somebody wrote into the tree moments ago: in the trash it is all that is left of it.
    let kept = record.git.as_ref().map_or(&record.tree, |git| &git.kept);
    Durability::of_known(repository.as_ref()).flush(&[&record.tree, kept, &ground.home.trash()])?;
    let row = ground.registry.lookup(ground.key)?;
    if row.is_some_and(|row| row.worktree_path == record.path) {
        ground.registry.release_row(ground.key, &ground.resolute())?;
    }
    let mut event = Event::new(EventKind::Removed, Some(ground.key));
    event.path = Some(record.path.clone());
    event.branch = record.branch().map(str::to_owned);
    event.detail = Some(format!("in the trash as {}", record.id));
    ground.registry.record(&event);
    Intent::drop_for(ground.home, ground.key, ground.lock)?;
    Ok(notes)
}

/// Takes the links to shared directories out of the tree, so that nothing that walks the trash can reach what they
/// point to. Only a link that still is the recorded one goes.
pub(super) fn unlink_shared(record: &Record) -> Result<()> {
    for link in &record.links {
        let place = record.path.join(&link.name);
        if fs::read_link(&place).is_ok_and(|target| target == link.target) {
            match fs::remove_file(&place) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).context("unlink the shared directory at", place);
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn move_admin(ground: &Ground<'_>, git: &GitSide, record: &Record) -> Result<()> {
    if !git.common_dir.is_dir() || fs::symlink_metadata(&git.kept).is_ok() {
        return Ok(());
    }
    // The record in it tells it from one that git made under the same name since.
    if Record::id_inside(&git.admin)?.is_none_or(|inside| inside != record.id) {
        return Ok(());
    }
    let lock = RepositoryLock::acquire(ground.home, &git.common_dir, &ground.resolute())?;
    worktree::repair_torn(&git.common_dir, &lock)?;
    stale::remove_own_locks(&git.admin)?;
    room::directory(&git.common_dir, room::TRASH)?;
    disk::move_aside(&git.admin, &git.kept)?;
    for directory in [git.admin.parent(), git.kept.parent()].into_iter().flatten() {
        disk::sync_dir(directory)?;
    }
    Ok(())
}

fn move_tree(ground: &Ground<'_>, record: &Record) -> Result<()> {
    if !record.is_tree(&record.path) || fs::symlink_metadata(&record.tree).is_ok() {
        return Ok(());
    }
    let mut to = record.tree.clone();
    match disk::move_aside(&record.path, &to) {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::CrossesDevices => {
            // A bind mount or an overlay, which the device numbers did not show.
            to = beside(&record.id, &record.path);
            Record { tree: to.clone(), ..record.clone() }.write_beside(ground.home)?;
            disk::move_aside(&record.path, &to)?;
        }
        other => other?,
    }
    for directory in [record.path.parent(), to.parent()].into_iter().flatten() {
        disk::sync_dir(directory)?;
    }
    Ok(())
}

/// The other place where its tree may lie.
pub(super) fn elsewhere(record: &Record) -> PathBuf {
    beside(&record.id, &record.path)
}

fn delete_branch(
    ground: &Ground<'_>,
    intent: &Intent,
    repository: &Repository,
    git: &GitSide,
    record: &Record,
) -> Result<Option<String>> {
    let (Some(branch), Some(tip)) = (record.branch(), &git.branch_tip) else { return Ok(None) };
    if let Some(since) = intent.written_at() {
        stale::remove_ref_lock(&git.common_dir, &format!("refs/heads/{branch}"), since)?;
    }
    let kept = |why: &str| Ok(Some(format!("branch {branch} was kept: {why}")));
    match repository.branch_tip(branch)? {
        None => return Ok(None),
        Some(now) if now != *tip => return kept("it has moved since"),
        Some(_) => {}
    }
    if let Some(other) = worktree::checked_out_at(repository, branch, None)? {
        return kept(&format!("it is checked out in {}", other.display()));
    }
    match worktree::delete_branch(repository, branch, tip, ground.lock) {
        Ok(()) => Ok(None),
        // A hook, or another git that holds the ref: the branch is no reason to leave the removal half-way.
        Err(error @ Error::GitFailed { .. }) => kept(&error.to_string()),
        Err(error) => Err(error),
    }
}
