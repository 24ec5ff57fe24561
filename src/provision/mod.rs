//! Gives a task its worktree: the same one every time, made once, whatever dies in between.
//!
//! [`provision`] first looks at the disk alone (`reuse`): the everyday answers start no process and take no lock. Else
//! it asks git, takes the task lock, heals what a dead run left (`recover`), and makes or brings back the worktree
//! (`create`). Each step that touches the disk is covered by an intent record (`intent`), so that a kill at any moment
//! is either finished or taken back by the next call.

mod aside;
mod create;
mod discard;
mod hook;
mod plan;
mod populate;
mod recover;
mod remarks;
mod reuse;
pub(crate) mod share;
pub mod spare;
mod standpoint;
mod times;

use std::path::{Path, PathBuf};

use self::plan::Plan;
pub(crate) use self::remarks::standing::new_name as new_name_of_branch;
pub use self::remarks::{Remark, RemarkCode};
pub use self::share::{configured as shared_directories, is_there as is_shared_there};
use self::standpoint::Standpoint;
pub(crate) use self::standpoint::owner_of_private;
use crate::asked::{self, Asked};
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::git::{Discovery, Repository, repository, version, worktree};
use crate::home::OkstraHome;
use crate::intent::{Intent, Kind};
use crate::link;
use crate::lock::{Patience, RepositoryLock, TaskLock};
use crate::progress::Progress;
use crate::registry::history::{Event, EventKind};
use crate::registry::{Entry, Registry};
use crate::task::TaskKey;
use crate::trash::{self, Ground};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The phase of this run; recorded, never used to decide anything.
    pub task_type: String,
    /// A directory of the project's repository.
    pub project_root: PathBuf,
    /// The project id; made safe.
    pub project_id: String,
    /// The group of the task; made safe.
    pub task_group: String,
    /// The task's id; made safe.
    pub task_id: String,
    /// The category of the work; decides the prefix of the branch.
    pub work_category: String,
    /// Any commit-ish to start from; by default the main worktree's `HEAD`.
    pub base_ref: Option<String>,
    /// Who wants to know how many files of a new tree are in place, and of how many.
    pub progress: Progress,
}

/// What became of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The project root is in no git repository.
    SkippedNotGit,
    /// The project root is in a linked worktree: the caller is isolated already.
    SkippedInWorktree,
    /// The task had its worktree.
    Reused,
    /// The task was known and its worktree was brought back.
    Restored,
    /// A new branch and a new worktree.
    Created,
}

impl Status {
    /// The status as JavaScript and the command line spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SkippedNotGit => "skipped-not-git",
            Self::SkippedInWorktree => "skipped-in-worktree",
            Self::Reused => "reused",
            Self::Restored => "restored",
            Self::Created => "created",
        }
    }
}

/// The answer to a [`Request`].
#[derive(Debug, Clone)]
pub struct Provision {
    /// What happened.
    pub status: Status,
    /// Where to work (absolute).
    pub path: PathBuf,
    /// The branch that is checked out there; empty when `HEAD` is detached, and when the request was skipped.
    pub branch: String,
    /// The full commit id the branch started from; empty when the request was skipped.
    pub base_ref: String,
    /// The first part of [`Provision::note`].
    pub(crate) headline: String,
    /// What a person should know and a program may act on.
    pub remarks: Vec<Remark>,
    /// The task-key.
    pub task_key: TaskKey,
    /// The shared files and directories that are linked into the worktree, as configured.
    pub linked: Vec<String>,
    /// The exit code of the repository's post-checkout hook, where one ran and did not end with 0 (-1: by a signal).
    pub post_checkout_exit: Option<i32>,
}

/// Gives the task its worktree.
///
/// Waits for other runs of the same task; different tasks wait for each other only for the milliseconds in which git
/// registers a worktree. An error, and a stop, leaves nothing behind that stands in the way of the next attempt, and before
/// the hook has started nothing at all.
///
/// # Errors
///
/// All of [`crate::ErrorCode`] except `NotFound`; those about names, paths, branches and bases come before anything is
/// made.
pub fn provision(home: &OkstraHome, request: &Request, patience: &Patience) -> Result<Provision> {
    patience.cancel.check("provisioning")?;
    let mut plan = Plan::new(home, request)?;
    trash::refuse_removed(home, &plan.root)?;
    let registry = Registry::open(home);
    let mut from_another = None;
    let result = match standpoint::of(&registry, &plan.root, &plan.key) {
        Ok(Standpoint::Isolated(why)) => Ok(reuse::skipped(&plan, Status::SkippedInWorktree, &why)),
        Ok(standpoint) => {
            if let Standpoint::Elsewhere { root, note } = standpoint {
                plan.root = root;
                from_another = Some(note);
            }
            answer(home, &registry, &plan, patience)
        }
        Err(error) => Err(error),
    };
    if let Err(error) = &result
        && home.worktrees().is_dir()
    {
        let mut event = Event::new(EventKind::Refused, Some(&plan.key));
        event.phase = Some(plan.phase.clone());
        event.detail = Some(format!("{}: {error}", error.code()));
        registry.record(&event);
    }
    let mut answer = result?;
    if let Some(note) = from_another {
        answer.remark(RemarkCode::OtherTask, note);
    }
    for warning in registry.warnings() {
        answer.remark(RemarkCode::Registry, warning);
    }
    Ok(answer)
}

