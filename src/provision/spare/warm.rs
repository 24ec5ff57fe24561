//! Makes spares, brings them up to date, and drops those that nobody can use any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::super::populate;
use super::conditions::Conditions;
use super::pool::{self, SpareRecord, State};
use crate::cancel::Cancel;
use crate::clock;
use crate::disk;
use crate::error::{Error, IoContext, Result};
use crate::git::{Discovery, Git, Repository, repository, version};
use crate::home::OkstraHome;
use crate::intent::Intent;
use crate::lock::{Patience, SparesLock};

/// More of one repository would cost disk and save nothing: a claim takes milliseconds, and every one is refilled.
const AT_MOST: usize = 16;
/// What a repository is asked about besides its branches; the name of no branch.
const NO_BRANCH: &str = "okstra-spare";

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

/// Brings the spares of a repository to the wanted number, each at the present `HEAD` of its main worktree. Also drops
/// the spares of repositories that are gone, and whatever a killed run left.
///
/// Only one process does this for a repository; another one that comes meanwhile has nothing to do and says so. A kill at
/// any moment leaves ready spares or directories that the next run sweeps.
pub fn warm(home: &OkstraHome, order: &Order, patience: &Patience) -> Result<Warmed> {
    if order.count > AT_MOST {
        let reason = format!("at most {AT_MOST} spares of one repository are kept");
        return Err(Error::invalid("count", order.count.to_string(), reason));
    }
    version::check()?;
    if !order.root.is_dir() {
        return Err(Error::RootNotFound { path: order.root.clone() });
    }
    let repository = match repository::discover_any(&order.root, NO_BRANCH)? {
        Discovery::Main(repository) => repository,
        Discovery::NotGit | Discovery::Linked => {
            let reason = "it is in no git repository";
            return Err(Error::invalid("root", order.root.to_string_lossy(), reason));
        }
    };
    home.prepare()?;
    let mut done = Warmed::default();
    let job = Job { home, repository: &repository, patience };
    match SparesLock::acquire(
        home,
        &repository.common_dir,
        &Patience { timeout: Duration::ZERO, ..patience.clone() },
    ) {
        Ok(lock) => job.refill(order, &lock, &mut done)?,
        Err(Error::LockTimeout { .. }) => {
            done.reason = Some("another process is making them".to_owned());
        }
        Err(error) => return Err(error),
    }
    done.ready = pool::of_repository(home, &repository.common_dir).len();
    drop_orphans(home, &mut done)?;
    Ok(done)
}

struct Job<'a> {
    home: &'a OkstraHome,
    repository: &'a Repository,
    patience: &'a Patience,
}

