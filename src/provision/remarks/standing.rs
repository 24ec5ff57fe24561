//! Where the worktree of a task stands: on which branch, and in the middle of what. Agents switch, rename and rebase between
//! two phases; the answer says what is so, and how to get back.

use std::path::Path;

use super::{Remark, RemarkCode, behind, short_id};
use crate::error::{Error, Result};
use crate::git::operation::{self, Head, Operation};
use crate::git::{Git, refs, renamed, worktree};
use crate::registry::history::{Event, EventKind};
use crate::registry::{self, Entry, EntryStatus};
use crate::{clock, shell, task};

use super::super::Job;

/// What a look at a worktree tells.
#[derive(Debug)]
pub(in super::super) struct Standing {
    /// The branch that is checked out; empty when `HEAD` is detached.
    pub branch: String,
    /// What is out of the ordinary.
    pub remarks: Vec<Remark>,
}

/// The everyday look: the names in the administrative directory, `HEAD` and the task's branch, from files. `None` where
/// files do not tell that the branch is there. Where references are kept in tables, git is asked for `HEAD`.
pub(in super::super) fn at_a_glance(
    entry: &Entry,
    admin: &Path,
    common_dir: &Path,
) -> Result<Option<Standing>> {
    let signs = operation::signs(admin)?;
    let (there, on_it) = if signs.tables {
        by_git(entry)?
    } else {
        let there = refs::exists(common_dir, &branch_name(&entry.branch));
        (there, there && operation::is_plainly_on(admin, &entry.branch))
    };
    if !there {
        return Ok(None);
    }
    let mut standing = if on_it && !signs.operation {
        Standing { branch: entry.branch.clone(), remarks: Vec::new() }
    } else {
        look(entry, admin, true)?
    };
    if signs.follows {
        standing.remarks.extend(behind::look(entry, admin, common_dir));
    }
    Ok(Some(standing))
}

/// Whether the task's branch is there, and whether the worktree is on it, where references are kept in tables: one call.
fn by_git(entry: &Entry) -> Result<(bool, bool)> {
    let name = branch_name(&entry.branch);
    let args = ["for-each-ref", "--format=%(HEAD)", "--", &name];
    let listed = Git::new(&entry.worktree_path).args(args).looks_only().read()?;
    Ok((!listed.is_empty(), listed.starts_with(b"*")))
}

/// The same for a worktree of which something is out of the ordinary. `exists`: whether the task's branch does.
fn look(entry: &Entry, admin: &Path, exists: bool) -> Result<Standing> {
    let worktree = &entry.worktree_path;
    let head = operation::head(worktree, admin)?;
    let busy_perhaps = operation::signs(admin)?.operation;
    let operations = if busy_perhaps { operation::in_progress(worktree, admin)? } else { Vec::new() };
    let mut remarks: Vec<Remark> = operations.iter().map(|operation| busy(worktree, operation)).collect();
    remarks.extend(elsewhere(entry, &head, &operations, exists));
    let branch = if let Head::Branch(name) = head { name } else { String::new() };
    Ok(Standing { branch, remarks })
}

fn busy(worktree: &Path, operation: &Operation) -> Remark {
    let said = format!(
        "git is in the middle of {} in the worktree: {}",
        operation.told(),
        ways_out(worktree, operation)
    );
    Remark::new(RemarkCode::Operation, said).about(operation.kind.as_str())
}

/// The commands that end an operation.
pub(super) fn ways_out(worktree: &Path, operation: &Operation) -> String {
    let place = shell::path(worktree);
    let ways = operation.ways_out().iter().map(|way| format!("`git -C {place} {way}`"));
    format!("{} ends it", ways.collect::<Vec<_>>().join(" or "))
}

/// What is to be said where the worktree is not on its task's branch, or that is not there.
fn elsewhere(entry: &Entry, head: &Head, operations: &[Operation], exists: bool) -> Option<Remark> {
    let (own, place) = (&entry.branch, shell::path(&entry.worktree_path));
    let own_word = shell::word(own);
    Some(match (head, exists) {
        (Head::Branch(name), true) if name == own => return None,
        (Head::Branch(name), true) => Remark::new(
            RemarkCode::OtherBranch,
            format!(
                "the worktree is on branch {name}, not on the task's branch {own}: \
                 `git -C {place} switch {own_word}` goes back"
            ),
        )
        .about(name),
        // A rebase or a bisect leaves HEAD detached, and goes back to the branch.
        (Head::Detached(_), true)
            if operations.iter().any(|one| one.branch.as_ref().is_none_or(|branch| branch == own)) =>
        {
            return None;
        }
        (Head::Detached(commit), true) => Remark::new(
            RemarkCode::Detached,
            format!(
                "the worktree's HEAD is detached at {}, not on the task's branch {own}: \
                 `git -C {place} switch {own_word}` goes back",
                short_id(commit)
            ),
        )
        .about(commit),
        (Head::Branch(name), false) if name == own => Remark::new(
            RemarkCode::BranchGone,
            format!(
                "the task's branch {own}, which the worktree has checked out, does not exist any more: \
                 `okstra doctor --fix` makes it again at the last commit it had there"
            ),
        )
        .about(own),
        (head, false) => {
            let at = match head {
                Head::Branch(name) => format!("on branch {name}"),
                Head::Detached(commit) => format!("detached at {}", short_id(commit)),
            };
            let said = format!(
                "the task's branch {own} does not exist any more, and the worktree is {at}: \
                 `git -C {place} switch -c {own_word}` makes it again there"
            );
            Remark::new(RemarkCode::BranchGone, said).about(own)
        }
    })
}

