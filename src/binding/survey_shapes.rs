//! What a survey tells JavaScript. A field that is absent has nothing to tell; `null` was asked and is unknown.

use napi::bindgen_prelude::{Either, Null};
use napi_derive::napi;

use crate::git::operation::{Head, Operation};
use crate::survey::branch::{self, Merged};
use crate::survey::disk_use;
use crate::survey::processes;
use crate::survey::{self, Fact};

/// A value, or `null`: it was asked and could not be found out.
pub(super) type OrNull<T> = Option<Either<T, Null>>;

pub(super) fn or_null<T, U>(fact: Fact<T>, turn: impl FnOnce(T) -> U) -> OrNull<U> {
    match fact {
        Fact::Absent => None,
        Fact::Unknown => Some(Either::B(Null)),
        Fact::Known(value) => Some(Either::A(turn(value))),
    }
}

fn known_or_null<T>(value: Option<T>) -> Either<T, Null> {
    value.map_or(Either::B(Null), Either::A)
}

/// Counts go to JavaScript as doubles, which hold each whole number up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^53")]
pub(super) const fn number(count: u64) -> f64 {
    count as f64
}

/// A task with everything that a look at its worktree and its repository tells. A field that is absent has nothing to
/// tell; one that is `null` was asked and could not be found out.
#[napi(object, object_from_js = false)]
pub struct TaskSurvey {
    /// The task-key, `<project>/<group>/<task>`; of an orphan, the one that its place stands for.
    pub task_key: String,
    /// The project.
    pub project_id: String,
    /// The group.
    pub task_group: String,
    /// The task's own id.
    pub task_id: String,
    /// The directory of the worktree, absolute.
    pub worktree_path: String,
    /// The branch of the task; of an orphan, the one that is checked out.
    pub branch: Option<String>,
    /// The full id of the commit that the branch started from, where that was recorded.
    pub base_ref: Option<String>,
    /// Since when the registry knows it: local time with offset, `2026-11-23T07:00:00+0000`.
    pub created_at: Option<String>,
    /// The phase that used the worktree last.
    pub last_phase: Option<String>,
    /// What the registry says; absent for what it does not know.
    #[napi(ts_type = "'active' | 'released'")]
    pub status: Option<&'static str>,
    /// What is true now. `missing`: it is active, and its directory is gone. `orphan`: a directory that the registry does not know.
    /// `provisioning`: somebody is making, restoring or removing it right now. `broken`: see `problem`.
    #[napi(ts_type = "TaskState")]
    pub state: &'static str,
    /// What is wrong, in a sentence.
    pub problem: Option<String>,
    /// The common git directory of the repository, where it is known.
    pub repository: Option<String>,
    /// What is checked out, where that is another branch than `branch`.
    pub checked_out: Option<String>,
    /// The full id of the commit of a detached `HEAD`.
    pub detached: Option<String>,
    /// What is not committed.
    pub work: Option<Either<WorkCounts, Null>>,
    /// What git is in the middle of: `merge`, `rebase`, `am`, `cherry-pick`, `revert`, `bisect`; absent when nothing.
    pub operations: Option<Either<Vec<String>, Null>>,
    /// The full id of the commit that the branch stands at.
    pub tip: Option<String>,
    /// How far the branch is from the commit that it started from.
    pub base: Option<Either<CommitDistance, Null>>,
    /// What the branch follows.
    pub upstream: Option<UpstreamDistance>,
    /// Whether the work of the branch is in the default branch (of a remote, or what the main worktree has checked out).
    pub merged: Option<Either<MergeVerdict, Null>>,
    /// How many commits of the branch are on no remote-tracking branch; absent when the repository has none.
    pub unpushed: Option<Either<f64, Null>>,
    /// How many commits of the branch are on no other branch and no remote-tracking branch.
    pub only_here: Option<Either<f64, Null>>,
    /// Live processes inside. `null`: this system does not tell.
    pub processes: Option<Either<Vec<LiveProcess>, Null>>,
    /// What the worktree costs on disk, where that was asked.
    pub disk: Option<Either<DiskUse, Null>>,
}

