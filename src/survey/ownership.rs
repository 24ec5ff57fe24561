//! Whether the worktree that a row names is the task's own. A row is only text: whoever acts on what it names asks here
//! first, because `remove --force` on a row that names somebody else's worktree would take that away.

use std::path::Path;

use crate::error::{Error, Result};
use crate::git::worktree;
use crate::registry::{Entry, Registry, TaskRecord};

/// Fails where it is not: git's entry must point back to the directory, and okstra's record in the entry must name the
/// task. 0.12.0 left no record; there the repository must be the one that the registry knows, and the branch or the place
/// the task's.
pub fn check(registry: &Registry, entry: &Entry, admin: &Path, common_dir: &Path) -> Result<()> {
    let (key, path) = (&entry.key, &entry.worktree_path);
    let foreign =
        |reason: String| Err(Error::NotItsWorktree { task_key: key.clone(), path: path.clone(), reason });
    if !worktree::points_back(admin, path) {
        return foreign(format!("git's entry {} is of another directory", admin.display()));
    }
    if let Some(record) = TaskRecord::read(admin) {
        if record.entry.key == *key {
            return Ok(());
        }
        return foreign(format!("it is that of the task {}", record.entry.key));
    }
    let recorded = registry.repository_of(key)?;
    if recorded.is_some_and(|recorded| !worktree::same_place(&recorded, common_dir)) {
        return foreign(format!("it is one of the repository {}", common_dir.display()));
    }
    let place = Path::new(key.project()).join(key.group()).join(key.task());
    if path.ends_with(place) || worktree::is_on_branch(admin, &entry.branch) {
        return Ok(());
    }
    foreign("nothing says that it is".into())
}
