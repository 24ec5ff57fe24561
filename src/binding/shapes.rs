//! The plain objects that go to JavaScript. Those that come from it are read field by field and typed in `types.d.ts`.

use napi::bindgen_prelude::{Either, Null};
use napi_derive::napi;

use super::arguments::path_text;
use crate::error::Error;
use crate::provision::{Provision, Remark};
use crate::registry::Entry;
use crate::registry::history::Event;

/// What became of a provisioning.
#[napi(object, object_from_js = false)]
pub struct WorktreeProvision {
    /// `created`: a new branch and a new worktree. `reused`: the task had its worktree. `restored`: the task was known,
    /// and its worktree was brought back with all its commits. `skipped-not-git`: the project root is in no git
    /// repository. `skipped-in-worktree`: the project root is in a linked worktree, the caller is isolated already.
    #[napi(ts_type = "'created' | 'reused' | 'restored' | 'skipped-not-git' | 'skipped-in-worktree'")]
    pub status: &'static str,
    /// The directory to work in, absolute; the project root when the status begins with `skipped`.
    pub path: String,
    /// The branch that is checked out there; empty when `HEAD` is detached, and when skipped. Where it is not the task's own,
    /// `notes` says so.
    pub branch: String,
    /// The full id of the commit that the branch started from; empty when skipped.
    pub base_ref: String,
    /// The whole answer as one sentence, never empty: what happened, where, on which branch, from which base, for which
    /// phase; then what is linked and the texts of `notes`, parted by semicolons.
    pub note: String,
    /// What a person should know and a program may act on.
    pub notes: Vec<ProvisionNote>,
    /// The task-key, `<project>/<group>/<task>`.
    pub task_key: String,
    /// The shared files and directories that are linked into the worktree, sorted as configured.
    pub linked: Vec<String>,
    /// The exit code of the repository's post-checkout hook, when one ran and did not end with 0.
    pub post_checkout_exit: Option<i32>,
}

/// Something that an answer tells beside its status.
#[napi(object, object_from_js = false)]
pub struct ProvisionNote {
    /// What it is about. The list only grows, and no code changes its meaning; `docs/provisioning.md` says what each means.
    #[napi(
        ts_type = "'other-branch' | 'detached' | 'branch-renamed' | 'branch-gone' | 'operation' | 'remote-branch' | 'base-behind' | 'base-ambiguous' | 'base-operation' | 'base-detached' | 'hooks-missing' | 'hook-failed' | 'not-linked' | 'submodules' | 'recovered' | 'in-trash' | 'other-repository' | 'other-task' | 'registry'"
    )]
    pub code: &'static str,
    /// A sentence for a person, without a full stop: what is so, and what to do about it.
    pub text: String,
    /// The branch, reference, path or operation that it is about, where it is about one.
    pub about: Option<String>,
    /// How many there are: commits that the base is behind, commits of a remote's branch.
    pub count: Option<u32>,
}

impl From<&Remark> for ProvisionNote {
    fn from(remark: &Remark) -> Self {
        Self {
            code: remark.code.as_str(),
            text: remark.text.clone(),
            about: remark.about.clone(),
            count: remark.count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
        }
    }
}

/// How far a new tree is.
#[napi(object, object_from_js = false)]
pub struct ProvisionProgress {
    /// How many files are in place.
    pub done: u32,
    /// How many files the tree holds when it is complete.
    pub total: u32,
}

impl TryFrom<Provision> for WorktreeProvision {
    type Error = Error;

    fn try_from(provision: Provision) -> Result<Self, Error> {
        Ok(Self {
            note: provision.note(),
            notes: provision.remarks.iter().map(Into::into).collect(),
            status: provision.status.as_str(),
            path: path_text(&provision.path)?,
            branch: provision.branch,
            base_ref: provision.base_ref,
            task_key: provision.task_key.to_string(),
            linked: provision.linked,
            post_checkout_exit: provision.post_checkout_exit,
        })
    }
}

/// What the registry knows of one task.
#[napi(object, object_from_js = false)]
pub struct WorktreeEntry {
    /// The task-key, `<project>/<group>/<task>`.
    pub task_key: String,
    /// The project.
    pub project_id: String,
    /// The group.
    pub task_group: String,
    /// The task's own id.
    pub task_id: String,
    /// The directory of the worktree, absolute.
    pub worktree_path: String,
    /// The branch of the worktree.
    pub branch: String,
    /// The full id of the commit that the branch started from; empty where nothing recorded it.
    pub base_ref: String,
    /// Since when the registry knows it: local time with offset, `2026-11-23T07:00:00+0000`.
    pub created_at: String,
    /// The phase that used the worktree last.
    pub last_phase: String,
    /// `active`: the task owns its branch. `released`: it gave the branch free; row and directory are kept.
    #[napi(ts_type = "'active' | 'released'")]
    pub status: &'static str,
}

