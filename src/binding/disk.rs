//! `inspectTask`, `diskUse`, `reclaim`, and their synchronous twins.

use std::path::{Path, PathBuf};

use napi::Env;
use napi::bindgen_prelude::{Object, Unknown};
use napi_derive::napi;

use super::arguments::Fields;
use super::background;
use super::error::{Outcome, guarded};
use super::survey::{find, located};
use super::survey_shapes::{DiskUse, LiveProcess, TaskSurvey, number};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::home::OkstraHome;
use crate::registry::Filter;
use crate::survey::tasks::Located;
use crate::survey::{self, Extras, details, disk_use, reclaim as core};
use crate::task::TaskKey;

// These explain; a name that a JavaScript string cannot hold is shown as well as it can be.
fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().to_string_lossy().into_owned()
}

fn texts(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(text).collect()
}

/// Everything about one task.
#[napi(object, object_from_js = false)]
pub struct TaskInspection {
    /// The task, with what it costs on disk.
    pub task: TaskSurvey,
    /// What there is in its worktree, path by path; absent where there is no worktree that works.
    pub worktree: Option<WorktreeDetails>,
}

/// What there is in a worktree. Paths are relative to it; names that are no UTF-8 are shown with U+FFFD.
#[napi(object, object_from_js = false)]
pub struct WorktreeDetails {
    /// Paths whose staged content is not that of `HEAD`.
    pub staged: Vec<String>,
    /// Tracked paths whose content is not what is staged.
    pub unstaged: Vec<String>,
    /// Paths with a conflict.
    pub conflicted: Vec<String>,
    /// Files that git does not know and does not ignore.
    pub untracked: Vec<String>,
    /// What git ignores and no build makes again: settings, secrets, notes. A directory is one path.
    pub ignored: Vec<String>,
    /// What a build makes again.
    pub caches: Vec<String>,
    /// Submodules with something of their own.
    pub submodules: Vec<String>,
    /// okstra's own links.
    pub links: Vec<String>,
    /// With a detached `HEAD`: how many of its commits are on no branch, remote-tracking branch or tag.
    pub nowhere: Option<f64>,
    /// The reason with which the worktree is locked, where it is; may be empty.
    pub lock: Option<String>,
    /// The last commit.
    pub last_commit: Option<CommitSummary>,
}

/// A commit, for a person.
#[napi(object, object_from_js = false)]
pub struct CommitSummary {
    /// Its full id.
    pub id: String,
    /// When it was committed (RFC 3339).
    pub at: String,
    /// Who wrote it.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
}

impl From<details::Details> for WorktreeDetails {
    fn from(found: details::Details) -> Self {
        Self {
            staged: texts(&found.status.staged),
            unstaged: texts(&found.status.unstaged),
            conflicted: texts(&found.status.conflicted),
            untracked: texts(&found.status.untracked),
            ignored: texts(&found.ignored),
            caches: found.caches.iter().map(|cache| text(&cache.path)).collect(),
            submodules: found.status.submodules.iter().map(|one| text(&one.path)).collect(),
            links: texts(&found.links),
            nowhere: found.nowhere.map(number),
            lock: found.lock,
            last_commit: found.last.map(|commit| CommitSummary {
                id: commit.id,
                at: commit.at,
                author: commit.author,
                subject: commit.subject,
            }),
        }
    }
}

fn inspect(tasks: Vec<Located>, key: &TaskKey, cancel: &Cancel) -> Result<TaskInspection> {
    let Some(task) = tasks.first() else { return Err(Error::NotFound { task_key: key.clone() }) };
    let details = details::of(task, cancel)?;
    let surveyed = survey::examine(tasks, Extras { disk: true }, cancel, &|_, _| {})?;
    let Some(task) = surveyed.into_iter().next() else {
        return Err(Error::NotFound { task_key: key.clone() });
    };
    Ok(TaskInspection { task: task.into(), worktree: details.map(Into::into) })
}

fn read_inspect(env: &Env, options: Unknown<'_>) -> Outcome<(Vec<Located>, TaskKey)> {
    let key = TaskKey::parse(&Fields::required("options", options)?.text("taskKey")?)?;
    Ok((find(env, &OkstraHome::from_env()?, Filter::default(), Some(&key))?, key))
}

