//! What a check-up finds: one thing at a time, with what it means and what is done about it.

use std::path::PathBuf;

use crate::task::TaskKey;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// Stable names of everything that a check-up can find. The list only grows, and no code changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code, in the order in which the documentation lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The text that JavaScript sees.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// Everybody may write to a file or directory of the okstra home.
    HomePermissions = "home-permissions",
    /// A directory of the okstra home belongs to another user.
    HomeOwner = "home-owner",
    /// One of okstra's own directories is a link or a file.
    HomeLink = "home-link",
    /// The registry cannot be read as it is.
    RegistryDamaged = "registry-damaged",
    /// The registry is no file that can be opened.
    RegistryUnreadable = "registry-unreadable",
    /// A row of the registry cannot be used.
    RegistryRow = "registry-row",
    /// The plain map of branches does not say what the rows say.
    RegistryBranches = "registry-branches",
    /// A run of a task died before it was done.
    IntentDead = "intent-dead",
    /// A run of a task is alive.
    IntentBusy = "intent-busy",
    /// The record of a run cannot be read.
    IntentDamaged = "intent-damaged",
    /// A repository is not where the registry and the worktree say.
    RepositoryGone = "repository-gone",
    /// git, or the file system, refuses to tell about a repository.
    RepositoryUnusable = "repository-unusable",
    /// A repository was moved, and a worktree of it still names its old place.
    RepositoryMoved = "repository-moved",
    /// A setting of a repository or worktree contradicts everything else that is known of it.
    SettingWrong = "setting-wrong",
    /// A killed `git worktree add` left an empty `commondir`.
    CommondirTorn = "commondir-torn",
    /// Files of git's entry of a task are empty, as after a power cut.
    EntryTorn = "entry-torn",
    /// A killed `git worktree add` left a part of a worktree.
    EntryUnfinished = "entry-unfinished",
    /// A worktree is still locked by a run that is over.
    EntryLocked = "entry-locked",
    /// A rebuild of an administrative directory was killed.
    EntryStaging = "entry-staging",
    /// A lock file of git that nobody holds.
    GitLock = "git-lock",
    /// The directory of an active task is gone.
    WorktreeMissing = "worktree-missing",
    /// The directory of a task was moved without git's knowledge.
    WorktreeMoved = "worktree-moved",
    /// git has forgotten the worktree of a task.
    WorktreeForgotten = "worktree-forgotten",
    /// The `.git` file of a task's worktree is lost, and git's data of it is whole.
    DotGitLost = "dot-git-lost",
    /// What lies at a task's path is no worktree.
    WorktreeBroken = "worktree-broken",
    /// A worktree lost its index.
    IndexLost = "index-lost",
    /// The branch of a task is gone.
    BranchGone = "branch-gone",
    /// A task's worktree is on another branch.
    BranchOther = "branch-other",
    /// okstra's record in a worktree's administrative directory is missing.
    RecordLost = "record-lost",
    /// The worktree of an active task is not locked for it.
    LockMissing = "lock-missing",
    /// A worktree has okstra's record, and the registry has no row for it.
    RowLost = "row-lost",
    /// Something lies where worktrees lie, and no row names it.
    DirectoryUnknown = "directory-unknown",
    /// A link to a shared directory points nowhere.
    LinkBroken = "link-broken",
    /// The lines that hide the links from git are missing.
    ExcludeLost = "exclude-lost",
    /// Something among the spares that nobody can claim.
    SpareLeft = "spare-left",
    /// Things that earlier repairs moved aside.
    KeptAside = "kept-aside",
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is wrong; somebody may want to know.
    Note,
    /// It works, and will not for ever, or not for everybody.
    Warning,
    /// Something does not work.
    Error,
}

impl Severity {
    /// The text that JavaScript sees.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What became of it, or can become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// `--fix` mends it.
    Fixable,
    /// It was mended.
    Fixed,
    /// Only a person can decide what is right.
    Decide,
    /// Somebody may be at it now; looking again later tells.
    Wait,
    /// It was to be mended, and that failed.
    Failed(String),
}

impl Outcome {
    /// The text that JavaScript sees.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Fixable => "fixable",
            Self::Fixed => "fixed",
            Self::Decide => "decide",
            Self::Wait => "wait",
            Self::Failed(_) => "failed",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// The task that it is about, where there is one.
    pub task_key: Option<TaskKey>,
    /// The path that it is about, where there is one.
    pub path: Option<PathBuf>,
    /// One sentence: what was found.
    pub message: String,
    /// One sentence: what `--fix` does or did about it, or what a person can do.
    pub remedy: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl Finding {
    /// A finding of which only the task, the path and the remedy are missing.
    #[must_use]
    pub fn new(code: Code, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            task_key: None,
            path: None,
            message: message.into(),
            remedy: String::new(),
            outcome: Outcome::Decide,
        }
    }

    /// Names the path.
    #[must_use]
    pub fn at(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Names the task.
    #[must_use]
    pub fn of(mut self, key: &TaskKey) -> Self {
        self.task_key = Some(key.clone());
        self
    }

    /// Whether it is something that is wrong and still stands.
    #[must_use]
    pub fn remains(&self) -> bool {
        self.severity > Severity::Note && self.outcome != Outcome::Fixed
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn every_code_is_documented_and_no_other() {
        let page = include_str!("../../docs/doctor.md");
        let rows: Vec<&str> =
            page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(rows, codes);
    }
}
