//! Which tasks there are: those of the registry, directories below the home that it does not know, and what is being
//! provisioned right now.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::TaskSurvey;
use crate::error::{Error, Result};
use crate::git::worktree::{self, Found};
use crate::home::OkstraHome;
use crate::intent::{Intent, Kind};
use crate::link;
use crate::lock::TaskLock;
use crate::registry::{Entry, EntryStatus, Filter, Registry};
use crate::task::TaskKey;

/// What is true of a task now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Registered, and its worktree is there.
    Active,
    /// Given free; its worktree is still there, or was removed.
    Released,
    /// In use, and its directory is gone.
    Missing,
    /// A directory where worktrees lie that the registry does not know.
    Orphan,
    /// Somebody is making, restoring or removing its worktree right now.
    Provisioning,
    /// Its worktree does not work, or what was begun was not finished.
    Broken,
}

impl State {
    /// All, in the order in which they are told.
    pub const ALL: &'static [Self] =
        &[Self::Active, Self::Released, Self::Missing, Self::Orphan, Self::Provisioning, Self::Broken];

    /// The text that users see.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Released => "released",
            Self::Missing => "missing",
            Self::Orphan => "orphan",
            Self::Provisioning => "provisioning",
            Self::Broken => "broken",
        }
    }
}

/// A task, and where git keeps its worktree.
#[derive(Debug)]
pub struct Located {
    /// What is known so far.
    pub survey: TaskSurvey,
    /// The administrative directory of its worktree, where that works.
    pub admin: Option<PathBuf>,
}

/// Finds the tasks that the filter admits: rows in the order of the registry, then the rest by path. Looks at each
/// directory once; no git, and no lock is waited for.
pub fn find(home: &OkstraHome, registry: &Registry, filter: &Filter) -> Result<Vec<Located>> {
    let mut intents: BTreeMap<String, Intent> = BTreeMap::new();
    for intent in Intent::all(home)? {
        intents.insert(intent.task_key.clone(), intent);
    }
    let mut found = Vec::new();
    let mut known: HashSet<PathBuf> = HashSet::new();
    for row in registry.rows(&Filter::default())?.iter() {
        known.insert(row.view.worktree_path.clone().into_owned());
        let intent = intents.remove(row.key);
        if let Ok(entry) = row.entry()
            && filter.admits(&entry)
        {
            found.push(of_row(home, entry, intent, row.repository())?);
        }
    }
    // What has no row has no status, so a filter by status leaves it out.
    if filter.status.is_none() {
        let mut rest: BTreeMap<PathBuf, (TaskKey, Option<Intent>)> = BTreeMap::new();
        for (key, path) in directories(home) {
            if !known.contains(&path) {
                let intent = intents.remove(&key.to_string());
                rest.insert(path, (key, intent));
            }
        }
        for intent in intents.into_values() {
            if let Ok(key) = TaskKey::parse(&intent.task_key)
                && matches!(intent.kind, Kind::Create | Kind::Restore)
            {
                rest.entry(intent.path.clone()).or_insert((key, Some(intent)));
            }
        }
        for (path, (key, intent)) in rest {
            let admitted = filter.project.as_deref().is_none_or(|wanted| wanted == key.project())
                && filter.group.as_deref().is_none_or(|wanted| wanted == key.group());
            if admitted {
                found.push(of_nobody(home, key, path, intent));
            }
        }
    }
    Ok(found)
}

fn of_row(
    home: &OkstraHome,
    entry: Entry,
    intent: Option<Intent>,
    recorded: Option<PathBuf>,
) -> Result<Located> {
    let mut survey = TaskSurvey::new(entry.key.clone(), entry.worktree_path.clone());
    survey.repository = recorded;
    let mut place = None;
    let status = if entry.status == EntryStatus::Active { State::Active } else { State::Released };
    survey.state = match link::look(&entry.key, &entry.worktree_path) {
        Ok(Found::Linked { admin, common_dir }) => {
            survey.repository = Some(common_dir);
            place = Some(admin);
            status
        }
        // Whoever let a task go, and its worktree too, misses nothing.
        Ok(Found::Missing) if status == State::Released => status,
        Ok(Found::Missing) => State::Missing,
        Ok(Found::RepositoryGone(repository)) => {
            let gone = Error::RepositoryGone { path: entry.worktree_path.clone(), repository };
            survey.problem = Some(gone.to_string());
            State::Broken
        }
        Ok(Found::Broken(fault)) => {
            survey.problem = Some(fault.to_string());
            State::Broken
        }
        Err(error) => {
            survey.problem = Some(error.to_string());
            State::Broken
        }
    };
    if let Some(intent) = intent {
        if TaskLock::is_held(home, &entry.key) {
            survey.state = State::Provisioning;
            survey.problem = Some(doing(&intent));
        } else {
            survey.problem.get_or_insert_with(|| interrupted(&intent));
        }
    }
    survey.entry = Some(entry);
    Ok(Located { survey, admin: place })
}

fn of_nobody(home: &OkstraHome, key: TaskKey, path: PathBuf, intent: Option<Intent>) -> Located {
    let mut survey = TaskSurvey::new(key, path);
    let mut admin = None;
    if let Ok(Found::Linked { admin: found, common_dir }) = worktree::look(&survey.path) {
        survey.repository = Some(common_dir);
        admin = Some(found);
    }
    match intent {
        Some(intent) if TaskLock::is_held(home, &survey.key) => {
            survey.state = State::Provisioning;
            survey.problem = Some(doing(&intent));
            // Half a tree has no facts worth telling.
            admin = None;
        }
        Some(intent) => {
            survey.state = State::Broken;
            survey.problem = Some(interrupted(&intent));
        }
        None => survey.state = State::Orphan,
    }
    Located { survey, admin }
}

fn doing(intent: &Intent) -> String {
    let what = match intent.kind {
        Kind::Create => "being provisioned",
        Kind::Restore | Kind::PutBack => "being restored",
        Kind::Remove => "being removed",
    };
    format!("it is {what} by process {} since {}", intent.pid, intent.since)
}

fn interrupted(intent: &Intent) -> String {
    let (what, heals) = match intent.kind {
        Kind::Create => ("making it", "provision"),
        Kind::Restore => ("restoring it", "provision"),
        Kind::PutBack => ("restoring it", "restore"),
        Kind::Remove => ("removing it", "remove"),
    };
    format!("{what} was interrupted; the next `okstra {heals}` settles that")
}

/// The directories where worktrees of tasks lie, with the keys that their places stand for. Names with a dot in front
/// are okstra's own.
fn directories(home: &OkstraHome) -> Vec<(TaskKey, PathBuf)> {
    let mut found = Vec::new();
    for (project, path) in below(&home.worktrees()) {
        for (group, path) in below(&path) {
            for (task, path) in below(&path) {
                if let Ok(key) = TaskKey::new(&project, &group, &task) {
                    found.push((key, path));
                }
            }
        }
    }
    found
}

fn below(directory: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let real = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'))?;
        entry.file_type().is_ok_and(|kind| kind.is_dir()).then(|| (name, entry.path()))
    };
    entries.flatten().filter_map(real).collect()
}
