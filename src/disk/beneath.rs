//! Makes files below one directory, by names that come from outside.
//!
//! Each name is resolved against the directory that was opened before it, and a link is never followed: not one that was
//! there, not one that an earlier name made, not one that somebody swaps in meanwhile. Nothing that exists is replaced.
//! (openat2 with `RESOLVE_BENEATH` would say the same in one call where there is Linux 5.6 and no sandbox; a call for each
//! component is right everywhere, and names of one directory come together, so that the last one is kept open.)

use std::io;
use std::path::{Component, Path};

/// A directory below which files are made.
#[derive(Debug)]
pub struct Below {
    #[cfg(unix)]
    top: std::os::fd::OwnedFd,
    #[cfg(unix)]
    last: Option<(std::path::PathBuf, std::os::fd::OwnedFd)>,
    #[cfg(not(unix))]
    top: std::path::PathBuf,
}

/// Whether a relative path leads nowhere but down, and not into git's own data.
#[must_use]
pub fn is_inner(path: &Path) -> bool {
    let down =
        |part: Component<'_>| matches!(part, Component::Normal(name) if !name.eq_ignore_ascii_case(".git"));
    path.file_name().is_some() && path.components().all(down)
}

fn inner(path: &Path) -> io::Result<()> {
    if is_inner(path) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it leaves the directory, or is git's own"))
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::io::{self, Write};
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::path::Path;

    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;

    use super::{Below, inner};

    const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

    impl Below {
        /// Opens the directory; a link at its own place is not followed.
        pub fn open(directory: &Path) -> io::Result<Self> {
            Ok(Self { top: rustix::fs::open(directory, DIRECTORY, Mode::empty())?, last: None })
        }

        /// Makes a file, executable or not, under the user's umask.
        pub fn file(&mut self, path: &Path, content: &[u8], executable: bool) -> io::Result<()> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mode = Mode::from_raw_mode(if executable { 0o777 } else { 0o666 });
            let (parent, name) = self.parent(path)?;
            let file = rustix::fs::openat(parent, name, flags, mode)?;
            File::from(file).write_all(content)
        }

        /// Makes a symbolic link.
        pub fn link(&mut self, path: &Path, target: &OsStr) -> io::Result<()> {
            let (parent, name) = self.parent(path)?;
            Ok(rustix::fs::symlinkat(target, parent, name)?)
        }

        /// Makes a directory and what is missing above it; one that is there is fine.
        pub fn directory(&mut self, path: &Path) -> io::Result<()> {
            inner(path)?;
            self.enter(path).map(drop)
        }

        fn parent<'a, 'b>(&'a mut self, path: &'b Path) -> io::Result<(BorrowedFd<'a>, &'b OsStr)> {
            inner(path)?;
            let name = path.file_name().unwrap_or_default();
            let above = path.parent().unwrap_or_else(|| Path::new(""));
            if above.as_os_str().is_empty() {
                return Ok((self.top.as_fd(), name));
            }
            self.enter(above).map(|parent| (parent, name))
        }

        fn enter(&mut self, path: &Path) -> io::Result<BorrowedFd<'_>> {
            if self.last.as_ref().is_none_or(|(known, _)| known != path) {
                let mut at: Option<OwnedFd> = None;
                for part in path.iter() {
                    let parent = at.as_ref().map_or(self.top.as_fd(), AsFd::as_fd);
                    let next = match rustix::fs::openat(parent, part, DIRECTORY, Mode::empty()) {
                        Err(Errno::NOENT) => {
                            match rustix::fs::mkdirat(parent, part, Mode::from_raw_mode(0o777)) {
                                Ok(()) | Err(Errno::EXIST) => {}
                                Err(error) => return Err(error.into()),
                            }
                            rustix::fs::openat(parent, part, DIRECTORY, Mode::empty())?
                        }
                        // Not everywhere is a link first of all no directory.
                        Err(Errno::LOOP) => return Err(Errno::NOTDIR.into()),
                        other => other?,
                    };
                    at = Some(next);
                }
                let Some(directory) = at else { return Ok(self.top.as_fd()) };
                self.last = Some((path.to_owned(), directory));
            }
            Ok(self.last.as_ref().map_or(self.top.as_fd(), |(_, directory)| directory.as_fd()))
        }
    }
}

