//! The one way in which okstra deletes a tree.
//!
//! A name is only ever resolved against the directory that was opened before it, so nothing outside the tree can be
//! reached: a symbolic link is unlinked and never followed, also one that is swapped in while the tree is being deleted,
//! and a mount point, also a bind mount of the same file system, is neither entered nor emptied. Write-protected
//! directories are made writable on the way. What cannot be deleted stays and is named; the rest goes on. Killed at any
//! point, the tree is smaller and the next call continues.
//!
//! `std::fs::remove_dir_all` follows no links either, but it empties whatever is mounted inside, and it gives up at the
//! first file that it cannot delete.

use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::error::Result;

/// How many of the things that stayed are named.
const NAMED: usize = 20;

/// What [`delete_tree`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deletion {
    /// How many files, links and directories are gone.
    pub deleted: u64,
    /// How many could not be deleted.
    pub left: u64,
    /// The first of those, each with the reason.
    pub examples: Vec<(PathBuf, String)>,
}

impl Deletion {
    /// Whether nothing is left.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.left == 0
    }

    fn leave(&mut self, path: PathBuf, reason: impl ToString) {
        self.left += 1;
        if self.examples.len() < NAMED {
            self.examples.push((path, reason.to_string()));
        }
    }
}

/// Deletes a directory with everything in it, or a single file or link; what is not there is fine. See the module for
/// what is never touched.
///
/// Move a tree that others may look at to a name of its own first ([`super::move_aside`]): deleting takes a while, and
/// half a tree must not be taken for a whole one.
///
/// Fails when `cancel` is set, which leaves a part of the tree, and when the parent directory cannot be opened.
pub fn delete_tree(path: &Path, cancel: &Cancel) -> Result<Deletion> {
    #[cfg(unix)]
    return unix::delete(path, None, cancel);
    #[cfg(not(unix))]
    return other::delete(path, cancel);
}

/// Something in a tree, as [`delete_where`] shows it to whoever decides whether it may go.
#[cfg(unix)]
#[derive(Debug, Clone, Copy)]
pub struct Doomed<'a> {
    /// The directory that it lies in, open.
    pub parent: std::os::fd::BorrowedFd<'a>,
    /// Its name there.
    pub name: &'a std::ffi::CStr,
    /// What it is.
    pub kind: rustix::fs::FileType,
    /// Where it lies from the top of the tree.
    pub path: &'a Path,
}

