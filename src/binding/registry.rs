//! The namespace `registry`: who has what. Synchronous, because the file is small and its lock is held briefly.
//!
//! Segments are taken as given, as 0.12.0 takes them, but for a blank group, which is `_`; whoever builds them from free
//! text makes them safe first.

use napi::Env;
use napi::bindgen_prelude::{FnArgs, Function, JsObjectValue, Object, Unknown};
use napi_derive::napi;

use super::arguments::{Fields, path_text, text};
use super::error::{Outcome, guarded};
use super::shapes::{HistoryEvent, WorktreeEntry};
use crate::error::{Error, Result};
use crate::home::OkstraHome;
use crate::lock::Patience;
use crate::registry::history::HistoryFilter;
use crate::registry::{EntryStatus, Filter, Registry, Reservation};
use crate::task::TaskKey;

/// Opens the registry that the environment names, does one thing, and passes on what the registry has to tell.
pub(super) fn with_registry<T>(env: &Env, act: impl FnOnce(&Registry) -> Result<T>) -> Outcome<T> {
    let home = OkstraHome::from_env()?;
    path_text(home.root())?;
    let registry = Registry::open(&home);
    let result = act(&registry);
    for warning in registry.warnings() {
        warn(env, &warning)?;
    }
    Ok(result?)
}

/// `process.emitWarning`: the answer stands, but somebody should look.
fn warn(env: &Env, message: &str) -> napi::Result<()> {
    let process: Object<'_> = env.get_global()?.get_named_property_unchecked("process")?;
    let mut options = Object::new(env)?;
    options.set_named_property("code", "OKSTRA_REGISTRY_RECOVERED")?;
    let emit: Function<'_, FnArgs<(&str, Object<'_>)>, ()> =
        process.get_named_property_unchecked("emitWarning")?;
    emit.apply(process, (message, options).into())
}

fn key(project: Unknown<'_>, group: Unknown<'_>, task: Unknown<'_>) -> Outcome<TaskKey> {
    Ok(TaskKey::given(&text("projectId", project)?, &text("taskGroup", group)?, &text("taskId", task)?)?)
}

/// Reads a list filter; shared with `listTasks`.
pub(super) fn read_filter(filter: Unknown<'_>) -> Outcome<Filter> {
    let fields = Fields::optional("filter", filter)?;
    let status = match fields.optional_text("status")?.as_deref() {
        None => None,
        Some("active") => Some(EntryStatus::Active),
        Some("released") => Some(EntryStatus::Released),
        Some(other) => {
            return Err(Error::invalid("status", other, "it is neither active nor released").into());
        }
    };
    Ok(Filter {
        project: fields.optional_text("projectId")?,
        group: fields.optional_text("taskGroup")?,
        status,
    })
}

/// The task-key of three segments: `<project>/<group>/<task>`.
///
/// A blank group is `_`. Throws `OKSTRA_INVALID_ARGUMENT` when a segment is no string, when the project or the task is
/// empty, or when one holds a slash or a control character.
#[napi(namespace = "registry", ts_args_type = "projectId: string, taskGroup: string, taskId: string")]
pub fn task_key(
    env: Env,
    project_id: Unknown<'_>,
    task_group: Unknown<'_>,
    task_id: Unknown<'_>,
) -> napi::Result<String> {
    guarded(&env, || Ok(key(project_id, task_group, task_id)?.to_string()))
}

/// What the registry knows of a task, active or released; `null` when it knows nothing. Takes no lock.
///
/// Throws `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
#[napi(namespace = "registry", ts_args_type = "projectId: string, taskGroup: string, taskId: string")]
pub fn lookup(
    env: Env,
    project_id: Unknown<'_>,
    task_group: Unknown<'_>,
    task_id: Unknown<'_>,
) -> napi::Result<Option<WorktreeEntry>> {
    guarded(&env, || {
        let key = key(project_id, task_group, task_id)?;
        with_registry(&env, |registry| registry.lookup(&key)?.map(TryInto::try_into).transpose())
    })
}

