//! git's entries of linked worktrees (`worktrees/<id>`): what killed `git worktree add`s left, ours and others'.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::holders::{self, Holders};
use super::repositories::Known;
use super::{Code, Doctor, Finding, LEFT_BEHIND, Outcome, Severity, age, spoken};
use crate::clock;
use crate::disk;
use crate::error::Result;
use crate::git::worktree::lock::{self, Empty, Lock};
use crate::git::{mend, room, worktree};
use crate::intent::Intent;
use crate::lock::{RepositoryLock, TaskLock};
use crate::registry::{Entry, EntryStatus, Inspection, TaskRecord};
use crate::task::TaskKey;

/// A part of a worktree that somebody else's git made is told of from this age on.
const FOREIGN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of one entry.
struct Found {
    admin: PathBuf,
    /// The directory it belongs to; `None` where git had not come so far.
    tree: Option<PathBuf>,
    lock: Lock,
    complete: bool,
}

impl Found {
    fn at(admin: PathBuf) -> Self {
        let filled = |name: &str| fs::metadata(admin.join(name)).is_ok_and(|found| found.len() > 0);
        let complete = filled("gitdir")
            && filled("commondir")
            && fs::symlink_metadata(admin.join("HEAD")).is_ok()
            && filled("index")
            && !admin.join("index.lock").exists();
        // What cannot be read is not known to be nobody's.
        let lock = lock::of(&admin).unwrap_or(Lock::Foreign(String::new()));
        Self { tree: worktree::tree_of(&admin), lock, complete, admin }
    }

    fn is_ours(&self) -> bool {
        matches!(self.lock, Lock::Run(_) | Lock::Standing(_))
    }

    /// Whether its directory is there and names it.
    fn is_tied(&self) -> bool {
        let named = self.tree.as_deref().and_then(|tree| worktree::admin_dir_of(tree).ok()?);
        named.is_some_and(|named| {
            named == self.admin || fs::canonicalize(named).is_ok_and(|named| named == self.admin)
        })
    }
}

/// Looks for empty `commondir` files, before the first git command: with one of them there, most fail.
pub(super) fn examine_torn(doctor: &mut Doctor<'_>, common_dirs: &[PathBuf]) -> Result<()> {
    for common in common_dirs {
        for admin in worktree::admin_dirs(common) {
            let file = admin.join("commondir");
            let found = fs::metadata(&file).ok().filter(|found| found.is_file() && mend::is_blank(&file));
            let Some(found) = found else { continue };
            let age = age(&admin.join("commondir"));
            let message = format!(
                "{} has an empty commondir ({}): most git commands fail in the whole repository",
                admin.display(),
                spoken(age)
            );
            let finding = Finding::new(Code::CommondirTorn, Severity::Error, message).at(admin.clone());
            let ours = Found::at(admin.clone()).is_ours() || worktree::is_past_add(&admin);
            let alive = matches!(holders::of(std::slice::from_ref(&admin), &[]), Holders::Some(_));
            let young = !worktree::is_surely_torn(&found);
            if !ours && (young || alive) {
                doctor.tell(finding, Outcome::Wait, "Nothing is done yet: a git may be about to fill it.");
                continue;
            }
            doctor.mend(
                finding,
                "Writes into it what git would have written (`../..`); nothing is deleted.",
                |doctor| {
                    let lock = RepositoryLock::acquire(doctor.home, common, doctor.patience)?;
                    worktree::repair_torn(common, &lock).map(drop)
                },
            )?;
        }
    }
    Ok(())
}

/// Looks for entries that are not whole, and for those that are still locked by a run that is over.
pub(super) fn examine_unfinished(
    doctor: &mut Doctor<'_>,
    known: &[Known],
    inspection: &Inspection,
) -> Result<()> {
    let alive: HashSet<String> = Intent::files(doctor.home)
        .into_iter()
        .filter_map(|(_, intent)| Some(intent.ok()?.1.lock_reason()))
        .collect();
    for known in known {
        let common = &known.repository.common_dir;
        for found in worktree::admin_dirs(common).into_iter().map(Found::at) {
            match &found.lock {
                Lock::Run(reason) if !alive.contains(reason) => ours(doctor, common, found, inspection)?,
                Lock::Run(_) => {}
                Lock::Standing(key) => {
                    let key = key.clone();
                    standing(doctor, &found, &key, inspection)?;
                }
                Lock::Free | Lock::Foreign(_) if !found.complete && !found.is_tied() => {
                    foreign(doctor, &found);
                }
                Lock::Free | Lock::Foreign(_) => {}
            }
        }
        staging(doctor, common)?;
    }
    Ok(())
}

