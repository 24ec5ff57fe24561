//! The small files that tie a worktree and its entry, read as git reads them: `.git` in the worktree, `gitdir` and
//! `commondir` in the entry.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::git::repository::path_of;

/// What a `.git` file begins with.
const PREFIX: &[u8] = b"gitdir: ";

/// git takes line ends off the end of `.git` and `commondir`, of either kind and any number, and nothing else.
fn without_line_ends(mut content: &[u8]) -> &[u8] {
    while let Some((b'\n' | b'\r', rest)) = content.split_last() {
        content = rest;
    }
    content
}

/// The entry that the content of a `.git` file names, as it stands there.
pub(super) fn target(content: &[u8]) -> Option<PathBuf> {
    let target = without_line_ends(content.strip_prefix(PREFIX)?);
    // A power cut leaves zeros as well as nothing.
    (!target.is_empty() && !target.contains(&0)).then(|| path_of(target))
}

/// The entry (`<common>/worktrees/<id>`) that the `.git` file of a worktree names. `None` where there is no `.git` file,
/// or none that names anything.
pub fn admin_dir_of(worktree: &Path) -> io::Result<Option<PathBuf>> {
    let dot_git = worktree.join(".git");
    match fs::symlink_metadata(&dot_git) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    }
    Ok(target(&fs::read(&dot_git)?).map(|target| worktree.join(target)))
}

/// The common git directory, resolved, that an entry names.
pub fn common_dir_of(admin: &Path) -> io::Result<PathBuf> {
    let content = fs::read(admin.join("commondir"))?;
    let target = without_line_ends(&content);
    if target.is_empty() || target.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its commondir is empty"));
    }
    fs::canonicalize(admin.join(path_of(target)))
}

/// The directory of the worktree that an entry names, which need not exist; `None` where it says nothing.
#[must_use]
pub fn tree_of(admin: &Path) -> Option<PathBuf> {
    let content = fs::read(admin.join("gitdir")).ok()?;
    // Here git takes blanks off too.
    let target = content.trim_ascii_end();
    if target.is_empty() || target.contains(&0) {
        return None;
    }
    admin.join(path_of(target)).parent().map(Path::to_owned)
}

/// Whether a worktree directory is the one that this entry names.
#[must_use]
pub fn points_back(admin: &Path, worktree: &Path) -> bool {
    tree_of(admin).is_some_and(|tree| same_place(&tree, worktree))
}

/// Whether a worktree directory names this entry.
#[must_use]
pub fn names(worktree: &Path, admin: &Path) -> bool {
    admin_dir_of(worktree).ok().flatten().is_some_and(|named| same_place(&named, admin))
}

/// Whether two paths, which need not exist, name the same place.
#[must_use]
pub fn same_place(one: &Path, other: &Path) -> bool {
    one == other
        || fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
        || real_parent(one).is_some_and(|one| real_parent(other) == Some(one))
}

/// A path whose last component need not exist, with its parent resolved.
fn real_parent(path: &Path) -> Option<PathBuf> {
    Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_as_git_reads_it() {
        for (content, expected) in [
            (&b"gitdir: /r/.git/worktrees/a\n"[..], Some("/r/.git/worktrees/a")),
            (b"gitdir: /r/.git/worktrees/a", Some("/r/.git/worktrees/a")),
            (b"gitdir: /r/.git/worktrees/a\r\n", Some("/r/.git/worktrees/a")),
            (b"gitdir: /r/.git/worktrees/a\r\n\n\r\n", Some("/r/.git/worktrees/a")),
            (b"gitdir: ../r/.git/worktrees/a\n", Some("../r/.git/worktrees/a")),
            // git looks for a directory of that very name.
            (b"gitdir: /r/.git/worktrees/a \n", Some("/r/.git/worktrees/a ")),
            (b"gitdir:/r/.git/worktrees/a\n", None),
            (b"gitdir: \n", None),
            (b"gitdir: \0\0\0\0", None),
            (b"", None),
        ] {
            assert_eq!(target(content).as_deref(), expected.map(Path::new), "{content:?}");
        }
    }
}
