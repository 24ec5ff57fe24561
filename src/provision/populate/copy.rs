//! Copies files from one worktree to another, each only if it is the very blob that the new tree wants.
//!
//! The proof is the content: every byte is hashed on its way, and a file whose hash is not the wanted id is not made,
//! or unmade. So it does not matter whether the main worktree is dirty, who writes to it meanwhile, what clock and
//! inode its index remembers, or which conversions were in force when its files were written. Hashing costs some 5 %
//! of a copy with the instructions that processors have for it; trusting the stat data of the index instead would
//! leave files that were checked out under other attributes than today's.
//!
//! Directories are opened once and used by handle, and no symbolic link is followed on either side.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use crate::cancel::Cancel;
use crate::error::{IoContext, Result};
use crate::git::index::{Draft, EntryKind, FileStat, HashKind, ObjectId, Wanted};
use crate::git::object::Hasher;
use crate::progress::Progress;

/// Most threads that copy. More than this only wait for each other in the directories' locks.
const MOST_WORKERS: usize = 8;
/// How many files a further thread must have to be worth its start.
const FILES_PER_WORKER: usize = 256;
/// How many entries a thread takes at a time: neighbours, so that it opens few directories.
const PORTION: usize = 128;
/// Files up to this size are read whole and hashed before anything is made; larger ones go through in pieces.
const PIECE: usize = 1024 * 1024;

