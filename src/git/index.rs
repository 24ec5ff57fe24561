//! Reads the index of a worktree, and applies git's own rule for when an entry proves that its file is unchanged.
//!
//! Everything here may answer "not known": a split or sparse index, an extension that must be understood and is not,
//! stat data that differs in any field. git knows the answer then, at the price of reading the files.

pub mod candid;
mod draft;
pub mod form;

use std::path::Path;

use gix_index::State;
use gix_index::decode::Options;
use gix_index::entry::{Flags, Mode};
pub use gix_index::hash::{Kind as HashKind, ObjectId};

pub use self::draft::{Draft, Wanted};

use crate::disk;
use crate::error::{IoContext, Result};

/// Largest index that is read: some five million files.
const LIMIT: u64 = 1024 * 1024 * 1024;
/// Sizes are kept modulo 2^32, so from here on they prove nothing.
const HUGE: u64 = u32::MAX as u64;

/// An index as it was read. Costs about as much memory as git's own copy: 100 bytes and the path for each entry.
#[derive(Debug)]
pub struct Index {
    state: State,
    written: Time,
}

/// A time of the file system: seconds as git keeps them (the low 32 bits), and nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Seconds since 1970, modulo 2^32.
    pub seconds: u32,
    /// Nanoseconds within the second.
    pub nanoseconds: u32,
}

/// What an entry is, from its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A regular file that its owner may execute.
    Executable,
    /// A symbolic link.
    Symlink,
    /// A submodule, or what this code does not know.
    Other,
}

/// What `lstat` or `fstat` tells about a file, as far as git compares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// What it is; [`EntryKind::Other`] for directories and special files.
    pub kind: EntryKind,
    /// Bytes.
    pub size: u64,
    /// When its content changed.
    pub mtime: Time,
    /// When its content or its inode changed.
    pub ctime: Time,
    /// The device; git does not compare it, because it changes with a reboot on some systems.
    pub dev: u64,
    /// The inode.
    pub ino: u64,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// One entry of an index.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    entry: &'a gix_index::Entry,
    path: &'a [u8],
}

impl Index {
    /// Reads an index file. `None` when there is none, and when it is of a form that this code does not understand whole:
    /// split, sparse, a newer version, an unknown extension that must not be ignored, damage. `hash` is the repository's
    /// object format; see [`hash_kind`]. About 10 ms at 100,000 entries.
    pub fn read(file: &Path, hash: HashKind) -> Result<Option<Self>> {
        let Some((handle, bytes)) = disk::read_regular(file, LIMIT).context("read the index", file)? else {
            return Ok(None);
        };
        let metadata = handle.metadata().context("look at", file)?;
        // The time of the very file that was read: git replaces an index, it never writes into one.
        let Some(written) = modified(&metadata) else { return Ok(None) };
        // The time in the state is not used: the rule below is stricter than the crate's.
        let nobody = gix_index::State::new(hash).timestamp();
        // One thread: decoding 100,000 entries takes less than starting others is worth.
        let options = Options { thread_limit: Some(1), ..Options::default() };
        let Ok((state, _checksum)) = State::from_bytes(&bytes, nobody, hash, options) else {
            return Ok(None);
        };
        if state.link().is_some() || state.is_sparse() {
            return Ok(None);
        }
        Ok(Some(Self { state, written }))
    }

