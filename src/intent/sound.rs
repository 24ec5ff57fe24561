//! Whether an intent is one that okstra wrote for this task in this home. What it names is moved, and its branch deleted.

use super::{Intent, Kind, Stage};
use crate::checked;
use crate::home::OkstraHome;
use crate::registry::Registry;
use crate::task::{self, TaskKey};
use crate::trash;

/// The reason, when it is not.
pub(super) fn check(intent: &Intent, home: &OkstraHome, key: &TaskKey) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("its {what} is none that okstra would have written"));
    if intent.task_key != key.to_string() {
        return wrong("task");
    }
    if !checked::is_op(&intent.op) {
        return wrong("op");
    }
    let stages: &[Stage] = match intent.kind {
        Kind::Create | Kind::Restore => {
            &[Stage::Filling, Stage::HookStarted, Stage::HookEnded, Stage::RollingBack, Stage::Committed]
        }
        Kind::Remove => &[Stage::Preparing, Stage::Moving],
        Kind::PutBack => &[Stage::Moving],
    };
    if !stages.contains(&intent.stage) {
        return wrong("stage");
    }
    let moves = matches!(intent.kind, Kind::Remove | Kind::PutBack);
    let nowhere = moves && intent.common_dir.as_os_str().is_empty();
    if !nowhere && !checked::is_git_directory(&intent.common_dir) {
        return wrong("repository");
    }
    let ids =
        intent.bases.iter().chain(&intent.spares).chain(Some(&intent.commit).filter(|id| !id.is_empty()));
    if !ids.into_iter().all(|id| checked::is_commit(id))
        || (intent.kind == Kind::Create && intent.bases.is_empty())
    {
        return wrong("commit");
    }
    // An entry that is put back was made by another operation.
    let named = |name: &String| match intent.kind {
        Kind::PutBack => trash::op_of(name).is_some(),
        _ => checked::is_name_of(&intent.op, name),
    };
    if !intent.entry.iter().all(named) || intent.entry.is_some() != moves {
        return wrong("entry");
    }
    if !intent.discarded.iter().all(|name| checked::is_plain(name)) || (moves && intent.discarded.is_some()) {
        return wrong("name in quarantine");
    }
    let texts = [&intent.phase, &intent.base_ref, &intent.since].into_iter().chain(&intent.created_at);
    if texts.into_iter().any(|text| text.chars().any(char::is_control)) {
        return wrong("text");
    }
    // What is created is created at one place, on a branch of one kind. What comes back or goes may have been adopted.
    let row = Registry::open(home).glimpse(key);
    let entries = || trash::entries_of(home, key).unwrap_or_default();
    let place = checked::is_place_of(home, key, &intent.path)
        || (checked::is_path(&intent.path)
            && home.may_hold(&intent.path)
            && intent.kind != Kind::Create
            && (row.as_ref().is_some_and(|row| row.worktree_path == intent.path)
                || entries().iter().any(|record| record.path == intent.path)));
    if !place {
        return wrong("path");
    }
    // The branch of a move is only shown: what is done to branches then is in the entry's own record.
    let branch = checked::is_branch_of(key, &intent.branch)
        || (moves && (intent.branch == "HEAD" || task::check_branch(&intent.branch).is_ok()))
        || (intent.kind == Kind::Restore
            && task::check_branch(&intent.branch).is_ok()
            && (row.is_some_and(|row| row.branch == intent.branch)
                || entries().iter().any(|record| record.branch() == Some(&intent.branch))));
    if branch { Ok(()) } else { wrong("branch") }
}
