//! A task's worktree whose link to git is not whole: a `.git` file that is lost, an entry that git has pruned or given to
//! another worktree, files that a power cut has emptied. Nothing is ever done to an entry that belongs to somebody else.

use std::fs;
use std::path::{Path, PathBuf};

use super::repositories::{self, Known};
use super::rows::{Ground, linked};
use super::{Code, Doctor, Finding, Outcome, Severity};
use crate::error::Result;
use crate::git::worktree::lock::{self, Empty};
use crate::git::worktree::{self, Fault};
use crate::git::{Git, mend};
use crate::link::{self, Claim};
use crate::lock::RepositoryLock;
use crate::registry::{Entry, EntryStatus};
use crate::task::TaskKey;

/// Mends the link of a row's worktree where it is sure what is right.
pub(super) fn examine(
    doctor: &mut Doctor<'_>,
    entry: &Entry,
    ground: &Ground<'_>,
    fault: &Fault,
) -> Result<()> {
    let path = &entry.worktree_path;
    if fault.entry().is_some_and(|admin| doctor.is_torn(admin)) {
        return Ok(());
    }
    let task = Task { entry, ground };
    match fault {
        Fault::NoDirectory(_) => {}
        Fault::NoLink => {
            if let Some(claim) = task.claim_without_link() {
                let message = format!("the .git file of {} is lost; git's data of it is whole", entry.key);
                let remedy = format!(
                    "Writes it again, naming {}; every file and what is staged stays as it is.",
                    claim.admin.display()
                );
                return task.tie(doctor, Code::DotGitLost, message, remedy, claim);
            }
        }
        Fault::Forgotten { admin } => {
            let message =
                format!("git has forgotten the worktree of {}: {} is gone", entry.key, admin.display());
            return task.give_entry(doctor, admin, message);
        }
        Fault::Torn { admin, .. } => {
            if let Some(claim) = task.claim_of(admin)
                && claim.record.as_ref().is_none_or(|record| record.entry.key == entry.key)
                && claim.tree.as_ref().is_none_or(|tree| worktree::same_place(tree, path))
            {
                if mend::is_blank(&admin.join("HEAD"))
                    && let Some(known) = repositories::find(ground.known, &claim.common_dir)
                    && let Some(obstacle) = no_rebuild(known, &entry.branch, path)?
                {
                    let message =
                        format!("git's data of {} is torn, as after a power cut: {fault}", entry.key);
                    let finding =
                        Finding::new(Code::EntryTorn, Severity::Error, message).of(&entry.key).at(path);
                    let remedy = format!("Nothing is done: {obstacle}. The files are all there.");
                    doctor.tell(finding, Outcome::Decide, remedy);
                    return Ok(());
                }
                let message = format!("git's data of {} is torn, as after a power cut: {fault}", entry.key);
                let remedy =
                    format!("Writes again what is empty, on branch {}; nothing is deleted.", entry.branch);
                return task.tie(doctor, Code::EntryTorn, message, remedy, claim);
            }
            let message =
                format!("the worktree of {} names an entry that is torn and not its own: {fault}", entry.key);
            return task.give_entry(doctor, admin, message);
        }
        Fault::OtherPlace { admin, tree } => {
            let claim = task.claim_of(admin);
            let recorded = claim.and_then(|claim| claim.record.as_ref()).map(|record| &record.entry.key);
            let is_theirs = worktree::names(tree, admin);
            if is_theirs && recorded == Some(&entry.key) {
                let message = format!(
                    "the worktree of {} shares git's data with {}: one is a copy of the other",
                    entry.key,
                    tree.display()
                );
                let remedy = "Nothing is done: only you know which one is right. Move the other one away, and run this again.";
                let finding = Finding::new(Code::WorktreeBroken, Severity::Error, message);
                doctor.tell(finding.of(&entry.key).at(path), Outcome::Decide, remedy);
                return Ok(());
            }
            let is_ours = match recorded {
                Some(key) => *key == entry.key,
                None => worktree::is_on_branch(admin, &entry.branch),
            };
            if let Some(claim) = claim.filter(|_| is_ours && !is_theirs) {
                let message = format!("git has {} at another place than {}", entry.key, path.display());
                let remedy = "Makes git name this place.";
                return task.tie(doctor, Code::WorktreeMoved, message, remedy, claim);
            }
            let message = format!("the worktree of {} has lost git's data of it: {fault}", entry.key);
            return task.give_entry(doctor, admin, message);
        }
        Fault::OtherTask { key, .. } if task.is_at(key) => return task.give_place(doctor, key),
        Fault::OtherTask { admin, key } => {
            let theirs = ground.inspection.entries.iter().any(|other| {
                other.key == *key
                    && other.status == EntryStatus::Active
                    && !worktree::same_place(&other.worktree_path, path)
            });
            if let Some(claim) = task.claim_of(admin).filter(|_| !theirs) {
                let message = format!(
                    "okstra's own record with the worktree of {} names {key}, which has no worktree of its own there",
                    entry.key
                );
                let remedy = "Writes it again, from the row.";
                return task.tie(doctor, Code::RecordLost, message, remedy, claim);
            }
            let message = format!("the worktree of {} has lost git's data of it: {fault}", entry.key);
            return task.give_entry(doctor, admin, message);
        }
    }
    let message = format!("what lies at the place of {} is no worktree that works: {fault}", entry.key);
    let remedy = "Nothing is done: what lies there may be somebody's. Look at it and move it away; the next `okstra provision` then brings the worktree back.";
    let finding = Finding::new(Code::WorktreeBroken, Severity::Error, message).of(&entry.key).at(path);
    doctor.tell(finding, Outcome::Decide, remedy);
    Ok(())
}