    /// All entries, ordered by path and stage.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        let paths = self.state.path_backing();
        self.state.entries().iter().map(move |entry| Entry { entry, path: entry.path_in(paths) })
    }

    /// The id of the tree that the whole index stands for, where git left that in the index (it does after a checkout
    /// and after a commit).
    #[must_use]
    pub fn tree(&self) -> Option<ObjectId> {
        let tree = self.state.tree()?;
        let all = u32::try_from(self.state.entries().len()).ok();
        (tree.num_entries.is_some() && tree.num_entries == all).then_some(tree.id)
    }

    /// Whether the content of the file still is what the entry names, by git's rule without its indulgences: every field
    /// of the stat data is equal, to the nanosecond and whatever `core.checkStat` and `core.trustCtime` allow to be
    /// overlooked, and the file had come to rest before the index was written (a file that changes twice within one tick
    /// of the clock shows the same time, so an entry that is not older than the index proves nothing).
    ///
    /// `false` is no statement: ask git.
    #[must_use]
    pub fn proves_unchanged(&self, entry: &Entry<'_>, found: &FileStat) -> bool {
        self.matches(entry, found) && found.mtime < self.written
    }

    /// Whether only the time of the index is missing for a proof: the stat data is equal, but the file may have changed
    /// again within the tick in which the index was written. Its content tells, and git reads only such files.
    #[must_use]
    pub fn may_be_unchanged(&self, entry: &Entry<'_>, found: &FileStat) -> bool {
        self.matches(entry, found)
    }

    fn matches(&self, entry: &Entry<'_>, found: &FileStat) -> bool {
        let stat = &entry.entry.stat;
        let time = |time: gix_index::entry::stat::Time| Time { seconds: time.secs, nanoseconds: time.nsecs };
        // git writes 0 for the size of an entry that it knows to be changed behind the back of the other fields.
        let smudged = stat.size == 0 && !entry.entry.id.is_empty_blob();
        entry.is_plain()
            && entry.kind() == found.kind
            && found.kind != EntryKind::Other
            && found.size < HUGE
            && u64::from(stat.size) == found.size
            && !smudged
            && time(stat.mtime) == found.mtime
            && time(stat.ctime) == found.ctime
            && u64::from(stat.ino) == found.ino & HUGE
            && stat.uid == found.uid
            && stat.gid == found.gid
    }
}

impl<'a> Entry<'a> {
    /// The path from the root of the worktree, parted by `/`.
    #[must_use]
    pub const fn path(&self) -> &'a [u8] {
        self.path
    }

    /// The id of the blob.
    #[must_use]
    pub const fn id(&self) -> &'a ObjectId {
        &self.entry.id
    }

    /// The size of its file when git last looked at it, less whole multiples of 4 GiB; 0 where git was not sure of it.
    #[must_use]
    pub fn size(&self) -> u64 {
        u64::from(self.entry.stat.size)
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        match self.entry.mode {
            Mode::FILE => EntryKind::File,
            Mode::FILE_EXECUTABLE => EntryKind::Executable,
            Mode::SYMLINK => EntryKind::Symlink,
            _ => EntryKind::Other,
        }
    }

    /// The mode as git writes it: `0o100644`, `0o100755`, `0o120000`, `0o160000`.
    #[must_use]
    pub const fn mode(&self) -> u32 {
        self.entry.mode.bits()
    }

    /// 0, or 1 to 3 for the sides of a conflict.
    #[must_use]
    pub fn stage(&self) -> u32 {
        self.entry.flags.stage_raw()
    }

    /// Whether git was told not to look at the file (`git update-index --assume-unchanged`).
    #[must_use]
    pub const fn is_assumed_unchanged(&self) -> bool {
        self.entry.flags.contains(Flags::ASSUME_VALID)
    }

    /// Whether the file is left out of the worktree (a sparse checkout).
    #[must_use]
    pub const fn is_skipped(&self) -> bool {
        self.entry.flags.contains(Flags::SKIP_WORKTREE)
    }

    /// Whether only its name was staged (`git add --intent-to-add`).
    #[must_use]
    pub const fn is_intended(&self) -> bool {
        self.entry.flags.contains(Flags::INTENT_TO_ADD)
    }

    /// Whether it is an everyday entry: no side of a conflict and none of the flags that make git look away.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.stage() == 0 && !self.is_assumed_unchanged() && !self.is_skipped() && !self.is_intended()
    }
}

#[cfg(unix)]
impl From<rustix::fs::Stat> for FileStat {
    #[expect(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "the fields differ between systems")]
    fn from(found: rustix::fs::Stat) -> Self {
        Self {
            kind: kind_of(found.st_mode as u32),
            size: found.st_size as u64,
            mtime: time_of(found.st_mtime as i64, found.st_mtime_nsec as i64),
            ctime: time_of(found.st_ctime as i64, found.st_ctime_nsec as i64),
            dev: found.st_dev as u64,
            ino: found.st_ino as u64,
            uid: found.st_uid,
            gid: found.st_gid,
        }
    }
}

