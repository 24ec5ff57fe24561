//! Takes a worktree that is there already into the registry, as the worktree of a task. Nothing is moved: the row names
//! the place where it is.
//!
//! The row comes last but one and okstra's record with the worktree last, so that a kill leaves links, lines that hide
//! them and at most a missing record, all of which the next call makes again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::durability::Durability;
use crate::error::{Error, IoContext, Result};
use crate::git::operation::{self, Head};
use crate::git::worktree::lock::{self, Empty};
use crate::git::worktree::{self, Fault, Found};
use crate::git::{Discovery, Repository, mend, repository, version};
use crate::home::OkstraHome;
use crate::link as whose;
use crate::lock::{Patience, RepositoryLock, TaskLock};
use crate::project;
use crate::provision::{self, share};
use crate::registry::history::{Event, EventKind};
use crate::registry::{Entry, EntryStatus, Filter, Registry, Reservation, write_task_record};
use crate::task::{self, TaskKey};
use crate::trash::{self, Ground};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// The directory.
    pub path: PathBuf,
    /// The task that gets it.
    pub key: TaskKey,
    /// The branch of a worktree that git has forgotten; any other worktree says itself which one it is on.
    pub branch: Option<String>,
    /// The phase to be recorded; may be empty.
    pub phase: String,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// The row.
    pub entry: Entry,
    /// Whether the task had this worktree already.
    pub unchanged: bool,
    /// Whether git had forgotten the worktree and knows it again.
    pub rebuilt: bool,
    /// The shared directories that are linked into it.
    pub linked: Vec<String>,
}

/// Takes a worktree into the registry.
///
/// Refuses a main worktree, a directory of no repository, a worktree of another task, one on no branch or in the middle
/// of a rebase, and whatever [`Registry::reserve`] refuses. A refusal changes nothing.
pub fn adopt(home: &OkstraHome, adoption: &Adoption, patience: &Patience) -> Result<Adopted> {
    version::check()?;
    task::no_control("phase", &adoption.phase)?;
    if let Some(branch) = &adoption.branch {
        task::check_branch(branch)?;
    }
    let path = directory(&adoption.path)?;
    trash::refuse_removed(home, &path)?;
    let registry = Registry::open(home);
    refuse_other_task(&registry, &path, &adoption.key)?;
    let candidate = Candidate::at(&path)?;
    refuse_private(&path, candidate.repository())?;
    candidate.refuse_recorded(&registry, &path, &adoption.key)?;
    home.prepare()?;
    let lock = TaskLock::acquire(home, &adoption.key, patience)?;
    let ground = Ground { home, registry: &registry, key: &adoption.key, lock: &lock, patience };
    provision::settle(&ground)?;
    if let Some(row) = registry.lookup(&adoption.key)?.filter(|row| row.status == EntryStatus::Active) {
        if !worktree::same_place(&row.worktree_path, &path) {
            return Err(Error::KeyExists { task_key: row.key, path: row.worktree_path });
        }
        if let Candidate::Linked { admin, repository, .. } = &candidate {
            write_task_record(admin, &row, &repository.common_dir)?;
            lock::put_on(admin, &adoption.key, Empty::Foreign)?;
            let linked = link(home, repository, &path, admin, patience)?;
            return Ok(Adopted { entry: row, unchanged: true, rebuilt: false, linked });
        }
    }
    if let Some(row) = registry.lookup(&adoption.key)? {
        project::check(&row, registry.repository_of(&row.key)?.as_deref(), candidate.repository())?;
    }
    let branch = candidate.branch(&path, adoption.branch.as_deref())?;
    let repository = candidate.repository();
    registry.check_free(&adoption.key, &branch, Some(&repository.common_dir))?;
    let base_ref = base_of(repository, &path, &branch)?;
    let durability = Durability::of(repository)?;
    let rebuilt = matches!(candidate, Candidate::Forgotten { .. });
    let admin = {
        let lock = RepositoryLock::acquire(home, &repository.common_dir, patience)?;
        candidate.tie(&path, &branch, &adoption.key, &lock)?
    };
    let linked = link(home, repository, &path, &admin, patience)?;
    lock::put_on(&admin, &adoption.key, Empty::Foreign)?;
    durability.flush(&[&path, &admin])?;
    let reservation = Reservation {
        key: adoption.key.clone(),
        worktree_path: path,
        branch,
        base_ref,
        phase: adoption.phase.clone(),
        repository: Some(repository.common_dir.clone()),
        created_at: None,
    };
    let entry = registry.reserve(&reservation, patience)?;
    write_task_record(&admin, &entry, &repository.common_dir)?;
    let mut event = Event::of(EventKind::Created, &entry);
    event.detail = Some("adopted".to_owned());
    registry.record(&event);
    Ok(Adopted { entry, unchanged: false, rebuilt, linked })
}

