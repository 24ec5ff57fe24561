//! Makes one file or symbolic link of a new tree from its counterpart in the main worktree, if that is the very blob
//! which is wanted.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use super::copy::From;
use super::proven::Proven;
use super::recent::Recent;
use crate::git::index::{EntryKind, FileStat, HashKind, ObjectId, Wanted};
use crate::git::object::Hasher;

/// Files up to this size are read whole before anything is made; larger ones go through in pieces.
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
    /// What is known of files whose extents can be shared, until the file system refuses to share them.
    proven: Option<Proven>,
    refused: AtomicBool,
    recent: Arc<Recent>,
    /// The time that all files get, where it is not that of each one's source.
    time: Option<Timespec>,
}

impl Copier {
    /// For a tree whose objects are named by `hash`.
    pub(super) fn new(hash: HashKind, from: &From<'_>) -> Self {
        let proven = shares_extents(from.main).then(|| Proven::read(from.common_dir));
        let time = from.time.map(|time| Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds as _ });
        Self { hash, proven, refused: AtomicBool::new(false), recent: Recent::of(from.main), time }
    }

    /// Keeps what was learned for the next tree; this one has so many files.
    pub(super) fn finish(self, files: usize) {
        if let Some(proven) = self.proven {
            proven.save(files);
        }
    }

    /// Makes the file, and gives the stat data of what it made; `None`, and nothing there, when its source is not what is
    /// wanted. `buffer` is any buffer, kept from file to file.
    pub(super) fn file(
        &self,
        buffer: &mut Vec<u8>,
        wanted: &Wanted<'_>,
        place: Place<'_>,
    ) -> rustix::io::Result<Option<FileStat>> {
        let new = NewFile {
            to: place.to,
            name: place.name,
            executable: wanted.kind == EntryKind::Executable,
            time: self.time,
        };
        let proven = self.proven.as_ref().filter(|_| !self.refused.load(Ordering::Relaxed));
        // Where extents are shared, it is the sharing that costs, and what is written instead would take room.
        if proven.is_none()
            && let Some(file) = self.recent.find(wanted.path, wanted.id)
        {
            return new.make(file.mtime, |target| write_all(target, &file.content)).map(Some);
        }
        let file = rustix::fs::openat(place.from, place.name, SOURCE, Mode::empty())?;
        let before = rustix::fs::fstat(&file)?;
        let found = FileStat::from(before);
        if !matches!(found.kind, EntryKind::File | EntryKind::Executable)
            || wanted.size.is_some_and(|size| size != found.size & u64::from(u32::MAX))
        {
            return Ok(None);
        }
        let mtime = Timespec { tv_sec: before.st_mtime, tv_nsec: before.st_mtime_nsec as _ };
        let source = Source { file, found, mtime };
        let made = match proven {
            Some(proven) if source.found.size > 0 && is_old(&source.found) => {
                match self.share(buffer, wanted, &source, &new, proven) {
                    Err(Errno::AGAIN) => self.copy(buffer, wanted, &source, &new),
                    shared => shared,
                }
            }
            _ => self.copy(buffer, wanted, &source, &new),
        };
        match made {
            Err(Errno::STALE) => Ok(None),
            made => made.map(Some),
        }
    }

    /// Makes the file from the extents of its source. `AGAIN` when that cannot be done, `STALE` when it is not the blob.
    ///
    /// They are shared first and read afterwards: to share them flushes the source, so that what changes it from then on
    /// also changes its times.
    fn share(
        &self,
        buffer: &mut Vec<u8>,
        wanted: &Wanted<'_>,
        source: &Source,
        new: &NewFile<'_>,
        proven: &Proven,
    ) -> rustix::io::Result<FileStat> {
        new.make(source.mtime, |target| {
            if let Err(error) = clone_extents(target, &source.file) {
                // A program that is being run is no reason to give up on the others.
                if error != Errno::TXTBSY {
                    self.refused.store(true, Ordering::Relaxed);
                }
                return Err(Errno::AGAIN);
            }
            let is_known = proven.holds(wanted.id, &source.found);
            let is_it = is_known || source.read(self.hash, buffer, |_| Ok(()))? == Some(*wanted.id);
            if !source.is_at_rest()? {
                return Err(Errno::AGAIN);
            }
            if !is_it {
                return Err(Errno::STALE);
            }
            if !is_known {
                proven.add(wanted.id, &source.found);
            }
            Ok(())
        })
    }

    /// Makes the file by writing what its source holds. `STALE` when that is not the blob.
    fn copy(
        &self,
        buffer: &mut Vec<u8>,
        wanted: &Wanted<'_>,
        source: &Source,
        new: &NewFile<'_>,
    ) -> rustix::io::Result<FileStat> {
        // A small one is read whole before anything is made.
        if source.found.size <= PIECE as u64 {
            let mut whole = 0;
            let id = source.read(self.hash, buffer, |piece| {
                whole = piece.len();
                Ok(())
            })?;
            if id != Some(*wanted.id) {
                return Err(Errno::STALE);
            }
            let content = &buffer[..whole];
            self.recent.keep(wanted.path, wanted.id, content, source.mtime);
            return new.make(source.mtime, |target| write_all(target, content));
        }
        new.make(source.mtime, |target| {
            let id = source.read(self.hash, buffer, |piece| write_all(target, piece))?;
            if id == Some(*wanted.id) { Ok(()) } else { Err(Errno::STALE) }
        })
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
            last_modification: self
                .time
                .unwrap_or(Timespec { tv_sec: before.st_mtime, tv_nsec: before.st_mtime_nsec as _ }),
        };
        rustix::fs::utimensat(to, name, &times, AtFlags::SYMLINK_NOFOLLOW)
            .and_then(|()| rustix::fs::statat(to, name, AtFlags::SYMLINK_NOFOLLOW))
            .map(|made| Some(FileStat::from(made)))
            .inspect_err(|_| {
                let _ = rustix::fs::unlinkat(to, name, AtFlags::empty());
            })
    }
}

