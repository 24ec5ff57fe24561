//! The index of a tree that is being filled: it begins as the list of what the tree must hold, takes the stat data of
//! each file that arrives, and is written with those entries alone.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use gix_index::State;
use gix_index::entry::{Flags, Mode, Stat};
use gix_index::write::{Extensions, Options};

use super::{Entry, EntryKind, FileStat, HashKind, Index, ObjectId};
use crate::error::{Error, IoContext, Result};
use crate::git::object::Hasher;

/// An index in the making.
#[derive(Debug)]
pub struct Draft {
    state: State,
}

/// One thing that the tree must hold.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The path from the root of the worktree, parted by `/`.
    pub path: &'a [u8],
    /// What it is.
    pub kind: EntryKind,
    /// The id of its blob.
    pub id: &'a ObjectId,
    /// How large the file was when git last looked at it in the worktree that the list comes from, where that is known.
    pub size: Option<u64>,
}

impl Draft {
    /// Of another worktree's index, which must stand for the very tree that is wanted; see [`Index::tree`].
    #[must_use]
    pub fn of_index(index: Index) -> Self {
        let mut state = index.state;
        for entry in state.entries_mut() {
            entry.flags = Flags::empty();
        }
        Self { state }
    }

    /// Of what `git ls-tree -r -z` prints; `None` when it is not of that form.
    #[must_use]
    pub fn of_listing(listing: &[u8], hash: HashKind) -> Option<Self> {
        let mut state = State::new(hash);
        for line in listing.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let tab = line.iter().position(|byte| *byte == b'\t')?;
            let mut words = std::str::from_utf8(&line[..tab]).ok()?.split(' ');
            let mode = Mode::from_bits(u32::from_str_radix(words.next()?, 8).ok()?)?;
            let id = ObjectId::from_hex(words.nth(1)?.as_bytes()).ok()?;
            state.dangerously_push_entry(Stat::default(), id, Flags::empty(), mode, line[tab + 1..].into());
        }
        state.sort_entries();
        Some(Self { state })
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.entries().len()
    }

    /// Whether the tree holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The object format.
    #[must_use]
    pub fn hash(&self) -> HashKind {
        self.state.object_hash()
    }

    /// One entry, in the order of the index.
    #[must_use]
    pub fn wanted(&self, at: usize) -> Wanted<'_> {
        let entry = &self.state.entries()[at];
        let path = entry.path_in(self.state.path_backing());
        let size = Some(u64::from(entry.stat.size)).filter(|size| *size > 0);
        Wanted { path, kind: Entry { entry, path }.kind(), id: &entry.id, size }
    }

    /// Takes what became of the entries, in their order: the stat data of those that arrived. The others are taken out.
    /// Returns how many those are.
    pub fn settle(&mut self, arrived: &[Option<FileStat>]) -> usize {
        let mut missing = 0;
        for (entry, found) in self.state.entries_mut().iter_mut().zip(arrived) {
            match found {
                Some(found) => entry.stat = stat_of(found),
                None => {
                    entry.flags |= Flags::REMOVE;
                    missing += 1;
                }
            }
        }
        if missing > 0 {
            self.state.remove_tree();
        }
        missing
    }

    /// Whether it knows the ids of all its trees, so that git need not compute them.
    #[must_use]
    pub fn knows_trees(&self) -> bool {
        self.state.tree().is_some()
    }

    /// Writes it to a new file, with the permissions that git gives an index.
    pub fn write(&self, file: &Path) -> Result<()> {
        write_state(&self.state, File::create(file).context("create the index", file)?, file)
    }
}

/// Writes an index into a new file.
pub(super) fn write_state(state: &State, handle: File, file: &Path) -> Result<()> {
    let Some(hasher) = Hasher::new(state.object_hash()) else {
        return Err(Error::Internal { message: format!("no hash for the index {}", file.display()) });
    };
    let mut out = Hashed { out: BufWriter::with_capacity(64 * 1024, handle), hasher };
    let extensions = Extensions::Given { tree_cache: true, end_of_index_entry: false };
    let written = state.write_to(&mut out, Options { extensions, skip_hash: false });
    let finished = written.map_err(io::Error::other).and_then(|_| {
        let id = out.hasher.id();
        out.out.write_all(id.as_slice())?;
        out.out.flush()
    });
    finished.context("write the index", file)
}

/// What is written is hashed on its way: the trailer of an index is the hash of all before it.
struct Hashed {
    out: BufWriter<File>,
    hasher: Hasher,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.add(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "git keeps the low 32 bits")]
const fn stat_of(found: &FileStat) -> Stat {
    const fn time(time: super::Time) -> gix_index::entry::stat::Time {
        gix_index::entry::stat::Time { secs: time.seconds, nsecs: time.nanoseconds }
    }
    Stat {
        mtime: time(found.mtime),
        ctime: time(found.ctime),
        dev: found.dev as u32,
        ino: found.ino as u32,
        uid: found.uid,
        gid: found.gid,
        size: found.size as u32,
    }
}
