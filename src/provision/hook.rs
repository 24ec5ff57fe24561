//! Runs the repository's post-checkout hooks on a new worktree.
//!
//! A hook whose end is not written down did not complete: the call that takes over what its run left runs it again, as git
//! would at the next checkout, unless somebody of it is still alive; then it says so. Never are there two at once.

use std::path::Path;
use std::time::Duration;

use super::Job;
use crate::error::Result;
use crate::git::Repository;
use crate::git::command::seconds_from_env;
use crate::git::hook::{self, Hook, HookEnd};
use crate::intent::{HookRun, Intent, Stage};
use crate::processes;

/// Longest run of a post-checkout hook when `OKSTRA_HOOK_TIMEOUT` (seconds) does not say otherwise: some install
/// dependencies.
const HOOK_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// What the hooks left to say.
#[derive(Debug, Default)]
pub struct HookReport {
    /// Its exit code, when that was not 0 (-1: ended by a signal); the first one where there are several.
    pub exit: Option<i32>,
    /// Sentences for the note.
    pub notes: Vec<String>,
}

impl HookReport {
    /// All of it in one sentence, for the history.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        (!self.notes.is_empty()).then(|| self.notes.join("; "))
    }
}

/// Runs the post-checkout hooks as `git worktree add` does: `<null id> <commit> 1`, in the new worktree, unless a run of
/// this intent has seen them end. How they end is reported and changes nothing: the worktree is complete without them.
pub(super) fn run_post_checkout(job: &Job<'_>, intent: &mut Intent) -> Result<HookReport> {
    let was_started = intent.stage == Stage::HookStarted;
    if !was_started && intent.stage != Stage::Filling {
        return Ok(HookReport::default());
    }
    let hooks = hook::post_checkout(&job.repository)?;
    if hooks.is_empty() {
        return Ok(HookReport::default());
    }
    let mut report = HookReport::default();
    if was_started {
        if let Some(process) = still_at_work(intent) {
            report.notes.push(left_alone(&process, &intent.commit));
            return Ok(report);
        }
        report
            .notes
            .push("the post-checkout hook had not ended when that run died, and was run again".into());
    }
    let limit = seconds_from_env("OKSTRA_HOOK_TIMEOUT", HOOK_TIMEOUT)?;
    let exec_path = hook::exec_path(&job.repository)?;
    intent.stage = Stage::HookStarted;
    intent.hook = None;
    intent.write(job.home, &job.plan.key, job.task_lock)?;
    for hook in &hooks {
        let end = run(job, intent, hook, &exec_path, limit)?;
        told(&mut report, hook, end, limit);
    }
    intent.stage = Stage::HookEnded;
    intent.hook = None;
    intent.write(job.home, &job.plan.key, job.task_lock)?;
    Ok(report)
}

fn run(
    job: &Job<'_>,
    intent: &mut Intent,
    hook: &Hook,
    exec_path: &Path,
    limit: Duration,
) -> Result<HookEnd> {
    let (path, commit) = (intent.path.clone(), intent.commit.clone());
    let args = [&Repository::null_id(&commit), &*commit, "1"];
    hook::run(hook, &args, &path, exec_path, limit, &job.patience.cancel, |pid| {
        // While it runs. Where this cannot be written, whoever is inside the tree counts as the hook's.
        intent.hook = processes::start_of(pid).map(|start| HookRun { pid, start });
        let _ = intent.write(job.home, &job.plan.key, job.task_lock);
    })
}

fn told(report: &mut HookReport, hook: &Hook, end: HookEnd, limit: Duration) {
    let which = hook.described();
    let (code, note) = match end {
        HookEnd::Succeeded => return,
        HookEnd::Failed { code, stderr } => {
            let said = stderr.lines().next_back().map(|line| format!(": {line}")).unwrap_or_default();
            (code, format!("{which} exited {code}{said}"))
        }
        HookEnd::TimedOut => {
            (-1, format!("{which} did not end within {} s and was stopped", limit.as_secs()))
        }
        HookEnd::NotStarted(reason) => (-1, format!("{which} could not be started: {reason}")),
    };
    report.exit.get_or_insert(code);
    report.notes.push(note);
}

/// Somebody of a hook whose run died: a process of its group, and, since the tree was given to nobody else yet, whoever is
/// inside it.
fn still_at_work(intent: &Intent) -> Option<String> {
    if let Some(member) = intent.hook.and_then(|run| processes::member_of_group(run.pid, run.start)) {
        return Some(format!("process {member}"));
    }
    let inside = processes::inside(std::slice::from_ref(&intent.path), false).pop()?;
    let process = inside.processes.into_iter().find(|process| !process.is_ancestor)?;
    Some(format!("process {} ({})", process.pid, process.command))
}

fn left_alone(process: &str, commit: &str) -> String {
    let null = Repository::null_id(commit);
    format!(
        "the post-checkout hook of the run that died is still at work ({process}) and was not started beside it; if it does not complete, run `git hook run --ignore-missing post-checkout -- {null} {commit} 1` in the worktree"
    )
}
