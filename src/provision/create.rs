//! Makes a worktree, or brings one back on the branch it had.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::recover::{self, Leftover};
use super::remarks::{self, Remark, RemarkCode};
use super::times::Times;
use super::{Job, Provision, Status, hook, populate, share, spare};
use crate::cancel::Cancel;
use crate::disk;
use crate::error::{Error, Result};
use crate::git::base::Base;
use crate::git::checkout;
use crate::git::config::Config;
use crate::git::mend::HeldNames;
use crate::git::worktree::lock::{self, Empty};
use crate::git::worktree::{self, Found, NewWorktree};
use crate::intent::{Intent, Kind, Stage};
use crate::lock::RepositoryLock;
use crate::project;
use crate::registry::history::{Event, EventKind};
use crate::registry::{self, Entry, EntryStatus, Reservation};

/// A new worktree on a new branch. Everything that can be refused is refused before the intent is written.
pub(super) fn create(job: &Job<'_>, leftover: Option<Leftover>) -> Result<Provision> {
    let plan = job.plan;
    if fs::symlink_metadata(&plan.path).is_ok() {
        return Err(Error::PathExists { task_key: plan.key.clone(), path: plan.path.clone() });
    }
    job.registry.check_free(&plan.key, &plan.branch, Some(&job.repository.common_dir))?;
    let leftover = leftover.filter(|leftover| leftover.branch == plan.branch);
    if leftover.is_none() {
        refuse_existing_branch(job)?;
    }
    let named = base_of(job)?;
    let base = named.commit.clone();
    let times = Times::of(job, &plan.path, leftover.is_some());
    job.home.prepare_parent_of(&plan.key)?;
    disk::check_writable(plan.path.parent().unwrap_or(&plan.path))?;

    let common_dir = &job.repository.common_dir;
    let mut intent = Intent::new(Kind::Create, &plan.key, common_dir, &plan.path, &plan.branch);
    intent.bases =
        leftover.iter().flat_map(|leftover| leftover.bases.clone()).chain([base.clone()]).collect();
    intent.commit.clone_from(&base);
    intent.base_ref.clone_from(&base);
    intent.phase.clone_from(&plan.phase);
    intent.asked.clone_from(&plan.asked);
    intent.spares = spare::of_repository(job.home, common_dir)
        .into_iter()
        .map(|spare| spare.record.commit)
        .filter(|commit| *commit != base)
        .collect();
    intent.spares.sort();
    intent.spares.dedup();
    intent.write(job.home, &plan.key, job.task_lock)?;

    let mut make = || {
        let start = match &leftover {
            Some(leftover) if leftover.tip != base => {
                worktree::move_branch(&job.repository, &plan.branch, &leftover.tip, &base, job.task_lock)?;
                None
            }
            Some(_) => None,
            None => Some(base.as_str()),
        };
        let admin = register_and_fill(job, &intent, start, times, true)?;
        finish(job, &mut intent, &admin)
    };
    let (made, about) = std::thread::scope(|scope| {
        let look = || remarks::base::look(job, &named);
        let looking = std::thread::Builder::new().name("okstra base".into()).spawn_scoped(scope, look);
        let made = make();
        // What could not be looked at is not told.
        (made, looking.ok().and_then(|looking| looking.join().ok()).unwrap_or_default())
    });
    let mut answer = conclude(job, intent, made, Status::Created)?;
    remarks::behind::follow(&answer.path, about.follows.as_deref());
    answer.remarks.splice(0..0, about.remarks);
    Ok(answer)
}

/// Fills a registered, empty worktree: the worktree, its administrative directory.
pub(crate) type Fill<'a> = dyn Fn(&Path, &Path) -> Result<()> + 'a;

/// A worktree on a branch that the task had before; filled with the last commit, or in another way.
pub(super) fn restore(
    job: &Job<'_>,
    entry: &Entry,
    tip: &str,
    other: Option<&Fill<'_>>,
) -> Result<Provision> {
    job.registry.check_free(&job.plan.key, &entry.branch, Some(&job.repository.common_dir))?;
    let times = Times::of(job, &entry.worktree_path, true);
    if entry.worktree_path == job.plan.path {
        job.home.prepare_parent_of(&job.plan.key)?;
    } else if let Some(parent) = entry.worktree_path.parent() {
        disk::create_private_dir_all(parent)?;
    }
    disk::check_writable(entry.worktree_path.parent().unwrap_or(&entry.worktree_path))?;
    let common_dir = &job.repository.common_dir;
    let mut intent =
        Intent::new(Kind::Restore, &job.plan.key, common_dir, &entry.worktree_path, &entry.branch);
    tip.clone_into(&mut intent.commit);
    // A row that was rebuilt from the disk knows no base; the tip is the best there is.
    intent.base_ref = if entry.base_ref.is_empty() { tip.to_owned() } else { entry.base_ref.clone() };
    intent.created_at = Some(entry.created_at.clone());
    intent.phase.clone_from(&job.plan.phase);
    intent.asked.clone_from(&job.plan.asked);
    intent.write(job.home, &job.plan.key, job.task_lock)?;

    let made = (|| {
        let admin = match other {
            Some(fill) => {
                let admin = register(job, &intent, None)?.admin;
                fill(&intent.path, &admin)?;
                admin
            }
            None => register_and_fill(job, &intent, None, times, false)?,
        };
        finish(job, &mut intent, &admin)
    })();
    conclude(job, intent, made, Status::Restored)
}

