//! What a power cut may take away: nothing that was answered, unless somebody would rather not wait for that.
//!
//! git flushes no file that it checks out, and next to nothing of a registration, so after a power cut all of them may be
//! empty, long after the answer. One `syncfs` for each file system flushes data, names and journal of thousands of files at
//! once. Rejected: an `fsync` or a `sync_file_range` for each file, which makes the file system allocate and send one file
//! after the other (2,000 files on ext4: 62 ms and more instead of 45; 20,000: 740 ms instead of 280). The price is
//! that it also flushes what other programs have written to the same file system and not flushed yet.

use std::path::Path;
#[cfg(target_os = "linux")]
use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use serde::Deserialize;

use crate::disk;
use crate::error::{Error, Result};
use crate::git::Repository;

/// The environment variable; it wins over the project file.
const VARIABLE: &str = "OKSTRA_DURABILITY";
/// Largest project file that is read.
const LIMIT: u64 = 1 << 20;

/// How much of what an answer is about is on the device when it is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// All of it: records, git's data, and every file of the tree.
    #[default]
    Full,
    /// okstra's own records and what git needs to start. Files of a tree may be empty after a power cut.
    Fast,
}

impl Durability {
    /// What holds for a repository: `OKSTRA_DURABILITY`, else `"durability"` in the project file of the main worktree,
    /// else all. A project file that cannot be read says nothing: the launcher tells what is wrong with it.
    pub fn of(repository: &Repository) -> Result<Self> {
        Self::at(&repository.common_dir, repository.main_worktree.as_deref())
    }

    /// The same for the repository of a common git directory.
    pub fn at(common_dir: &Path, main_worktree: Option<&Path>) -> Result<Self> {
        if let Some(chosen) = from_env()? {
            return Ok(chosen);
        }
        let file = match main_worktree {
            Some(main) => main.join(".project-docs/okstra/project.json"),
            None => common_dir.join("okstra/project.json"),
        };
        let text =
            disk::read_regular(&file, LIMIT).ok().flatten().map(|(_, bytes)| bytes).unwrap_or_default();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        match serde_json::from_slice::<ProjectFile>(text).ok().and_then(|project| project.durability) {
            None => Ok(Self::Full),
            Some(value) => value.as_str().and_then(named).ok_or_else(|| {
                let reason = format!("{} says so, and it is neither \"full\" nor \"fast\"", file.display());
                Error::invalid("\"durability\" in the project file", value.to_string(), reason)
            }),
        }
    }

    /// What holds where a call is about no single repository, or is finished for a dead one: what the environment says,
    /// else all. A wrong value was refused when the call began.
    #[must_use]
    pub fn of_machine() -> Self {
        from_env().ok().flatten().unwrap_or_default()
    }

    /// The same where the repository may be gone.
    #[must_use]
    pub fn of_known(repository: Option<&Repository>) -> Self {
        repository.map_or_else(Self::of_machine, |repository| Self::of(repository).unwrap_or_default())
    }

    /// Flushes the file systems of these directories, each once: everything that was written there by anybody, git
    /// included. `false` where that was not wanted, or where the system cannot do it and only what lies below the
    /// directories was flushed: the caller flushes by itself what else must not be torn.
    pub fn flush(self, directories: &[&Path]) -> Result<bool> {
        match self {
            Self::Fast => Ok(false),
            Self::Full => whole(directories),
        }
    }

    /// Has what is written to the file system of a directory sent to the device while it is being written, until the
    /// guard is dropped: the flush at the end then finds little to do.
    #[must_use]
    pub fn ahead(self, directory: &Path) -> Ahead {
        match self {
            Self::Fast => Ahead::default(),
            Self::Full => Ahead::start(directory),
        }
    }
}

#[derive(Deserialize)]
struct ProjectFile {
    durability: Option<serde_json::Value>,
}

fn named(word: &str) -> Option<Durability> {
    match word {
        "full" => Some(Durability::Full),
        "fast" => Some(Durability::Fast),
        _ => None,
    }
}

/// What the environment says; `None` where it says nothing.
pub fn from_env() -> Result<Option<Durability>> {
    let Some(value) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else { return Ok(None) };
    let chosen = value.to_str().and_then(|text| named(text.trim()));
    let reason = "it is neither \"full\" nor \"fast\"";
    chosen.map(Some).ok_or_else(|| Error::invalid(VARIABLE, value.to_string_lossy(), reason))
}

#[cfg(target_os = "linux")]
fn whole(directories: &[&Path]) -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let mut flushed = Vec::new();
    for directory in directories {
        // What is gone meanwhile needs no flush; its parent, if it matters, is among the directories.
        let Ok(found) = std::fs::metadata(directory) else { continue };
        if !flushed.contains(&found.dev()) {
            disk::sync_file_system(directory)?;
            flushed.push(found.dev());
        }
    }
    Ok(true)
}

// Other systems: sync(2) does not wait for the end there, so that each file has to be named.
#[cfg(not(target_os = "linux"))]
fn whole(directories: &[&Path]) -> Result<bool> {
    directories
        .iter()
        .filter(|directory| directory.is_dir())
        .try_for_each(|directory| disk::sync_tree(directory))?;
    Ok(false)
}

/// See [`Durability::ahead`].
#[derive(Debug, Default)]
pub struct Ahead {
    #[cfg(target_os = "linux")]
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

#[cfg(target_os = "linux")]
impl Ahead {
    /// Between two flushes: long enough for the writers to get at the journal, and short beside any tree worth it. 2 to 80
    /// ms make no difference that could be measured; none at all costs a fifth more.
    const PAUSE: Duration = Duration::from_millis(20);

    fn start(directory: &Path) -> Self {
        let Ok(handle) = std::fs::File::open(directory) else { return Self::default() };
        // In memory there is nothing to flush, and a thread would only wake up for it.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "all of them have 32 bits"
        )]
        let kind = rustix::fs::fstatfs(&handle).map(|found| found.f_type as u32);
        if kind == Ok(TMPFS) {
            return Self::default();
        }
        let (stop, stopped) = channel::<()>();
        let flush = move || {
            // An error is met again by the flush at the end, which is asked for it.
            while stopped.recv_timeout(Self::PAUSE) == Err(RecvTimeoutError::Timeout) {
                if rustix::fs::syncfs(&handle).is_err() {
                    return;
                }
            }
        };
        // One that cannot be started is not needed either.
        let thread = std::thread::Builder::new().name("okstra flush".into()).spawn(flush);
        Self { running: thread.ok().map(|thread| (stop, thread)) }
    }
}

#[cfg(target_os = "linux")]
const TMPFS: u32 = 0x0102_1994;

#[cfg(not(target_os = "linux"))]
impl Ahead {
    fn start(_directory: &Path) -> Self {
        Self::default()
    }
}

#[cfg(target_os = "linux")]
impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // Joined: no descriptor of a directory may outlive the call that opened it, or its disk cannot be unmounted.
            let _ = thread.join();
        }
    }
}
