//! Keeps the wanted number of spares of a repository: drops those that are of no use, and has the others made.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::conditions::Conditions;
use super::fit::{self, NO_BRANCH};
use super::make::Maker;
use super::pool::{self, State};
use super::room::{self, Room};
use super::sweep;
use crate::cancel::Cancel;
use crate::disk;
use crate::error::{Error, Result};
use crate::git::config::Config;
use crate::git::{Repository, repository, version};
use crate::home::OkstraHome;
use crate::lock::{Patience, SparesLock};

/// More of one repository would cost disk and save nothing: a claim takes milliseconds, and every one is refilled.
const AT_MOST: usize = 16;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Order {
    /// A directory of the repository.
    pub root: PathBuf,
    /// How many spares there are to be: 0 drops them all.
    pub count: usize,
    /// How many bytes of the file system must stay free.
    pub keep_free: u64,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warmed {
    /// Spares that may be claimed now.
    pub ready: usize,
    /// Those that were made.
    pub made: usize,
    /// Those that were brought to the present commit.
    pub updated: usize,
    /// Those that were dropped: too many, or of no use any more.
    pub dropped: usize,
    /// Why there are fewer than wanted, in a sentence.
    pub reason: Option<String>,
}

/// Brings the spares of a repository to the wanted number, each at the present `HEAD` of its main worktree, as far as the
/// room on disk allows. Also drops what nobody can claim any more, in all pools of the home.
///
/// Only one process does this for a repository; another one that comes meanwhile has nothing to do and says so, unless it
/// is to drop them: then it waits. A kill at any moment leaves ready spares or directories that the next run sweeps.
pub fn warm(home: &OkstraHome, order: &Order, patience: &Patience) -> Result<Warmed> {
    if order.count > AT_MOST {
        let reason = format!("at most {AT_MOST} spares of one repository are kept");
        return Err(Error::invalid("count", order.count.to_string(), reason));
    }
    version::check()?;
    if !order.root.is_dir() {
        return Err(Error::RootNotFound { path: order.root.clone() });
    }
    let repository = repository::discover_any(&order.root, NO_BRANCH)?;
    super::super::refuse_nested_home(home, &repository)?;
    if let Some(owner) = super::super::owner_of_private(&repository.common_dir) {
        let reason =
            format!("its repository lies in git's data of a worktree, {}, and goes with it", owner.display());
        return Err(Error::invalid("repository", order.root.to_string_lossy(), reason));
    }
    home.prepare()?;
    let mut done = Warmed { dropped: sweep::sweep_all(home, &patience.cancel)?, ..Warmed::default() };
    let room = Room { place: home.worktrees(), keep_free: order.keep_free, cancel: &patience.cancel };
    let job = Job { home, repository: &repository, room, pool: home.spares_of(&repository.common_dir) };
    let timeout = if order.count == 0 { patience.timeout } else { Duration::ZERO };
    let patience = Patience { timeout, ..patience.clone() };
    match SparesLock::acquire(home, &repository.common_dir, &patience) {
        Ok(lock) => {
            job.refill(order, &lock, &mut done)?;
            sweep::drop_pool(&job.pool, &lock);
        }
        Err(Error::LockTimeout { holder, .. }) if order.count > 0 => {
            let pid = holder.map_or_else(String::new, |holder| format!(" (pid {})", holder.pid));
            done.reason = Some(format!("another process{pid} is making the spares of {}", job.name()));
        }
        Err(error) => return Err(error),
    }
    done.ready = pool::of_repository(home, &repository.common_dir).len();
    Ok(done)
}

struct Job<'a> {
    home: &'a OkstraHome,
    repository: &'a Repository,
    room: Room<'a>,
    pool: PathBuf,
}

