//! Directories where worktrees lie that no row of the registry knows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::check::{self, Site};
use super::remove::{self, RemoveRequest};
use crate::clock;
use crate::error::{Error, Result};
use crate::git::worktree::{self, Found};
use crate::home::OkstraHome;
use crate::intent::{Intent, Kind, Stage};
use crate::obstacle::{Obstacle, ObstacleKind};
use crate::registry::{Filter, Registry};
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

/// Moves an orphan into the trash, with git's half where it is a worktree. Nothing that somebody could miss is allowed.
pub(super) fn bury(ground: &Ground<'_>, path: &Path) -> Result<String> {
    let request = RemoveRequest::default();
    if let Found::Linked { admin, common_dir } = worktree::look(path)? {
        remove::mend(ground, &common_dir)?;
        let Some(repository) = trash::repository_at(&common_dir, "HEAD")? else {
            return Err(Error::RepositoryGone { path: path.to_owned(), repository: common_dir });
        };
        let branch = match crate::git::operation::head(path, &admin)? {
            crate::git::operation::Head::Branch(name) => name,
            crate::git::operation::Head::Detached(_) => "HEAD".to_owned(),
        };
        let site = Site {
            key: ground.key,
            path,
            admin: &admin,
            repository: &repository,
            branch: &branch,
            delete_branch: false,
        };
        let done = remove::take(ground, &site, None, &request, Vec::new())?;
        return Ok(done.trash_id.unwrap_or_default());
    }
    // No worktree of a repository that is there: git cannot tell what is in it, so all of it is kept.
    let obstacles = obstacles(path, ground)?;
    remove::refuse(ground, path, &obstacles, &request)?;
    let nowhere = PathBuf::new();
    let mut intent = Intent::new(Kind::Remove, ground.key, &nowhere, path, "HEAD");
    intent.stage = Stage::Preparing;
    let id = trash::new_id(&intent.op);
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

fn obstacles(path: &Path, ground: &Ground<'_>) -> Result<Vec<Obstacle>> {
    let found = inside::look(path, &ground.patience.cancel)?;
    let mut obstacles = Vec::new();
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
    check::occupied(path, &mut obstacles);
    Ok(obstacles)
}