/// Gives a branch and a directory to a task, without touching git or the directory.
///
/// Throws `OKSTRA_KEY_EXISTS` when the task is active already, `OKSTRA_BRANCH_OWNED` when another active task of the same
/// repository (or of an unknown one) has the branch, `OKSTRA_LOCK_TIMEOUT` when the registry stayed locked for
/// `OKSTRA_LOCK_TIMEOUT_MS` (120000 by default), `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_UNSAFE_HOME`,
/// `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
#[napi(namespace = "registry", ts_args_type = "options: ReserveOptions")]
pub fn reserve(env: Env, options: Unknown<'_>) -> napi::Result<WorktreeEntry> {
    guarded(&env, || {
        let fields = Fields::required("options", options)?;
        let reservation = Reservation {
            key: TaskKey::given(
                &fields.text("projectId")?,
                &fields.text("taskGroup")?,
                &fields.text("taskId")?,
            )?,
            worktree_path: fields.path("worktreePath")?,
            branch: fields.text("branch")?,
            base_ref: fields.text("baseRef")?,
            phase: fields.optional_text("phase")?.unwrap_or_default(),
            repository: fields.optional_path("repository")?,
            created_at: None,
        };
        let patience = Patience::from_env()?;
        with_registry(&env, |registry| registry.reserve(&reservation, &patience)?.try_into())
    })
}

/// Records the phase that uses a task's worktree; does nothing when the registry does not know the task.
///
/// Throws `OKSTRA_LOCK_TIMEOUT`, `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_UNSAFE_HOME`, `OKSTRA_REGISTRY_CORRUPT` or
/// `OKSTRA_IO`.
#[napi(
    namespace = "registry",
    ts_args_type = "projectId: string, taskGroup: string, taskId: string, phase: string"
)]
pub fn touch_phase(
    env: Env,
    project_id: Unknown<'_>,
    task_group: Unknown<'_>,
    task_id: Unknown<'_>,
    phase: Unknown<'_>,
) -> napi::Result<()> {
    guarded(&env, || {
        let key = key(project_id, task_group, task_id)?;
        let phase = text("phase", phase)?;
        let patience = Patience::from_env()?;
        with_registry(&env, |registry| registry.touch_phase(&key, &phase, &patience).map(drop))
    })
}

/// Gives a task's branch free and marks its row `released`; the row and the directory are kept. Returns the entry as it
/// was before, `null` when the registry does not know the task. Releasing twice changes nothing more.
///
/// Throws `OKSTRA_LOCK_TIMEOUT`, `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_UNSAFE_HOME`, `OKSTRA_REGISTRY_CORRUPT` or
/// `OKSTRA_IO`.
#[napi(namespace = "registry", ts_args_type = "projectId: string, taskGroup: string, taskId: string")]
pub fn release(
    env: Env,
    project_id: Unknown<'_>,
    task_group: Unknown<'_>,
    task_id: Unknown<'_>,
) -> napi::Result<Option<WorktreeEntry>> {
    guarded(&env, || {
        let key = key(project_id, task_group, task_id)?;
        let patience = Patience::from_env()?;
        with_registry(&env, |registry| registry.release(&key, &patience)?.map(TryInto::try_into).transpose())
    })
}

/// What the registry knows of all tasks, or of those that the filter lets through. Takes no lock.
///
/// Throws `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
#[napi(namespace = "registry", ts_args_type = "filter?: ListFilter | undefined | null")]
pub fn list(env: Env, filter: Unknown<'_>) -> napi::Result<Vec<WorktreeEntry>> {
    guarded(&env, || {
        let filter = read_filter(filter)?;
        with_registry(&env, |registry| {
            Ok(registry.list(&filter)?.into_iter().map(WorktreeEntry::shown).collect())
        })
    })
}

/// What happened, newest first; bounded, the oldest events are dropped in time. Takes no lock.
///
/// Throws `OKSTRA_INVALID_ARGUMENT` or `OKSTRA_IO`.
#[napi(namespace = "registry", ts_args_type = "filter?: HistoryFilter | undefined | null")]
pub fn history(env: Env, filter: Unknown<'_>) -> napi::Result<Vec<HistoryEvent>> {
    guarded(&env, || {
        let fields = Fields::optional("filter", filter)?;
        let filter = HistoryFilter {
            task_key: fields.optional_text("taskKey")?.map(|key| TaskKey::parse(&key)).transpose()?,
            project: fields.optional_text("projectId")?,
            limit: fields.optional_count("limit")?.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        };
        with_registry(&env, |registry| Ok(registry.history(&filter)?.into_iter().map(Into::into).collect()))
    })
}