impl Job<'_> {
    fn name(&self) -> std::path::Display<'_> {
        self.repository.main_worktree.as_ref().unwrap_or(&self.repository.common_dir).display()
    }

    fn refill(&self, order: &Order, lock: &SparesLock, done: &mut Warmed) -> Result<()> {
        done.dropped += sweep::sweep(self.home, &self.pool, lock)?;
        let conditions = Conditions::of(self.repository, &Config::read(self.repository.git())?);
        let mut kept = 0;
        for spare in pool::of_repository(self.home, &self.repository.common_dir) {
            let commit = self.repository.head.as_ref().unwrap_or(&spare.record.commit);
            if kept < order.count
                && let Ok(conditions) = &conditions
                && fit::fits(&spare, self.repository, conditions, commit, self.room.cancel)?
            {
                kept += 1;
            } else {
                self.drop_spare(&spare.directory, done)?;
            }
        }
        if order.count == 0 {
            return Ok(());
        }
        let Some(commit) = &self.repository.head else {
            done.reason = Some(format!("{} has no commit yet", self.name()));
            return Ok(());
        };
        let conditions = match conditions {
            Ok(conditions) => conditions,
            Err(reason) => {
                done.reason = Some(format!(
                    "{} cannot have spares, because {reason}; okstra provision fills each new worktree by itself there, so leave \"warm\" out of its project file",
                    self.name()
                ));
                return Ok(());
            }
        };
        self.make_room(done)?;
        let maker =
            Maker { repository: self.repository, room: &self.room, commit, conditions: &conditions, lock };
        self.bring_up_to_date(&maker, done)?;
        self.make_missing(order.count, &maker, done)?;
        // Others take room too, and what was brought up to date may have grown.
        self.make_room(done)
    }

    fn bring_up_to_date(&self, maker: &Maker<'_>, done: &mut Warmed) -> Result<()> {
        for spare in pool::of_repository(self.home, &self.repository.common_dir) {
            if spare.record.commit == maker.commit {
                continue;
            }
            self.room.cancel.check("making spares")?;
            let making = pool::place(&self.pool, State::Making, &spare.id());
            // Claimed meanwhile: that is what it was for.
            if let Some(making) = pool::take(&spare.directory, &making)? {
                if maker.complete(&making)? {
                    done.updated += 1;
                } else {
                    done.dropped += 1;
                    done.reason = Some(format!("{}: a spare was dropped", self.room.told()?));
                    break;
                }
            }
        }
        Ok(())
    }

    fn make_missing(&self, count: usize, maker: &Maker<'_>, done: &mut Warmed) -> Result<()> {
        let ready = pool::of_repository(self.home, &self.repository.common_dir);
        let missing = count.saturating_sub(ready.len());
        if missing == 0 || done.reason.is_some() {
            return Ok(());
        }
        // One that is there tells best; else what the main worktree has checked out.
        let directory = ready.first().map_or(&self.repository.common_dir, |spare| &spare.directory);
        let size = room::size_by(&directory.join("index"), maker.commit).unwrap_or(0);
        for _ in 0..missing {
            self.room.cancel.check("making spares")?;
            if self.room.is_short_of(size)? || !maker.make(&self.pool)? {
                let told = self.room.told()?;
                done.reason = Some(format!("{told}: no room for a spare of about {} MB", size / 1_000_000));
                break;
            }
            done.made += 1;
        }
        Ok(())
    }

    /// Drops spares, the oldest first, until as much is free as is to stay free.
    fn make_room(&self, done: &mut Warmed) -> Result<()> {
        let before = done.dropped;
        let short = self.room.is_short_of(0)?.then(|| self.room.told()).transpose()?;
        let mut spares = pool::of_repository(self.home, &self.repository.common_dir);
        while self.room.is_short_of(0)?
            && let Some(oldest) = spares.pop()
        {
            self.drop_spare(&oldest.directory, done)?;
            // Some file systems tell what was given back only when it is on the device.
            disk::sync_file_system(&self.room.place)?;
        }
        let Some(told) = short else { return Ok(()) };
        match done.dropped - before {
            // What is known of it already says more.
            0 => drop(done.reason.get_or_insert(told)),
            1 => done.reason = Some(format!("{told}: 1 spare was dropped")),
            dropped => done.reason = Some(format!("{told}: {dropped} spares were dropped")),
        }
        Ok(())
    }

    fn drop_spare(&self, directory: &Path, done: &mut Warmed) -> Result<()> {
        // Stopped half-way it would have to be swept later.
        if sweep::drop_spare(&self.pool, directory, &Cancel::default())?.is_some() {
            done.dropped += 1;
        }
        Ok(())
    }
}