/// A file of the main worktree, open.
struct Source {
    file: OwnedFd,
    found: FileStat,
    mtime: Timespec,
}

impl Source {
    /// Reads all of it, piece by piece and each piece at the beginning of the buffer, and gives the id of the blob that
    /// it is. Gives `None` when it did not have the size that it showed: it was changed.
    fn read(
        &self,
        hash: HashKind,
        buffer: &mut Vec<u8>,
        mut each: impl FnMut(&[u8]) -> rustix::io::Result<()>,
    ) -> rustix::io::Result<Option<ObjectId>> {
        let Some(mut hasher) = Hasher::blob(hash, self.found.size) else { return Ok(None) };
        let whole = usize::try_from(self.found.size).unwrap_or(PIECE).min(PIECE);
        let room = whole.next_power_of_two().max(SMALL);
        if buffer.len() < room {
            buffer.resize(room, 0);
        }
        let mut left = self.found.size;
        loop {
            // A file that ended where it said has been read whole; whether it grew since does not matter, the id decides.
            let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let count = read_full(&self.file, &mut buffer[..wanted], self.found.size - left)?;
            hasher.add(&buffer[..count]);
            each(&buffer[..count])?;
            left -= count as u64;
            if count < wanted {
                return Ok(None);
            }
            if left == 0 {
                return Ok(Some(hasher.id()));
            }
        }
    }

    /// Whether it still is what it was.
    fn is_at_rest(&self) -> rustix::io::Result<bool> {
        Ok(FileStat::from(rustix::fs::fstat(&self.file)?) == self.found)
    }
}

/// A file that is to be made.
struct NewFile<'a> {
    to: BorrowedFd<'a>,
    name: &'a [u8],
    executable: bool,
    time: Option<Timespec>,
}

impl NewFile<'_> {
    /// Makes it, with what `fill` gives it and with this time, unless all files get another one; where that fails it is gone
    /// again.
    fn make(
        &self,
        mtime: Timespec,
        fill: impl FnOnce(&OwnedFd) -> rustix::io::Result<()>,
    ) -> rustix::io::Result<FileStat> {
        let mode = if self.executable { 0o777 } else { 0o666 };
        let target = rustix::fs::openat(self.to, self.name, TARGET, Mode::from_raw_mode(mode))?;
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: self.time.unwrap_or(mtime),
        };
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
fn is_old(found: &FileStat) -> bool {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec;
    let at = i64::from(found.ctime.seconds.max(found.mtime.seconds));
    now - at > 2
}

/// Whether the files of this directory lie on a file system that shares extents and shows every change in a file's times at
/// once. A network file system may share them too, but it shows what it has remembered.
#[cfg(target_os = "linux")]
fn shares_extents(directory: &Path) -> bool {
    const BTRFS: u32 = 0x9123_683e;
    const XFS: u32 = 0x5846_5342;
    const BCACHEFS: u32 = 0xca45_1a4e;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "all of them have 32 bits")]
    let kind = rustix::fs::statfs(directory).map(|found| found.f_type as u32);
    kind.is_ok_and(|kind| [BTRFS, XFS, BCACHEFS].contains(&kind))
}

#[cfg(target_os = "linux")]
fn clone_extents(target: &OwnedFd, source: &OwnedFd) -> rustix::io::Result<()> {
    rustix::fs::ioctl_ficlone(target, source)
}

// Other systems: clonefile(2) and ReFS make the file themselves and have not been tried; the content is written.
#[cfg(not(target_os = "linux"))]
const fn shares_extents(_: &Path) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
const fn clone_extents(_: &OwnedFd, _: &OwnedFd) -> rustix::io::Result<()> {
    Err(Errno::NOTSUP)
}

/// Reads from there until the buffer is full or the file ends. A place is given because a file that could not be shared
/// after all is read a second time.
fn read_full(file: &OwnedFd, buffer: &mut [u8], at: u64) -> rustix::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], at + filled as u64) {
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

#[cfg(test)]
mod tests {
    use gix_index::hash::Kind;

    use super::*;
    use crate::disk::{Replace, replace_file};

    #[test]
    fn a_source_can_be_read_again_from_its_beginning() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for size in [1, SMALL, PIECE, PIECE + 1, 2 * PIECE] {
            let content = vec![b'x'; size];
            replace_file(&path, &content, Replace::default()).unwrap();
            let file = rustix::fs::open(&path, SOURCE, Mode::empty()).unwrap();
            let found = FileStat::from(rustix::fs::fstat(&file).unwrap());
            let source = Source { file, found, mtime: Timespec { tv_sec: 0, tv_nsec: 0 } };
            let mut wanted = Hasher::blob(Kind::Sha1, size as u64).unwrap();
            wanted.add(&content);
            let wanted = Some(wanted.id());
            let mut buffer = Vec::new();
            for _ in 0..2 {
                assert_eq!(source.read(Kind::Sha1, &mut buffer, |_| Ok(())), Ok(wanted), "{size}");
            }
        }
    }
}
