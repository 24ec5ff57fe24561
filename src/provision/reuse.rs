//! Answers for tasks that the registry knows, and for callers that need no worktree of their own.

use std::fs;
use std::path::Path;

use super::create;
use super::plan::Plan;
use super::recover::Leftover;
use super::remarks::standing::{self, Last, OwnBranch, Standing};
use super::remarks::{self, Remark, RemarkCode};
use super::{Job, Provision, Status, share};
use crate::error::{Error, Result};
use crate::git::mend;
use crate::git::repository::{self, Glance};
use crate::git::worktree::lock::{self, Empty};
use crate::git::worktree::{self, Found};
use crate::git::{Discovery, Git};
use crate::home::OkstraHome;
use crate::link;
use crate::lock::{Patience, RepositoryLock};
use crate::project;
use crate::registry::history::{Event, EventKind};
use crate::registry::{Entry, EntryStatus, Registry, Reservation, TaskRecord, write_task_record};

/// What the disk alone tells for certain: no process, no lock; `None` leaves the question to git.
pub(super) fn at_a_glance(
    home: &OkstraHome,
    registry: &Registry,
    plan: &Plan,
    patience: &Patience,
) -> Result<Option<Provision>> {
    let common_dir = match repository::glance(&plan.root) {
        None | Some(Glance::Linked) => return Ok(None),
        Some(Glance::Main(common_dir)) => common_dir,
    };
    let Some(entry) = registry.lookup(&plan.key)?.filter(|entry| entry.status == EntryStatus::Active) else {
        return Ok(None);
    };
    // A standing intent means that somebody is at it, or died at it.
    if home.intent_file(&plan.key).exists() {
        return Ok(None);
    }
    // One of 0.12.0 has neither record nor lock, and gets them with the task lock held.
    let admin = link::surely(&entry, &common_dir).map_or_else(
        || match link::look(&entry.key, &entry.worktree_path)? {
            Found::Linked { common_dir: theirs, admin }
                if theirs == common_dir && link::is_recorded(&admin, &entry.key) =>
            {
                Ok(Some(admin))
            }
            _ => Ok(None),
        },
        |admin| Ok::<_, Error>(Some(admin)),
    )?;
    let Some(admin) = admin else { return Ok(None) };
    let Some(standing) = standing::at_a_glance(&entry, &admin, &common_dir)? else { return Ok(None) };
    reused(registry, plan, entry, standing, patience).map(Some)
}

/// The answer to a caller that gets no worktree.
pub(super) fn skipped(plan: &Plan, status: Status, why: &str) -> Provision {
    Provision {
        status,
        headline: format!("no task worktree: {why}"),
        remarks: Vec::new(),
        path: plan.root.clone(),
        branch: String::new(),
        base_ref: String::new(),
        task_key: plan.key.clone(),
        linked: Vec::new(),
        post_checkout_exit: None,
    }
}

fn reused(
    registry: &Registry,
    plan: &Plan,
    entry: Entry,
    standing: Standing,
    patience: &Patience,
) -> Result<Provision> {
    if entry.last_phase != plan.phase {
        registry.touch_phase(&plan.key, &plan.phase, patience)?;
    }
    Ok(answer(plan, Status::Reused, entry, standing))
}

fn answer(plan: &Plan, status: Status, entry: Entry, standing: Standing) -> Provision {
    Provision {
        status,
        headline: remarks::headline(status, &entry, &standing.branch, &plan.phase),
        remarks: standing.remarks,
        linked: links_in(&entry.worktree_path, &plan.shared),
        path: entry.worktree_path,
        branch: standing.branch,
        base_ref: entry.base_ref,
        task_key: plan.key.clone(),
        post_checkout_exit: None,
    }
}

fn links_in(worktree: &Path, configured: &[String]) -> Vec<String> {
    let is_link =
        |name: &&String| fs::symlink_metadata(worktree.join(name)).is_ok_and(|found| found.is_symlink());
    configured.iter().filter(is_link).cloned().collect()
}

