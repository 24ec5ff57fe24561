//! Which files of the main worktree have been proven, by their content, to be which blobs.
//!
//! Only files whose extents were shared are remembered. To share them is to flush them, and after that every further
//! change shows in the times of the file: a file that is mapped into memory and has not been flushed can change without.
//! So the next new tree shares them without reading them, and its cost grows with the files alone and not with their
//! bytes. Elsewhere the bytes are read in any case, and hashing them is the smaller part.
//!
//! One file in the common git directory, so that it goes with the repository. It is a cache: when it is missing, damaged
//! or of another form, all files are read again.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::disk::{self, Replace};
use crate::git::index::{FileStat, ObjectId};
use crate::git::room;

const NAME: &str = "okstra-proven";
/// Begins the file; another form gets another number.
const FORM: &[u8] = b"okstra proven 1\n";
/// Largest file that is read: 4 million files.
const LIMIT: u64 = 64 * 1024 * 1024;
/// More proofs than this for each file of the tree are mostly of versions that are gone.
const PER_FILE: usize = 4;

/// A file under a temporary name that is older than this belongs to nobody who still writes it.
const KILLED: Duration = Duration::from_secs(3600);

/// A blob and the stat data of a file, hashed to 16 bytes.
type Proof = [u8; size_of::<u128>()];

/// What was proven earlier, and what has been since.
#[derive(Debug)]
pub(super) struct Proven {
    file: PathBuf,
    earlier: HashSet<Proof>,
    new: Mutex<Vec<Proof>>,
}

impl Proven {
    /// What the repository with this common directory knows.
    pub(super) fn read(common_dir: &Path) -> Self {
        let file = common_dir.join(NAME);
        let bytes = disk::read_regular(&file, LIMIT).ok().flatten().map(|(_, bytes)| bytes);
        let earlier = bytes.and_then(|bytes| parse(&bytes)).unwrap_or_default();
        Self { file, earlier, new: Mutex::default() }
    }

    /// Whether a file with this stat data holds the blob.
    pub(super) fn holds(&self, id: &ObjectId, found: &FileStat) -> bool {
        !self.earlier.is_empty() && self.earlier.contains(&proof(id, found))
    }

    /// Remembers that it does. The caller has flushed the file, read it whole, and seen that its stat data is the same
    /// afterwards and older than the clock's tick.
    pub(super) fn add(&self, id: &ObjectId, found: &FileStat) {
        self.new.lock().unwrap_or_else(PoisonError::into_inner).push(proof(id, found));
    }

    /// Writes what is new for a tree of so many files. Where that fails, the next tree reads the files again; of two that
    /// write at once one wins.
    pub(super) fn save(self, files: usize) {
        let new = self.new.into_inner().unwrap_or_else(PoisonError::into_inner);
        if new.is_empty() {
            return;
        }
        let mut all = new;
        if self.earlier.len() + all.len() <= PER_FILE.saturating_mul(files) {
            all.extend(self.earlier);
        }
        let mut bytes = [FORM, all.as_flattened()].concat();
        bytes.extend_from_slice(&Sha256::digest(&bytes));
        disk::sweep_temporaries(&self.file, KILLED);
        let _ = disk::replace_file(
            &self.file,
            &bytes,
            Replace { unflushed: true, ..room::how(self.file.parent().unwrap_or(&self.file)) },
        );
    }
}

fn parse(bytes: &[u8]) -> Option<HashSet<Proof>> {
    let (content, sum) = bytes.split_last_chunk::<32>().map(|(content, sum)| (content, &sum[..]))?;
    if Sha256::digest(content)[..] != *sum {
        return None;
    }
    let (proofs, rest) = content.strip_prefix(FORM)?.as_chunks();
    rest.is_empty().then(|| proofs.iter().copied().collect())
}

fn proof(id: &ObjectId, found: &FileStat) -> Proof {
    let FileStat { kind: _, size, mtime, ctime, dev, ino, uid: _, gid: _ } = *found;
    let times = [mtime.seconds, mtime.nanoseconds, ctime.seconds, ctime.nanoseconds];
    let mut hash = Sha256::new();
    hash.update(id.as_slice());
    for field in [size, dev, ino].map(u64::to_le_bytes) {
        hash.update(field);
    }
    for field in times.map(u32::to_le_bytes) {
        hash.update(field);
    }
    let mut proof = Proof::default();
    proof.copy_from_slice(&hash.finalize()[..size_of::<Proof>()]);
    proof
}

#[cfg(test)]
mod tests {
    use std::fs;

    use gix_index::hash::Kind;

    use super::*;

    /// The stat data of a real file, and a blob.
    fn known(directory: &Path) -> (ObjectId, FileStat) {
        let found = fs::symlink_metadata(directory).unwrap();
        (ObjectId::empty_blob(Kind::Sha1), FileStat::of(&found))
    }

    fn save(directory: &Path, files: usize, proofs: &[(ObjectId, FileStat)]) {
        let proven = Proven::read(directory);
        for (id, found) in proofs {
            proven.add(id, found);
        }
        proven.save(files);
    }

    #[test]
    fn a_proof_holds_for_the_same_blob_and_stat_data_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (id, found) = known(directory.path());
        save(directory.path(), 1, &[(id, found)]);
        let proven = Proven::read(directory.path());
        assert!(proven.holds(&id, &found));
        assert!(!proven.holds(&ObjectId::null(Kind::Sha1), &found), "another blob");
        type Change = fn(&mut FileStat);
        let changes: [(&str, Change); 7] = [
            ("size", |found| found.size += 1),
            ("mtime", |found| found.mtime.seconds ^= 1),
            ("mtime", |found| found.mtime.nanoseconds ^= 1),
            ("ctime", |found| found.ctime.seconds ^= 1),
            ("ctime", |found| found.ctime.nanoseconds ^= 1),
            ("dev", |found| found.dev ^= 1),
            ("ino", |found| found.ino ^= 1),
        ];
        for (what, change) in changes {
            let mut other = found;
            change(&mut other);
            assert!(!proven.holds(&id, &other), "{what}");
        }
    }

    #[test]
    fn a_damaged_file_proves_nothing_and_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let (id, found) = known(directory.path());
        save(directory.path(), 1, &[(id, found)]);
        let file = directory.path().join(NAME);
        let good = fs::read(&file).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(parse(&bad).is_none(), "a bit of byte {at}");
            assert!(parse(&good[..at]).is_none(), "cut at {at}");
        }
        disk::replace_file(&file, &good[..20], Replace::default()).unwrap();
        assert!(!Proven::read(directory.path()).holds(&id, &found));
        save(directory.path(), 1, &[(id, found)]);
        assert!(Proven::read(directory.path()).holds(&id, &found));
    }

    #[test]
    fn proofs_are_added_to_the_earlier_ones_until_most_must_be_stale() {
        let directory = tempfile::tempdir().unwrap();
        let (id, found) = known(directory.path());
        let version = |number: u64| (id, FileStat { size: number, ..found });
        let holds = |number| {
            let (id, found) = version(number);
            Proven::read(directory.path()).holds(&id, &found)
        };
        for number in 0..4 {
            save(directory.path(), 1, &[version(number)]);
        }
        assert!((0..4).all(holds));
        save(directory.path(), 1, &[version(4)]);
        assert!(holds(4) && !(0..4).any(holds));
    }
}
