//! Back from the trash. Each step looks first whether it is done already, so that the list can be begun again at any
//! point.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::record::{GitSide, Link, Record};
use super::{Ground, drop_ref, repository_at};
use crate::cancel::Cancel;
use crate::disk::{self, Below, Replace, Shared};
use crate::durability::Durability;
use crate::error::{Error, IoContext, Result};
use crate::git::worktree::lock::{self, Empty};
use crate::git::{Git, Repository, room, stale, worktree};
use crate::intent::Intent;
use crate::link;
use crate::lock::RepositoryLock;
use crate::registry::history::{Event, EventKind};
use crate::registry::{self, Entry, EntryStatus, Reservation};

/// What came back.
#[derive(Debug, Clone)]
pub struct Returned {
    /// The row of the task; `None` for a directory that no row knew.
    pub entry: Option<Entry>,
    /// Sentences for a person.
    pub notes: Vec<String>,
}

pub(super) fn finish(
    ground: &Ground<'_>,
    intent: &Intent,
    record: &Record,
    made: &Cell<bool>,
) -> Result<Returned> {
    let mut notes = Vec::new();
    let repository = match &record.git {
        Some(git) => repository_at(&git.common_dir, &intent.branch)?,
        None => None,
    };
    if let Some((repository, git)) = repository.as_ref().zip(record.git.as_ref()) {
        made.set(bring_branch_back(ground, intent, repository, git, record)?);
    }
    move_tree(ground, record)?;
    let mut admin = None;
    if let Some((repository, git)) = repository.as_ref().zip(record.git.as_ref()) {
        notes.extend(detach_where_branch_is_taken(ground, repository, git)?);
        admin = Some(move_admin(ground, git, record)?);
    }
    link_again(&record.path, &record.links)?;
    let durability = Durability::of_known(repository.as_ref());
    let flushed = durability.flush(&[&record.path, admin.as_ref().unwrap_or(&record.path)])?;
    if let (Some(git), Some(admin)) = (&record.git, &admin)
        && !flushed
    {
        worktree::sync(&git.common_dir, admin, &record.path, record.branch().unwrap_or("HEAD"))?;
    }
    let entry = register(ground, record)?;
    if let (Some(git), Some(admin)) = (&record.git, &admin) {
        if let Some(entry) = &entry {
            registry::write_task_record(admin, entry, &git.common_dir)?;
        }
        Record::drop_inside(admin)?;
    }
    if let Some(repository) = &repository
        && let Some(snapshot) = record.git.as_ref().and_then(|git| git.snapshot.as_deref())
    {
        // The index, HEAD and the logs keep reachable again what the snapshot kept.
        drop_ref(repository, &record.op, snapshot, ground.lock)?;
    }
    let mut event = Event::new(EventKind::Restored, Some(ground.key));
    event.path = Some(record.path.clone());
    event.branch = record.branch().map(str::to_owned);
    event.detail = Some(format!("from the trash, {}", record.id));
    ground.registry.record(&event);
    Record::unlist(ground.home, &record.id)?;
    disk::delete_tree(&record.place(ground.home), &Cancel::default())?;
    if let Some(beside) = record.tree.parent().filter(|place| *place != record.place(ground.home)) {
        disk::delete_tree(beside, &Cancel::default())?;
    }
    // An entry or a ref that came back would offer the same work a second time.
    durability.flush(&[admin.as_ref().unwrap_or(&record.path), &ground.home.trash()])?;
    Intent::drop_for(ground.home, ground.key, ground.lock)?;
    Ok(Returned { entry, notes })
}

/// Makes the branch again where it was deleted, at the commit where it stood; whether it did.
fn bring_branch_back(
    ground: &Ground<'_>,
    intent: &Intent,
    repository: &Repository,
    git: &GitSide,
    record: &Record,
) -> Result<bool> {
    let (Some(branch), Some(tip)) = (record.branch(), &git.branch_tip) else { return Ok(false) };
    let name = format!("refs/heads/{branch}");
    if let Some(since) = intent.written_at() {
        stale::remove_ref_lock(&git.common_dir, &name, since)?;
    }
    if repository.branch_tip(branch)?.is_some() {
        return Ok(false);
    }
    let nothing = Repository::null_id(tip);
    repository.git().args(["update-ref", &name, tip, &nothing]).holding(ground.lock).read().map(|_| true)
}

/// Whether the tree was moved by an earlier attempt: it is not in the trash any more, and what lies at its place is tied to
/// the repository, under whichever name its entry has got there.
pub(super) fn is_back(record: &Record) -> bool {
    if fs::symlink_metadata(&record.tree).is_ok() {
        return false;
    }
    let tied = |git: &GitSide| {
        let named = worktree::admin_dir_of(&record.path).ok().flatten();
        named.is_some_and(|named| named.parent() == git.admin.parent())
    };
    record.is_tree(&record.path) || record.git.as_ref().is_some_and(tied)
}

fn move_tree(ground: &Ground<'_>, record: &Record) -> Result<()> {
    if is_back(record) {
        return Ok(());
    }
    if fs::symlink_metadata(&record.path).is_ok() {
        return Err(Error::PathExists { task_key: ground.key.clone(), path: record.path.clone() });
    }
    if record.path == ground.home.worktree_path(ground.key) {
        ground.home.prepare_parent_of(ground.key)?;
    }
    disk::move_aside(&record.tree, &record.path)?;
    for directory in [record.tree.parent(), record.path.parent()].into_iter().flatten() {
        disk::sync_dir(directory)?;
    }
    Ok(())
}

