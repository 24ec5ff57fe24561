//! What stands in the way of a removal: told with the flag that would allow it.

/// One kind of thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What it is.
    pub kind: ObstacleKind,
    /// One sentence about it, without examples.
    pub detail: String,
    /// How many there are.
    pub count: u64,
    /// The first of them, as text for a person.
    pub examples: Vec<String>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $flag:expr,)*) => {
        /// The kinds of things that stand in the way of a removal. The list only grows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ObstacleKind {
            $($(#[$doc])* $variant,)*
        }

        impl ObstacleKind {
            /// Every kind, in the order in which they are told.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The text that JavaScript sees.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The option of the command line that allows it; `None`: nothing does.
            #[must_use]
            pub const fn flag(self) -> Option<&'static str> {
                match self { $(Self::$variant => $flag,)* }
            }
        }
    };
}

kinds! {
    /// Tracked files with changes that are not committed, staged or not, conflicts included.
    Uncommitted = "uncommitted", Some("--discard-changes"),
    /// Files that git does not know and does not ignore.
    Untracked = "untracked", Some("--discard-untracked"),
    /// Ignored files that no cache or build made: settings, secrets, notes.
    Ignored = "ignored", Some("--discard-ignored"),
    /// A merge, rebase, cherry-pick, revert, bisect or the like that is not finished.
    Operation = "operation", Some("--discard-operation"),
    /// A detached `HEAD` with commits that are on no branch, tag or remote.
    Detached = "detached", Some("--discard-detached"),
    /// Refs of this worktree alone (`refs/worktree/`) whose commits are on no branch, tag or remote.
    Refs = "refs", Some("--discard-refs"),
    /// Stashes that were made in this worktree. They stay in the repository, but what they hold is its work.
    Stashes = "stashes", Some("--ignore-stashes"),
    /// Submodules that are checked out: their repositories lie inside the worktree's own git data.
    Submodules = "submodules", Some("--discard-submodules"),
    /// The branch that is to be deleted has commits that are on no other branch, tag or remote.
    Unmerged = "unmerged", Some("--discard-commits"),
    /// Processes that run inside.
    Processes = "processes", Some("--ignore-processes"),
    /// The worktree is locked with `git worktree lock`.
    Locked = "locked", Some("--ignore-lock"),
    /// The branch that is to be deleted is checked out elsewhere too.
    BranchInUse = "branch-in-use", None,
    /// Other tasks and worktrees whose git data lies in what would be moved.
    Residents = "residents", None,
    /// Repositories or worktrees inside.
    Nested = "nested", None,
    /// The directory, or git's data of it, cannot be moved: the rights or flags of it or of the directory above.
    Unmovable = "unmovable", None,
    /// Something is mounted inside.
    Mount = "mount", None,
    /// Directories inside that cannot be looked into.
    Unreadable = "unreadable", None,
}

impl Obstacle {
    /// Names as many examples as a person reads.
    #[must_use]
    pub fn new(kind: ObstacleKind, detail: impl Into<String>, all: &[String]) -> Self {
        let examples = all.iter().take(5).cloned().collect();
        Self { kind, detail: detail.into(), count: all.len() as u64, examples }
    }
}