/// Up to `most` paths that an index lists as checked out, taken evenly from all of it; also of an index that
/// [`Index::read`] leaves to git, where it can be decoded. `None` when it cannot, or lists none.
#[must_use]
pub fn sample(file: &Path, hash: HashKind, most: usize) -> Option<Vec<Vec<u8>>> {
    let decode = |file: &Path| {
        let (_, bytes) = disk::read_regular(file, LIMIT).ok()??;
        let nobody = gix_index::State::new(hash).timestamp();
        let options = Options { thread_limit: Some(1), ..Options::default() };
        State::from_bytes(&bytes, nobody, hash, options).ok().map(|(state, _checksum)| state)
    };
    let mut state = decode(file)?;
    if let Some(link) = state.link() {
        state = decode(&file.with_file_name(format!("sharedindex.{}", link.shared_index_checksum)))?;
    }
    let all: Vec<_> =
        state.entries().iter().filter(|entry| !entry.flags.contains(Flags::SKIP_WORKTREE)).collect();
    let step = all.len().div_ceil(most.max(1)).max(1);
    let paths = state.path_backing();
    let found: Vec<Vec<u8>> =
        all.into_iter().step_by(step).map(|entry| entry.path_in(paths).to_vec()).collect();
    (!found.is_empty()).then_some(found)
}

/// The object format whose ids are as long as this commit's, in hexadecimal.
#[must_use]
pub fn hash_kind(commit: &str) -> Option<HashKind> {
    HashKind::from_hex_len(commit.len())
}

#[cfg(unix)]
fn modified(metadata: &std::fs::Metadata) -> Option<Time> {
    Some(FileStat::of(metadata).mtime)
}

// Windows: git keeps other fields there, and until the rule for them has been proven on it, git is asked.
#[cfg(not(unix))]
fn modified(_metadata: &std::fs::Metadata) -> Option<Time> {
    None
}

#[cfg(unix)]
impl FileStat {
    /// From what `symlink_metadata` gives.
    #[must_use]
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            kind: kind_of(metadata.mode()),
            size: metadata.size(),
            mtime: time_of(metadata.mtime(), metadata.mtime_nsec()),
            ctime: time_of(metadata.ctime(), metadata.ctime_nsec()),
            dev: metadata.dev(),
            ino: metadata.ino(),
            uid: metadata.uid(),
            gid: metadata.gid(),
        }
    }
}

#[cfg(unix)]
#[expect(clippy::cast_sign_loss, reason = "times before 1970 wrap in git too")]
impl From<&rustix::fs::Stat> for FileStat {
    fn from(found: &rustix::fs::Stat) -> Self {
        Self {
            kind: kind_of(found.st_mode as _),
            size: found.st_size as u64,
            mtime: time_of(found.st_mtime as _, found.st_mtime_nsec as _),
            ctime: time_of(found.st_ctime as _, found.st_ctime_nsec as _),
            dev: found.st_dev as _,
            ino: found.st_ino as _,
            uid: found.st_uid,
            gid: found.st_gid,
        }
    }
}

#[cfg(unix)]
fn kind_of(mode: u32) -> EntryKind {
    use rustix::fs::{FileType, Mode};
    match FileType::from_raw_mode(mode as _) {
        // git looks at the owner's bit alone.
        FileType::RegularFile if Mode::from_raw_mode(mode as _).contains(Mode::XUSR) => EntryKind::Executable,
        FileType::RegularFile => EntryKind::File,
        FileType::Symlink => EntryKind::Symlink,
        _ => EntryKind::Other,
    }
}

