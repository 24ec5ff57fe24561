//! Everything that stands in the way of a removal. Nothing is changed here, and what cannot be found out stands in the
//! way.

mod git_state;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::disk;
use crate::error::Result;
use crate::git::repository::path_of;
use crate::git::{Git, Repository};
use crate::obstacle::{Obstacle, ObstacleKind};
use crate::registry::Registry;
use crate::survey::inside::Inside;
use crate::survey::residents::Resident;
use crate::survey::status::{Depth, WorkStatus};
use crate::survey::{caches, inside, links, processes, residents, status};
use crate::task::TaskKey;

/// A worktree that is looked at.
#[derive(Debug)]
pub(super) struct Site<'a> {
    /// The registry, which knows who else lives where.
    pub registry: &'a Registry,
    /// The task.
    pub key: &'a TaskKey,
    /// Its directory.
    pub path: &'a Path,
    /// Its administrative directory.
    pub admin: &'a Path,
    /// Its repository.
    pub repository: &'a Repository,
    /// The branch of the task.
    pub branch: &'a str,
    /// Whether that branch is to be deleted.
    pub delete_branch: bool,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Findings {
    /// What stands in the way.
    pub obstacles: Vec<Obstacle>,
    /// The state of the worktree.
    pub status: WorkStatus,
    /// The untracked files that no cache made.
    pub untracked: Vec<PathBuf>,
    /// okstra's own links in it.
    pub links: Vec<PathBuf>,
}

/// Looks at everything.
pub(super) fn look(site: &Site<'_>, cancel: &Cancel) -> Result<Findings> {
    at_depth(site, Depth::Everything, cancel)
}

/// The same for a proposal, which runs nothing that the repository configures.
pub(super) fn propose(site: &Site<'_>, cancel: &Cancel) -> Result<Findings> {
    at_depth(site, Depth::Proposed, cancel)
}

fn at_depth(site: &Site<'_>, depth: Depth, cancel: &Cancel) -> Result<Findings> {
    let mut obstacles = Vec::new();
    let own = links::own(site.path, &site.repository.common_dir, site.repository.main_worktree.as_deref());
    let inside = inside::look(site.path, cancel)?;
    let status = status::ask(site.path, depth, &own, cancel)?;
    let nested = repositories(site, &inside, &mut obstacles)?;
    let places: Vec<PathBuf> = inside.repositories.iter().map(|below| site.path.join(below)).collect();
    let places = places.iter().map(PathBuf::as_path).chain([site.admin]);
    obstacles.extend(residents_in(site.registry, &places.collect::<Vec<_>>(), Some(site.path))?);
    let untracked = files(site, &status, &nested, cancel, &mut obstacles)?;
    git_state::look(site, &status, cancel, &mut obstacles)?;
    obstacles.extend(unmovable(&[site.path, site.admin]));
    occupied(site.path, &mut obstacles);
    let mut places = |kind, paths: &[PathBuf], one: &str, many: &str| {
        if !paths.is_empty() {
            obstacles.push(Obstacle::new(kind, counted(paths.len(), one, many), &names(paths)));
        }
    };
    let untouched = ", never touched by okstra";
    let (one, many) = ("repository or worktree inside", "repositories or worktrees inside");
    places(ObstacleKind::Nested, &nested, &format!("{one}{untouched}"), &format!("{many}{untouched}"));
    let (one, many) = ("mount point inside", "mount points inside");
    places(ObstacleKind::Mount, &inside.mounts, &format!("{one}{untouched}"), &format!("{many}{untouched}"));
    let (one, many) =
        ("directory inside that cannot be looked into", "directories inside that cannot be looked into");
    places(ObstacleKind::Unreadable, &inside.unreadable, one, many);
    obstacles.sort_by_key(|obstacle| obstacle.kind);
    Ok(Findings { obstacles, status, untracked, links: own })
}

/// What of these cannot be moved: found out before anything is written down, because git's half never goes without the tree.
pub(super) fn unmovable(places: &[&Path]) -> Option<Obstacle> {
    let refused: Vec<String> = places
        .iter()
        .filter_map(|place| disk::check_movable(place).err())
        .map(|error| error.to_string())
        .collect();
    let first = refused.first()?.clone();
    Some(Obstacle::new(ObstacleKind::Unmovable, first, &refused))
}

/// Who else lives in places that are to be moved or deleted, `tree` with them.
pub(super) fn residents_in(
    registry: &Registry,
    places: &[&Path],
    tree: Option<&Path>,
) -> Result<Option<Obstacle>> {
    Ok(residents(&residents::find(registry, places, tree)?))
}

/// What those are told as.
pub(super) fn residents(found: &[Resident]) -> Option<Obstacle> {
    if found.is_empty() {
        return None;
    }
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    let detail = format!("it holds the git data of {}", told.join(" and of "));
    Some(Obstacle::new(ObstacleKind::Residents, detail, &told))
}

