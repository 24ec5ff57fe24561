//! Names that can be computed without touching anything.

use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;

use super::arguments::{Fields, path_text, text};
use super::error::guarded;
use crate::home::OkstraHome;
use crate::task::{TaskKey, branch_name, safe_segment as core_safe_segment};

/// Turns any text into one segment of a task-key, which is also one path component and part of a branch name.
///
/// Lower-case; every run of characters outside `[a-z0-9-]` becomes one `-`; dashes at both ends go; an empty result is
/// `_`. Where letters or digits outside ASCII were dropped, `-` and 8 hex digits of a hash of the text are appended, and
/// a result over 80 bytes is cut and ends with the same hash. Applying it twice changes nothing more.
///
/// Throws `OKSTRA_INVALID_ARGUMENT` when `value` is no string.
#[napi(ts_args_type = "value: string")]
pub fn safe_segment(env: Env, value: Unknown<'_>) -> napi::Result<String> {
    guarded(&env, || Ok(core_safe_segment(&text("value", value)?)))
}

/// Where the worktree of a task lies, or would lie: `<okstra home>/worktrees/<project>/<group>/<task>`, absolute.
///
/// The segments are made safe first (see `safeSegment`). The okstra home is `$OKSTRA_HOME`, else `~/.okstra`, read anew
/// at each call. A blank group is `_`. Nothing on the disk is looked at.
///
/// Throws `OKSTRA_INVALID_ARGUMENT` when a field is missing, no string, or holds a control character, or when the project
/// or the task is blank.
#[napi(ts_args_type = "options: WorktreePathOptions")]
pub fn compute_worktree_path(env: Env, options: Unknown<'_>) -> napi::Result<String> {
    guarded(&env, || {
        let fields = Fields::required("options", options)?;
        let key = TaskKey::sanitised(
            &fields.text("projectId")?,
            &fields.text("taskGroupSegment")?,
            &fields.text("taskIdSegment")?,
        )?;
        Ok(path_text(&OkstraHome::from_env()?.worktree_path(&key))?)
    })
}

/// The branch of a task: `<prefix>-<task>`, never with a slash.
///
/// The prefix comes from the category of the work, trimmed and compared without case: `bug`, `bugfix`, `fix` give `fix`;
/// `feature`, `feat` give `feat`; `improvement` gives `improve`; `refactor`, `refactoring` give `refactor`; `docs`,
/// `test`, `perf`, `chore`, `ops`, `hotfix` give themselves; anything else, also an empty text, gives `task`.
///
/// Throws `OKSTRA_INVALID_ARGUMENT` when a field is missing or no string.
#[napi(ts_args_type = "options: BranchNameOptions")]
pub fn compute_branch_name(env: Env, options: Unknown<'_>) -> napi::Result<String> {
    guarded(&env, || {
        let fields = Fields::required("options", options)?;
        Ok(branch_name(&fields.text("workCategory")?, &fields.text("taskIdSegment")?))
    })
}

/// The version of this package, `major.minor.patch`; the native part and the JavaScript part have the same.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
