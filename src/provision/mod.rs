//! Gives a task its worktree: the same one every time, made once, whatever dies in between.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::home::OkstraHome;
use crate::lock::Patience;
use crate::task::TaskKey;

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
    /// The branch of the worktree; empty when the request was skipped.
    pub branch: String,
    /// The full commit id the branch started from; empty when the request was skipped.
    pub base_ref: String,
    /// What a person should know, in sentences; may be empty.
    pub note: String,
    /// The task-key.
    pub task_key: TaskKey,
    /// The shared directories that are linked into the worktree, as configured.
    pub linked: Vec<String>,
    /// The exit code of the repository's post-checkout hook, where one ran and did not end with 0.
    pub post_checkout_exit: Option<i32>,
}

/// Gives the task its worktree.
pub fn provision(_home: &OkstraHome, _request: &Request, _patience: &Patience) -> Result<Provision> {
    Err(Error::Internal { message: "not there yet".into() })
}
