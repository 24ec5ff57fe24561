//! `surveyTasks` and its synchronous twin: everything that a look at the worktrees tells.

use napi::Env;
use napi::bindgen_prelude::{Function, Object, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use super::arguments::{Fields, path_text};
use super::background;
use super::error::{Outcome, guarded};
use super::registry::with_registry;
use super::survey_shapes::TaskSurvey;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::home::OkstraHome;
use crate::registry::Filter;
use crate::survey::tasks::{self, Located};
use crate::survey::{self, Extras};
use crate::task::TaskKey;

/// Called on the JavaScript thread; it keeps no process alive.
type OnTask = ThreadsafeFunction<TaskSurvey, (), TaskSurvey, napi::Status, false, true>;

/// The tasks that options name: those that every one of them lets through.
pub(super) fn located(env: &Env, fields: &Fields<'_>, home: &OkstraHome) -> Outcome<Vec<Located>> {
    let key = fields.optional_text("taskKey")?.map(|key| TaskKey::parse(&key)).transpose()?;
    let filter = Filter {
        project: fields.optional_text("projectId")?,
        group: fields.optional_text("taskGroup")?,
        status: None,
    };
    find(env, home, filter, key.as_ref())
}

/// The tasks that a filter lets through, or the one of them that has the key.
pub(super) fn find(
    env: &Env,
    home: &OkstraHome,
    mut filter: Filter,
    key: Option<&TaskKey>,
) -> Outcome<Vec<Located>> {
    if let Some(key) = key {
        filter.project.get_or_insert_with(|| key.project().to_owned());
        filter.group.get_or_insert_with(|| key.group().to_owned());
    }
    path_text(home.root())?;
    let mut tasks = with_registry(env, |registry| tasks::find(home, registry, &filter))?;
    tasks.retain(|task| key.is_none_or(|key| task.survey.key == *key));
    Ok(tasks)
}

struct Call {
    tasks: Vec<Located>,
    extras: Extras,
    on_task: Option<OnTask>,
    cancel: Cancel,
}

impl Call {
    fn read(env: &Env, options: Unknown<'_>, may_call_back: bool) -> Outcome<Self> {
        let fields = Fields::optional("options", options)?;
        let extras = Extras { disk: fields.optional_flag("disk")? };
        let on_task = match fields.optional_function::<TaskSurvey, ()>("onTask")? {
            Some(function) if may_call_back => Some(callback(&function)?),
            _ => None,
        };
        let home = OkstraHome::from_env()?;
        let tasks = located(env, &fields, &home)?;
        Ok(Self { tasks, extras, on_task, cancel: Cancel::default() })
    }

    fn perform(self) -> Result<Vec<TaskSurvey>> {
        let Self { tasks, extras, on_task, cancel } = self;
        let notify = |_: usize, task: &survey::TaskSurvey| {
            if let Some(on_task) = &on_task {
                on_task.call(task.clone().into(), ThreadsafeFunctionCallMode::NonBlocking);
            }
        };
        // The tasks themselves are known before anything is asked of git.
        if on_task.is_some() {
            tasks.iter().enumerate().for_each(|(index, task)| notify(index, &task.survey));
        }
        let tasks = survey::examine(tasks, extras, &cancel, &notify)?;
        Ok(tasks.into_iter().map(Into::into).collect())
    }
}

fn callback(function: &Function<'_, TaskSurvey, ()>) -> napi::Result<OnTask> {
    function.build_threadsafe_function::<TaskSurvey>().weak::<true>().build()
}

/// All tasks, or those that the options let through, with everything that a look at their worktrees and repositories
/// tells: uncommitted work, operations in progress, how far the branch is from its base and its upstream, whether it is
/// merged or pushed, who is inside. Directories below the home that the registry does not know are among them.
///
/// Worktrees are examined side by side, in the background. Changes nothing and takes no lock of git's. What fails for
/// one task is told with it, as `problem` and `null`.
///
/// `options.onTask` is called whenever more became known of a task, first with its registry entry alone; what was not
/// asked yet is absent then. `signal` stops the survey.
///
/// Rejects with `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_GIT_MISSING`, `OKSTRA_GIT_TOO_OLD`,
/// `OKSTRA_IO` or `OKSTRA_ABORTED`.
#[napi(
    ts_args_type = "options?: SurveyOptions | undefined | null, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<Array<TaskSurvey>>"
)]
pub fn survey_tasks<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "looking at the tasks", signal, || {
        let call = Call::read(env, options, true)?;
        let cancel = call.cancel.clone();
        Ok((move || call.perform(), cancel))
    })
}

/// The same as `surveyTasks`, but returns when it is done, and blocks JavaScript until then. `onTask` is not called.
#[napi(ts_args_type = "options?: SurveyOptions | undefined | null")]
pub fn survey_tasks_sync(env: Env, options: Unknown<'_>) -> napi::Result<Vec<TaskSurvey>> {
    guarded(&env, || Ok(Call::read(&env, options, false)?.perform()?))
}
