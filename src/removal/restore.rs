//! Brings a removed or released task back: from the trash as it was, from the snapshot when the trash was emptied, from
//! its branch when there is nothing else.

use std::fs;
use std::path::PathBuf;

use super::rebuild;
use super::remove::{self, RemoveRequest};
use crate::cancel::Cancel;
use crate::disk;
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::git::{Repository, version, worktree};
use crate::home::OkstraHome;
use crate::intent::{Intent, Kind, Stage};
use crate::link;
use crate::lock::{Patience, TaskLock};
use crate::provision::{self, Request};
use crate::registry::{Entry, EntryStatus, Registry};
use crate::task::TaskKey;
use crate::trash::record::{GitSide, identity};
use crate::trash::{self, Ground, Record};

/// Where a task came back from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The trash, as it was.
    Trash,
    /// The commit that holds the uncommitted content: the trash itself was emptied.
    Snapshot,
    /// The branch, at its last commit; or the directory, which was there.
    Branch,
}

impl Source {
    /// The source as JavaScript and the command line spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trash => "trash",
            Self::Snapshot => "snapshot",
            Self::Branch => "branch",
        }
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Restoration {
    /// The task.
    pub task_key: TaskKey,
    /// The directory of its worktree.
    pub path: PathBuf,
    /// Its branch.
    pub branch: String,
    /// Where it came from.
    pub source: Source,
    /// The entry of the trash that it was; `None` when it came from its branch.
    pub trash_id: Option<String>,
    /// What a person should know, in sentences; may be empty.
    pub note: String,
}

/// Brings a task back; `from` names an entry of the trash, by default the newest of the task.
///
/// Fails with [`Error::NotFound`], [`Error::NotInTrash`], with [`Error::KeyExists`] when the task has its worktree, with
/// [`Error::PathExists`] when something else lies at its place, with [`Error::BranchOwned`], and then nothing is changed.
pub fn restore(
    home: &OkstraHome,
    registry: &Registry,
    key: &TaskKey,
    from: Option<&str>,
    patience: &Patience,
) -> Result<Restoration> {
    patience.cancel.check("restoring the worktree")?;
    version::check()?;
    home.prepare()?;
    let lock = TaskLock::acquire(home, key, patience)?;
    let ground = Ground { home, registry, key, lock: &lock, patience };
    let begun = Intent::read(home, key, &lock)?.filter(|intent| intent.kind == Kind::PutBack);
    let notes = provision::settle(&ground)?;
    let row = registry.lookup(key)?;
    if let Some(intent) = begun
        && let Some(id) = intent
            .entry
            .clone()
            .filter(|id| from.is_none_or(|name| id == name || id.ends_with(&format!("-{name}"))))
        && fs::symlink_metadata(&intent.path).is_ok()
        // Taken back, it is in the trash as before, and what lies at its place is somebody's.
        && Record::read_of(home, &id)?.is_none()
    {
        // The very return that is asked for had been begun by a run that died, and is finished now.
        let (path, branch) = (intent.path, intent.branch);
        let note = notes.join("; ");
        let source = Source::Trash;
        return Ok(Restoration { task_key: key.clone(), path, branch, source, trash_id: Some(id), note });
    }
    let entries = trash::entries_of(home, key)?;
    let chosen = match from {
        Some(name) => {
            let named = |record: &&Record| record.id == name || record.op == name;
            let Some(record) = entries.iter().find(named) else {
                return Err(not_in_trash(key, unknown(registry, key, name)?));
            };
            Some(record.clone())
        }
        None => entries.into_iter().next_back(),
    };
    match (chosen, row) {
        (Some(record), row) => from_record(&ground, record, row.as_ref(), notes),
        (None, None) => Err(Error::NotFound { task_key: key.clone() }),
        (None, Some(row)) => {
            drop(lock);
            from_branch(home, registry, key, &row, patience, notes)
        }
    }
}

