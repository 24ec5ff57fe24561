//! `provisionTaskWorktree` and its synchronous twin: one body, two ways to wait for it.

use napi::Env;
use napi::bindgen_prelude::{Object, Unknown};
use napi::threadsafe_function::{ThreadsafeFunctionCallMode, UnknownReturnValue};
use napi_derive::napi;

use super::arguments::{Fields, path_text};
use super::background;
use super::error::{Outcome, guarded};
use super::shapes::{ProvisionProgress, WorktreeProvision};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::home::OkstraHome;
use crate::lock::Patience;
use crate::progress::Progress;
use crate::provision::{Request, provision};

/// A call with everything it needs from JavaScript and from the environment.
struct Call {
    home: OkstraHome,
    request: Request,
    patience: Patience,
}

impl Call {
    fn read(options: Unknown<'_>, listens: bool) -> Outcome<Self> {
        let fields = Fields::required("options", options)?;
        let request = Request {
            task_type: fields.text("taskType")?,
            project_root: fields.path("projectRoot")?,
            project_id: fields.text("projectId")?,
            task_group: fields.text("taskGroupSegment")?,
            task_id: fields.text("taskIdSegment")?,
            work_category: fields.text("workCategory")?,
            base_ref: fields.optional_text("baseRef")?,
            progress: if listens { listener(&fields)? } else { Progress::default() },
        };
        let home = OkstraHome::from_env()?;
        // Every path of the answer lies below the home or the project root: a home that cannot be told to JavaScript
        // is refused before anything is made, not after.
        path_text(home.root())?;
        Ok(Self { home, request, patience: fields.patience("lockTimeoutMs")? })
    }

    fn cancel(&self) -> Cancel {
        self.patience.cancel.clone()
    }

    fn perform(self) -> Result<WorktreeProvision> {
        provision(&self.home, &self.request, &self.patience)?.try_into()
    }
}

/// Whoever wants to know how far the tree is. The calls are queued for JavaScript's own thread and wait for nothing: one
/// that finds the queue full is left out, and none keeps the program alive.
fn listener(fields: &Fields<'_>) -> Outcome<Progress> {
    let Some(function) = fields.optional_function::<ProvisionProgress, UnknownReturnValue>("onProgress")?
    else {
        return Ok(Progress::default());
    };
    let function = function
        .build_threadsafe_function::<ProvisionProgress>()
        .weak::<true>()
        .callee_handled::<false>()
        .max_queue_size::<8>()
        .build()?;
    let count = |files| u32::try_from(files).unwrap_or(u32::MAX);
    Ok(Progress::to(move |done, total| {
        let progress = ProvisionProgress { done: count(done), total: count(total) };
        function.call(progress, ThreadsafeFunctionCallMode::NonBlocking);
    }))
}

/// Gives a task its one isolated git worktree, the same one for every phase, and records the phase.
///
/// Runs on a thread of its own: neither JavaScript nor Node's thread pool waits. Any number of calls, also from other
/// processes and for the same task, may run at once; exactly one creates, the others wait and get `reused`.
///
/// `signal` stops the call: what was begun is undone, and the promise is rejected with an error whose `name` is
/// `AbortError`, whose `code` is `OKSTRA_ABORTED` and whose `cause` is the signal's reason. With a signal that is aborted
/// already nothing is started.
///
/// Rejects with an `OkstraError`; see `OkstraErrorCode` for every `code`. After any error the next attempt is not
/// blocked by left-overs of this one. Wrong arguments reject too, with `OKSTRA_INVALID_ARGUMENT` and the name of the
/// field.
#[napi(
    ts_args_type = "options: ProvisionOptions, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<WorktreeProvision>"
)]
pub fn provision_task_worktree<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "provisioning", signal, || {
        let call = Call::read(options, true)?;
        let cancel = call.cancel();
        Ok((move || call.perform(), cancel))
    })
}

/// The same as `provisionTaskWorktree`, but returns when it is done, and blocks JavaScript until then: for up to
/// `lockTimeoutMs` per lock when others are at work, and for as long as git takes to fill the tree.
///
/// For scripts. Throws the same errors with the same codes. `onProgress` is not called: JavaScript stands still meanwhile.
#[napi(ts_args_type = "options: ProvisionOptions")]
pub fn provision_task_worktree_sync(env: Env, options: Unknown<'_>) -> napi::Result<WorktreeProvision> {
    guarded(&env, || Ok(Call::read(options, false)?.perform()?))
}
