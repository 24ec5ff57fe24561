//! `removeTask`, `restoreTask` and `prune`, each with its synchronous twin, and `listTrash`.

use std::collections::BTreeSet;

use napi::Env;
use napi::bindgen_prelude::{Object, Unknown};
use napi_derive::napi;

use super::arguments::{Fields, path_text};
use super::background;
use super::error::{Outcome, guarded};
use super::shapes;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::home::OkstraHome;
use crate::lock::Patience;
use crate::obstacle::ObstacleKind;
use crate::registry::Registry;
use crate::removal::{self, Proposal, PruneRequest, RemoveRequest};
use crate::task::TaskKey;
use crate::trash::{self, Record};

/// A call with everything it needs from JavaScript and from the environment.
struct Call<T> {
    home: OkstraHome,
    key: TaskKey,
    patience: Patience,
    request: T,
}

impl<T> Call<T> {
    fn read(options: Unknown<'_>, request: impl FnOnce(&Fields<'_>) -> Outcome<T>) -> Outcome<Self> {
        let fields = Fields::required("options", options)?;
        let key =
            TaskKey::given(&fields.text("projectId")?, &fields.text("taskGroup")?, &fields.text("taskId")?)?;
        let home = OkstraHome::from_env()?;
        path_text(home.root())?;
        let request = request(&fields)?;
        Ok(Self { home, key, patience: fields.patience("lockTimeoutMs")?, request })
    }

    fn cancel(&self) -> Cancel {
        self.patience.cancel.clone()
    }
}

fn remove_request(fields: &Fields<'_>) -> Outcome<RemoveRequest> {
    let mut allow = BTreeSet::new();
    for name in fields.optional_texts("allow")? {
        let kind = ObstacleKind::ALL.iter().find(|kind| kind.as_str() == name && kind.flag().is_some());
        let reason = "it names no obstacle that can be allowed";
        allow.insert(*kind.ok_or_else(|| Error::invalid("allow", name.as_str(), reason))?);
    }
    Ok(RemoveRequest {
        allow,
        force: fields.optional_flag("force")?,
        delete_branch: fields.optional_flag("deleteBranch")?,
    })
}

impl Call<RemoveRequest> {
    fn perform(self) -> Result<TaskRemoval> {
        let registry = Registry::open(&self.home);
        let done = removal::remove(&self.home, &registry, &self.key, &self.request, &self.patience)?;
        Ok(TaskRemoval {
            task_key: done.task_key.to_string(),
            path: path_text(&done.path)?,
            branch: done.branch,
            branch_deleted: done.branch_deleted,
            trash_id: done.trash_id,
            snapshot: done.snapshot,
            left_out: done.left_out,
            note: with_warnings(done.note, &registry),
        })
    }
}

impl Call<Option<String>> {
    fn perform(self) -> Result<TaskRestoration> {
        let registry = Registry::open(&self.home);
        let from = self.request.as_deref();
        let done = removal::restore(&self.home, &registry, &self.key, from, &self.patience)?;
        Ok(TaskRestoration {
            task_key: done.task_key.to_string(),
            path: path_text(&done.path)?,
            branch: done.branch,
            source: done.source.as_str(),
            trash_id: done.trash_id,
            note: with_warnings(done.note, &registry),
        })
    }
}

fn with_warnings(note: String, registry: &Registry) -> String {
    let notes = Some(note).filter(|note| !note.is_empty()).into_iter().chain(registry.warnings());
    notes.collect::<Vec<_>>().join("; ")
}

/// What became of a removal.
#[napi(object, object_from_js = false)]
pub struct TaskRemoval {
    /// The task-key, `<project>/<group>/<task>`.
    pub task_key: String,
    /// Where the worktree was.
    pub path: String,
    /// The branch of the task.
    pub branch: String,
    /// Whether that branch is gone.
    pub branch_deleted: bool,
    /// The entry in the trash that holds the worktree; absent when its directory was gone and git had nothing of it.
    pub trash_id: Option<String>,
    /// The full id of the commit that holds what was uncommitted, shaped like a stash; absent when nothing was.
    pub snapshot: Option<String>,
    /// Files that are in the trash alone, because they are too large for a commit or could not be read.
    pub left_out: Vec<String>,
    /// What a person should know, in sentences; may be empty.
    pub note: String,
}

/// What became of a return.
#[napi(object, object_from_js = false)]
pub struct TaskRestoration {
    /// The task-key, `<project>/<group>/<task>`.
    pub task_key: String,
    /// The directory of the worktree.
    pub path: String,
    /// The branch of the task.
    pub branch: String,
    /// `trash`: the worktree as it was. `snapshot`: the trash had been emptied, and the files were made again from the
    /// commit that holds them. `branch`: the task had nothing in the trash and was brought back on its branch.
    #[napi(ts_type = "'trash' | 'snapshot' | 'branch'")]
    pub source: &'static str,
    /// The entry of the trash that it was; absent with `branch`.
    pub trash_id: Option<String>,
    /// What a person should know, in sentences; may be empty.
    pub note: String,
}

