//! Proves a worktree clean without asking git for its status.
//!
//! `git status` compares three things: the index with `HEAD`, the files with the index, and the files with what the
//! index knows. For a worktree where nothing happened all three can be seen at once: the index names the tree that it
//! stands for, its stat data proves each file unchanged, and a directory holds as many names as the index has for it.
//! One pass over the files then does, in one thread, so that a core is left for the next worktree: a quarter of what
//! git's status costs.
//!
//! What is not proven is not dirty: git is asked.

use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::Git;
use crate::git::index::{Index, ObjectId};

/// More names than these that the index does not know, or files whose content would have to be compared, are left to
/// git's status.
#[cfg(unix)]
const FEW: usize = 500;

/// What the files alone tell.
#[derive(Debug, Default)]
struct Seen {
    /// Names that the index does not know.
    unknown: Vec<Unknown>,
    /// Tracked files that changed in the tick in which the index was written, or did not.
    racy: Vec<PathBuf>,
}

#[derive(Debug)]
struct Unknown {
    path: PathBuf,
    is_directory: bool,
}

/// Whether the worktree is proven to have nothing uncommitted and nothing untracked. `index` is its index file, `tree`
/// the id of the tree of its `HEAD`, `links` are okstra's own links in it.
///
/// Where files lie that the index does not know, git says whether it ignores them (3 ms); where files changed in the
/// tick in which the index was written, git compares their content (3 ms).
pub fn is_clean(
    worktree: &Path,
    index: &Path,
    tree: &str,
    links: &[PathBuf],
    cancel: &Cancel,
) -> Result<bool> {
    let Some(hash) = crate::git::index::hash_kind(tree) else { return Ok(false) };
    let Some(index) = Index::read(index, hash)? else { return Ok(false) };
    let wanted = ObjectId::from_hex(tree.as_bytes()).ok();
    if wanted.is_none() || index.tree() != wanted {
        return Ok(false);
    }
    let Some(mut seen) = walk::compare(worktree, &index) else { return Ok(false) };
    seen.unknown.retain(|unknown| !links.contains(&unknown.path));
    Ok(are_ignored(worktree, &seen.unknown, cancel)? && are_unchanged(worktree, &seen.racy, cancel)?)
}

/// Whether git ignores all of these.
fn are_ignored(worktree: &Path, unknown: &[Unknown], cancel: &Cancel) -> Result<bool> {
    if unknown.is_empty() {
        return Ok(true);
    }
    let mut input = Vec::new();
    for one in unknown {
        input.extend_from_slice(one.path.as_os_str().as_encoded_bytes());
        input.push(0);
    }
    let git = Git::new(worktree).args(["check-ignore", "-z", "--stdin"]).input_bytes(input);
    let output = git.looks_only().cancel(cancel).run()?;
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Ok(false);
    }
    let ignored: std::collections::HashSet<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
    let fine = |one: &Unknown| {
        ignored.contains(one.path.as_os_str().as_encoded_bytes())
            // git does not know of directories without files.
            || (one.is_directory && walk::holds_nothing(&worktree.join(&one.path)))
    };
    Ok(unknown.iter().all(fine))
}

/// Whether git finds the content of all of these as it was.
fn are_unchanged(worktree: &Path, racy: &[PathBuf], cancel: &Cancel) -> Result<bool> {
    if racy.is_empty() {
        return Ok(true);
    }
    let args = ["--literal-pathspecs", "diff-files", "--quiet", "--no-ext-diff", "--no-textconv", "--"];
    let output = Git::new(worktree).args(args).args(racy).looks_only().cancel(cancel).run()?;
    Ok(output.status.code() == Some(0))
}