struct Task<'a> {
    entry: &'a Entry,
    ground: &'a Ground<'a>,
}

impl Task<'_> {
    fn claim_of(&self, admin: &Path) -> Option<&Claim> {
        self.ground.claims().iter().find(|claim| worktree::same_place(&claim.admin, admin))
    }

    /// Whether an entry is on the task's branch, or does not say any more.
    fn may_be_on_branch(&self, claim: &Claim) -> bool {
        mend::is_blank(&claim.admin.join("HEAD")) || worktree::is_on_branch(&claim.admin, &self.entry.branch)
    }

    /// The entry of a worktree that names none: the one that names this place, or, torn too, has the task's record. Only
    /// when nothing but an empty file is where the `.git` file was, and files that git knows lie there.
    fn claim_without_link(&self) -> Option<&Claim> {
        let (key, path) = (&self.entry.key, &self.entry.worktree_path);
        let link = path.join(".git");
        let is_free = match fs::symlink_metadata(&link) {
            // One that names nothing: empty, or torn.
            Ok(found) => found.is_file(),
            Err(_) => true,
        };
        let fits = |claim: &&Claim| match (&claim.record, &claim.tree) {
            (Some(record), tree) => {
                record.entry.key == *key && tree.as_ref().is_none_or(|tree| worktree::same_place(tree, path))
            }
            (None, Some(tree)) => worktree::same_place(tree, path) && self.may_be_on_branch(claim),
            // At most its lock tells whose it is: git named it after the worktree, and no other worktree can use it.
            (None, None) => {
                git_named_after(&claim.admin, path)
                    && match lock::of(&claim.admin) {
                        Ok(lock::Lock::Foreign(reason)) => reason.is_empty(),
                        Ok(found) => found.stands_for(key),
                        Err(_) => false,
                    }
                    && self.may_be_on_branch(claim)
            }
        };
        self.ground.claims().iter().filter(fits).find(|claim| is_free && has_files_of(claim, path))
    }

    /// Whether the row of another task names the same place.
    fn is_at(&self, key: &TaskKey) -> bool {
        let path = &self.entry.worktree_path;
        let mut rows = self.ground.inspection.entries.iter();
        rows.any(|other| other.key == *key && worktree::same_place(&other.worktree_path, path))
    }

    /// Makes a row that names another task's worktree name its own place: where its own worktree lies, else where it would
    /// be made.
    fn give_place(&self, doctor: &mut Doctor<'_>, owner: &TaskKey) -> Result<()> {
        let (key, path) = (&self.entry.key, &self.entry.worktree_path);
        let here = doctor.home.worktree_path(key);
        let own = link::elsewhere(key, path, self.ground.claims(), std::slice::from_ref(&here));
        let is_free = !worktree::same_place(&here, path) && fs::symlink_metadata(&here).is_err();
        let message = format!("the registry names for {key} the worktree of the task {owner}");
        let finding = Finding::new(Code::WorktreeMoved, Severity::Error, message).of(key).at(path);
        let Some(place) = own.map(|own| own.tree).or(is_free.then_some(here)) else {
            let remedy = "Nothing is done: something else lies at its own place. Look at it and move it away, and run this again.";
            doctor.tell(finding, Outcome::Decide, remedy);
            return Ok(());
        };
        let remedy = format!("Makes the registry name {}; nothing is moved.", place.display());
        let registry = doctor.registry;
        doctor.mend(finding, remedy, |doctor| registry.relocate(key, &place, None, doctor.patience).map(drop))
    }

    /// Ties the worktree to an entry that is its own, and fills in what is empty there.
    fn tie(
        &self,
        doctor: &mut Doctor<'_>,
        code: Code,
        message: String,
        remedy: impl Into<String>,
        claim: &Claim,
    ) -> Result<()> {
        let (entry, path) = (self.entry, &self.entry.worktree_path);
        let Some(known) = repositories::find(self.ground.known, &claim.common_dir) else { return Ok(()) };
        let finding = Finding::new(code, Severity::Error, message).of(&entry.key).at(path);
        doctor.mend(finding, remedy, |doctor| {
            let lock = RepositoryLock::acquire(doctor.home, &claim.common_dir, doctor.patience)?;
            let torn = mend::refill(&claim.admin, &entry.branch, &lock)?;
            mend::tie(&claim.admin, path, &lock)?;
            if entry.status == EntryStatus::Active {
                lock::put_on(&claim.admin, &entry.key, if torn { Empty::Torn } else { Empty::Foreign })?;
            }
            doctor.write_record(&claim.admin, entry, &claim.common_dir)
        })?;
        if doctor.options.fix { linked(doctor, entry, Some(known), &claim.admin) } else { Ok(()) }
    }

    /// Gives the worktree an entry of its own, on its task's branch, under a name that is free; the one that it names is
    /// another's, or gone.
    fn give_entry(&self, doctor: &mut Doctor<'_>, named: &Path, message: String) -> Result<()> {
        let (entry, path) = (self.entry, &self.entry.worktree_path);
        let finding = Finding::new(Code::WorktreeForgotten, Severity::Error, message).of(&entry.key).at(path);
        let common = named.ancestors().nth(2).and_then(|common| fs::canonicalize(common).ok());
        let Some(known) = common.and_then(|common| repositories::find(self.ground.known, &common)) else {
            let remedy = "Nothing is done: it names no repository of a task. Look at it and move it away; the next `okstra provision` then brings the worktree back.";
            doctor.tell(finding, Outcome::Decide, remedy);
            return Ok(());
        };
        if let Some(obstacle) = no_rebuild(known, &entry.branch, path)? {
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
            let common = &repository.common_dir;
            let lock = RepositoryLock::acquire(doctor.home, common, doctor.patience)?;
            let own = own_entry(common, entry);
            let admin = match own {
                // A check-up that was killed had made it already.
                Some(made) => made,
                None => {
                    let named = common.join("worktrees").join(named.file_name().unwrap_or_default());
                    let admin = if mend::is_gone(&named) { named } else { mend::free_entry(common, path) };
                    let locked = (entry.status == EntryStatus::Active).then_some(&entry.key);
                    mend::rebuild(repository, path, &admin, &entry.branch, locked, &lock)?;
                    admin
                }
            };
            doctor.write_record(&admin, entry, common)?;
            mend::tie(&admin, path, &lock)
        })
    }
}

