//! `locateDirectory` and `sharedDirectories`: what a person or an agent asks about the place it is in.

use std::path::{Path, PathBuf};

use napi::Env;
use napi::bindgen_prelude::{Object, ToNapiValue, Unknown};
use napi_derive::napi;

use super::arguments::{absolute, is_absent, path_text, text};
use super::background;
use super::error::{Outcome, guarded};
use super::registry::with_registry;
use crate::asked::{self, Asked};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::git::layout::{self, Layout};
use crate::git::{location, version};
use crate::home::OkstraHome;
use crate::project;
use crate::provision;
use crate::task::TaskKey;
use crate::trash;

/// Where a directory lies.
#[napi(object, object_from_js = false)]
pub struct DirectoryLocation {
    /// The version of the git on PATH, as git says it.
    pub git_version: String,
    /// The repository and worktree; absent when the directory is in no repository.
    pub repository: Option<RepositoryLocation>,
}

/// The repository and worktree that a directory lies in.
#[napi(object, object_from_js = false)]
pub struct RepositoryLocation {
    /// The common git directory, resolved: the identity of the repository.
    pub common_dir: String,
    /// The root of the main worktree; absent in a bare repository, and in a linked worktree of a repository that was
    /// made with `--separate-git-dir`, where git does not record it.
    pub main_worktree: Option<String>,
    /// The root of the worktree that the directory lies in; absent inside a git directory.
    pub worktree: Option<String>,
    /// Whether that worktree is a linked one.
    pub linked: bool,
    /// Whether the repository is bare.
    pub bare: bool,
    /// The branch that is checked out, also before its first commit; absent when `HEAD` is detached.
    pub branch: Option<String>,
    /// The full commit id of `HEAD`; absent before the first commit.
    pub head: Option<String>,
}

fn locate(directory: &Path) -> Result<DirectoryLocation> {
    let git_version = version::installed()?;
    let Some(found) = location::locate(directory)? else {
        return Ok(DirectoryLocation { git_version, repository: None });
    };
    let optional = |path: Option<PathBuf>| path.as_deref().map(path_text).transpose();
    Ok(DirectoryLocation {
        git_version,
        repository: Some(RepositoryLocation {
            common_dir: path_text(&found.common_dir)?,
            main_worktree: optional(found.main_worktree)?,
            worktree: optional(found.worktree)?,
            linked: found.linked,
            bare: found.bare,
            branch: found.branch,
            head: found.head,
        }),
    })
}

/// Finds out where a directory lies: in which repository, in which of its worktrees, on which branch. Asks git; changes
/// nothing. A relative path counts from the working directory of this process.
///
/// Rejects with `OKSTRA_ROOT_NOT_FOUND` when there is no such directory, `OKSTRA_GIT_MISSING`, `OKSTRA_GIT_TOO_OLD`,
/// `OKSTRA_GIT_FAILED`, `OKSTRA_GIT_TIMEOUT`, `OKSTRA_DUBIOUS_OWNERSHIP`, `OKSTRA_WORKTREE_BROKEN` when the repository
/// that the directory belongs to is not there, `OKSTRA_INVALID_ARGUMENT` or `OKSTRA_IO`.
#[napi(ts_args_type = "directory: string", ts_return_type = "Promise<DirectoryLocation>")]
pub fn locate_directory<'env>(env: &'env Env, directory: Unknown<'env>) -> napi::Result<Object<'env>> {
    let nothing = ().into_unknown(env)?;
    background::run(env, "locating", nothing, || {
        let directory = read(directory)?;
        Ok((move || locate(&directory), Cancel::default()))
    })
}

/// The same as `locateDirectory`, but returns when it is done: some 20 ms, for git is started several times.
#[napi(ts_args_type = "directory: string")]
pub fn locate_directory_sync(env: Env, directory: Unknown<'_>) -> napi::Result<DirectoryLocation> {
    guarded(&env, || Ok(locate(&read(directory)?)?))
}

fn read(directory: Unknown<'_>) -> Outcome<PathBuf> {
    absolute("directory", &text("directory", directory)?)
}

/// One of the configured shared directories.
#[napi(object, object_from_js = false)]
pub struct SharedDirectory {
    /// As configured, from the root of the main worktree, with `/` between its parts.
    pub name: String,
    /// Whether the main worktree has it.
    pub present: bool,
    /// Whether git tracks files in it.
    pub tracked: bool,
    /// Whether a `.gitignore` of the main worktree ignores it. `info/exclude` and the user's own excludes do not count.
    pub ignored: bool,
}

/// The repository around a directory, as the launcher needs it.
#[napi(object, object_from_js = false)]
pub struct ProjectRepository {
    /// The root of its main worktree; absent in a bare repository, and where that cannot be known (in a linked worktree of
    /// a repository that was made with `--separate-git-dir`).
    pub main: Option<String>,
    /// Its common git directory.
    pub common: String,
    /// Whether it is bare. A setting against which the index and the files speak is not believed.
    pub bare: bool,
    /// What people call it: the name of its directory.
    pub name: String,
}

/// Finds the repository around a directory by looking at the disk alone; `null` where there is none.
///
/// Throws `OKSTRA_INVALID_ARGUMENT`, and `OKSTRA_WORKTREE_REMOVED` where the directory lies in the trash.
#[napi(ts_args_type = "directory: string")]
pub fn find_repository(env: Env, directory: Unknown<'_>) -> napi::Result<Option<ProjectRepository>> {
    guarded(&env, || {
        let directory = absolute("directory", &text("directory", directory)?)?;
        if let Ok(home) = OkstraHome::from_env() {
            trash::refuse_removed(&home, &directory)?;
        }
        let Some(around) = layout::around(&directory) else { return Ok(None) };
        let Layout { main_worktree, bare, .. } = around.layout();
        Ok(Some(ProjectRepository {
            name: project::name_of(main_worktree.as_deref(), &around.common_dir),
            main: main_worktree.as_deref().map(path_text).transpose()?,
            common: path_text(&around.common_dir)?,
            bare,
        }))
    })
}