fn refused(path: &Path, reason: impl Into<String>) -> Error {
    Error::invalid("worktree", path.to_string_lossy(), reason)
}

/// The directory itself, without links on the way to it.
fn directory(path: &Path) -> Result<PathBuf> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::canonicalize(path).context("resolve", path),
        Ok(found) if found.is_symlink() => {
            Err(refused(path, "it is a symbolic link; name the directory itself"))
        }
        Ok(_) => Err(refused(path, "it is no directory")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(refused(path, "it does not exist")),
        Err(error) => Err(error).context("look at", path),
    }
}

fn refuse_other_task(registry: &Registry, path: &Path, key: &TaskKey) -> Result<()> {
    let owner = registry
        .list(&Filter::default())?
        .into_iter()
        .find(|entry| entry.key != *key && worktree::same_place(&entry.worktree_path, path));
    match owner {
        Some(owner) => Err(refused(path, format!("it is the worktree of the task {}", owner.key))),
        None => Ok(()),
    }
}

/// A repository in another worktree's administrative directory goes when that worktree goes.
fn refuse_private(path: &Path, repository: &Repository) -> Result<()> {
    let Some(owner) = provision::owner_of_private(&repository.common_dir) else { return Ok(()) };
    let whose = worktree::tree_of(&owner).unwrap_or(owner);
    Err(refused(path, format!("its repository lies in git's data of the worktree {}", whose.display())))
}

/// What lies there.
enum Candidate {
    Linked { admin: PathBuf, repository: Repository, tied: bool },
    Forgotten { admin: PathBuf, repository: Repository },
}

impl Candidate {
    fn at(path: &Path) -> Result<Self> {
        if path.join(".git").is_dir() {
            return Err(refused(
                path,
                "it is a main worktree, a repository of its own; a task gets a linked worktree",
            ));
        }
        match worktree::look(path)? {
            Found::Linked { admin, common_dir } => {
                Ok(Self::Linked { admin, repository: repository_at(path, &common_dir)?, tied: true })
            }
            Found::Broken(Fault::OtherPlace { admin, tree }) => {
                if worktree::names(&tree, &admin) {
                    let reason = format!(
                        "git's data that it names belongs to {}: one is a copy of the other, or git has given it away",
                        tree.display()
                    );
                    return Err(refused(path, reason));
                }
                let common_dir = worktree::common_dir_of(&admin).context("resolve", &admin)?;
                Ok(Self::Linked { admin, repository: repository_at(path, &common_dir)?, tied: false })
            }
            Found::RepositoryGone(repository) => {
                Err(Error::RepositoryGone { path: path.to_owned(), repository })
            }
            Found::Missing => Err(refused(path, "it does not exist")),
            Found::Broken(fault) => {
                let admin = match &fault {
                    Fault::Forgotten { admin } => Some(admin.clone()),
                    _ => None,
                };
                let common =
                    admin.as_deref().and_then(|admin| fs::canonicalize(admin.ancestors().nth(2)?).ok());
                match admin.zip(common) {
                    Some((admin, common)) => {
                        let admin = common.join("worktrees").join(admin.file_name().unwrap_or_default());
                        Ok(Self::Forgotten { admin, repository: repository_at(path, &common)? })
                    }
                    None => Err(refused(path, fault.to_string())),
                }
            }
        }
    }

