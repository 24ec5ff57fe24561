//! Locks between processes, as guard values: holding the guard is holding the lock, dropping it releases it.
//!
//! All are `flock(2)` through fs2, the lock that 0.12.0 takes on `registry.lock`. Waiting blocks in the kernel:
//! polling starves (the longest wait of 64 processes was 15.6 s polling and 1.45 s blocking). `flock` has no timed
//! form, so a wait that may end early blocks in a thread of its own, which lets go as soon as it gets a lock that
//! nobody wants any more. Lock files are never deleted: a second process would lock another inode.
//!
//! fs2's functions are called by path, because `std::fs::File` has methods of the same names since Rust 1.89 and they
//! would win silently.

mod holder;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub use self::holder::Holder;
use crate::cancel::{Cancel, NOTICE_WITHIN};
use crate::disk;
use crate::error::{Error, IoContext, Result};
use crate::home::OkstraHome;
use crate::task::TaskKey;

/// How long to wait for a lock when the caller does not say.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// How long a wait may take, and who may end it early.
#[derive(Debug, Clone)]
pub struct Patience {
    /// The longest wait for one lock.
    pub timeout: Duration,
    /// Ends the wait when it is set.
    pub cancel: Cancel,
}

impl Patience {
    /// Waits as long as `OKSTRA_LOCK_TIMEOUT_MS` says, else [`DEFAULT_TIMEOUT`], and cannot be ended early.
    pub fn from_env() -> Result<Self> {
        let timeout = match std::env::var("OKSTRA_LOCK_TIMEOUT_MS") {
            Ok(text) if !text.trim().is_empty() => {
                let parsed = text.trim().parse().map(Duration::from_millis);
                parsed.map_err(|_| {
                    Error::invalid("OKSTRA_LOCK_TIMEOUT_MS", &text, "it is no number of milliseconds")
                })?
            }
            _ => DEFAULT_TIMEOUT,
        };
        Ok(Self { timeout, cancel: Cancel::default() })
    }
}

macro_rules! guard {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[must_use = "the lock is released when the guard is dropped"]
        pub struct $name(FileLock);

        #[cfg(unix)]
        impl std::os::fd::AsRawFd for $name {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                self.0.file.as_raw_fd()
            }
        }
    };
}

guard! {
    /// Nobody else provisions, restores or recovers this task. Handed on to the git processes that fill its tree, so
    /// that an orphan of a killed owner still counts as alive.
    TaskLock
}
guard! {
    /// Nobody else registers a worktree in this repository (through okstra, with the same home).
    RepositoryLock
}
guard! {
    /// Nobody else makes or drops spares of this repository. Taken before no other lock and after none: whoever makes
    /// spares holds nothing else, and a claim needs no lock.
    SparesLock
}
guard! {
    /// Nobody else, 0.12.0 included, changes the registry. Never held while git runs.
    RegistryLock
}
guard! {
    /// Nobody else installs into this okstra home, or takes an installation away. Never held together with another.
    InstallationLock
}

impl TaskLock {
    /// Waits for the lock of one task.
    pub fn acquire(home: &OkstraHome, key: &TaskKey, patience: &Patience) -> Result<Self> {
        FileLock::acquire(&home.task_lock_file(key), &format!("task {key}"), patience).map(Self)
    }

    /// Whether somebody holds the lock of one task at this moment. For people: by the time the answer is read it may
    /// be wrong. Takes the lock for some microseconds when nobody has it.
    #[must_use]
    pub fn is_held(home: &OkstraHome, key: &TaskKey) -> bool {
        is_held(&home.task_lock_file(key))
    }
}

impl RepositoryLock {
    /// Waits for the lock of the repository with this common git directory.
    pub fn acquire(home: &OkstraHome, common_dir: &Path, patience: &Patience) -> Result<Self> {
        let what = format!("repository {}", common_dir.display());
        FileLock::acquire(&home.repository_lock_file(common_dir), &what, patience).map(Self)
    }
}

impl SparesLock {
    /// Waits for the lock of a repository's spares.
    pub fn acquire(home: &OkstraHome, common_dir: &Path, patience: &Patience) -> Result<Self> {
        let what = format!("the spares of {}", common_dir.display());
        let pool = home.spares_of(common_dir);
        FileLock::acquire(&home.spares_lock_file(&pool), &what, patience).map(Self)
    }

    /// The same by the directory in which the spares lie, where nobody knows any more whose they are.
    pub fn acquire_for(home: &OkstraHome, pool: &Path, patience: &Patience) -> Result<Self> {
        let what = format!("the spares in {}", pool.display());
        FileLock::acquire(&home.spares_lock_file(pool), &what, patience).map(Self)
    }

    /// Whether somebody makes or drops the spares in a directory at this moment; see [`TaskLock::is_held`].
    #[must_use]
    pub fn is_held(home: &OkstraHome, pool: &Path) -> bool {
        is_held(&home.spares_lock_file(pool))
    }
}

impl RegistryLock {
    /// Waits for the lock of the registry.
    pub fn acquire(home: &OkstraHome, patience: &Patience) -> Result<Self> {
        FileLock::acquire(&home.registry_lock_file(), "the registry", patience).map(Self)
    }
}

impl InstallationLock {
    /// Waits for the lock of what is installed in an okstra home.
    pub fn acquire(home: &OkstraHome, patience: &Patience) -> Result<Self> {
        FileLock::acquire(&home.installation_lock_file(), "the installation", patience).map(Self)
    }
}

