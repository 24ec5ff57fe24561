//! What is not committed in one worktree, as `git status` tells it.

mod filtered;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::candid::{Look, Question};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::git::repository::path_of;

/// What is not committed in a worktree. Paths are relative to its root; okstra's own links are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkStatus {
    /// The full id of the commit that is checked out; `None` before the first commit.
    pub commit: Option<String>,
    /// The branch that is checked out; `None`: a detached `HEAD`.
    pub branch: Option<String>,
    /// Paths whose content in the index is not that of `HEAD`.
    pub staged: Vec<PathBuf>,
    /// Tracked paths whose content on disk is not that of the index; a path may be in both lists.
    pub unstaged: Vec<PathBuf>,
    /// Paths with an unresolved conflict.
    pub conflicted: Vec<PathBuf>,
    /// Files that git does not know; a repository within the worktree is one path, its directory.
    pub untracked: Vec<PathBuf>,
    /// What git ignores: a directory that a pattern matches is one path, else each file is.
    pub ignored: Vec<PathBuf>,
    /// Submodules with something of their own.
    pub submodules: Vec<SubmoduleChange>,
    /// Those of `unstaged` that git was told not to look at: a person's `git status` does not show them.
    pub hidden: Vec<PathBuf>,
}

/// What is not committed in a submodule, or not recorded by its superproject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmoduleChange {
    /// Its path.
    pub path: PathBuf,
    /// Another commit is checked out than the index names.
    pub commit: bool,
    /// Tracked files were changed.
    pub modified: bool,
    /// There are untracked files.
    pub untracked: bool,
}

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything but ignored files: what a table shows.
    Changes,
    /// Ignored files too. Costs a walk of every ignored directory that no pattern names as a whole.
    Ignored,
    /// What must be known before something is removed: ignored files, and the content of files whose stat data proves
    /// nothing.
    Everything,
    /// The same without running a filter: what may be proposed, and is looked at again before it is done.
    Proposed,
}

impl WorkStatus {
    /// Whether everything but ignored files is committed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.staged.is_empty()
            && self.unstaged.is_empty()
            && self.conflicted.is_empty()
            && self.untracked.is_empty()
            && self.submodules.is_empty()
    }

    /// How many paths differ from what is committed, each counted once; ignored ones do not count.
    #[must_use]
    pub fn changes(&self) -> usize {
        let tracked: std::collections::BTreeSet<&PathBuf> =
            self.staged.iter().chain(&self.unstaged).chain(&self.conflicted).collect();
        tracked.len() + self.untracked.len()
    }
}

/// Asks git. `links` are okstra's own links in this worktree (see [`super::links`]).
///
/// Nothing is hidden from the answer, see [`super::candid`]; no lock is taken and the index is not written. Filters run only
/// at [`Depth::Everything`]: else a file that passes through one counts as changed as soon as its stat data is not that of
/// the index.
pub fn ask(worktree: &Path, depth: Depth, links: &[PathBuf], cancel: &Cancel) -> Result<WorkStatus> {
    let closely = matches!(depth, Depth::Everything | Depth::Proposed);
    let look = if closely { Look::Closely } else { Look::AsGit };
    let question = Question::about(worktree, look, cancel)?;
    let question = if depth == Depth::Everything { question } else { question.without_filters() };
    let mut git = question.git().args([
        "status",
        "--porcelain=v2",
        "-z",
        "--branch",
        "--no-ahead-behind",
        "--no-renames",
        "--untracked-files=all",
        "--ignore-submodules=none",
    ]);
    if depth != Depth::Changes {
        git = git.args(["--ignored=matching"]);
    }
    let output = git.cancel(cancel).read()?;
    let mut status = parse(&output).ok_or_else(|| Error::Internal {
        message: format!("git status in {} answered in another form than expected", worktree.display()),
    })?;
    if depth != Depth::Everything {
        filtered::leave_out_unchanged(worktree, &mut status.unstaged, cancel)?;
    }
    let hidden = question.hidden();
    let untold: HashSet<PathBuf> =
        hidden.assumed.iter().chain(&hidden.skipped).map(|path| path_of(path)).collect();
    status.hidden = status.unstaged.iter().filter(|path| untold.contains(*path)).cloned().collect();
    let ours = |path: &PathBuf| links.iter().any(|link| link == path);
    status.untracked.retain(|path| !ours(path));
    status.ignored.retain(|path| !ours(path));
    Ok(status)
}

