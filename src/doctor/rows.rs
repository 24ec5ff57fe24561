//! Each row of the registry against the disk and against git.

use std::fs;
use std::path::{Path, PathBuf};

use super::locks;
use super::repositories::{self, Known};
use super::{Code, Doctor, Finding, Outcome, Severity};
use crate::error::{Error, Result};
use crate::git::operation::{self, Head};
use crate::git::worktree::lock::{self, Empty, Lock};
use crate::git::worktree::{self, Found};
use crate::git::{Repository, mend};
use crate::lock::{RepositoryLock, TaskLock};
use crate::registry::{Entry, EntryStatus, Inspection, TaskRecord, write_task_record};

/// Looks at every row.
pub(super) fn examine(doctor: &mut Doctor<'_>, known: &[Known], inspection: &Inspection) -> Result<()> {
    for entry in &inspection.entries {
        doctor.patience.cancel.check("the check-up")?;
        let recorded = inspection.repositories.get(&entry.key);
        let repository = recorded.and_then(|recorded| fs::canonicalize(recorded).ok());
        let repository = repository.and_then(|recorded| repositories::find(known, &recorded));
        // Somebody is at it: what is half-way now says nothing.
        if TaskLock::is_held(doctor.home, &entry.key) || doctor.home.intent_file(&entry.key).exists() {
            continue;
        }
        let found = match worktree::look(&entry.worktree_path) {
            Ok(found) => found,
            Err(error) => {
                let finding = Finding::new(Code::WorktreeBroken, Severity::Error, error.to_string());
                doctor.tell(finding.of(&entry.key).at(&entry.worktree_path), Outcome::Decide, error.hint());
                continue;
            }
        };
        match found {
            Found::Missing => missing(doctor, entry, repository)?,
            Found::RepositoryGone(old) => repository_gone(doctor, entry, known, &old)?,
            Found::Broken(reason) => broken(doctor, entry, known, &reason)?,
            Found::Linked { admin, common_dir } => {
                linked(doctor, entry, repositories::find(known, &common_dir), &admin)?;
            }
        }
    }
    Ok(())
}

/// The directory is gone: moved, or deleted.
fn missing(doctor: &mut Doctor<'_>, entry: &Entry, known: Option<&Known>) -> Result<()> {
    let path = &entry.worktree_path;
    let about =
        |code, severity, message: String| Finding::new(code, severity, message).of(&entry.key).at(path);
    let Some(known) = known else {
        if entry.status == EntryStatus::Active {
            let message =
                format!("the directory of {} is gone, and so is the repository it belonged to", entry.key);
            let remedy = format!(
                "Nothing is done. Bring the repository back, or let the task go (`okstra release {}`).",
                entry.key
            );
            doctor.tell(about(Code::RepositoryGone, Severity::Warning, message), Outcome::Decide, remedy);
        }
        return Ok(());
    };
    let common = &known.repository.common_dir;
    let mut places = mend::likely_places(path, &doctor.home.worktrees());
    places.extend(doctor.options.root.iter().flat_map(|root| root.ancestors().map(Path::to_owned)));
    // A row that came back from an old backup names a place that git never had, and after a repair that was killed git
    // names the new place already; the record beside git's data says whose it is.
    let is_its_own = |admin: &PathBuf| {
        worktree::points_back(admin, path)
            || TaskRecord::read(admin).is_some_and(|record| record.entry.key == entry.key)
    };
    let moved = worktree::admin_dirs(common)
        .into_iter()
        .filter(is_its_own)
        .find_map(|admin| mend::moved_to(&admin, &places).map(|now| (admin, now)));
    if let Some((admin, now)) = moved {
        let message =
            format!("the worktree of {} was moved to {} without git's knowledge", entry.key, now.display());
        let remedy = format!("Makes git and the registry name {}; nothing is moved.", now.display());
        let registry = doctor.registry;
        doctor.explained.push(now.clone());
        return doctor.mend(about(Code::WorktreeMoved, Severity::Error, message), remedy, |doctor| {
            let lock = RepositoryLock::acquire(doctor.home, common, doctor.patience)?;
            // The row first: from it the rest is found and made again, from git's data alone it is not.
            registry.relocate(&entry.key, &now, common, doctor.patience)?;
            mend::tie(&admin, &now, &lock)?;
            record(&admin, &Entry { worktree_path: now.clone(), ..entry.clone() }, common)
        });
    }
    if entry.status == EntryStatus::Released {
        return Ok(());
    }
    if known.branches.contains_key(&entry.branch) {
        let message = format!("the directory of {} is gone; its branch {} is there", entry.key, entry.branch);
        let remedy = "Nothing needs to be done: the next `okstra provision` of the task brings it back with all its commits.";
        doctor.tell(about(Code::WorktreeMissing, Severity::Note, message), Outcome::Decide, remedy);
    } else {
        let message =
            format!("the directory of {} is gone, and so is its branch {}", entry.key, entry.branch);
        let remedy = format!(
            "Nothing is done. The next `okstra provision` makes both anew; `okstra release {}` lets the task go.",
            entry.key
        );
        doctor.tell(about(Code::BranchGone, Severity::Warning, message), Outcome::Decide, remedy);
    }
    Ok(())
}