/// Everything about one task: what `surveyTasks` tells, what it costs on disk, and path by path what is in its worktree.
///
/// Rejects with `OKSTRA_NOT_FOUND` when neither the registry nor the home knows it, and as `surveyTasks` does.
#[napi(
    ts_args_type = "options: InspectOptions, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<TaskInspection>"
)]
pub fn inspect_task<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "looking at the task", signal, || {
        let (tasks, key) = read_inspect(env, options)?;
        let cancel = Cancel::default();
        let flag = cancel.clone();
        Ok((move || inspect(tasks, &key, &flag), cancel))
    })
}

/// The same as `inspectTask`, but returns when it is done, and blocks JavaScript until then.
#[napi(ts_args_type = "options: InspectOptions")]
pub fn inspect_task_sync(env: Env, options: Unknown<'_>) -> napi::Result<TaskInspection> {
    guarded(&env, || {
        let (tasks, key) = read_inspect(&env, options)?;
        Ok(inspect(tasks, &key, &Cancel::default())?)
    })
}

/// What worktrees and what okstra keeps beside them cost on disk.
#[napi(object, object_from_js = false)]
pub struct DiskReport {
    /// Each task that has a directory.
    pub tasks: Vec<TaskDiskUse>,
    /// Removed worktrees, which `restore` brings back.
    pub trash: DiskUse,
    /// What recovery took out of the way; nobody had been given it.
    pub quarantine: DiskUse,
    /// Trees made in advance.
    pub spares: DiskUse,
    /// Caches that a killed `reclaim` did not finish deleting; the next one does.
    pub reclaimed: DiskUse,
}

/// What one worktree costs on disk.
#[napi(object, object_from_js = false)]
pub struct TaskDiskUse {
    /// The task-key.
    pub task_key: String,
    /// The directory of the worktree, absolute.
    pub worktree_path: String,
    /// What is true of the task now.
    #[napi(ts_type = "TaskState")]
    pub state: &'static str,
    /// What it costs.
    pub disk: DiskUse,
}

fn report(home: &OkstraHome, tasks: Vec<Located>, cancel: &Cancel) -> Result<DiskReport> {
    let found = disk_use::of_tasks(&tasks, cancel)?;
    let keeping = disk_use::of_keeping(home, cancel)?;
    let tasks = tasks.iter().zip(found).filter_map(|(task, disk)| {
        Some(TaskDiskUse {
            task_key: task.survey.key.to_string(),
            worktree_path: text(&task.survey.path),
            state: task.survey.state.as_str(),
            disk: disk?.into(),
        })
    });
    Ok(DiskReport {
        tasks: tasks.collect(),
        trash: keeping.trash.into(),
        quarantine: keeping.quarantine.into(),
        spares: keeping.spares.into(),
        reclaimed: keeping.reclaimed.into(),
    })
}

fn read_tasks(env: &Env, options: Unknown<'_>) -> Outcome<(OkstraHome, Vec<Located>)> {
    let fields = Fields::optional("options", options)?;
    let home = OkstraHome::from_env()?;
    let tasks = located(env, &fields, &home)?;
    Ok((home, tasks))
}

/// What the worktrees of tasks cost on disk, and what okstra keeps beside them. Walks over every file.
///
/// Rejects with `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_IO` or `OKSTRA_ABORTED`.
#[napi(
    ts_args_type = "options?: TaskChoice | undefined | null, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<DiskReport>"
)]
pub fn disk_use<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "measuring", signal, || {
        let (home, tasks) = read_tasks(env, options)?;
        let cancel = Cancel::default();
        let flag = cancel.clone();
        Ok((move || report(&home, tasks, &flag), cancel))
    })
}

/// The same as `diskUse`, but returns when it is done, and blocks JavaScript until then.
#[napi(ts_args_type = "options?: TaskChoice | undefined | null")]
pub fn disk_use_sync(env: Env, options: Unknown<'_>) -> napi::Result<DiskReport> {
    guarded(&env, || {
        let (home, tasks) = read_tasks(&env, options)?;
        Ok(report(&home, tasks, &Cancel::default())?)
    })
}

/// The caches of one worktree, and what becomes or became of them.
#[napi(object, object_from_js = false)]
pub struct ReclaimedTask {
    /// The task-key.
    pub task_key: String,
    /// The directory of the worktree, absolute.
    pub worktree_path: String,
    /// Caches that may go, or, after `reclaim`, those that are gone.
    pub caches: Vec<ReclaimedCache>,
    /// The blocks that they take, or took, in bytes.
    pub bytes: f64,
    /// Caches that are kept, each with the reason.
    pub kept: Vec<KeptCache>,
    /// Why the whole worktree is passed over, in a sentence.
    pub skipped: Option<String>,
    /// The live processes inside, those that this call comes from left out.
    pub processes: Vec<LiveProcess>,
    /// What was taken out of the worktree and could not be deleted, where it lies now, with the reason.
    pub left: Vec<KeptCache>,
}