impl Job<'_> {
    fn refill(&self, order: &Order, lock: &SparesLock, done: &mut Warmed) -> Result<()> {
        let pool = self.home.spares_of(&self.repository.common_dir);
        self.sweep(&pool, lock)?;
        let mut usable = Vec::new();
        for spare in pool::of_repository(self.home, &self.repository.common_dir) {
            if usable.len() < order.count
                && spare.record.conditions.hold()
                && pool::is_untouched(&spare.directory)
            {
                usable.push(spare);
            } else {
                drop_spare(&pool, &spare.directory, done)?;
            }
        }
        if order.count == 0 {
            return Ok(());
        }
        let Some(commit) = &self.repository.head else {
            done.reason = Some("the repository has no commit yet".to_owned());
            return Ok(());
        };
        let conditions = match Conditions::of(self.repository)? {
            Ok(conditions) => conditions,
            Err(reason) => {
                for spare in usable {
                    drop_spare(&pool, &spare.directory, done)?;
                }
                done.reason = Some(reason.to_owned());
                return Ok(());
            }
        };
        let ready = usable.len();
        for spare in usable.into_iter().filter(|spare| spare.record.commit != *commit) {
            self.patience.cancel.check("making spares")?;
            let making = pool::place(&pool, State::Making, &pool::id_of(&spare.directory));
            // Claimed meanwhile: that is what it was for.
            if let Some(making) = pool::take(&spare.directory, &making)? {
                self.fill(&making, commit, &conditions, lock)?;
                self.publish(&pool, &making)?;
                done.updated += 1;
            }
        }
        for _ in ready..order.count {
            self.patience.cancel.check("making spares")?;
            if let Some(reason) = self.short_of_disk(order.keep_free)? {
                done.reason = Some(reason);
                break;
            }
            let making = pool::place(&pool, State::Making, &format!("{:016x}", disk::random()));
            disk::create_private_dir_all(&making)?;
            make_tree_directory(&making.join("tree"))?;
            self.fill(&making, commit, &conditions, lock)?;
            self.publish(&pool, &making)?;
            done.made += 1;
        }
        Ok(())
    }

    /// Fills tree and index with a commit, and writes the record when both are on the device. An orphaned git holds the
    /// lock on, so that nobody sweeps the tree it still writes to.
    fn fill(&self, making: &Path, commit: &str, conditions: &Conditions, lock: &SparesLock) -> Result<()> {
        let index = making.join("index");
        let cancel = &self.patience.cancel;
        // One that is brought up to date has all that did not change.
        if !index.exists() {
            populate::prefill(self.repository, commit, &making.join("tree"), &index, cancel)?;
        }
        self.git(making)
            .args(["read-tree", "--reset", "-u", commit])
            .index_file(&index)
            .runs_user_code()
            .holding(lock)
            .cancel(&self.patience.cancel)
            .read()?;
        outlive_its_second(&index)?;
        let record = SpareRecord {
            common_dir: self.repository.common_dir.clone(),
            commit: commit.to_owned(),
            made_at: clock::utc_now(),
            conditions: conditions.clone(),
        };
        // Nobody waits for a spare, so it is flushed whole: one that outlives a power cut is as good as before.
        disk::sync_file_system(making)?;
        pool::write_record(making, &record)
    }

    /// git in the tree of a spare: without an administrative directory the tree has to be named. A split index would put
    /// half of it into the common git directory.
    fn git<'g>(&self, making: &Path) -> Git<'g> {
        Git::new(&making.join("tree"))
            .git_dir(Some(&self.repository.common_dir))
            .work_tree(&making.join("tree"))
            .setting("core.splitIndex=false")
    }

    fn publish(&self, pool: &Path, making: &Path) -> Result<()> {
        disk::move_aside(making, &pool::place(pool, State::Ready, &pool::id_of(making)))
    }

    /// Takes away what dead runs left. With the lock held nobody makes spares; a claim that still stands belongs to its
    /// intent.
    fn sweep(&self, pool: &Path, _lock: &SparesLock) -> Result<()> {
        for making in pool::directories(pool, State::Making) {
            delete(&making)?;
        }
        for claimed in pool::directories(pool, State::Claimed) {
            if Intent::stands(self.home, &pool::id_of(&claimed))? {
                continue;
            }
            if pool::is_untouched(&claimed) && pool::read_record(&claimed).is_some() {
                pool::take(&claimed, &pool::place(pool, State::Ready, &pool::id_of(&claimed)))?;
            } else {
                delete(&claimed)?;
            }
        }
        Ok(())
    }

    fn short_of_disk(&self, keep_free: u64) -> Result<Option<String>> {
        let place = self.home.worktrees();
        let free = fs2::available_space(&place).context("ask for the free space of", &place)?;
        Ok((free < keep_free).then(|| {
            format!(
                "only {} MB are free, and {} MB are to stay free",
                free / 1_000_000,
                keep_free / 1_000_000
            )
        }))
    }
}

/// An index below this size (some 600 files) is re-read faster than a second passes.
const LARGE_INDEX: u64 = 64 * 1024;

/// Makes a large index younger than every file in it, by whole seconds. git compares no less: what was written in the same
/// second as the index may have been changed since, and the first `git status` would read all of it. Nobody waits for a
/// spare, so this waits for the second to pass.
fn outlive_its_second(index: &Path) -> Result<()> {
    let file = fs::File::options().append(true).open(index).context("open", index)?;
    let found = file.metadata().context("look at", index)?;
    if found.len() < LARGE_INDEX {
        return Ok(());
    }
    let written = found.modified().context("look at", index)?;
    let of_epoch = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let next = Duration::from_secs(of_epoch(written).as_secs() + 1);
    while let Some(left) = next.checked_sub(of_epoch(SystemTime::now())).filter(|left| !left.is_zero()) {
        // A clock that was set back must not hold this up.
        std::thread::sleep(left.min(Duration::from_secs(1)));
        if left > Duration::from_secs(2) {
            return Ok(());
        }
    }
    file.set_modified(SystemTime::now()).context("set the time of", index)
}

/// Under the user's umask, as git makes the root of a worktree.
fn make_tree_directory(tree: &Path) -> Result<()> {
    fs::create_dir(tree).context("make the directory", tree)
}

fn drop_spare(pool: &Path, directory: &Path, done: &mut Warmed) -> Result<()> {
    let making = pool::place(pool, State::Making, &pool::id_of(directory));
    // Renamed first: a claim that comes now does not find it, and a kill leaves what the next run sweeps.
    if let Some(making) = pool::take(directory, &making)? {
        delete(&making)?;
        done.dropped += 1;
    }
    Ok(())
}

// What could not be deleted is met again by the next run, under a name that nobody claims.
fn delete(directory: &Path) -> Result<()> {
    disk::delete_tree(directory, &Cancel::default()).map(drop)
}

/// Drops the spares of repositories that are not there any more.
fn drop_orphans(home: &OkstraHome, done: &mut Warmed) -> Result<()> {
    for spare in pool::all(home) {
        if !spare.record.common_dir.is_dir() {
            let pool = spare.directory.parent().unwrap_or(&spare.directory);
            drop_spare(pool, &spare.directory, done)?;
            let _ = fs::remove_dir(pool);
        }
    }
    Ok(())
}