/// The worktree names a repository that is not there: it was moved, when one that is looked at has the worktree's entry.
fn repository_gone(doctor: &mut Doctor<'_>, entry: &Entry, known: &[Known], old: &Path) -> Result<()> {
    let path = &entry.worktree_path;
    let named = worktree::admin_dir_of(path).ok().flatten().unwrap_or_default();
    let moved = known.iter().find_map(|known| {
        let admin = known.repository.common_dir.join("worktrees").join(named.file_name()?);
        worktree::points_back(&admin, path).then_some((admin, &known.repository))
    });
    let about = |code, message: String| Finding::new(code, Severity::Error, message).of(&entry.key).at(path);
    let Some((admin, repository)) = moved else {
        let message =
            format!("the worktree of {} belongs to {}, which is not there", entry.key, old.display());
        let remedy =
            "Nothing is done. If the repository was moved, run `okstra doctor --fix` in its new place.";
        doctor.tell(about(Code::RepositoryGone, message), Outcome::Decide, remedy);
        return Ok(());
    };
    let common = &repository.common_dir;
    let message =
        format!("the repository of {} was moved from {} to {}", entry.key, old.display(), common.display());
    let registry = doctor.registry;
    doctor.mend(
        about(Code::RepositoryMoved, message),
        "Makes this worktree name the repository's new place.",
        |doctor| {
            let lock = RepositoryLock::acquire(doctor.home, common, doctor.patience)?;
            registry.relocate(&entry.key, path, common, doctor.patience)?;
            mend::tie(&admin, path, &lock)?;
            record(&admin, entry, common)
        },
    )
}

/// Something else lies there, or git has forgotten the worktree.
fn broken(doctor: &mut Doctor<'_>, entry: &Entry, known: &[Known], reason: &str) -> Result<()> {
    let path = &entry.worktree_path;
    let about = |code, message: String| Finding::new(code, Severity::Error, message).of(&entry.key).at(path);
    let admin = worktree::admin_dir_of(path).ok().flatten();
    if admin.as_ref().is_some_and(|admin| doctor.is_torn(admin)) {
        return Ok(());
    }
    let forgotten = admin.filter(|admin| mend::is_gone(admin));
    let home_of = |admin: &PathBuf| {
        let common = admin.ancestors().nth(2).and_then(|common| fs::canonicalize(common).ok())?;
        repositories::find(known, &common)
    };
    let Some((admin, known)) = forgotten.and_then(|admin| Some((admin.clone(), home_of(&admin)?))) else {
        let message = format!("what lies at the place of {} is no worktree that works: {reason}", entry.key);
        let remedy = "Nothing is done: what lies there may be somebody's. Look at it and move it away; the next `okstra provision` then brings the worktree back.";
        doctor.tell(about(Code::WorktreeBroken, message), Outcome::Decide, remedy);
        return Ok(());
    };
    let message = format!("git has forgotten the worktree of {}: {} is gone", entry.key, admin.display());
    let finding = about(Code::WorktreeForgotten, message);
    if let Some(obstacle) = no_rebuild(known, &entry.branch)? {
        doctor.tell(
            finding,
            Outcome::Decide,
            format!("Nothing is done: {obstacle}. The files are all there."),
        );
        return Ok(());
    }
    let remedy = format!(
        "Makes git's data of it anew, on branch {}; every file stays as it is (what was staged shows as not staged).",
        entry.branch
    );
    doctor.mend(finding, remedy, |doctor| {
        let repository = &known.repository;
        let lock = RepositoryLock::acquire(doctor.home, &repository.common_dir, doctor.patience)?;
        let admin = repository.common_dir.join("worktrees").join(admin.file_name().unwrap_or_default());
        let locked = (entry.status == EntryStatus::Active).then_some(&entry.key);
        mend::rebuild(repository, path, &admin, &entry.branch, locked, &lock)?;
        record(&admin, entry, &repository.common_dir)
    })
}