fn refuse_existing_branch(job: &Job<'_>) -> Result<()> {
    let wanted = format!("refs/heads/{}", job.plan.branch);
    for name in &job.repository.blocking_branches {
        // Looked up before the task lock was ours: another run may have taken the branch back meanwhile.
        if *name == wanted && job.repository.branch_tip(&job.plan.branch)?.is_none() {
            continue;
        }
        if *name == wanted
            && let Some(path) = worktree::checked_out_at(&job.repository, &job.plan.branch, None)?
        {
            // What a home keeps with its worktree says whose it is: a released task of this one, or one of another home, which
            // may be another account's.
            let admins = worktree::admin_dirs(&job.repository.common_dir);
            let admin = admins.iter().find(|admin| worktree::points_back(admin, &path));
            let owner = admin.and_then(|admin| registry::TaskRecord::read(admin));
            let (task_key, branch) = (job.plan.key.clone(), job.plan.branch.clone());
            return Err(match owner.map(|record| record.entry) {
                Some(entry) if entry.worktree_path.starts_with(job.home.worktrees()) => {
                    Error::BranchOwned { task_key, branch, owner: entry.key.to_string() }
                }
                Some(entry) => {
                    let place = Box::new((path, entry.key.to_string()));
                    Error::BranchOfOtherHome { task_key, branch, place }
                }
                None => Error::BranchCheckedOut { task_key, branch, path },
            });
        }
        return Err(Error::BranchExists {
            task_key: job.plan.key.clone(),
            branch: job.plan.branch.clone(),
            blocking: name.trim_start_matches("refs/heads/").to_owned(),
        });
    }
    Ok(())
}

fn base_of(job: &Job<'_>) -> Result<Base> {
    match (&job.plan.base, &job.repository.head) {
        (Some(base), Some(_)) => job.repository.base(base),
        (Some(base), None) if !matches!(base.as_str(), "HEAD" | "@") => {
            match job.repository.no_commit_at_head()? {
                // git adds no worktree beside a damaged HEAD, whatever the base.
                damaged @ Error::HeadUnreadable { .. } => Err(damaged),
                _ => job.repository.base(base),
            }
        }
        (None, Some(head)) => Ok(Base { commit: head.clone(), reference: None, ambiguous: None }),
        (_, None) => Err(job.repository.no_commit_at_head()?),
    }
}

/// What is found out about the tree while git registers it.
#[derive(Default)]
struct Prepared {
    /// The spares that fit. Where there are any, nothing but the configuration has been looked at besides.
    spares: Vec<spare::Spare>,
    config: Option<Config>,
    sources: Option<populate::Sources>,
}

/// Makes the worktree and its tree: from a spare where one fits and may be taken, else by filling it.
fn register_and_fill(
    job: &Job<'_>,
    intent: &Intent,
    start: Option<&str>,
    times: Times,
    may_claim: bool,
) -> Result<PathBuf> {
    // The files of a spare have the times of their sources.
    let may_claim = may_claim && times == Times::OfSources;
    let look =
        |config| populate::Sources::look(&job.repository, &intent.commit, config, &job.patience.cancel);
    let prepare = || {
        if !may_claim || !spare::is_any(&job.claim()) {
            return Prepared { sources: look(None), ..Prepared::default() };
        }
        let Ok(config) = Config::read(job.repository.git()) else { return Prepared::default() };
        match spare::choose(&job.claim(), &config, &intent.commit) {
            Ok(spares) if !spares.is_empty() => {
                Prepared { spares, config: Some(config), ..Prepared::default() }
            }
            _ => Prepared { sources: look(Some(config)), ..Prepared::default() },
        }
    };
    let (admin, prepared) = std::thread::scope(|scope| {
        let looking = std::thread::Builder::new().name("okstra look".into()).spawn_scoped(scope, prepare);
        let admin = register(job, intent, start);
        // A thread that could not be started, or that panicked, leaves it all to git.
        (admin, looking.ok().and_then(|looking| looking.join().ok()).unwrap_or_default())
    });
    let Registered { admin, was_known } = admin?;
    let times = if was_known { times.of_known_path(&intent.path) } else { times };
    let claim = spare::Claim { config: prepared.config.as_ref(), ..job.claim() };
    if times == Times::OfSources && spare::claim(&claim, intent, &admin, &prepared.spares)? {
        job.plan.progress.finish(checkout::count_entries(&admin)?);
        return Ok(admin);
    }
    let sources = if prepared.spares.is_empty() { prepared.sources } else { look(prepared.config) };
    let _ahead = job.durability.ahead(&intent.path);
    populate::fill(&job.filling(times), &intent.path, &admin, sources)?;
    Ok(admin)
}

