//! Each row of the registry against the disk and against git.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::repositories::{self, Known};
use super::{Code, Doctor, Finding, Outcome, Severity, locks, ties};
use crate::error::{Error, Result};
use crate::git::operation::{self, Head};
use crate::git::worktree::lock::{self, Empty, Lock};
use crate::git::worktree::{self, Found};
use crate::git::{Repository, mend};
use crate::home::OkstraHome;
use crate::link::{self, Claim};
use crate::lock::{RepositoryLock, TaskLock};
use crate::registry::{Entry, EntryStatus, Inspection, TaskRecord};
use crate::trash;

/// Looks at every row.
pub(super) fn examine(doctor: &mut Doctor<'_>, known: &[Known], inspection: &Inspection) -> Result<()> {
    let ground =
        Ground { home: doctor.home, known, inspection, claims: OnceCell::new(), moves: OnceCell::new() };
    for entry in &inspection.entries {
        doctor.patience.cancel.check("the check-up")?;
        // Somebody is at it: what is half-way now says nothing.
        if TaskLock::is_held(doctor.home, &entry.key) || doctor.home.intent_file(&entry.key).exists() {
            continue;
        }
        let found = match link::look(&entry.key, &entry.worktree_path) {
            Ok(found) => found,
            Err(error) => {
                let finding = Finding::new(Code::WorktreeBroken, Severity::Error, error.to_string());
                doctor.tell(finding.of(&entry.key).at(&entry.worktree_path), Outcome::Decide, error.hint());
                continue;
            }
        };
        match found {
            Found::Missing => missing(doctor, entry, &ground)?,
            Found::RepositoryGone(old) => repository_gone(doctor, entry, &ground, &old)?,
            Found::Broken(fault) => ties::examine(doctor, entry, &ground, &fault)?,
            Found::Linked { admin, common_dir } => {
                linked(doctor, entry, repositories::find(known, &common_dir), &admin)?;
            }
        }
    }
    Ok(())
}

/// What the rows are compared with.
pub(super) struct Ground<'a> {
    home: &'a OkstraHome,
    pub known: &'a [Known],
    pub inspection: &'a Inspection,
    claims: OnceCell<Vec<Claim>>,
    moves: OnceCell<BTreeMap<PathBuf, PathBuf>>,
}

impl Ground<'_> {
    /// All entries of all repositories; read once, and only where something is not in order.
    pub fn claims(&self) -> &[Claim] {
        self.claims.get_or_init(|| {
            let repositories: Vec<PathBuf> =
                self.known.iter().map(|known| known.repository.common_dir.clone()).collect();
            link::claims(&repositories)
        })
    }

    /// The repository of a row: where the registry has it, or where it was moved to.
    fn repository_of(&self, entry: &Entry) -> Option<&Known> {
        let recorded = self.inspection.repositories.get(&entry.key)?;
        match fs::canonicalize(recorded) {
            Ok(recorded) => repositories::find(self.known, &recorded),
            Err(_) => repositories::find(self.known, self.moves().get(recorded)?),
        }
    }

    /// Where repositories were, and where they are now: told by the records in them.
    fn moves(&self) -> &BTreeMap<PathBuf, PathBuf> {
        self.moves.get_or_init(|| {
            let mut moves = BTreeMap::new();
            let mut note = |before: PathBuf, now: &Path| {
                if before != now && fs::symlink_metadata(&before).is_err() {
                    moves.insert(before, now.to_owned());
                }
            };
            for claim in self.claims() {
                if let Some(record) = &claim.record {
                    note(record.repository.clone(), &claim.common_dir);
                }
            }
            for known in self.known {
                let common_dir = &known.repository.common_dir;
                for before in trash::repositories_before(self.home, common_dir) {
                    note(before, common_dir);
                }
            }
            moves
        })
    }
}

