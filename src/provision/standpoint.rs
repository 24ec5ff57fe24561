//! From where a worktree is asked for: inside another worktree, or free.
//!
//! Whoever works in a task's worktree is isolated, also in a repository that lies inside it. A task that was made from
//! there would live in what belongs to the other one: in its files, or, for a submodule, in its administrative directory,
//! and would be gone with it. So the look goes outwards through everything that encloses the place, to the root of the
//! file system. No process is started: some microseconds for each directory on the way.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::git::layout::{self, Around, Layout};
use crate::git::worktree;
use crate::registry::{Entry, Registry, TaskRecord};
use crate::task::TaskKey;

/// What follows from where a worktree is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standpoint {
    /// Nothing: what git says of the place counts.
    Free,
    /// The caller is isolated already, as the sentence says.
    Isolated(String),
    /// The caller works on another task: what is asked for is made from the main worktree of that task's repository, as
    /// if it were asked for there. The sentence says so.
    Elsewhere { root: PathBuf, note: String },
}

/// Looks at where `root` lies, for whoever asks for the task `key`.
pub(super) fn of(registry: &Registry, root: &Path, key: &TaskKey) -> Result<Standpoint> {
    let Some(around) = layout::around(root) else { return Ok(Standpoint::Free) };
    let inner = around.worktree.clone().unwrap_or_else(|| around.common_dir.clone());
    let mut place = Some(inner.as_path());
    while let Some(directory) = place {
        place = directory.parent();
        let here = if directory == inner { Some(around.clone()) } else { layout::at(directory) };
        let Some(task) = task_at(registry, directory, here.as_ref())? else { continue };
        let is_nested = directory != inner;
        // Its link leads nowhere: git has the words for that.
        if !is_nested && !around.common_dir.is_dir() {
            return Ok(Standpoint::Free);
        }
        return Ok(in_task(&task, directory, here.as_ref(), root, key, is_nested));
    }
    if around.admin.is_some() {
        return Ok(Standpoint::Isolated(format!("{} is in a linked worktree already", root.display())));
    }
    let Some(owner) = owner_of_private(&around.common_dir) else { return Ok(Standpoint::Free) };
    let whose = match worktree::tree_of(&owner) {
        Some(tree) => format!("the worktree {}", tree.display()),
        None => owner.display().to_string(),
    };
    Ok(Standpoint::Isolated(format!("the repository of {} lies in git's data of {whose}", root.display())))
}

/// The linked worktree in whose administrative directory a git directory lies, as those of its submodules do.
#[must_use]
pub(crate) fn owner_of_private(common_dir: &Path) -> Option<PathBuf> {
    common_dir.ancestors().skip(1).find_map(|place| {
        let in_entries = place.parent()?.file_name()? == "worktrees";
        (in_entries && place.join("commondir").exists() && place.join("gitdir").exists())
            .then(|| place.to_owned())
    })
}

/// The task whose worktree has its root at a directory: by the record in its entry, else by its place and by the row.
fn task_at(registry: &Registry, directory: &Path, here: Option<&Around>) -> Result<Option<Entry>> {
    let admin = here.and_then(|here| here.admin.as_ref());
    let recorded = admin.and_then(|admin| TaskRecord::read(admin)).map(|record| record.entry.key);
    let mut names = directory.iter().rev().map(|name| name.to_str());
    let mut placed = || {
        let (task, group, project) = (names.next()??, names.next()??, names.next()??);
        TaskKey::new(project, group, task).ok()
    };
    for key in recorded.into_iter().chain(placed()) {
        let row = registry.lookup(&key).ok().flatten();
        if let Some(row) = row.filter(|row| worktree::same_place(&row.worktree_path, directory)) {
            return Ok(Some(row));
        }
    }
    if admin.is_some() { registry.at_place(directory) } else { Ok(None) }
}

fn in_task(
    task: &Entry,
    tree: &Path,
    here: Option<&Around>,
    root: &Path,
    key: &TaskKey,
    is_nested: bool,
) -> Standpoint {
    let own = &task.key;
    // A repository inside the worktree has a project of its own, as a rule; one that names the outer project means it.
    let is_meant = own != key && (!is_nested || own.project() == key.project());
    let main = here.map(|here| &here.common_dir).filter(|common| common.is_dir()).filter(|_| is_meant);
    match main.filter(|common| owner_of_private(common).is_none()) {
        Some(common) => {
            let root = Layout::of(common).main_worktree.unwrap_or_else(|| common.clone());
            let note = format!(
                "asked for in the worktree of {own}; it goes by the repository of that task, {}",
                root.display()
            );
            Standpoint::Elsewhere { root, note }
        }
        None if is_nested => Standpoint::Isolated(format!(
            "{} is in a repository inside the worktree of the task {own}, {}",
            root.display(),
            tree.display()
        )),
        None => Standpoint::Isolated(format!(
            "{} is in a linked worktree already, that of the task {own}",
            root.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_an_administrative_directory_has_private_data() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        let private = root.join("repo/.git/worktrees/a/modules/libs/lib");
        fs::create_dir_all(&private).unwrap();
        assert_eq!(owner_of_private(&private), None, "a directory of that name is not enough");
        for name in ["commondir", "gitdir"] {
            fs::File::create(root.join("repo/.git/worktrees/a").join(name)).unwrap();
        }
        assert_eq!(owner_of_private(&private), Some(root.join("repo/.git/worktrees/a")));
        assert_eq!(owner_of_private(&root.join("repo/.git/modules/lib")), None);
    }
}