/// Reads `git status --porcelain=v2 -z --branch`; `None` when it is anything else, also when it was cut.
fn parse(output: &[u8]) -> Option<WorkStatus> {
    let mut status = WorkStatus::default();
    let mut seen_commit = false;
    let mut records = output.strip_suffix(b"\0")?.split(|byte| *byte == 0);
    while let Some(record) = records.next() {
        let (kind, rest) = record.split_at_checked(2)?;
        match kind {
            b"# " => seen_commit |= header(&mut status, rest),
            b"1 " => tracked(&mut status, rest, 8)?,
            // Renames are switched off; git may still tell of one for an entry with intent to add.
            b"2 " => {
                tracked(&mut status, rest, 9)?;
                records.next()?;
            }
            b"u " => status.conflicted.push(fields(rest, 10)?.1),
            b"? " => status.untracked.push(trimmed(rest)),
            b"! " => status.ignored.push(trimmed(rest)),
            _ => return None,
        }
    }
    seen_commit.then_some(status)
}

fn header(status: &mut WorkStatus, line: &[u8]) -> bool {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if let Some(commit) = line.strip_prefix(b"branch.oid ") {
        status.commit = Some(text(commit)).filter(|commit| commit != "(initial)");
        return true;
    }
    if let Some(branch) = line.strip_prefix(b"branch.head ") {
        status.branch = Some(text(branch)).filter(|branch| branch != "(detached)");
    }
    false
}

/// `<XY> <sub> ...`, with the path as the last of `count` fields.
fn tracked(status: &mut WorkStatus, rest: &[u8], count: usize) -> Option<()> {
    let (fields, path) = fields(rest, count)?;
    let [index, tree] = fields.first()?[..] else { return None };
    let [kind, commit, modified, untracked] = fields.get(1)?[..] else { return None };
    if index != b'.' {
        status.staged.push(path.clone());
    }
    if kind == b'S' && (commit, modified, untracked) != (b'.', b'.', b'.') {
        status.submodules.push(SubmoduleChange {
            path: path.clone(),
            commit: commit == b'C',
            modified: modified == b'M',
            untracked: untracked == b'U',
        });
    }
    if tree != b'.' {
        status.unstaged.push(path);
    }
    Some(())
}

/// The fields before the last one, and the last one, which may hold spaces, as a path.
fn fields(rest: &[u8], count: usize) -> Option<(Vec<&[u8]>, PathBuf)> {
    let mut fields: Vec<&[u8]> = rest.splitn(count, |byte| *byte == b' ').collect();
    let path = (fields.len() == count).then(|| fields.pop()).flatten()?;
    Some((fields, path_of(path)))
}

/// A path without the slash that git puts behind a directory.
fn trimmed(path: &[u8]) -> PathBuf {
    path_of(path.strip_suffix(b"/").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn every_kind_of_record_is_read() {
        let text = b"# branch.oid 1234\0# branch.head fix-1\0\
            1 M. N... 100644 100644 100644 aa bb staged file\0\
            1 .M N... 100644 100644 100644 aa bb changed\nwith newline\0\
            1 .M S.MU 160000 160000 160000 aa bb sub\0\
            2 R. N... 100644 100644 100644 aa bb R100 new\0old\0\
            u UU N... 100644 100644 100644 100644 aa bb cc both\0\
            ? loose\0? nested/\0! target/\0! a b\0";
        let status = parse(text).unwrap();
        assert_eq!((status.commit.as_deref(), status.branch.as_deref()), (Some("1234"), Some("fix-1")));
        assert_eq!(status.staged, paths(&["staged file", "new"]));
        assert_eq!(status.unstaged, paths(&["changed\nwith newline", "sub"]));
        assert_eq!(status.conflicted, paths(&["both"]));
        assert_eq!(status.untracked, paths(&["loose", "nested"]));
        assert_eq!(status.ignored, paths(&["target", "a b"]));
        let sub = SubmoduleChange { path: "sub".into(), commit: false, modified: true, untracked: true };
        assert_eq!(status.submodules, [sub]);
        assert_eq!(status.changes(), 7);
    }

    #[test]
    fn nothing_and_what_was_cut_are_no_answer() {
        for text in [&b""[..], b"# branch.oid 12\0? cu", b"? only\0", b"x what\0", b"1 M. N... short\0"] {
            assert_eq!(parse(text), None, "{}", String::from_utf8_lossy(text));
        }
    }
}
