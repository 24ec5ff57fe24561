//! Heals what a dead run of this task left: finishes it when the tree is complete, else moves it out of the way.
//!
//! Of what a dead run left nothing is deleted but our own lock files and a branch that still stands where we made it; what
//! this process made itself and takes back goes away (`discard`). Everything can be killed at any point and repeated: the
//! intent is dropped last, and whatever is gone already is fine. What must be mended for git to start at all is mended in
//! the file system before git is called.

use std::fs;
use std::path::{Path, PathBuf};

use super::Job;
use super::aside::{self, admin_dir, move_aside, retire, same};
use super::create;
use super::spare;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::git::{Discovery, Git, entries, repository, stale, worktree};
use crate::intent::{Intent, Kind, Stage};
use crate::link;
use crate::lock::{Patience, RepositoryLock};
use crate::registry::history::{Event, EventKind};
use crate::registry::{EntryStatus, TaskRecord};
use crate::trash::{self, Ground};

/// A branch that a dead attempt made for this task and that still stands where it was made.
#[derive(Debug, Clone)]
pub(super) struct Leftover {
    /// The branch.
    pub branch: String,
    /// Where it stands.
    pub tip: String,
    /// Where it may stand and still be ours.
    pub bases: Vec<String>,
}

/// Recovers the intent of this task, where one stands. With the task lock held no process of the dead run lives any
/// more: its git had inherited the lock.
pub(super) fn recover(job: &Job<'_>, notes: &mut Vec<String>) -> Result<Option<Leftover>> {
    job.home.check_above(&job.plan.key)?;
    let Some(mut intent) = Intent::read(job.home, &job.plan.key, job.task_lock)? else { return Ok(None) };
    let Job { home, registry, patience, task_lock: lock, .. } = *job;
    link::follow(home, &job.plan.key, &mut intent, Some(&job.repository.common_dir));
    let ground = Ground { home, registry, key: &job.plan.key, lock, patience };
    if let Some(told) = trash::settle(&ground, &intent)? {
        notes.extend(told);
        return Ok(None);
    }
    if !intent.common_dir.is_dir() {
        // The repository is gone with all that was registered in it; the tree, if any, stays for a person to see.
        Intent::drop_for(job.home, &job.plan.key, job.task_lock)?;
        return Ok(None);
    }
    if intent.common_dir != job.repository.common_dir {
        return recover_elsewhere(job, intent, notes);
    }
    let died = format!("an earlier run (pid {}, {}) had died", intent.pid, intent.since);
    if intent.stage == Stage::RollingBack {
        take_back(job, intent)?;
        notes.push(format!("{died}; what it began was taken back"));
        return Ok(None);
    }
    let admin = {
        let lock = RepositoryLock::acquire(job.home, &intent.common_dir, job.patience)?;
        worktree::repair_torn(&intent.common_dir, &lock)?;
        remove_stale_ref_lock(&intent)?;
        stale::remove_shared_locks(&intent.common_dir, intent.written_at())?;
        admin_dir(&intent)
    };
    // A tree of an earlier boot that had begun to move was not flushed in its new place.
    let admin =
        if spare::resume(&job.claim(), &intent, admin.as_deref())? { admin_dir(&intent) } else { admin };
    if let Some(admin) = admin.as_deref().filter(|admin| is_complete(&intent, admin)) {
        match create::finish(job, &mut intent, admin) {
            Ok(finished) => {
                record(job, &intent.op, "finished what a dead run had begun");
                notes.push(format!("{died}; its worktree was complete and was taken over"));
                notes.extend(finished.hook.notes);
                return Ok(None);
            }
            Err(error @ (Error::Aborted { .. } | Error::LockTimeout { .. })) => return Err(error),
            Err(error) if intent.stage == Stage::Committed => return Err(error),
            // What cannot be finished must not be in the way for ever: it is kept aside and made anew.
            Err(error) => notes.push(format!("its worktree could not be taken over: {error}")),
        }
    }
    let aside = move_aside(job, &job.repository, &intent)?;
    take_row_back(job, &intent)?;
    record(job, &intent.op, "took what a dead run had begun out of the way");
    match aside {
        Some(place) => notes.push(format!("{died}; its incomplete worktree was kept at {}", place.display())),
        None => notes.push(format!("{died}; nothing of it was kept")),
    }
    if intent.kind == Kind::Create
        && let Some(tip) = job.repository.branch_tip(&intent.branch)?
        && intent.bases.contains(&tip)
    {
        // The branch is taken over rather than deleted and made again, and the intent stands until it is.
        return Ok(Some(Leftover { branch: intent.branch, tip, bases: intent.bases }));
    }
    Intent::drop_for(job.home, &job.plan.key, job.task_lock)?;
    Ok(None)
}

