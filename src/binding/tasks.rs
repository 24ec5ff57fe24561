//! `listTasks`: the registry next to what the disk says.

use napi::Env;
use napi::bindgen_prelude::{Uint8Array, Unknown};
use napi_derive::napi;

use super::arguments::Fields;
use super::error::guarded;
use super::registry::{read_filter, with_registry};
use super::shapes::{TaskOverview, WorktreeEntry};
use crate::error::Error;
use crate::registry::{Filter, Row};
use crate::survey::brief::{self, Form, Present};

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
            let (mut tasks, mut present) = (Vec::new(), Present::default());
            registry.each(&filter, |row| tasks.push(overview(&mut present, row)))?;
            Ok(tasks)
        })
    })
}

/// What `okstra list --fast` prints, as UTF-8. `all` is how many tasks the filter lets through, `shown` how many of them
/// are in the state that is asked for.
///
/// Made here because a hundred thousand objects would cost ten times as much as all the rest. Throws as `listTasks` does.
#[napi(ts_args_type = "options: TasksTextOptions")]
pub fn tasks_text(env: Env, options: Unknown<'_>) -> napi::Result<TasksText> {
    guarded(&env, || {
        let fields = Fields::required("options", options)?;
        let filter = Filter { project: fields.optional_text("projectId")?, ..Filter::default() };
        let state = fields.optional_text("state")?;
        let form = match fields.text("form")?.as_str() {
            "table" => Form::Table,
            "porcelain" => Form::Porcelain { more: fields.optional_text("more")?.unwrap_or_default() },
            "json" => Form::Json,
            other => {
                return Err(Error::invalid("form", other, "it is none of table, porcelain and json").into());
            }
        };
        let text = with_registry(&env, |registry| brief::text(registry, &filter, state.as_deref(), &form))?;
        let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(TasksText { all: count(text.all), shown: count(text.shown), text: text.text.into() })
    })
}

/// What `okstra list --fast` prints.
#[napi(object, object_from_js = false)]
pub struct TasksText {
    /// How many tasks there are.
    pub all: u32,
    /// How many of them are in the text.
    pub shown: u32,
    /// The text, without a line break at its end; of no task, empty (as JSON: `[]`).
    pub text: Uint8Array,
}

fn overview(present: &mut Present, row: Row<'_>) -> TaskOverview {
    let repository = row.repository().map(|path| path.to_string_lossy().into_owned());
    let state = brief::state_of(&row.entry, present);
    let entry = WorktreeEntry::shown(row.entry);
    TaskOverview {
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
    }
}