/// Why a forgotten worktree cannot be put on its branch again.
fn no_rebuild(known: &Known, branch: &str) -> Result<Option<String>> {
    if !known.branches.contains_key(branch) {
        return Ok(Some(format!("its branch {branch} is gone too, so nobody knows which commit it was at")));
    }
    let user = mend::user_of(&known.repository, branch)?;
    Ok(user.map(|user| format!("branch {branch} is checked out at {}", user.display())))
}

/// A worktree that works, as far as its directory tells.
fn linked(doctor: &mut Doctor<'_>, entry: &Entry, known: Option<&Known>, admin: &Path) -> Result<()> {
    let path = &entry.worktree_path;
    let Some(known) = known else { return Ok(()) };
    let common = &known.repository.common_dir;
    let about =
        |code, severity, message: String| Finding::new(code, severity, message).of(&entry.key).at(path);
    if !worktree::points_back(admin, path) {
        let other = worktree::tree_of(admin);
        if other.as_ref().is_some_and(|other| {
            worktree::admin_dir_of(other)
                .ok()
                .flatten()
                .is_some_and(|named| worktree::same_place(&named, admin))
        }) {
            let other = other.unwrap_or_default();
            let message = format!(
                "the worktree of {} shares git's data with {}: one is a copy of the other",
                entry.key,
                other.display()
            );
            let remedy = "Nothing is done: only you know which one is right. Move the other one away, and run this again.";
            doctor.tell(about(Code::WorktreeBroken, Severity::Error, message), Outcome::Decide, remedy);
            return Ok(());
        }
        let message = format!("git has {} at another place than {}", entry.key, path.display());
        doctor.mend(
            about(Code::WorktreeMoved, Severity::Warning, message),
            "Makes git name this place.",
            |doctor| {
                let lock = RepositoryLock::acquire(doctor.home, common, doctor.patience)?;
                mend::tie(admin, path, &lock)
            },
        )?;
    }
    if entry.status == EntryStatus::Released {
        return Ok(());
    }
    if !on_its_branch(doctor, entry, known, admin)? {
        return Ok(());
    }
    if !admin.join("index").exists() {
        let message = format!("the worktree of {} has lost its index", entry.key);
        let finding = about(Code::IndexLost, Severity::Error, message);
        if admin.join("index.lock").exists() {
            doctor.tell(
                finding,
                Outcome::Wait,
                "Nothing is done while there is a lock: a git may be writing it.",
            );
        } else {
            let remedy = "Makes an index of the commit it is at; every file stays as it is.";
            doctor.mend(finding, remedy, |doctor| {
                let lock = RepositoryLock::acquire(doctor.home, common, doctor.patience)?;
                mend::make_index(common, path, admin, &lock)
            })?;
        }
    }
    let locked = lock::of(admin)?;
    if locked == Lock::Free || matches!(&locked, Lock::Standing(_) if !locked.stands_for(&entry.key)) {
        let message = format!(
            "git's data of {} is not locked for it: `git worktree prune` could take it away while the disk is not mounted",
            entry.key
        );
        let finding = about(Code::LockMissing, Severity::Warning, message);
        doctor.mend(finding, "Locks it, as that of every active task.", |_| {
            lock::put_on(admin, &entry.key, Empty::Foreign).map(drop)
        })?;
    }
    let right = TaskRecord::read(admin).is_some_and(|record| {
        record.entry.key == entry.key && worktree::same_place(&record.entry.worktree_path, path)
    });
    if !right {
        let message = format!(
            "okstra's own record of {} is missing or wrong: a lost registry could not be put together again from it",
            entry.key
        );
        let finding = about(Code::RecordLost, Severity::Warning, message);
        doctor.mend(finding, "Writes it again, from the row.", |_| record(admin, entry, common))?;
    }
    Ok(())
}