/// The answer for a task that has a row, with the task lock held.
pub(super) fn known(job: Job<'_>, entry: Entry, leftover: Option<Leftover>) -> Result<Provision> {
    match link::look(&entry.key, &entry.worktree_path)? {
        Found::Linked { common_dir, admin } => {
            let foreign = common_dir != job.repository.common_dir;
            project::check(&entry, Some(&common_dir), &job.repository)?;
            let mut answer = if entry.status == EntryStatus::Active {
                // One of 0.12.0 has neither, and somebody may have taken the lock off. Where they cannot be written (a file
                // system that is mounted to be read), the worktree is none the worse for it.
                let _ = lock::put_on(&admin, &job.plan.key, Empty::Foreign);
                if TaskRecord::names(&admin).is_none() {
                    let _ = write_task_record(&admin, &entry, &common_dir);
                }
                let own = OwnBranch::follow(&job, entry, &admin, &common_dir)?;
                let standing = own.standing(&admin, &common_dir)?;
                reused(job.registry, job.plan, own.entry, standing, job.patience)?
            } else {
                reactivate(&job, entry, &common_dir, &admin)?
            };
            if foreign {
                answer.remark(RemarkCode::OtherRepository, belongs_to(&common_dir));
            }
            Ok(answer)
        }
        Found::RepositoryGone(repository) => {
            Err(Error::RepositoryGone { path: entry.worktree_path, repository })
        }
        Found::Broken(fault) => {
            // An empty commondir can be mended on the spot, without losing anything.
            let mended = {
                let lock = RepositoryLock::acquire(job.home, &job.repository.common_dir, job.patience)?;
                worktree::repair_torn(&job.repository.common_dir, &lock)?
            };
            if !mended.is_empty()
                && matches!(link::look(&entry.key, &entry.worktree_path)?, Found::Linked { .. })
            {
                return known(job, entry, leftover);
            }
            Err(link::refusal(&entry.key, &entry.worktree_path, fault))
        }
        Found::Missing => missing(job, entry, leftover),
    }
}

/// The directory is gone: the branch, where it still exists, brings it back.
fn missing(mut job: Job<'_>, mut entry: Entry, leftover: Option<Leftover>) -> Result<Provision> {
    let mut told = Vec::new();
    let recorded = job.registry.repository_of(&job.plan.key)?;
    project::check(&entry, recorded.as_deref(), &job.repository)?;
    if let Some(recorded) = recorded
        && recorded != job.repository.common_dir
        && recorded.is_dir()
        && let Discovery::Main(other) = repository::discover(&recorded, &entry.branch)?
        && other.common_dir != job.repository.common_dir
        && other.branch_tip(&entry.branch)?.is_some()
    {
        // The task lives in another clone of the project: its commits are there.
        told.push(Remark::new(RemarkCode::OtherRepository, belongs_to(&other.common_dir)));
        job.repository = other;
    }
    refuse_moved(&job, &entry.worktree_path)?;
    // Nothing is made in a home that is not there any more.
    if let Some(here) = link::in_this_home(job.home, &entry.key, &entry.worktree_path) {
        entry.worktree_path = here;
    }
    // A branch that a dead run has just made is the beginning of a new worktree, and nothing to bring back.
    let begun =
        leftover.as_ref().is_some_and(|made| made.branch == entry.branch && made.branch == job.plan.branch);
    let mut tip = job.repository.branch_tip(&entry.branch)?;
    let last = Last::of(&job.repository.common_dir, &entry.worktree_path);
    if tip.is_none()
        && let Some(new) = standing::new_name(&job.repository.common_dir, &entry)?
    {
        let said = standing::renamed_to(&entry.branch, &new);
        told.push(Remark::new(RemarkCode::BranchRenamed, said).about(&new));
        tip = job.repository.branch_tip(&new)?;
        entry.branch = new;
    }
    let mut answer = match tip {
        Some(tip) if !begun => {
            told.extend(last.for_restored(&entry.branch));
            create::restore(&job, &entry, &tip, None)?
        }
        _ => {
            let answer = create::create(&job, leftover)?;
            if !begun {
                told.push(last.for_begun_anew(&entry.branch, &answer.branch, &answer.base_ref));
            }
            answer
        }
    };
    answer.remarks.splice(0..0, told);
    Ok(answer)
}

