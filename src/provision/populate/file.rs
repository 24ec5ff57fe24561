//! Makes one file or symbolic link of a new tree from its counterpart in the main worktree, if that is the very blob
//! which is wanted.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use super::recent::Recent;
use crate::git::index::{EntryKind, FileStat, HashKind, Wanted};
use crate::git::object::Hasher;

/// Files up to this size are read whole and hashed before anything is made; larger ones go through in pieces.
const PIECE: usize = 1024 * 1024;
/// What a buffer holds at least: nearly all files of a tree of source code.
const SMALL: usize = 64 * 1024;
// NONBLOCK: something else may stand where a file should, and a FIFO must not stop us.
const SOURCE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
const TARGET: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A name in a directory of both trees.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) from: BorrowedFd<'a>,
    pub(super) to: BorrowedFd<'a>,
    pub(super) name: &'a [u8],
}

/// What all copies of one tree have in common.
pub(super) struct Copier {
    hash: HashKind,
    /// Whether the file system has not yet refused to share extents.
    clones: AtomicBool,
    recent: Arc<Recent>,
}

impl Copier {
    /// For a tree whose objects are named by `hash`, from the worktree `main`.
    pub(super) fn new(hash: HashKind, main: &Path) -> Self {
        Self { hash, clones: AtomicBool::new(cfg!(target_os = "linux")), recent: Recent::of(main) }
    }

    /// Makes the file, and gives the stat data of what it made; `None`, and nothing there, when its source is not what is
    /// wanted. `buffer` is any buffer, kept from file to file.
    pub(super) fn file(
        &self,
        buffer: &mut Vec<u8>,
        wanted: &Wanted<'_>,
        place: Place<'_>,
    ) -> rustix::io::Result<Option<FileStat>> {
        let new =
            NewFile { to: place.to, name: place.name, executable: wanted.kind == EntryKind::Executable };
        // Where extents are shared, it is the sharing that costs, and what is written instead would take room.
        let may_clone = self.clones.load(Ordering::Relaxed);
        if !may_clone && let Some(file) = self.recent.find(wanted.path, wanted.id) {
            return new.make(file.mtime, |target| write_all(target, &file.content)).map(Some);
        }
        let source = rustix::fs::openat(place.from, place.name, SOURCE, Mode::empty())?;
        let before = rustix::fs::fstat(&source)?;
        let found = FileStat::from(before);
        if !matches!(found.kind, EntryKind::File | EntryKind::Executable)
            || wanted.size.is_some_and(|size| size != found.size & u64::from(u32::MAX))
        {
            return Ok(None);
        }
        let Some(mut hasher) = Hasher::blob(self.hash, found.size) else { return Ok(None) };
        let mtime = Timespec { tv_sec: before.st_mtime, tv_nsec: before.st_mtime_nsec as _ };
        let size = usize::try_from(found.size).unwrap_or(usize::MAX);
        if size <= PIECE {
            if buffer.len() < size {
                buffer.resize(size.next_power_of_two().max(SMALL), 0);
            }
            // A file that ended where it said has been read whole; whether it grew since does not matter, the hash decides.
            let content = &mut buffer[..size];
            let count = read_full(&source, content)?;
            hasher.add(&content[..count]);
            if count != size || hasher.id() != *wanted.id {
                return Ok(None);
            }
            if !may_clone {
                self.recent.keep(wanted.path, wanted.id, content, mtime);
            }
            let fill = |target: &OwnedFd| match self.share_extents(&source, &found, target) {
                true => Ok(()),
                false => write_all(target, content),
            };
            return new.make(mtime, fill).map(Some);
        }
        buffer.resize(PIECE, 0);
        let fill = |target: &OwnedFd| {
            let shares = self.share_extents(&source, &found, target);
            let mut length = 0;
            loop {
                let count = read_full(&source, buffer)?;
                hasher.add(&buffer[..count]);
                if !shares {
                    write_all(target, &buffer[..count])?;
                }
                length += count;
                if count < buffer.len() {
                    break;
                }
            }
            let proven =
                length == size && hasher.id() == *wanted.id && (!shares || is_at_rest(&source, &found)?);
            if proven { Ok(()) } else { Err(Errno::STALE) }
        };
        match new.make(mtime, fill) {
            Err(Errno::STALE) => Ok(None),
            made => made.map(Some),
        }
    }