/// What git has registered.
struct Registered {
    /// The administrative directory.
    admin: PathBuf,
    /// Whether git still had an entry for a worktree at that path.
    was_known: bool,
}

/// The part that needs the repository lock: some 10 ms.
fn register(job: &Job<'_>, intent: &Intent, start: Option<&str>) -> Result<Registered> {
    let common_dir = &job.repository.common_dir;
    let lock = RepositoryLock::acquire(job.home, common_dir, job.patience)?;
    worktree::repair_torn(common_dir, &lock)?;
    let retired = recover::retire_stale(job, intent, &lock)?;
    let was_known = !retired.is_empty();
    let _held = HeldNames::at(retired, &lock);
    let shares = share::present(&job.plan.shared, job.repository.main_worktree.as_deref());
    let names: Vec<String> = shares.into_iter().map(|share| share.name).collect();
    let reason = intent.lock_reason();
    let new = NewWorktree { path: &intent.path, branch: &intent.branch, start, reason: &reason };
    worktree::add(&job.repository, new, job.task_lock, &lock, &job.patience.cancel)
        .map_err(|error| worktree::explain(error, &job.plan.key, &intent.branch))?;
    share::exclude(&untracked(&job.repository, &intent.commit, names)?, common_dir, &lock)?;
    match worktree::look(&intent.path)? {
        // A git that could not read the branch for a moment checks its commit out without it, and reports success.
        Found::Linked { admin, common_dir: theirs }
            if theirs == *common_dir && worktree::is_on_branch(&admin, &intent.branch) =>
        {
            Ok(Registered { admin, was_known })
        }
        other => Err(Error::WorktreeBroken {
            path: intent.path.clone(),
            reason: format!("git reported success, and then this was found: {other:?}"),
        }),
    }
}

/// Those of the names that the commit does not track: what it tracks is checked out instead of linked, and an exclude
/// line would hide new files in it from git in every worktree.
fn untracked(repository: &crate::git::Repository, commit: &str, names: Vec<String>) -> Result<Vec<String>> {
    if names.is_empty() {
        return Ok(names);
    }
    let tracked = repository
        .git()
        .args(["ls-tree", "-z", "--name-only", "--full-tree", commit, "--"])
        .args(&names)
        .read()?;
    let tracked: Vec<&[u8]> = tracked.split(|byte| *byte == 0).collect();
    Ok(names.into_iter().filter(|name| !tracked.contains(&name.as_bytes())).collect())
}

/// What [`finish`] has to tell.
pub(super) struct Finished {
    links: share::Links,
    pub(super) hook: hook::HookReport,
    entry: Entry,
}

/// From a filled tree to a committed row: links, hook, the standing lock, flush, row, record, and the intent is dropped
/// last. Every step can be repeated, because recovery does exactly that.
pub(super) fn finish(job: &Job<'_>, intent: &mut Intent, admin: &Path) -> Result<Finished> {
    let main = job.repository.main_worktree.as_deref();
    let links = share::link(&job.plan.shared, main, &intent.path, admin, &intent.common_dir)?;
    let hook = hook::run_post_checkout(job, intent)?;
    // Before the row, so that no task is active without it, and so that the flush takes it along.
    lock::put_on(admin, &job.plan.key, Empty::Torn)?;
    // The row is believed, so what it says is on the device before.
    if !job.durability.flush(&[&intent.path, admin])? {
        worktree::sync(&intent.common_dir, admin, &intent.path, &intent.branch)?;
    }
    // From here on the call succeeds or the machine dies: stopping now would only undo finished work.
    let patience = crate::lock::Patience { cancel: Cancel::default(), ..job.patience.clone() };
    let entry = commit(job, intent, &patience)?;
    intent.stage = Stage::Committed;
    let asked = job.registry.asked(&job.plan.key)?;
    registry::write_task_record_as(admin, &entry, &intent.common_dir, asked.as_ref())?;
    Intent::drop_for(job.home, &job.plan.key, job.task_lock)?;
    Ok(Finished { links, hook, entry })
}

