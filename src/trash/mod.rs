//! Where removed worktrees lie until they are restored or purged, and the moves in and out.
//!
//! An entry has two halves, because a rename must not cross file systems: the tree with `record.json` in
//! `<home>/worktrees/.trash/<id>/` (or, for a worktree elsewhere, beside it in `.okstra-trash/<id>/`), and git's
//! administrative directory as it was (index, `HEAD`, the state of a rebase, logs) in
//! `<common git dir>/okstra-trash/<id>/`. Whatever git could collect meanwhile hangs on `refs/okstra/trash/<op>`.
//!
//! Both directions are a short list of renames that are covered by an intent and finished, never undone, by whoever
//! comes next ([`settle`]). Nothing is deleted here but an entry's own record; deleting is [`purge`]'s alone.

mod bury;
pub mod follow;
pub mod purge;
mod put_back;
pub mod record;
mod sound;
mod take_back;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

pub use self::put_back::Returned;
pub use self::record::{Record, op_of};
use crate::clock;
use crate::disk;
use crate::error::{Error, IoContext, Result};
use crate::git::{Discovery, Repository, repository, room, stale};
use crate::home::OkstraHome;
use crate::intent::{Intent, Kind, Stage};
use crate::lock::{Patience, TaskLock};
use crate::registry::Registry;
use crate::task::TaskKey;

/// The trash beside a worktree that lies on another file system than the home.
const BESIDE: &str = ".okstra-trash";

/// What every step on a task needs. Having the lock means that no standing intent is somebody's who lives.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The okstra home.
    pub home: &'a OkstraHome,
    /// Its registry.
    pub registry: &'a Registry,
    /// The task.
    pub key: &'a TaskKey,
    /// Its lock.
    pub lock: &'a TaskLock,
    /// How long to wait for other locks, and who may stop the call.
    pub patience: &'a Patience,
}

impl Ground<'_> {
    /// The patience of what is finished once it has begun: stopping would only leave it to the next call.
    fn resolute(&self) -> Patience {
        Patience { cancel: crate::cancel::Cancel::default(), ..self.patience.clone() }
    }
}

/// A name for a new entry.
#[must_use]
pub fn new_id(op: &str) -> String {
    format!("{}-{op}", clock::utc_compact())
}

/// Where the tree of a new entry goes: into the trash of the home, or, when that is another file system, beside the
/// worktree.
#[must_use]
pub fn tree_place(home: &OkstraHome, id: &str, path: &Path) -> PathBuf {
    let parent = path.parent().unwrap_or(path);
    if device(parent) == device(&home.worktrees()) {
        return home.trash().join(id).join("tree");
    }
    beside(id, path)
}

/// Where the tree of an entry goes when the trash of the home is another file system.
fn beside(id: &str, path: &Path) -> PathBuf {
    path.parent().unwrap_or(path).join(BESIDE).join(id).join("tree")
}

#[cfg(unix)]
fn device(path: &Path) -> Option<u64> {
    record::identity(path).map(|(device, _)| device)
}

// Windows: the move itself tells.
#[cfg(not(unix))]
fn device(_path: &Path) -> Option<u64> {
    None
}

/// Where an administrative directory is kept: two levels below the common git directory, as `worktrees/<id>` is, so that
/// the `commondir` in it (`../..`) stays true and git can work with it where it lies.
#[must_use]
pub fn kept_admin(common_dir: &Path, id: &str) -> PathBuf {
    kept_admins(common_dir).join(id)
}

fn kept_admins(common_dir: &Path) -> PathBuf {
    common_dir.join(room::TRASH)
}

/// All entries of a home's trash, oldest first. Directories without a record that can be read are left out; see
/// [`purge::unreadable`].
pub fn entries(home: &OkstraHome) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for place in directories(&home.trash())? {
        let record = Record::read_beside(home, &place)?;
        records.extend(record.filter(|record| place.file_name() == Some(record.id.as_ref())));
    }
    sort(&mut records);
    Ok(records)
}

/// The same, with those that somebody took out of the trash: git's half, or the snapshot, may still be there.
pub fn all_entries(home: &OkstraHome) -> Result<Vec<Record>> {
    let mut records = entries(home)?;
    for record in Record::all_listed(home)? {
        if !records.iter().any(|known| known.id == record.id) {
            records.push(record);
        }
    }
    sort(&mut records);
    Ok(records)
}

/// The entries of this home of which git's half lies in a repository, which may have been moved since.
pub fn entries_in(home: &OkstraHome, common_dir: &Path) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for kept in directories(&kept_admins(common_dir))? {
        let id = kept.file_name().unwrap_or_default().to_string_lossy();
        records.extend(Record::read_of(home, &id)?);
    }
    sort(&mut records);
    Ok(records)
}

