//! The machine-wide registry of who has which worktree.
//!
//! One JSON file that 0.12.0 reads and writes too, under the same lock. Readers take no lock, because the file is
//! replaced in one step; writers lock, read, change and replace. Nothing is ever lost: rows that are not touched go out
//! byte for byte, the version before the last change is kept, and a damaged file is healed and kept aside.

mod document;
mod emit;
mod entry;
pub mod history;
mod inspect;
mod map;
mod rebuild;
mod rename;
mod repositories;
mod salvage;
mod scan;
mod store;
#[cfg(test)]
mod tests;
mod text;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::document::Document;
pub use self::entry::{Entry, EntryStatus};
use self::history::{Event, EventKind, HistoryFilter};
pub use self::inspect::{Inspection, Unusable};
pub use self::rebuild::{TaskRecord, write_task_record, write_task_record_as};
use self::store::Store;
pub use self::view::{Row, View};
use crate::asked::Asked;
use crate::clock;
use crate::error::{Error, Result};
use crate::git::worktree::{self, lock};
use crate::home::OkstraHome;
use crate::lock::Patience;
use crate::task::{self, TaskKey};

/// What a task asks to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Project, group and task.
    pub key: TaskKey,
    /// The directory of the worktree (absolute).
    pub worktree_path: PathBuf,
    /// The branch of the worktree.
    pub branch: String,
    /// The commit id that the branch starts from.
    pub base_ref: String,
    /// The phase of this run; may be empty.
    pub phase: String,
    /// The common git directory of the repository. Without it the branch must be free in every repository.
    pub repository: Option<PathBuf>,
    /// When the worktree was made; `None` is now.
    pub created_at: Option<String>,
}

/// Which rows to list; the default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of one project.
    pub project: Option<String>,
    /// Only those of one group.
    pub group: Option<String>,
    /// Only those of one status.
    pub status: Option<EntryStatus>,
}

impl Filter {
    pub(crate) fn admits(&self, entry: &Entry) -> bool {
        self.project.as_deref().is_none_or(|wanted| wanted == entry.key.project())
            && self.group.as_deref().is_none_or(|wanted| wanted == entry.key.group())
            && self.status.is_none_or(|wanted| wanted == entry.status)
    }

    fn admits_view(&self, view: &View<'_>) -> bool {
        self.project.as_deref().is_none_or(|wanted| wanted == view.project)
            && self.group.as_deref().is_none_or(|wanted| wanted == view.group)
            && self.status.is_none_or(|wanted| wanted == view.status)
    }
}

/// The rows of the registry at one moment that a filter admits.
pub struct Rows {
    store: Arc<Store>,
    document: Arc<Document>,
    filter: Filter,
}

impl Rows {
    /// Each of them, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        let document = &*self.document;
        document.rows().filter_map(move |(key, row)| match self.store.view(key, row) {
            Ok(view) if self.filter.admits_view(&view) => {
                Some(Row::new(std::str::from_utf8(key).ok()?, view, document))
            }
            Ok(_) => None,
            Err(reason) => {
                self.store.warn_of_row(key, &reason);
                None
            }
        })
    }
}

/// The registry of one okstra home. Clones share their warnings.
#[derive(Clone)]
pub struct Registry {
    store: Arc<Store>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("home", &self.store.home).finish_non_exhaustive()
    }
}

impl Registry {
    /// The registry of a home. Touches nothing.
    #[must_use]
    pub fn open(home: &OkstraHome) -> Self {
        Self { store: Arc::new(Store::new(home)) }
    }

    /// The row of a task. Takes no lock.
    pub fn lookup(&self, key: &TaskKey) -> Result<Option<Entry>> {
        self.entry(&*self.store.load()?, key)
    }

    /// The row of a task as the file has it now, where it can be read and used: heals nothing, tells nothing and never waits.
    /// For whoever checks what is written elsewhere against it.
    #[must_use]
    pub fn glimpse(&self, key: &TaskKey) -> Option<Entry> {
        let document = match self.store.look_only().ok()? {
            store::Look::Good(document) => document,
            store::Look::Damaged { content, .. } => Arc::new(Document::salvage(content)),
            store::Look::Lost => return None,
        };
        self.entry(&document, key).ok().flatten()
    }

    /// The rows that the filter admits, in the order of the file. Takes no lock. A row that cannot be used is left out
    /// and named in [`Self::warnings`].
    pub fn list(&self, filter: &Filter) -> Result<Vec<Entry>> {
        Ok(self.rows(filter)?.iter().filter_map(|row| row.entry().ok()).collect())
    }

