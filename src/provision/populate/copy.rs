//! Copies files from one worktree to another, each only if it is the very blob that the new tree wants.
//!
//! The proof is the content: every byte is hashed on its way, and a file whose hash is not the wanted id is not made,
//! or unmade. So it does not matter whether the main worktree is dirty, who writes to it meanwhile, what clock and
//! inode its index remembers, or which conversions were in force when its files were written. Hashing costs some 5 %
//! of a copy with the instructions that processors have for it; trusting the stat data of the index instead would
//! leave files that were checked out under other attributes than today's.
//! Only where extents are shared is what was hashed once believed of an unchanged file; see [`super::proven`].
//!
//! Directories are opened once and used by handle, and no symbolic link is followed on either side.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::cancel::Cancel;
use crate::error::{IoContext, Result};
use crate::git::index::{Draft, EntryKind, FileStat, Wanted};
use crate::progress::Progress;

use super::super::times::Time;
use super::file::{Copier, Place};

/// Most threads that copy. More than this only wait for each other in the directories' locks.
const MOST_WORKERS: usize = 8;
/// How many files a further thread must have to be worth its start (docs/performance.md has what was measured).
const FILES_PER_WORKER: usize = 64;
/// How many entries a thread takes at a time: neighbours, so that it opens few directories.
const PORTION: usize = 128;
/// Into how many such portions a small tree is divided for each thread, so that none waits long for the last one.
const PORTIONS: usize = 4;

/// What is copied from, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct From<'a> {
    /// The main worktree.
    pub(super) main: &'a Path,
    /// The common git directory.
    pub(super) common_dir: &'a Path,
    /// The time that all copies get; those of their sources where there is none.
    pub(super) time: Option<Time>,
}

/// Copies what it can of `draft` from the worktree `from` into the worktree `to`, but for what `leave` says. What cannot
/// be copied, for whatever reason, is left out: git makes it, or says why it cannot. Gives the stat data of what was
/// made.
pub(super) fn copy(
    source: From<'_>,
    to: &Path,
    draft: &Draft,
    leave: &(dyn Fn(&Wanted<'_>) -> bool + Sync),
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Vec<Option<FileStat>>> {
    let root = |path: &Path| {
        rustix::fs::open(path, DIRECTORY, Mode::empty()).map_err(io::Error::from).context("open", path)
    };
    let (from, to) = (root(source.main)?, root(to)?);
    let total = draft.len();
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = cores.min(MOST_WORKERS).min(total / FILES_PER_WORKER).max(1);
    let size = total.div_ceil(workers * PORTIONS).clamp(1, PORTION);
    let mut arrived: Vec<Option<FileStat>> = vec![None; total];
    let portions = Mutex::new(arrived.chunks_mut(size).enumerate());
    let shared = Shared {
        draft,
        leave,
        from: from.as_fd(),
        to: to.as_fd(),
        copier: Copier::new(draft.hash(), &source),
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
                *slot = worker.make(number * size + offset);
            }
            let made = portion.iter().filter(|slot| slot.is_some()).count();
            let done = shared.done.fetch_add(made, Ordering::Relaxed) + made;
            if reports {
                progress.report(done, total);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..workers {
            // One that cannot be started is not needed either.
            let _ = thread::Builder::new().name("okstra copy".into()).spawn_scoped(scope, || work(false));
        }
        work(true);
    });
    cancel.check("filling the worktree")?;
    let Shared { copier, .. } = shared;
    copier.finish(total);
    Ok(arrived)
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
struct Shared<'a> {
    draft: &'a Draft,
    leave: &'a (dyn Fn(&Wanted<'_>) -> bool + Sync),
    from: BorrowedFd<'a>,
    to: BorrowedFd<'a>,
    copier: Copier,
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
        let place = Place { from, to, name };
        let made = match wanted.kind {
            EntryKind::File | EntryKind::Executable => shared.copier.file(&mut self.buffer, &wanted, place),
            EntryKind::Symlink => shared.copier.link(&wanted, place),
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