/// The git directories in which the halves of entries lay when those were written down, as far as they lie in this one now.
#[must_use]
pub fn repositories_before(home: &OkstraHome, common_dir: &Path) -> Vec<PathBuf> {
    let records = entries_in(home, common_dir).unwrap_or_default();
    let before = records.into_iter().filter_map(|record| Some(record.git?.common_dir));
    before.filter(|before| before != common_dir).collect()
}

/// All entries of one task, oldest first.
pub fn entries_of(home: &OkstraHome, key: &TaskKey) -> Result<Vec<Record>> {
    let key = key.to_string();
    let mut records = all_entries(home)?;
    records.retain(|record| record.task_key == key);
    Ok(records)
}

/// Oldest first; entries of one second are told apart by their milliseconds.
pub(crate) fn sort(records: &mut [Record]) {
    records.sort_by(|one, other| (&one.at, &one.id).cmp(&(&other.at, &other.id)));
}

/// The newest entry of a task in the trash of the home: no process, no lock.
#[must_use]
pub fn newest_of(home: &OkstraHome, key: &TaskKey) -> Option<Record> {
    let key = key.to_string();
    entries(home).ok()?.into_iter().rfind(|record| record.task_key == key)
}

/// Fails when a directory lies in the tree of an entry: whoever is in there is in a worktree that was removed under them,
/// and what they ask must not be answered with the advice to move the trash away.
pub fn refuse_removed(home: &OkstraHome, directory: &Path) -> Result<()> {
    let Ok(real) = fs::canonicalize(directory) else { return Ok(()) };
    for tree in real.ancestors().filter(|above| above.file_name() == Some("tree".as_ref())) {
        let Some(place) = tree.parent() else { continue };
        let kind = place.parent().and_then(Path::file_name);
        let Some(id) = place.file_name().and_then(|name| name.to_str()) else { continue };
        if (kind == home.trash().file_name() || kind == Some(BESIDE.as_ref()))
            && let Some(record) = Record::read_of(home, id)?
        {
            let (task_key, at) = (record.task_key, record.at);
            return Err(Error::WorktreeRemoved { path: directory.to_owned(), task_key, at });
        }
    }
    Ok(())
}

/// The directories in a directory that do not begin with a dot; none when there is no such directory.
fn directories(directory: &Path) -> Result<Vec<PathBuf>> {
    // Nothing is looked for behind a link.
    if !room::is_own(directory) {
        return Ok(Vec::new());
    }
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.context("look into", directory)?,
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    Ok(found)
}

/// The repository of a common git directory; `None` when it is not there any more. `branch` is any checked name.
pub(crate) fn repository_at(common_dir: &Path, branch: &str) -> Result<Option<Repository>> {
    if !common_dir.is_dir() {
        return Ok(None);
    }
    Ok(match repository::discover(common_dir, branch)? {
        Discovery::Main(repository) => Some(repository),
        _ => None,
    })
}

/// Deletes the ref of an operation while it stands at this commit; one that is gone is fine, and one that stands elsewhere is
/// not ours: a fetch may have brought it.
pub(crate) fn drop_ref(repository: &Repository, op: &str, commit: &str, lock: &TaskLock) -> Result<()> {
    let name = record::GitSide::ref_name(op);
    let git = repository.git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]);
    let output = git.run()?;
    match output.status.code() {
        Some(0) if output.stdout.trim_ascii() == commit.as_bytes() => {}
        Some(0 | 1) => return Ok(()),
        _ => return Err(output.into_error("rev-parse", &repository.common_dir)),
    }
    repository.git().args(["update-ref", "-d", &name, commit]).holding(lock).read().map(drop)
}

/// Writes down what is to be moved and from now on is: into the record, into the administrative directory, and last into
/// the intent.
pub fn commit_to_moving(ground: &Ground<'_>, intent: &mut Intent, record: &Record) -> Result<()> {
    record.write_beside(ground.home)?;
    if let Some(git) = &record.git {
        record.write_inside(&git.admin)?;
    }
    intent.stage = Stage::Moving;
    intent.write(ground.home, ground.key, ground.lock)
}

/// Looks, before anything is written, whether what a removal moves can get where it goes: both places are directories of their
/// own in which this account may make names.
pub fn check_places(common_dir: Option<&Path>, record_tree: &Path) -> Result<()> {
    if let Some(common_dir) = common_dir {
        disk::check_writable(&room::directory(common_dir, room::TRASH)?)?;
    }
    let beside = record_tree.ancestors().nth(2).unwrap_or(record_tree);
    match fs::symlink_metadata(beside) {
        Ok(found) if !found.is_dir() => Err(Error::LinkedPlace { path: beside.to_owned() }),
        _ => Ok(()),
    }
}

