//! What an answer tells beside its status: one full sentence for every answer, and remarks, each with a code that a
//! program can act on and a text for a person.

pub(super) mod base;
pub(super) mod behind;
pub(super) mod hooks;
pub(crate) mod standing;

use std::fmt::Write;

use super::share::Unlinked;
use super::{Provision, Status};
use crate::registry::Entry;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What a remark is about. The list is closed for a version: it only grows, and no code changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum RemarkCode {
            $($(#[$doc])* $variant,)*
        }

        impl RemarkCode {
            /// Every code, in the order in which the documentation lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The text that JavaScript sees as `code`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// The worktree is on another branch than the task's.
    OtherBranch = "other-branch",
    /// The worktree's `HEAD` is detached.
    Detached = "detached",
    /// The task's branch was renamed, and the task went with it.
    BranchRenamed = "branch-renamed",
    /// The task's branch is not there any more.
    BranchGone = "branch-gone",
    /// git is in the middle of something in the worktree.
    Operation = "operation",
    /// A remote has a branch of the new branch's name.
    RemoteBranch = "remote-branch",
    /// The base is behind what it follows.
    BaseBehind = "base-behind",
    /// The name of the base has several meanings.
    BaseAmbiguous = "base-ambiguous",
    /// The base is the `HEAD` of a main worktree in which git is in the middle of something.
    BaseOperation = "base-operation",
    /// The base is a detached `HEAD`.
    BaseDetached = "base-detached",
    /// Hooks that run in the main worktree do not run in this one.
    HooksMissing = "hooks-missing",
    /// The post-checkout hook did not end well.
    HookFailed = "hook-failed",
    /// A shared file or directory is not linked.
    NotLinked = "not-linked",
    /// Submodules are empty.
    Submodules = "submodules",
    /// An earlier run had died.
    Recovered = "recovered",
    /// A worktree of this task that was removed lies in the trash.
    InTrash = "in-trash",
    /// The worktree belongs to another repository.
    OtherRepository = "other-repository",
    /// It was asked for in the worktree of another task.
    OtherTask = "other-task",
    /// The registry was damaged and is whole again.
    Registry = "registry",
}

/// One thing that a person should know and a program may act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What it is about.
    pub code: RemarkCode,
    /// A sentence, without a full stop.
    pub text: String,
    /// The branch, reference, path or operation that it is about, where it is about one.
    pub about: Option<String>,
    /// How many there are: commits that the base is behind, commits of a remote's branch.
    pub count: Option<u64>,
}

impl Remark {
    /// A remark that is a sentence alone.
    #[must_use]
    pub fn new(code: RemarkCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), about: None, count: None }
    }

    /// What it is about.
    #[must_use]
    pub fn about(mut self, name: impl Into<String>) -> Self {
        self.about = Some(name.into());
        self
    }

    /// How many there are.
    #[must_use]
    pub const fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }
}

impl Provision {
    /// The whole answer as one sentence: what happened, where, on which branch, from which base, for which phase; then what
    /// is linked and every remark, parted by semicolons. 0.12.0's callers copy it into their manifests.
    #[must_use]
    pub fn note(&self) -> String {
        std::iter::once(self.headline.clone()).chain(self.details()).collect::<Vec<_>>().join("; ")
    }

    /// What comes after the first part: what is linked, and every remark.
    pub(crate) fn details(&self) -> impl Iterator<Item = String> {
        let linked = (!self.linked.is_empty()).then(|| format!("linked {}", self.linked.join(", ")));
        linked.into_iter().chain(self.remarks.iter().map(|remark| remark.text.clone()))
    }

    /// Says what should be linked and is not.
    pub(super) fn remark_unlinked(&mut self, unlinked: Vec<Unlinked>) {
        self.remarks.extend(unlinked.into_iter().map(|Unlinked { name, reason }| {
            Remark::new(RemarkCode::NotLinked, format!("{name} is not linked: {reason}")).about(name)
        }));
    }

    /// Adds a remark.
    pub(super) fn remark(&mut self, code: RemarkCode, text: impl Into<String>) {
        self.remarks.push(Remark::new(code, text));
    }
}

/// The first part of the sentence for an answer with a worktree. `branch` is what is checked out; empty: no branch is.
pub(super) fn headline(status: Status, entry: &Entry, branch: &str, phase: &str) -> String {
    let mut said = format!("task worktree {} at {}", status.as_str(), entry.worktree_path.display());
    match branch {
        "" => said.push_str(" on a detached HEAD"),
        branch => drop(write!(said, " on branch {branch}")),
    }
    let base = short_id(&entry.base_ref);
    let phase = Some(phase.trim()).filter(|phase| !phase.is_empty());
    let _ = match (base, phase) {
        ("", None) => Ok(()),
        ("", Some(phase)) => write!(said, " (phase {phase})"),
        (base, None) => write!(said, " (base {base})"),
        (base, Some(phase)) => write!(said, " (base {base}; phase {phase})"),
    };
    said
}

/// A commit id as people read it.
pub(super) fn short_id(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::RemarkCode;

    #[test]
    fn every_code_is_documented_and_typed_and_no_other() {
        let codes: Vec<&str> = RemarkCode::ALL.iter().map(|code| code.as_str()).collect();
        let page = include_str!("../../docs/provisioning.md");
        let notes = page.split("## Notes").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
        let rows: Vec<&str> =
            notes.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert_eq!(rows, codes);
        let types = include_str!("../../index.d.ts");
        let union = codes.iter().map(|code| format!("'{code}'")).collect::<Vec<_>>().join(" | ");
        assert!(types.contains(&format!("code: {union}\n")), "{union}");
    }
}