impl TryFrom<Entry> for WorktreeEntry {
    type Error = Error;

    fn try_from(entry: Entry) -> Result<Self, Error> {
        path_text(&entry.worktree_path)?;
        Ok(Self::shown(entry))
    }
}

impl WorktreeEntry {
    /// As one of a list: a path that no JavaScript string can hold has U+FFFD in it, so that one such row does not hide all
    /// others.
    pub(super) fn shown(entry: Entry) -> Self {
        Self {
            task_key: entry.key.to_string(),
            project_id: entry.key.project().to_owned(),
            task_group: entry.key.group().to_owned(),
            task_id: entry.key.task().to_owned(),
            worktree_path: entry.worktree_path.to_string_lossy().into_owned(),
            branch: entry.branch,
            base_ref: entry.base_ref,
            created_at: entry.created_at,
            last_phase: entry.last_phase,
            status: entry.status.as_str(),
        }
    }
}

/// Something that happened to a task.
#[napi(object, object_from_js = false)]
pub struct HistoryEvent {
    /// When, in UTC: `2026-11-23T07:00:00.000Z`.
    pub at: String,
    /// What happened: `created`, `reused` (with a new phase), `restored`, `released`, `removed`, `pruned`, `recovered`,
    /// `refused`, and what later versions add.
    pub event: String,
    /// The task-key; absent where the event is about the whole registry.
    pub task_key: Option<String>,
    /// The phase of the run.
    pub phase: Option<String>,
    /// The worktree, or the file, that it is about.
    pub path: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The full id of the commit that the branch started from.
    pub base_ref: Option<String>,
    /// More, for a person.
    pub detail: Option<String>,
    /// The id of the process that did it.
    pub pid: Option<u32>,
}

impl From<Event> for HistoryEvent {
    fn from(event: Event) -> Self {
        Self {
            at: event.at,
            event: event.event.as_str().to_owned(),
            task_key: event.task_key,
            phase: event.phase,
            // The history explains and is not acted on, so that an approximate path is better than no history.
            path: event.path.map(|path| path.to_string_lossy().into_owned()),
            branch: event.branch,
            base_ref: event.base_ref,
            detail: event.detail,
            pid: event.pid,
        }
    }
}

/// A task as `listTasks` shows it: its registry entry and what the disk says.
#[napi(object, object_from_js = false)]
pub struct TaskOverview {
    /// The task-key, `<project>/<group>/<task>`.
    pub task_key: String,
    /// The project.
    pub project_id: String,
    /// The group.
    pub task_group: String,
    /// The task's own id.
    pub task_id: String,
    /// The directory of the worktree, absolute.
    pub worktree_path: String,
    /// The branch of the worktree.
    pub branch: String,
    /// The full id of the commit that the branch started from; empty where nothing recorded it.
    pub base_ref: String,
    /// Since when the registry knows it: local time with offset, `2026-11-23T07:00:00+0000`.
    pub created_at: String,
    /// The phase that used the worktree last.
    pub last_phase: String,
    /// What the registry says.
    #[napi(ts_type = "'active' | 'released'")]
    pub status: &'static str,
    /// What is true now: `missing` when the directory of an active task is gone, else the status.
    #[napi(ts_type = "'active' | 'released' | 'missing'")]
    pub state: &'static str,
    /// The common git directory of the repository, where it is known.
    pub repository: Option<String>,
}

/// What stands in the way of a removal.
#[napi(object, object_from_js = false)]
pub struct Obstacle {
    /// What it is: `uncommitted`, `untracked`, `ignored`, `operation`, `detached`, `refs`, `stashes`, `submodules`,
    /// `unmerged`, `processes`, `locked`, `branch-in-use`, `residents`, `nested`, `unmovable`, `mount`, `unreadable`, and what later versions add.
    pub kind: &'static str,
    /// One sentence about it.
    pub detail: String,
    /// How many there are.
    pub count: u32,
    /// The first of them.
    pub examples: Vec<String>,
    /// The option of `okstra remove` that allows it; `null` where nothing does.
    pub flag: Either<&'static str, Null>,
}

impl From<&crate::obstacle::Obstacle> for Obstacle {
    fn from(obstacle: &crate::obstacle::Obstacle) -> Self {
        Self {
            kind: obstacle.kind.as_str(),
            detail: obstacle.detail.clone(),
            count: u32::try_from(obstacle.count).unwrap_or(u32::MAX),
            examples: obstacle.examples.clone(),
            flag: obstacle.kind.flag().map_or(Either::B(Null), Either::A),
        }
    }
}
