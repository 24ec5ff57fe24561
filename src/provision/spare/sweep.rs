//! What killed runs, deleted repositories and damage leave among the spares, which nobody can ever claim: found without a
//! lock, dropped under that of the pool. Whether a maker lives is told by that lock alone; an orphaned git of a killed one
//! holds it on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::pool::{self, State};
use crate::cancel::Cancel;
use crate::disk::{self, Deletion};
use crate::error::{Error, Result};
use crate::home::OkstraHome;
use crate::intent::Intent;
use crate::lock::{Patience, SparesLock};

/// Why nobody can claim it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Whoever was making it, or deleting it, died.
    Unfinished,
    /// It was claimed by a run whose intent does not stand any more.
    Abandoned,
    /// Nothing tells whose it is.
    Unreadable,
    /// Its repository is gone.
    Gone,
}

impl Reason {
    /// The reason as JavaScript spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Abandoned => "abandoned",
            Self::Unreadable => "unreadable",
            Self::Gone => "gone",
        }
    }
}

/// Something among the spares that nobody can claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its directory.
    pub directory: PathBuf,
    /// Why nobody can claim it.
    pub reason: Reason,
    /// The common git directory of its repository, where that is known.
    pub common_dir: Option<PathBuf>,
}

impl Leftover {
    /// What it is, as a part of a sentence.
    #[must_use]
    pub fn described(&self) -> String {
        let repository = self.common_dir.as_ref().map(|directory| {
            directory.parent().filter(|_| directory.ends_with(".git")).unwrap_or(directory).display()
        });
        let of = repository.as_ref().map_or_else(String::new, |repository| format!(" of {repository}"));
        match self.reason {
            Reason::Unfinished => format!("a spare{of} that a run left unfinished when it died"),
            Reason::Abandoned => format!("a spare{of} that a run had claimed when it died"),
            Reason::Unreadable => "a spare whose record cannot be read".to_owned(),
            Reason::Gone => format!("a spare{of}, which is gone"),
        }
    }
}

/// All of a home, but for pools in which somebody is at work: whoever that is sweeps first. Nothing is written.
pub fn left_overs(home: &OkstraHome) -> Result<Vec<Leftover>> {
    let mut found = Vec::new();
    for pool in pool::pools(home) {
        // The lock is only tried where it matters, because a maker that comes in that moment takes it for held. What was
        // being made before may be ready by now.
        if !in_pool(home, &pool)?.is_empty() && !SparesLock::is_held(home, &pool) {
            found.extend(in_pool(home, &pool)?);
        }
    }
    Ok(found)
}

/// Drops one of [`left_overs`]. `None` where nothing was deleted: it is none any more, or a whole tree that a dead run had
/// claimed, which is given back.
pub fn drop_left_over(home: &OkstraHome, left: &Leftover, patience: &Patience) -> Result<Option<Deletion>> {
    let pool = left.directory.parent().unwrap_or(&left.directory);
    let lock = SparesLock::acquire_for(home, pool, patience)?;
    let still = in_pool(home, pool)?.contains(left);
    let deletion = if still { settle(pool, left, &patience.cancel)? } else { None };
    drop_pool(pool, &lock);
    Ok(deletion)
}

/// Drops everything in all pools that nobody can claim, but for pools in which somebody is at work. Gives the number of
/// finished spares among it.
pub(super) fn sweep_all(home: &OkstraHome, cancel: &Cancel) -> Result<usize> {
    let mut dropped = 0;
    for pool in pool::pools(home) {
        if in_pool(home, &pool)?.is_empty() {
            continue;
        }
        let at_once = Patience { timeout: Duration::ZERO, cancel: cancel.clone() };
        match SparesLock::acquire_for(home, &pool, &at_once) {
            Ok(lock) => {
                dropped += sweep(home, &pool, &lock)?;
                drop_pool(&pool, &lock);
            }
            Err(Error::LockTimeout { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(dropped)
}

/// Drops everything in one pool that nobody can claim.
pub(super) fn sweep(home: &OkstraHome, pool: &Path, _lock: &SparesLock) -> Result<usize> {
    let found = in_pool(home, pool)?;
    for left in &found {
        settle(pool, left, &Cancel::default())?;
    }
    Ok(found.iter().filter(|left| matches!(left.reason, Reason::Unreadable | Reason::Gone)).count())
}

/// What an attempt that is taken back had claimed: given back while it is whole, else deleted.
pub fn give_back(home: &OkstraHome, intent: &Intent) -> Result<()> {
    let pool = home.spares_of(&intent.common_dir);
    let claimed = pool::place(&pool, State::Claimed, &intent.op);
    if claimed.is_dir() {
        let left = Leftover { directory: claimed, reason: Reason::Abandoned, common_dir: None };
        settle(&pool, &left, &Cancel::default())?;
    }
    Ok(())
}

/// What lies in a pool and can never be claimed, provided that nobody makes spares there.
fn in_pool(home: &OkstraHome, pool: &Path) -> Result<Vec<Leftover>> {
    let mut found = Vec::new();
    let left = |directory: PathBuf, reason: Reason| {
        let common_dir = pool::read_record(&directory).map(|record| record.common_dir);
        Leftover { directory, reason, common_dir }
    };
    for making in pool::directories(pool, State::Making) {
        found.push(left(making, Reason::Unfinished));
    }
    for claimed in pool::directories(pool, State::Claimed) {
        // Asked after the directory was seen: an intent is written before its claim and dropped after it.
        if !Intent::stands(home, &pool::id_of(&claimed))? {
            found.push(left(claimed, Reason::Abandoned));
        }
    }
    for ready in pool::directories(pool, State::Ready) {
        match pool::read_record(&ready) {
            None => found.push(left(ready, Reason::Unreadable)),
            Some(record) if !record.common_dir.is_dir() => found.push(left(ready, Reason::Gone)),
            Some(_) => {}
        }
    }
    // A claim takes no lock, and may have taken or finished any of them meanwhile.
    found.retain(|left| left.directory.is_dir());
    Ok(found)
}

fn settle(pool: &Path, left: &Leftover, cancel: &Cancel) -> Result<Option<Deletion>> {
    let directory = &left.directory;
    let id = pool::id_of(directory);
    let record = pool::read_record(directory);
    if left.reason == Reason::Abandoned
        && pool::is_untouched(directory)
        && record.is_some_and(|record| record.common_dir.is_dir())
    {
        pool::take(directory, &pool::place(pool, State::Ready, &id))?;
        return Ok(None);
    }
    if left.reason == Reason::Unfinished {
        return disk::delete_tree(directory, cancel).map(Some);
    }
    drop_spare(pool, directory, cancel)
}

/// Deletes a spare; `None` when somebody claimed it meanwhile.
pub(super) fn drop_spare(pool: &Path, directory: &Path, cancel: &Cancel) -> Result<Option<Deletion>> {
    let making = pool::place(pool, State::Making, &pool::id_of(directory));
    // Renamed first: a claim that comes now does not find it, and a kill leaves what the next sweep deletes.
    pool::take(directory, &making)?.map(|making| disk::delete_tree(&making, cancel)).transpose()
}

/// Deletes what nobody else sees; what cannot be deleted is met again by the next sweep.
pub(super) fn delete(directory: &Path) -> Result<()> {
    disk::delete_tree(directory, &Cancel::default()).map(drop)
}

/// Removes a pool in which nothing is left. With its lock held nobody is about to put something there: a claim only
/// renames what is in it.
pub(super) fn drop_pool(pool: &Path, _lock: &SparesLock) {
    let _ = std::fs::remove_dir(pool);
}
