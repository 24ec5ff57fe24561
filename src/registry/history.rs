//! What happened to each task: one JSON object a line, in a file beside the registry.
//!
//! The history explains; nothing is decided by it. So a line is appended without a lock and without a flush, a failure
//! to write one fails nothing, and a line that cannot be read is passed over.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Entry;
use crate::cancel::Cancel;
use crate::clock;
use crate::disk;
use crate::error::{IoContext, Result};
use crate::home::OkstraHome;
use crate::lock::{Patience, RegistryLock};
use crate::task::TaskKey;

/// The file is set aside as `history.1.jsonl` when it is this long, so that both together hold at most twice as much.
const ROTATE_AT: u64 = 4 << 20;
/// No history file of ours is nearly as long.
const READ_AT_MOST: u64 = 256 << 20;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// A worktree was made.
    Created,
    /// A worktree was used by another phase.
    Reused,
    /// A worktree was brought back.
    Restored,
    /// The task gave its branch free.
    Released,
    /// A worktree was removed.
    Removed,
    /// A removed worktree was deleted for good.
    Pruned,
    /// Something damaged or left over was put in order.
    Recovered,
    /// A request was refused.
    Refused,
}

impl EventKind {
    /// The kind as the file spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Reused => "reused",
            Self::Restored => "restored",
            Self::Released => "released",
            Self::Removed => "removed",
            Self::Pruned => "pruned",
            Self::Recovered => "recovered",
            Self::Refused => "refused",
        }
    }
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, as RFC 3339 in UTC.
    pub at: String,
    /// What happened.
    pub event: EventKind,
    /// The task-key, `<project>/<group>/<task>`; absent where the event is about the whole registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_key: Option<String>,
    /// The phase of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The worktree, or the file, that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "readable")]
    pub path: Option<PathBuf>,
    /// The branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit id that the branch started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_ref: Option<String>,
    /// More, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The process that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

// A path that is no Unicode is shown as well as it can be: nothing is decided by the history.
#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn readable<S: serde::Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

impl Event {
    /// An event of this process, now; `key` is the task it is about, if it is about one.
    #[must_use]
    pub fn new(event: EventKind, key: Option<&TaskKey>) -> Self {
        Self {
            at: clock::utc_now(),
            event,
            task_key: key.map(ToString::to_string),
            phase: None,
            path: None,
            branch: None,
            base_ref: None,
            detail: None,
            pid: Some(std::process::id()),
        }
    }

    /// An event of this process, now, with what a registry row says.
    #[must_use]
    pub fn of(event: EventKind, entry: &Entry) -> Self {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        Self {
            phase: some(&entry.last_phase),
            path: Some(entry.worktree_path.clone()),
            branch: some(&entry.branch),
            base_ref: some(&entry.base_ref),
            ..Self::new(event, Some(&entry.key))
        }
    }
}

/// Which events to read; the default is all.
#[derive(Debug, Clone, Default)]
pub struct HistoryFilter {
    /// Only those of one task.
    pub task_key: Option<TaskKey>,
    /// Only those of one project.
    pub project: Option<String>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

impl HistoryFilter {
    fn admits(&self, event: &Event) -> bool {
        let key = event.task_key.as_deref();
        let task = self.task_key.as_ref().is_none_or(|wanted| key == Some(wanted.to_string().as_str()));
        let project = self.project.as_deref().is_none_or(|wanted| {
            key.and_then(|key| key.split_once('/')).is_some_and(|(project, _)| project == wanted)
        });
        task && project
    }
}

/// Appends a line, without a lock. One write, so that lines of several processes do not mix.
pub(super) fn append(home: &OkstraHome, event: &Event) -> io::Result<u64> {
    let path = home.history_file();
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let mut file = options.open(&path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut line = Vec::new();
    if metadata.len() > 0 {
        // A process that was killed, or a full disk, may have left half a line.
        let mut last = [b'\n'];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            line.push(b'\n');
        }
    }
    serde_json::to_writer(&mut line, event)?;
    line.push(b'\n');
    file.write_all(&line)?;
    Ok(metadata.len() + line.len() as u64)
}

/// Appends a line and sets the file aside when it is long. Never fails; see the module.
pub(super) fn record(home: &OkstraHome, event: &Event) {
    let length = match append(home, event) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && home.prepare().is_ok() => {
            append(home, event)
        }
        result => result,
    };
    if length.is_ok_and(|length| length >= ROTATE_AT) {
        rotate(home);
    }
}

fn rotate(home: &OkstraHome) {
    let patience = Patience { timeout: Duration::from_secs(1), cancel: Cancel::default() };
    let Ok(_lock) = RegistryLock::acquire(home, &patience) else { return };
    let path = home.history_file();
    // Another process may have done it while this one waited for the lock.
    if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() >= ROTATE_AT) {
        let _ = disk::move_aside(&path, &older(home));
    }
}

fn older(home: &OkstraHome) -> PathBuf {
    home.worktrees().join("history.1.jsonl")
}

/// Reads both files, newest first.
pub(super) fn read(home: &OkstraHome, filter: &HistoryFilter) -> Result<Vec<Event>> {
    let limit = filter.limit.unwrap_or(usize::MAX);
    let mut events = Vec::new();
    let mut first: Option<File> = None;
    for path in [home.history_file(), older(home)] {
        if events.len() >= limit {
            break;
        }
        let Some((file, content)) =
            disk::read_regular(&path, READ_AT_MOST).context("read the history", &path)?
        else {
            continue;
        };
        // Set aside between the two reads: it is the one that was just read.
        if first.as_ref().is_some_and(|first| is_same(first, &file, &path)) {
            break;
        }
        let lines = content.split(|byte| *byte == b'\n').rev();
        let parsed = lines.filter_map(|line| serde_json::from_slice::<Event>(line).ok());
        events.extend(parsed.filter(|event| filter.admits(event)).take(limit - events.len()));
        first = Some(file);
    }
    Ok(events)
}

#[cfg(unix)]
fn is_same(one: &File, two: &File, _path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (one.metadata(), two.metadata()) {
        (Ok(one), Ok(two)) => (one.dev(), one.ino()) == (two.dev(), two.ino()),
        _ => false,
    }
}

// Windows: an open file cannot be renamed, so it cannot have been set aside meanwhile.
#[cfg(not(unix))]
fn is_same(_one: &File, _two: &File, _path: &Path) -> bool {
    false
}