/// By the disk alone where that is certain, else by git.
fn answer(home: &OkstraHome, registry: &Registry, plan: &Plan, patience: &Patience) -> Result<Provision> {
    let unrecorded = refuse_other_id(registry, plan)?;
    let answer = match reuse::at_a_glance(home, registry, plan, patience)? {
        Some(answer) => answer,
        None => {
            plan.check_surroundings()?;
            run(home, registry, plan, patience)?
        }
    };
    if let Some(asked) = unrecorded
        && matches!(answer.status, Status::Reused | Status::Restored)
    {
        registry.note_asked(&plan.key, asked, patience)?;
    }
    Ok(answer)
}

/// Refuses an id that is not the task's, and one that no new task may have. Gives the id back that is to be recorded with a
/// task that has none: where it is not spelt as the key is, so that the next one that is spelt otherwise is told apart.
fn refuse_other_id<'p>(registry: &Registry, plan: &'p Plan) -> Result<Option<&'p Asked>> {
    let Some(asked) = &plan.asked else { return Ok(None) };
    let is_known = registry.lookup(&plan.key)?.is_some();
    if !is_known {
        asked.check_new()?;
        return Ok(None);
    }
    let recorded = registry.asked(&plan.key)?;
    let is_recorded = recorded.is_some();
    asked::check(&plan.key, asked, recorded)?;
    Ok(Some(asked).filter(|asked| !is_recorded && !asked.is_plain()))
}

fn run(home: &OkstraHome, registry: &Registry, plan: &Plan, patience: &Patience) -> Result<Provision> {
    // Two questions that do not need each other's answer; but what an old git says of a repository is not looked at.
    let (version, discovery) = std::thread::scope(|scope| {
        let version = scope.spawn(version::check);
        let discovery = repository::discover(&plan.root, &plan.branch);
        (version.join(), discovery)
    });
    version.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let repository = match discovery? {
        Discovery::NotGit => {
            let why = format!("{} is in no git repository", plan.root.display());
            return Ok(reuse::skipped(plan, Status::SkippedNotGit, &why));
        }
        Discovery::Linked => {
            let why = format!("{} is in a linked worktree already", plan.root.display());
            return Ok(reuse::skipped(plan, Status::SkippedInWorktree, &why));
        }
        Discovery::Main(repository) => repository,
    };
    refuse_nested_home(home, &repository)?;
    let durability = Durability::of(&repository)?;
    home.prepare()?;
    let task_lock = TaskLock::acquire(home, &plan.key, patience)?;
    let job = Job { home, registry, plan, repository, durability, patience, task_lock: &task_lock };
    let mut notes = Vec::new();
    let leftover = recover::recover(&job, &mut notes)?;
    let mut answer = match registry.lookup(&plan.key)? {
        Some(entry) => {
            // Another run may have made it meanwhile.
            refuse_other_id(registry, plan)?;
            reuse::known(job, entry, leftover)?
        }
        None => create::create(&job, leftover)?,
    };
    for note in notes {
        answer.remark(RemarkCode::Recovered, note);
    }
    if let Some(note) = in_the_trash(home, &plan.key, answer.status) {
        answer.remark(RemarkCode::InTrash, note);
    }
    Ok(answer)
}

/// What a person must know who gets a clean worktree of a task that was removed with uncommitted work in it.
fn in_the_trash(home: &OkstraHome, key: &TaskKey, status: Status) -> Option<String> {
    if !matches!(status, Status::Created | Status::Restored) {
        return None;
    }
    let record = trash::newest_of(home, key)?;
    let snapshot = record.git.as_ref().and_then(|git| git.snapshot.as_deref());
    let bring = match snapshot {
        Some(commit) => {
            format!("`git stash apply {}` brings its uncommitted work here", &commit[..commit.len().min(12)])
        }
        None => {
            format!("`okstra restore {key} --from {}` brings it back once this one is removed", record.id)
        }
    };
    Some(format!("the worktree removed at {} is in the trash; {bring}", record.at))
}

