//! Takes what an attempt made out of the way: into quarantine, or, where it was given to nobody and this process has made
//! it moments ago, away altogether.
//!
//! Everything can be killed at any point and repeated. A tree is renamed before anything of it is deleted, so that its
//! path is free at once; the intent says under which name, so that the next call goes on with it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Job, discard, spare};
use crate::cancel::Cancel;
use crate::clock;
use crate::disk;
use crate::error::Result;
use crate::git::worktree::lock::{self, Lock};
use crate::git::{Git, Repository, room, stale, worktree};
use crate::intent::{Intent, Stage};
use crate::registry::EntryStatus;

/// What an administrative directory is called, after the name of its attempt, while it is being deleted.
const DISCARDED: &str = ".discarded";

/// Takes the tree and the administrative directory of an attempt out of the way; the place in quarantine of what is
/// kept of the tree. Only what the attempt made is moved: a tree that belongs to somebody else's entry stays.
pub(super) fn move_aside(job: &Job<'_>, repository: &Repository, intent: &Intent) -> Result<Option<PathBuf>> {
    let admin = admin_dir(intent);
    let named = worktree::admin_dir_of(&intent.path).ok().flatten();
    if admin.is_none()
        && let Some(named) = named.as_ref().filter(|named| is_half_removed(intent, named))
    {
        // Before the tree, whose link is all that tells whose it is.
        retire(intent, named)?;
    }
    let ours = match (&named, &admin) {
        (Some(named), Some(admin)) => same(named, admin),
        (Some(named), None) => !named.exists(),
        (None, _) => true,
    };
    let place = take_away_tree(job, repository, intent, ours)?;
    let mut entries: Vec<PathBuf> = admin.into_iter().collect();
    for other in unfinished_entries(intent) {
        if !entries.iter().any(|known| same(known, &other)) {
            entries.push(other);
        }
    }
    for admin in entries {
        if intent.discarded.is_some() && holds_nothing(intent, &admin) {
            discard_entry(intent, &admin)?;
        } else {
            retire(intent, &admin)?;
        }
    }
    sweep_discarded(intent);
    // After the intent nobody knows whose it was.
    spare::give_back(job.home, intent)?;
    Ok(place)
}

fn take_away_tree(
    job: &Job<'_>,
    repository: &Repository,
    intent: &Intent,
    ours: bool,
) -> Result<Option<PathBuf>> {
    let name = intent.discarded.clone().unwrap_or_else(|| aside_name(intent));
    let place = quarantine_for(job, intent).join(name);
    let tree = place.join("tree");
    if ours && fs::symlink_metadata(&intent.path).is_ok() {
        match disk::move_aside(&intent.path, &tree) {
            // A directory takes room too.
            Err(error) if error.is_no_space() && was_given_to_nobody(job, intent) => {
                if discard::tree(job, repository, intent, &intent.path)? {
                    return Ok(None);
                }
                disk::move_aside(&intent.path, &tree)?;
            }
            other => other?,
        }
    } else if intent.discarded.is_none() || fs::symlink_metadata(&tree).is_err() {
        return Ok(None);
    }
    // What cannot be looked at is kept.
    if intent.discarded.is_some() && discard::tree(job, repository, intent, &tree).unwrap_or(false) {
        // Only when it is empty, and what is in the way of that is only clutter.
        let _ = fs::remove_file(place.join("why.json"));
        let _ = fs::remove_dir(&place);
        let _ = fs::remove_dir(quarantine_for(job, intent));
        return Ok(None);
    }
    match write_why(intent, &place) {
        Err(error) if error.is_no_space() => {
            if was_given_to_nobody(job, intent)
                && discard::tree(job, repository, intent, &tree).unwrap_or(false)
                && fs::remove_dir(&place).is_ok()
            {
                return Ok(None);
            }
            // The record only explains; the next attempt must not wait for it.
            let _ = write_why(intent, &place);
        }
        other => other?,
    }
    Ok(Some(place))
}

fn write_why(intent: &Intent, place: &Path) -> Result<()> {
    let why = serde_json::json!({ "taskKey": intent.task_key, "path": intent.path.to_string_lossy(),
        "op": intent.op, "at": clock::utc_now(), "why": "a provision ended before the worktree was complete" });
    disk::replace_file(&place.join("why.json"), why.to_string().as_bytes(), disk::Replace::default())
}

/// Makes room on a full disk by deleting what this process has just made, where it lies. From then on the tree must not
/// count as complete, so its index goes first.
pub(super) fn make_room(job: &Job<'_>, intent: &Intent) {
    let Some(admin) = admin_dir(intent) else { return };
    let index = admin.join("index");
    if !holds_nothing(intent, &admin)
        || (index.exists() && disk::put_in_place(&index, &admin.join("okstra-index")).is_err())
    {
        return;
    }
    let _ = discard::tree(job, &job.repository, intent, &intent.path);
}

