//! An index that hides nothing: what `git status` is asked with, so that it tells of every edit.
//!
//! git believes an index that says "do not look" (`--assume-unchanged`, `--skip-worktree`), and it believes stat data to
//! the second, so that an edit of the same length within one second of the checkout, with its time put back, goes
//! unseen. A copy in which those bits are off and that stat data is blank makes git look at the content; the index itself
//! is never touched.

use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use gix_index::State;
use gix_index::decode::Options;
use gix_index::entry::{Flags, Mode, Stat};

#[cfg(unix)]
use super::{FileStat, Index};
use super::{HashKind, LIMIT, draft};
use crate::disk;
use crate::error::{IoContext, Result};
use crate::git::repository::path_of;

/// A copy of an index, in memory.
#[derive(Debug)]
pub struct Candid {
    state: State,
    written: SystemTime,
}

/// The files of an index that git was told not to look at, as paths from the root of the worktree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hidden {
    /// With `--assume-unchanged`.
    pub assumed: Vec<Vec<u8>>,
    /// With `--skip-worktree`, though they are there.
    pub skipped: Vec<Vec<u8>>,
}

impl Hidden {
    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.assumed.is_empty() && self.skipped.is_empty()
    }
}

/// What became of reading one.
#[derive(Debug)]
pub enum Copied {
    /// There is no index.
    Missing,
    /// It can be worked with.
    Whole(Box<Candid>),
    /// It is split, sparse, or of a form that this code does not know: git can write it in a plain one.
    Otherwise,
}

impl Candid {
    /// Copies the index at `file`; some 10 ms at 100,000 entries.
    pub fn read(file: &Path, hash: HashKind) -> Result<Copied> {
        let Some((handle, bytes)) = disk::read_regular(file, LIMIT).context("read the index", file)? else {
            return Ok(Copied::Missing);
        };
        let written = handle.metadata().and_then(|found| found.modified()).context("look at", file)?;
        let options = Options { thread_limit: Some(1), ..Options::default() };
        let nobody = State::new(hash).timestamp();
        Ok(match State::from_bytes(&bytes, nobody, hash, options) {
            Ok((state, _)) if state.link().is_none() && !state.is_sparse() => {
                Copied::Whole(Box::new(Self { state, written }))
            }
            _ => Copied::Otherwise,
        })
    }

    /// Takes the bits off every file that is there and that git was told not to look at, and tells which those are. A
    /// file that is left out of the worktree (a sparse checkout) and is not there stays so.
    pub fn reveal(&mut self, worktree: &Path) -> Hidden {
        let mut found = Hidden::default();
        let (entries, paths) = self.state.entries_mut_and_pathbacking();
        for entry in entries {
            let hidden = entry.flags & (Flags::ASSUME_VALID | Flags::SKIP_WORKTREE);
            if hidden.is_empty() {
                continue;
            }
            let there = || fs::symlink_metadata(worktree.join(path_of(entry.path_in(paths)))).is_ok();
            if hidden.contains(Flags::SKIP_WORKTREE) && !there() {
                continue;
            }
            let path = entry.path_in(paths).to_vec();
            if hidden.contains(Flags::ASSUME_VALID) {
                found.assumed.push(path.clone());
            }
            if hidden.contains(Flags::SKIP_WORKTREE) {
                found.skipped.push(path);
            }
            entry.flags.remove(hidden);
            // It is as old as the bit: nobody kept it true since.
            entry.stat = Stat::default();
        }
        found
    }

    /// Blanks the stat data of every file that it does not prove unchanged in each field and to the nanosecond, so that
    /// git reads the file. Whether there was one.
    #[cfg(unix)]
    pub fn doubt(&mut self, worktree: &Path) -> bool {
        let at = |past: std::time::Duration| super::Time {
            seconds: u32::try_from(past.as_secs() & u64::from(u32::MAX)).unwrap_or_default(),
            nanoseconds: past.subsec_nanos(),
        };
        let written = self.written.duration_since(SystemTime::UNIX_EPOCH).map(at).unwrap_or_default();
        let index = Index { state: std::mem::replace(&mut self.state, State::new(HashKind::Sha1)), written };
        let proven: Vec<bool> = index
            .entries()
            .map(|entry| {
                let found = fs::symlink_metadata(worktree.join(path_of(entry.path())));
                found.is_ok_and(|found| index.proves_unchanged(&entry, &FileStat::of(&found)))
            })
            .collect();
        self.state = index.state;
        let mut any = false;
        for (entry, proven) in self.state.entries_mut().iter_mut().zip(proven) {
            if !proven && entry.mode != Mode::COMMIT && entry.stat != Stat::default() {
                entry.stat = Stat::default();
                any = true;
            }
        }
        any
    }

    /// Windows: what git keeps there is not compared, so all of it is left to git.
    #[cfg(not(unix))]
    pub fn doubt(&mut self, _worktree: &Path) -> bool {
        false
    }

    /// Writes it into an empty file, which becomes as old as the index that it was read from: git reads the content of
    /// files that are not older than their index.
    pub fn write(&self, handle: File, file: &Path) -> Result<()> {
        let again = handle.try_clone().context("write the index", file)?;
        draft::write_state(&self.state, handle, file)?;
        again.set_modified(self.written).context("write the index", file)
    }
}

/// The object format of the repository with this common git directory: `extensions.objectFormat`, which git reads from
/// this one file alone.
#[must_use]
pub fn format_of(common_dir: &Path) -> HashKind {
    let text = fs::read(common_dir.join("config")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).to_ascii_lowercase();
    let named = |line: &str| {
        let (name, value) = line.split_once('=')?;
        // Also where it stands behind its section on one line.
        name.trim_end().ends_with("objectformat").then(|| value.contains("sha256"))
    };
    if text.lines().filter_map(named).next_back().unwrap_or(false) {
        HashKind::Sha256
    } else {
        HashKind::Sha1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Replace, replace_file};

    #[test]
    fn the_object_format_is_read_from_the_configuration() {
        let directory = tempfile::tempdir().unwrap();
        let format = |text: &str| {
            replace_file(&directory.path().join("config"), text.as_bytes(), Replace::default()).unwrap();
            format_of(directory.path())
        };
        assert_eq!(format_of(directory.path()), HashKind::Sha1);
        assert_eq!(format("[core]\n\tbare = false\n"), HashKind::Sha1);
        assert_eq!(format("[extensions]\n\tobjectFormat = sha1\n"), HashKind::Sha1);
        assert_eq!(format("[extensions]\n\tobjectformat = sha256\n"), HashKind::Sha256);
        assert_eq!(format("[extensions] ObjectFormat=\"sha256\"\n"), HashKind::Sha256);
    }
}