/// An entry that a run of okstra made whose record is gone.
fn ours(doctor: &mut Doctor<'_>, common: &Path, found: Found, inspection: &Inspection) -> Result<()> {
    let row = found.tree.as_ref().and_then(|tree| {
        inspection.entries.iter().find(|entry| worktree::same_place(&entry.worktree_path, tree))
    });
    let age = age(&found.admin.join("locked"));
    // A run with another okstra home keeps its record there.
    let recent = age.is_none_or(|age| age < LEFT_BEHIND);
    if found.complete && found.is_tied() {
        let (lock, admin) = (found.lock.clone(), found.admin.clone());
        let message = format!("{} is still locked by a run that is over ({})", admin.display(), spoken(age));
        let mut finding = Finding::new(Code::EntryLocked, Severity::Warning, message).at(admin.clone());
        finding.task_key = row.map(|entry| entry.key.clone());
        if recent && row.is_none() {
            doctor.tell(
                finding,
                Outcome::Wait,
                "Nothing is done yet: a run with another okstra home may be at it.",
            );
            return Ok(());
        }
        if let Some(entry) = row.filter(|entry| entry.status == EntryStatus::Active) {
            let remedy = "Puts the lock of its task in its place; the worktree is whole.";
            return doctor
                .mend(finding, remedy, |_| lock::put_on(&admin, &entry.key, Empty::Foreign).map(drop));
        }
        return doctor.mend(finding, "Takes that lock off; the worktree is whole.", |_| {
            lock::take_off(&admin, |found| *found == lock)
        });
    }
    let message =
        format!("{} is a part of a worktree that a dead run left ({})", found.admin.display(), spoken(age));
    let finding = Finding::new(Code::EntryUnfinished, Severity::Warning, message).at(found.admin.clone());
    let places: Vec<PathBuf> = found.tree.iter().cloned().chain([found.admin.clone()]).collect();
    let occupied = !matches!(holders::of(&places, &[]), Holders::Nobody);
    if recent || occupied || row.is_some() {
        let remedy = "Nothing is done yet: `--fix` moves it aside when it is older than 10 minutes, no task has it and nobody is in it.";
        doctor.tell(finding, Outcome::Wait, remedy);
        return Ok(());
    }
    let remedy = "Moves it, and the directory that belongs to it, into quarantine; nothing is deleted.";
    doctor.mend(finding, remedy, |doctor| {
        let lock = RepositoryLock::acquire(doctor.home, common, doctor.patience)?;
        quarantine(doctor, common, &found, &lock)
    })
}

/// An entry that is locked for a task. Only tasks of this home are looked at: those of another one are its own.
fn standing(doctor: &mut Doctor<'_>, found: &Found, key: &str, inspection: &Inspection) -> Result<()> {
    let row = inspection.entries.iter().find(|entry| entry.key.to_string() == key);
    let here = |entry: &Entry| {
        found.tree.as_ref().is_some_and(|tree| worktree::same_place(&entry.worktree_path, tree))
    };
    let over = match row {
        Some(entry) => entry.status == EntryStatus::Released && here(entry),
        // A row that is lost is written again from the record, where there is one.
        None => {
            found.tree.as_ref().is_some_and(|tree| tree.starts_with(doctor.home.worktrees()))
                && TaskRecord::read(&found.admin).is_none()
        }
    };
    let held = TaskKey::parse(key)
        .is_ok_and(|key| TaskLock::is_held(doctor.home, &key) || doctor.home.intent_file(&key).exists());
    if !over || held {
        return Ok(());
    }
    let admin = &found.admin;
    let message =
        format!("{} is still locked for the task {key}, which is not active any more", admin.display());
    let mut finding = Finding::new(Code::EntryLocked, Severity::Warning, message).at(admin.clone());
    finding.task_key = row.map(|entry| entry.key.clone());
    doctor.mend(finding, "Takes that lock off.", |_| {
        lock::take_off(admin, |lock| matches!(lock, Lock::Standing(name) if name == key))
    })
}

fn quarantine(doctor: &Doctor<'_>, common: &Path, found: &Found, _lock: &RepositoryLock) -> Result<()> {
    let id = found.admin.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{}-{:08x}-{id}", clock::utc_compact(), disk::random() >> 32);
    if let Some(tree) = &found.tree
        && tree.is_dir()
        && found.is_tied()
    {
        let place = if tree.starts_with(doctor.home.worktrees()) {
            doctor.home.quarantine()
        } else {
            tree.parent().unwrap_or(tree).join(".okstra-quarantine")
        };
        disk::move_aside(tree, &place.join(&name).join("tree"))?;
    }
    room::move_into(&found.admin, common, room::QUARANTINE, &name)
}

/// An entry that somebody else's git left half-made. It stands in nobody's way, so it is only told of.
fn foreign(doctor: &mut Doctor<'_>, found: &Found) {
    let age = age(&found.admin);
    let is_half_made = found.tree.is_none() || found.lock != Lock::Free;
    if !is_half_made || age.is_none_or(|age| age < FOREIGN_AFTER) {
        return;
    }
    let message =
        format!("{} is a part of a worktree that a killed git left ({})", found.admin.display(), spoken(age));
    let finding = Finding::new(Code::EntryUnfinished, Severity::Note, message).at(found.admin.clone());
    let remedy = match &found.tree {
        Some(tree) => format!(
            "Nothing is done, because it is not okstra's. Look at {}; `git worktree remove -f -f` takes both away.",
            tree.display()
        ),
        None => "Nothing is done, because it is not okstra's. It is in nobody's way and may be deleted."
            .to_owned(),
    };
    doctor.tell(finding, Outcome::Decide, remedy);
}

/// What killed repairs of our own left; there is nothing in it but what can be made again.
fn staging(doctor: &mut Doctor<'_>, common: &Path) -> Result<()> {
    for place in mend::abandoned_staging(common) {
        let age = age(&place);
        let message = format!("{} is what a killed repair left ({})", place.display(), spoken(age));
        let finding = Finding::new(Code::EntryStaging, Severity::Warning, message).at(place.clone());
        doctor.mend(finding, "Deletes it: there is nothing in it but what can be made again.", |doctor| {
            // Whoever rebuilds holds this lock.
            let _lock = RepositoryLock::acquire(doctor.home, common, doctor.patience)?;
            disk::delete_tree(&place, &doctor.patience.cancel).map(drop)
        })?;
    }
    Ok(())
}