/// Whether a worktree is on its task's branch, which exists.
fn on_its_branch(doctor: &mut Doctor<'_>, entry: &Entry, known: &Known, admin: &Path) -> Result<bool> {
    let (path, branch) = (&entry.worktree_path, &entry.branch);
    let about =
        |code, severity, message: String| Finding::new(code, severity, message).of(&entry.key).at(path);
    let exists = known.branches.contains_key(branch);
    let head = match operation::head(path, admin) {
        Ok(head) => head,
        Err(error) => {
            let message = format!("the HEAD of {} cannot be read: {error}", entry.key);
            doctor.tell(about(Code::WorktreeBroken, Severity::Error, message), Outcome::Decide, error.hint());
            return Ok(false);
        }
    };
    let at = match head {
        Head::Branch(name) if name == *branch && exists => return Ok(true),
        Head::Branch(name) if name == *branch => {
            return branch_gone(doctor, entry, known, admin).map(|()| false);
        }
        Head::Branch(name) => format!("branch {name}"),
        // A rebase or a bisect leaves HEAD detached, and goes back to the branch.
        Head::Detached(_) if busy_with(path, admin, branch) => return Ok(true),
        Head::Detached(commit) => format!("no branch (detached at {})", commit.get(..12).unwrap_or(&commit)),
    };
    let message = format!("the worktree of {} is on {at}, not on {branch}", entry.key);
    let remedy = if exists {
        format!("Nothing is done, because that may be meant. `git switch {branch}` in it goes back.")
    } else {
        format!(
            "Nothing is done, and {branch} is gone. `git switch -c {branch}` in it makes it where the worktree stands."
        )
    };
    doctor.tell(about(Code::BranchOther, Severity::Warning, message), Outcome::Decide, remedy);
    Ok(false)
}

fn busy_with(path: &Path, admin: &Path, branch: &str) -> bool {
    let operations = operation::in_progress(path, admin).unwrap_or_default();
    operations.iter().any(|operation| operation.branch.as_deref().is_none_or(|name| name == branch))
}

/// Somebody deleted the branch that a worktree has checked out. The worktree's own log of `HEAD` names its last commit.
fn branch_gone(doctor: &mut Doctor<'_>, entry: &Entry, known: &Known, admin: &Path) -> Result<()> {
    let branch = &entry.branch;
    let message = format!("branch {branch} of {} is gone, and its worktree has it checked out", entry.key);
    let finding =
        Finding::new(Code::BranchGone, Severity::Error, message).of(&entry.key).at(&entry.worktree_path);
    let repository = &known.repository;
    let Some(commit) = last_commit(repository, admin)? else {
        let remedy = "Nothing is done: the log of the worktree's HEAD names no commit that is still there.";
        doctor.tell(finding, Outcome::Decide, remedy);
        return Ok(());
    };
    let remedy =
        format!("Makes the branch again at {commit}, the last commit that the worktree had checked out.");
    doctor.mend(finding, remedy, |doctor| {
        // A git of ours that outlives a killed check-up holds it too.
        let lock = RepositoryLock::acquire(doctor.home, &repository.common_dir, doctor.patience)?;
        let name = format!("refs/heads/{branch}");
        locks::take_away_if_dead(&repository.common_dir, &format!("{name}.lock"))?;
        // Only where there still is none: made by somebody meanwhile, it stays as it is.
        let none = Repository::null_id(&commit);
        repository.git().args(["update-ref", &name, &commit, &none]).holding(&lock).read().map(drop)
    })
}

fn last_commit(repository: &Repository, admin: &Path) -> Result<Option<String>> {
    let Ok(log) = fs::read_to_string(admin.join("logs/HEAD")) else { return Ok(None) };
    // "<old> <new> <who> <when>\t<what>", the newest last.
    let commits = log.lines().rev().filter_map(|line| line.split(' ').nth(1));
    let Some(commit) = commits.into_iter().find(|commit| commit.bytes().any(|byte| byte != b'0')) else {
        return Ok(None);
    };
    if !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    match repository.resolve(commit) {
        Ok(commit) => Ok(Some(commit)),
        Err(Error::BaseNotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn record(admin: &Path, entry: &Entry, common: &Path) -> Result<()> {
    write_task_record(admin, entry, common)
}
