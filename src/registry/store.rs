//! The registry file on disk: read and cached, replaced durably, healed when it is damaged.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::document::{Damaged, Document};
use super::entry::{self, Entry, EntryStatus};
use super::history::{self, Event, EventKind};
use super::rebuild;
use super::view::View;
use crate::clock;
use crate::disk::{self, Replace};
use crate::error::{Error, IoContext, Result};
use crate::home::OkstraHome;
use crate::lock::{Patience, RegistryLock};

/// A registry of a hundred thousand tasks has about 50 MiB.
const READ_AT_MOST: u64 = 256 << 20;
/// What a killed writer left is removed when it is surely nobody's any more.
const SWEEP_AFTER: Duration = Duration::from_secs(3600);
/// More homes than that are not in use at once.
const CACHED_AT_MOST: usize = 32;

/// What a file was when it was read. The cache keeps the file open, so that no other file can get its inode number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    length: u64,
    #[cfg(unix)]
    identity: [i128; 4],
    #[cfg(not(unix))]
    times: [Option<std::time::SystemTime>; 2],
}

impl Stamp {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        let identity = [
            i128::from(metadata.dev()),
            i128::from(metadata.ino()),
            nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        ];
        Self { length: metadata.len(), identity }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        Self { length: metadata.len(), times: [metadata.modified().ok(), metadata.created().ok()] }
    }
}

struct Cached {
    stamp: Stamp,
    document: Arc<Document>,
    _open: File,
}

static CACHE: LazyLock<Mutex<HashMap<PathBuf, Cached>>> = LazyLock::new(Mutex::default);

// Nothing in here panics half-way through a change, so a poisoned lock still guards sound data.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(path: &Path, stamp: Stamp, file: File, document: &Arc<Document>) {
    let mut cache = guard(&CACHE);
    if cache.len() >= CACHED_AT_MOST {
        cache.clear();
    }
    cache.insert(path.to_owned(), Cached { stamp, document: Arc::clone(document), _open: file });
}

/// What lies at the registry's place.
pub(super) enum Look {
    Good(Arc<Document>),
    /// No file, but a backup of one, or worktrees that were in one.
    Lost,
    Damaged {
        content: Vec<u8>,
        reason: String,
    },
}

/// One registry file.
pub(super) struct Store {
    pub(super) home: OkstraHome,
    path: PathBuf,
    /// How the paths of worktrees begin.
    below: Vec<u8>,
    warnings: Mutex<Vec<String>>,
    told: Mutex<HashSet<Vec<u8>>>,
}

impl Store {
    pub(super) fn new(home: &OkstraHome) -> Self {
        Self {
            path: home.registry_file(),
            below: home.worktrees().join("").into_os_string().into_encoded_bytes(),
            home: home.clone(),
            warnings: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// The present registry, without a lock. One `stat` when it has not changed since it was read last. Only a damaged
    /// file makes a reader wait for the lock: it is healed first.
    pub(super) fn load(&self) -> Result<Arc<Document>> {
        match self.look()? {
            Look::Good(document) => {
                if document.repaired {
                    self.respell();
                }
                Ok(document)
            }
            Look::Lost | Look::Damaged { .. } => {
                let lock = self.lock(&Patience::from_env()?)?;
                self.load_locked(&lock)
            }
        }
    }

    /// Takes the registry lock.
    pub(super) fn lock(&self, patience: &Patience) -> Result<RegistryLock> {
        self.home.prepare()?;
        RegistryLock::acquire(&self.home, patience)
    }

    /// The registry as it is while nobody else can change it.
    pub(super) fn load_locked(&self, lock: &RegistryLock) -> Result<Arc<Document>> {
        match self.look()? {
            Look::Good(document) => Ok(document),
            Look::Lost => self.heal(lock, None),
            Look::Damaged { content, reason } => self.heal(lock, Some((content, reason))),
        }
    }

    /// Replaces the file durably, the version before it kept as the backup. The first version is its own backup: no
    /// other copy says which tasks there are whose directory is gone.
    pub(super) fn save(&self, lock: &RegistryLock, document: Document) -> Result<()> {
        let backup = self.home.registry_backup();
        let document = self.write(lock, document, Some(&backup))?;
        match fs::symlink_metadata(&backup) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                disk::replace_file_of(&backup, &document.parts().slices(), Replace::default())
            }
            _ => Ok(()),
        }
    }

