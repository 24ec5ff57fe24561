//! Runs the repository's post-checkout hook on a new worktree.

use std::path::Path;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::Repository;
use crate::git::command::{HookEnd, run_hook, seconds_from_env};

/// Longest run of a post-checkout hook when `OKSTRA_HOOK_TIMEOUT` (seconds) does not say otherwise: some install
/// dependencies.
const HOOK_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// What the hook left to say.
#[derive(Debug, Default)]
pub struct HookReport {
    /// Its exit code, when that was not 0 (-1: ended by a signal).
    pub exit: Option<i32>,
    /// A sentence for the note.
    pub note: Option<String>,
}

/// Whether the repository has a post-checkout hook that git would run.
#[must_use]
pub fn has_hook(repository: &Repository) -> bool {
    runnable(&repository.post_checkout)
}

#[cfg(unix)]
fn runnable(hook: &Path) -> bool {
    // As git: a hook without the execute bit is no hook.
    hook.is_file() && rustix::fs::access(hook, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn runnable(hook: &Path) -> bool {
    hook.is_file()
}

/// Runs the post-checkout hook as `git worktree add` does: `<null id> <commit> 1`, in the new worktree. How it ends is
/// reported and changes nothing: the worktree is complete without it.
pub fn run_post_checkout(
    repository: &Repository,
    path: &Path,
    commit: &str,
    cancel: &Cancel,
) -> Result<HookReport> {
    let limit = seconds_from_env("OKSTRA_HOOK_TIMEOUT", HOOK_TIMEOUT)?;
    let args = [&Repository::null_id(commit), commit, "1"];
    let end = run_hook(&repository.post_checkout, &args, path, limit, cancel)?;
    Ok(match end {
        HookEnd::Succeeded => HookReport::default(),
        HookEnd::Failed { code, stderr } => {
            let said = stderr.lines().next_back().map(|line| format!(": {line}")).unwrap_or_default();
            HookReport { exit: Some(code), note: Some(format!("post-checkout hook exited {code}{said}")) }
        }
        HookEnd::TimedOut => HookReport {
            exit: Some(-1),
            note: Some(format!(
                "post-checkout hook did not end within {} s and was stopped",
                limit.as_secs()
            )),
        },
        HookEnd::NotStarted(reason) => HookReport {
            exit: Some(-1),
            note: Some(format!("post-checkout hook could not be started: {reason}")),
        },
    })
}
