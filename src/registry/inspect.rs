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
    /// Rows that cannot be used, and why.
    pub unusable: Vec<(String, String)>,
    /// What is wrong with the file as a whole; every call of okstra heals it.
    pub damage: Option<String>,
    /// Branches that the plain map gives to nobody, or to a task that does not own them.
    pub misowned: Vec<String>,
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
        for (key, row) in document.rows() {
            match Entry::decode_at(key, row) {
                Ok(entry) => {
                    if let Some(repository) = repository(&document, key, Some(&entry.worktree_path)) {
                        found.repositories.insert(entry.key.clone(), repository);
                    }
                    found.entries.push(entry);
                }
                Err(reason) => {
                    found.unusable.push((String::from_utf8_lossy(key).into_owned(), reason));
                }
            }
        }
        found.misowned = misowned(&document);
        Ok(found)
    }

    fn salvaged(&self, front: Document) -> Document {
        let backup = disk::read_regular(&self.store.home.registry_backup(), READ_AT_MOST).ok().flatten();
        let backup = backup.map_or_else(Document::default, |(_, content)| Document::salvage(content));
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

    /// Notes that a worktree lies elsewhere now, or that its repository does. `None` when the registry does not know the
    /// task.
    pub fn relocate(
        &self,
        key: &TaskKey,
        path: &Path,
        repository: &Path,
        patience: &Patience,
    ) -> Result<Option<Entry>> {
        let lock = self.store.lock(patience)?;
        let mut document = Document::clone(&*self.store.load_locked(&lock)?);
        let Some(mut entry) = self.entry(&document, key)? else { return Ok(None) };
        path.clone_into(&mut entry.worktree_path);
        let name = key.to_string();
        document.set_row(name.as_bytes(), entry.encode());
        document.set_repository(name.as_bytes(), Some(repository));
        self.store.save(&lock, document)?;
        Ok(Some(entry))
    }
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