/// An entry of the trash.
#[napi(object, object_from_js = false)]
pub struct TrashEntry {
    /// Its name, for `from` of `restoreTask`.
    pub id: String,
    /// The task-key, `<project>/<group>/<task>`.
    pub task_key: String,
    /// When it was removed, in UTC: `2026-11-23T07:00:00.000Z`.
    pub removed_at: String,
    /// Where the worktree was.
    pub path: String,
    /// Where it lies now.
    pub tree: String,
    /// Whether it still lies there.
    pub whole: bool,
    /// The branch of the task, where it was on one.
    pub branch: Option<String>,
    /// The full id of the commit that was checked out.
    pub head: Option<String>,
    /// The full id of the commit that holds what was uncommitted.
    pub snapshot: Option<String>,
    /// How many tracked files had uncommitted changes.
    pub uncommitted: u32,
    /// How many files git did not know.
    pub untracked: u32,
}

impl From<Record> for TrashEntry {
    fn from(record: Record) -> Self {
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let branch = record.branch().map(str::to_owned);
        let (head, snapshot) = record.git.map(|git| (git.head, git.snapshot)).unwrap_or_default();
        Self {
            id: record.id,
            task_key: record.task_key,
            removed_at: record.at,
            // Where something was is told to people, and an approximate path is better than none.
            path: record.path.to_string_lossy().into_owned(),
            whole: record.tree.is_dir(),
            tree: record.tree.to_string_lossy().into_owned(),
            branch,
            head,
            snapshot,
            uncommitted: count(record.uncommitted),
            untracked: count(record.untracked),
        }
    }
}

/// Moves the worktree of a task into okstra's trash, whatever its size in an instant, and releases the task. The branch
/// stays unless `deleteBranch` is set; uncommitted and untracked files also go into a commit under `refs/okstra/trash/`.
///
/// Rejects with `OKSTRA_WOULD_LOSE_WORK` when there is anything that somebody could miss; `obstacles` of the error lists
/// all of it, and `allow` takes their kinds. Nothing was changed then. `signal` stops the call before the move; from
/// there on it is finished, if not by this call then by the next one about the task.
#[napi(
    ts_args_type = "options: RemoveOptions, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<TaskRemoval>"
)]
pub fn remove_task<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "removing", signal, || {
        let call = Call::read(options, remove_request)?;
        let cancel = call.cancel();
        Ok((move || call.perform(), cancel))
    })
}

/// The same as `removeTask`, but blocks JavaScript until it is done. Throws the same errors.
#[napi(ts_args_type = "options: RemoveOptions")]
pub fn remove_task_sync(env: Env, options: Unknown<'_>) -> napi::Result<TaskRemoval> {
    guarded(&env, || Ok(Call::read(options, remove_request)?.perform()?))
}

/// Brings a removed or released task back: directory, branch, uncommitted, staged and untracked files as they were.
///
/// Rejects with `OKSTRA_NOT_FOUND`, `OKSTRA_NOT_IN_TRASH`, with `OKSTRA_KEY_EXISTS` when the task has its worktree, with
/// `OKSTRA_PATH_EXISTS` when something else lies at its place, with `OKSTRA_BRANCH_OWNED`; nothing was changed then.
#[napi(
    ts_args_type = "options: RestoreOptions, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<TaskRestoration>"
)]
pub fn restore_task<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "restoring", signal, || {
        let call = Call::read(options, |fields| fields.optional_text("from"))?;
        let cancel = call.cancel();
        Ok((move || call.perform(), cancel))
    })
}

/// The same as `restoreTask`, but blocks JavaScript until it is done. Throws the same errors.
#[napi(ts_args_type = "options: RestoreOptions")]
pub fn restore_task_sync(env: Env, options: Unknown<'_>) -> napi::Result<TaskRestoration> {
    guarded(&env, || Ok(Call::read(options, |fields| fields.optional_text("from"))?.perform()?))
}