    /// Makes the symbolic link; otherwise as [`Self::file`].
    pub(super) fn link(
        &self,
        wanted: &Wanted<'_>,
        Place { from, to, name }: Place<'_>,
    ) -> rustix::io::Result<Option<FileStat>> {
        let target = rustix::fs::readlinkat(from, name, Vec::new())?;
        let Some(mut hasher) = Hasher::blob(self.hash, target.as_bytes().len() as u64) else {
            return Ok(None);
        };
        hasher.add(target.as_bytes());
        if hasher.id() != *wanted.id {
            return Ok(None);
        }
        let before = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
        rustix::fs::symlinkat(&target, to, name)?;
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: before.st_mtime, tv_nsec: before.st_mtime_nsec as _ },
        };
        rustix::fs::utimensat(to, name, &times, AtFlags::SYMLINK_NOFOLLOW)
            .and_then(|()| rustix::fs::statat(to, name, AtFlags::SYMLINK_NOFOLLOW))
            .map(|made| Some(FileStat::from(made)))
            .inspect_err(|_| {
                let _ = rustix::fs::unlinkat(to, name, AtFlags::empty());
            })
    }

    /// Lets the new file share the old one's extents, where the file system can and the content that was or will be hashed
    /// is surely the content that is shared. Does nothing else where it gives `false`.
    #[cfg(target_os = "linux")]
    fn share_extents(&self, source: &OwnedFd, found: &FileStat, target: &OwnedFd) -> bool {
        if found.size == 0 || !self.clones.load(Ordering::Relaxed) || !is_old(found) {
            return false;
        }
        if let Err(error) = rustix::fs::ioctl_ficlone(target, source) {
            if error != Errno::TXTBSY {
                self.clones.store(false, Ordering::Relaxed);
            }
            return false;
        }
        if is_at_rest(source, found).unwrap_or(false) {
            return true;
        }
        // Changed in this very moment; what was hashed is written over it.
        let _ = rustix::fs::ftruncate(target, 0);
        false
    }

    // Other systems: clonefile(2) and ReFS make the file themselves and have not been tried; the content is written.
    #[cfg(not(target_os = "linux"))]
    const fn share_extents(&self, _: &OwnedFd, _: &FileStat, _: &OwnedFd) -> bool {
        false
    }
}

/// A file that is to be made.
struct NewFile<'a> {
    to: BorrowedFd<'a>,
    name: &'a [u8],
    executable: bool,
}

impl NewFile<'_> {
    /// Makes it, with what `fill` gives it and with this time; where that fails it is gone again.
    fn make(
        &self,
        mtime: Timespec,
        fill: impl FnOnce(&OwnedFd) -> rustix::io::Result<()>,
    ) -> rustix::io::Result<FileStat> {
        let mode = if self.executable { 0o777 } else { 0o666 };
        let target = rustix::fs::openat(self.to, self.name, TARGET, Mode::from_raw_mode(mode))?;
        let times =
            Timestamps { last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }, last_modification: mtime };
        fill(&target)
            .and_then(|()| rustix::fs::futimens(&target, &times))
            .and_then(|()| rustix::fs::fstat(&target).map(FileStat::from))
            .inspect_err(|_| {
                // Left there, it would stand in git's way; if it cannot be removed, git says so.
                let _ = rustix::fs::unlinkat(self.to, self.name, AtFlags::empty());
            })
    }
}

/// Whether a file last changed so long ago that a further change would surely show a later time.
#[cfg(target_os = "linux")]
fn is_old(found: &FileStat) -> bool {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec;
    let at = i64::from(found.ctime.seconds.max(found.mtime.seconds));
    now - at > 2
}

/// Whether a file still is what it was.
fn is_at_rest(source: &OwnedFd, found: &FileStat) -> rustix::io::Result<bool> {
    Ok(FileStat::from(rustix::fs::fstat(source)?) == *found)
}

/// Reads until the buffer is full or the file ends.
fn read_full(file: &OwnedFd, buffer: &mut [u8]) -> rustix::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::read(file, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
