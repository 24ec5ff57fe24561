//! Deletes entries of the trash for good. An entry is renamed first, so that half of one is never offered for a return;
//! its ref goes after its files, and its record last, so that a killed purge is continued by the next.

use std::path::{Path, PathBuf};

use super::{Record, directories, drop_ref, kept_admins, repository_at};
use crate::cancel::Cancel;
use crate::disk::{self, Deletion};
use crate::error::Result;
use crate::git::room;
use crate::home::OkstraHome;
use crate::lock::TaskLock;

/// What a directory is called while it is being deleted.
const PURGING: &str = ".purging-";

/// Purges one entry. The caller holds the lock of its task, so that no return from it is under way.
pub fn purge(home: &OkstraHome, record: &Record, lock: &TaskLock, cancel: &Cancel) -> Result<Deletion> {
    let place = record.place(home);
    let doomed = home.trash().join(format!("{PURGING}{}", record.id));
    if place.is_dir() {
        disk::move_aside(&place, &doomed)?;
    } else {
        // Only the half in the repository is left; without the record a killed purge would forget it.
        disk::create_private_dir_all(&doomed)?;
        record.write_to(&doomed)?;
    }
    finish(home, &doomed, Some(record), lock, cancel)
}

/// The directories of purges that did not get to their end.
pub fn unfinished(home: &OkstraHome) -> Vec<PathBuf> {
    let own = Some(home.trash()).filter(|trash| room::is_own(trash));
    let entries = own.and_then(|trash| std::fs::read_dir(trash).ok()).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(PURGING.as_bytes()))
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// Continues one of those; `record` is what it was read as, while it has one.
pub fn finish(
    home: &OkstraHome,
    doomed: &Path,
    record: Option<&Record>,
    lock: &TaskLock,
    cancel: &Cancel,
) -> Result<Deletion> {
    let mut all = disk::delete_tree(&doomed.join("tree"), cancel)?;
    if let Some(record) = record {
        if let Some(beside) = record.tree.parent().filter(|place| *place != record.place(home)) {
            add(&mut all, disk::delete_tree(beside, cancel)?);
        }
        if let Some(git) = &record.git {
            let gone = kept_admins(&git.common_dir).join(format!("{PURGING}{}", record.id));
            if git.kept.is_dir() {
                disk::move_aside(&git.kept, &gone)?;
            }
            add(&mut all, disk::delete_tree(&gone, cancel)?);
            let branch = record.branch().unwrap_or("HEAD");
            if let Some(snapshot) = &git.snapshot
                && let Some(repository) = repository_at(&git.common_dir, branch)?
            {
                drop_ref(&repository, &record.op, snapshot, lock)?;
            }
        }
    }
    if all.is_complete() {
        if let Some(record) = record {
            Record::unlist(home, &record.id)?;
        }
        add(&mut all, disk::delete_tree(doomed, cancel)?);
    }
    Ok(all)
}

fn add(all: &mut Deletion, more: Deletion) {
    all.deleted += more.deleted;
    all.left += more.left;
    all.examples.extend(more.examples);
}

/// Directories in the trash that are no entries, because their record is missing or damaged. They are named and never
/// deleted: what is in them is not known.
pub fn unreadable(home: &OkstraHome) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for place in directories(&home.trash())? {
        if Record::read_beside(home, &place)?.is_none() {
            found.push(place);
        }
    }
    Ok(found)
}