/// A cache.
#[napi(object, object_from_js = false)]
pub struct ReclaimedCache {
    /// Its path within the worktree.
    pub path: String,
    /// What makes it one: its `CACHEDIR.TAG`, or its name, while git ignores it.
    #[napi(ts_type = "'cachedir-tag' | 'build-output'")]
    pub why: &'static str,
    /// The blocks that it takes, or took, in bytes.
    pub bytes: f64,
}

/// A path that was kept.
#[napi(object, object_from_js = false)]
pub struct KeptCache {
    /// Its path.
    pub path: String,
    /// Why, in words.
    pub reason: String,
}

fn kept(list: Vec<(PathBuf, String)>) -> Vec<KeptCache> {
    list.into_iter().map(|(path, reason)| KeptCache { path: text(path), reason }).collect()
}

fn shape(plan: core::Plan, only: Option<&[PathBuf]>, left: Vec<(PathBuf, String)>) -> ReclaimedTask {
    let caches: Vec<ReclaimedCache> = plan
        .caches
        .iter()
        .filter(|item| only.is_none_or(|only| only.contains(&item.cache.path)))
        .map(|item| ReclaimedCache {
            path: text(&item.cache.path),
            why: item.cache.why.as_str(),
            bytes: number(item.size.allocated),
        })
        .collect();
    ReclaimedTask {
        task_key: plan.key.to_string(),
        worktree_path: text(&plan.path),
        bytes: caches.iter().map(|cache| cache.bytes).sum(),
        caches,
        kept: kept(plan.kept),
        skipped: plan.skipped,
        processes: plan.busy.into_iter().map(Into::into).collect(),
        left: kept(left),
    }
}

struct Order {
    home: OkstraHome,
    tasks: Vec<Located>,
    force: bool,
    dry: bool,
    only: Option<Vec<PathBuf>>,
}

impl Order {
    fn read(env: &Env, options: Unknown<'_>) -> Outcome<Self> {
        let fields = Fields::optional("options", options)?;
        let home = OkstraHome::from_env()?;
        let tasks = located(env, &fields, &home)?;
        let only = fields.optional_texts("only")?.into_iter().map(PathBuf::from).collect();
        let only = fields.has("only")?.then_some(only);
        let (force, dry) = (fields.optional_flag("force")?, fields.optional_flag("dryRun")?);
        Ok(Self { home, tasks, force, dry, only })
    }

    fn perform(self, cancel: &Cancel) -> Result<Vec<ReclaimedTask>> {
        if self.dry {
            let plans = core::plan(&self.home, self.tasks, self.force, cancel)?;
            return Ok(plans.into_iter().map(|plan| shape(plan, None, Vec::new())).collect());
        }
        let outcomes = core::reclaim(&self.home, self.tasks, self.only.as_deref(), self.force, cancel)?;
        let turn = |outcome: core::Outcome| shape(outcome.plan, Some(&outcome.reclaimed), outcome.left);
        Ok(outcomes.into_iter().map(turn).collect())
    }
}

/// Gives disk back without removing a worktree: deletes directories that carry a `CACHEDIR.TAG`, and known build output
/// that git ignores. Never anything tracked, never through a link, never a mount point or another repository.
///
/// With `dryRun` nothing is deleted, and the answer says what could be. A worktree with live processes inside, those that
/// this call comes from left out, is passed over unless `force` is set; so is one that is being provisioned or removed.
/// A killed call leaves no half-deleted cache in a worktree; the next one finishes what was begun.
///
/// Rejects with `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_UNSAFE_HOME`, `OKSTRA_IO` or
/// `OKSTRA_ABORTED`.
#[napi(
    ts_args_type = "options?: ReclaimOptions | undefined | null, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<Array<ReclaimedTask>>"
)]
pub fn reclaim<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "reclaiming", signal, || {
        let order = Order::read(env, options)?;
        let cancel = Cancel::default();
        let flag = cancel.clone();
        Ok((move || order.perform(&flag), cancel))
    })
}

/// The same as `reclaim`, but returns when it is done, and blocks JavaScript until then.
#[napi(ts_args_type = "options?: ReclaimOptions | undefined | null")]
pub fn reclaim_sync(env: Env, options: Unknown<'_>) -> napi::Result<Vec<ReclaimedTask>> {
    guarded(&env, || Ok(Order::read(&env, options)?.perform(&Cancel::default())?))
}
