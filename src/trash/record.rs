//! What is written down about a removed worktree. Two copies lie in the okstra home: beside the tree, and in a list of what
//! this home removed, which is there when somebody emptied the trash. Either of them is enough, and only they are obeyed.
//! Two more, in the administrative directory that is kept in the repository and in the message of the commit that holds
//! the uncommitted content, tell what these are: others write there too, and a fetch brings whatever a remote has.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::sound;
use crate::checked;
use crate::disk::{self, Replace};
use crate::error::{Error, IoContext, Result};
use crate::git::{room, worktree};
use crate::home::OkstraHome;
use crate::registry::{Entry, EntryStatus};
use crate::task::TaskKey;

/// The record in an entry of the trash.
const BESIDE: &str = "record.json";
/// The record in an administrative directory.
const INSIDE: &str = "okstra-trash.json";
/// Largest record that is read.
const LIMIT: u64 = 4 * 1024 * 1024;

/// What is known of one removed worktree. One that was read is always one that okstra would have written (`sound`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The format of this record.
    pub version: u32,
    /// The name of the entry: when, and by which operation.
    pub id: String,
    /// The operation.
    pub op: String,
    /// When it was removed (RFC 3339, UTC).
    pub at: String,
    /// The task.
    pub task_key: String,
    /// Its registry row; `None` for a directory that no row knew.
    pub row: Option<Row>,
    /// Where the worktree was.
    #[serde(with = "crate::json_path")]
    pub path: PathBuf,
    /// Where it lies in the trash.
    #[serde(with = "crate::json_path")]
    pub tree: PathBuf,
    /// Device and inode of the tree; `None` when the directory was gone already. A rename keeps both, but the device has
    /// another number after the next boot or mount, so that they only tell what `.git` files do not.
    pub tree_id: Option<(u64, u64)>,
    /// What git had of it; `None` for a directory that is no worktree of a repository that is there.
    pub git: Option<GitSide>,
    /// The links to shared directories that were in it.
    pub links: Vec<Link>,
    /// How many tracked files differed from the last commit.
    pub uncommitted: u64,
    /// How many files git did not know.
    pub untracked: u64,
}

/// The registry's part of a [`Record`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The branch of the task.
    pub branch: String,
    /// The commit that it started from.
    pub base_ref: String,
    /// Since when the registry knew the task.
    pub created_at: String,
    /// The phase that used the worktree last.
    pub last_phase: String,
    /// Whether it was active.
    pub active: bool,
}

/// git's part of a [`Record`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitSide {
    /// The common git directory.
    #[serde(with = "crate::json_path")]
    pub common_dir: PathBuf,
    /// Where the administrative directory was.
    #[serde(with = "crate::json_path")]
    pub admin: PathBuf,
    /// Where it is kept.
    #[serde(with = "crate::json_path")]
    pub kept: PathBuf,
    /// The branch that `HEAD` named; `None` when it was detached.
    pub branch: Option<String>,
    /// The commit of `HEAD`; `None` before the first.
    pub head: Option<String>,
    /// Where the branch of the task stood.
    pub branch_tip: Option<String>,
    /// Whether the branch of the task was to be deleted.
    pub delete_branch: bool,
    /// The commit that holds the uncommitted content and everything that nothing else keeps reachable, shaped like a
    /// stash; `None` when there was nothing to hold.
    pub snapshot: Option<String>,
    /// Files that are in the trash alone, because they were too large for a commit or could not be read.
    pub left_out: Vec<String>,
}

/// A link that is made again on the way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name in the worktree.
    pub name: String,
    /// What it points to.
    #[serde(with = "crate::json_path")]
    pub target: PathBuf,
}

impl From<&Entry> for Row {
    fn from(entry: &Entry) -> Self {
        Self {
            branch: entry.branch.clone(),
            base_ref: entry.base_ref.clone(),
            created_at: entry.created_at.clone(),
            last_phase: entry.last_phase.clone(),
            active: entry.status == EntryStatus::Active,
        }
    }
}

impl GitSide {
    /// The ref that keeps the snapshot.
    #[must_use]
    pub fn ref_name(op: &str) -> String {
        format!("refs/okstra/trash/{op}")
    }
}

impl Record {
    /// The task.
    pub fn key(&self) -> Result<TaskKey> {
        TaskKey::parse(&self.task_key)
    }