/// The directory is gone: moved, or deleted.
fn missing(doctor: &mut Doctor<'_>, entry: &Entry, ground: &Ground<'_>) -> Result<()> {
    let path = &entry.worktree_path;
    let about =
        |code, severity, message: String| Finding::new(code, severity, message).of(&entry.key).at(path);
    let registry = doctor.registry;
    let here = link::in_this_home(doctor.home, &entry.key, &entry.worktree_path);
    let mut places: Vec<PathBuf> = here.iter().cloned().collect();
    places.push(doctor.home.worktree_path(&entry.key));
    places.extend(mend::likely_places(path, &doctor.home.worktrees()));
    places.extend(doctor.options.root.iter().flat_map(|root| root.ancestors().map(Path::to_owned)));
    if let Some(now) = link::elsewhere(&entry.key, path, ground.claims(), &places) {
        let message = format!(
            "the worktree of {} was moved to {}, and the registry or git does not know",
            entry.key,
            now.tree.display()
        );
        let remedy = format!("Makes git and the registry name {}; nothing is moved.", now.tree.display());
        doctor.explained.push(now.tree.clone());
        let moved = Entry { worktree_path: now.tree.clone(), ..entry.clone() };
        doctor.mend(about(Code::WorktreeMoved, Severity::Error, message), remedy, |doctor| {
            let lock = RepositoryLock::acquire(doctor.home, &now.common_dir, doctor.patience)?;
            // The row first: from it the rest is found and made again, from git's data alone it is not.
            registry.relocate(&entry.key, &now.tree, Some(&now.common_dir), doctor.patience)?;
            mend::tie(&now.admin, &now.tree, &lock)?;
            if entry.status == EntryStatus::Active {
                lock::put_on(&now.admin, &entry.key, Empty::Foreign)?;
            }
            doctor.write_record(&now.admin, &moved, &now.common_dir)
        })?;
        // What else is wrong with it is looked for where it is now.
        return match repositories::find(ground.known, &now.common_dir) {
            Some(known) if doctor.options.fix => linked(doctor, &moved, Some(known), &now.admin),
            _ => Ok(()),
        };
    }
    let known = ground.repository_of(entry);
    if let Some(here) = here {
        let message = format!(
            "the registry has {} at {}, in an okstra home that is not there any more",
            entry.key,
            path.display()
        );
        let remedy = format!("Makes the registry name its place in this home, {}.", here.display());
        let repository = known.map(|known| known.repository.common_dir.clone());
        let repository = repository.or_else(|| ground.inspection.repositories.get(&entry.key).cloned());
        doctor.mend(about(Code::WorktreeMoved, Severity::Warning, message), remedy, |doctor| {
            registry.relocate(&entry.key, &here, repository.as_deref(), doctor.patience).map(drop)
        })?;
    } else if let Some(known) = known
        && let Some(recorded) = ground.inspection.repositories.get(&entry.key)
        && fs::symlink_metadata(recorded).is_err()
    {
        let common = &known.repository.common_dir;
        let message = format!(
            "the repository of {} was moved from {} to {}",
            entry.key,
            recorded.display(),
            common.display()
        );
        let finding = about(Code::RepositoryMoved, Severity::Warning, message);
        doctor.mend(finding, "Makes the registry name the repository's new place.", |doctor| {
            registry.relocate(&entry.key, path, Some(common), doctor.patience).map(drop)
        })?;
    }
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
fn repository_gone(doctor: &mut Doctor<'_>, entry: &Entry, ground: &Ground<'_>, old: &Path) -> Result<()> {
    let path = &entry.worktree_path;
    let named = worktree::admin_dir_of(path).ok().flatten().unwrap_or_default();
    let moved = ground.claims().iter().find_map(|claim| {
        let is_it = claim.admin.file_name() == named.file_name() && claim.is_of(&entry.key, path);
        let known = repositories::find(ground.known, &claim.common_dir).filter(|_| is_it)?;
        Some((claim.admin.clone(), &known.repository))
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
            registry.relocate(&entry.key, path, Some(common), doctor.patience)?;
            mend::tie(&admin, path, &lock)?;
            doctor.write_record(&admin, entry, common)
        },
    )?;
    match repositories::find(ground.known, common) {
        Some(known) if doctor.options.fix => linked(doctor, entry, Some(known), &admin),
        _ => Ok(()),
    }
}

/// A worktree that works, as far as its directory tells.
pub(super) fn linked(
    doctor: &mut Doctor<'_>,
    entry: &Entry,
    known: Option<&Known>,
    admin: &Path,
) -> Result<()> {
    let path = &entry.worktree_path;
    let Some(known) = known else { return Ok(()) };
    let common = &known.repository.common_dir;
    let about =
        |code, severity, message: String| Finding::new(code, severity, message).of(&entry.key).at(path);
    if entry.status == EntryStatus::Released {
        return Ok(());
    }
    if !on_its_branch(doctor, entry, known, admin)? {
        return Ok(());
    }
    let index = admin.join("index");
    if !index.exists() || mend::is_blank(&index) {
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
                mend::refill(admin, &entry.branch, &lock)?;
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
        doctor.mend(finding, "Writes it again, from the row.", |doctor| {
            doctor.write_record(admin, entry, common)
        })?;
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
