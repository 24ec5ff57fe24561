//! Hooks that run in the main worktree and not in a new one: `core.hooksPath` counts from the worktree, and what it names
//! may be tracked by no branch (husky makes `.husky/_` when dependencies are installed).

use std::path::Path;

use super::{Remark, RemarkCode};
use crate::error::Result;
use crate::git::repository::{path_of, trim_newline};
use crate::git::{Git, Repository, hook};
use crate::shell;

/// The hooks that git itself looks for; more files may lie beside them.
const NAMES: &[&str] = &[
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "reference-transaction",
    "pre-auto-gc",
    "post-rewrite",
    "sendemail-validate",
    "post-index-change",
];

/// What is to be said of the hooks of a new worktree. Nothing is asked where hooks lie in the common git directory, as
/// they do by default; else one call.
pub(in super::super) fn missing(repository: &Repository, worktree: &Path) -> Result<Option<Remark>> {
    let Some(main) = &repository.main_worktree else { return Ok(None) };
    let Some(there) = repository.post_checkout.parent() else { return Ok(None) };
    if there.starts_with(&repository.common_dir) {
        return Ok(None);
    }
    let run_there: Vec<_> = NAMES.iter().filter(|name| hook::runnable(&there.join(name))).copied().collect();
    if run_there.is_empty() {
        return Ok(None);
    }
    let args = ["rev-parse", "--path-format=absolute", "--git-path", "hooks"];
    let here = path_of(trim_newline(&Git::new(worktree).args(args).looks_only().read()?));
    let dead: Vec<_> = run_there.into_iter().filter(|name| !hook::runnable(&here.join(name))).collect();
    if dead.is_empty() {
        return Ok(None);
    }
    let said = format!(
        "hooks of {} do not run in the worktree ({}): core.hooksPath counts from the worktree, and {} does not have them; \
         make them there as in the main worktree (husky does when dependencies are installed), \
         or `git -C {} config core.hooksPath {}` makes all worktrees use the main one's",
        main.display(),
        dead.join(", "),
        here.display(),
        shell::path(main),
        shell::path(there)
    );
    let count = u64::try_from(dead.len()).unwrap_or(u64::MAX);
    Ok(Some(Remark::new(RemarkCode::HooksMissing, said).about(here.display().to_string()).count(count)))
}