/// Settles the intent of a task, where one stands: what a dead run began is finished or taken back. Gives sentences for a
/// person. Everything that takes the lock of a task calls this first.
pub fn settle(ground: &Ground<'_>) -> Result<Vec<String>> {
    ground.home.check_above(ground.key)?;
    let Some(mut intent) = Intent::read(ground.home, ground.key, ground.lock)? else { return Ok(Vec::new()) };
    link::follow(ground.home, ground.key, &mut intent, None);
    if let Some(told) = trash::settle(ground, &intent)? {
        return Ok(told);
    }
    let Some(repository) = trash::repository_at(&intent.common_dir, &intent.branch)? else {
        // The repository is gone with all that was registered in it; the tree, if any, stays for a person to see.
        Intent::drop_for(ground.home, ground.key, ground.lock)?;
        return Ok(Vec::new());
    };
    let plan = Plan::of(&intent, ground.key, &repository)?;
    let Ground { home, registry, patience, lock: task_lock, .. } = *ground;
    let durability = Durability::of(&repository)?;
    let job = Job { home, registry, plan: &plan, repository, durability, patience, task_lock };
    let mut notes = Vec::new();
    if recover::recover(&job, &mut notes)?.is_some()
        && let Some(intent) = Intent::read(home, ground.key, task_lock)?
    {
        // Nobody goes on to make the worktree anew, so the branch that was made for it goes too.
        recover::take_back(&job, intent)?;
    }
    Ok(notes)
}

/// Makes the worktree of a task anew on its branch, which stands at `tip`, filled by `fill` (worktree, administrative
/// directory; it leaves an index as the last thing). Covered by an intent as any other.
pub(crate) fn rebuild(
    ground: &Ground<'_>,
    repository: Repository,
    entry: &Entry,
    tip: &str,
    fill: &create::Fill<'_>,
) -> Result<Provision> {
    let intent =
        Intent::new(Kind::Restore, ground.key, &repository.common_dir, &entry.worktree_path, &entry.branch);
    let mut plan = Plan::of(&intent, ground.key, &repository)?;
    plan.phase.clone_from(&entry.last_phase);
    let Ground { home, registry, patience, lock: task_lock, .. } = *ground;
    let durability = Durability::of(&repository)?;
    let job = Job { home, registry, plan: &plan, repository, durability, patience, task_lock };
    create::restore(&job, entry, tip, Some(fill))
}

/// Takes entries out of the way that git still keeps for a directory that is gone, before the task's worktree comes from
/// elsewhere: with two of them git would have the branch checked out twice. What only they kept stays reachable. A
/// worktree that was only moved is an error.
pub(crate) fn retire_stale(
    ground: &Ground<'_>,
    repository: Repository,
    path: &Path,
    branch: &str,
) -> Result<()> {
    let intent = Intent::new(Kind::Restore, ground.key, &repository.common_dir, path, branch);
    let plan = Plan::of(&intent, ground.key, &repository)?;
    let Ground { home, registry, patience, lock: task_lock, .. } = *ground;
    let durability = Durability::of(&repository)?;
    let job = Job { home, registry, plan: &plan, repository, durability, patience, task_lock };
    let lock = RepositoryLock::acquire(home, &intent.common_dir, patience)?;
    worktree::repair_torn(&intent.common_dir, &lock)?;
    if std::fs::symlink_metadata(path).is_err() {
        reuse::refuse_moved(&job, path)?;
    }
    recover::retire_stale(&job, &intent, &lock).map(drop)
}

/// Everything that the steps under the task lock need.
struct Job<'a> {
    home: &'a OkstraHome,
    registry: &'a Registry,
    plan: &'a Plan,
    repository: Repository,
    durability: Durability,
    patience: &'a Patience,
    task_lock: &'a TaskLock,
}

impl Job<'_> {
    fn filling(&self, times: times::Times) -> populate::Filling<'_> {
        populate::Filling {
            times,
            repository: &self.repository,
            task_lock: self.task_lock,
            cancel: &self.patience.cancel,
            progress: &self.plan.progress,
        }
    }

    fn claim(&self) -> spare::Claim<'_> {
        spare::Claim {
            home: self.home,
            repository: &self.repository,
            task_lock: self.task_lock,
            cancel: &self.patience.cancel,
            config: None,
        }
    }
}

/// Worktrees inside the main worktree would be untracked files there: `git clean -ffdx` deletes them with their
/// uncommitted work (measured).
fn refuse_nested_home(home: &OkstraHome, repository: &Repository) -> Result<()> {
    let Some(main) = &repository.main_worktree else { return Ok(()) };
    // What is not there yet will be made where its nearest existing parent is.
    let worktrees = home.worktrees();
    let existing = worktrees.ancestors().find_map(|path| std::fs::canonicalize(path).ok());
    if existing.is_some_and(|path| path.starts_with(main)) {
        let reason = format!(
            "it lies inside the worktree {}, where `git clean` would delete every task's work; set OKSTRA_HOME to a place outside",
            main.display()
        );
        return Err(Error::UnsafeHome { path: home.root().to_owned(), reason });
    }
    Ok(())
}