    /// The same where they stand: one look at the file, for as many rows as there are.
    pub fn rows(&self, filter: &Filter) -> Result<Rows> {
        let document = self.store.load()?;
        self.store.warn_of_damaged(&document);
        Ok(Rows { store: Arc::clone(&self.store), document, filter: filter.clone() })
    }

    /// The common git directory of the repository that a task's worktree belongs to: as it was recorded, else as the
    /// worktree itself says; `None` when neither does.
    pub fn repository_of(&self, key: &TaskKey) -> Result<Option<PathBuf>> {
        let document = self.store.load()?;
        let Some(entry) = self.entry(&document, key)? else { return Ok(None) };
        Ok(repository(&document, key.to_string().as_bytes(), Some(&entry.worktree_path)))
    }

    /// The row whose worktree lies at a directory; an active one first. For a place that neither its name nor a record
    /// gives to a task: every row is looked at, as text.
    pub fn at_place(&self, directory: &Path) -> Result<Option<Entry>> {
        let Some(name) = directory.file_name() else { return Ok(None) };
        let document = self.store.load()?;
        let quoted = text::encode(name.as_encoded_bytes());
        let finder = memchr::memmem::Finder::new(&quoted[1..]);
        let rows = document.rows().filter(|(_, row)| entry::may_mention(row, &finder));
        let entries = rows.filter_map(|(key, row)| Entry::decode_at(key, row).ok());
        let wanted = rebuild::canonical(directory);
        let mut here: Vec<Entry> =
            entries.filter(|entry| rebuild::canonical(&entry.worktree_path) == wanted).collect();
        here.sort_by_key(|entry| entry.status != EntryStatus::Active);
        Ok(here.into_iter().next())
    }

    /// Every usable row whose repository is known, with its common git directory as [`Self::repository_of`] finds it.
    /// Takes no lock.
    pub fn with_repositories(&self) -> Result<Vec<(Entry, PathBuf)>> {
        let document = self.store.load()?;
        let mut found = Vec::new();
        for (key, row) in document.rows() {
            if let Ok(entry) = Entry::decode_at(key, row)
                && let Some(repository) = repository(&document, key, Some(&entry.worktree_path))
            {
                found.push((entry, repository));
            }
        }
        Ok(found)
    }

    /// Registers a task and its branch. A released task is registered anew in its old place.
    ///
    /// Fails with [`Error::KeyExists`] when the task is active, with [`Error::BranchOwned`] when another active task of
    /// the same repository, or of an unknown one, owns the branch, and with [`Error::InvalidArgument`].
    pub fn reserve(&self, reservation: &Reservation, patience: &Patience) -> Result<Entry> {
        self.reserve_as(reservation, None, false, patience)
    }

    /// The same, and records the id as it was asked for, and whether the project is the one that the repository has by
    /// default.
    pub fn reserve_as(
        &self,
        reservation: &Reservation,
        asked: Option<&Asked>,
        is_default: bool,
        patience: &Patience,
    ) -> Result<Entry> {
        check(reservation)?;
        let key = reservation.key.to_string().into_bytes();
        let lock = self.store.lock(patience)?;
        let mut document = Document::clone(&*self.store.load_locked(&lock)?);
        let prior = self.entry(&document, &reservation.key)?;
        if let Some(prior) = &prior
            && prior.status == EntryStatus::Active
        {
            return Err(Error::KeyExists { task_key: prior.key.clone(), path: prior.worktree_path.clone() });
        }
        free(&document, &reservation.key, &reservation.branch, reservation.repository.as_deref())?;
        let entry = Entry {
            key: reservation.key.clone(),
            worktree_path: reservation.worktree_path.clone(),
            branch: reservation.branch.clone(),
            base_ref: reservation.base_ref.clone(),
            created_at: reservation.created_at.clone().unwrap_or_else(clock::local_now),
            last_phase: reservation.phase.clone(),
            status: EntryStatus::Active,
        };
        document.set_row(&key, entry.encode());
        if let Some(prior) = prior.filter(|prior| prior.branch != entry.branch) {
            pass_on(&mut document, &key, &prior.branch);
        }
        let stands =
            document.owner(&entry.branch).is_some_and(|owner| owns(&document, &owner, &entry.branch));
        if !stands {
            document.set_owner(entry.branch.as_bytes(), Some(&key));
        }
        document.set_repository(&key, reservation.repository.as_deref());
        if let Some(asked) = asked {
            document.set_asked(&key, asked);
        }
        if is_default {
            document.set_default_project(&key);
        }
        self.store.save(&lock, document)?;
        Ok(entry)
    }