/// The dead run worked in another clone of the project.
fn recover_elsewhere(job: &Job<'_>, intent: Intent, notes: &mut Vec<String>) -> Result<Option<Leftover>> {
    let Discovery::Main(other) = repository::discover(&intent.common_dir, &intent.branch)? else {
        Intent::drop_for(job.home, &job.plan.key, job.task_lock)?;
        return Ok(None);
    };
    let message = format!("what an earlier run began in {} was taken back", intent.common_dir.display());
    take_back_in(job, &other, intent, false)?;
    notes.push(message);
    Ok(None)
}

fn record(job: &Job<'_>, op: &str, what: &str) {
    let mut event = Event::new(EventKind::Recovered, Some(&job.plan.key));
    event.detail = Some(format!("{what} ({op})"));
    job.registry.record(&event);
}

/// Takes back what a dead attempt began: tree and administrative directory are moved aside, the branch that it made is
/// deleted while it still stands where it was made, the intent is dropped.
pub(super) fn take_back(job: &Job<'_>, intent: Intent) -> Result<()> {
    take_back_in(job, &job.repository, intent, false)
}

/// Takes back what this very run began. As long as the worktree was given to nobody, not even to the hook, what the run
/// made is deleted instead of moved.
pub(super) fn abandon(job: &Job<'_>, intent: Intent) -> Result<()> {
    let was_given = intent.stage != Stage::Filling;
    take_back_in(job, &job.repository, intent, !was_given)
}

fn take_back_in(
    job: &Job<'_>,
    repository: &crate::git::Repository,
    mut intent: Intent,
    discards: bool,
) -> Result<()> {
    let resumed = intent.stage == Stage::RollingBack;
    let marked = fs::metadata(job.home.intent_file(&job.plan.key)).and_then(|found| found.modified()).ok();
    if !resumed {
        intent.stage = Stage::RollingBack;
        intent.discarded = discards.then(|| aside::aside_name(&intent));
        match intent.write(job.home, &job.plan.key, job.task_lock) {
            Err(error) if error.is_no_space() && discards => {
                aside::make_room(job, &intent);
                intent.write(job.home, &job.plan.key, job.task_lock)?;
            }
            // Without a tree nothing can be taken for complete, so that the next call takes it back all the same.
            Err(error) if error.is_no_space() && fs::symlink_metadata(&intent.path).is_err() => {}
            other => other?,
        }
    }
    // The caller may have asked to stop; taking back is how stopping is done.
    let patience = Patience { cancel: Cancel::default(), ..job.patience.clone() };
    {
        let lock = RepositoryLock::acquire(job.home, &intent.common_dir, &patience)?;
        worktree::repair_torn(&intent.common_dir, &lock)?;
        remove_stale_ref_lock(&intent)?;
        if resumed {
            stale::remove_shared_locks(&intent.common_dir, marked)?;
        }
    }
    move_aside(job, repository, &intent)?;
    if intent.kind == Kind::Create
        && let Some(tip) = repository.branch_tip(&intent.branch)?
        && intent.bases.contains(&tip)
    {
        worktree::delete_branch(repository, &intent.branch, &tip, job.task_lock)?;
        // git says nothing when it cannot remove its lock file, and after the intent nobody knows whose it is.
        remove_stale_ref_lock(&intent)?;
    }
    Intent::drop_for(job.home, &job.plan.key, job.task_lock)
}

/// Whether git had finished: the index is renamed into place last. A tree from before a power cut never counts, because
/// nobody knows whether its flush had come to its end.
fn is_complete(intent: &Intent, admin: &Path) -> bool {
    let filled = |name: &str| fs::metadata(admin.join(name)).is_ok_and(|found| found.len() > 0);
    !intent.is_of_earlier_boot()
        && filled("index")
        && !admin.join("index.lock").exists()
        && worktree::is_on_branch(admin, &intent.branch)
        && worktree::points_back(admin, &intent.path)
        && worktree::common_dir_of(admin).is_ok_and(|common| common == intent.common_dir)
        && TaskRecord::names(admin).is_none_or(|key| key.to_string() == intent.task_key)
        && worktree::admin_dir_of(&intent.path)
            .is_ok_and(|named| named.is_some_and(|named| same(&named, admin)))
}