    fn write(
        &self,
        _lock: &RegistryLock,
        mut document: Document,
        backup: Option<&Path>,
    ) -> Result<Arc<Document>> {
        disk::sweep_temporaries(&self.path, SWEEP_AFTER);
        disk::sweep_temporaries(&self.home.registry_backup(), SWEEP_AFTER);
        disk::replace_file_of(
            &self.path,
            &document.parts().slices(),
            Replace { backup, keep_mode: true, ..Replace::default() },
        )?;
        document.repaired = false;
        let document = Arc::new(document);
        // The lock is held: the file there now is the one just written.
        if let Ok(file) = File::open(&self.path)
            && let Ok(metadata) = file.metadata()
        {
            remember(&self.path, Stamp::of(&metadata), file, &document);
        }
        Ok(document)
    }

    fn unreadable(&self, reason: impl Into<String>) -> Error {
        Error::RegistryCorrupt { path: self.path.clone(), reason: reason.into() }
    }

    /// Looks, and heals nothing.
    pub(super) fn look_only(&self) -> Result<Look> {
        self.look()
    }

    fn look(&self) -> Result<Look> {
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.look_for_backup(),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(self.unreadable(error.to_string()));
            }
            Err(error) => return Err(error).context("look at the registry", &self.path),
        };
        if !metadata.is_file() {
            return Err(self.unreadable("it is not a regular file"));
        }
        let before = Stamp::of(&metadata);
        if let Some(cached) = guard(&CACHE).get(&self.path)
            && cached.stamp == before
        {
            return Ok(Look::Good(Arc::clone(&cached.document)));
        }
        let (file, content) = match disk::read_regular(&self.path, READ_AT_MOST) {
            Ok(Some(read)) => read,
            Ok(None) => return self.look_for_backup(),
            Err(error) => match error.kind() {
                io::ErrorKind::PermissionDenied
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::FileTooLarge => return Err(self.unreadable(error.to_string())),
                _ => return Err(error).context("read the registry", &self.path),
            },
        };
        match Document::parse(content) {
            Ok(document) => {
                let document = Arc::new(document);
                // Kept only when the file is surely the one that was looked at, and was not changed while it was read.
                if file.metadata().is_ok_and(|after| Stamp::of(&after) == before) {
                    remember(&self.path, before, file, &document);
                }
                Ok(Look::Good(document))
            }
            Err((content, error)) => Ok(Look::Damaged { content, reason: error.to_string() }),
        }
    }

    fn look_for_backup(&self) -> Result<Look> {
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(self.unreadable("it is a symbolic link to nothing"));
        }
        // Whoever deletes both has not deleted the worktrees, which know that there was a registry.
        let lost =
            fs::symlink_metadata(self.home.registry_backup()).is_ok() || rebuild::any_record(&self.home);
        Ok(if lost { Look::Lost } else { Look::Good(Arc::default()) })
    }

    /// Writes a file that only we can read again in a spelling that 0.12.0 can: it takes what it cannot read for empty,
    /// and its next change would drop every row. A reader that cannot do it has its answer all the same.
    fn respell(&self) {
        let Ok(patience) = Patience::from_env() else { return };
        let patience = Patience { timeout: patience.timeout.min(Duration::from_secs(2)), ..patience };
        let Ok(lock) = self.lock(&patience) else { return };
        if let Ok(Look::Good(document)) = self.look()
            && document.repaired
        {
            let _ = self.save(&lock, Document::clone(&document));
        }
    }

    /// Puts the registry together from what is left: every row of the damaged file that can be read, else the backup's, else
    /// what the worktrees on disk say, row by row; the text of what comes back from nowhere stays in the file. The damaged file is kept as a copy, so that the original is only ever replaced
    /// in one step; the backup stays as it is, because it may be all there is.
    fn heal(&self, lock: &RegistryLock, damaged: Option<(Vec<u8>, String)>) -> Result<Arc<Document>> {
        let mut story = match &damaged {
            None => format!("The registry {} was missing.", self.path.display()),
            Some((content, reason)) => {
                let kept = self.keep_aside(content)?;
                let (path, kept) = (self.path.display(), kept.display());
                format!("The registry {path} was damaged ({reason}). The damaged file is kept as {kept}.")
            }
        };
        let front = damaged.map_or_else(Document::default, |(content, _)| Document::salvage(content));
        let backup = disk::read_regular(&self.home.registry_backup(), READ_AT_MOST).ok().flatten();
        let backup = backup.map_or_else(Document::default, |(_, content)| Document::salvage(content));
        let (document, counts) = merge(&front, &backup, on_disk(&self.home, &front, &backup));
        story.push_str(&format!(
            " Rows that came back: {} from the file itself, {} from the backup, {} from the worktrees on disk.",
            counts[0], counts[1], counts[2]
        ));
        let document = self.write(lock, document, None)?;
        let mut event = Event::new(EventKind::Recovered, None);
        event.path = Some(self.path.clone());
        event.detail = Some(story.clone());
        let _ = history::append(&self.home, &event);
        self.warn(story);
        Ok(document)
    }

    /// Keeps a version of the file beside it; where.
    pub(super) fn keep_aside(&self, content: &[u8]) -> Result<PathBuf> {
        let name = format!("registry.json.corrupt-{}-{:08x}", clock::utc_compact(), disk::random() >> 32);
        let kept = self.path.with_file_name(name);
        disk::replace_file(&kept, content, Replace::default())?;
        Ok(kept)
    }

    pub(super) fn warn(&self, warning: String) {
        guard(&self.warnings).push(warning);
    }

    /// Reads a row that stands under the given key, and that names a place where this home may have a worktree.
    pub(super) fn decode(&self, key: &[u8], row: &[u8]) -> Result<Entry, String> {
        self.view(key, row)?.to_entry()
    }

    /// The same, where it stands.
    pub(super) fn view<'a>(&self, key: &[u8], row: &'a [u8]) -> Result<View<'a>, String> {
        let view = View::read_at(key, row)?;
        if self.is_plainly_below(&view.worktree_path) || self.home.may_hold(&view.worktree_path) {
            return Ok(view);
        }
        Err(format!("it names {}, where okstra keeps its own files", view.worktree_path.display()))
    }

    /// Whether a path, which leads nowhere but down, is one of a worktree, as that of nearly every row: the answer of
    /// [`OkstraHome::may_hold`], without taking the path apart.
    fn is_plainly_below(&self, path: &Path) -> bool {
        let inside = path.as_os_str().as_encoded_bytes().strip_prefix(&*self.below);
        inside.is_some_and(|inside| inside.first().is_some_and(|first| first.is_ascii_alphanumeric()))
    }

    /// Tells once of each row that is broken and that nothing could bring back.
    pub(super) fn warn_of_damaged(&self, document: &Document) {
        for row in document.damaged() {
            if guard(&self.told).insert(row.text.clone().into_bytes()) {
                self.warn(format!(
                    "A row of the registry {} is damaged, that of {:?}: nothing else knows the task. Its text is kept in that \
                     file; `okstra doctor --fix` moves it out.",
                    self.path.display(),
                    row.key
                ));
            }
        }
    }

    /// Tells once that a row cannot be used.
    pub(super) fn warn_of_row(&self, key: &[u8], reason: &str) {
        if guard(&self.told).insert(key.to_vec()) {
            let key = String::from_utf8_lossy(key);
            self.warn(format!(
                "The row {key:?} of the registry {} cannot be used: {reason}. It is kept as it is.",
                self.path.display()
            ));
        }
    }

    pub(super) fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut guard(&self.warnings))
    }

    /// The error for a row that cannot be used and must not be overwritten.
    pub(super) fn bad_row(&self, key: &str, reason: &str) -> Error {
        self.unreadable(format!("its row {key:?} cannot be used: {reason}"))
    }
}