/// A worktree that was moved is not gone: making it anew would leave its uncommitted work behind. Looked for where its
/// entry says, and where people move it to; reading some directories costs less than the git calls that follow.
pub(super) fn refuse_moved(job: &Job<'_>, path: &Path) -> Result<()> {
    let (home, key) = (job.home, &job.plan.key);
    let mut repositories = vec![job.repository.common_dir.clone()];
    repositories.extend(job.registry.repository_of(key)?.filter(|common_dir| common_dir.is_dir()));
    let mut places = vec![home.worktree_path(key)];
    places.extend(mend::likely_places(path, &home.worktrees()));
    match link::elsewhere(key, path, &link::claims_of(key, path, &repositories), &places) {
        Some(now) => {
            let place = now.tree.display();
            let reason = if worktree::points_back(&now.admin, &now.tree) {
                format!("it was moved to {place}, which the registry does not know")
            } else {
                format!("it was moved to {place} without git's knowledge")
            };
            Err(Error::WorktreeBroken { path: path.to_owned(), reason })
        }
        None => Ok(()),
    }
}

fn belongs_to(common_dir: &Path) -> String {
    let shown = match (common_dir.file_name(), common_dir.parent()) {
        (Some(name), Some(parent)) if name == ".git" => parent,
        _ => common_dir,
    };
    format!("the worktree belongs to the repository {}", shown.display())
}

/// A released task whose directory is still there is taken up again.
fn reactivate(job: &Job<'_>, entry: Entry, common_dir: &Path, admin: &Path) -> Result<Provision> {
    let own = OwnBranch::follow(job, entry, admin, common_dir)?;
    job.registry.check_free(&job.plan.key, &own.entry.branch, Some(common_dir))?;
    back_on_branch(job, &own.entry, admin)?;
    let standing = own.standing(admin, common_dir)?;
    let entry = own.entry;
    let mut unlinked = Vec::new();
    if common_dir == job.repository.common_dir {
        let main = job.repository.main_worktree.as_deref();
        let links = share::link(&job.plan.shared, main, &entry.worktree_path, admin, common_dir)?;
        unlinked = links.unlinked;
        let lock = RepositoryLock::acquire(job.home, common_dir, job.patience)?;
        share::exclude(&links.linked, common_dir, &lock)?;
    }
    // A row that was rebuilt from the disk knows no base; the tip of its branch is the best there is.
    let base_ref = match job.repository.branch_tip(&entry.branch)? {
        Some(tip) if entry.base_ref.is_empty() => tip,
        _ => entry.base_ref,
    };
    let reservation = Reservation {
        key: job.plan.key.clone(),
        worktree_path: entry.worktree_path,
        branch: entry.branch,
        base_ref,
        phase: job.plan.phase.clone(),
        repository: Some(common_dir.to_owned()),
        created_at: Some(entry.created_at),
    };
    lock::put_on(admin, &job.plan.key, Empty::Foreign)?;
    job.durability.flush(&[&reservation.worktree_path, admin])?;
    let entry = job.registry.reserve(&reservation, job.patience)?;
    // It says that the task was released; a registry that is put together from the disk would believe it.
    crate::registry::write_task_record(admin, &entry, common_dir)?;
    let mut event = Event::new(EventKind::Restored, Some(&job.plan.key));
    event.phase = Some(job.plan.phase.clone());
    event.path = Some(entry.worktree_path.clone());
    event.branch = Some(entry.branch.clone());
    job.registry.record(&event);
    let mut answer = answer(job.plan, Status::Restored, entry, standing);
    answer.remark_unlinked(unlinked);
    Ok(answer)
}

/// Puts the worktree back on its branch where git can do that without losing anything; where it stands is told after.
fn back_on_branch(job: &Job<'_>, entry: &Entry, admin: &Path) -> Result<()> {
    if worktree::is_on_branch(admin, &entry.branch) {
        return Ok(());
    }
    let git = Git::new(&entry.worktree_path).args(["switch", "--no-guess", "--no-overwrite-ignore"]);
    git.args(["--", &entry.branch]).holding(job.task_lock).cancel(&job.patience.cancel).run().map(drop)
}