/// Why an entry is none of the task's. A snapshot of that name in the repository is another home's, or came with a fetch:
/// who wrote it is not known, so it does not decide where files are written.
fn unknown(registry: &Registry, key: &TaskKey, name: &str) -> Result<String> {
    let op = trash::op_of(name).unwrap_or(name);
    let row = registry.lookup(key)?;
    if crate::checked::is_op(op)
        && let Some(row) = row
        && let Some(common_dir) = registry.repository_of(key)?
        && let Some(repository) = trash::repository_at(&common_dir, &row.branch)?
    {
        let reference = GitSide::ref_name(op);
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &reference];
        if repository.git().args(args).looks_only().run()?.status.success() {
            return Ok(format!(
                "{reference} in {} was not written by this okstra home; `git stash apply {reference}` in a worktree brings \
                 its content there",
                common_dir.display()
            ));
        }
    }
    Ok(format!("the trash has no entry {name} of it"))
}

fn not_in_trash(key: &TaskKey, reason: impl Into<String>) -> Error {
    Error::NotInTrash { task_key: key.clone(), reason: reason.into() }
}

fn from_record(
    ground: &Ground<'_>,
    mut record: Record,
    row: Option<&Entry>,
    mut notes: Vec<String>,
) -> Result<Restoration> {
    let key = ground.key;
    // Also where it lies at another place than the one that comes back: a task has one worktree.
    if let Some(row) = row.filter(|row| fs::symlink_metadata(&row.worktree_path).is_ok())
        && !make_way(ground, &record, row, &mut notes)?
    {
        let (task_key, path) = (key.clone(), row.worktree_path.clone());
        return Err(match row.status {
            EntryStatus::Active => Error::KeyExists { task_key, path },
            EntryStatus::Released => Error::PathExists { task_key, path },
        });
    }
    if fs::symlink_metadata(&record.path).is_ok() {
        return Err(Error::PathExists { task_key: key.clone(), path: record.path.clone() });
    }
    if let Some(common_dir) = ground.registry.repository_of(key)? {
        trash::follow::repository(&mut record, &common_dir);
    }
    let branch = record.branch().unwrap_or("HEAD").to_owned();
    let mut repository = None;
    if let Some(git) = &record.git {
        let gone = || Error::RepositoryGone { path: record.tree.clone(), repository: git.common_dir.clone() };
        let found = trash::repository_at(&git.common_dir, &branch)?.ok_or_else(gone)?;
        Durability::of(&found)?;
        repository = Some(found);
        if record.row.is_some() {
            ground.registry.check_free(key, &branch, Some(&git.common_dir))?;
        }
    }
    refuse_what_cannot_be(&record, repository.as_ref(), key)?;
    if let Some(repository) = &repository {
        for path in row.map(|row| &row.worktree_path).into_iter().chain([&record.path]) {
            provision::retire_stale(ground, repository.clone(), path, &branch)?;
        }
    }
    let whole = record.git.as_ref().is_none_or(|git| git.kept.is_dir());
    let is_there = fs::symlink_metadata(&record.tree).is_ok_and(|found| found.is_dir());
    let (source, path) = if whole && is_there {
        let returned = put_back(ground, &mut record, &branch)?;
        notes.extend(returned.notes);
        (Source::Trash, record.path.clone())
    } else if let (Some(repository), Some(git)) = (repository, record.git.clone()) {
        notes.extend(rebuild_from(ground, &record, &git, repository)?);
        (Source::Snapshot, record.path.clone())
    } else {
        return Err(not_in_trash(key, format!("{} is not there any more", record.tree.display())));
    };
    let note = notes.join("; ");
    Ok(Restoration { task_key: key.clone(), path, branch, source, trash_id: Some(record.id), note })
}

/// Moves the worktree that the task has by now into the trash, where nothing was done in it: one that was made on another
/// branch while the way of the one that comes back was not free. Whether it did.
fn make_way(ground: &Ground<'_>, record: &Record, row: &Entry, notes: &mut Vec<String>) -> Result<bool> {
    if row.status != EntryStatus::Active || record.branch().is_none_or(|branch| branch == row.branch) {
        return Ok(false);
    }
    let worktree::Found::Linked { common_dir, .. } = worktree::look(&row.worktree_path)? else {
        return Ok(false);
    };
    let Some(repository) = trash::repository_at(&common_dir, record.branch().unwrap_or("HEAD"))? else {
        return Ok(false);
    };
    if repository.branch_tip(&row.branch)?.as_deref() != Some(row.base_ref.as_str()) {
        return Ok(false);
    }
    let request = RemoveRequest::default();
    if remove::check(ground.registry, row, &request, &ground.patience.cancel).is_err() {
        return Ok(false);
    }
    // What refuses the return is found out before anything makes way for it.
    refuse_what_cannot_be(record, Some(&repository), ground.key)?;
    let removed = remove::remove_entry(ground, row, &request, Vec::new())?;
    let id = removed.trash_id.unwrap_or_default();
    notes.push(format!(
        "the worktree on branch {} that it had meanwhile, in which nothing was done, is in the trash as {id}",
        row.branch
    ));
    Ok(true)
}