/// `HEAD` may only name a branch that stands where it stood: with another commit under it the index would show the
/// difference as staged, and a commit would take the others' work back.
fn detach_where_branch_is_taken(
    ground: &Ground<'_>,
    repository: &Repository,
    git: &GitSide,
) -> Result<Option<String>> {
    let (Some(branch), Some(head)) = (&git.branch, &git.head) else { return Ok(None) };
    if fs::symlink_metadata(&git.kept).is_err() {
        return Ok(None);
    }
    let tip = repository.branch_tip(branch)?;
    let elsewhere = worktree::checked_out_at(repository, branch, None)?;
    let why = match (&tip, &elsewhere) {
        (Some(tip), None) if tip == head => return Ok(None),
        (_, Some(path)) => format!("branch {branch} is checked out at {} now", path.display()),
        (Some(tip), None) => format!("branch {branch} has moved to {} since", &tip[..tip.len().min(12)]),
        (None, None) => format!("branch {branch} is gone"),
    };
    stale::remove_own_locks(&git.kept)?;
    Git::new(&git.common_dir)
        .git_dir(Some(&git.kept))
        .args(["update-ref", "--no-deref", "HEAD", head])
        .holding(ground.lock)
        .read()?;
    Ok(Some(format!("{why}, so the worktree is on a detached HEAD at {}", &head[..head.len().min(12)])))
}

/// Moves the administrative directory back under its name, or under another when git has given that one away since.
fn move_admin(ground: &Ground<'_>, git: &GitSide, record: &Record) -> Result<PathBuf> {
    let lock = RepositoryLock::acquire(ground.home, &git.common_dir, &ground.resolute())?;
    worktree::repair_torn(&git.common_dir, &lock)?;
    if fs::symlink_metadata(&git.kept).is_err() {
        // Moved before: the tree names it.
        let named = worktree::admin_dir_of(&record.path).context("read the .git file of", &record.path)?;
        let tied = |admin: &PathBuf| {
            worktree::points_back(admin, &record.path) && link::other_task(admin, ground.key).is_none()
        };
        return named.filter(tied).ok_or_else(|| Error::WorktreeBroken {
            path: record.path.clone(),
            reason: format!("{} is not there any more", git.kept.display()),
        });
    }
    stale::remove_own_locks(&git.kept)?;
    if record.row.is_some() {
        // Before it counts for git again: a released task went into the trash without it.
        lock::put_on(&git.kept, ground.key, Empty::Foreign)?;
    }
    let mut admin = git.admin.clone();
    for number in 1.. {
        if fs::symlink_metadata(&admin).is_err() {
            break;
        }
        let mut name = git.admin.file_name().unwrap_or_default().to_owned();
        name.push(number.to_string());
        admin = git.admin.with_file_name(name);
    }
    // Home or repository may have been moved while it lay here. Both ends are right before the entry counts for git.
    if !worktree::points_back(&git.kept, &record.path) {
        let mut back = record.path.join(".git").into_os_string().into_encoded_bytes();
        back.push(b'\n');
        room::write(&git.common_dir, &git.kept.join("gitdir"), &back)?;
    }
    if !worktree::names(&record.path, &admin) {
        let link = [b"gitdir: ", admin.as_os_str().as_encoded_bytes(), b"\n"].concat();
        // A link at its place is not followed.
        let how = Replace { keep_mode: true, shared: Some(Shared::Umask), ..Replace::default() };
        disk::replace_file(&record.path.join(".git"), &link, how)?;
    }
    if let Some(parent) = admin.parent() {
        // git removes the directory when its last entry goes; it makes it with the rights of the repository.
        room::directory_in(&git.common_dir, parent)?;
    }
    disk::move_aside(&git.kept, &admin)?;
    for directory in [git.kept.parent(), admin.parent()].into_iter().flatten() {
        disk::sync_dir(directory)?;
    }
    drop(lock);
    Ok(admin)
}

pub(super) fn link_again(worktree: &Path, links: &[Link]) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let mut below = Below::open(worktree).context("open", worktree)?;
    for link in links {
        match below.link(Path::new(&link.name), link.target.as_os_str()) {
            Err(error)
                if !matches!(
                    error.kind(),
                    io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Err(error).context("link the shared directory at", worktree.join(&link.name));
            }
            _ => {}
        }
    }
    Ok(())
}

fn register(ground: &Ground<'_>, record: &Record) -> Result<Option<Entry>> {
    let Some(row) = &record.row else { return Ok(None) };
    if let Some(present) = ground.registry.lookup(ground.key)?
        && present.status == EntryStatus::Active
    {
        return Ok(Some(present));
    }
    let head = record.git.as_ref().and_then(|git| git.head.clone()).unwrap_or_default();
    let reservation = Reservation {
        key: ground.key.clone(),
        worktree_path: record.path.clone(),
        branch: row.branch.clone(),
        base_ref: if row.base_ref.is_empty() { head } else { row.base_ref.clone() },
        phase: row.last_phase.clone(),
        repository: record.git.as_ref().map(|git| git.common_dir.clone()),
        created_at: Some(row.created_at.clone()),
    };
    ground.registry.reserve(&reservation, &ground.resolute()).map(Some)
}
