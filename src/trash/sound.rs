//! Whether a trash record is one that okstra wrote in this home. What it names is moved, made again and, in the end, deleted.

use std::path::Path;

use super::record::{GitSide, Record};
use super::{beside, kept_admin};
use crate::checked;
use crate::disk;
use crate::git::worktree::same_place;
use crate::home::OkstraHome;
use crate::registry::{Registry, TaskRecord};
use crate::task::TaskKey;

/// The record, with the places that it names in a home that was moved since; `None` when it is none of this home.
pub(super) fn checked(mut record: Record, home: &OkstraHome) -> Option<Record> {
    let key = TaskKey::parse(&record.task_key).ok()?;
    let tree = home.trash().join(&record.id).join("tree");
    if let Some(place) = checked::moved_home(home, &key, &record.path) {
        record.path = place;
        record.tree.clone_from(&tree);
    }
    // The home is reached under another name now, or was copied: its own trash is meant.
    if record.tree.ends_with(Path::new(".trash").join(&record.id).join("tree")) {
        record.tree = tree;
    }
    is_sound(&record, home, &key).then_some(record)
}

fn is_sound(record: &Record, home: &OkstraHome, key: &TaskKey) -> bool {
    let no_control = |text: &String| !text.chars().any(char::is_control);
    let tree = record.place(home).join("tree");
    checked::is_op(&record.op)
        && checked::is_name_of(&record.op, &record.id)
        && (record.tree == tree || record.tree == beside(&record.id, &record.path))
        && record.row.as_ref().is_none_or(|row| {
            is_branch(&row.branch)
                && [&row.base_ref, &row.created_at, &row.last_phase].into_iter().all(no_control)
        })
        && record.links.iter().all(|link| disk::is_inner(Path::new(&link.name)) && link.target.is_absolute())
        && record.git.as_ref().is_none_or(|git| is_sound_git(git, record, home, key))
        && is_place(record, home, key)
}

fn is_sound_git(git: &GitSide, record: &Record, home: &OkstraHome, key: &TaskKey) -> bool {
    let ids = [&git.head, &git.branch_tip, &git.snapshot].into_iter().flatten();
    let entries = git.admin.parent();
    checked::is_git_directory(&git.common_dir)
        && git.kept == kept_admin(&git.common_dir, &record.id)
        && checked::is_path(&git.admin)
        && entries.is_some_and(|entries| {
            entries.file_name() == Some("worktrees".as_ref())
                && entries.parent().is_some_and(|common| same_place(common, &git.common_dir))
        })
        && git.branch.as_deref().is_none_or(checked::is_branch_name)
        && ids.into_iter().all(|id| checked::is_commit(id))
        && (!git.delete_branch || record.branch().is_some_and(|branch| is_own_branch(branch, home, key, git)))
}

/// Whether a branch is one that a removal of this task may delete.
fn is_own_branch(branch: &str, home: &OkstraHome, key: &TaskKey, git: &GitSide) -> bool {
    let noted = || [&git.kept, &git.admin].into_iter().find_map(|admin| TaskRecord::read(admin));
    checked::is_branch_of(key, branch)
        || Registry::open(home).glimpse(key).is_some_and(|row| row.branch == branch)
        || noted().is_some_and(|noted| noted.entry.key == *key && noted.entry.branch == branch)
}

/// Whether the worktree was at the task's place, or at one where the registry, or the record that okstra keeps with git's
/// half, knows the task: an adopted one may lie anywhere.
fn is_place(record: &Record, home: &OkstraHome, key: &TaskKey) -> bool {
    let path = &record.path;
    if checked::is_place_of(home, key, path) {
        return true;
    }
    let noted = || {
        let git = record.git.as_ref()?;
        [&git.kept, &git.admin].into_iter().find_map(|admin| TaskRecord::read(admin))
    };
    checked::is_path(path)
        && home.may_hold(path)
        && (Registry::open(home).glimpse(key).is_some_and(|row| row.worktree_path == *path)
            || noted().is_some_and(|noted| noted.entry.key == *key && noted.entry.worktree_path == *path))
}

fn is_branch(name: &str) -> bool {
    name.is_empty() || checked::is_branch_name(name)
}
