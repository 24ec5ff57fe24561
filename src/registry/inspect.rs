//! The registry as `doctor` looks at it: without healing anything, and the few repairs that nothing else makes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::document::Document;
use super::entry::{Entry, EntryStatus};
use super::store::{Look, merge, on_disk};
use super::{Registry, owners, owns, repository};
use crate::disk;
use crate::error::Result;
use crate::lock::Patience;
use crate::task::TaskKey;

/// No backup of ours is nearly as long.
const READ_AT_MOST: u64 = 256 << 20;

/// What a look at the registry found. Nothing was changed.
#[derive(Debug, Default)]
pub struct Inspection {
    /// The rows that can be used: those of the file, or those that healing would bring back.
    pub entries: Vec<Entry>,
    /// The common git directory of each task's repository, where it is known.
    pub repositories: HashMap<TaskKey, PathBuf>,
    /// Rows that cannot be used.
    pub unusable: Vec<Unusable>,
    /// What is wrong with the file as a whole; every call of okstra heals it.
    pub damage: Option<String>,
    /// Branches that the plain map gives to nobody, or to a task that does not own them.
    pub misowned: Vec<String>,
}

/// A row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// The key that it stands under; empty where that cannot be read.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
    /// Whether [`Registry::mend_rows`] does something about it: the backup or the disk knows the task, or the row is only
    /// text that was kept of a damaged file.
    pub mendable: bool,
}

impl Registry {
    /// Looks at the registry without healing or changing anything. Takes no lock.
    pub fn inspect(&self) -> Result<Inspection> {
        let (document, damage) = match self.store.look_only()? {
            Look::Good(document) => {
                let damage = document
                    .repaired
                    .then(|| "only this version can read it; 0.12.0 would take it for empty".to_owned());
                (Document::clone(&document), damage)
            }
            Look::Lost => {
                let reason = "it is missing, and its backup or worktrees of its tasks are there";
                (self.salvaged(Document::default()), Some(reason.to_owned()))
            }
            Look::Damaged { content, reason } => (self.salvaged(Document::salvage(content)), Some(reason)),
        };
        let mut found = Inspection { damage, ..Inspection::default() };
        let better = self.better_rows(&document);
        for (key, row) in document.rows() {
            match self.store.decode(key, row) {
                Ok(entry) => {
                    if let Some(repository) = repository(&document, key, Some(&entry.worktree_path)) {
                        found.repositories.insert(entry.key.clone(), repository);
                    }
                    found.entries.push(entry);
                }
                Err(reason) => {
                    let mendable = better.iter().any(|row| row.instead_of == key);
                    found.unusable.push(Unusable {
                        key: String::from_utf8_lossy(key).into_owned(),
                        reason,
                        mendable,
                    });
                }
            }
        }
        for row in document.damaged() {
            let reason = "its text is broken, and nothing else knows the task".to_owned();
            found.unusable.push(Unusable { key: row.key, reason, mendable: true });
        }
        found.misowned = misowned(&document);
        Ok(found)
    }

    /// What can stand in the place of rows that cannot be used, as the backup knows it, else the disk, else the row itself,
    /// of which only the key is wrong.
    fn better_rows(&self, document: &Document) -> Vec<BetterRow> {
        let unusable: Vec<(Vec<u8>, Option<Vec<u8>>)> = document
            .rows()
            .filter(|(key, row)| Entry::decode_at(key, row).is_err())
            .map(|(key, row)| {
                let named = Entry::decode(row).ok().map(|entry| entry.key.to_string().into_bytes());
                (key.to_vec(), named.filter(|named| document.row(named).is_none()))
            })
            .collect();
        let damaged = document.damaged();
        if unusable.is_empty() && damaged.is_empty() {
            return Vec::new();
        }
        let backup = self.backup();
        let disk = on_disk(&self.store.home, document, &backup);
        let known = |key: &[u8]| {
            let row = backup.row(key).filter(|row| Entry::decode_at(key, row).is_ok()).map(<[u8]>::to_vec);
            let record = disk.iter().find(|record| record.entry.key.to_string().as_bytes() == key);
            row.or_else(|| record.map(|record| record.entry.encode()))
        };
        let mut better = Vec::new();
        for (key, named) in unusable {
            let own = named.as_deref().and_then(|named| Some((named.to_vec(), known(named)?)));
            let found = own.or_else(|| Some((key.clone(), known(&key)?)));
            let renamed = || {
                let row = document.row(&key)?.to_vec();
                named.map(|named| (named, row))
            };
            if let Some((under, row)) = found.or_else(renamed) {
                better.push(BetterRow { instead_of: key, under, row });
            }
        }
        for row in damaged.iter().filter(|row| document.row(row.key.as_bytes()).is_none()) {
            if let Some(found) = known(row.key.as_bytes()) {
                let key = row.key.clone().into_bytes();
                better.push(BetterRow { instead_of: key.clone(), under: key, row: found });
            }
        }
        better
    }