    /// The branch of the task, else the one that `HEAD` named.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        let named = self.git.as_ref().and_then(|git| git.branch.as_deref());
        self.row.as_ref().map(|row| row.branch.as_str()).or(named)
    }

    /// The directory of the entry in the trash of a home.
    #[must_use]
    pub fn place(&self, home: &OkstraHome) -> PathBuf {
        home.trash().join(&self.id)
    }

    /// Whether what lies at a path is the tree of this record: by the entry that its `.git` file names, which nobody else's
    /// has; without git's half by its inode.
    #[must_use]
    pub fn is_tree(&self, path: &Path) -> bool {
        let Some((_, inode)) = self.tree_id else { return false };
        let Some(found) = identity(path) else { return false };
        match &self.git {
            _ if Some(found) == self.tree_id => true,
            Some(git) => worktree::admin_dir_of(path)
                .is_ok_and(|named| named.is_some_and(|named| worktree::same_place(&named, &git.admin))),
            None => found.1 == inode,
        }
    }

    /// Writes the record beside the tree and into the list of what this home removed, durably.
    pub fn write_beside(&self, home: &OkstraHome) -> Result<()> {
        let place = self.place(home);
        disk::create_private_dir_all(&place)?;
        self.write_to(&place)?;
        disk::sync_dir(&home.trash())?;
        let list = home.removed();
        disk::create_private_dir_all(&list)?;
        disk::replace_file(&listed(home, &self.id), &self.encode()?, Replace::default())
    }

    /// Writes the record into the directory of an entry.
    pub fn write_to(&self, place: &Path) -> Result<()> {
        disk::replace_file(&place.join(BESIDE), &self.encode()?, Replace::default())
    }

    /// Writes the record into an administrative directory, durably.
    pub fn write_inside(&self, admin: &Path) -> Result<()> {
        room::write(room::common_of(admin), &admin.join(INSIDE), &self.encode()?)
    }

    /// The record as it stands in files and in the commit message.
    pub fn encode(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::Internal {
            message: format!("a trash record cannot be written: {error}"),
        })
    }

    /// Reads the record beside a tree, in the directory that has the name of the entry; `None` when there is none that can be
    /// used.
    pub fn read_beside(home: &OkstraHome, place: &Path) -> Result<Option<Self>> {
        read(home, &place.join(BESIDE))
    }

    /// Reads the record of an entry in the home: beside its tree, else in the list.
    pub fn read_of(home: &OkstraHome, id: &str) -> Result<Option<Self>> {
        if op_of(id).is_none() {
            return Ok(None);
        }
        let beside = read(home, &home.trash().join(id).join(BESIDE))?;
        let found = if beside.is_some() { beside } else { read(home, &listed(home, id))? };
        Ok(found.filter(|record| record.id == id))
    }

    /// Every record in the list of what this home removed.
    pub fn all_listed(home: &OkstraHome) -> Result<Vec<Self>> {
        let list = home.removed();
        if !home.has_own(&list) {
            return Ok(Vec::new());
        }
        let entries = match fs::read_dir(&list) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.context("look into", list)?,
        };
        let mut records = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            records.extend(read(home, &path)?.filter(|record| listed(home, &record.id) == path));
        }
        Ok(records)
    }

    /// Takes an entry out of the list.
    pub fn unlist(home: &OkstraHome, id: &str) -> Result<()> {
        let file = listed(home, id);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("remove the copy of the trash record", file)
            }
            _ => Ok(()),
        }
    }

    /// The name of the entry that an administrative directory was prepared for, as the record in it says. Nothing else of
    /// that record counts: it lies in the repository.
    pub fn id_inside(admin: &Path) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Named {
            id: String,
        }
        let found = content(&admin.join(INSIDE))?;
        Ok(found.and_then(|bytes| serde_json::from_slice::<Named>(&bytes).ok()).map(|named| named.id))
    }

    /// Takes the record out of an administrative directory.
    pub fn drop_inside(admin: &Path) -> Result<()> {
        match fs::remove_file(admin.join(INSIDE)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("remove the trash record in", admin)
            }
            _ => Ok(()),
        }
    }
}

/// The operation that an entry's name tells; `None` when it is no such name.
#[must_use]
pub fn op_of(id: &str) -> Option<&str> {
    let (_, op) = id.rsplit_once('-')?;
    (checked::is_op(op) && checked::is_name_of(op, id)).then_some(op)
}

fn listed(home: &OkstraHome, id: &str) -> PathBuf {
    home.removed().join(format!("{id}.json"))
}

/// The fields as they lie in the file. Only [`read`] reads them.
#[derive(Deserialize)]
#[serde(remote = "Record")]
struct Written {
    version: u32,
    id: String,
    op: String,
    at: String,
    task_key: String,
    row: Option<Row>,
    #[serde(with = "crate::json_path")]
    path: PathBuf,
    #[serde(with = "crate::json_path")]
    tree: PathBuf,
    tree_id: Option<(u64, u64)>,
    git: Option<GitSide>,
    links: Vec<Link>,
    uncommitted: u64,
    untracked: u64,
}

fn read(home: &OkstraHome, path: &Path) -> Result<Option<Record>> {
    let Some(bytes) = content(path)? else { return Ok(None) };
    let record = Written::deserialize(&mut serde_json::Deserializer::from_slice(&bytes)).ok();
    Ok(record.and_then(|record| sound::checked(record, home)))
}

fn content(path: &Path) -> Result<Option<Vec<u8>>> {
    match disk::read_regular(path, LIMIT) {
        Ok(content) => Ok(content.map(|(_, bytes)| bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(None),
        Err(error) => Err(error).context("read the trash record", path),
    }
}

/// Device and inode of what lies at a path; a link is not followed.
#[cfg(unix)]
#[must_use]
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Windows: the moment of creation stands for both; a rename keeps it.
#[cfg(not(unix))]
#[must_use]
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    let created = fs::symlink_metadata(path).ok()?.created().ok()?;
    let since = created.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some((since.as_secs(), u64::from(since.subsec_nanos())))
}