#[derive(Debug)]
struct FileLock {
    file: File,
}

impl Drop for FileLock {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn drop(&mut self) {
        // Closing alone would not release a description that a hook's daemon inherited; unlocking does, for all.
        let _ = fs2::FileExt::unlock(&self.file);
    }
}

impl FileLock {
    fn acquire(path: &Path, what: &str, patience: &Patience) -> Result<Self> {
        let start = Instant::now();
        loop {
            patience.cancel.check(&format!("waiting for the lock of {what}"))?;
            let file = open(path)?;
            let file = match try_lock(file, path)? {
                Ok(file) => file,
                Err(file) => wait(file, path, what, patience, start)?,
            };
            let lock = Self { file };
            // Somebody may have replaced the lock file while we waited; then we hold a lock that nobody else sees.
            if same_file(&lock.file, path) {
                holder::record(path);
                return Ok(lock);
            }
        }
    }
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    // Read and write: NFS and some others refuse an exclusive lock on a descriptor that cannot write.
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent() {
                disk::create_private_dir_all(parent)?;
            }
            options.open(path)
        }
        other => other,
    }
    .context("open the lock file", path)
}

/// Makes no lock file where there is none: nobody holds it then.
fn is_held(path: &Path) -> bool {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else { return false };
    match try_lock(file, path) {
        Ok(Ok(file)) => {
            drop(FileLock { file });
            false
        }
        Ok(Err(_)) => true,
        Err(_) => false,
    }
}

/// Locks at once, or gives the file back.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn try_lock(file: File, path: &Path) -> Result<std::result::Result<File, File>> {
    match fs2::FileExt::try_lock_exclusive(&file) {
        Ok(()) => Ok(Ok(file)),
        Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => Ok(Err(file)),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Err(file)),
        Err(error) => Err(error).context("lock", path),
    }
}

fn wait(file: File, path: &Path, what: &str, patience: &Patience, start: Instant) -> Result<File> {
    let timed_out = || Error::LockTimeout {
        what: what.to_owned(),
        path: path.to_owned(),
        waited_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        holder: holder::find(path),
    };
    let Some(mut left) = patience.timeout.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else {
        return Err(timed_out());
    };
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("okstra lock".into())
        .spawn(move || {
            let locked = lock_blocking(&file).map(|()| file);
            // With the receiver gone the file comes back and closes here, which releases the lock.
            let _ = sender.send(locked);
        })
        .context("start a thread to wait for", path)?;
    loop {
        match receiver.recv_timeout(left.min(NOTICE_WITHIN)) {
            Ok(locked) => return locked.context("lock", path),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Error::Internal { message: format!("the thread that waited for {what} ended") });
            }
        }
        patience.cancel.check(&format!("waiting for the lock of {what}"))?;
        left = match patience.timeout.checked_sub(start.elapsed()) {
            Some(left) if !left.is_zero() => left,
            _ => return Err(timed_out()),
        };
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn lock_blocking(file: &File) -> io::Result<()> {
    loop {
        match fs2::FileExt::lock_exclusive(file) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()),
        _ => false,
    }
}

// Windows: an open file cannot be replaced under its name.
#[cfg(not(unix))]
fn same_file(_file: &File, _path: &Path) -> bool {
    true
}

fn owner_file(lock: &Path) -> PathBuf {
    let mut name = lock.as_os_str().to_owned();
    name.push(".owner");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(timeout_ms: u64) -> Patience {
        Patience { timeout: Duration::from_millis(timeout_ms), cancel: Cancel::default() }
    }

    #[test]
    fn a_second_holder_waits_and_the_timeout_names_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/x.lock");
        let first = FileLock::acquire(&path, "x", &patience(0)).unwrap();
        let error = FileLock::acquire(&path, "x", &patience(30)).unwrap_err();
        let Error::LockTimeout { holder: Some(holder), waited_ms, .. } = &error else { panic!("{error}") };
        assert_eq!(holder.pid, std::process::id());
        assert!(holder.since.is_some() && *waited_ms >= 30);
        assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
        drop(first);
        FileLock::acquire(&path, "x", &patience(10_000)).unwrap();
    }

    #[test]
    fn a_wait_ends_when_the_lock_is_released() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.lock");
        let first = FileLock::acquire(&path, "x", &patience(0)).unwrap();
        let waiter = std::thread::spawn({
            let path = path.clone();
            move || FileLock::acquire(&path, "x", &patience(60_000)).map(drop)
        });
        drop(first);
        waiter.join().unwrap().unwrap();
    }

    #[test]
    fn a_wait_can_be_cancelled() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.lock");
        let _first = FileLock::acquire(&path, "x", &patience(0)).unwrap();
        let waiting = patience(60_000);
        let cancel = waiting.cancel.clone();
        let waiter = std::thread::spawn(move || FileLock::acquire(&path, "x", &waiting).map(drop));
        cancel.cancel();
        assert!(matches!(waiter.join().unwrap(), Err(Error::Aborted { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_file_that_was_replaced_meanwhile_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.lock");
        let first = FileLock::acquire(&path, "x", &patience(0)).unwrap();
        let waiter = std::thread::spawn({
            let path = path.clone();
            move || FileLock::acquire(&path, "x", &patience(60_000)).unwrap()
        });
        std::fs::remove_file(&path).unwrap();
        drop(first);
        let second = waiter.join().unwrap();
        assert!(same_file(&second.file, &path), "the second holder locks the file that is there now");
    }
}
