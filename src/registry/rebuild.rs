//! What the disk itself says about the tasks: git's own data of each worktree, and the record that okstra leaves beside
//! it. Read when the registry and its backup are lost, and when a row alone does not name its repository.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::entry::{self, Entry, EntryStatus};
use super::{scan, text};
use crate::asked::Asked;
use crate::disk;
use crate::error::Result;
use crate::git::{room, worktree};
use crate::home::OkstraHome;
use crate::task::TaskKey;

const RECORD: &str = "okstra.json";
/// git's own small files hold a path or a name.
const SMALL: u64 = 64 << 10;

/// What okstra notes in the admin directory of a worktree (`<common git directory>/worktrees/<id>`), so that its
/// registry row can be made again from the disk alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRecord {
    /// The row as it was when the record was written.
    pub entry: Entry,
    /// The common git directory of the worktree's repository.
    pub repository: PathBuf,
    /// The id as it was asked for, where that is known.
    pub asked: Option<Asked>,
}

impl TaskRecord {
    /// Reads the record in an admin directory; `None` when there is none that can be used.
    #[must_use]
    pub fn read(admin_dir: &Path) -> Option<Self> {
        Self::of(small(&admin_dir.join(RECORD))?)
    }

    fn of(content: Vec<u8>) -> Option<Self> {
        let content = text::repair(&content).unwrap_or(content);
        let members = scan::members(&content).ok()?;
        let repository = text::to_path(&entry::peek(&content, "repository")?)?;
        let fields: Vec<(&str, Vec<u8>)> = members
            .iter()
            .filter_map(|(name, range)| {
                Some((std::str::from_utf8(name).ok()?, content[range.clone()].to_vec()))
            })
            .filter(|(name, _)| !matches!(*name, "version" | "repository" | "asked"))
            .collect();
        let entry = Entry::decode(&entry::object(&fields, 0)).ok()?;
        let asked = members.iter().rfind(|(name, _)| **name == *b"asked");
        let asked = asked.and_then(|(_, range)| text::to_asked(&content[range.clone()]));
        Some(Self { entry, repository, asked })
    }

    /// The task that the record in an admin directory names, without a look at the rest of it: some 3 microseconds.
    #[must_use]
    pub fn names(admin_dir: &Path) -> Option<TaskKey> {
        let content = small(&admin_dir.join(RECORD))?;
        let members = scan::members(&content).ok()?;
        let segment = |name: &str| {
            let (_, range) = members.iter().rfind(|(key, _)| **key == *name.as_bytes())?;
            let value = &content[range.clone()];
            String::from_utf8(value.starts_with(b"\"").then(|| text::decode(value))?).ok()
        };
        TaskKey::new(&segment("project_id")?, &segment("task_group")?, &segment("task_id")?).ok()
    }

    fn encode(&self) -> Vec<u8> {
        let mut members = vec![("version", b"1".to_vec())];
        members.extend(self.entry.members());
        members.push(("repository", text::encode(&text::from_path(&self.repository))));
        members.extend(self.asked.as_ref().map(|asked| ("asked", text::from_asked(asked))));
        let mut record = entry::object(&members, 0);
        record.push(b'\n');
        record
    }
}

/// Writes the record of a task into the admin directory of its worktree, durably. The id as it was asked for stays as it
/// is there.
pub fn write_task_record(admin_dir: &Path, entry: &Entry, repository: &Path) -> Result<()> {
    let present = TaskRecord::read(admin_dir).filter(|present| present.entry.key == entry.key);
    write_task_record_as(admin_dir, entry, repository, present.and_then(|present| present.asked).as_ref())
}

/// The same, with the id as it was asked for.
pub fn write_task_record_as(
    admin_dir: &Path,
    entry: &Entry,
    repository: &Path,
    asked: Option<&Asked>,
) -> Result<()> {
    let record =
        TaskRecord { entry: entry.clone(), repository: repository.to_owned(), asked: asked.cloned() };
    room::write(room::common_of(admin_dir), &admin_dir.join(RECORD), &record.encode())
}

/// Every task that has a worktree below the home, as well as the disk knows it, with its repository.
pub(super) fn tasks_on_disk(home: &OkstraHome) -> Vec<TaskRecord> {
    worktrees(home).filter_map(|worktree| task_at(&worktree)).collect()
}

/// The records in a repository of tasks of this home, also of those whose directory is gone.
pub(super) fn tasks_in(common_dir: &Path, home: &OkstraHome) -> Vec<TaskRecord> {
    let records = directories(&common_dir.join("worktrees")).into_iter();
    let records = records.filter_map(|admin| TaskRecord::read(&admin));
    records.filter(|record| record.entry.worktree_path.starts_with(home.worktrees())).collect()
}

/// How a repository names a task.
pub(super) enum Named {
    /// By okstra's own record in an entry.
    Recorded(TaskRecord),
    /// By the place of a worktree below the home, as 0.12.0 left it.
    Placed(TaskKey),
}

