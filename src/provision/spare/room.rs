//! The room that spares take from the file system they lie on, and the part of it that must stay free.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use crate::cancel::{Cancel, NOTICE_WITHIN};
use crate::error::{Error, IoContext, Result};
use crate::git::index::{EntryKind, Index, hash_kind};

/// Files take whole blocks; of this size on nearly every file system.
const BLOCK: u64 = 4096;

/// The room of a file system.
#[derive(Debug)]
pub(super) struct Room<'a> {
    /// A directory on it.
    pub place: PathBuf,
    /// How many bytes must stay free.
    pub keep_free: u64,
    /// Stops what takes it.
    pub cancel: &'a Cancel,
}

impl Room<'_> {
    /// How many bytes are free.
    pub(super) fn free(&self) -> Result<u64> {
        fs2::available_space(&self.place).context("ask for the free space of", &self.place)
    }

    /// Whether less than wanted would be free after `more` bytes are taken.
    pub(super) fn is_short_of(&self, more: u64) -> Result<bool> {
        Ok(self.free()? < self.keep_free.saturating_add(more))
    }

    /// What is free and what is to stay free, in words.
    pub(super) fn told(&self) -> Result<String> {
        let megabytes = |bytes: u64| bytes / 1_000_000;
        let (free, wanted) = (megabytes(self.free()?), megabytes(self.keep_free));
        Ok(format!("only {free} MB are free, and {wanted} MB are to stay free"))
    }

    /// Does something that takes room, and stops it when the limit is crossed: `None` then. How much a tree takes is only
    /// known when it is there (filters, holes, block sizes), and others write meanwhile.
    pub(super) fn watch<T>(&self, take: impl FnOnce(&Cancel) -> Result<T>) -> Result<Option<T>> {
        let stop = Cancel::default();
        let (done, ended) = mpsc::channel::<()>();
        let taken = thread::scope(|scope| {
            let stop = &stop;
            scope.spawn(move || {
                while matches!(ended.recv_timeout(NOTICE_WITHIN), Err(RecvTimeoutError::Timeout)) {
                    if self.cancel.is_cancelled() || self.is_short_of(0).unwrap_or(false) {
                        stop.cancel();
                        return;
                    }
                }
            });
            let taken = take(stop);
            drop(done);
            taken
        });
        match taken {
            Ok(taken) => Ok(Some(taken)),
            Err(_) if self.cancel.is_cancelled() => Err(Error::Aborted { what: "making spares".to_owned() }),
            // Also where git met the end of the file system before the limit was looked at.
            Err(_) if stop.is_cancelled() || self.is_short_of(0)? => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// How many bytes the tree takes whose index this is, and the index itself, by the sizes that git noted in it. `None`
/// where there is none that can be read.
pub(super) fn size_by(index: &Path, commit: &str) -> Option<u64> {
    let length = fs::metadata(index).ok()?.len();
    let index = Index::read(index, hash_kind(commit)?).ok()??;
    let files = index.entries().filter(|entry| entry.kind() != EntryKind::Other);
    Some(files.map(|entry| entry.size().next_multiple_of(BLOCK)).sum::<u64>() + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(stop: &Cancel) -> Result<()> {
        while !stop.is_cancelled() {
            thread::yield_now();
        }
        stop.check("taking room")
    }

    #[test]
    fn what_takes_room_is_stopped_at_the_limit_and_when_the_caller_says_so() {
        let cancel = Cancel::default();
        let place = std::env::temp_dir();
        let short = Room { place: place.clone(), keep_free: u64::MAX, cancel: &cancel };
        assert!(short.watch(until).unwrap().is_none());
        let ample = Room { place, keep_free: 0, cancel: &cancel };
        assert_eq!(ample.watch(|_| Ok(1)).unwrap(), Some(1));
        cancel.cancel();
        assert!(matches!(ample.watch(until), Err(Error::Aborted { .. })));
    }
}