/// Whether nobody can have been told of the worktree: its hook had not started, and no row names it.
fn was_given_to_nobody(job: &Job<'_>, intent: &Intent) -> bool {
    let is_row = || {
        let row = job.registry.lookup(&job.plan.key);
        !row.is_ok_and(|row| {
            row.is_none_or(|row| row.status != EntryStatus::Active || row.worktree_path != intent.path)
        })
    };
    intent.discarded.is_some() || (intent.stage == Stage::Filling && !is_row())
}

/// The administrative directory that an intent's git made: by the reason it was locked with, else by the tree's link, where
/// nobody else has locked it.
pub(super) fn admin_dir(intent: &Intent) -> Option<PathBuf> {
    let reason = intent.lock_reason();
    let by_reason = worktree::admin_dirs(&intent.common_dir)
        .into_iter()
        .find(|dir| lock::reason(dir).as_ref() == Some(&reason));
    by_reason.or_else(|| {
        let admin = worktree::admin_dir_of(&intent.path).ok()??;
        // An empty one is ours after a power cut: there was nothing at the intent's path before.
        let ours = match lock::of(&admin).ok()? {
            Lock::Free => true,
            Lock::Standing(key) => key == intent.task_key,
            Lock::Foreign(reason) => reason.is_empty(),
            Lock::Run(_) => false,
        };
        let tied = worktree::points_back(&admin, &intent.path) || is_torn_of(intent, &admin);
        (ours && admin.is_dir() && tied).then_some(admin)
    })
}

pub(super) fn same(one: &Path, other: &Path) -> bool {
    one == other
        || (fs::canonicalize(one)
            .ok()
            .is_some_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other)))
}

/// Whether an entry is what a power cut left of this attempt's, though it does not say so any more: made since, locked by
/// nobody else, and of no other directory. Its files were flushed one by one or not at all, in any order.
fn is_torn_of(intent: &Intent, admin: &Path) -> bool {
    let nobodys = match lock::of(admin) {
        Ok(Lock::Free) => true,
        Ok(Lock::Standing(key)) => key == intent.task_key,
        Ok(Lock::Run(reason)) => reason == intent.lock_reason(),
        Ok(Lock::Foreign(reason)) => reason.is_empty(),
        Err(_) => false,
    };
    intent.is_of_earlier_boot()
        && nobodys
        && admin.parent().is_some_and(|entries| same(entries, &intent.common_dir.join("worktrees")))
        && worktree::tree_of(admin).is_none_or(|tree| worktree::same_place(&tree, &intent.path))
        && is_since(intent, admin)
}

/// Whether a file or directory was last changed after the intent had been written.
fn is_since(intent: &Intent, path: &Path) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|found| found.modified()).ok();
    modified.zip(intent.written_at()).is_some_and(|(at, started)| at >= started)
}

/// Whether an entry is what a stopped git has not yet taken away of its own: it says neither why it is locked nor where
/// its worktree is. There was nothing at the intent's path before, so what lies there and names it is ours.
fn is_half_removed(intent: &Intent, admin: &Path) -> bool {
    admin.is_dir()
        && admin.parent().is_some_and(|entries| same(entries, &intent.common_dir.join("worktrees")))
        && worktree::tree_of(admin).is_none()
        && !lock::is_on(admin)
}

/// Beside the trees, because a rename must not cross file systems; below the tree's own parent when that one lies
/// elsewhere.
fn quarantine_for(job: &Job<'_>, intent: &Intent) -> PathBuf {
    if intent.path.starts_with(job.home.worktrees()) {
        return job.home.quarantine();
    }
    intent.path.parent().unwrap_or(&intent.path).join(".okstra-quarantine")
}

/// One attempt may move two entries aside within a second: the stale one that it replaces and then its own.
pub(super) fn aside_name(intent: &Intent) -> String {
    format!("{}-{}-{:04x}", clock::utc_compact(), intent.op, disk::random() & 0xffff)
}

pub(super) fn retire(intent: &Intent, admin: &Path) -> Result<()> {
    stale::remove_own_locks(admin)?;
    let id = admin.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("{}-{id}", aside_name(intent));
    room::move_into(admin, &intent.common_dir, room::QUARANTINE, &name)
}

fn kept_entries(intent: &Intent) -> PathBuf {
    intent.common_dir.join(room::QUARANTINE)
}