/// How much in a worktree is not committed.
#[napi(object, object_from_js = false)]
pub struct WorkCounts {
    /// Paths with anything uncommitted, each counted once.
    pub changed: f64,
    /// Paths with something staged.
    pub staged: f64,
    /// Tracked paths that differ from what is staged.
    pub unstaged: f64,
    /// Paths with a conflict.
    pub conflicted: f64,
    /// Files that git does not know and does not ignore.
    pub untracked: f64,
}

impl From<survey::Work> for WorkCounts {
    fn from(work: survey::Work) -> Self {
        Self {
            changed: number(work.changed),
            staged: number(work.staged),
            unstaged: number(work.unstaged),
            conflicted: number(work.conflicted),
            untracked: number(work.untracked),
        }
    }
}

/// How many commits two commits do not share.
#[napi(object, object_from_js = false)]
pub struct CommitDistance {
    /// Those that the branch has and the other has not.
    pub ahead: f64,
    /// Those that the other has and the branch has not.
    pub behind: f64,
}

impl From<branch::Distance> for CommitDistance {
    fn from(distance: branch::Distance) -> Self {
        Self { ahead: number(distance.ahead), behind: number(distance.behind) }
    }
}

/// The branch that a branch follows.
#[napi(object, object_from_js = false)]
pub struct UpstreamDistance {
    /// Its name, as `origin/main`.
    pub name: String,
    /// How far apart they are; `null` when the upstream is gone.
    #[napi(ts_type = "CommitDistance | null")]
    pub distance: Either<CommitDistance, Null>,
}

/// Whether the work of a branch is in the default branch.
#[napi(object, object_from_js = false)]
pub struct MergeVerdict {
    /// `empty`: the branch has no commit of its own. `commits`: all its commits are in `into`. `changes`: `into` has the
    /// same changes in other commits, after a squash, a rebase or a cherry-pick. `no`: it is not.
    #[napi(ts_type = "'empty' | 'commits' | 'changes' | 'no'")]
    pub how: &'static str,
    /// The branch that has it.
    pub into: Option<String>,
}

/// A live process inside a worktree.
#[napi(object, object_from_js = false)]
pub struct LiveProcess {
    /// Its process id.
    pub pid: u32,
    /// Its command line, cut to 200 characters.
    pub command: String,
    /// What of it is inside.
    #[napi(ts_type = "'working directory' | 'root directory' | 'program' | 'open file'")]
    pub by: &'static str,
    /// Whether it started this process, or one that did: the shell or the agent that asks.
    pub ancestor: bool,
}

impl From<processes::Process> for LiveProcess {
    fn from(process: processes::Process) -> Self {
        Self {
            pid: process.pid,
            command: process.command,
            by: process.by.as_str(),
            ancestor: process.is_ancestor,
        }
    }
}

/// What a directory costs on disk, in bytes. Links are not followed, and what is mounted inside is not counted.
#[napi(object, object_from_js = false)]
pub struct DiskUse {
    /// The sizes of all files, as `ls` tells them.
    pub apparent: f64,
    /// The blocks of all files and directories; a file with several names counts once.
    pub allocated: f64,
    /// The blocks that deleting it would free: not those that files elsewhere have too. `null` where the file system
    /// shares blocks and does not tell which.
    #[napi(ts_type = "number | null")]
    pub unique: Either<f64, Null>,
    /// The blocks in caches, which `reclaim` gives back. `null` where git could not be asked.
    #[napi(ts_type = "number | null")]
    pub reclaimable: Either<f64, Null>,
    /// How many files and directories there are.
    pub entries: f64,
    /// How many directories could not be read, and are not in the figures; absent when none.
    pub unreadable: Option<f64>,
}

