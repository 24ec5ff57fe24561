//! Moves a spare into a worktree that git has just registered, instead of filling it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::conditions::Conditions;
use super::fit;
use super::pool::{self, Spare, State};
use crate::cancel::Cancel;
use crate::disk;
use crate::error::{IoContext, Result};
use crate::git::config::Config;
use crate::git::index::form::Form;
use crate::git::{Git, Repository};
use crate::home::OkstraHome;
use crate::intent::Intent;
use crate::lock::TaskLock;

/// What a claim needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The home whose spares are looked at.
    pub home: &'a OkstraHome,
    /// The repository.
    pub repository: &'a Repository,
    /// The lock of the task, handed on to git.
    pub task_lock: &'a TaskLock,
    /// Stops it.
    pub cancel: &'a Cancel,
    /// The configuration, where it is known.
    pub config: Option<&'a Config>,
}

/// Whether there is a spare of the repository at all.
#[must_use]
pub fn is_any(job: &Claim<'_>) -> bool {
    !pool::of_repository(job.home, &job.repository.common_dir).is_empty()
}

/// The spares that become what git would make of `commit` under this configuration, in the order in which they are to be
/// tried. Takes none, so it can be asked before the worktree is registered.
pub fn choose(job: &Claim<'_>, config: &Config, commit: &str) -> Result<Vec<Spare>> {
    let Ok(conditions) = Conditions::of(job.repository, config) else { return Ok(Vec::new()) };
    let mut spares = pool::of_repository(job.home, &job.repository.common_dir);
    spares.retain(|spare| fit::holds(spare, &conditions));
    // One at the very commit needs no git.
    if spares.iter().any(|spare| spare.record.commit == commit) {
        spares.retain(|spare| spare.record.commit == commit);
        return Ok(spares);
    }
    let mut asked = HashMap::new();
    let mut fitting = Vec::new();
    for spare in spares {
        let from = &spare.record.commit;
        let fits = match asked.get(from) {
            Some(known) => *known,
            None => fit::same_attributes(job.repository, from, commit, job.cancel)?,
        };
        asked.insert(from.clone(), fits);
        if fits {
            fitting.push(spare);
        }
    }
    Ok(fitting)
}

/// Fills a registered worktree that holds nothing but its `.git` file from the first of the spares that nobody else has
/// taken; `false` when there is none. The index is renamed into place last, as git does, so that its being there proves
/// the tree complete. A failure leaves what [`resume`] finishes.
pub fn claim(job: &Claim<'_>, intent: &Intent, admin: &Path, spares: &[Spare]) -> Result<bool> {
    let pool = job.home.spares_of(&job.repository.common_dir);
    let claimed = pool::place(&pool, State::Claimed, &intent.op);
    for spare in spares {
        if pool::take(&spare.directory, &claimed)?.is_some() {
            move_in(job, intent, admin, &claimed)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Finishes a claim that was killed, or gives an untouched spare back. `Ok(false)`: this intent had claimed none. Call it
/// with the task lock held, before the tree is looked at.
pub fn resume(job: &Claim<'_>, intent: &Intent, admin: Option<&Path>) -> Result<bool> {
    let pool = job.home.spares_of(&intent.common_dir);
    let claimed = pool::place(&pool, State::Claimed, &intent.op);
    if !claimed.is_dir() {
        return Ok(false);
    }
    let started = !claimed.join("tree").exists() || !pool::is_untouched(&claimed);
    match admin {
        // The tree has begun to move: forward is the shorter way, and every step can be repeated.
        Some(admin) if started => move_in(job, intent, admin, &claimed)?,
        _ if !started => drop(pool::take(&claimed, &pool::place(&pool, State::Ready, &intent.op))?),
        // Its entry is gone: what is left of the spare is swept with the next warming.
        _ => {}
    }
    Ok(true)
}

/// Tree, then index. Each step looks at what is there first, because recovery repeats them.
fn move_in(job: &Claim<'_>, intent: &Intent, admin: &Path, claimed: &Path) -> Result<()> {
    let (tree, index) = (claimed.join("tree"), claimed.join("index"));
    if tree.is_dir() {
        date(&index)?;
        let (link, target) = (intent.path.join(".git"), tree.join(".git"));
        if fs::symlink_metadata(&link).is_ok() && fs::symlink_metadata(&target).is_err() {
            disk::move_aside(&link, &target)?;
        }
        // Only an empty directory goes: what somebody put there since git made it stays, and is an error.
        match fs::remove_dir(&intent.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).context("take the place of the empty worktree", &intent.path);
            }
            _ => {}
        }
        disk::move_aside(&tree, &intent.path)?;
    }
    if index.is_file() {
        let spare = pool::read_record(claimed);
        if spare.is_none_or(|record| record.commit != intent.commit) {
            drop_lock_of(&index)?;
            // `--reset`: nobody has worked in this tree, and a killed attempt may have written some of the files.
            Git::new(&intent.path)
                .args(["read-tree", "--reset", "-u", &intent.commit])
                .settings(pool::INDEX_OF_ITS_OWN)
                .index_file(&index)
                .runs_user_code()
                .holding(job.task_lock)
                .cancel(job.cancel)
                .read()?;
        }
        let form = match job.config {
            Some(config) => Form::of(config),
            None => Form::of(&Config::read(Git::new(&intent.path))?),
        };
        if let Some(form) = form {
            drop_lock_of(&index)?;
            form.apply(&intent.path, &index, job.task_lock, job.cancel)?;
        }
        disk::move_aside(&index, &admin.join("index"))?;
    }
    pool::drop_shell(claimed)
}

/// Removes the lock file that a killed git left.
fn drop_lock_of(index: &Path) -> Result<()> {
    match fs::remove_file(index.with_extension("lock")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).context("remove the stale lock of", index)
        }
        _ => Ok(()),
    }
}

/// Makes the index younger than the files it knows, which nobody has touched since it was written: git compares whole
/// seconds, and would read every file again that was written in the same one. Only as long as nobody works in the tree:
/// what is changed after this is younger than the index, or of its second, and is read.
fn date(index: &Path) -> Result<()> {
    let file = fs::File::options().append(true).open(index).context("open", index)?;
    file.set_modified(SystemTime::now()).context("set the time of", index)
}