/// What the worktrees know, and the repositories that rows name: a worktree's record is there when its directory is not.
pub(super) fn on_disk(home: &OkstraHome, front: &Document, backup: &Document) -> Vec<rebuild::TaskRecord> {
    let named = |document: &Document| -> Vec<PathBuf> {
        document.rows().filter_map(|(key, _)| document.repository(key)).collect()
    };
    let repositories: BTreeSet<PathBuf> = named(front).into_iter().chain(named(backup)).collect();
    let mut records = rebuild::tasks_on_disk(home);
    records.extend(repositories.iter().flat_map(|common_dir| rebuild::tasks_in(common_dir, home)));
    records
}

/// Joins what is left, the better source first; counts the rows of each source.
pub(super) fn merge(
    front: &Document,
    backup: &Document,
    disk: Vec<rebuild::TaskRecord>,
) -> (Document, [usize; 3]) {
    let mut document = Document::default();
    let mut counts = [0; 3];
    document.frame();
    let usable = |key: &[u8], row: &[u8]| Entry::decode_at(key, row).is_ok();
    for (key, row) in front.rows() {
        // A row that cannot be used is kept when there is no better one, and the better one counts as the backup's.
        if usable(key, row) || !backup.row(key).is_some_and(|row| usable(key, row)) {
            document.set_row(key, row.to_vec());
            counts[0] += 1;
        }
    }
    let mut of_backup = HashSet::new();
    for (key, row) in backup.rows() {
        if document.row(key).is_none() {
            document.set_row(key, row.to_vec());
            of_backup.insert(key.to_vec());
            counts[1] += 1;
        }
    }
    document.adopt_the_rest(front);
    document.adopt_the_rest(backup);
    let damaged = front.damaged();
    let paths: HashSet<Vec<u8>> =
        document.rows().filter_map(|(_, row)| entry::peek(row, "worktree_path")).collect();
    let borne_out: HashSet<PathBuf> = disk.iter().map(|record| record.entry.worktree_path.clone()).collect();
    for record in disk {
        let key = record.entry.key.to_string().into_bytes();
        if document.row(&key).is_none()
            && !paths.contains(&super::text::from_path(&record.entry.worktree_path))
        {
            document.set_row(&key, record.entry.encode());
            document.set_repository(&key, Some(&record.repository));
            if let Some(asked) = &record.asked {
                document.set_asked(&key, asked);
            }
            counts[2] += 1;
        } else {
            complete(&mut document, &key, &record, &borne_out);
            if of_backup.contains(&key) {
                bring_up_to_date(&mut document, &key, &record);
            }
        }
    }
    claim(&mut document, front, backup);
    // A row that came back from elsewhere needs its broken text no more; the copy of the damaged file has it.
    let lost = |row: &Damaged| row.key.is_empty() || document.row(row.key.as_bytes()).is_none();
    let damaged = damaged.into_iter().filter(lost).collect();
    document.set_damaged(damaged);
    (document, counts)
}

