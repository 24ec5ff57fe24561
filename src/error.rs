//! The one error type of the crate, its stable codes, and the hint that goes with each.
//!
//! A message says what was attempted and on what; the hint says what to do next. The codes are part of the public
//! API: they never change meaning and the list only grows.

use std::io;
use std::path::{Path, PathBuf};

use crate::asked::Asked;
use crate::lock::Holder;
use crate::obstacle::Obstacle;
use crate::shell;
use crate::task::TaskKey;

/// The result type of every fallible function of the crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// Stable machine-readable names of everything that can go wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order in which the documentation lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The text that JavaScript sees as `error.code`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// A value from outside is not allowed: a name, a branch, a base, a path, a number, an environment variable.
    InvalidArgument = "OKSTRA_INVALID_ARGUMENT",
    /// The project root does not exist or is not a directory.
    RootNotFound = "OKSTRA_ROOT_NOT_FOUND",
    /// The directory is in no git repository.
    NoRepository = "OKSTRA_NO_REPOSITORY",
    /// The task is in no registry row.
    NotFound = "OKSTRA_NOT_FOUND",
    /// Something lies at the worktree path that the registry does not know.
    PathExists = "OKSTRA_PATH_EXISTS",
    /// The branch exists and belongs to no task.
    BranchExists = "OKSTRA_BRANCH_EXISTS",
    /// The branch belongs to another task of the same repository.
    BranchOwned = "OKSTRA_BRANCH_OWNED",
    /// The branch is checked out in another worktree.
    BranchCheckedOut = "OKSTRA_BRANCH_CHECKED_OUT",
    /// The task-key is active already.
    KeyExists = "OKSTRA_KEY_EXISTS",
    /// The repository has no commit to start from.
    NoCommits = "OKSTRA_NO_COMMITS",
    /// The branch that `HEAD` names does not exist, while others do.
    HeadUnborn = "OKSTRA_HEAD_UNBORN",
    /// `HEAD`, or the branch that it names, cannot be read.
    HeadUnreadable = "OKSTRA_HEAD_UNREADABLE",
    /// A commit to start from is missing in the repository.
    ObjectsMissing = "OKSTRA_OBJECTS_MISSING",
    /// The base names no commit of the repository.
    BaseNotFound = "OKSTRA_BASE_NOT_FOUND",
    /// git ended with an error; its own message is kept.
    GitFailed = "OKSTRA_GIT_FAILED",
    /// git did not end in time and was stopped.
    GitTimeout = "OKSTRA_GIT_TIMEOUT",
    /// No git on PATH.
    GitMissing = "OKSTRA_GIT_MISSING",
    /// The git on PATH is older than okstra needs.
    GitTooOld = "OKSTRA_GIT_TOO_OLD",
    /// git refuses the repository because another user owns it.
    DubiousOwnership = "OKSTRA_DUBIOUS_OWNERSHIP",
    /// The repository that a worktree belongs to is not there any more.
    RepositoryGone = "OKSTRA_REPOSITORY_GONE",
    /// The task was asked for under another id, which is spelt the same in paths and branches.
    OtherId = "OKSTRA_OTHER_ID",
    /// The task is of another project: of a repository that is no clone of the one that asks.
    OtherProject = "OKSTRA_OTHER_PROJECT",
    /// The worktree is there, but its link to its repository is broken.
    WorktreeBroken = "OKSTRA_WORKTREE_BROKEN",
    /// The directory lies in the trash: the worktree was removed while somebody was in it.
    WorktreeRemoved = "OKSTRA_WORKTREE_REMOVED",
    /// The okstra home could be changed by somebody else, or belongs to somebody else.
    UnsafeHome = "OKSTRA_UNSAFE_HOME",
    /// A lock was not free within the time allowed.
    LockTimeout = "OKSTRA_LOCK_TIMEOUT",
    /// The registry cannot be read, and cannot be healed.
    RegistryCorrupt = "OKSTRA_REGISTRY_CORRUPT",
    /// It was refused because work would be lost; the obstacles are listed.
    WouldLoseWork = "OKSTRA_WOULD_LOSE_WORK",
    /// The trash holds nothing of that name, or nothing of it any more.
    NotInTrash = "OKSTRA_NOT_IN_TRASH",
    /// The operating system refused a file operation.
    Io = "OKSTRA_IO",
    /// The caller aborted the operation.
    Aborted = "OKSTRA_ABORTED",
    /// A bug in okstra: a broken invariant or a panic that was caught.
    Internal = "OKSTRA_INTERNAL",
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Everything that can go wrong, each with what is needed to act on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named by the message of their variant")]
pub enum Error {
    /// See [`ErrorCode::InvalidArgument`].
    #[error("{what} {value:?} is not allowed: {reason}")]
    InvalidArgument { what: &'static str, value: String, reason: String },
    /// See [`ErrorCode::RootNotFound`].
    #[error("the project root {} is not an existing directory", path.display())]
    RootNotFound { path: PathBuf },
    /// See [`ErrorCode::NoRepository`].
    #[error("{} is in no git repository", path.display())]
    NoRepository { path: PathBuf },
    /// See [`ErrorCode::NotFound`].
    #[error("the registry has no task {task_key}")]
    NotFound { task_key: TaskKey },
    /// See [`ErrorCode::PathExists`].
    #[error("cannot make the worktree of {task_key} at {}: the path exists and the registry does not know it", path.display())]
    PathExists { task_key: TaskKey, path: PathBuf },
    /// See [`ErrorCode::BranchExists`].
    #[error(
        "cannot make branch {branch} for {task_key}: it exists already{} and belongs to no task of this okstra home",
        blocker(blocking, branch)
    )]
    BranchExists { task_key: TaskKey, branch: String, blocking: String },
    /// See [`ErrorCode::BranchOwned`].
    #[error("cannot give branch {branch} to {task_key}: it belongs to the task {owner}")]
    BranchOwned { task_key: TaskKey, branch: String, owner: String },
    /// See [`ErrorCode::BranchCheckedOut`].
    #[error("cannot check out branch {branch} for {task_key}: it is checked out at {}", path.display())]
    BranchCheckedOut { task_key: TaskKey, branch: String, path: PathBuf },
    /// See [`ErrorCode::BranchCheckedOut`]: by a task of another okstra home; `place` is its worktree and its task-key.
    #[error(
        "cannot check out branch {branch} for {task_key}: it is checked out at {}, the worktree of {} in another okstra home",
        place.0.display(), place.1
    )]
    BranchOfOtherHome { task_key: TaskKey, branch: String, place: Box<(PathBuf, String)> },
    /// See [`ErrorCode::KeyExists`].
    #[error("cannot reserve {task_key}: it is active already, at {}", path.display())]
    KeyExists { task_key: TaskKey, path: PathBuf },
    /// See [`ErrorCode::NoCommits`].
    #[error("cannot start a worktree from {}: the repository has no commit yet", repository.display())]
    NoCommits { repository: PathBuf },
    /// See [`ErrorCode::HeadUnborn`].
    #[error("cannot start a worktree from the HEAD of {}: it names the branch {branch}, which does not exist", repository.display())]
    HeadUnborn { repository: PathBuf, branch: String, others: Vec<String> },
    /// See [`ErrorCode::HeadUnreadable`].
    #[error("cannot read {} of a repository: {reason}", path.display())]
    HeadUnreadable { path: PathBuf, reason: String },
    /// See [`ErrorCode::ObjectsMissing`].
    #[error("cannot start a worktree from {what} in {}: its commit {commit} is missing there", repository.display())]
    ObjectsMissing { repository: PathBuf, what: String, commit: String },
    /// See [`ErrorCode::BaseNotFound`].
    #[error("cannot find the base {base:?} in {}{}", repository.display(), if *shallow { ", which is a shallow clone" } else { "" })]
    BaseNotFound { base: String, repository: PathBuf, shallow: bool },
    /// See [`ErrorCode::GitFailed`].
    #[error("git {command} failed in {} ({status}): {stderr}", directory.display())]
    GitFailed { command: String, directory: PathBuf, status: String, stderr: String },
    /// See [`ErrorCode::GitTimeout`].
    #[error("git {command} in {} did not end within {seconds} s and was stopped", directory.display())]
    GitTimeout { command: String, directory: PathBuf, seconds: u64 },
    /// See [`ErrorCode::GitMissing`].
    #[error("cannot start git: no program of that name on PATH")]
    GitMissing,
    /// See [`ErrorCode::GitTooOld`].
    #[error("git {found} is too old: okstra needs {needed} or newer")]
    GitTooOld { found: String, needed: &'static str },
    /// See [`ErrorCode::DubiousOwnership`].
    #[error("git refuses {} because another user owns it: {message}", path.display())]
    DubiousOwnership { path: PathBuf, message: String },
    /// See [`ErrorCode::RepositoryGone`].
    #[error("the worktree {} belongs to the repository {}, which is not there", path.display(), repository.display())]
    RepositoryGone { path: PathBuf, repository: PathBuf },
    /// See [`ErrorCode::OtherId`].
    #[error("cannot take {:?} for the task {task_key}: that is the task of {:?}, another id that is spelt the same in paths and branches", asked.to_string(), recorded.to_string())]
    OtherId { task_key: TaskKey, asked: Box<Asked>, recorded: Box<Asked> },
    /// See [`ErrorCode::OtherProject`].
    #[error("{} cannot have the task {task_key}: it is of another project, in {}", path.display(), other.display())]
    OtherProject { task_key: TaskKey, path: PathBuf, other: PathBuf },
    /// See [`ErrorCode::WorktreeBroken`].
    #[error("the worktree {} is broken: {reason}", path.display())]
    WorktreeBroken { path: PathBuf, reason: String },
    /// Its row names a worktree that is somebody else's; see [`ErrorCode::WorktreeBroken`].
    #[error("the worktree {} that the registry names for {task_key} is not the task's: {reason}", path.display())]
    NotItsWorktree { task_key: TaskKey, path: PathBuf, reason: String },
    /// See [`ErrorCode::WorktreeRemoved`].
    #[error("the worktree of {task_key} was removed at {at}, and the directory {} is what lies of it in the trash", path.display())]
    WorktreeRemoved { path: PathBuf, task_key: String, at: String },
    /// See [`ErrorCode::UnsafeHome`].
    #[error("will not use the okstra home {}: {reason}", path.display())]
    UnsafeHome { path: PathBuf, reason: String },
    /// See [`ErrorCode::UnsafeHome`].
    #[error("will not use {}: it is a link or a file, and okstra keeps, moves and deletes only in directories of its own", path.display())]
    LinkedPlace { path: PathBuf },
    /// See [`ErrorCode::LockTimeout`].
    #[error("waited {waited_ms} ms for the lock of {what} ({}), {}", path.display(), holders(holder.as_ref()))]
    LockTimeout { what: String, path: PathBuf, waited_ms: u64, holder: Option<Holder> },
    /// See [`ErrorCode::RegistryCorrupt`].
    #[error("cannot read the registry {}: {reason}", path.display())]
    RegistryCorrupt { path: PathBuf, reason: String },
    /// See [`ErrorCode::WouldLoseWork`].
    #[error("will not remove the worktree of {task_key} at {}: {}", path.display(), told(obstacles))]
    WouldLoseWork { task_key: TaskKey, path: PathBuf, obstacles: Vec<Obstacle> },
    /// See [`ErrorCode::NotInTrash`].
    #[error("cannot restore {task_key}: {reason}")]
    NotInTrash { task_key: TaskKey, reason: String },
    /// See [`ErrorCode::Io`].
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    /// What went wrong after something had been begun that can only be finished; its code is that of the cause.
    #[error("{cause}; what was begun stands")]
    Begun { cause: Box<Error>, command: String },
    /// See [`ErrorCode::Aborted`].
    #[error("{what} was aborted")]
    Aborted { what: String },
    /// See [`ErrorCode::Internal`].
    #[error("a bug in okstra: {message}")]
    Internal { message: String },
}

