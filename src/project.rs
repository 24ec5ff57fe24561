//! Which project a repository is, and whether a task is of it.
//!
//! A task-key names a project by a text, and the text comes from a directory's name where nothing else gives it. So two
//! repositories may ask under one key. The row of a task says which repository it is of; another one gets what it has
//! only when the two are clones of one project ([`kinship`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::clock;
use crate::error::{Error, Result};
use crate::git::layout::Around;
use crate::git::{Repository, kinship, repository};
use crate::home::OkstraHome;
use crate::registry::{Entry, EntryStatus, Registry};
use crate::task::{TaskKey, safe_segment};
use crate::trash;

/// What people call a repository: the name of its main worktree's directory, else of its git directory.
#[must_use]
pub fn name_of(main_worktree: Option<&Path>, common_dir: &Path) -> String {
    let text = |path: Option<&Path>| {
        path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
    };
    if let Some(main) = main_worktree {
        return text(Some(main));
    }
    let own = text(Some(common_dir));
    if own.starts_with('.') {
        text(common_dir.parent())
    } else {
        own.strip_suffix(".git").map_or(own.clone(), str::to_owned)
    }
}

/// The project id of a repository that has no project file: the one that it had by default when its tasks were made, else
/// its name.
///
/// A directory that was renamed or moved keeps its project that way. Looked for, until one is found: tasks under its name;
/// the registry's rows of this repository whose project was the default; the records in its own entries of worktrees and
/// of the trash that name another place, from which they came here with it; rows whose repository is gone and whose base is
/// a commit of this one. Of several the one that was used last. A project that somebody named on purpose, for a task of a
/// repository that stayed where it was, makes no default. `None` for a directory whose name is no id.
pub fn default_id(home: &OkstraHome, registry: &Registry, around: &Around) -> Result<Option<String>> {
    let common = &around.common_dir;
    let name = name_of(around.layout().main_worktree.as_deref(), common);
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let own = safe_segment(&name);
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for row in registry.signs_of_default(common, &own)? {
        note(&mut found, &row.key, &row.created_at);
    }
    let moved = |recorded: &Path| recorded != common;
    if !found.contains_key(&own) {
        for (record, _) in registry.moved_records_in(common, home) {
            note(&mut found, &record.key, &record.created_at);
        }
        for record in trash::entries_in(home, common)? {
            let came = record.git.as_ref().is_some_and(|git| moved(&git.common_dir));
            if let Ok(key) = TaskKey::parse(&record.task_key)
                && (came || registry.has_default_project(&key)?)
            {
                note(&mut found, &key, &record.at);
            }
        }
        if found.is_empty() {
            for row in homeless(registry, common)? {
                note(&mut found, &row.key, &row.created_at);
            }
        }
    }
    if found.is_empty() || found.contains_key(&own) {
        return Ok(Some(name).filter(|name| !name.is_empty()));
    }
    let last =
        found.into_iter().reduce(|one, other| if clock::is_later(&other.1, &one.1) { other } else { one });
    Ok(last.map(|(project, _)| project))
}

/// Whether a task is of the project that its repository has by default. What cannot be found out says no.
#[must_use]
pub fn is_default(home: &OkstraHome, registry: &Registry, repository: &Repository, key: &TaskKey) -> bool {
    let Repository { common_dir, main_worktree, .. } = repository;
    if safe_segment(&name_of(main_worktree.as_deref(), common_dir)) == key.project() {
        return true;
    }
    let around = Around { common_dir: common_dir.clone(), worktree: main_worktree.clone(), admin: None };
    let found = default_id(home, registry, &around).ok().flatten();
    found.is_some_and(|id| safe_segment(&id) == key.project())
}

/// Notes that a project was used at a moment.
fn note(found: &mut BTreeMap<String, String>, key: &TaskKey, when: &str) {
    let last = found.entry(key.project().to_owned()).or_default();
    if clock::is_later(when, last) {
        when.clone_into(last);
    }
}