/// What git or the disk would refuse half-way: a branch beside which the deleted one cannot be made again, a place where
/// nothing can be made, a tree that cannot be moved.
fn refuse_what_cannot_be(record: &Record, repository: Option<&Repository>, key: &TaskKey) -> Result<()> {
    if let (Some(repository), Some(branch)) = (repository, record.branch())
        && repository.branch_tip(branch)?.is_none()
    {
        let wanted = format!("refs/heads/{branch}");
        if let Some(name) = repository.blocking_branches.iter().find(|name| **name != wanted) {
            return Err(Error::BranchExists {
                task_key: key.clone(),
                branch: branch.to_owned(),
                blocking: name.trim_start_matches("refs/heads/").to_owned(),
            });
        }
    }
    if let Some(existing) = record.path.ancestors().skip(1).find(|above| above.is_dir()) {
        disk::check_writable(existing)?;
        disk::check_movable_into(existing)?;
    }
    let kept = record.git.as_ref().map(|git| &git.kept);
    [Some(&record.tree), kept]
        .into_iter()
        .flatten()
        .filter(|place| place.is_dir())
        .try_for_each(|place| disk::check_movable(place))
}

fn put_back(ground: &Ground<'_>, record: &mut Record, branch: &str) -> Result<trash::Returned> {
    // The home may have been copied or moved to another disk, or mounted anew; from here on this is the tree that is meant.
    record.tree_id = identity(&record.tree);
    record.write_beside(ground.home)?;
    let common_dir = record.git.as_ref().map(|git| git.common_dir.clone()).unwrap_or_default();
    let mut intent = Intent::new(Kind::PutBack, ground.key, &common_dir, &record.path, branch);
    intent.stage = Stage::Moving;
    intent.entry = Some(record.id.clone());
    intent.write(ground.home, ground.key, ground.lock)?;
    trash::put_back(ground, &intent, record)
}

/// The tree, or git's half, is not in the trash any more: a new worktree is made and filled from what is left.
fn rebuild_from(
    ground: &Ground<'_>,
    record: &Record,
    git: &GitSide,
    repository: Repository,
) -> Result<Vec<String>> {
    let key = ground.key;
    let Some(branch) = record.branch() else {
        return Err(not_in_trash(key, "its files are gone, and it was on no branch"));
    };
    if git.snapshot.is_none() && git.head.is_none() {
        return Err(not_in_trash(key, "its files are gone, and it had no commit"));
    }
    let made = repository.branch_tip(branch)?.is_none();
    let tip = match (repository.branch_tip(branch)?, &git.branch_tip, &git.head) {
        (Some(tip), _, _) => tip,
        (None, Some(tip), _) | (None, None, Some(tip)) => tip.clone(),
        (None, None, None) => return Err(not_in_trash(key, "its files and its branch are gone")),
    };
    if made {
        let nothing = Repository::null_id(&tip);
        let name = format!("refs/heads/{branch}");
        let git = repository.git().args(["update-ref", &name, &tip, &nothing]);
        git.holding(ground.lock).read()?;
    }
    let row = record.row.clone();
    let entry = Entry {
        key: key.clone(),
        worktree_path: record.path.clone(),
        branch: branch.to_owned(),
        base_ref: row.as_ref().map(|row| row.base_ref.clone()).unwrap_or_default(),
        created_at: row.as_ref().map_or_else(crate::clock::local_now, |row| row.created_at.clone()),
        last_phase: row.map(|row| row.last_phase).unwrap_or_default(),
        status: EntryStatus::Active,
    };
    let cancel = &ground.patience.cancel;
    let fill = |tree: &std::path::Path, admin: &std::path::Path| {
        rebuild::fill(record, git, tree, admin, ground.lock, cancel)
    };
    let answer = match provision::rebuild(ground, repository.clone(), &entry, &tip, &fill) {
        Ok(answer) => answer,
        Err(error) => {
            if made && !error.is_begun() && repository.branch_tip(branch)?.as_ref() == Some(&tip) {
                worktree::delete_branch(&repository, branch, &tip, ground.lock)?;
            }
            return Err(error);
        }
    };
    if let Some(snapshot) = &git.snapshot {
        keep_what_only_it_keeps(&repository, &record.op, snapshot, ground.lock)?;
        trash::drop_ref(&repository, &record.op, snapshot, ground.lock)?;
    }
    for place in [record.place(ground.home), git.kept.clone()] {
        disk::delete_tree(&place, &Cancel::default())?;
    }
    Record::unlist(ground.home, &record.id)?;
    Durability::of(&repository)?.flush(&[&repository.common_dir, &ground.home.worktrees()])?;
    let why = if record.tree_id.is_none() {
        "its directory was gone when it was removed; what git had of it is back"
    } else {
        "its files had been taken out of the trash, and were made again"
    };
    let mut notes = vec![why.to_owned()];
    if git.snapshot.is_some() && record.tree_id.is_some() {
        notes.push("ignored files are not among them".into());
    }
    if !git.left_out.is_empty() {
        notes.push(format!("lost with the trash: {}", git.left_out.join(", ")));
    }
    notes.extend(answer.details());
    Ok(notes)
}