    /// Whether a task's project is recorded as the one that its repository had by default.
    pub fn has_default_project(&self, key: &TaskKey) -> Result<bool> {
        Ok(self.store.load()?.has_default_project(key.to_string().as_bytes()))
    }

    /// The id that a task was asked for as; `None` for a task of 0.12.0.
    pub fn asked(&self, key: &TaskKey) -> Result<Option<Asked>> {
        Ok(self.store.load()?.asked(key.to_string().as_bytes()))
    }

    /// Records the id of a task that has none recorded.
    pub fn note_asked(&self, key: &TaskKey, asked: &Asked, patience: &Patience) -> Result<()> {
        let lock = self.store.lock(patience)?;
        let mut document = Document::clone(&*self.store.load_locked(&lock)?);
        let name = key.to_string().into_bytes();
        if document.row(&name).is_none() || document.asked(&name).is_some() {
            return Ok(());
        }
        document.set_asked(&name, asked);
        self.store.save(&lock, document)
    }

    /// Whether [`Self::reserve`] would give the branch to the task, as the registry is now: fails with
    /// [`Error::BranchOwned`] when not. Takes no lock.
    pub fn check_free(&self, key: &TaskKey, branch: &str, repository: Option<&Path>) -> Result<()> {
        free(&*self.store.load()?, key, branch, repository)
    }

    /// Notes the phase that uses the worktree now. Writes nothing when it is noted already; `None` when the registry
    /// does not know the task.
    pub fn touch_phase(&self, key: &TaskKey, phase: &str, patience: &Patience) -> Result<Option<Entry>> {
        task::no_control("phase", phase)?;
        match self.lookup(key)? {
            Some(entry) if entry.last_phase != phase => {}
            known => return Ok(known),
        }
        let lock = self.store.lock(patience)?;
        let mut document = Document::clone(&*self.store.load_locked(&lock)?);
        let Some(mut entry) = self.entry(&document, key)? else { return Ok(None) };
        if entry.last_phase == phase {
            return Ok(Some(entry));
        }
        phase.clone_into(&mut entry.last_phase);
        patch(&mut document, key, "last_phase", phase);
        self.store.save(&lock, document)?;
        drop(lock);
        self.record(&Event::of(EventKind::Reused, &entry));
        Ok(Some(entry))
    }

    /// Gives the task's branch free. The row stays, as released, and so does the directory. Returns the row as it was;
    /// `None` when the registry does not know the task. Writes nothing when the task is released already.
    pub fn release(&self, key: &TaskKey, patience: &Patience) -> Result<Option<Entry>> {
        let prior = self.release_row(key, patience)?;
        if let Some(prior) = prior.as_ref().filter(|prior| prior.status == EntryStatus::Active) {
            let_go(prior);
        }
        Ok(prior)
    }

    /// The same without a look at the worktree: for a row whose directory is gone, or is another's by now.
    pub fn release_row(&self, key: &TaskKey, patience: &Patience) -> Result<Option<Entry>> {
        match self.lookup(key)? {
            Some(entry) if entry.status == EntryStatus::Active => {}
            known => return Ok(known),
        }
        let lock = self.store.lock(patience)?;
        let mut document = Document::clone(&*self.store.load_locked(&lock)?);
        let prior = match self.entry(&document, key)? {
            Some(entry) if entry.status == EntryStatus::Active => entry,
            known => return Ok(known),
        };
        patch(&mut document, key, "status", EntryStatus::Released.as_str());
        pass_on(&mut document, key.to_string().as_bytes(), &prior.branch);
        self.store.save(&lock, document)?;
        drop(lock);
        self.record(&Event::of(EventKind::Released, &prior));
        Ok(Some(prior))
    }

    /// Appends an event to the history. A failure is swallowed: the history explains, nothing depends on it.
    pub fn record(&self, event: &Event) {
        history::record(&self.store.home, event);
    }

    /// The events that the filter admits, newest first.
    pub fn history(&self, filter: &HistoryFilter) -> Result<Vec<Event>> {
        history::read(&self.store.home, filter)
    }

    /// Takes what the user must be told: that the registry was damaged, where the damaged file is kept and what came
    /// back; which rows cannot be used.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.store.take_warnings()
    }

    fn entry(&self, document: &Document, key: &TaskKey) -> Result<Option<Entry>> {
        let name = key.to_string();
        let Some(row) = document.row(name.as_bytes()) else { return Ok(None) };
        let entry = self.store.decode(name.as_bytes(), row);
        entry.map(Some).map_err(|reason| self.store.bad_row(&name, &reason))
    }
}

