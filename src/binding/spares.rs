//! `warmSpares`, its synchronous twin, `listSpares` and `listSpareLeftovers`.

use napi::Env;
use napi::bindgen_prelude::{Object, Unknown};
use napi_derive::napi;

use super::arguments::{Fields, path_text};
use super::background;
use super::error::{Outcome, guarded};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::home::OkstraHome;
use crate::lock::Patience;
use crate::provision::spare::{self, Leftover, Order, Spare};

/// Room that is left on the file system when the caller does not say: 2 GB.
const KEEP_FREE: u64 = 2_000_000_000;

/// What was done about the spares of a repository.
#[napi(object, object_from_js = false)]
pub struct WarmedSpares {
    /// How many may be claimed now.
    pub ready: u32,
    /// How many were made.
    pub made: u32,
    /// How many were brought to the present commit.
    pub updated: u32,
    /// How many were dropped: too many, made under other settings, no room on disk, of a repository that is gone, or damaged.
    pub dropped: u32,
    /// Why there are fewer than wanted, in a sentence; absent when there are not.
    pub reason: Option<String>,
}

/// A tree made in advance.
#[napi(object, object_from_js = false)]
pub struct SpareWorktree {
    /// Its name.
    pub id: String,
    /// The directory of its files.
    pub path: String,
    /// The common git directory of its repository.
    pub repository: String,
    /// The full id of the commit whose files it holds.
    pub commit: String,
    /// When it was made or brought up to date (RFC 3339, UTC).
    pub made_at: String,
    /// Whether a provision would take it: git's settings are those it was made under, and its repository is there.
    pub usable: bool,
}

impl SpareWorktree {
    fn of(spare: Spare, usable: bool) -> Result<Self> {
        Ok(Self {
            id: spare.id(),
            path: path_text(&spare.tree())?,
            repository: path_text(&spare.record.common_dir)?,
            usable,
            commit: spare.record.commit,
            made_at: spare.record.made_at,
        })
    }
}

/// Something among the spares that nobody can claim.
#[napi(object, object_from_js = false)]
pub struct SpareLeftover {
    /// Its directory.
    pub path: String,
    /// `unfinished`: whoever was making it died. `abandoned`: so did whoever had claimed it. `unreadable`: nothing tells
    /// whose it is. `gone`: its repository is gone. And what later versions add.
    pub reason: String,
    /// The common git directory of its repository, where that is known.
    pub repository: Option<String>,
}

impl TryFrom<Leftover> for SpareLeftover {
    type Error = Error;

    fn try_from(left: Leftover) -> Result<Self, Error> {
        Ok(Self {
            path: path_text(&left.directory)?,
            reason: left.reason.as_str().to_owned(),
            repository: left.common_dir.as_deref().map(path_text).transpose()?,
        })
    }
}

struct Call {
    home: OkstraHome,
    order: Order,
    patience: Patience,
}

impl Call {
    fn read(options: Unknown<'_>) -> Outcome<Self> {
        let fields = Fields::required("options", options)?;
        let order = Order {
            root: fields.path("projectRoot")?,
            count: usize::try_from(fields.optional_count("count")?.unwrap_or(1)).unwrap_or(usize::MAX),
            keep_free: fields.optional_count("keepFree")?.unwrap_or(KEEP_FREE),
        };
        let home = OkstraHome::from_env()?;
        path_text(home.root())?;
        Ok(Self { home, order, patience: Patience::from_env()? })
    }

    fn cancel(&self) -> Cancel {
        self.patience.cancel.clone()
    }

    fn perform(self) -> Result<WarmedSpares> {
        let done = spare::warm(&self.home, &self.order, &self.patience)?;
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(WarmedSpares {
            ready: number(done.ready),
            made: number(done.made),
            updated: number(done.updated),
            dropped: number(done.dropped),
            reason: done.reason,
        })
    }
}

/// Keeps trees of a repository ready, filled with the present `HEAD` of its main worktree, so that the next provisions
/// claim one instead of checking files out. A claimed tree is brought to the commit that is wanted, and comes out as git
/// would have made it.
///
/// Makes and updates until there are `count`, drops those above it and those that were made under other git settings, and,
/// in all repositories, what nobody can claim. Where fewer than `keepFree` bytes are free it drops the oldest until there
/// are, or none is left. One process at a time does this for a repository; another one gets an answer with a `reason` at
/// once, and with a `count` of 0 it waits. Takes as long as checking out the files that are missing; nothing waits for it.
/// When it fails, or `signal` stops it, nothing unfinished is left.
///
/// Rejects with an `OkstraError`, as `provisionTaskWorktree` does.
#[napi(
    ts_args_type = "options: WarmOptions, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<WarmedSpares>"
)]
pub fn warm_spares<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "making spares", signal, || {
        let call = Call::read(options)?;
        let cancel = call.cancel();
        Ok((move || call.perform(), cancel))
    })
}

/// The same as `warmSpares`, but returns when it is done, and blocks JavaScript until then.
#[napi(ts_args_type = "options: WarmOptions")]
pub fn warm_spares_sync(env: Env, options: Unknown<'_>) -> napi::Result<WarmedSpares> {
    guarded(&env, || Ok(Call::read(options)?.perform()?))
}

/// The spares of all repositories that nobody has claimed yet.
///
/// Throws `OKSTRA_INVALID_ARGUMENT`.
#[napi]
pub fn list_spares(env: Env) -> napi::Result<Vec<SpareWorktree>> {
    guarded(&env, || {
        let home = OkstraHome::from_env()?;
        let spares = spare::all(&home);
        let usable = spare::usable(&spares);
        Ok(spares
            .into_iter()
            .zip(usable)
            .map(|(spare, usable)| SpareWorktree::of(spare, usable))
            .collect::<Result<_>>()?)
    })
}

/// What killed runs, deleted repositories and damage left among the spares, and nobody can claim; `prune`, `doctor` and
/// every `warmSpares` clear it away. Where somebody makes spares at this moment, that repository's are left out.
///
/// Throws `OKSTRA_INVALID_ARGUMENT` and `OKSTRA_IO`.
#[napi]
pub fn list_spare_leftovers(env: Env) -> napi::Result<Vec<SpareLeftover>> {
    guarded(&env, || {
        let found = spare::left_overs(&OkstraHome::from_env()?)?;
        Ok(found.into_iter().map(SpareLeftover::try_from).collect::<Result<_>>()?)
    })
}