/// Gives the row up that a run had written before the power was cut, where its tree does not count and is out of the way:
/// nobody had been told of it, and without tree and branch it would stand for nothing.
fn take_row_back(job: &Job<'_>, intent: &Intent) -> Result<()> {
    if !intent.is_of_earlier_boot() {
        return Ok(());
    }
    let row = job.registry.lookup(&job.plan.key)?.filter(|row| row.status == EntryStatus::Active);
    if row.is_some_and(|row| row.worktree_path == intent.path) && fs::symlink_metadata(&intent.path).is_err()
    {
        job.registry.release_row(&job.plan.key, job.patience)?;
    }
    Ok(())
}

/// Removes `refs/heads/<branch>.lock` of a branch that only our dead git was making: git says itself that it never
/// takes such a file away.
fn remove_stale_ref_lock(intent: &Intent) -> Result<()> {
    let name = format!("refs/heads/{}", intent.branch);
    // One that is older than the intent is somebody else's, and git's message has named it.
    match intent.written_at() {
        Some(since) if intent.kind == Kind::Create => {
            stale::remove_ref_lock(&intent.common_dir, &name, since)
        }
        _ => Ok(()),
    }
}

/// Moves entries aside that git still keeps for a directory that is gone, after making sure that nothing only they
/// referred to can be collected: a detached `HEAD` and staged content get refs under `refs/okstra/kept/`. Gives the places
/// where they were.
pub(super) fn retire_stale(job: &Job<'_>, intent: &Intent, _lock: &RepositoryLock) -> Result<Vec<PathBuf>> {
    let mut retired = Vec::new();
    if fs::symlink_metadata(&intent.path).is_ok() {
        return Ok(retired);
    }
    let mut stale = entries::pointing_to(&intent.common_dir, &intent.path);
    if intent.kind == Kind::Restore {
        // Also one that names the task's place in a home that is not there any more.
        let claims = link::claims_of(&job.plan.key, &intent.path, std::slice::from_ref(&intent.common_dir));
        let gone = |claim: &link::Claim| {
            claim.tree.as_ref().is_some_and(|tree| {
                link::in_this_home(job.home, &job.plan.key, tree).as_ref() == Some(&intent.path)
            })
        };
        stale.extend(claims.into_iter().filter(gone).map(|claim| claim.admin));
    }
    for admin in stale {
        keep_reachable(job, intent, &admin)?;
        retire(intent, &admin)?;
        retired.push(admin);
    }
    Ok(retired)
}

fn keep_reachable(job: &Job<'_>, intent: &Intent, admin: &Path) -> Result<()> {
    let ask = |args: &[&str]| -> Result<Option<String>> {
        let output = Git::new(&intent.common_dir).git_dir(Some(admin)).args(args).run()?;
        // A git that died, or that cannot write the staged tree for another reason than a conflict (which no tree
        // can hold), has not said that there is nothing to keep.
        let unwritten =
            args[0] == "write-tree" && !output.status.success() && !output.stderr.contains("unmerged");
        let silent = !matches!(output.status.code(), Some(0 | 1)) && output.stderr.trim().is_empty();
        if silent || unwritten {
            return Err(output.into_error(args[0], admin));
        }
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((output.status.success() && !text.is_empty()).then_some(text))
    };
    let readable =
        Git::new(&intent.common_dir).git_dir(Some(admin)).args(["rev-parse", "--git-dir"]).run()?;
    match readable.status.code() {
        Some(0) => {}
        // Not enough of the entry is left for git to read; it is kept as it is.
        Some(128) if readable.stderr.contains("not a git repository") => return Ok(()),
        _ => return Err(readable.into_error("rev-parse --git-dir", admin)),
    }
    let head = ask(&["rev-parse", "--verify", "--quiet", "HEAD"])?;
    let detached = ask(&["symbolic-ref", "--quiet", "HEAD"])?.is_none();
    let committed = ask(&["rev-parse", "HEAD^{tree}"])?;
    let staged = ask(&["write-tree"])?.filter(|tree| committed.as_ref() != Some(tree));
    let kept = [("head", head.filter(|_| detached)), ("index", staged)];
    for (what, object) in kept {
        if let Some(object) = object {
            let name = format!("refs/okstra/kept/{}-{what}", intent.op);
            job.repository.git().args(["update-ref", &name, &object]).holding(job.task_lock).read()?;
        }
    }
    Ok(())
}
