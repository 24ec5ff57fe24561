//! `listTasks`: the registry next to what the disk says.

use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;

use super::error::guarded;
use super::registry::{read_filter, with_registry};
use super::shapes::{TaskOverview, WorktreeEntry};
use crate::error::Result;
use crate::registry::{Entry, EntryStatus, Registry};

/// All tasks, or those that the filter lets through, each with the state its directory is in.
///
/// Looks at each directory once, without git and without a lock.
///
/// Throws `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
#[napi(ts_args_type = "filter?: ListFilter | undefined | null")]
pub fn list_tasks(env: Env, filter: Unknown<'_>) -> napi::Result<Vec<TaskOverview>> {
    guarded(&env, || {
        let filter = read_filter(filter)?;
        with_registry(&env, |registry| {
            registry.list(&filter)?.into_iter().map(|entry| overview(registry, entry)).collect()
        })
    })
}

fn overview(registry: &Registry, entry: Entry) -> Result<TaskOverview> {
    let repository = registry.repository_of(&entry.key)?.map(|path| path.to_string_lossy().into_owned());
    let gone = entry.status == EntryStatus::Active && !entry.worktree_path.is_dir();
    let state = if gone { "missing" } else { entry.status.as_str() };
    let entry = WorktreeEntry::shown(entry);
    Ok(TaskOverview {
        task_key: entry.task_key,
        project_id: entry.project_id,
        task_group: entry.task_group,
        task_id: entry.task_id,
        worktree_path: entry.worktree_path,
        branch: entry.branch,
        base_ref: entry.base_ref,
        created_at: entry.created_at,
        last_phase: entry.last_phase,
        status: entry.status,
        state,
        repository,
    })
}
