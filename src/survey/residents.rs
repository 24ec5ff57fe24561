//! Who else lives in directories that are to be moved or deleted: worktrees and tasks whose repository, or a part of whose
//! objects, lies in them.
//!
//! A submodule of a linked worktree has its repository in that worktree's administrative directory
//! (`worktrees/<id>/modules/...`). Worktrees of such a submodule may lie anywhere; with the administrative directory
//! their git data goes, and every commit that is nowhere else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::git::repository::path_of;
use crate::git::worktree;
use crate::registry::Registry;
use crate::task::TaskKey;

/// How deep repositories are looked for inside each other; git itself goes no deeper than path names allow.
const MOST_LEVELS: usize = 32;

/// Somebody who needs what lies in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resident {
    /// The worktree, or the repository, that would lose its git data.
    pub place: PathBuf,
    /// The task that it belongs to, where it is one's.
    pub task_key: Option<TaskKey>,
    /// What it needs: a git directory, or a directory of objects.
    pub needs: PathBuf,
}

impl std::fmt::Display for Resident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.task_key {
            Some(key) => write!(f, "the task {key} at {}", self.place.display()),
            None => write!(f, "{}", self.place.display()),
        }
    }
}

/// Everybody who lives in one of the places and is not part of `tree`, which is moved with them: tasks by the registry,
/// released ones too, because their commits are there; other worktrees by git's own data; repositories that borrow
/// objects, as far as the registry names them. Each once, by place.
///
/// A place is an administrative directory, a git directory, or a directory with a `.git` directory in it.
pub fn find(registry: &Registry, places: &[&Path], tree: Option<&Path>) -> Result<Vec<Resident>> {
    let places: Vec<PathBuf> =
        places.iter().map(|place| real(place)).filter(|place| place.is_dir()).map(inner).collect();
    let tree = tree.map(real);
    let moved_along = |path: &Path| tree.as_ref().is_some_and(|tree| real(path).starts_with(tree));
    let within = |path: &Path| places.iter().any(|place| path.starts_with(place));
    let mut found: Vec<Resident> = Vec::new();
    let mut elsewhere = BTreeSet::new();
    for (entry, repository) in registry.with_repositories()? {
        let repository = real(&repository);
        if !within(&repository) {
            elsewhere.insert(repository);
        } else if !moved_along(&entry.worktree_path) {
            let (place, task_key) = (entry.worktree_path, Some(entry.key));
            found.push(Resident { place, task_key, needs: repository });
        }
    }
    for git_dir in places.iter().flat_map(|place| git_directories(place)) {
        for admin in worktree::admin_dirs(&git_dir) {
            let Some(place) = worktree::tree_of(&admin) else { continue };
            let known = found.iter().any(|resident| worktree::same_place(&resident.place, &place));
            // What git still lists and nobody has any more loses nothing.
            if !known && !moved_along(&place) && fs::symlink_metadata(&place).is_ok() {
                found.push(Resident { place, task_key: None, needs: git_dir.clone() });
            }
        }
    }
    for repository in elsewhere {
        let borrowed = alternates(&repository).into_iter().find(|objects| within(objects));
        found.extend(borrowed.map(|needs| Resident { place: repository, task_key: None, needs }));
    }
    found.sort();
    Ok(found)
}

fn inner(place: PathBuf) -> PathBuf {
    let git_dir = place.join(".git");
    if fs::symlink_metadata(&git_dir).is_ok_and(|found| found.is_dir()) { git_dir } else { place }
}

/// The path without links where it exists; of what is gone the last name is kept.
fn real(path: &Path) -> PathBuf {
    let resolved = fs::canonicalize(path).ok();
    resolved
        .or_else(|| Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?)))
        .unwrap_or_else(|| path.to_owned())
}

/// The repositories at a place and below it, those of submodules and of their worktrees. What is known to hold no
/// repository is not looked into, so that this costs some directories and not all objects.
fn git_directories(place: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![(place.to_owned(), 0)];
    while let Some((directory, depth)) = open.pop() {
        let is_repository =
            fs::symlink_metadata(directory.join("HEAD")).is_ok() && directory.join("objects").is_dir();
        if is_repository {
            found.push(directory.clone());
        }
        let is_known = is_repository || directory.join("commondir").exists();
        if depth == MOST_LEVELS {
            continue;
        }
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let may_hold = !is_known || name == "modules" || name == "worktrees";
            if may_hold && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push((entry.path(), depth + 1));
            }
        }
    }
    found
}

/// The directories whose objects a repository borrows (`objects/info/alternates`), resolved.
fn alternates(common_dir: &Path) -> Vec<PathBuf> {
    let objects = common_dir.join("objects");
    let Ok(text) = fs::read(objects.join("info/alternates")) else { return Vec::new() };
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(|line| real(&objects.join(path_of(line))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::OkstraHome;
    use crate::lock::Patience;
    use crate::registry::Reservation;

    fn repository(place: &Path) {
        fs::create_dir_all(place.join("objects/info")).unwrap();
        fs::create_dir_all(place.join("refs")).unwrap();
        fs::File::create(place.join("HEAD")).unwrap();
    }

    fn entry(repository: &Path, id: &str, tree: &Path) {
        let admin = repository.join("worktrees").join(id);
        fs::create_dir_all(&admin).unwrap();
        fs::create_dir_all(tree).unwrap();
        write(&admin.join("gitdir"), format!("{}\n", tree.join(".git").display()));
    }

    fn write(file: &Path, text: String) {
        crate::disk::replace_file(file, text.as_bytes(), crate::disk::Replace::default()).unwrap();
    }

    #[test]
    fn tasks_worktrees_and_borrowers_are_found_and_what_is_moved_along_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        let admin = root.join("repo/.git/worktrees/a");
        let (outer, module) = (root.join("repo/.git"), admin.join("modules/libs/lib"));
        repository(&outer);
        repository(&module);
        repository(&module.join("modules/deep"));
        write(&admin.join("commondir"), "../..\n".into());
        entry(&module, "w", &root.join("elsewhere"));
        entry(&module.join("modules/deep"), "d", &root.join("deep"));
        entry(&module, "inside", &root.join("tree/inside"));
        entry(&outer, "other", &root.join("other"));
        let borrower = root.join("borrower/.git");
        repository(&borrower);
        write(&borrower.join("objects/info/alternates"), format!("{}\n", module.join("objects").display()));

        let home = OkstraHome::at(&root.join("home")).unwrap();
        home.prepare().unwrap();
        let registry = Registry::open(&home);
        for (task, repository) in [("x", &module), ("y", &borrower), ("z", &outer)] {
            let reservation = Reservation {
                key: TaskKey::new("lib", "g", task).unwrap(),
                worktree_path: root.join("home/worktrees/lib/g").join(task),
                branch: format!("task-{task}"),
                base_ref: "1".into(),
                phase: String::new(),
                repository: Some(repository.clone()),
                created_at: None,
            };
            registry.reserve(&reservation, &Patience::from_env().unwrap()).unwrap();
        }
        let found = find(&registry, &[&admin], Some(&root.join("tree"))).unwrap();
        let told: Vec<_> = found.iter().map(|one| (one.place.clone(), one.task_key.is_some())).collect();
        let expected = [
            (root.join("borrower/.git"), false),
            (root.join("deep"), false),
            (root.join("elsewhere"), false),
            (root.join("home/worktrees/lib/g/x"), true),
        ];
        assert_eq!(told, expected);
        assert_eq!(find(&registry, &[&root.join("borrower")], None).unwrap().len(), 1, "its own task");
        assert!(find(&registry, &[&root.join("gone")], None).unwrap().is_empty());
    }
}