/// As many bases as one question is asked about; more repositories of which every one is gone, nobody has.
const MOST_BASES: usize = 1000;

/// The rows whose repository is gone and whose base is a commit of this one: it was this repository, before it was moved.
fn homeless(registry: &Registry, common_dir: &Path) -> Result<Vec<Entry>> {
    let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let rows = registry.of_gone_repositories(MOST_BASES, |row| is_id(&row.base_ref))?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let Some(repository) = trash::repository_at(common_dir, "main")? else { return Ok(Vec::new()) };
    let asked: String = rows.iter().map(|row| format!("{}\n", row.base_ref)).collect();
    let git = repository.git().args(["cat-file", "--batch-check=%(objecttype)"]).looks_only();
    let output = git.input_bytes(asked.into_bytes()).read()?;
    let kinds = String::from_utf8_lossy(&output).lines().map(|kind| kind == "commit").collect::<Vec<_>>();
    Ok(rows.into_iter().zip(kinds).filter(|(_, is_there)| *is_there).map(|(row, _)| row).collect())
}

/// Whether a repository may have what a task has: fails with [`Error::OtherProject`] when the task is of another project.
/// `recorded` is the common git directory of the task's own repository; unknown, it may be any.
pub fn check(entry: &Entry, recorded: Option<&Path>, asking: &Repository) -> Result<()> {
    let Some(recorded) = recorded else { return Ok(()) };
    let recorded = std::fs::canonicalize(recorded).unwrap_or_else(|_| recorded.to_owned());
    if recorded == asking.common_dir {
        return Ok(());
    }
    let is_kin = match trash::repository_at(&recorded, "main") {
        Ok(Some(own)) => kinship::are_kin(&own, asking)?,
        // Gone, or nothing can be learned about it: what is left is where the task started.
        Ok(None)
        | Err(Error::DubiousOwnership { .. } | Error::GitFailed { .. } | Error::WorktreeBroken { .. }) => {
            let nothing_left = entry.status == EntryStatus::Released
                && !recorded.exists()
                && std::fs::symlink_metadata(&entry.worktree_path).is_err();
            nothing_left || kinship::has_on_branch(asking, &entry.base_ref)?
        }
        Err(error) => return Err(error),
    };
    if is_kin {
        return Ok(());
    }
    Err(Error::OtherProject {
        task_key: entry.key.clone(),
        path: shown(asking.main_worktree.as_deref(), &asking.common_dir),
        other: shown(None, &recorded),
    })
}

/// A repository as people name it.
fn shown(main: Option<&Path>, common_dir: &Path) -> PathBuf {
    main.map_or_else(
        || crate::git::layout::Layout::of(common_dir).main_worktree.unwrap_or_else(|| common_dir.to_owned()),
        Path::to_owned,
    )
}

/// The same for whoever names a task in a directory: a task that nobody knows is of any project, and a directory in no
/// repository may name all.
pub fn check_from(home: &OkstraHome, registry: &Registry, key: &TaskKey, directory: &Path) -> Result<()> {
    let Some(around) = crate::git::layout::around(directory) else { return Ok(()) };
    let Some(entry) = registry.lookup(key)? else { return Ok(()) };
    let mut recorded = registry.repository_of(key)?;
    if recorded.is_none() {
        recorded = trash::newest_of(home, key).and_then(|record| Some(record.git?.common_dir));
    }
    let Some(recorded) = recorded else { return Ok(()) };
    let same =
        |one: &Path, other: &Path| one == other || std::fs::canonicalize(one).is_ok_and(|one| one == other);
    if same(&recorded, &around.common_dir) {
        return Ok(());
    }
    // Asked about its place alone, so that git need not like the worktree that it is asked from.
    match repository::discover(&around.common_dir, "main")? {
        crate::git::Discovery::Main(asking) => check(&entry, Some(&recorded), &asking),
        _ => Ok(()),
    }
}
