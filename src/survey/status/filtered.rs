//! Files that pass through a filter, where the filter is not run.
//!
//! git compares the content of a file when its stat data does not prove it unchanged. Without its clean filter a file that
//! the smudge filter wrote never is what the index names, so git calls it modified then, also right after a checkout, where
//! the index is of the same second as the files. Of such a file only the stat data is asked: all of it as in the index, to
//! the nanosecond, means unchanged. Anything else stays modified, as what may be work.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::Git;
use crate::git::index::candid::format_of;
use crate::git::index::{FileStat, Index};
use crate::git::repository::path_of;
use crate::git::worktree;

/// Takes those out of the paths that git calls modified only because their filter was not run.
pub(super) fn leave_out_unchanged(
    worktree: &Path,
    modified: &mut Vec<PathBuf>,
    cancel: &Cancel,
) -> Result<()> {
    if modified.is_empty() {
        return Ok(());
    }
    let filtered = passing_a_filter(worktree, modified, cancel)?;
    let Some(admin) = worktree::admin_dir_of(worktree).ok().flatten().filter(|_| !filtered.is_empty()) else {
        return Ok(());
    };
    let format = format_of(&worktree::common_dir_of(&admin).unwrap_or_else(|_| admin.clone()));
    let Some(index) = Index::read(&admin.join("index"), format)? else { return Ok(()) };
    let is_unchanged = |entry: &crate::git::index::Entry<'_>| {
        let path = path_of(entry.path());
        filtered.contains(&path)
            && stat(&worktree.join(path)).is_some_and(|found| index.may_be_unchanged(entry, &found))
    };
    let unchanged: Vec<PathBuf> =
        index.entries().filter(is_unchanged).map(|entry| path_of(entry.path())).collect();
    modified.retain(|path| !unchanged.contains(path));
    Ok(())
}

/// Those of the paths that a filter is named for.
fn passing_a_filter(worktree: &Path, paths: &[PathBuf], cancel: &Cancel) -> Result<Vec<PathBuf>> {
    let mut input = Vec::new();
    for path in paths {
        input.extend_from_slice(path.as_os_str().as_encoded_bytes());
        input.push(0);
    }
    let git = Git::new(worktree).args(["check-attr", "-z", "--stdin", "filter"]).looks_only();
    let output = git.input_bytes(input).cancel(cancel).read()?;
    let fields: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
    let named = |fields: &[&[u8]]| match fields {
        [path, _, value] if !matches!(*value, b"unspecified" | b"unset") => Some(path_of(path)),
        _ => None,
    };
    Ok(fields.chunks_exact(3).filter_map(named).collect())
}

#[cfg(unix)]
fn stat(path: &Path) -> Option<FileStat> {
    fs::symlink_metadata(path).ok().map(|found| FileStat::of(&found))
}

// Windows: git keeps other fields there, and the file stays what git calls it.
#[cfg(not(unix))]
fn stat(path: &Path) -> Option<FileStat> {
    let _ = fs::symlink_metadata(path);
    None
}