impl From<disk_use::DiskUse> for DiskUse {
    fn from(found: disk_use::DiskUse) -> Self {
        Self {
            apparent: number(found.apparent),
            allocated: number(found.allocated),
            unique: known_or_null(found.unique.map(number)),
            reclaimable: known_or_null(found.reclaimable.map(number)),
            entries: number(found.entries),
            unreadable: (found.unreadable > 0).then(|| number(found.unreadable)),
        }
    }
}

fn verdict(merged: Merged) -> OrNull<MergeVerdict> {
    let (how, into) = match merged {
        Merged::Unknown => return Some(Either::B(Null)),
        Merged::Empty => ("empty", None),
        Merged::No => ("no", None),
        Merged::Commits(into) => ("commits", Some(into)),
        Merged::Changes(into) => ("changes", Some(into)),
    };
    Some(Either::A(MergeVerdict { how, into }))
}

/// What git is in the middle of; nothing is absent.
pub(super) fn operations(fact: Fact<Vec<Operation>>) -> OrNull<Vec<String>> {
    match fact {
        Fact::Known(list) if list.is_empty() => None,
        fact => or_null(fact, |list| list.iter().map(|one| one.kind.as_str().to_owned()).collect()),
    }
}

impl From<survey::TaskSurvey> for TaskSurvey {
    fn from(task: survey::TaskSurvey) -> Self {
        // A survey explains; a path that a JavaScript string cannot hold must not hide the other tasks.
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        let branch = task.own_branch().map(str::to_owned);
        let (checked_out, detached) = match task.head {
            Fact::Known(Head::Branch(name)) if branch.as_ref() != Some(&name) => (Some(name), None),
            Fact::Known(Head::Detached(commit)) => (None, Some(commit)),
            _ => (None, None),
        };
        let unknown_branch = task.branch == Fact::Unknown;
        let null = || unknown_branch.then_some(());
        let facts = task.branch.known().cloned();
        let from_facts = facts.as_ref();
        Self {
            task_key: task.key.to_string(),
            project_id: task.key.project().to_owned(),
            task_group: task.key.group().to_owned(),
            task_id: task.key.task().to_owned(),
            worktree_path: text(&task.path),
            branch,
            base_ref: task.entry.as_ref().map(|entry| entry.base_ref.clone()).filter(|id| !id.is_empty()),
            created_at: task.entry.as_ref().map(|entry| entry.created_at.clone()),
            last_phase: task
                .entry
                .as_ref()
                .map(|entry| entry.last_phase.clone())
                .filter(|phase| !phase.is_empty()),
            status: task.entry.as_ref().map(|entry| entry.status.as_str()),
            state: task.state.as_str(),
            problem: task.problem,
            repository: task.repository.as_deref().map(text),
            checked_out,
            detached,
            work: or_null(task.work, Into::into),
            operations: operations(task.operations),
            tip: from_facts.map(|facts| facts.tip.clone()),
            base: match (from_facts.map(|facts| facts.base), task.entry.is_some()) {
                (Some(Some(distance)), _) => Some(Either::A(distance.into())),
                (Some(None), true) => Some(Either::B(Null)),
                _ => null().map(|()| Either::B(Null)),
            },
            upstream: from_facts.and_then(|facts| facts.upstream.clone()).map(|upstream| UpstreamDistance {
                name: upstream.name,
                distance: known_or_null(upstream.distance.map(Into::into)),
            }),
            merged: match from_facts {
                Some(facts) => verdict(facts.merged.clone()),
                None => null().map(|()| Either::B(Null)),
            },
            unpushed: match from_facts {
                Some(facts) => facts.unpushed.map(|count| Either::A(number(count))),
                None => null().map(|()| Either::B(Null)),
            },
            only_here: match from_facts {
                Some(facts) => Some(Either::A(number(facts.only_here))),
                None => null().map(|()| Either::B(Null)),
            },
            processes: or_null(task.occupants, |found| found.processes.into_iter().map(Into::into).collect()),
            disk: or_null(task.disk, Into::into),
        }
    }
}
