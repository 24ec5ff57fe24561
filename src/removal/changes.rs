//! What differs from the last commit, with the modes and object ids that a snapshot needs.

use std::path::Path;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::git::Git;
use crate::git::index::candid::Hidden;
use crate::lock::TaskLock;
use crate::survey::candid::{Look, Question};

/// A mode and an object, as git spells both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    /// `100644`, `100755`, `120000`, `160000`.
    pub mode: String,
    /// The object id.
    pub id: String,
}

/// One path that differs from the last commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The path, as git has it: bytes.
    pub path: Vec<u8>,
    /// What the index has, when that differs from `HEAD`; `Some(None)`: the path is not in the index any more.
    pub staged: Option<Option<Object>>,
    /// Whether the file on disk differs from the index.
    pub on_disk: bool,
    /// The sides of an unresolved conflict, with their stage numbers; else empty.
    pub sides: Vec<(u8, Object)>,
    /// Whether it is a submodule.
    pub submodule: bool,
    /// Whether the index only says that it will be added (`git add -N`), which counts on the empty blob.
    pub intended: bool,
}

/// Everything that differs from the last commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Tracked paths.
    pub tracked: Vec<Change>,
    /// Files that git does not know and does not ignore.
    pub untracked: Vec<Vec<u8>>,
    /// Files that git was told not to look at.
    pub hidden: Hidden,
}

/// Asks git, in the way that lets nothing be hidden.
pub(super) fn of(worktree: &Path, lock: &TaskLock, cancel: &Cancel) -> Result<Changes> {
    let question = Question::about(worktree, Look::Closely, cancel)?;
    let output = question
        .git()
        .args(["status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=all"])
        .args(["--ignore-submodules=none", "--no-ahead-behind"])
        .holding(lock)
        .cancel(cancel)
        .read()?;
    let mut changes = parse(&output).ok_or_else(|| Error::Internal {
        message: format!("git status in {} answered in another form than expected", worktree.display()),
    })?;
    changes.hidden = question.hidden().clone();
    Ok(changes)
}

/// What the index of a worktree has that `HEAD` has not, when the directory itself is gone.
pub(super) fn of_index(common_dir: &Path, admin: &Path, head: Option<&str>) -> Result<Changes> {
    let git = || Git::new(common_dir).git_dir(Some(admin));
    let Some(head) = head else { return Ok(Changes::default()) };
    let listed = git().args(["diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", head]);
    let listed = listed.looks_only().read()?;
    let mut changes = Changes::default();
    let mut records = listed.split(|byte| *byte == 0);
    while let (Some(header), Some(path)) = (records.next(), records.next()) {
        let words: Vec<String> = header
            .split(|byte| *byte == b' ')
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        let [_, mode, _, id, _] = &words[..] else { continue };
        let object = (mode != "000000").then(|| Object { mode: mode.clone(), id: id.clone() });
        changes.tracked.push(Change {
            path: path.to_vec(),
            staged: Some(object),
            on_disk: false,
            sides: Vec::new(),
            submodule: mode == "160000",
            intended: false,
        });
    }
    let unmerged = git().args(["ls-files", "--unmerged", "-z"]).looks_only().read()?;
    for line in unmerged.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { continue };
        let words: Vec<String> = line[..tab]
            .split(|byte| *byte == b' ')
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        let [mode, id, stage] = &words[..] else { continue };
        let Ok(stage) = stage.parse() else { continue };
        let side = (stage, Object { mode: mode.clone(), id: id.clone() });
        if let Some(change) = changes.tracked.iter_mut().find(|change| change.path == line[tab + 1..]) {
            change.staged = Some(None);
            change.sides.push(side);
        }
    }
    Ok(changes)
}

fn parse(output: &[u8]) -> Option<Changes> {
    let mut changes = Changes::default();
    let mut records = output.split(|byte| *byte == 0);
    while let Some(record) = records.next() {
        match record.get(..2) {
            Some(b"1 ") => changes.tracked.push(ordinary(&record[2..], 8)?),
            Some(b"2 ") => {
                changes.tracked.push(ordinary(&record[2..], 9)?);
                records.next()?;
            }
            Some(b"u ") => changes.tracked.push(unmerged(&record[2..])?),
            // A directory is a repository within; it never comes to a snapshot of one.
            Some(b"? ") if !record.ends_with(b"/") => changes.untracked.push(record[2..].to_vec()),
            Some(b"? " | b"# ") => {}
            _ if record.is_empty() => {}
            _ => return None,
        }
    }
    Some(changes)
}

/// `<XY> <sub> <mH> <mI> <mW> <hH> <hI> [<score>] <path>`.
fn ordinary(rest: &[u8], fields: usize) -> Option<Change> {
    let parts: Vec<&[u8]> = rest.splitn(fields, |byte| *byte == b' ').collect();
    let text = |index: usize| std::str::from_utf8(parts.get(index)?).ok();
    let (states, index_mode, index_id) = (text(0)?.as_bytes(), text(3)?, text(6)?);
    // An entry with intent to add is no content of the index yet.
    let staged = (states.first() != Some(&b'.')).then(|| {
        (index_mode != "000000").then(|| Object { mode: index_mode.to_owned(), id: index_id.to_owned() })
    });
    Some(Change {
        path: parts.get(fields - 1)?.to_vec(),
        staged,
        on_disk: states.get(1) != Some(&b'.'),
        sides: Vec::new(),
        submodule: text(1)?.starts_with('S'),
        intended: states.get(1) == Some(&b'A'),
    })
}

/// `<XY> <sub> <m1> <m2> <m3> <mW> <h1> <h2> <h3> <path>`.
fn unmerged(rest: &[u8]) -> Option<Change> {
    let parts: Vec<&[u8]> = rest.splitn(10, |byte| *byte == b' ').collect();
    let text = |index: usize| std::str::from_utf8(parts.get(index)?).ok();
    let mut sides = Vec::new();
    for stage in 1..=3_u8 {
        let (mode, id) = (text(1 + usize::from(stage))?, text(5 + usize::from(stage))?);
        if mode != "000000" {
            sides.push((stage, Object { mode: mode.to_owned(), id: id.to_owned() }));
        }
    }
    Some(Change {
        path: parts.get(9)?.to_vec(),
        staged: Some(None),
        on_disk: true,
        sides,
        submodule: text(1)?.starts_with('S'),
        intended: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_records_of_git_are_read_with_their_modes_and_sides() {
        let zero = "0".repeat(40);
        let (one, two) = ("1".repeat(40), "2".repeat(40));
        let text = format!(
            "1 M. N... 100644 100755 100755 {one} {two} a b\n\0\
             1 .M N... 100644 100644 100644 {one} {one} w\0\
             1 D. N... 100644 000000 000000 {one} {zero} gone\0\
             u UD N... 100644 100644 000000 100644 {one} {two} {zero} c\0\
             ? new\0? repository/\0"
        );
        let changes = parse(text.as_bytes()).unwrap();
        let staged: Vec<_> = changes.tracked.iter().map(|change| change.staged.is_some()).collect();
        assert_eq!(staged, [true, false, true, true]);
        assert_eq!(changes.tracked[0].path, b"a b\n");
        assert_eq!(changes.tracked[2].staged, Some(None));
        let sides: Vec<_> = changes.tracked[3].sides.iter().map(|(stage, _)| *stage).collect();
        assert_eq!(sides, [1, 2]);
        assert_eq!(changes.untracked, [b"new".to_vec()]);
        assert_eq!(parse(b"something else\0"), None);
    }
}