/// Whether an entry is as git and a fill make one: its `HEAD` is on the branch and was nowhere else, its index is that
/// of the commit, and there is nothing of another command in it.
fn holds_nothing(intent: &Intent, admin: &Path) -> bool {
    if !only_known_files(admin) {
        return false;
    }
    let commit = intent.commit.as_str();
    let ask = |args: &[&str]| {
        let git = Git::new(&intent.common_dir).git_dir(Some(admin)).args(args);
        let output = git.looks_only().run().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let branch = format!("refs/heads/{}", intent.branch);
    let was_nowhere_else = if admin.join("reftable").exists() {
        ask(&["log", "--walk-reflogs", "--format=%H", "HEAD"])
            .is_some_and(|log| log.lines().all(|id| id == commit))
    } else {
        let log = fs::read_to_string(admin.join("logs/HEAD")).unwrap_or_default();
        log.lines().all(|line| line.split(' ').nth(1) == Some(commit))
    };
    let has_head = fs::symlink_metadata(admin.join("HEAD")).is_ok();
    was_nowhere_else
        && (!has_head || ask(&["symbolic-ref", "--quiet", "HEAD"]) == Some(branch))
        && (!admin.join("index").exists()
            || ask(&["diff-index", "--cached", "--quiet", commit, "--"]).is_some())
}

/// Whether there is nothing in an entry but what `git worktree add`, `git read-tree` and a fill put there.
fn only_known_files(admin: &Path) -> bool {
    const KNOWN: &[&str] = &[
        "HEAD",
        "ORIG_HEAD",
        "commondir",
        "gitdir",
        "locked",
        "index",
        "okstra-index",
        "config.worktree",
        "logs",
        "logs/HEAD",
        "refs",
        "info",
        "info/sparse-checkout",
    ];
    fn look(admin: &Path, directory: &Path) -> bool {
        let Ok(entries) = fs::read_dir(directory) else { return false };
        entries.into_iter().all(|entry| {
            let Ok(entry) = entry else { return false };
            let path = entry.path();
            let Some(name) = path.strip_prefix(admin).ok().and_then(Path::to_str) else { return false };
            let is_table = name == "reftable" || name.starts_with("reftable/");
            (is_table || KNOWN.contains(&name) || name.ends_with(".lock") || name.starts_with("sharedindex."))
                && (!entry.file_type().is_ok_and(|kind| kind.is_dir()) || look(admin, &path))
        })
    }
    look(admin, admin)
}

/// An entry is renamed before it is deleted, because half of one stops nearly every git command in the repository.
fn discard_entry(intent: &Intent, admin: &Path) -> Result<()> {
    stale::remove_own_locks(admin)?;
    let id = admin.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = intent.discarded.as_deref().unwrap_or(&intent.op);
    room::move_into(admin, &intent.common_dir, room::QUARANTINE, &format!("{name}-{id}{DISCARDED}"))
}

/// Deletes the entries that this attempt has given up, also before it was killed.
fn sweep_discarded(intent: &Intent) {
    let Some(name) = &intent.discarded else { return };
    let place = kept_entries(intent);
    if !room::is_own(&place) {
        return;
    }
    for entry in fs::read_dir(&place).into_iter().flatten().flatten() {
        let found = entry.file_name().to_string_lossy().into_owned();
        if found.starts_with(name.as_str()) && found.ends_with(DISCARDED) {
            // What stays is deleted with the quarantine.
            let _ = disk::delete_tree(&entry.path(), &Cancel::default());
        }
    }
    // Only an empty one goes.
    let _ = fs::remove_dir(place);
}

/// Entries of ours that were killed before git had written the reason into `locked`: named after our directory, locked
/// with nothing, pointing nowhere, and not older than the intent.
fn unfinished_entries(intent: &Intent) -> Vec<PathBuf> {
    let stem = intent.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let nameless = |admin: &PathBuf| {
        let name = admin.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let numbered =
            name.strip_prefix(&stem).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
        let locked = admin.join("locked");
        let empty = fs::metadata(&locked).is_ok_and(|found| found.len() == 0) && is_since(intent, &locked);
        numbered && (empty && !admin.join("gitdir").exists() || is_torn_of(intent, admin))
    };
    worktree::admin_dirs(&intent.common_dir).into_iter().filter(nameless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::Kind;
    use crate::task::TaskKey;

    #[test]
    fn only_nameless_entries_of_ours_are_taken() {
        let directory = tempfile::tempdir().unwrap();
        let key = TaskKey::new("p", "g", "fix-1").unwrap();
        let mut intent =
            Intent::new(Kind::Create, &key, directory.path(), &directory.path().join("fix-1"), "task-fix-1");
        intent.since = "2020-01-01T00:00:00.000Z".into();
        for (name, files) in [
            ("fix-1", &["locked"][..]),
            ("fix-12", &["locked"]),
            ("fix-10", &["locked", "gitdir"]),
            ("fix-1x", &["locked"]),
            ("other", &["locked"]),
            ("fix-13", &[]),
        ] {
            let admin = directory.path().join("worktrees").join(name);
            fs::create_dir_all(&admin).unwrap();
            for file in files {
                fs::File::create(admin.join(file)).unwrap();
            }
        }
        let mut names: Vec<_> =
            unfinished_entries(&intent).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        names.sort();
        assert_eq!(names, ["fix-1", "fix-12"]);
        intent.since = "2999-01-01T00:00:00.000Z".into();
        assert!(unfinished_entries(&intent).is_empty(), "older than the intent: somebody else's");
    }
}