/// The backup is a change older than the file was, and the record in git's entry of the worktree is written with each change
/// of the status: it says whether the task is active, and on the entry's lock depends that they agree.
fn bring_up_to_date(document: &mut Document, key: &[u8], record: &rebuild::TaskRecord) {
    let Some(row) = document.row(key) else { return };
    let (path, status) = (entry::peek(row, "worktree_path"), record.entry.status.as_str());
    let same_place = path.is_some_and(|path| path == super::text::from_path(&record.entry.worktree_path));
    if same_place && entry::peek(row, "branch").is_some_and(|branch| branch == record.entry.branch.as_bytes())
    {
        let row = entry::patched(row, "status", status);
        document.set_row(key, row);
    }
}

/// Adds to a row what only the worktree knows: its repository, which stands behind the rows in the file and was cut off,
/// and its place, where it was moved after the backup was made and no worktree bears out the row's.
fn complete(document: &mut Document, key: &[u8], record: &rebuild::TaskRecord, borne_out: &HashSet<PathBuf>) {
    let place = &record.entry.worktree_path;
    let Some(row) = document.row(key) else { return };
    let Some(path) = entry::peek(row, "worktree_path") else { return };
    if path != super::text::from_path(place) {
        let stands = |path: &Path| fs::symlink_metadata(path).is_ok() || borne_out.contains(path);
        if super::text::to_path(&path).is_none_or(|path| stands(&path)) {
            return;
        }
        let (Some(place), row) = (place.to_str(), row.to_vec()) else { return };
        document.set_row(key, entry::patched(&row, "worktree_path", place));
    }
    if document.repository(key).is_none() {
        document.set_repository(key, Some(&record.repository));
    }
    if let Some(asked) = record.asked.as_ref().filter(|_| document.asked(key).is_none()) {
        document.set_asked(key, asked);
    }
}

/// Makes the plain map of branches again: what it said stays where a row bears it out, and every other branch goes to
/// its first active owner.
fn claim(document: &mut Document, front: &Document, backup: &Document) {
    let mut active = Vec::new();
    let mut unknown = HashSet::new();
    for (key, row) in document.rows() {
        match Entry::decode_at(key, row) {
            Ok(entry) if entry.status == EntryStatus::Active && !entry.branch.is_empty() => {
                active.push((entry.branch.into_bytes(), key.to_vec()));
            }
            Ok(_) => {}
            Err(_) => drop(unknown.insert(key.to_vec())),
        }
    }
    let borne_out: HashSet<&(Vec<u8>, Vec<u8>)> = active.iter().collect();
    let mut taken = HashSet::new();
    for (branch, owner) in front.claims().chain(backup.claims()) {
        let pair = (branch.to_vec(), owner);
        if (borne_out.contains(&pair) || unknown.contains(&pair.1)) && taken.insert(pair.0.clone()) {
            document.set_owner(&pair.0, Some(&pair.1));
        }
    }
    for (branch, owner) in active {
        if taken.insert(branch.clone()) {
            document.set_owner(&branch, Some(&owner));
        }
    }
}