/// The commit point: the row.
fn commit(job: &Job<'_>, intent: &Intent, patience: &crate::lock::Patience) -> Result<Entry> {
    let key = &job.plan.key;
    match job.registry.lookup(key)? {
        Some(row) if row.status == EntryStatus::Active => {
            let same_place = row.worktree_path == intent.path;
            let same_repository =
                job.registry.repository_of(key)?.is_none_or(|recorded| recorded == intent.common_dir);
            if same_place && same_repository && row.branch == intent.branch && row.base_ref == intent.base_ref
            {
                let touched = job.registry.touch_phase(key, &intent.phase, patience)?;
                return Ok(touched.unwrap_or(row));
            }
            // Only a row whose worktree is gone gives way; one of 0.12.0 may have appeared meanwhile.
            if !same_place && fs::symlink_metadata(&row.worktree_path).is_ok() {
                return Err(Error::KeyExists { task_key: key.clone(), path: row.worktree_path });
            }
            job.registry.release_row(key, patience)?;
        }
        _ => {}
    }
    let reservation = Reservation {
        key: key.clone(),
        worktree_path: intent.path.clone(),
        branch: intent.branch.clone(),
        base_ref: intent.base_ref.clone(),
        phase: intent.phase.clone(),
        repository: Some(intent.common_dir.clone()),
        created_at: intent.created_at.clone(),
    };
    let is_default = project::is_default(job.home, job.registry, &job.repository, key);
    job.registry.reserve_as(&reservation, intent.asked.as_ref(), is_default, patience)
}

/// Turns what was made into the answer, or takes back what was begun.
fn conclude(job: &Job<'_>, intent: Intent, made: Result<Finished>, status: Status) -> Result<Provision> {
    let finished = match made {
        Ok(finished) => finished,
        Err(error) => {
            let error = explain(error, &[&job.home.worktrees(), &intent.common_dir]);
            // After the row is written it stands in any case, and the next call finishes it.
            if intent.stage != Stage::Committed && recover::abandon(job, intent).is_ok() {
                return Err(error);
            }
            return Err(error.begun(format!("okstra provision {}", job.plan.key)));
        }
    };
    let mut event = Event::new(
        if status == Status::Created { EventKind::Created } else { EventKind::Restored },
        Some(&job.plan.key),
    );
    event.phase = Some(intent.phase);
    event.path = Some(intent.path.clone());
    event.branch = Some(intent.branch);
    event.base_ref = Some(finished.entry.base_ref.clone());
    event.detail = finished.hook.detail();
    job.registry.record(&event);
    let hooks = finished.hook.notes.into_iter().map(|said| Remark::new(RemarkCode::HookFailed, said));
    // A git that cannot say where its hooks lie has said so before.
    let dead = remarks::hooks::missing(&job.repository, &intent.path).unwrap_or_default();
    let submodules = submodules(&intent.path).map(|said| Remark::new(RemarkCode::Submodules, said));
    let mut answer = Provision {
        status,
        headline: remarks::headline(status, &finished.entry, &finished.entry.branch, &job.plan.phase),
        remarks: hooks.chain(dead).chain(submodules).collect(),
        path: finished.entry.worktree_path,
        branch: finished.entry.branch,
        base_ref: finished.entry.base_ref,
        task_key: job.plan.key.clone(),
        linked: finished.links.linked,
        post_checkout_exit: finished.hook.exit,
    };
    answer.remark_unlinked(finished.links.unlinked);
    Ok(answer)
}

/// git says it in any language, or not at all, when a disk is full; it is still full now.
fn explain(error: Error, disks: &[&Path]) -> Error {
    match (error, disks.iter().find(|disk| disk::is_full(disk))) {
        (Error::GitFailed { command, stderr, .. }, Some(disk)) => {
            let text = format!("the disk is full; git {command}: {stderr}");
            let source = io::Error::new(io::ErrorKind::StorageFull, text);
            Error::Io { action: "write all files of a worktree to", path: (*disk).to_owned(), source }
        }
        (other, _) => other,
    }
}

/// git leaves the directories of submodules empty in a new worktree, and okstra fetches nothing unasked.
fn submodules(worktree: &Path) -> Option<String> {
    let text = fs::read_to_string(worktree.join(".gitmodules")).ok()?;
    let count = text.lines().filter(|line| line.trim_start().starts_with("[submodule")).count();
    (count > 0).then(|| {
        format!(
            "{count} submodule(s) not initialised; run `git submodule update --init` there when you need them"
        )
    })
}