/// Moves a worktree into the trash. Killed, it is finished by the next call; an error takes it back, or says that it stands.
/// Gives notes for a person.
pub fn bury(ground: &Ground<'_>, intent: &Intent, record: &Record) -> Result<Vec<String>> {
    let done = bury::finish(ground, intent, record);
    take_back::unless_done(ground, intent, record, &Cell::new(false), done)
}

/// Moves a worktree back from the trash; see [`bury()`].
pub fn put_back(ground: &Ground<'_>, intent: &Intent, record: &Record) -> Result<Returned> {
    let made = Cell::new(false);
    let done = put_back::finish(ground, intent, record, &made);
    take_back::unless_done(ground, intent, record, &made, done)
}

/// Takes back what was only being prepared: the worktree is as it was, so its snapshot and the empty entry go.
pub fn abandon(ground: &Ground<'_>, intent: &Intent) -> Result<()> {
    if let Some(repository) = repository_at(&intent.common_dir, &intent.branch)? {
        let name = record::GitSide::ref_name(&intent.op);
        if let Some(since) = intent.written_at() {
            stale::remove_ref_lock(&intent.common_dir, &name, since)?;
        }
        let output =
            repository.git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).run()?;
        match output.status.code() {
            Some(0) => {
                let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                drop_ref(&repository, &intent.op, &commit, ground.lock)?;
            }
            Some(1) => {}
            _ => return Err(output.into_error("rev-parse", &intent.common_dir)),
        }
    }
    if let Ok(Some(admin)) = crate::git::worktree::admin_dir_of(&intent.path)
        && Record::id_inside(&admin)? == intent.entry
    {
        Record::drop_inside(&admin)?;
        stale::remove_crash_reports(&admin, &record::GitSide::ref_name(&intent.op));
    }
    if let Some(entry) = &intent.entry {
        let place = ground.home.trash().join(entry);
        // Nothing has been moved into it; should something be there all the same, it is not ours to delete.
        if fs::symlink_metadata(place.join("tree")).is_err() {
            disk::delete_tree(&place, &crate::cancel::Cancel::default())?;
        }
        Record::unlist(ground.home, entry)?;
    }
    Intent::drop_for(ground.home, ground.key, ground.lock)
}

/// Settles an intent of this module that a dead call left: finishes a move, takes a preparation back. Gives sentences
/// for a person; `None` when the intent is another module's.
pub fn settle(ground: &Ground<'_>, intent: &Intent) -> Result<Option<Vec<String>>> {
    if !matches!(intent.kind, Kind::Remove | Kind::PutBack) {
        return Ok(None);
    }
    let died = format!("an earlier run (pid {}, {}) had died", intent.pid, intent.since);
    if intent.stage == Stage::Preparing {
        abandon(ground, intent)?;
        return Ok(Some(vec![format!("{died} before it had removed anything")]));
    }
    if intent.common_dir.is_absolute() {
        stale::remove_shared_locks(&intent.common_dir, intent.written_at())?;
    }
    let id = intent.entry.as_deref().unwrap_or_default();
    let mut found = Record::read_of(ground.home, id)?;
    if let Some(record) = &mut found {
        follow::repository(record, &intent.common_dir);
    }
    let found = found.filter(|record| {
        record.task_key == intent.task_key
            && record.path == intent.path
            && (intent.kind == Kind::PutBack || record.op == intent.op)
            && record.git.as_ref().is_none_or(|git| git.common_dir == intent.common_dir)
    });
    let Some(record) = found else {
        // Only after somebody emptied the trash by hand: nothing is left to be moved.
        Intent::drop_for(ground.home, ground.key, ground.lock)?;
        return Ok(Some(vec![format!("{died}, and its entry {id} in the trash is gone")]));
    };
    let (done, finished) = match intent.kind {
        Kind::Remove => ("removing the worktree", bury(ground, intent, &record)),
        _ => ("restoring the worktree", put_back(ground, intent, &record).map(|returned| returned.notes)),
    };
    let notes = match finished {
        Ok(notes) => notes,
        // Taken back, it is in nobody's way any more.
        Err(error) if !error.is_begun() => {
            return Ok(Some(vec![format!("{died} while it was {done}, which was taken back: {error}")]));
        }
        Err(error) => return Err(error),
    };
    Ok(Some([vec![format!("{died} while it was {done}, which is finished now")], notes].concat()))
}