/// Parts submodules, which are part of the worktree, from repositories that are not. A directory that only looks like a
/// bare repository and in which git tracks files is content of the project: what it does not track in there it names as
/// untracked or ignored, so nothing in it goes unseen.
fn repositories(site: &Site<'_>, inside: &Inside, obstacles: &mut Vec<Obstacle>) -> Result<Vec<PathBuf>> {
    if inside.repositories.is_empty() {
        return Ok(Vec::new());
    }
    let listed = Git::new(site.path).args(["ls-files", "-z", "--stage", "--"]);
    let pathspecs = inside.repositories.iter().map(|path| {
        let mut text = std::ffi::OsString::from(":(top,literal)");
        text.push(path);
        text
    });
    let listed = listed.args(pathspecs).looks_only().read()?;
    let (mut links, mut content) = (BTreeSet::new(), BTreeSet::new());
    for line in listed.split(|byte| *byte == 0) {
        let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { continue };
        let path = path_of(&line[tab + 1..]);
        if line.starts_with(b"160000 ") {
            links.insert(path);
        } else {
            content.extend(path.ancestors().filter(|above| inside.bare.contains(*above)).map(Path::to_owned));
        }
    }
    let found = inside.repositories.iter().filter(|path| !content.contains(*path)).cloned();
    let (submodules, mut nested): (Vec<PathBuf>, Vec<PathBuf>) = found.partition(|path| links.contains(path));
    // What lies in one of them goes with it.
    let all: BTreeSet<PathBuf> = nested.iter().cloned().collect();
    nested.retain(|path| !path.ancestors().skip(1).any(|above| all.contains(above)));
    if !submodules.is_empty() {
        let detail = format!(
            "{}, whose commits may be in no other repository",
            counted(submodules.len(), "submodule that is checked out", "submodules that are checked out")
        );
        obstacles.push(Obstacle::new(ObstacleKind::Submodules, detail, &names(&submodules)));
    }
    Ok(nested)
}

fn files(
    site: &Site<'_>,
    status: &WorkStatus,
    nested: &[PathBuf],
    cancel: &Cancel,
    obstacles: &mut Vec<Obstacle>,
) -> Result<Vec<PathBuf>> {
    let submodules = status.submodules.iter().map(|submodule| &submodule.path);
    let tracked: BTreeSet<&PathBuf> =
        status.staged.iter().chain(&status.unstaged).chain(&status.conflicted).chain(submodules).collect();
    let tracked: Vec<PathBuf> = tracked.into_iter().cloned().collect();
    if !tracked.is_empty() {
        let mut detail = counted(
            tracked.len(),
            "tracked file with uncommitted changes",
            "tracked files with uncommitted changes",
        );
        if !status.conflicted.is_empty() {
            detail.push_str(&format!(" ({} in conflict)", status.conflicted.len()));
        }
        if !status.hidden.is_empty() {
            let hidden = status.hidden.len();
            detail.push_str(&format!(" ({hidden} that git was told not to look at, `git ls-files -v`)"));
        }
        obstacles.push(Obstacle::new(ObstacleKind::Uncommitted, detail, &names(&tracked)));
    }
    let parted = caches::part(site.path, status, cancel)?;
    // A repository inside is told of by itself.
    let apart = |path: &&PathBuf| !nested.iter().any(|nested| nested == *path);
    let untracked: Vec<PathBuf> = parted.untracked.iter().filter(apart).cloned().collect();
    if !untracked.is_empty() {
        let detail = counted(untracked.len(), "untracked file", "untracked files");
        obstacles.push(Obstacle::new(ObstacleKind::Untracked, detail, &names(&untracked)));
    }
    let ignored: Vec<PathBuf> = parted.other.iter().filter(apart).cloned().collect();
    if !ignored.is_empty() {
        let detail = counted(
            ignored.len(),
            "ignored file or directory that no cache or build made",
            "ignored files or directories that no cache or build made",
        );
        obstacles.push(Obstacle::new(ObstacleKind::Ignored, detail, &names(&ignored)));
    }
    Ok(untracked)
}

/// Who is inside; looked at again right before the worktree is moved.
pub(super) fn occupied(path: &Path, obstacles: &mut Vec<Obstacle>) {
    let occupants = processes::inside(&[path.to_owned()], true).pop().unwrap_or_default();
    let mut told: Vec<String> = occupants
        .processes
        .iter()
        .map(|process| format!("{} ({}, {})", process.pid, process.command, process.by.as_str()))
        .collect();
    if std::env::current_dir()
        .is_ok_and(|own| std::fs::canonicalize(path).is_ok_and(|path| own.starts_with(path)))
    {
        told.push(format!("{} (this process, working directory)", std::process::id()));
    }
    if !told.is_empty() {
        let mut detail = counted(told.len(), "process inside", "processes inside");
        if occupants.processes.iter().any(|process| process.is_ancestor) {
            detail.push_str(", among them the one that you call this from");
        }
        obstacles.push(Obstacle::new(ObstacleKind::Processes, detail, &told));
    }
}

fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

/// "1 file", "2 files".
fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
