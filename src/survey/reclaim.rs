//! Gives disk back without removing a worktree: deletes caches, what a build makes again.
//!
//! Each cache is first renamed to a place of its own beside the worktrees, which is one step whatever its size, and
//! deleted there. Killed at any point, a cache is whole where it was, or gone from the worktree; what is left to delete
//! is deleted by the next call.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::caches::{Cache, Why};
use super::disk_use::{self, DiskUse};
use super::inside;
use super::ownership;
use super::processes::{self, Process};
use super::residents;
use super::tasks::{Located, State};
use crate::cancel::Cancel;
use crate::disk;
use crate::error::{Error, Result};
use crate::git::operation;
use crate::home::OkstraHome;
use crate::lock::{Patience, TaskLock};
use crate::registry::Registry;
use crate::task::TaskKey;

/// Where caches of a worktree are deleted that lies on another file system than the home: below its administrative
/// directory.
const ASIDE: &str = "okstra-reclaimed";

/// What may be given back in one worktree.
#[derive(Debug)]
pub struct Plan {
    /// The task.
    pub key: TaskKey,
    /// Its worktree.
    pub path: PathBuf,
    /// Its caches that may go.
    pub caches: Vec<Item>,
    /// Caches that are kept, each with the reason.
    pub kept: Vec<(PathBuf, String)>,
    /// Why nothing of it may go now; see [`Self::busy`] for whether `force` changes that.
    pub skipped: Option<String>,
    /// The processes inside, those that okstra was called from left out.
    pub busy: Vec<Process>,
}

/// A cache with what it costs.
#[derive(Debug, Clone)]
pub struct Item {
    /// The cache.
    pub cache: Cache,
    /// What it costs.
    pub size: DiskUse,
}

/// What became of one worktree's caches.
#[derive(Debug)]
pub struct Outcome {
    /// What there was.
    pub plan: Plan,
    /// Relative paths of those that are gone from the worktree.
    pub reclaimed: Vec<PathBuf>,
    /// Bytes that they took (blocks; of files that have other names too, nothing was freed).
    pub bytes: u64,
    /// What could not be deleted after it was taken out of the worktree: where it lies now, and why.
    pub left: Vec<(PathBuf, String)>,
}

/// What could be given back in each worktree that works; tasks without one are left out. Changes nothing.
pub fn plan(home: &OkstraHome, tasks: Vec<Located>, force: bool, cancel: &Cancel) -> Result<Vec<Plan>> {
    let standing: Vec<Located> = tasks.into_iter().filter(|task| task.admin.is_some()).collect();
    let paths: Vec<PathBuf> = standing.iter().map(|task| task.survey.path.clone()).collect();
    let occupants = processes::inside(&paths, false);
    let mut plans = Vec::new();
    for (task, occupants) in standing.iter().zip(occupants) {
        cancel.check("looking for caches")?;
        let busy = occupants.processes.into_iter().filter(|process| !process.is_ancestor).collect();
        plans.push(of_task(home, task, busy, force, cancel));
    }
    Ok(plans)
}

fn of_task(home: &OkstraHome, task: &Located, busy: Vec<Process>, force: bool, cancel: &Cancel) -> Plan {
    let mut plan = Plan {
        key: task.survey.key.clone(),
        path: task.survey.path.clone(),
        caches: Vec::new(),
        kept: Vec::new(),
        skipped: None,
        busy,
    };
    if task.survey.state == State::Provisioning {
        plan.skipped.clone_from(&task.survey.problem);
    } else if let (false, [first, ..]) = (force, &plan.busy[..]) {
        let more = plan.busy.len() - 1;
        let others = if more == 0 { String::new() } else { format!(" and {more} more") };
        plan.skipped = Some(format!("process {} ({}){others} is at work inside", first.pid, first.command));
    }
    if let (Some(entry), Some(admin), Some(common)) =
        (&task.survey.entry, &task.admin, &task.survey.repository)
        && let Err(error) = ownership::check(&Registry::open(home), entry, admin, common)
    {
        plan.skipped = Some(error.to_string());
        return plan;
    }
    if let Err(error) = fill(home, &mut plan, cancel) {
        plan.skipped.get_or_insert_with(|| error.to_string());
    }
    plan
}

fn fill(home: &OkstraHome, plan: &mut Plan, cancel: &Cancel) -> Result<()> {
    for cache in disk_use::caches_of(&plan.path, cancel)? {
        let path = plan.path.join(&cache.path);
        match refusal(home, &plan.path, &cache, cancel)? {
            Some(reason) => plan.kept.push((cache.path, reason)),
            None => {
                let size = disk_use::measure(&path, &[], cancel)?;
                plan.caches.push(Item { cache, size });
            }
        }
    }
    Ok(())
}

