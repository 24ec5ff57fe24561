//! How far the base of a task is behind what it follows: told when the task begins, and in every later phase.
//!
//! What is followed is noted beside git's own files of the worktree, with where it stood when commits were counted last: a
//! later phase reads two small files, and git counts anew only when the other branch has moved.

use std::fs;
use std::path::Path;

use super::{Remark, RemarkCode, short_id};
use crate::cancel::Cancel;
use crate::disk::{self, Replace};
use crate::git::refs::{self, Tip};
use crate::git::{Git, worktree};
use crate::registry::Entry;

/// Three lines: the full name of what is followed, where it stood, how many commits the base lacked.
pub(crate) const FILE: &str = "okstra-follows";

/// Notes what the base of a new worktree follows. Nothing depends on it but what is told.
pub(in super::super) fn follow(worktree: &Path, follows: Option<&str>) {
    if let Some(name) = follows
        && let Ok(Some(admin)) = worktree::admin_dir_of(worktree)
    {
        note_down(&admin, name, "", 0);
    }
}

fn note_down(admin: &Path, name: &str, at: &str, count: u64) {
    let text = format!("{name}\n{at}\n{count}\n");
    let how = Replace { unflushed: true, ..Replace::default() };
    let _ = disk::replace_file(&admin.join(FILE), text.as_bytes(), how);
}

/// What is to be said of the base of a task in a later phase. Files alone, unless what it follows has moved.
pub(super) fn look(entry: &Entry, admin: &Path, common_dir: &Path) -> Option<Remark> {
    let text = fs::read_to_string(admin.join(FILE)).ok()?;
    let [name, counted_at, count] = text.lines().collect::<Vec<_>>()[..] else { return None };
    let Tip::At(tip) = refs::read(common_dir, name) else { return None };
    let count = if tip == counted_at {
        count.parse().ok()?
    } else if tip == entry.base_ref {
        0
    } else {
        let count = count_in(common_dir, &entry.base_ref, &tip)?;
        note_down(admin, name, &tip, count);
        count
    };
    (count > 0).then(|| remark(&entry.base_ref, name, count, None))
}

fn count_in(common_dir: &Path, from: &str, to: &str) -> Option<u64> {
    count(Git::new(common_dir).git_dir(Some(common_dir)), from, to)
}

/// How many commits one has that another one lacks; `None` where git does not say.
pub(super) fn count(git: Git<'_>, from: &str, to: &str) -> Option<u64> {
    if from.is_empty() {
        return None;
    }
    let range = format!("{from}..{to}");
    let cancel = Cancel::default();
    let output = git.args(["rev-list", "--count", &range, "--"]).looks_only().cancel(&cancel).read().ok()?;
    String::from_utf8_lossy(&output).trim().parse().ok()
}

/// The remark about a base. `new`: the branch that has just been made there.
pub(super) fn remark(base: &str, upstream: &str, count: u64, new: Option<&str>) -> Remark {
    let short = ["refs/remotes/", "refs/heads/"].iter().find_map(|place| upstream.strip_prefix(place));
    let short = short.unwrap_or(upstream);
    let other = if new.is_some() { format!("; `--base {short}` starts there") } else { String::new() };
    let said = format!("the base {} is behind {short} by {}{other}", short_id(base), commits(count));
    Remark::new(RemarkCode::BaseBehind, said).about(short).count(count)
}

/// A number of commits, as people say it.
pub(super) fn commits(count: u64) -> String {
    if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") }
}