/// The project id of the repository around a directory that has no project file: the one under which this home has tasks
/// of it, so that a directory that was renamed or moved stays the same project, else its name. `null` where there is no
/// repository. Starts git only when the repository has no task, and some task's repository is gone.
///
/// Throws `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_IO`, and the errors of git.
#[napi(ts_args_type = "directory: string")]
pub fn default_project_id(env: Env, directory: Unknown<'_>) -> napi::Result<Option<String>> {
    guarded(&env, || {
        let directory = absolute("directory", &text("directory", directory)?)?;
        let Some(around) = layout::around(&directory) else { return Ok(None) };
        let home = OkstraHome::from_env()?;
        with_registry(&env, |registry| project::default_id(&home, registry, &around))
    })
}

/// Sees that an id as somebody wrote it means the task with this key, and not only one that is spelt the same in paths and
/// branches. A task that is not registered, or of which nothing is recorded, is let through.
///
/// Throws `OKSTRA_OTHER_ID`, `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
#[napi(ts_args_type = "taskKey: string, taskGroup: string, taskId: string")]
pub fn check_id_of_task(
    env: Env,
    task_key: Unknown<'_>,
    task_group: Unknown<'_>,
    task_id: Unknown<'_>,
) -> napi::Result<()> {
    guarded(&env, || {
        let key = TaskKey::parse(&text("taskKey", task_key)?)?;
        let asked = Asked::new(&text("taskGroup", task_group)?, &text("taskId", task_id)?);
        with_registry(&env, |registry| asked::check_mention(&key, &asked, registry.asked(&key)?))
    })
}

/// Sees that a task is of the project of the repository around a directory, for whoever names the task there without its
/// project. A task that is not registered, and a directory in no repository, are let through.
///
/// Throws `OKSTRA_OTHER_PROJECT` when the task's repository is no clone of the one around the directory,
/// `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_IO`, and the errors of git.
#[napi(ts_args_type = "taskKey: string, directory: string")]
pub fn check_project_of_task(env: Env, task_key: Unknown<'_>, directory: Unknown<'_>) -> napi::Result<()> {
    guarded(&env, || {
        let key = TaskKey::parse(&text("taskKey", task_key)?)?;
        let directory = absolute("directory", &text("directory", directory)?)?;
        let home = OkstraHome::from_env()?;
        with_registry(&env, |registry| project::check_from(&home, registry, &key, &directory))
    })
}

fn shared(main: Option<&Path>, git_dir: Option<&Path>) -> Result<Vec<SharedDirectory>> {
    let names = provision::shared_directories()?;
    let state = |name: String| -> Result<SharedDirectory> {
        let Some(main) = main else {
            return Ok(SharedDirectory { name, present: false, tracked: false, ignored: false });
        };
        let known = location::known(main, git_dir, &name)?;
        let present = provision::is_shared_there(&name, main);
        Ok(SharedDirectory { name, present, tracked: known.tracked, ignored: known.ignored })
    };
    names.into_iter().map(state).collect()
}

/// The configured shared directories (`OKSTRA_WORKTREE_SYNC_DIRS`, else the default), in the order of the configuration,
/// with what is true of them in a main worktree. Without `mainWorktree` they are only named. `commonDir` is needed where
/// the worktree does not name its repository (`core.worktree`).
///
/// Rejects with `OKSTRA_INVALID_ARGUMENT` when the configuration names a place outside the worktree,
/// `OKSTRA_ROOT_NOT_FOUND`, and the errors of git as `locateDirectory` does.
#[napi(
    ts_args_type = "mainWorktree?: string | undefined | null, commonDir?: string | undefined | null",
    ts_return_type = "Promise<SharedDirectory[]>"
)]
pub fn shared_directories<'env>(
    env: &'env Env,
    main_worktree: Unknown<'env>,
    common_dir: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    let nothing = ().into_unknown(env)?;
    background::run(env, "looking at the shared directories", nothing, || {
        let main = optional_directory("mainWorktree", main_worktree)?;
        let git_dir = optional_directory("commonDir", common_dir)?;
        Ok((move || shared(main.as_deref(), git_dir.as_deref()), Cancel::default()))
    })
}

/// The same as `sharedDirectories`, but returns when it is done: some 6 ms for each directory.
#[napi(ts_args_type = "mainWorktree?: string | undefined | null, commonDir?: string | undefined | null")]
pub fn shared_directories_sync(
    env: Env,
    main_worktree: Unknown<'_>,
    common_dir: Unknown<'_>,
) -> napi::Result<Vec<SharedDirectory>> {
    guarded(&env, || {
        let main = optional_directory("mainWorktree", main_worktree)?;
        let git_dir = optional_directory("commonDir", common_dir)?;
        Ok(shared(main.as_deref(), git_dir.as_deref())?)
    })
}

fn optional_directory(name: &'static str, value: Unknown<'_>) -> Outcome<Option<PathBuf>> {
    if is_absent(value)? {
        return Ok(None);
    }
    let path = absolute(name, &text(name, value)?)?;
    if path.is_dir() { Ok(Some(path)) } else { Err(Error::RootNotFound { path }.into()) }
}