/// Whether an entry has the name that git gives it for a worktree: that of its directory, or with a number after it.
fn git_named_after(admin: &Path, path: &Path) -> bool {
    let (Some(name), Some(stem)) = (admin.file_name(), path.file_name()) else { return false };
    let rest = name.as_encoded_bytes().strip_prefix(stem.as_encoded_bytes());
    rest.is_some_and(|rest| rest.iter().all(u8::is_ascii_digit))
}

/// An entry that names the worktree of a row, as that of a repair that was killed before the worktree named it.
fn own_entry(common_dir: &Path, entry: &Entry) -> Option<PathBuf> {
    let claims = link::claims(&[common_dir.to_owned()]);
    let names_it = |claim: &Claim| {
        claim.tree.as_ref().is_some_and(|tree| worktree::same_place(tree, &entry.worktree_path))
            && claim.record.as_ref().is_none_or(|record| record.entry.key == entry.key)
            && worktree::is_on_branch(&claim.admin, &entry.branch)
    };
    claims.into_iter().find(names_it).map(|claim| claim.admin)
}

/// Whether any file that the entry's index knows lies in a directory; where there is no index, whether anything does.
fn has_files_of(claim: &Claim, path: &Path) -> bool {
    let git = Git::new(&claim.common_dir).git_dir(Some(&claim.admin)).work_tree(path);
    match git.args(["ls-files", "-z"]).looks_only().run() {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => output
            .stdout
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .any(|name| fs::symlink_metadata(path.join(crate::git::repository::path_of(name))).is_ok()),
        _ => fs::read_dir(path).is_ok_and(|mut entries| {
            entries.any(|found| found.is_ok_and(|found| found.file_name() != ".git"))
        }),
    }
}

/// Why a worktree cannot be put on its branch again.
fn no_rebuild(known: &Known, branch: &str, path: &Path) -> Result<Option<String>> {
    if !known.branches.contains_key(branch) {
        return Ok(Some(format!("its branch {branch} is gone too, so nobody knows which commit it was at")));
    }
    let user = mend::user_of(&known.repository, branch)?;
    let user = user.filter(|user| !worktree::same_place(user, path));
    Ok(user.map(|user| {
        format!(
            "branch {branch} is checked out at {}; switch that to another branch, and run this again",
            user.display()
        )
    }))
}
