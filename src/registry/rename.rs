//! A task whose branch was renamed by somebody keeps it under its new name.

use std::path::Path;

use super::document::Document;
use super::{Registry, free, owns, pass_on, patch};
use crate::error::{Error, Result};
use crate::lock::Patience;
use crate::registry::{Entry, EntryStatus};
use crate::task;

impl Registry {
    /// Notes the new name of the branch of an active task, while its row still names the old one. Gives the row as it is
    /// then.
    ///
    /// Fails with [`Error::BranchOwned`] when another active task of the same repository, or of an unknown one, owns the
    /// branch, with [`Error::NotFound`] when the row is gone, and with [`Error::InvalidArgument`].
    pub fn follow_rename(
        &self,
        entry: &Entry,
        branch: &str,
        repository: &Path,
        patience: &Patience,
    ) -> Result<Entry> {
        task::check_branch(branch)?;
        let key = entry.key.to_string().into_bytes();
        let lock = self.store.lock(patience)?;
        let mut document = Document::clone(&*self.store.load_locked(&lock)?);
        let Some(mut row) = self.entry(&document, &entry.key)? else {
            return Err(Error::NotFound { task_key: entry.key.clone() });
        };
        if row.branch != entry.branch || row.status != EntryStatus::Active {
            return Ok(row);
        }
        free(&document, &entry.key, branch, Some(repository))?;
        patch(&mut document, &entry.key, "branch", branch);
        pass_on(&mut document, &key, &entry.branch);
        if !document.owner(branch).is_some_and(|owner| owns(&document, &owner, branch)) {
            document.set_owner(branch.as_bytes(), Some(&key));
        }
        self.store.save(&lock, document)?;
        branch.clone_into(&mut row.branch);
        Ok(row)
    }
}