/// The branch of a task whose worktree is there, with the task lock held.
pub(in super::super) struct OwnBranch {
    /// The row, with the branch that is the task's now.
    pub entry: Entry,
    exists: bool,
    told: Option<Remark>,
}

impl OwnBranch {
    /// A task whose branch was renamed keeps it under its new name: row, record and answer name that one.
    pub(in super::super) fn follow(
        job: &Job<'_>,
        entry: Entry,
        admin: &Path,
        common_dir: &Path,
    ) -> Result<Self> {
        let exists = branch_exists(common_dir, &entry.branch)?;
        let new = if exists { None } else { new_name(common_dir, &entry)? };
        let Some(new) = new else { return Ok(Self { entry, exists, told: None }) };
        let remark = |said: String| Some(Remark::new(RemarkCode::BranchRenamed, said).about(&new));
        match follow(job, &entry, &new, admin, common_dir) {
            Ok(followed) => {
                let told = remark(renamed_to(&entry.branch, &new));
                Ok(Self { entry: followed, exists: true, told })
            }
            // The name is none that a task may have, or another task has it.
            Err(error @ (Error::BranchOwned { .. } | Error::InvalidArgument { .. })) => {
                let told =
                    remark(format!("the task's branch {} was renamed to {new}; {error}", entry.branch));
                Ok(Self { entry, exists, told })
            }
            Err(error) => Err(error),
        }
    }

    /// Where the worktree stands now.
    pub(in super::super) fn standing(&self, admin: &Path, common_dir: &Path) -> Result<Standing> {
        let mut standing = look(&self.entry, admin, self.exists)?;
        standing.remarks.splice(0..0, self.told.clone());
        standing.remarks.extend(behind::look(&self.entry, admin, common_dir));
        Ok(standing)
    }
}

/// How it is told that a task goes on with its branch under another name.
pub(in super::super) fn renamed_to(old: &str, new: &str) -> String {
    format!("the task's branch {old} was renamed to {new}, and is the task's under that name")
}

/// What the branch of a task, which is not there, was renamed to while the task had it.
pub(crate) fn new_name(common_dir: &Path, entry: &Entry) -> Result<Option<String>> {
    renamed::renamed_to(common_dir, &entry.branch, clock::seconds_of_local(&entry.created_at))
}

fn follow(job: &Job<'_>, entry: &Entry, new: &str, admin: &Path, common_dir: &Path) -> Result<Entry> {
    if entry.status != EntryStatus::Active {
        // It is registered anew in a moment.
        task::check_branch(new)?;
        return Ok(Entry { branch: new.to_owned(), ..entry.clone() });
    }
    let followed = job.registry.follow_rename(entry, new, common_dir, job.patience)?;
    registry::write_task_record(admin, &followed, common_dir)?;
    let mut event = Event::of(EventKind::Recovered, &followed);
    event.detail = Some(format!("its branch {} was renamed to {new}", entry.branch));
    job.registry.record(&event);
    Ok(followed)
}

fn branch_name(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

fn branch_exists(common_dir: &Path, branch: &str) -> Result<bool> {
    let name = branch_name(branch);
    if refs::exists(common_dir, &name) {
        return Ok(true);
    }
    let git = Git::new(common_dir).git_dir(Some(common_dir));
    let output =
        git.args(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).looks_only().run()?;
    match output.status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(output.into_error("rev-parse", common_dir)),
    }
}

/// What is to be said of a task whose directory is gone: what it had checked out last, as far as git's entry still tells.
#[derive(Debug, Default)]
pub(in super::super) struct Last {
    head: Option<Head>,
}

impl Last {
    /// Reads it before the entry is moved aside.
    pub(in super::super) fn of(common_dir: &Path, directory: &Path) -> Self {
        let admins = worktree::admin_dirs(common_dir).into_iter();
        let mut own = admins.filter(|admin| worktree::points_back(admin, directory));
        // Where references are kept in tables, nothing but a process in the worktree would tell.
        let head = own.find_map(|admin| {
            operation::signs(&admin).ok().filter(|signs| !signs.tables)?;
            operation::head(directory, &admin).ok()
        });
        Self { head }
    }

    /// For a task that comes back on its branch.
    pub(in super::super) fn for_restored(&self, own: &str) -> Option<Remark> {
        match self.head.as_ref()? {
            Head::Branch(name) if name != own => Some(
                Remark::new(
                    RemarkCode::OtherBranch,
                    format!("when its directory vanished it was on branch {name}, not on the task's branch {own}"),
                )
                .about(name),
            ),
            Head::Detached(commit) => Some(
                Remark::new(
                    RemarkCode::Detached,
                    format!(
                        "when its directory vanished its HEAD was detached at {}, which is kept below refs/okstra/kept/",
                        short_id(commit)
                    ),
                )
                .about(commit),
            ),
            Head::Branch(_) => None,
        }
    }

    /// For a task that gets a new branch, because its own is gone and no log tells what became of it.
    pub(in super::super) fn for_begun_anew(&self, old: &str, new: &str, base: &str) -> Remark {
        let last = match &self.head {
            Some(Head::Branch(name)) if name != old => {
                format!(" (when its directory vanished it was on branch {name})")
            }
            Some(Head::Detached(commit)) => {
                format!(
                    " (when its directory vanished its HEAD was detached at {}, which is kept below refs/okstra/kept/)",
                    short_id(commit)
                )
            }
            _ => String::new(),
        };
        let said = format!(
            "the task's earlier branch {old} does not exist any more, and no log tells what became of it{last}: \
             the new branch {new} starts at {}",
            short_id(base)
        );
        Remark::new(RemarkCode::BranchGone, said).about(old)
    }
}
