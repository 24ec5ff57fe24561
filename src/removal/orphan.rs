//! Directories where worktrees lie that no row of the registry knows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::check::{self, Site};
use super::remove::{self, RemoveRequest};
use crate::cancel::Cancel;
use crate::clock;
use crate::error::{Error, Result};
use crate::git::Repository;
use crate::git::operation::{self, Head};
use crate::git::worktree::{self, Found};
use crate::home::OkstraHome;
use crate::intent::{Intent, Kind, Stage};
use crate::link;
use crate::obstacle::{Obstacle, ObstacleKind};
use crate::registry::{EntryStatus, Filter, Registry, TaskRecord};
use crate::survey::inside;
use crate::task::TaskKey;
use crate::trash::record::identity;
use crate::trash::{self, Ground, Record};

/// The directories of a home at the places of worktrees that belong to no row, to no intent and to nobody's trash.
pub(super) fn find(home: &OkstraHome, registry: &Registry) -> Result<Vec<(TaskKey, PathBuf)>> {
    let mut known = BTreeSet::new();
    for entry in registry.list(&Filter::default())? {
        known.insert(fs::canonicalize(&entry.worktree_path).unwrap_or_else(|_| entry.worktree_path.clone()));
        known.insert(entry.worktree_path);
    }
    let mut orphans = Vec::new();
    for project in directories(&home.worktrees()) {
        for group in directories(&project) {
            for path in directories(&group) {
                let mut names = path.iter().rev().map(|name| name.to_str().unwrap_or_default());
                let (task, group, project) = (names.next(), names.next(), names.next());
                let (Some(task), Some(group), Some(project)) = (task, group, project) else { continue };
                let Ok(key) = TaskKey::new(project, group, task) else { continue };
                if !known.contains(&path) && !home.intent_file(&key).exists() {
                    orphans.push((key, path));
                }
            }
        }
    }
    Ok(orphans)
}