/// The log of `HEAD` may not have come back, and with it what kept its commits reachable.
fn keep_what_only_it_keeps(repository: &Repository, op: &str, snapshot: &str, lock: &TaskLock) -> Result<()> {
    let rest = repository.git().args(["rev-parse", "--verify", "--quiet", &format!("{snapshot}^4")]).run()?;
    let rest = String::from_utf8_lossy(&rest.stdout).trim().to_owned();
    if rest.is_empty() {
        return Ok(());
    }
    let name = format!("refs/okstra/kept/{op}");
    repository.git().args(["update-ref", &name, &rest]).holding(lock).read().map(drop)
}

/// Nothing of the task is in the trash: it was released, or its directory vanished.
fn from_branch(
    home: &OkstraHome,
    registry: &Registry,
    key: &TaskKey,
    row: &Entry,
    patience: &Patience,
    mut notes: Vec<String>,
) -> Result<Restoration> {
    let there = fs::symlink_metadata(&row.worktree_path).is_ok();
    if there && row.status == EntryStatus::Active {
        return Err(Error::KeyExists { task_key: key.clone(), path: row.worktree_path.clone() });
    }
    let repository = match registry.repository_of(key)? {
        Some(common_dir) => trash::repository_at(&common_dir, &row.branch)?,
        None => None,
    };
    let Some(repository) = repository else {
        return Err(not_in_trash(
            key,
            "the trash has nothing of it, and its repository is not known any more",
        ));
    };
    if !there
        && repository.branch_tip(&row.branch)?.is_none()
        && provision::new_name_of_branch(&repository.common_dir, row)?.is_none()
    {
        return Err(not_in_trash(
            key,
            format!("the trash has nothing of it, and its branch {} is gone", row.branch),
        ));
    }
    if let worktree::Found::Broken(fault) = link::look(key, &row.worktree_path)? {
        return Err(link::refusal(key, &row.worktree_path, fault));
    }
    let request = Request {
        task_type: row.last_phase.clone(),
        project_root: repository.main_worktree.clone().unwrap_or_else(|| repository.common_dir.clone()),
        project_id: key.project().to_owned(),
        task_group: key.group().to_owned(),
        task_id: key.task().to_owned(),
        work_category: String::new(),
        ..Request::default()
    };
    let answer = provision::provision(home, &request, patience)?;
    notes.extend(answer.details());
    Ok(Restoration {
        task_key: answer.task_key,
        path: answer.path,
        branch: answer.branch,
        source: Source::Branch,
        trash_id: None,
        note: notes.join("; "),
    })
}