/// What lies in the trash, oldest first. Takes no lock and starts no process.
///
/// Throws `OKSTRA_INVALID_ARGUMENT` or `OKSTRA_IO`.
#[napi(ts_args_type = "filter?: TrashFilter | undefined | null")]
pub fn list_trash(env: Env, filter: Unknown<'_>) -> napi::Result<Vec<TrashEntry>> {
    guarded(&env, || {
        let fields = Fields::optional("filter", filter)?;
        let (task, project) = (fields.optional_text("taskKey")?, fields.optional_text("projectId")?);
        let mut entries = trash::entries(&OkstraHome::from_env()?)?;
        entries.retain(|entry| {
            let of_project = |project: &String| entry.task_key.split('/').next() == Some(project.as_str());
            task.as_ref().is_none_or(|task| *task == entry.task_key)
                && project.as_ref().is_none_or(of_project)
        });
        Ok(entries.into_iter().map(Into::into).collect())
    })
}

/// Something that `prune` proposes to clear away, or has.
#[napi(object, object_from_js = false)]
pub struct PruneItem {
    /// A stable name, for `only`.
    pub id: String,
    /// `merged`: a released task whose work is in the default branch. `missing`: an active task whose directory is gone.
    /// `orphan`: a directory that no row knows. `expired`: an entry of the trash past its days. `quarantine`: something
    /// that recovery moved aside, past its days. `unfinished`: what a killed deletion left. `spare`: something among the
    /// spares that nobody can claim (see `listSpareLeftovers`). And what later versions add.
    pub why: String,
    /// The task-key, where it is one's.
    pub task_key: Option<String>,
    /// Where it lies.
    pub path: String,
    /// One sentence about it.
    pub detail: String,
    /// Whether it was cleared away.
    pub done: bool,
    /// What became of it, or why it stays; absent when it was only proposed.
    pub outcome: Option<String>,
    /// Whether something stands in the way, so that nothing is tried: an unknown directory with work in it, an entry of the
    /// trash that somebody's git data lies in.
    pub blocked: bool,
    /// What that is, where it is of the kinds that refuse a removal.
    pub obstacles: Vec<shapes::Obstacle>,
}

impl From<Proposal> for PruneItem {
    fn from(proposal: Proposal) -> Self {
        Self {
            id: proposal.id,
            why: proposal.why.as_str().to_owned(),
            task_key: proposal.task_key.map(|key| key.to_string()),
            path: proposal.path.to_string_lossy().into_owned(),
            detail: proposal.detail,
            done: matches!(proposal.outcome, Some(Ok(_))),
            blocked: proposal.blocked.is_some(),
            obstacles: proposal
                .blocked
                .into_iter()
                .flat_map(|blocked| blocked.obstacles)
                .map(|obstacle| shapes::Obstacle::from(&obstacle))
                .collect(),
            outcome: proposal.outcome.map(|outcome| outcome.unwrap_or_else(|reason| reason)),
        }
    }
}

/// A prune with everything it needs from JavaScript and from the environment.
struct Pruning {
    home: OkstraHome,
    request: PruneRequest,
    patience: Patience,
}

impl Pruning {
    fn read(options: Unknown<'_>) -> Outcome<Self> {
        let fields = Fields::optional("options", options)?;
        let only = fields.optional_texts("only")?;
        let request = PruneRequest {
            project: fields.optional_text("projectId")?,
            older_than: fields.optional_count("olderThanDays")?,
            apply: fields.optional_flag("apply")?,
            // Whoever agreed to nothing has not agreed to everything.
            only: fields.has("only")?.then_some(only),
        };
        Ok(Self { home: OkstraHome::from_env()?, request, patience: fields.patience("lockTimeoutMs")? })
    }

    fn perform(self) -> Result<Vec<PruneItem>> {
        let registry = Registry::open(&self.home);
        let proposals = removal::prune(&self.home, &registry, &self.request, &self.patience)?;
        Ok(proposals.into_iter().map(Into::into).collect())
    }
}

/// Proposes what may go: released and merged tasks, tasks whose directory is gone, unknown directories, and what has
/// lain in the trash or in quarantine for its days (14, or `OKSTRA_TRASH_DAYS`), and what nobody can claim among the spares.
/// With `apply` it is cleared away: worktrees and directories go into the trash, the rest is deleted. What cannot go stays and says why.
///
/// `signal` stops it between two items, and within a deletion, which the next call continues.
///
/// Rejects with `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_IO` or `OKSTRA_ABORTED`.
#[napi(
    ts_args_type = "options?: PruneOptions | undefined | null, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<PruneItem[]>"
)]
pub fn prune<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "pruning", signal, || {
        let pruning = Pruning::read(options)?;
        let cancel = pruning.patience.cancel.clone();
        Ok((move || pruning.perform(), cancel))
    })
}

/// The same as `prune`, but blocks JavaScript until it is done. Throws the same errors.
#[napi(ts_args_type = "options?: PruneOptions | undefined | null")]
pub fn prune_sync(env: Env, options: Unknown<'_>) -> napi::Result<Vec<PruneItem>> {
    guarded(&env, || Ok(Pruning::read(options)?.perform()?))
}