/// The tasks that the entries in a repository name, but for those whose record names this very place for it: of
/// thousands of worktrees that are where they were made no record is decoded.
pub(super) fn tasks_named_in(common_dir: &Path, home: &OkstraHome) -> Vec<Named> {
    let placed = |admin: &Path| {
        let tree = path_from(&small(&admin.join("gitdir"))?)?;
        let below = tree.parent()?.strip_prefix(home.worktrees()).ok()?.to_owned();
        let names: Vec<&str> = below.iter().filter_map(|name| name.to_str()).collect();
        let [project, group, task] = names[..] else { return None };
        TaskKey::new(project, group, task).ok().map(Named::Placed)
    };
    let here = [b"\"repository\": ".to_vec(), text::encode(&text::from_path(common_dir))].concat();
    let here = memchr::memmem::Finder::new(&here);
    let named = |admin: PathBuf| {
        let record = small(&admin.join(RECORD));
        if record.as_ref().is_some_and(|record| here.find(record).is_some()) {
            return None;
        }
        record.and_then(TaskRecord::of).map(Named::Recorded).or_else(|| placed(&admin))
    };
    directories(&common_dir.join("worktrees")).into_iter().filter_map(named).collect()
}

/// Whether any worktree below the home has okstra's own record.
pub(super) fn any_record(home: &OkstraHome) -> bool {
    worktrees(home)
        .any(|worktree| admin_dir(&worktree).is_some_and(|admin| TaskRecord::read(&admin).is_some()))
}

/// The directories at the places of worktrees.
fn worktrees(home: &OkstraHome) -> impl Iterator<Item = PathBuf> {
    let below = |directory: PathBuf| directories(&directory);
    directories(&home.worktrees()).into_iter().flat_map(below).flat_map(below)
}

/// The directories in a directory, by name. Names with a dot in front are okstra's own (the quarantine).
fn directories(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

fn task_at(place: &Path) -> Option<TaskRecord> {
    let admin = admin_dir(place)?;
    let repository = common_dir(&admin)?;
    // Of an entry that git has given to another worktree meanwhile nothing is this one's.
    if worktree::tree_of(&admin)
        .is_some_and(|tree| !worktree::same_place(&tree, place) && worktree::names(&tree, &admin))
    {
        return None;
    }
    if let Some(mut record) = TaskRecord::read(&admin) {
        if canonical(&record.entry.worktree_path) == canonical(place) {
            return Some(record);
        }
        // Moved with plain `mv`: it is still that task's, and no new one with the same branch.
        if fs::symlink_metadata(&record.entry.worktree_path).is_err() {
            place.clone_into(&mut record.entry.worktree_path);
            return Some(record);
        }
    }
    let mut names = place.iter().rev().map(|name| name.to_str());
    let (task, group, project) = (names.next()??, names.next()??, names.next()??);
    let created = fs::metadata(admin.join("commondir")).and_then(|metadata| metadata.modified()).ok();
    let created = created.and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_else(Timestamp::now);
    let entry = Entry {
        key: TaskKey::new(project, group, task).ok()?,
        worktree_path: place.to_owned(),
        branch: branch(&admin).unwrap_or_default(),
        base_ref: String::new(),
        created_at: created.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S%z").to_string(),
        last_phase: String::new(),
        status: EntryStatus::Active,
    };
    Some(TaskRecord { entry, repository, asked: None })
}

/// The branch of a worktree; during a rebase the one that is being rebased.
fn branch(admin: &Path) -> Option<String> {
    let head = small(&admin.join("HEAD"))?;
    let name = head.strip_prefix(b"ref:").map(<[u8]>::to_vec).or_else(|| {
        ["rebase-merge/head-name", "rebase-apply/head-name"].iter().find_map(|file| small(&admin.join(file)))
    })?;
    Some(std::str::from_utf8(&name).ok()?.trim().strip_prefix("refs/heads/")?.to_owned())
}

/// The admin directory that the `.git` file of a worktree names; `None` when there is no such file.
pub(super) fn admin_dir(worktree: &Path) -> Option<PathBuf> {
    let link = small(&worktree.join(".git"))?;
    Some(worktree.join(path_from(link.strip_prefix(b"gitdir:")?)?))
}

/// The common git directory that an admin directory belongs to.
pub(super) fn common_dir(admin: &Path) -> Option<PathBuf> {
    if let Some(common) = small(&admin.join("commondir")).and_then(|content| path_from(&content)) {
        return Some(canonical(&admin.join(common)));
    }
    // A `git worktree add` that was killed leaves `commondir` empty; the place says the same.
    let worktrees =
        admin.parent().filter(|parent| parent.file_name().is_some_and(|name| name == "worktrees"))?;
    admin.is_dir().then(|| worktrees.parent().map(canonical))?
}

/// The path without links where it exists, else as it is.
pub(super) fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn small(path: &Path) -> Option<Vec<u8>> {
    disk::read_regular(path, SMALL).ok().flatten().map(|(_, content)| content)
}

fn path_from(line: &[u8]) -> Option<PathBuf> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return None;
    }
    #[cfg(unix)]
    let path = PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(line));
    #[cfg(not(unix))]
    let path = PathBuf::from(std::str::from_utf8(line).ok()?);
    Some(path)
}