/// Why a cache is left alone.
fn refusal(home: &OkstraHome, worktree: &Path, cache: &Cache, cancel: &Cancel) -> Result<Option<String>> {
    let path = &worktree.join(&cache.path);
    let found = inside::look(path, cancel)?;
    let named = |what: &str, paths: &[PathBuf]| format!("{what} {}", cache.path.join(&paths[0]).display());
    if !found.mounts.is_empty() {
        return Ok(Some(named("something is mounted at", &found.mounts)));
    }
    // A repository may hold commits that are nowhere else; only a tag says that even those may go.
    if !found.repositories.is_empty() && cache.why != Why::Tagged {
        return Ok(Some(named("it holds the repository", &found.repositories)));
    }
    if !found.repositories.is_empty() {
        let repositories: Vec<PathBuf> = found.repositories.iter().map(|below| path.join(below)).collect();
        let places: Vec<&Path> = repositories.iter().map(PathBuf::as_path).collect();
        if let Some(resident) = residents::find(&Registry::open(home), &places, Some(path))?.first() {
            return Ok(Some(format!("it holds the git data of {resident}")));
        }
    }
    if !found.unreadable.is_empty() {
        return Ok(Some(named("this user may not look into", &found.unreadable)));
    }
    Ok(foreign(path, cancel)?.map(|(file, uid)| {
        let shown = file.strip_prefix(path).map(|below| cache.path.join(below)).unwrap_or(file);
        format!("{} belongs to user {uid}, who must delete it", shown.display())
    }))
}

/// A directory of another user, whose content this one may not delete.
#[cfg(unix)]
fn foreign(path: &Path, cancel: &Cancel) -> Result<Option<(PathBuf, u32)>> {
    use std::os::unix::fs::MetadataExt;
    let me = rustix::process::geteuid();
    if me.is_root() {
        return Ok(None);
    }
    let mut open = vec![path.to_owned()];
    while let Some(directory) = open.pop() {
        cancel.check("looking for caches")?;
        let Ok(metadata) = std::fs::symlink_metadata(&directory) else { continue };
        if metadata.uid() != me.as_raw() {
            return Ok(Some((directory, metadata.uid())));
        }
        let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
        open.extend(
            entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path()),
        );
    }
    Ok(None)
}

#[cfg(not(unix))]
fn foreign(_path: &Path, _cancel: &Cancel) -> Result<Option<(PathBuf, u32)>> {
    Ok(None)
}

/// Gives back what [`plan`] finds now: what was shown to a person may have changed since. `wanted` are the caches that
/// were agreed to, by worktree and relative path; `None` is all.
///
/// A worktree whose task somebody provisions, removes or restores right now is passed over.
pub fn reclaim(
    home: &OkstraHome,
    tasks: Vec<Located>,
    wanted: Option<&[PathBuf]>,
    force: bool,
    cancel: &Cancel,
) -> Result<Vec<Outcome>> {
    home.prepare()?;
    home.check_own()?;
    sweep(&home.reclaimed(), cancel)?;
    let mut outcomes = Vec::new();
    for task in tasks {
        cancel.check("reclaiming")?;
        let Some(admin) = task.admin.clone() else { continue };
        outcomes.push(one(home, &task, &admin, wanted, force, cancel)?);
    }
    Ok(outcomes)
}

fn one(
    home: &OkstraHome,
    task: &Located,
    admin: &Path,
    wanted: Option<&[PathBuf]>,
    force: bool,
    cancel: &Cancel,
) -> Result<Outcome> {
    let patience = Patience { timeout: Duration::ZERO, cancel: cancel.clone() };
    let key = &task.survey.key;
    let lock = match TaskLock::acquire(home, key, &patience) {
        Ok(lock) => Some(lock),
        Err(Error::LockTimeout { .. }) => None,
        Err(error) => return Err(error),
    };
    let occupants =
        processes::inside(std::slice::from_ref(&task.survey.path), false).pop().unwrap_or_default();
    let busy = occupants.processes.into_iter().filter(|process| !process.is_ancestor).collect();
    let mut plan = of_task(home, task, busy, force, cancel);
    if lock.is_none() {
        plan.skipped = Some("somebody is provisioning, removing or restoring it".into());
    } else if operation::head(&plan.path, admin).is_err() {
        plan.skipped = Some("it is not there any more".into());
    }
    let mut outcome = Outcome { plan, reclaimed: Vec::new(), bytes: 0, left: Vec::new() };
    if outcome.plan.skipped.is_some() {
        return Ok(outcome);
    }
    sweep(&admin.join(ASIDE), cancel)?;
    let caches = outcome.plan.caches.clone();
    for Item { cache, size } in caches {
        let path = outcome.plan.path.join(&cache.path);
        if wanted.is_some_and(|wanted| !wanted.contains(&path)) {
            continue;
        }
        let aside = match take_out(home, admin, &path) {
            Ok(aside) => aside,
            Err(error) => {
                outcome.plan.kept.push((cache.path, error.to_string()));
                continue;
            }
        };
        outcome.reclaimed.push(cache.path);
        outcome.bytes += size.allocated;
        let deletion = disk::delete_tree(&aside, cancel)?;
        outcome.left.extend(deletion.examples);
    }
    drop(lock);
    Ok(outcome)
}

/// Renames a cache out of its worktree: below the home, or, for a worktree on another file system, below its
/// administrative directory.
fn take_out(home: &OkstraHome, admin: &Path, path: &Path) -> Result<PathBuf> {
    let name = format!("{:016x}", disk::random());
    let aside = home.reclaimed().join(&name);
    match disk::move_aside(path, &aside) {
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::CrossesDevices => {
            let aside = admin.join(ASIDE).join(&name);
            disk::move_aside(path, &aside)?;
            Ok(aside)
        }
        other => other.map(|()| aside),
    }
}

/// Finishes what killed calls began to delete.
fn sweep(directory: &Path, cancel: &Cancel) -> Result<()> {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        disk::delete_tree(&entry.path(), cancel)?;
    }
    Ok(())
}
