//! What lies where worktrees lie, and is in no row.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Code, Doctor, Finding, Outcome, Severity};
use crate::error::Result;
use crate::git::places::Places;
use crate::git::worktree::{self, Found};
use crate::intent::Intent;
use crate::registry::{Entry, EntryStatus, Inspection, Reservation, TaskRecord};
use crate::shell;
use crate::task::TaskKey;

/// Looks for worktrees whose own record knows more than the registry: before the rows are looked at.
pub(super) fn examine_lost(doctor: &mut Doctor<'_>, inspection: &Inspection) -> Result<()> {
    for path in strangers(doctor, inspection) {
        let Ok(Found::Linked { admin, common_dir }) = worktree::look(&path) else { continue };
        let Some(record) = TaskRecord::read(&admin) else { continue };
        if !worktree::same_place(&record.entry.worktree_path, &path) {
            continue;
        }
        match inspection.entries.iter().find(|entry| entry.key == record.entry.key) {
            None => row_lost(doctor, &path, record.entry, common_dir)?,
            Some(row) if fs::symlink_metadata(&row.worktree_path).is_err() => {
                row_is_old(doctor, &path, row, &common_dir)?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Looks for what nobody knows: after the rows, which may explain it.
pub(super) fn examine_unknown(doctor: &mut Doctor<'_>, inspection: &Inspection) {
    for path in strangers(doctor, inspection) {
        if !doctor.explained.contains(&path) {
            unknown(doctor, &path);
        }
    }
}

/// Every `<project>/<group>/<task>` below the worktrees that no row and no run names.
fn strangers(doctor: &Doctor<'_>, inspection: &Inspection) -> Vec<PathBuf> {
    let intents: Vec<PathBuf> =
        Intent::files(doctor.home).into_iter().filter_map(|(_, intent)| Some(intent.ok()?.1.path)).collect();
    let rows = inspection.entries.iter().map(|entry| entry.worktree_path.clone());
    let known = Places::of(rows.chain(intents).map(|path| (path, ())));
    let mut paths = task_directories(&doctor.home.worktrees());
    paths.retain(|path| {
        known.get(path).is_none()
            && !inspection.unusable.iter().any(|row| !row.key.is_empty() && path.ends_with(&row.key))
    });
    paths
}

fn task_directories(worktrees: &Path) -> Vec<PathBuf> {
    let mut level = vec![worktrees.to_owned()];
    for _ in 0..3 {
        level = level.iter().flat_map(|directory| children(directory)).collect();
    }
    level.sort();
    level
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        // okstra's own: the quarantine, spares, the trash.
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        .collect()
}

fn unknown(doctor: &mut Doctor<'_>, path: &Path) {
    let task = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let group = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let project =
        path.ancestors().nth(2).and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let message = format!("{} lies where worktrees lie, and no task has it", path.display());
    let finding = Finding::new(Code::DirectoryUnknown, Severity::Warning, message).at(path);
    let remedy = match TaskKey::new(&project, &group, &task) {
        Ok(key) => format!(
            "Nothing is done, because it may hold somebody's work. `okstra adopt {} --task {key}` makes it a task's again; or move it away.",
            shell::path(path)
        ),
        Err(_) => {
            "Nothing is done, because it may hold somebody's work. Look at it and move it away.".to_owned()
        }
    };
    doctor.tell(finding, Outcome::Decide, remedy);
}

/// A registry that came back from its backup names the place where the worktree was before it was moved.
fn row_is_old(doctor: &mut Doctor<'_>, path: &Path, row: &Entry, common_dir: &Path) -> Result<()> {
    let message = format!(
        "the registry has {} at {}, and its worktree is {}",
        row.key,
        row.worktree_path.display(),
        path.display()
    );
    let finding = Finding::new(Code::WorktreeMoved, Severity::Error, message).of(&row.key).at(path);
    let registry = doctor.registry;
    doctor.explained.push(path.to_owned());
    doctor.mend(finding, "Makes the registry name this place.", |doctor| {
        registry.relocate(&row.key, path, Some(common_dir), doctor.patience).map(drop)
    })
}

/// A registry that was overwritten or edited has lost a row; the worktree's own record has it.
fn row_lost(doctor: &mut Doctor<'_>, path: &Path, entry: Entry, common_dir: PathBuf) -> Result<()> {
    let message =
        format!("the registry has lost its row of {}, whose worktree is {}", entry.key, path.display());
    let finding = Finding::new(Code::RowLost, Severity::Error, message).of(&entry.key).at(path);
    let remedy = "Writes the row again, from the record that okstra left with the worktree.";
    let registry = doctor.registry;
    doctor.explained.push(path.to_owned());
    doctor.mend(finding, remedy, |doctor| {
        let key = entry.key.clone();
        let reservation = Reservation {
            key: entry.key,
            worktree_path: entry.worktree_path,
            branch: entry.branch,
            base_ref: entry.base_ref,
            phase: entry.last_phase,
            repository: Some(common_dir),
            created_at: Some(entry.created_at),
        };
        registry.reserve(&reservation, doctor.patience)?;
        if entry.status == EntryStatus::Released {
            registry.release(&key, doctor.patience)?;
        }
        Ok(())
    })
}
