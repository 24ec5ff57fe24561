//! `guardPath`: may a task write there?

use std::path::PathBuf;

use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;

use super::arguments::{Fields, path_text, text};
use super::error::guarded;
use super::registry::with_registry;
use crate::error::{IoContext, Result};
use crate::guard::{self, Verdict};
use crate::home::OkstraHome;
use crate::task::TaskKey;
use crate::trash;

/// Whether a task may write to a path.
#[napi(object, object_from_js = false)]
pub struct GuardVerdict {
    /// Whether it may.
    pub allowed: bool,
    /// Where the path lies: in the task's worktree, in a shared directory that is linked into it, anywhere else, or on
    /// the link between the worktree and its repository.
    #[napi(ts_type = "'worktree' | 'shared' | 'outside' | 'git-data'")]
    pub place: &'static str,
    /// The path, absolute, with every link of its existing part resolved.
    pub path: String,
    /// The task-key, `<project>/<group>/<task>`.
    pub task_key: String,
    /// The directory of the task's worktree.
    pub worktree_path: String,
    /// Why it may not, in one sentence; empty when it is allowed.
    pub reason: String,
    /// Where to write instead; empty when it is allowed.
    pub hint: String,
}

impl GuardVerdict {
    fn new(verdict: Verdict) -> Result<Self> {
        Ok(Self {
            allowed: verdict.place.is_allowed(),
            place: verdict.place.as_str(),
            path: verdict.path.to_string_lossy().into_owned(),
            task_key: verdict.task_key.to_string(),
            worktree_path: path_text(&verdict.worktree)?,
            reason: verdict.reason,
            hint: verdict.hint,
        })
    }
}

/// Whether a task may write to a path, which need not exist: inside the task's worktree, or in a directory that is
/// shared with all tasks. Links are resolved first, also those that dangle, and `..` goes up from where they lead.
///
/// Without `taskKey` the task is the one whose worktree holds the working directory (`cwd`, by default that of this
/// process); `null` when there is none. Starts no process, takes no lock, writes nothing. It guards against mistakes; it
/// is no sandbox.
///
/// Throws `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_NOT_FOUND` (no such task), `OKSTRA_WORKTREE_REMOVED` (the working directory lies
/// in the trash), `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
#[napi(
    ts_args_type = "path: string, options?: GuardOptions | undefined | null",
    ts_return_type = "GuardVerdict | null"
)]
pub fn guard_path(env: Env, path: Unknown<'_>, options: Unknown<'_>) -> napi::Result<Option<GuardVerdict>> {
    guarded(&env, || {
        let path = PathBuf::from(text("path", path)?);
        let fields = Fields::optional("options", options)?;
        let task = fields.optional_text("taskKey")?.map(|key| TaskKey::parse(&key)).transpose()?;
        let cwd = match fields.optional_path("cwd")? {
            Some(cwd) => cwd,
            None => std::env::current_dir().context("find", "the working directory")?,
        };
        if task.is_none() {
            trash::refuse_removed(&OkstraHome::from_env()?, &cwd)?;
        }
        with_registry(&env, |registry| {
            guard::check(registry, &path, task.as_ref(), &cwd)?.map(GuardVerdict::new).transpose()
        })
    })
}