fn directories(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// What an orphan is.
enum Orphan {
    /// A worktree of a repository that is there: its administrative directory, and the branch that is checked out.
    Worktree { admin: PathBuf, repository: Box<Repository>, branch: String },
    /// No worktree at all. git cannot tell what is in it, so all of it is kept.
    Directory,
}

fn open(path: &Path, prepare: impl FnOnce(&Path) -> Result<()>) -> Result<Orphan> {
    let (admin, common_dir) = match worktree::look(path)? {
        Found::Linked { admin, common_dir } => (admin, common_dir),
        // Its files may be somebody's work, and nobody can tell what of it is committed.
        Found::RepositoryGone(repository) => {
            return Err(Error::RepositoryGone { path: path.to_owned(), repository });
        }
        Found::Broken(fault) if path.join(".git").is_file() => return Err(fault.into_error(path)),
        Found::Missing | Found::Broken(_) => return Ok(Orphan::Directory),
    };
    prepare(&common_dir)?;
    let Some(repository) = trash::repository_at(&common_dir, "HEAD")? else {
        return Err(Error::RepositoryGone { path: path.to_owned(), repository: common_dir });
    };
    let branch = match operation::head(path, &admin)? {
        Head::Branch(name) => name,
        Head::Detached(_) => "HEAD".to_owned(),
    };
    Ok(Orphan::Worktree { admin, repository: Box::new(repository), branch })
}

impl Orphan {
    fn obstacles(
        &self,
        registry: &Registry,
        key: &TaskKey,
        path: &Path,
        cancel: &Cancel,
    ) -> Result<Vec<Obstacle>> {
        match self.site(registry, key, path) {
            Some(site) => Ok(check::propose(&site, cancel)?.obstacles),
            None => obstacles(registry, path, cancel),
        }
    }

    /// Refuses the worktree of a task whose row names another place: it was moved, and is nobody's only for the registry.
    fn refuse_moved(&self, registry: &Registry, path: &Path) -> Result<()> {
        let Self::Worktree { admin, .. } = self else { return Ok(()) };
        let Some(key) = TaskRecord::names(admin) else { return Ok(()) };
        let row = registry.lookup(&key)?.filter(|row| row.status == EntryStatus::Active);
        match row {
            Some(row) if !matches!(link::look(&key, &row.worktree_path)?, Found::Linked { .. }) => {
                let place = row.worktree_path.display();
                let reason = format!("it is the worktree of {key}, which the registry has at {place}");
                Err(Error::WorktreeBroken { path: path.to_owned(), reason })
            }
            _ => Ok(()),
        }
    }

    fn site<'a>(&'a self, registry: &'a Registry, key: &'a TaskKey, path: &'a Path) -> Option<Site<'a>> {
        let Self::Worktree { admin, repository, branch } = self else { return None };
        Some(Site { registry, key, path, admin, repository, branch, delete_branch: false })
    }
}

/// Fails with what stands in the way of [`bury`]; nothing is changed and no lock is taken.
pub(super) fn check(registry: &Registry, key: &TaskKey, path: &Path, cancel: &Cancel) -> Result<()> {
    let orphan = open(path, |_| Ok(()))?;
    orphan.refuse_moved(registry, path)?;
    let obstacles = orphan.obstacles(registry, key, path, cancel)?;
    remove::refuse(key, path, &obstacles, &RemoveRequest::default())
}

/// Moves an orphan into the trash, with git's half where it is a worktree. Nothing that somebody could miss is allowed.
pub(super) fn bury(ground: &Ground<'_>, path: &Path) -> Result<String> {
    let request = RemoveRequest::default();
    let orphan = open(path, |common_dir| remove::mend(ground, common_dir))?;
    orphan.refuse_moved(ground.registry, path)?;
    if let Some(site) = orphan.site(ground.registry, ground.key, path) {
        let done = remove::take(ground, &site, None, &request, Vec::new())?;
        return Ok(done.trash_id.unwrap_or_default());
    }
    let obstacles = obstacles(ground.registry, path, &ground.patience.cancel)?;
    remove::refuse(ground.key, path, &obstacles, &request)?;
    let nowhere = PathBuf::new();
    let mut intent = Intent::new(Kind::Remove, ground.key, &nowhere, path, "HEAD");
    intent.stage = Stage::Preparing;
    let id = trash::new_id(&intent.op);
    trash::check_places(None, &trash::tree_place(ground.home, &id, path))?;
    intent.entry = Some(id.clone());
    intent.write(ground.home, ground.key, ground.lock)?;
    let record = Record {
        version: 1,
        op: intent.op.clone(),
        at: clock::utc_now(),
        task_key: ground.key.to_string(),
        row: None,
        path: path.to_owned(),
        tree: trash::tree_place(ground.home, &id, path),
        tree_id: identity(path),
        git: None,
        links: Vec::new(),
        uncommitted: 0,
        untracked: 0,
        id: id.clone(),
    };
    let record = remove::move_or_abandon(ground, &mut intent, Ok(record))?;
    trash::bury(ground, &intent, &record)?;
    Ok(id)
}

fn obstacles(registry: &Registry, path: &Path, cancel: &Cancel) -> Result<Vec<Obstacle>> {
    let found = inside::look(path, cancel)?;
    let mut obstacles: Vec<Obstacle> =
        check::residents_in(registry, &[path], Some(path))?.into_iter().collect();
    let mut add = |kind, paths: &[PathBuf], what: &str| {
        if !paths.is_empty() {
            let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            obstacles.push(Obstacle::new(kind, format!("{what}: {}", names.join(", ")), &names));
        }
    };
    add(ObstacleKind::Nested, &found.repositories, "it holds repositories or worktrees");
    add(ObstacleKind::Mount, &found.mounts, "something is mounted in it");
    if path.join(".git").is_dir() {
        add(ObstacleKind::Nested, &[PathBuf::from(".git")], "it is a repository");
    }
    obstacles.extend(check::unmovable(&[path]));
    check::occupied(path, &mut obstacles);
    Ok(obstacles)
}