// Truncated as git truncates.
#[cfg(unix)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "git keeps the low 32 bits")]
const fn time_of(seconds: i64, nanoseconds: i64) -> Time {
    Time { seconds: seconds as u32, nanoseconds: nanoseconds as u32 }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, File};
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::disk::{Replace, replace_file};
    use crate::git::Git;

    struct Fixture(tempfile::TempDir);

    impl Fixture {
        /// A repository with three committed files whose times lie well before the index.
        fn new(format: &str) -> Self {
            let fixture = Self(tempfile::tempdir().unwrap());
            fixture.git(&["init", "-q", "--object-format", format, "."]);
            for (name, content) in [("a", "one\n"), ("d/b", "two\n"), ("empty", "")] {
                fixture.write(name, content);
            }
            fixture.git(&["add", "."]);
            fixture.git(&["-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-qm", "m"]);
            fixture
        }

        fn git(&self, args: &[&str]) -> String {
            String::from_utf8(Git::new(self.0.path()).args(args).read().unwrap()).unwrap()
        }

        fn write(&self, name: &str, content: &str) {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            replace_file(&path, content.as_bytes(), Replace::default()).unwrap();
            // Well in the past, so that nothing is racy unless a test wants it.
            let old = SystemTime::now() - Duration::from_secs(1000);
            File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        }

        fn read(&self) -> Option<Index> {
            let commit = self.git(&["rev-parse", "HEAD"]);
            let hash = hash_kind(commit.trim()).unwrap();
            Index::read(&self.0.path().join(".git/index"), hash).unwrap()
        }

        /// The paths whose entries prove them unchanged.
        fn proven(&self) -> Vec<String> {
            let index = self.read().unwrap();
            let root = self.0.path();
            let proven = |entry: &Entry<'_>| {
                let path = root.join(std::str::from_utf8(entry.path()).unwrap());
                fs::symlink_metadata(path)
                    .is_ok_and(|found| index.proves_unchanged(entry, &FileStat::of(&found)))
            };
            let text = |entry: Entry<'_>| String::from_utf8(entry.path().to_vec()).unwrap();
            index.entries().filter(proven).map(text).collect()
        }
    }

    #[test]
    fn a_clean_worktree_is_proven_whole_in_both_object_formats_and_all_versions() {
        for format in ["sha1", "sha256"] {
            let fixture = Fixture::new(format);
            for version in ["2", "3", "4"] {
                fixture.git(&["update-index", "--index-version", version, "--force-write-index"]);
                assert_eq!(fixture.proven(), ["a", "d/b", "empty"], "{format} {version}");
            }
            let tree = fixture.git(&["rev-parse", "HEAD^{tree}"]);
            assert_eq!(fixture.read().unwrap().tree().unwrap().to_string(), tree.trim());
        }
    }

    #[test]
    fn every_kind_of_change_ends_the_proof() {
        type Change = fn(&Path);
        let changes: &[(&str, Change)] = &[
            ("content", |path| fs::File::create(path).unwrap().set_len(4).unwrap()),
            ("replaced by the same", |path| replace_file(path, b"one\n", Replace::default()).unwrap()),
            ("mode", |path| {
                fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            }),
            ("gone", |path| fs::remove_file(path).unwrap()),
            ("a link", |path| {
                fs::remove_file(path).unwrap();
                std::os::unix::fs::symlink("d/b", path).unwrap();
            }),
            ("touched", |path| {
                File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
            }),
        ];
        for (what, change) in changes {
            let fixture = Fixture::new("sha1");
            change(&fixture.0.path().join("a"));
            assert_eq!(fixture.proven(), ["d/b", "empty"], "{what}");
        }
    }

    #[test]
    fn flags_conflicts_and_racy_entries_prove_nothing() {
        for flag in ["--assume-unchanged", "--skip-worktree"] {
            let fixture = Fixture::new("sha1");
            fixture.git(&["update-index", flag, "a"]);
            assert_eq!(fixture.proven(), ["d/b", "empty"], "{flag}");
        }
        let fixture = Fixture::new("sha1");
        fixture.write("new", "");
        fixture.git(&["add", "--intent-to-add", "new"]);
        assert_eq!(fixture.proven(), ["a", "d/b", "empty"]);
        // As if the index had been written in the tick in which the file was.
        let index = fixture.0.path().join(".git/index");
        let at = fs::metadata(fixture.0.path().join("a")).unwrap().modified().unwrap();
        File::options().write(true).open(index).unwrap().set_modified(at).unwrap();
        assert!(!fixture.proven().contains(&"a".to_owned()));
    }

    #[test]
    fn an_index_that_is_not_understood_whole_is_left_to_git() {
        let fixture = Fixture::new("sha1");
        fixture.git(&["update-index", "--split-index"]);
        assert!(fixture.read().is_none(), "split");
        fixture.git(&["update-index", "--no-split-index"]);
        assert!(fixture.read().is_some());
        fixture.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "x"]);
        assert!(fixture.read().is_none(), "sparse");
        let index = fixture.0.path().join(".git/index");
        for damage in [&b""[..], b"DIRC", b"DIRC\0\0\0\x09\0\0\0\0", &[0xff; 400]] {
            replace_file(&index, damage, Replace::default()).unwrap();
            assert!(Index::read(&index, HashKind::Sha1).unwrap().is_none(), "{damage:?}");
        }
        fs::remove_file(&index).unwrap();
        assert!(Index::read(&index, HashKind::Sha1).unwrap().is_none(), "missing");
    }
}
