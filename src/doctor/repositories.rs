//! Which repositories are looked at, and what git says about each.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::{Code, Doctor, Finding, Outcome, Severity};
use crate::error::{Error, Result};
use crate::git::{Discovery, Repository, repository};
use crate::intent::Intent;
use crate::link;
use crate::registry::Inspection;

/// A repository that is there.
#[derive(Debug)]
pub(super) struct Place {
    /// Its common git directory, resolved.
    pub common_dir: PathBuf,
}

/// A repository that git can tell about.
#[derive(Debug)]
pub(super) struct Known {
    /// The repository.
    pub repository: Repository,
    /// Its branches and the commits they stand at.
    pub branches: HashMap<String, String>,
}

/// The repositories of all tasks, of all runs, and the one around [`super::Options::root`].
pub(super) fn collect(doctor: &Doctor<'_>, inspection: &Inspection) -> Vec<Place> {
    let rows = inspection.repositories.values().cloned();
    let runs =
        Intent::files(doctor.home).into_iter().filter_map(|(_, intent)| Some(intent.ok()?.1.common_dir));
    // A repository that was moved together with the home lies at the same place as seen from it.
    let moved = inspection.entries.iter().filter_map(|entry| {
        let before = inspection.repositories.get(&entry.key).filter(|before| !before.is_dir())?;
        link::in_this_home(doctor.home, &entry.key, &entry.worktree_path)?;
        link::moved_along(before, entry.worktree_path.ancestors().nth(3)?, &doctor.home.worktrees())
    });
    let around = doctor.options.root.as_deref().and_then(around);
    let all: BTreeSet<PathBuf> = rows
        .chain(runs)
        .chain(moved)
        .chain(around)
        .filter_map(|directory| fs::canonicalize(directory).ok())
        .filter(|directory| is_repository(directory))
        .collect();
    all.into_iter().map(|common_dir| Place { common_dir }).collect()
}

/// Whether a directory still is what it was: reftable keeps a stub of `HEAD` too.
pub(super) fn is_repository(common_dir: &Path) -> bool {
    fs::symlink_metadata(common_dir.join("HEAD")).is_ok() && common_dir.join("objects").is_dir()
}

fn around(directory: &Path) -> Option<PathBuf> {
    // Any name does: only the place is asked for.
    repository::discover_any(directory, "main").ok().map(|repository| repository.common_dir)
}

impl Place {
    /// Asks git; a refusal is a finding.
    pub(super) fn ask(self, doctor: &mut Doctor<'_>) -> Option<Known> {
        match ask(&self.common_dir) {
            Ok(known) => Some(known),
            // With an empty commondir git cannot answer; that is told already.
            Err(_) if doctor.is_torn(&self.common_dir) => None,
            Err(error) => {
                let message = format!("nothing can be learned about {}: {error}", self.common_dir.display());
                let finding =
                    Finding::new(Code::RepositoryUnusable, Severity::Error, message).at(self.common_dir);
                doctor.tell(finding, Outcome::Decide, error.hint());
                None
            }
        }
    }
}

fn ask(common_dir: &Path) -> Result<Known> {
    let Discovery::Main(repository) = repository::discover(common_dir, "main")? else {
        let reason = "git does not take it for a repository".to_owned();
        return Err(Error::WorktreeBroken { path: common_dir.to_owned(), reason });
    };
    let args = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/"];
    let text = repository.git().args(args).looks_only().read()?;
    let branches = String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| {
            let (commit, name) = line.split_once(' ')?;
            Some((name.strip_prefix("refs/heads/")?.to_owned(), commit.to_owned()))
        })
        .collect();
    Ok(Known { repository, branches })
}

/// The repository with this common git directory.
pub(super) fn find<'a>(known: &'a [Known], common_dir: &Path) -> Option<&'a Known> {
    known.iter().find(|known| known.repository.common_dir == common_dir)
}