/// Windows: each directory on the way is looked at first. Making links needs a right there that few accounts have, and what
/// is swapped in between is not seen.
#[cfg(not(unix))]
mod other {
    use std::ffi::OsStr;
    use std::fs;
    use std::io::{self, Write};
    use std::path::{Path, PathBuf};

    use super::{Below, inner};

    impl Below {
        /// Opens the directory; a link at its own place is not followed.
        pub fn open(directory: &Path) -> io::Result<Self> {
            if fs::symlink_metadata(directory)?.is_dir() {
                return Ok(Self { top: directory.to_owned() });
            }
            Err(io::ErrorKind::NotADirectory.into())
        }

        /// Makes a file.
        pub fn file(&mut self, path: &Path, content: &[u8], _executable: bool) -> io::Result<()> {
            let place = self.place(path)?;
            fs::OpenOptions::new().write(true).create_new(true).open(place)?.write_all(content)
        }

        /// Makes a symbolic link.
        pub fn link(&mut self, path: &Path, target: &OsStr) -> io::Result<()> {
            let place = self.place(path)?;
            // A link says there of which kind its target is.
            if place.parent().is_some_and(|above| above.join(target).is_dir()) {
                std::os::windows::fs::symlink_dir(target, place)
            } else {
                std::os::windows::fs::symlink_file(target, place)
            }
        }

        /// Makes a directory and what is missing above it; one that is there is fine.
        pub fn directory(&mut self, path: &Path) -> io::Result<()> {
            inner(path)?;
            self.enter(path).map(drop)
        }

        fn place(&self, path: &Path) -> io::Result<PathBuf> {
            inner(path)?;
            let above = self.enter(path.parent().unwrap_or_else(|| Path::new("")))?;
            Ok(above.join(path.file_name().unwrap_or_default()))
        }

        fn enter(&self, path: &Path) -> io::Result<PathBuf> {
            let mut at = self.top.clone();
            for part in path {
                at.push(part);
                match fs::create_dir(&at) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ if !fs::symlink_metadata(&at)?.is_dir() => {
                        return Err(io::ErrorKind::NotADirectory.into());
                    }
                    _ => {}
                }
            }
            Ok(at)
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_is_made_through_a_link_or_outside() {
        let directory = tempfile::tempdir().unwrap();
        let (outside, tree) = (directory.path().join("outside"), directory.path().join("tree"));
        fs::create_dir_all(outside.join("deep")).unwrap();
        fs::create_dir_all(&tree).unwrap();
        let mut below = Below::open(&tree).unwrap();
        below.link(Path::new("link"), outside.as_os_str()).unwrap();
        symlink(&outside, tree.join("there")).unwrap();
        for path in
            ["link/x", "there/x", "there/deep/x", "../outside/x", "/tmp/x", ".git/x", ".git", "a/../../x", ""]
        {
            assert!(below.file(Path::new(path), b"x", false).is_err(), "{path}");
            assert!(below.link(Path::new(path), "x".as_ref()).is_err(), "{path}");
        }
        assert!(below.directory(Path::new("link/new")).is_err());
        below.file(Path::new("a/b/c"), b"one", true).unwrap();
        below.file(Path::new("a/b/d"), b"two", false).unwrap();
        assert!(below.file(Path::new("a/b/d"), b"three", false).is_err(), "nothing is replaced");
        assert_eq!(fs::read(tree.join("a/b/d")).unwrap(), b"two");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        assert!(Below::open(&tree.join("there")).is_err());
    }
}
