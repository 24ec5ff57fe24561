//! Whose a worktree is. An entry of git's is a task's when three things agree: the `.git` file of the task's worktree names
//! it, its `gitdir` names that worktree, and okstra's record in it (`okstra.json`) names the task. Entry names are given
//! away again by git, so that one end alone may lead to somebody else's branch, index and work.
//!
//! A worktree of 0.12.0 has no record, and neither has one that `git worktree repair` made whole: then both ends and the
//! row decide, and the record is written at the next chance.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::git::worktree::{self, Fault, Found, lock};
use crate::home::OkstraHome;
use crate::intent::Intent;
use crate::registry::{Entry, TaskRecord};
use crate::task::TaskKey;

/// What lies at the path of a task's worktree: [`Found::Linked`] only when it is the task's. No process is started.
pub fn look(key: &TaskKey, path: &Path) -> Result<Found> {
    let found = worktree::look(path)?;
    if let Found::Linked { admin, .. } = &found
        && let Some(key) = other_task(admin, key)
    {
        return Ok(Found::Broken(Fault::OtherTask { admin: admin.clone(), key }));
    }
    Ok(found)
}

/// The error of a command that needs the worktree of a task.
#[must_use]
pub fn refusal(key: &TaskKey, path: &Path, fault: Fault) -> Error {
    match fault {
        Fault::OtherTask { .. } => {
            Error::NotItsWorktree { task_key: key.clone(), path: path.to_owned(), reason: fault.to_string() }
        }
        fault => fault.into_error(path),
    }
}

/// The task that the record in an entry names, where that is another one than this.
#[must_use]
pub fn other_task(admin: &Path, key: &TaskKey) -> Option<TaskKey> {
    TaskRecord::names(admin).filter(|named| named != key)
}

/// The entry of a row's worktree that is surely its own, and locked, so that nothing about it needs to be mended: what
/// [`look`] answers, for the everyday layout, in a third of the time.
#[must_use]
pub fn surely(entry: &Entry, common_dir: &Path) -> Option<PathBuf> {
    worktree::surely(&entry.worktree_path, common_dir).filter(|admin| is_recorded(admin, &entry.key))
}

/// Whether an entry has the record of this task and a lock: what a worktree of 0.12.0 lacks.
#[must_use]
pub fn is_recorded(admin: &Path, key: &TaskKey) -> bool {
    lock::is_on(admin) && TaskRecord::names(admin).as_ref() == Some(key)
}

/// A worktree that lies at another place than its row names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Where it lies.
    pub tree: PathBuf,
    /// Its entry.
    pub admin: PathBuf,
    /// The repository of that entry.
    pub common_dir: PathBuf,
}

/// An entry of git's, and whose it says it is.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The entry.
    pub admin: PathBuf,
    /// Its repository.
    pub common_dir: PathBuf,
    /// okstra's record in it.
    pub record: Option<TaskRecord>,
    /// The worktree that it names.
    pub tree: Option<PathBuf>,
}

impl Claim {
    /// Whether it may be this task's, whose row names `path`: by its record, or, where it has none, by its worktree.
    #[must_use]
    pub fn is_of(&self, key: &TaskKey, path: &Path) -> bool {
        match &self.record {
            Some(record) => record.entry.key == *key,
            None => self.tree.as_ref().is_some_and(|tree| worktree::same_place(tree, path)),
        }
    }

    /// Where its repository was when the record was written.
    fn before(&self) -> Option<&Path> {
        self.record.as_ref().map(|record| record.repository.as_path())
    }
}

/// All entries of these repositories.
#[must_use]
pub fn claims(repositories: &[PathBuf]) -> Vec<Claim> {
    claims_where(repositories, |_| true)
}

/// Those that are or may be this task's; the records of the others are only skimmed.
#[must_use]
pub fn claims_of(key: &TaskKey, path: &Path, repositories: &[PathBuf]) -> Vec<Claim> {
    let mut found = claims_where(repositories, |admin| other_task(admin, key).is_none());
    found.retain(|claim| claim.is_of(key, path));
    found
}

fn claims_where(repositories: &[PathBuf], wanted: impl Fn(&Path) -> bool) -> Vec<Claim> {
    let mut found = Vec::new();
    for common_dir in repositories {
        for admin in worktree::admin_dirs(common_dir).into_iter().filter(|admin| wanted(admin)) {
            let (record, tree) = (TaskRecord::read(&admin), worktree::tree_of(&admin));
            found.push(Claim { admin, common_dir: common_dir.clone(), record, tree });
        }
    }
    found
}