    fn backup(&self) -> Document {
        let backup = disk::read_regular(&self.store.home.registry_backup(), READ_AT_MOST).ok().flatten();
        backup.map_or_else(Document::default, |(_, content)| Document::salvage(content))
    }

    /// Puts better rows in the place of those that cannot be used, and moves the text of those that nothing knows out of
    /// the registry. The registry as it was is kept as a copy first.
    pub fn mend_rows(&self, patience: &Patience) -> Result<()> {
        let lock = self.store.lock(patience)?;
        let mut document = Document::clone(&*self.store.load_locked(&lock)?);
        let better = self.better_rows(&document);
        if better.is_empty() && document.damaged().is_empty() {
            return Ok(());
        }
        self.store.keep_aside(&document.emit())?;
        for BetterRow { instead_of, under, row } in better {
            if instead_of != under {
                document.remove_row(&instead_of);
            }
            document.set_row(&under, row);
        }
        document.set_damaged(Vec::new());
        self.store.save(&lock, document)
    }

    fn salvaged(&self, front: Document) -> Document {
        let backup = self.backup();
        merge(&front, &backup, on_disk(&self.store.home, &front, &backup)).0
    }

    /// Heals a damaged or lost registry, as any other call would.
    pub fn heal(&self, patience: &Patience) -> Result<()> {
        let lock = self.store.lock(patience)?;
        let document = self.store.load_locked(&lock)?;
        if document.repaired {
            self.store.save(&lock, Document::clone(&document))?;
        }
        Ok(())
    }

    /// Makes the plain map of branches say again what the rows say.
    pub fn mend_branches(&self, patience: &Patience) -> Result<()> {
        let lock = self.store.lock(patience)?;
        let mut document = Document::clone(&*self.store.load_locked(&lock)?);
        let wrong = misowned(&document);
        for branch in &wrong {
            let owner = owners(&document, branch).next().map(<[u8]>::to_vec);
            document.set_owner(branch.as_bytes(), owner.as_deref());
        }
        if wrong.is_empty() { Ok(()) } else { self.store.save(&lock, document) }
    }

    /// Notes that a worktree lies elsewhere now, or that its repository does; without one the repository stays what it is.
    /// `None` when the registry does not know the task.
    pub fn relocate(
        &self,
        key: &TaskKey,
        path: &Path,
        repository: Option<&Path>,
        patience: &Patience,
    ) -> Result<Option<Entry>> {
        let lock = self.store.lock(patience)?;
        let mut document = Document::clone(&*self.store.load_locked(&lock)?);
        let Some(mut entry) = self.entry(&document, key)? else { return Ok(None) };
        path.clone_into(&mut entry.worktree_path);
        let name = key.to_string();
        document.set_row(name.as_bytes(), entry.encode());
        if repository.is_some() {
            document.set_repository(name.as_bytes(), repository);
        }
        self.store.save(&lock, document)?;
        Ok(Some(entry))
    }
}

/// A row that takes the place of another.
struct BetterRow {
    instead_of: Vec<u8>,
    under: Vec<u8>,
    row: Vec<u8>,
}

/// The branches of active rows that the map does not give to an owner, and those that it gives to somebody else.
fn misowned(document: &Document) -> Vec<String> {
    let stands = |branch: &str| document.owner(branch).is_some_and(|owner| owns(document, &owner, branch));
    let mut wrong: Vec<String> = document
        .rows()
        .filter_map(|(key, row)| Entry::decode_at(key, row).ok())
        .filter(|entry| entry.status == EntryStatus::Active && !entry.branch.is_empty())
        .map(|entry| entry.branch)
        .filter(|branch| !stands(branch))
        .collect();
    let claimed = document.claims().filter_map(|(branch, _)| String::from_utf8(branch.to_vec()).ok());
    wrong.extend(claimed.filter(|branch| !stands(branch)));
    wrong.sort();
    wrong.dedup();
    wrong
}