/// As [`delete_tree`], but only what `may_go` says; it is asked for each thing before that is touched, and for a directory
/// before it is entered. What may not go is left as it is, with the directories above it. A `tree` that is no directory is
/// left.
#[cfg(unix)]
pub fn delete_where(tree: &Path, may_go: &dyn Fn(&Doomed<'_>) -> bool, cancel: &Cancel) -> Result<Deletion> {
    unix::delete(tree, Some(may_go), cancel)
}

#[cfg(unix)]
mod unix {
    use std::ffi::{CStr, CString, OsStr};
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
    use rustix::io::Errno;

    use super::{Cancel, Deletion, Doomed, Result};
    use crate::error::{Error, IoContext};

    /// Each level holds a descriptor open; directories below this many levels are moved up to the top of the tree
    /// first, so that a tree of any depth can be deleted.
    const LEVELS: usize = 48;

    pub(super) fn delete(
        path: &Path,
        may_go: Option<&dyn Fn(&Doomed<'_>) -> bool>,
        cancel: &Cancel,
    ) -> Result<Deletion> {
        let parent = super::super::parent(path);
        let Some(name) = path.file_name().and_then(|name| CString::new(name.as_bytes()).ok()) else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "it names no entry of a directory");
            return Err(Error::Io { action: "delete", path: path.to_owned(), source });
        };
        // What is deleted lies in a directory that okstra made for it. A link in its place leads to somebody's files.
        let parent = match rustix::fs::open(parent, FLAGS, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(Deletion::default()),
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(Error::LinkedPlace { path: parent.to_owned() }),
            other => other.map_err(io::Error::from).context("open the directory", parent)?,
        };
        let mut walk =
            Walk { report: Deletion::default(), root: path, may_go, top: None, deferred: Vec::new(), cancel };
        walk.entry(parent.as_fd(), &name, None, path, 0)?;
        Ok(walk.report)
    }

    struct Walk<'a> {
        report: Deletion,
        root: &'a Path,
        may_go: Option<&'a dyn Fn(&Doomed<'_>) -> bool>,
        /// The top of the tree, once it is open.
        top: Option<OwnedFd>,
        /// Names in the top of the tree that hold what was too deep.
        deferred: Vec<CString>,
        cancel: &'a Cancel,
    }

    impl Walk<'_> {
        fn entry(
            &mut self,
            parent: BorrowedFd<'_>,
            name: &CStr,
            kind: Option<FileType>,
            shown: &Path,
            level: usize,
        ) -> Result<()> {
            if let Some(may_go) = self.may_go {
                let kind = match kind {
                    Some(kind) if kind != FileType::Unknown => kind,
                    _ => match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(found) => FileType::from_raw_mode(found.st_mode),
                        Err(Errno::NOENT) => return Ok(()),
                        Err(_) => FileType::Unknown,
                    },
                };
                let path = shown.strip_prefix(self.root).unwrap_or(shown);
                let goes = match level {
                    0 => kind == FileType::Directory,
                    _ => may_go(&Doomed { parent, name, kind, path }),
                };
                if !goes {
                    self.report.leave(shown.to_owned(), "it may not be deleted");
                    return Ok(());
                }
                if kind == FileType::Directory {
                    return self.directory(parent, name, shown, level);
                }
            }
            if kind != Some(FileType::Directory) {
                match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
                    Ok(()) => self.report.deleted += 1,
                    Err(Errno::NOENT) => {}
                    // What unlinking a directory says depends on the system.
                    Err(Errno::ISDIR | Errno::PERM) if is_directory(parent, name) => {
                        return self.directory(parent, name, shown, level);
                    }
                    Err(error) => self.report.leave(shown.to_owned(), io::Error::from(error)),
                }
                return Ok(());
            }
            self.directory(parent, name, shown, level)
        }

        fn directory(
            &mut self,
            parent: BorrowedFd<'_>,
            name: &CStr,
            shown: &Path,
            level: usize,
        ) -> Result<()> {
            self.cancel.check("deleting")?;
            let directory = match open(parent, name) {
                Ok(directory) => directory,
                Err(Errno::NOENT) => return Ok(()),
                Err(Errno::XDEV) => {
                    self.report.leave(shown.to_owned(), "something is mounted there");
                    return Ok(());
                }
                Err(error) => {
                    self.report.leave(shown.to_owned(), io::Error::from(error));
                    return Ok(());
                }
            };
            // Where it is decided by the path, nothing may move.
            if level >= LEVELS
                && self.may_go.is_none()
                && let Some(top) = &self.top
            {
                let up =
                    CString::new(format!(".okstra-deep-{:016x}", super::super::random())).unwrap_or_default();
                // What cannot be moved is gone into all the same, as long as there are descriptors.
                if rustix::fs::renameat(parent, name, top, up.as_c_str()).is_ok() {
                    self.deferred.push(up);
                    return Ok(());
                }
            }
            let names = names(&directory);
            if level == 0 {
                self.top = directory.try_clone().ok();
            }
            match names {
                Ok(names) => {
                    for (name, kind) in names {
                        let shown = shown.join(OsStr::from_bytes(name.to_bytes()));
                        self.entry(directory.as_fd(), &name, Some(kind), &shown, level + 1)?;
                    }
                }
                Err(error) => self.report.leave(shown.to_owned(), io::Error::from(error)),
            }
            while level == 0
                && let Some(name) = self.deferred.pop()
            {
                let shown = shown.join(OsStr::from_bytes(name.to_bytes()));
                self.entry(directory.as_fd(), &name, Some(FileType::Directory), &shown, 1)?;
            }
            drop(directory);
            match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
                Ok(()) => self.report.deleted += 1,
                Err(Errno::NOENT) => {}
                // What is in it has been named already.
                Err(Errno::NOTEMPTY | Errno::EXIST) if self.report.left > 0 => {}
                Err(Errno::BUSY) => self.report.leave(shown.to_owned(), "something is mounted there"),
                Err(error) => self.report.leave(shown.to_owned(), io::Error::from(error)),
            }
            Ok(())
        }
    }

    fn is_directory(parent: BorrowedFd<'_>, name: &CStr) -> bool {
        rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Directory)
    }

    /// The names in a directory, all of them before the first is deleted: what a directory shows while it changes is
    /// not defined.
    fn names(directory: &OwnedFd) -> rustix::io::Result<Vec<(CString, FileType)>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                names.push((entry.file_name().to_owned(), entry.file_type()));
            }
        }
        Ok(names)
    }

    const FLAGS: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

    /// Opens a directory of its own on the same mount as its parent, and makes it readable and writable for its owner.
    /// `XDEV`: something is mounted there.
    fn open(parent: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
        let directory = match open_on_same_mount(parent, name) {
            Err(Errno::ACCESS) => {
                make_accessible(parent, name)?;
                open_on_same_mount(parent, name)?
            }
            other => other?,
        };
        let mode = rustix::fs::fstat(&directory)?.st_mode;
        let wanted = Mode::from_raw_mode(mode) | Mode::RWXU;
        if Mode::from_raw_mode(mode) != wanted {
            // Where this fails, deleting what is in it says why.
            let _ = rustix::fs::fchmod(&directory, wanted);
        }
        Ok(directory)
    }

    #[cfg(target_os = "linux")]
    fn open_on_same_mount(parent: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
        use rustix::fs::ResolveFlags;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        match rustix::fs::openat2(parent, name, FLAGS, Mode::empty(), resolve) {
            // Before Linux 5.6, and where a sandbox does not know the call.
            Err(Errno::NOSYS | Errno::PERM) => open_on_same_device(parent, name),
            other => other,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn open_on_same_mount(parent: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
        open_on_same_device(parent, name)
    }

    fn open_on_same_device(parent: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
        let directory = rustix::fs::openat(parent, name, FLAGS, Mode::empty())?;
        if rustix::fs::fstat(&directory)?.st_dev != rustix::fs::fstat(parent)?.st_dev {
            return Err(Errno::XDEV);
        }
        Ok(directory)
    }

    /// Through a descriptor that says nothing about rights: changing the mode by name would follow a link.
    #[cfg(target_os = "linux")]
    fn make_accessible(parent: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<()> {
        use std::os::fd::AsRawFd;
        let handle = rustix::fs::openat(parent, name, FLAGS | OFlags::PATH, Mode::empty())?;
        rustix::fs::chmod(format!("/proc/self/fd/{}", handle.as_raw_fd()), Mode::RWXU)
    }

    #[cfg(not(target_os = "linux"))]
    fn make_accessible(parent: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<()> {
        rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::SYMLINK_NOFOLLOW)
    }
}

/// Windows: the standard library opens what it deletes without following reparse points, so that junctions and links
/// are removed as such.
#[cfg(not(unix))]
mod other {
    use std::io;
    use std::path::Path;

    use super::{Cancel, Deletion, Result};

    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub(super) fn delete(path: &Path, cancel: &Cancel) -> Result<Deletion> {
        cancel.check("deleting")?;
        let mut report = Deletion::default();
        let removed = match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
            Ok(_) => std::fs::remove_file(path),
            Err(error) => Err(error),
        };
        match removed {
            Ok(()) => report.deleted = 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => report.leave(path.to_owned(), error),
        }
        Ok(report)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn delete(path: &Path) -> Deletion {
        delete_tree(path, &Cancel::default()).unwrap()
    }

    #[test]
    fn links_are_unlinked_and_what_they_name_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (outside, tree) = (directory.path().join("outside"), directory.path().join("tree"));
        fs::create_dir_all(outside.join("deep")).unwrap();
        fs::File::create(outside.join("deep/precious")).unwrap();
        fs::create_dir_all(tree.join("a/b")).unwrap();
        symlink(&outside, tree.join("a/link")).unwrap();
        symlink("/nowhere", tree.join("dangling")).unwrap();
        symlink(&outside, directory.path().join("top")).unwrap();
        let report = delete(&tree);
        assert_eq!((report.deleted, report.left), (5, 0), "{report:?}");
        assert!(delete(&directory.path().join("top")).is_complete());
        assert!(outside.join("deep/precious").exists() && !tree.exists());
        assert_eq!(delete(&tree), Deletion::default(), "what is gone already is fine");
    }

    #[test]
    fn what_may_not_go_stays_as_it_is_with_what_is_above_it() {
        let directory = tempfile::tempdir().unwrap();
        let tree = directory.path().join("tree");
        for name in ["a/goes", "a/b/stays", "c/d/goes", "closed/goes"] {
            fs::create_dir_all(tree.join(name).parent().unwrap()).unwrap();
            fs::File::create(tree.join(name)).unwrap();
        }
        fs::set_permissions(tree.join("closed"), fs::Permissions::from_mode(0o500)).unwrap();
        let may_go =
            |doomed: &Doomed<'_>| !doomed.path.ends_with("stays") && doomed.path != Path::new("closed");
        let report = delete_where(&tree, &may_go, &Cancel::default()).unwrap();
        assert_eq!((report.deleted, report.left), (4, 2), "{report:?}");
        assert!(tree.join("a/b/stays").exists() && tree.join("closed/goes").exists());
        assert_eq!(fs::metadata(tree.join("closed")).unwrap().permissions().mode() & 0o777, 0o500);
        let link = directory.path().join("link");
        symlink(&tree, &link).unwrap();
        assert_eq!(delete_where(&link, &|_| true, &Cancel::default()).unwrap().left, 1);
        assert!(tree.join("a/b/stays").exists() && fs::symlink_metadata(&link).is_ok());
    }

    #[test]
    fn write_protected_and_very_deep_trees_go_too() {
        let directory = tempfile::tempdir().unwrap();
        let tree = directory.path().join("tree");
        let mut deep = tree.clone();
        for level in 0..400 {
            deep.push(format!("{level}"));
        }
        fs::create_dir_all(&deep).unwrap();
        fs::File::create(deep.join("file")).unwrap();
        for (name, mode) in [("read-only", 0o500), ("no-access", 0o000), ("write-only", 0o200)] {
            let place = tree.join(name);
            fs::create_dir(&place).unwrap();
            fs::File::create(place.join("file")).unwrap();
            fs::set_permissions(place.join("file"), fs::Permissions::from_mode(0o400)).unwrap();
            fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
        }
        let report = delete(&tree);
        assert!(report.is_complete() && !tree.exists(), "{report:?}");
    }

    #[test]
    fn names_that_are_no_text_go_and_a_request_to_stop_is_heard() {
        let directory = tempfile::tempdir().unwrap();
        let tree = directory.path().join("tree");
        fs::create_dir(&tree).unwrap();
        for name in [&b"new\nline"[..], b"\xff\xfe", b"-rf", b" "] {
            fs::File::create(tree.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name)))
                .unwrap();
        }
        let stopped = Cancel::default();
        stopped.cancel();
        assert!(matches!(delete_tree(&tree, &stopped), Err(crate::Error::Aborted { .. })));
        assert_eq!(fs::read_dir(&tree).unwrap().count(), 4);
        assert!(delete(&tree).is_complete() && !tree.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_mounted_inside_is_not_entered() {
        // Only the superuser can mount; elsewhere the other tests must do.
        let directory = tempfile::tempdir().unwrap();
        let (outside, tree) = (directory.path().join("outside"), directory.path().join("tree"));
        fs::create_dir_all(&outside).unwrap();
        fs::create_dir_all(tree.join("a/mounted")).unwrap();
        fs::File::create(outside.join("precious")).unwrap();
        fs::File::create(tree.join("a/file")).unwrap();
        let mounted = tree.join("a/mounted");
        if rustix::mount::mount_bind(&outside, &mounted).is_err() {
            return;
        }
        let report = delete(&tree);
        rustix::mount::unmount(&mounted, rustix::mount::UnmountFlags::DETACH).unwrap();
        assert_eq!(report.left, 1, "{report:?}");
        assert_eq!(report.examples[0].0, mounted);
        assert!(outside.join("precious").exists() && !tree.join("a/file").exists());
        assert!(delete(&tree).is_complete());
    }
}