/// Copies what it can of `draft` from the worktree `from` into the worktree `to`, but for what `leave` says. What cannot
/// be copied, for whatever reason, is left out: git makes it, or says why it cannot. Gives the stat data of what was
/// made.
pub(super) fn copy(
    from: &Path,
    to: &Path,
    draft: &Draft,
    leave: &(dyn Fn(&Wanted<'_>) -> bool + Sync),
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Vec<Option<FileStat>>> {
    let root = |path: &Path| {
        rustix::fs::open(path, DIRECTORY, Mode::empty()).map_err(io::Error::from).context("open", path)
    };
    let (from, to) = (root(from)?, root(to)?);
    let total = draft.len();
    let mut arrived: Vec<Option<FileStat>> = vec![None; total];
    let portions = Mutex::new(arrived.chunks_mut(PORTION).enumerate());
    let shared = Shared {
        draft,
        leave,
        from: from.as_fd(),
        to: to.as_fd(),
        clones: AtomicBool::new(cfg!(target_os = "linux")),
        full: AtomicBool::new(false),
        done: AtomicUsize::new(0),
    };
    let work = |reports: bool| {
        let mut worker = Worker::new(&shared);
        loop {
            let next = portions.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
            let Some((number, portion)) = next else { break };
            for (offset, slot) in portion.iter_mut().enumerate() {
                if cancel.is_cancelled() || shared.full.load(Ordering::Relaxed) {
                    return;
                }
                *slot = worker.make(number * PORTION + offset);
            }
            let done = shared.done.fetch_add(portion.len(), Ordering::Relaxed) + portion.len();
            if reports {
                progress.report(done, total);
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let helpers = cores.min(MOST_WORKERS).min(total / FILES_PER_WORKER).saturating_sub(1);
    thread::scope(|scope| {
        for _ in 0..helpers {
            // One that cannot be started is not needed either.
            let _ = thread::Builder::new().name("okstra copy".into()).spawn_scoped(scope, || work(false));
        }
        work(true);
    });
    cancel.check("filling the worktree")?;
    Ok(arrived)
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
// NONBLOCK: something else may stand where a file should, and a FIFO must not stop us.
const SOURCE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
const TARGET: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

struct Shared<'a> {
    draft: &'a Draft,
    leave: &'a (dyn Fn(&Wanted<'_>) -> bool + Sync),
    from: BorrowedFd<'a>,
    to: BorrowedFd<'a>,
    /// Whether the file system has not yet refused to share extents.
    clones: AtomicBool,
    /// Whether the target has no more room; git will say so.
    full: AtomicBool,
    done: AtomicUsize,
}

/// A directory of both trees, open.
struct Level {
    /// How much of the worker's path names it.
    length: usize,
    from: OwnedFd,
    to: OwnedFd,
}

struct Worker<'a> {
    shared: &'a Shared<'a>,
    path: Vec<u8>,
    levels: Vec<Level>,
    /// A directory that could not be opened: nothing below it is tried.
    closed: Option<Vec<u8>>,
    buffer: Vec<u8>,
}

impl<'a> Worker<'a> {
    const fn new(shared: &'a Shared<'a>) -> Self {
        Self { shared, path: Vec::new(), levels: Vec::new(), closed: None, buffer: Vec::new() }
    }

    /// Makes one entry, or leaves it.
    fn make(&mut self, at: usize) -> Option<FileStat> {
        let shared = self.shared;
        let wanted = shared.draft.wanted(at);
        if (shared.leave)(&wanted) {
            return None;
        }
        let split = wanted.path.iter().rposition(|byte| *byte == b'/');
        let (directory, name) = match split {
            Some(at) => (&wanted.path[..at], &wanted.path[at + 1..]),
            None => (&b""[..], wanted.path),
        };
        if !self.enter(directory) {
            return None;
        }
        let (from, to) = self
            .levels
            .last()
            .map_or((shared.from, shared.to), |level| (level.from.as_fd(), level.to.as_fd()));
        let made = match wanted.kind {
            EntryKind::File | EntryKind::Executable => {
                copy_file(shared, &mut self.buffer, &wanted, name, from, to)
            }
            EntryKind::Symlink => copy_link(shared.draft.hash(), wanted.id, name, from, to),
            EntryKind::Other => Ok(None),
        };
        made.unwrap_or_else(|error| {
            if matches!(error, Errno::NOSPC | Errno::DQUOT) {
                shared.full.store(true, Ordering::Relaxed);
            }
            None
        })
    }

    /// Opens a directory in both trees, from the nearest one that is open; the new one is made where it is missing.
    fn enter(&mut self, directory: &[u8]) -> bool {
        let below = |path: &[u8], of: &[u8]| {
            of.is_empty() || (path.starts_with(of) && path.get(of.len()).is_none_or(|byte| *byte == b'/'))
        };
        if self.closed.as_ref().is_some_and(|closed| below(directory, closed)) {
            return false;
        }
        while let Some(level) = self.levels.last() {
            if below(directory, &self.path[..level.length]) {
                break;
            }
            self.levels.pop();
        }
        let known = self.levels.last().map_or(0, |level| level.length);
        self.path.truncate(known);
        for name in directory[known..].split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name);
            let (from, to) = self
                .levels
                .last()
                .map_or((self.shared.from, self.shared.to), |level| (level.from.as_fd(), level.to.as_fd()));
            let Ok((from, to)) = open_both(from, to, name) else {
                self.closed = Some(self.path.clone());
                self.path.truncate(self.levels.last().map_or(0, |level| level.length));
                return false;
            };
            self.levels.push(Level { length: self.path.len(), from, to });
        }
        true
    }
}

fn open_both(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    name: &[u8],
) -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let from = rustix::fs::openat(from, name, DIRECTORY, Mode::empty())?;
    match rustix::fs::mkdirat(to, name, Mode::from_raw_mode(0o777)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    Ok((from, rustix::fs::openat(to, name, DIRECTORY, Mode::empty())?))
}

fn copy_file(
    shared: &Shared<'_>,
    buffer: &mut Vec<u8>,
    wanted: &Wanted<'_>,
    name: &[u8],
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
) -> rustix::io::Result<Option<FileStat>> {
    let source = rustix::fs::openat(from, name, SOURCE, Mode::empty())?;
    let before = rustix::fs::fstat(&source)?;
    let found = FileStat::from(before);
    if !matches!(found.kind, EntryKind::File | EntryKind::Executable)
        || wanted.size.is_some_and(|size| size != found.size & u64::from(u32::MAX))
    {
        return Ok(None);
    }
    let Some(mut hasher) = Hasher::blob(shared.draft.hash(), found.size) else { return Ok(None) };
    let mode = if wanted.kind == EntryKind::Executable { 0o777 } else { 0o666 };
    let make = || rustix::fs::openat(to, name, TARGET, Mode::from_raw_mode(mode));
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: before.st_mtime, tv_nsec: before.st_mtime_nsec as _ },
    };
    let finish = |target: &OwnedFd| -> rustix::io::Result<FileStat> {
        rustix::fs::futimens(target, &times)?;
        rustix::fs::fstat(target).map(FileStat::from)
    };
    let unmake = |error: Errno| {
        // Left there, it would stand in git's way; if it cannot be removed, git says so.
        let _ = rustix::fs::unlinkat(to, name, AtFlags::empty());
        error
    };
    let size = usize::try_from(found.size).unwrap_or(usize::MAX);
    if size <= PIECE {
        buffer.resize(PIECE, 0);
        // A file that ended where it said has been read whole; whether it grew since does not matter, the hash decides.
        let count = read_full(&source, &mut buffer[..size])?;
        hasher.add(&buffer[..count]);
        if count != size || hasher.id() != *wanted.id {
            return Ok(None);
        }
        let target = make()?;
        let written = match share_extents(shared, &source, &found, &target) {
            true => Ok(()),
            false => write_all(&target, &buffer[..count]),
        };
        return written.and_then(|()| finish(&target)).map(Some).map_err(unmake);
    }
    let target = make()?;
    let shares = share_extents(shared, &source, &found, &target);
    buffer.resize(PIECE, 0);
    let copied = (|| {
        let mut length = 0;
        loop {
            let count = read_full(&source, buffer)?;
            hasher.add(&buffer[..count]);
            if !shares {
                write_all(&target, &buffer[..count])?;
            }
            length += count;
            if count < buffer.len() {
                break;
            }
        }
        if length != size || hasher.id() != *wanted.id || (shares && !is_at_rest(&source, &found)?) {
            return Err(Errno::STALE);
        }
        finish(&target)
    })();
    match copied {
        Ok(made) => Ok(Some(made)),
        Err(error) => match unmake(error) {
            Errno::STALE => Ok(None),
            error => Err(error),
        },
    }
}

/// Lets the new file share the old one's extents, where the file system can and the content that was or will be hashed
/// is surely the content that is shared. Does nothing else where it gives `false`.
#[cfg(target_os = "linux")]
fn share_extents(shared: &Shared<'_>, source: &OwnedFd, found: &FileStat, target: &OwnedFd) -> bool {
    if found.size == 0 || !shared.clones.load(Ordering::Relaxed) || !is_old(found) {
        return false;
    }
    if let Err(error) = rustix::fs::ioctl_ficlone(target, source) {
        if error != Errno::TXTBSY {
            shared.clones.store(false, Ordering::Relaxed);
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
const fn share_extents(_: &Shared<'_>, _: &OwnedFd, _: &FileStat, _: &OwnedFd) -> bool {
    false
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

fn copy_link(
    hash: HashKind,
    id: &ObjectId,
    name: &[u8],
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
) -> rustix::io::Result<Option<FileStat>> {
    let target = rustix::fs::readlinkat(from, name, Vec::new())?;
    let Some(mut hasher) = Hasher::blob(hash, target.as_bytes().len() as u64) else { return Ok(None) };
    hasher.add(target.as_bytes());
    if hasher.id() != *id {
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