fn check(reservation: &Reservation) -> Result<()> {
    task::check_branch(&reservation.branch)?;
    let path = reservation.worktree_path.to_string_lossy();
    if !reservation.worktree_path.is_absolute() {
        return Err(Error::invalid("worktree path", path, "it is not absolute"));
    }
    if reservation.base_ref.is_empty() {
        return Err(Error::invalid("base", "", "it is empty"));
    }
    let values = [("worktree path", &*path), ("base", &reservation.base_ref), ("phase", &reservation.phase)];
    for (what, value) in values {
        task::no_control(what, value)?;
    }
    reservation.created_at.as_deref().map_or(Ok(()), |moment| task::no_control("moment of creation", moment))
}

/// The rule for branches: two active tasks of one repository never share one, and where a repository is unknown it
/// counts as the same.
fn free(document: &Document, key: &TaskKey, branch: &str, wanted: Option<&Path>) -> Result<()> {
    let own = key.to_string();
    for other in owners(document, branch).filter(|other| *other != own.as_bytes()) {
        let path = document.row(other).and_then(|row| entry::peek(row, "worktree_path"));
        let path = path.and_then(|path| text::to_path(&path));
        let apart = match (wanted, repository(document, other, path.as_deref())) {
            (Some(wanted), Some(theirs)) => rebuild::canonical(wanted) != rebuild::canonical(&theirs),
            _ => false,
        };
        if !apart {
            let owner = String::from_utf8_lossy(other).into_owned();
            return Err(Error::BranchOwned { task_key: key.clone(), branch: branch.to_owned(), owner });
        }
    }
    Ok(())
}

/// The keys of all rows that own the branch, in the order of the file. A row that cannot be used owns its branch unless
/// it says that it was released: nothing may be taken from it by mistake.
fn owners<'a>(document: &'a Document, branch: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let quoted = text::encode(branch.as_bytes());
    let finder = memchr::memmem::Finder::new(&quoted).into_owned();
    document
        .rows()
        .filter(move |(_, row)| entry::may_mention(row, &finder))
        .filter(move |(_, row)| holds(row, branch))
        .map(|(key, _)| key)
}

fn owns(document: &Document, key: &[u8], branch: &str) -> bool {
    document.row(key).is_some_and(|row| holds(row, branch))
}

fn holds(row: &[u8], branch: &str) -> bool {
    entry::peek(row, "branch").is_some_and(|text| text == branch.as_bytes())
        && entry::peek(row, "status").is_none_or(|status| status != EntryStatus::Released.as_str().as_bytes())
}

fn repository(document: &Document, key: &[u8], worktree: Option<&Path>) -> Option<PathBuf> {
    let recorded = document.repository(key);
    recorded.or_else(|| rebuild::common_dir(&rebuild::admin_dir(worktree?)?))
}

/// Gives a branch that `key` held in the plain map to the next active owner, or free.
fn pass_on(document: &mut Document, key: &[u8], branch: &str) {
    if document.owner(branch).is_some_and(|owner| owner == key) {
        let next = owners(document, branch).find(|other| *other != key).map(<[u8]>::to_vec);
        document.set_owner(branch.as_bytes(), next.as_deref());
    }
}

fn patch(document: &mut Document, key: &TaskKey, field: &str, value: &str) {
    let key = key.to_string();
    if let Some(row) = document.row(key.as_bytes()) {
        let row = entry::patched(row, field, value);
        document.set_row(key.as_bytes(), row);
    }
}

/// Says in git's entry of the worktree too that the task was released: its record, and its standing lock comes off. Only
/// a rebuild from the disk alone reads the first, and `doctor --fix` does the second where it could not be done, so that
/// a failure is no failure of the release.
fn let_go(prior: &Entry) {
    let Some(admin) = rebuild::admin_dir(&prior.worktree_path) else { return };
    if !worktree::points_back(&admin, &prior.worktree_path) {
        return;
    }
    if let Some(record) = TaskRecord::read(&admin).filter(|record| record.entry.key == prior.key) {
        let released = Entry { status: EntryStatus::Released, ..prior.clone() };
        let _ = write_task_record(&admin, &released, &record.repository);
    }
    let _ = lock::take_off(&admin, |lock| lock.stands_for(&prior.key));
}
