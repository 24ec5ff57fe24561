//! What lies where worktrees lie, and is in no row.

use std::fs;
use std::path::{Path, PathBuf};

use super::repositories::Known;
use super::{Code, Doctor, Finding, Outcome, Severity};
use crate::error::Result;
use crate::git::worktree::{self, Found};
use crate::intent::Intent;
use crate::registry::{Entry, EntryStatus, Inspection, Reservation, TaskRecord};
use crate::task::TaskKey;

/// Looks at every `<project>/<group>/<task>` below the worktrees.
pub(super) fn examine(doctor: &mut Doctor<'_>, _known: &[Known], inspection: &Inspection) -> Result<()> {
    let intents: Vec<PathBuf> =
        Intent::files(doctor.home).into_iter().filter_map(|(_, intent)| Some(intent?.path)).collect();
    let is_known = |path: &Path| {
        inspection.entries.iter().any(|entry| worktree::same_place(&entry.worktree_path, path))
            || intents.iter().any(|known| worktree::same_place(known, path))
    };
    for path in task_directories(&doctor.home.worktrees()) {
        if is_known(&path)
            || doctor.explained.contains(&path)
            || inspection.unusable.iter().any(|(key, _)| path.ends_with(key))
        {
            continue;
        }
        unknown(doctor, &path, inspection)?;
    }
    Ok(())
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

fn unknown(doctor: &mut Doctor<'_>, path: &Path, inspection: &Inspection) -> Result<()> {
    if let Ok(Found::Linked { admin, common_dir }) = worktree::look(path)
        && let Some(record) = TaskRecord::read(&admin)
        && worktree::same_place(&record.entry.worktree_path, path)
        && !inspection.entries.iter().any(|entry| entry.key == record.entry.key)
    {
        return row_lost(doctor, path, record.entry, common_dir);
    }
    let task = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let group = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let project =
        path.ancestors().nth(2).and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let message = format!("{} lies where worktrees lie, and no task has it", path.display());
    let finding = Finding::new(Code::DirectoryUnknown, Severity::Warning, message).at(path);
    let remedy = match TaskKey::new(&project, &group, &task) {
        Ok(key) => format!(
            "Nothing is done, because it may hold somebody's work. `okstra adopt {} --task {key}` makes it a task's again; or move it away.",
            quoted(path)
        ),
        Err(_) => {
            "Nothing is done, because it may hold somebody's work. Look at it and move it away.".to_owned()
        }
    };
    doctor.tell(finding, Outcome::Decide, remedy);
    Ok(())
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A registry that was overwritten or edited has lost a row; the worktree's own record has it.
fn row_lost(doctor: &mut Doctor<'_>, path: &Path, entry: Entry, common_dir: PathBuf) -> Result<()> {
    let message =
        format!("the registry has lost its row of {}, whose worktree is {}", entry.key, path.display());
    let finding = Finding::new(Code::RowLost, Severity::Error, message).of(&entry.key).at(path);
    let remedy = "Writes the row again, from the record that okstra left with the worktree.";
    let registry = doctor.registry;
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
