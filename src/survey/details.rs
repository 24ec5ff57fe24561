//! Everything about one worktree that is too much for a table.

use std::path::PathBuf;

use super::caches::{self, Cache};
use super::status::{self, Depth, WorkStatus};
use super::tasks::Located;
use super::{branch, links};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::Git;
use crate::git::operation::{self, Head, Operation};
use crate::git::worktree::lock;

/// What there is in one worktree, path by path.
#[derive(Debug)]
pub struct Details {
    /// What is not committed.
    pub status: WorkStatus,
    /// Ignored paths that are no caches.
    pub ignored: Vec<PathBuf>,
    /// Caches.
    pub caches: Vec<Cache>,
    /// okstra's own links.
    pub links: Vec<PathBuf>,
    /// What git is in the middle of.
    pub operations: Vec<Operation>,
    /// With a detached `HEAD`: how many of its commits are on no branch, remote-tracking branch or tag.
    pub nowhere: Option<u64>,
    /// The reason with which somebody else has locked the worktree, where that is so.
    pub lock: Option<String>,
    /// The last commit.
    pub last: Option<Commit>,
}

/// A commit, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its full id.
    pub id: String,
    /// When it was committed (RFC 3339).
    pub at: String,
    /// Who wrote it.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
}

/// Looks at one worktree; `None` where there is none that works.
pub fn of(task: &Located, cancel: &Cancel) -> Result<Option<Details>> {
    let (Some(admin), Some(common_dir)) = (&task.admin, &task.survey.repository) else { return Ok(None) };
    let path = &task.survey.path;
    let repository = super::repository_at(common_dir)?;
    let links = links::own(path, common_dir, repository.main_worktree.as_deref());
    let status = status::ask(path, Depth::Ignored, &links, cancel)?;
    let parted = caches::part(path, &status, cancel)?;
    let mut found = parted.caches;
    for directory in &parted.other {
        found.extend(caches::within(path, directory, cancel)?);
    }
    let nowhere = match operation::head(path, admin)? {
        Head::Detached(commit) => Some(branch::commits_nowhere(path, &commit, cancel)?),
        Head::Branch(_) => None,
    };
    let last = if status.commit.is_some() {
        let git =
            Git::new(path).args(["log", "-1", "--no-show-signature", "--format=%H%x00%cI%x00%an%x00%s"]);
        commit(&git.looks_only().cancel(cancel).read()?)
    } else {
        None
    };
    Ok(Some(Details {
        ignored: parted.other,
        caches: found,
        operations: operation::in_progress(path, admin)?,
        lock: lock::of(admin)?.not_of(&task.survey.key),
        status,
        links,
        nowhere,
        last,
    }))
}

fn commit(line: &[u8]) -> Option<Commit> {
    let text = String::from_utf8_lossy(line);
    let fields: Vec<&str> = text.trim_end_matches('\n').split('\0').collect();
    let [id, at, author, subject] = fields[..] else { return None };
    Some(Commit { id: id.into(), at: at.into(), author: author.into(), subject: subject.into() })
}
