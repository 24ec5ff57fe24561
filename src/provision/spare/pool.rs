//! The spares of a home on disk: which there are, which state each is in, and the renames that change it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::conditions::Conditions;
use crate::checked;
use crate::disk::{self, Replace};
use crate::error::{Error, IoContext, Result};
use crate::home::OkstraHome;
use crate::task::file_name_hash;

/// Largest record that is read.
const LIMIT: u64 = 1024 * 1024;
/// What git must leave out of a spare's index: half of a split one lies in the common git directory, and what is known of
/// untracked files names the place of the tree.
pub(super) const INDEX_OF_ITS_OWN: &[&str] = &["core.splitIndex=false", "core.untrackedCache=false"];

/// What is known of a spare; written last, so that its being there proves tree and index complete.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpareRecord {
    /// The common git directory of the repository.
    #[serde(with = "crate::json_path")]
    pub common_dir: PathBuf,
    /// The full id of the commit whose tree it holds.
    pub commit: String,
    /// When it was made or brought up to date (RFC 3339, UTC).
    pub made_at: String,
    /// What git's settings looked like then.
    pub conditions: Conditions,
}

/// A spare that may be claimed.
#[derive(Debug, Clone)]
pub struct Spare {
    /// Its directory, with `tree`, `index` and `record.json` in it.
    pub directory: PathBuf,
    /// What is known of it.
    pub record: SpareRecord,
}

impl Spare {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> String {
        id_of(&self.directory)
    }

    /// The directory of its files.
    #[must_use]
    pub fn tree(&self) -> PathBuf {
        self.directory.join("tree")
    }
}

/// What a directory of the pool is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    Making,
    Claimed,
}

impl State {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Ready => "ready-",
            Self::Making => "making-",
            Self::Claimed => "claimed-",
        }
    }
}

/// The directories of one repository's spares that are in a state.
pub(super) fn directories(pool: &Path, state: State) -> Vec<PathBuf> {
    let is_own = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    if !is_own(pool) || pool.parent().is_none_or(|spares| !is_own(spares)) {
        return Vec::new();
    }
    let entries = fs::read_dir(pool).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| name_of(path).starts_with(state.prefix()) && is_own(path))
        .collect();
    found.sort();
    found
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name of a spare, or of the intent that claimed it, without its state.
pub(super) fn id_of(path: &Path) -> String {
    let name = name_of(path);
    name.split_once('-').map_or(name.clone(), |(_, id)| id.to_owned())
}

/// Where a spare of this name lies in a state.
pub(super) fn place(pool: &Path, state: State, id: &str) -> PathBuf {
    pool.join(format!("{}{id}", state.prefix()))
}

pub(super) fn read_record(directory: &Path) -> Option<SpareRecord> {
    let (_, text) = disk::read_regular(&directory.join("record.json"), LIMIT).ok()??;
    let record: SpareRecord = serde_json::from_slice(&text).ok()?;
    is_sound(&record, directory).then_some(record)
}

/// Whether a record is one that okstra would have written there: the pool is named after the repository.
fn is_sound(record: &SpareRecord, directory: &Path) -> bool {
    let pool = file_name_hash(record.common_dir.as_os_str().as_encoded_bytes());
    checked::is_git_directory(&record.common_dir)
        && checked::is_commit(&record.commit)
        && directory.parent().and_then(Path::file_name) == Some(pool.as_ref())
}

pub(super) fn write_record(directory: &Path, record: &SpareRecord) -> Result<()> {
    let text = serde_json::to_vec_pretty(record).map_err(|error| Error::Internal {
        message: format!("a spare's record cannot be written: {error}"),
    })?;
    disk::replace_file(&directory.join("record.json"), &text, Replace::default())
}

/// The spares of one repository that may be claimed, the newest first.
#[must_use]
pub fn of_repository(home: &OkstraHome, common_dir: &Path) -> Vec<Spare> {
    let mut spares = ready(&home.spares_of(common_dir));
    // Two paths with one hash are as good as impossible; a claim of the wrong repository must be wholly so.
    spares.retain(|spare| spare.record.common_dir == common_dir);
    spares
}

/// The spares of all repositories, also of those that are gone.
#[must_use]
pub fn all(home: &OkstraHome) -> Vec<Spare> {
    pools(home).iter().flat_map(|pool| ready(pool)).collect()
}

/// The pool directories of a home.
pub(super) fn pools(home: &OkstraHome) -> Vec<PathBuf> {
    if !home.has_own(&home.spares()) {
        return Vec::new();
    }
    let entries = fs::read_dir(home.spares()).into_iter().flatten().flatten();
    let own = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut pools: Vec<PathBuf> = own.map(|entry| entry.path()).collect();
    pools.sort();
    pools
}

fn ready(pool: &Path) -> Vec<Spare> {
    let mut spares: Vec<Spare> = directories(pool, State::Ready)
        .into_iter()
        .filter_map(|directory| Some(Spare { record: read_record(&directory)?, directory }))
        .collect();
    spares.sort_by(|one, other| other.record.made_at.cmp(&one.record.made_at));
    spares
}

/// Moves a spare into another state: whoever's rename succeeds has it. `None` when somebody was faster.
pub(super) fn take(from: &Path, to: &Path) -> Result<Option<PathBuf>> {
    match disk::move_aside(from, to) {
        Ok(()) => Ok(Some(to.to_owned())),
        Err(error) if !from.exists() => {
            drop(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether a spare's tree is as it was made: nobody gave it a `.git`.
pub(super) fn is_untouched(directory: &Path) -> bool {
    directory.join("tree").is_dir()
        && directory.join("index").is_file()
        && fs::symlink_metadata(directory.join("tree/.git")).is_err()
}

/// Removes the empty shell of a claimed spare.
pub(super) fn drop_shell(directory: &Path) -> Result<()> {
    for name in ["record.json", "index.lock"] {
        match fs::remove_file(directory.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).context("remove the record of the spare", directory);
            }
            _ => {}
        }
    }
    match fs::remove_dir(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("remove the spare's directory", directory)
        }
        _ => Ok(()),
    }
}