    /// Refuses the worktree of another task of this home, whose row only names another place.
    fn refuse_recorded(&self, registry: &Registry, path: &Path, key: &TaskKey) -> Result<()> {
        let Self::Linked { admin, .. } = self else { return Ok(()) };
        let Some(owner) = whose::other_task(admin, key) else { return Ok(()) };
        let row = registry.lookup(&owner)?.filter(|row| row.status == EntryStatus::Active);
        if row.is_some_and(|row| !matches!(whose::look(&owner, &row.worktree_path), Ok(Found::Linked { .. })))
        {
            let reason = format!(
                "it is the worktree of the task {owner}, which `okstra doctor --fix` gives back to it"
            );
            return Err(refused(path, reason));
        }
        Ok(())
    }

    const fn repository(&self) -> &Repository {
        match self {
            Self::Linked { repository, .. } | Self::Forgotten { repository, .. } => repository,
        }
    }

    /// The branch that the worktree is on, or is to be put on again.
    fn branch(&self, path: &Path, named: Option<&str>) -> Result<String> {
        match self {
            Self::Linked { admin, .. } => {
                if let Some(operation) = operation::in_progress(path, admin)?.first() {
                    let reason = format!(
                        "a {} is in progress in it; finish or abort it first",
                        operation.kind.as_str()
                    );
                    return Err(refused(path, reason));
                }
                match operation::head(path, admin)? {
                    Head::Branch(branch) if named.is_none_or(|named| named == branch) => Ok(branch),
                    Head::Branch(branch) => Err(Error::invalid(
                        "branch",
                        named.unwrap_or_default(),
                        format!("the worktree is on {branch}"),
                    )),
                    Head::Detached(_) => {
                        Err(refused(path, "it is on no branch; `git switch -c <name>` in it makes one"))
                    }
                }
            }
            Self::Forgotten { repository, .. } => {
                let Some(branch) = named else {
                    let reason =
                        "git has forgotten it, and which branch it was on; name the branch (`--branch`)";
                    return Err(refused(path, reason));
                };
                if repository.branch_tip(branch)?.is_none() {
                    return Err(Error::invalid("branch", branch, "there is none of that name"));
                }
                match mend::user_of(repository, branch)? {
                    Some(user) => Err(Error::invalid(
                        "branch",
                        branch,
                        format!("it is checked out at {}", user.display()),
                    )),
                    None => Ok(branch.to_owned()),
                }
            }
        }
    }

    /// Sees that git and the directory name each other; gives the administrative directory.
    fn tie(&self, path: &Path, branch: &str, key: &TaskKey, lock: &RepositoryLock) -> Result<PathBuf> {
        match self {
            Self::Linked { admin, tied, .. } => {
                if !tied {
                    mend::tie(admin, path, lock)?;
                }
                Ok(admin.clone())
            }
            Self::Forgotten { admin, repository } => {
                mend::rebuild(repository, path, admin, branch, Some(key), lock)?;
                Ok(admin.clone())
            }
        }
    }
}

fn repository_at(path: &Path, common_dir: &Path) -> Result<Repository> {
    match repository::discover(common_dir, "main")? {
        Discovery::Main(repository) => Ok(repository),
        _ => Err(refused(path, format!("{} is no repository", common_dir.display()))),
    }
}

/// Where the branch left what the main worktree has checked out; its tip where the two have nothing in common.
fn base_of(repository: &Repository, path: &Path, branch: &str) -> Result<String> {
    let Some(tip) = repository.branch_tip(branch)? else {
        return Err(refused(path, format!("its branch {branch} has no commit yet")));
    };
    let Some(head) = &repository.head else { return Ok(tip) };
    let output = repository.git().args(["merge-base", head, &tip]).looks_only().run()?;
    let base = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(if output.status.success() && !base.is_empty() { base } else { tip })
}

fn link(
    home: &OkstraHome,
    repository: &Repository,
    path: &Path,
    admin: &Path,
    patience: &Patience,
) -> Result<Vec<String>> {
    let main = repository.main_worktree.as_deref();
    let linked = share::link(&share::configured()?, main, path, admin, &repository.common_dir)?.linked;
    let lock = RepositoryLock::acquire(home, &repository.common_dir, patience)?;
    share::exclude(&linked, &repository.common_dir, &lock)?;
    Ok(linked)
}
