//! `listTasks`: the registry next to what the disk says.

use napi::Env;
use napi::bindgen_prelude::{Uint8Array, Unknown};
use napi_derive::napi;

use super::arguments::Fields;
use super::error::guarded;
use super::registry::{read_filter, with_registry};
use super::shapes::TaskOverview;
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
            let mut present = Present::default();
            Ok(registry.rows(&filter)?.iter().map(|row| overview(&mut present, &row)).collect())
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

/// A path that no JavaScript string can hold has U+FFFD in it, so that one such row does not hide all others.
fn overview(present: &mut Present, row: &Row<'_>) -> TaskOverview {
    let Row { key, view, .. } = row;
    let owned = |text: &str| text.to_owned();
    TaskOverview {
        task_key: owned(key),
        project_id: owned(&view.project),
        task_group: owned(&view.group),
        task_id: owned(&view.task),
        worktree_path: view.worktree_path.to_string_lossy().into_owned(),
        branch: owned(&view.branch),
        base_ref: owned(&view.base_ref),
        created_at: owned(&view.created_at),
        last_phase: owned(&view.last_phase),
        status: view.status.as_str(),
        state: brief::state_of(view, present),
        repository: row.repository().map(|path| path.to_string_lossy().into_owned()),
    }
}
