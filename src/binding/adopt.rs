//! `adoptWorktree` and its synchronous twin.

use napi::Env;
use napi::bindgen_prelude::{Object, Unknown};
use napi_derive::napi;

use super::arguments::{Fields, path_text};
use super::background;
use super::error::{Outcome, guarded};
use super::shapes::WorktreeEntry;
use crate::adopt::{self, Adopted, Adoption};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::home::OkstraHome;
use crate::lock::Patience;
use crate::task::TaskKey;

/// What became of an adoption.
#[napi(object, object_from_js = false)]
pub struct AdoptedWorktree {
    /// `adopted`: the task has it now. `unchanged`: the task had it.
    #[napi(ts_type = "'adopted' | 'unchanged'")]
    pub status: &'static str,
    /// The row of the task.
    pub task: WorktreeEntry,
    /// Whether git had forgotten the worktree and knows it again.
    pub rebuilt: bool,
    /// The shared directories that are linked into it, sorted as configured.
    pub linked: Vec<String>,
}

impl TryFrom<Adopted> for AdoptedWorktree {
    type Error = Error;

    fn try_from(adopted: Adopted) -> Result<Self, Error> {
        Ok(Self {
            status: if adopted.unchanged { "unchanged" } else { "adopted" },
            task: adopted.entry.try_into()?,
            rebuilt: adopted.rebuilt,
            linked: adopted.linked,
        })
    }
}

struct Call {
    home: OkstraHome,
    adoption: Adoption,
    patience: Patience,
}

impl Call {
    fn read(options: Unknown<'_>) -> Outcome<Self> {
        let fields = Fields::required("options", options)?;
        let key =
            TaskKey::given(&fields.text("projectId")?, &fields.text("taskGroup")?, &fields.text("taskId")?)?;
        let adoption = Adoption {
            path: fields.path("path")?,
            key,
            branch: fields.optional_text("branch")?,
            phase: fields.optional_text("phase")?.unwrap_or_default(),
        };
        let home = OkstraHome::from_env()?;
        path_text(home.root())?;
        Ok(Self { home, adoption, patience: fields.patience("lockTimeoutMs")? })
    }

    fn cancel(&self) -> Cancel {
        self.patience.cancel.clone()
    }

    fn perform(self) -> Result<AdoptedWorktree> {
        adopt::adopt(&self.home, &self.adoption, &self.patience)?.try_into()
    }
}

/// Takes a worktree that is there already into the registry, as the worktree of a task: one that git or another tool
/// made, or one that git has forgotten (then `branch` must say which branch it was on). Nothing is moved; shared
/// directories are linked into it, and nothing that exists there is replaced.
///
/// Rejects with `OKSTRA_INVALID_ARGUMENT` (it is a main worktree, another task's, on no branch, in the middle of a rebase,
/// no worktree at all), `OKSTRA_KEY_EXISTS`, `OKSTRA_BRANCH_OWNED`, and what git and the disk may give. A refusal changes
/// nothing.
#[napi(
    ts_args_type = "options: AdoptOptions, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<AdoptedWorktree>"
)]
pub fn adopt_worktree<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "adopting", signal, || {
        let call = Call::read(options)?;
        let cancel = call.cancel();
        Ok((move || call.perform(), cancel))
    })
}

/// The same as `adoptWorktree`, but returns when it is done, and blocks JavaScript until then.
#[napi(ts_args_type = "options: AdoptOptions")]
pub fn adopt_worktree_sync(env: Env, options: Unknown<'_>) -> napi::Result<AdoptedWorktree> {
    guarded(&env, || Ok(Call::read(options)?.perform()?))
}