fn blocker(blocking: &str, branch: &str) -> String {
    if blocking == branch {
        String::new()
    } else {
        format!(" as {blocking}, which git cannot keep beside it,")
    }
}

fn told(obstacles: &[Obstacle]) -> String {
    let details: Vec<&str> = obstacles.iter().map(|obstacle| obstacle.detail.as_str()).collect();
    details.join("; ")
}

fn holders(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "whose holder could not be found".to_owned(), |holder| format!("held by {holder}"))
}

impl Error {
    /// A value from outside that is not allowed.
    pub fn invalid(what: &'static str, value: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidArgument { what, value: value.into(), reason: reason.into() }
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidArgument { .. } => ErrorCode::InvalidArgument,
            Self::RootNotFound { .. } => ErrorCode::RootNotFound,
            Self::NoRepository { .. } => ErrorCode::NoRepository,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::PathExists { .. } => ErrorCode::PathExists,
            Self::BranchExists { .. } => ErrorCode::BranchExists,
            Self::BranchOwned { .. } => ErrorCode::BranchOwned,
            Self::BranchCheckedOut { .. } | Self::BranchOfOtherHome { .. } => ErrorCode::BranchCheckedOut,
            Self::KeyExists { .. } => ErrorCode::KeyExists,
            Self::NoCommits { .. } => ErrorCode::NoCommits,
            Self::HeadUnborn { .. } => ErrorCode::HeadUnborn,
            Self::HeadUnreadable { .. } => ErrorCode::HeadUnreadable,
            Self::ObjectsMissing { .. } => ErrorCode::ObjectsMissing,
            Self::BaseNotFound { .. } => ErrorCode::BaseNotFound,
            Self::GitFailed { .. } => ErrorCode::GitFailed,
            Self::GitTimeout { .. } => ErrorCode::GitTimeout,
            Self::GitMissing => ErrorCode::GitMissing,
            Self::GitTooOld { .. } => ErrorCode::GitTooOld,
            Self::DubiousOwnership { .. } => ErrorCode::DubiousOwnership,
            Self::RepositoryGone { .. } => ErrorCode::RepositoryGone,
            Self::OtherId { .. } => ErrorCode::OtherId,
            Self::OtherProject { .. } => ErrorCode::OtherProject,
            Self::WorktreeBroken { .. } | Self::NotItsWorktree { .. } => ErrorCode::WorktreeBroken,
            Self::WorktreeRemoved { .. } => ErrorCode::WorktreeRemoved,
            Self::UnsafeHome { .. } | Self::LinkedPlace { .. } => ErrorCode::UnsafeHome,
            Self::LockTimeout { .. } => ErrorCode::LockTimeout,
            Self::RegistryCorrupt { .. } => ErrorCode::RegistryCorrupt,
            Self::WouldLoseWork { .. } => ErrorCode::WouldLoseWork,
            Self::NotInTrash { .. } => ErrorCode::NotInTrash,
            Self::Io { .. } => ErrorCode::Io,
            Self::Begun { cause, .. } => cause.code(),
            Self::Aborted { .. } => ErrorCode::Aborted,
            Self::Internal { .. } => ErrorCode::Internal,
        }
    }

    /// One sentence that says what to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::InvalidArgument { what, .. } => format!("Give another {what}."),
            Self::RootNotFound { .. } => "Name a directory of the project's repository.".into(),
            Self::NoRepository { .. } => {
                "Name a directory of a git repository (`--root`, `projectRoot`), or work in one.".into()
            }
            Self::NotFound { .. } => "See `okstra list` for the tasks there are.".into(),
            Self::PathExists { path, .. } => {
                format!("Look at {} and move it away, then try again.", path.display())
            }
            Self::BranchExists { blocking, .. } => format!(
                "Rename or delete it (`git branch -m {blocking} <new name>`), or use another task id or category."
            ),
            Self::BranchOwned { owner, .. } => {
                format!(
                    "Use another task id or category, or take {owner} away with its branch (`okstra remove {owner} --delete-branch`)."
                )
            }
            Self::BranchOfOtherHome { branch, place, .. } => format!(
                "Use another task id or category; or have whoever has {} remove it there, then rename branch {branch}.",
                place.1
            ),
            Self::BranchCheckedOut { path, branch, .. } => {
                format!("Switch {} to another branch than {branch}, then try again.", path.display())
            }
            Self::KeyExists { task_key, .. } => {
                format!("Use the worktree it has (`okstra path {task_key}`), or release it first.")
            }
            Self::NoCommits { .. } => "Make a first commit, then try again.".into(),
            Self::HeadUnborn { branch, others, .. } => format!(
                "Name a base that exists (`--base {}`, `baseRef`; there are {}), or make a first commit on {branch}.",
                shell::word(others.first().map_or("", String::as_str)),
                others.join(", ")
            ),
            Self::HeadUnreadable { path, .. } if path.ends_with("HEAD") => format!(
                "Write it anew with the branch that was checked out, say `echo 'ref: refs/heads/main' > {}`, then try again.",
                shell::path(path)
            ),
            Self::HeadUnreadable { path, .. } => format!(
                "Move {} away; then make the branch anew at the last commit that its log names, or name another base (`--base`, `baseRef`).",
                shell::path(path)
            ),
            Self::ObjectsMissing { repository, .. } => format!(
                "Bring it back (`git -C {} fetch --refetch` gets all that a remote has), or name a base that is whole (`--base`, `baseRef`).",
                shell::path(repository)
            ),
            Self::BaseNotFound { shallow: true, .. } => {
                "Fetch more history (`git fetch --deepen=<n>`) or name another base.".into()
            }
            Self::BaseNotFound { .. } => "Name an existing branch, tag or commit, or fetch it first.".into(),
            Self::GitFailed { directory, stderr, .. }
                if ["No space left on device", "Disk quota exceeded"].iter().any(|said| stderr.contains(said)) =>
            {
                format!(
                    "Free some space on the disk of {}, then try again: nothing of this attempt is in the way.",
                    directory.display()
                )
            }
            Self::GitFailed { .. } => "Mend what git's message names, then try again: nothing of this attempt is in the way.".into(),
            Self::GitTimeout { .. } => {
                "Find out what git waits for (a filter, a hook, the network), or allow more time with OKSTRA_GIT_TIMEOUT (seconds).".into()
            }
            Self::GitMissing => "Install git 2.36 or newer and see that PATH names it.".into(),
            Self::GitTooOld { needed, .. } => format!("Install git {needed} or newer."),
            Self::DubiousOwnership { .. } => {
                "If you trust the repository, add it to git's safe.directory as git's message says.".into()
            }
            Self::RepositoryGone { repository, .. } => format!(
                "If it was moved, run `okstra doctor --fix` in its new place; else bring {} back.",
                repository.display()
            ),
            Self::OtherId { recorded, .. } => format!(
                "If it is that task, name it as it was first asked for ({:?}); else give the new one an id that differs in more than its signs.",
                recorded.to_string()
            ),
            Self::OtherProject { task_key, path, .. } => {
                let file = path.join(".project-docs/okstra/project.json");
                let more = if file.exists() { " --change-id" } else { "" };
                format!(
                    "Give the project in {} an id of its own (`okstra setup --project-id NAME{more}` there) and ask for {}/{} in it.",
                    path.display(),
                    task_key.group(),
                    task_key.task()
                )
            }
            Self::WorktreeBroken { path, .. } => {
                format!("Run `okstra doctor --fix`, or look at {}, move it away and try again.", path.display())
            }
            Self::NotItsWorktree { path, .. } => format!(
                "Leave {} to whose it is; `okstra doctor` says what is known about the task's own.",
                path.display()
            ),
            Self::WorktreeRemoved { task_key, .. } => {
                format!("Bring it back with `okstra restore {task_key}`, or leave this directory and try again.")
            }
            Self::UnsafeHome { .. } => {
                "Own the directory and take write access from others (`chmod go-w`), or set OKSTRA_HOME to another place.".into()
            }
            Self::LinkedPlace { path } => format!(
                "Move {} away (what it leads to stays where it is) and try again: okstra makes a directory of its own there. The okstra home itself, or its worktrees directory, may be a link to another disk.",
                path.display()
            ),
            Self::LockTimeout { .. } => "Wait for the holder to end, end it, or allow more time.".into(),
            Self::RegistryCorrupt { path, .. } => {
                format!("Look at {} and put a regular file there or move it away; nothing was changed.", path.display())
            }
            Self::WouldLoseWork { obstacles, .. } => {
                let flags: Vec<_> = obstacles.iter().filter_map(|obstacle| obstacle.kind.flag()).collect();
                if flags.len() < obstacles.len() {
                    "Move away or end what nothing allows to be removed, then try again; nothing was changed.".into()
                } else {
                    format!("Commit or save what matters, or allow it: {}. Nothing was changed.", flags.join(" "))
                }
            }
            Self::NotInTrash { .. } => "See `okstra restore --list` for what the trash holds.".into(),
            Self::Io { path, .. } if self.is_no_space() => {
                format!("Free some space on the disk of {}, then try again.", path.display())
            }
            Self::Io { .. } => "See that the place exists, is writable and has free space, then try again.".into(),
            Self::Begun { command, .. } => {
                format!("Mend what the message names, then run `{command}`: it finishes what was begun. Nothing is lost.")
            }
            Self::Aborted { .. } => "Try again when you want it: nothing of this attempt is in the way.".into(),
            Self::Internal { .. } => "Please report this with the command that led to it.".into(),
        }
    }

    /// This error, of something that was begun, could not be taken back, and is finished by `command`.
    #[must_use]
    pub fn begun(self, command: String) -> Self {
        match self {
            begun @ Self::Begun { .. } => begun,
            cause => Self::Begun { cause: Box::new(cause), command },
        }
    }

    /// Whether what was begun stands.
    #[must_use]
    pub const fn is_begun(&self) -> bool {
        matches!(self, Self::Begun { .. })
    }

    /// Whether there was no room left on the disk.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        match self {
            Self::Begun { cause, .. } => cause.is_no_space(),
            Self::Io { source, .. } => matches!(source.kind(), StorageFull | QuotaExceeded),
            _ => false,
        }
    }

    /// The path that the error is about, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::RootNotFound { path }
            | Self::NoRepository { path }
            | Self::PathExists { path, .. }
            | Self::BranchCheckedOut { path, .. }
            | Self::KeyExists { path, .. }
            | Self::DubiousOwnership { path, .. }
            | Self::RepositoryGone { path, .. }
            | Self::OtherProject { path, .. }
            | Self::WorktreeBroken { path, .. }
            | Self::WorktreeRemoved { path, .. }
            | Self::NotItsWorktree { path, .. }
            | Self::WouldLoseWork { path, .. }
            | Self::UnsafeHome { path, .. }
            | Self::LinkedPlace { path }
            | Self::LockTimeout { path, .. }
            | Self::RegistryCorrupt { path, .. }
            | Self::Io { path, .. } => Some(path),
            Self::BranchOfOtherHome { place, .. } => Some(&place.0),
            Self::NoCommits { repository }
            | Self::HeadUnborn { repository, .. }
            | Self::ObjectsMissing { repository, .. }
            | Self::BaseNotFound { repository, .. } => Some(repository),
            Self::HeadUnreadable { path, .. } => Some(path),
            Self::GitFailed { directory, .. } | Self::GitTimeout { directory, .. } => Some(directory),
            Self::Begun { cause, .. } => cause.path(),
            _ => None,
        }
    }

    /// The branch that the error is about, where there is one.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        match self {
            Self::BranchExists { branch, .. }
            | Self::BranchOwned { branch, .. }
            | Self::BranchOfOtherHome { branch, .. }
            | Self::HeadUnborn { branch, .. }
            | Self::BranchCheckedOut { branch, .. } => Some(branch),
            _ => None,
        }
    }

    /// What stands in the way, where that is the error.
    #[must_use]
    pub fn obstacles(&self) -> &[Obstacle] {
        if let Self::WouldLoseWork { obstacles, .. } = self { obstacles } else { &[] }
    }

    /// The task-key that the error is about, where there is one.
    #[must_use]
    pub const fn task_key(&self) -> Option<&TaskKey> {
        match self {
            Self::NotFound { task_key }
            | Self::PathExists { task_key, .. }
            | Self::BranchExists { task_key, .. }
            | Self::BranchOwned { task_key, .. }
            | Self::BranchCheckedOut { task_key, .. }
            | Self::BranchOfOtherHome { task_key, .. }
            | Self::KeyExists { task_key, .. }
            | Self::OtherId { task_key, .. }
            | Self::OtherProject { task_key, .. }
            | Self::WouldLoseWork { task_key, .. }
            | Self::NotItsWorktree { task_key, .. }
            | Self::NotInTrash { task_key, .. } => Some(task_key),
            _ => None,
        }
    }
}

/// Adds what was attempted, and on which path, to an [`io::Error`].
pub trait IoContext<T> {
    /// Turns the error into [`Error::Io`].
    fn context(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn context(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(|source| Error::Io { action, path: path.into(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    #[test]
    fn every_code_is_documented_and_no_other() {
        let page = include_str!("../docs/errors.md");
        let rows: Vec<&str> =
            page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(rows, codes);
    }
}