/// Where the worktree of a task lies that is not at `path`: moved by hand or by `git worktree move`, with the okstra home,
/// with the repository, or with both. Each entry that is the task's is looked at, and the worktree that belongs to it: the
/// one that it names, else one of `places` that names it.
#[must_use]
pub fn elsewhere(key: &TaskKey, path: &Path, claims: &[Claim], places: &[PathBuf]) -> Option<Elsewhere> {
    for claim in claims.iter().filter(|claim| claim.is_of(key, path)) {
        let is_it = |place: &&PathBuf| {
            !worktree::same_place(place, path)
                && fs::symlink_metadata(place).is_ok_and(|found| found.is_dir())
                && (worktree::names(place, &claim.admin) || named_before(place, claim))
        };
        if let Some(tree) = claim.tree.iter().chain(places).find(is_it) {
            let (admin, common_dir) = (claim.admin.clone(), claim.common_dir.clone());
            // A relative link leads there through the entry.
            let winding = tree.components().any(|part| part == Component::ParentDir);
            let tree = if winding { fs::canonicalize(tree).ok()? } else { tree.clone() };
            return Some(Elsewhere { tree, admin, common_dir });
        }
    }
    None
}

/// Whether a worktree names the entry at the place where its repository was before it was moved, and where nothing is now.
#[must_use]
pub fn named_before(tree: &Path, claim: &Claim) -> bool {
    let Some(named) = worktree::admin_dir_of(tree).ok().flatten() else { return false };
    let common_dir = named.ancestors().nth(2);
    named.file_name() == claim.admin.file_name()
        && fs::symlink_metadata(&named).is_err()
        && claim
            .before()
            .is_some_and(|before| common_dir.is_some_and(|dir| worktree::same_place(dir, before)))
}

/// The place of a task's worktree in this home, where `path` is the same place in a home that is not there any more: the
/// home was renamed, or is mounted elsewhere.
#[must_use]
pub fn in_this_home(home: &OkstraHome, key: &TaskKey, path: &Path) -> Option<PathBuf> {
    let below: PathBuf = [key.project(), key.group(), key.task()].iter().collect();
    let worktrees = path.ancestors().nth(3).filter(|_| path.ends_with(&below))?;
    let here = home.worktree_path(key);
    let is_gone = fs::symlink_metadata(worktrees).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    (worktrees.file_name() == home.worktrees().file_name() && here != *path && is_gone).then_some(here)
}

/// Makes the intent of a run that died name what it named before home or repository were moved. `asked` is the repository
/// that asks for the task now.
pub fn follow(home: &OkstraHome, key: &TaskKey, intent: &mut Intent, asked: Option<&Path>) {
    let here = in_this_home(home, key, &intent.path);
    if !intent.common_dir.is_dir() && intent.common_dir.is_absolute() {
        let old_worktrees = intent.path.ancestors().nth(3).filter(|_| here.is_some());
        let along = old_worktrees
            .and_then(|old| moved_along(&intent.common_dir, old, &home.worktrees()))
            .filter(|now| now.join("objects").is_dir());
        let asked = asked.filter(|now| has_part_of(intent, now)).map(Path::to_owned);
        if let Some(now) = asked.or(along) {
            intent.common_dir = now;
        }
    }
    if let Some(here) = here {
        intent.path = here;
    }
}

/// Whether a repository has something that a run made: an entry that is locked for it, or its entry of the trash.
fn has_part_of(intent: &Intent, common_dir: &Path) -> bool {
    let reason = intent.lock_reason();
    let trash = intent.entry.as_ref().map(|id| common_dir.join("okstra-trash").join(id));
    trash.is_some_and(|kept| kept.is_dir())
        || worktree::admin_dirs(common_dir).iter().any(|admin| {
            lock::reason(admin).is_some_and(|found| found == reason)
                || worktree::tree_of(admin).is_some_and(|tree| tree == intent.path)
        })
}

/// Where a repository may be that is not at `before` any more, when it was moved together with the home: at the same place
/// as seen from it.
#[must_use]
pub fn moved_along(before: &Path, old_worktrees: &Path, worktrees: &Path) -> Option<PathBuf> {
    let (mut old, mut new) = (old_worktrees, worktrees);
    while old.file_name().is_some() && old.file_name() == new.file_name() {
        (old, new) = (old.parent()?, new.parent()?);
    }
    let there = new.join(before.strip_prefix(old).ok()?);
    fs::canonicalize(there).ok()
}