#[cfg(unix)]
mod walk {
    use std::collections::HashSet;
    use std::ffi::{CStr, OsStr};
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, SeekFrom};

    use super::{FEW, Seen, Unknown};
    use crate::git::index::{Entry, FileStat, Index};

    const DIRECTORY: OFlags =
        OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

    /// Compares all files with the index; `None` as soon as one is not what the index says, cannot be looked at, or is
    /// of a kind that git must judge.
    pub(super) fn compare(worktree: &Path, index: &Index) -> Option<Seen> {
        let entries: Vec<Entry<'_>> = index.entries().collect();
        let root = rustix::fs::open(worktree, DIRECTORY, Mode::empty()).ok()?;
        let mut walk = Walk { index, seen: Seen::default(), name: Vec::new() };
        walk.directory(&root, &entries, 0)?;
        Some(walk.seen)
    }

    struct Walk<'a> {
        index: &'a Index,
        seen: Seen,
        /// A name with its null byte, used again for each file.
        name: Vec<u8>,
    }

    impl Walk<'_> {
        /// One directory: `entries` are those below it, whose paths share the first `prefix` bytes.
        fn directory(&mut self, directory: &OwnedFd, entries: &[Entry<'_>], prefix: usize) -> Option<()> {
            let mut rest = entries;
            let mut known = 0;
            while let Some(entry) = rest.first() {
                let below = &entry.path()[prefix..];
                known += 1;
                match memchr::memchr(b'/', below) {
                    None => {
                        self.file(directory.as_fd(), entry, below)?;
                        rest = &rest[1..];
                    }
                    Some(length) => {
                        let name = &below[..=length];
                        let end = rest.partition_point(|other| other.path()[prefix..].starts_with(name));
                        let (inside, after) = rest.split_at(end);
                        let child = {
                            let name = self.c_name(&below[..length])?;
                            rustix::fs::openat(directory, name, DIRECTORY, Mode::empty()).ok()?
                        };
                        self.directory(&child, inside, prefix + length + 1)?;
                        rest = after;
                    }
                }
            }
            self.names(directory, entries, prefix, known)
        }

        fn file(&mut self, directory: BorrowedFd<'_>, entry: &Entry<'_>, name: &[u8]) -> Option<()> {
            let name = self.c_name(name)?;
            let found = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            let found = FileStat::from(&found);
            if self.index.proves_unchanged(entry, &found) {
                return Some(());
            }
            if self.index.may_be_unchanged(entry, &found) && self.seen.racy.len() < FEW {
                self.seen.racy.push(OsStr::from_bytes(entry.path()).into());
                return Some(());
            }
            None
        }

        /// Everything that the index has for this directory has been seen in it, so when the numbers are equal there is
        /// nothing else.
        fn names(
            &mut self,
            directory: &OwnedFd,
            entries: &[Entry<'_>],
            prefix: usize,
            known: usize,
        ) -> Option<()> {
            let git = usize::from(prefix == 0);
            // Where two names of the index may be one file (a case-insensitive file system), numbers tell nothing.
            if cfg!(not(target_os = "macos")) && count(directory)? == known + git {
                return Some(());
            }
            let names: HashSet<&[u8]> = entries
                .iter()
                .map(|entry| {
                    let below = &entry.path()[prefix..];
                    &below[..memchr::memchr(b'/', below).unwrap_or(below.len())]
                })
                .collect();
            let above = entries.first().map_or(&b""[..], |entry| &entry.path()[..prefix]);
            rustix::fs::seek(directory, SeekFrom::Start(0)).ok()?;
            for entry in Dir::read_from(directory).ok()? {
                let entry = entry.ok()?;
                let (name, kind) = (entry.file_name().to_bytes(), entry.file_type());
                if matches!(name, b"." | b"..") || names.contains(name) || (git == 1 && name == b".git") {
                    continue;
                }
                // A repository within the worktree, a kind that the file system did not tell: git's business.
                if name == b".git" || kind == FileType::Unknown || self.seen.unknown.len() >= FEW {
                    return None;
                }
                let path = Path::new(OsStr::from_bytes(above)).join(OsStr::from_bytes(name));
                self.seen.unknown.push(Unknown { path, is_directory: kind == FileType::Directory });
            }
            Some(())
        }

        fn c_name(&mut self, name: &[u8]) -> Option<&CStr> {
            self.name.clear();
            self.name.extend_from_slice(name);
            self.name.push(0);
            CStr::from_bytes_with_nul(&self.name).ok()
        }
    }

    /// How many names a directory holds. Read with a buffer of our own from the descriptor that is open already: a
    /// third of the system calls that a directory stream makes.
    #[cfg(target_os = "linux")]
    fn count(directory: &OwnedFd) -> Option<usize> {
        let mut buffer = [const { std::mem::MaybeUninit::uninit() }; 16 * 1024];
        let mut entries = rustix::fs::RawDir::new(directory, &mut buffer);
        let mut count = 0;
        while let Some(entry) = entries.next() {
            count += usize::from(!matches!(entry.ok()?.file_name().to_bytes(), b"." | b".."));
        }
        Some(count)
    }

    #[cfg(not(target_os = "linux"))]
    fn count(directory: &OwnedFd) -> Option<usize> {
        let mut count = 0;
        for entry in Dir::read_from(directory).ok()? {
            count += usize::from(!matches!(entry.ok()?.file_name().to_bytes(), b"." | b".."));
        }
        Some(count)
    }

    /// Whether there is no file below a directory.
    pub(super) fn holds_nothing(directory: &Path) -> bool {
        let Ok(entries) = std::fs::read_dir(directory) else { return false };
        entries.into_iter().all(|entry| {
            entry.is_ok_and(|entry| {
                entry.file_type().is_ok_and(|kind| kind.is_dir()) && holds_nothing(&entry.path())
            })
        })
    }
}

// Windows: the index proves nothing there yet, so git is asked.
#[cfg(not(unix))]
mod walk {
    use std::path::Path;

    use super::Seen;
    use crate::git::index::Index;

    pub(super) fn compare(_worktree: &Path, _index: &Index) -> Option<Seen> {
        None
    }

    pub(super) fn holds_nothing(_directory: &Path) -> bool {
        false
    }
}
