//! The record of what is being done to a task, written before git starts and dropped after the registry row is
//! committed. One file per task, guarded by the task lock. Whoever takes that lock next settles a standing one first.
//!
//! One that was read is always one that okstra would have written for that task (`sound`): it decides what is moved and
//! which branch goes, so damage, or somebody's hand, must not.

mod sound;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::checked;
use crate::clock;
use crate::disk::{self, Replace};
use crate::error::{Error, IoContext, Result};
use crate::git::worktree;
use crate::home::OkstraHome;
use crate::lock::TaskLock;
use crate::task::TaskKey;

/// Largest intent file that is read.
const LIMIT: u64 = 1024 * 1024;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A new branch and a new worktree.
    Create,
    /// A worktree on a branch that exists.
    Restore,
    /// A worktree on its way into the trash.
    Remove,
    /// A worktree on its way back from the trash.
    PutBack,
}

/// How far it went, as far as recovery must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// git registers and fills the worktree.
    Filling,
    /// The post-checkout hook has been started. Found after a death, it did not complete: it is run again, unless somebody
    /// of it is still alive.
    HookStarted,
    /// The post-checkout hook has ended, in whatever way; it is not run again.
    HookEnded,
    /// What was begun is being taken back; the branch may be in the middle of being deleted.
    RollingBack,
    /// The row is written: others may work in the tree already. Nothing is taken back from here on.
    Committed,
    /// What goes into the trash is being written down; the worktree is as it was. Taken back.
    Preparing,
    /// The trash entry is written; things are on the move. Always finished.
    Moving,
}

/// A hook that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRun {
    /// Its process id, which is that of its process group too.
    pub pid: u32,
    /// When it was started (see [`crate::processes::start_of`]).
    pub start: u64,
}

/// What an intent's file says, or why it says nothing.
pub type Found = std::result::Result<(TaskKey, Intent), String>;

/// One intent record. There is no way to have one from a file but through the readers below.
#[derive(Debug, Clone, Serialize)]
pub struct Intent {
    /// Unique name of this attempt.
    pub op: String,
    /// What is being done.
    pub kind: Kind,
    /// How far it went.
    pub stage: Stage,
    /// The task-key.
    pub task_key: String,
    /// The common git directory.
    #[serde(with = "crate::json_path")]
    pub common_dir: PathBuf,
    /// The worktree.
    #[serde(with = "crate::json_path")]
    pub path: PathBuf,
    /// The branch.
    pub branch: String,
    /// The commit that the branch was or is made at, and those of killed earlier attempts whose branch was taken over:
    /// a branch that stands at one of them holds nothing of anybody's. Empty for [`Kind::Restore`].
    pub bases: Vec<String>,
    /// The commit that the worktree starts at.
    pub commit: String,
    /// The phase to be recorded.
    pub phase: String,
    /// `base_ref` of the row to be written.
    pub base_ref: String,
    /// `created_at` of the row to be written, where the task had one.
    pub created_at: Option<String>,
    /// The trash entry that a [`Kind::Remove`] fills or a [`Kind::PutBack`] empties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Further commits whose files the tree of a [`Kind::Create`] may hold for a while: those of the spares that there were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spares: Vec<String>,
    /// The id of the task as it was asked for, to be recorded with the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<crate::asked::Asked>,
    /// The name under which what was made lies in quarantine while it is being deleted. Only an attempt has one whose
    /// worktree was given to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded: Option<String>,
    /// The hook that runs, at [`Stage::HookStarted`], where it was written down in time and the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<HookRun>,
    /// When it was written (RFC 3339, UTC).
    pub since: String,
    /// The process that wrote it; for people.
    pub pid: u32,
    /// The boot of the machine in which it was written, where the system tells. After a power cut files that nobody
    /// flushed may be empty, so a tree of an earlier boot is filled again.
    pub boot: Option<String>,
}

impl Intent {
    /// A fresh intent.
    #[must_use]
    pub fn new(kind: Kind, key: &TaskKey, common_dir: &Path, path: &Path, branch: &str) -> Self {
        Self {
            op: format!("{:016x}", disk::random()),
            kind,
            stage: Stage::Filling,
            task_key: key.to_string(),
            common_dir: common_dir.to_owned(),
            path: path.to_owned(),
            branch: branch.to_owned(),
            bases: Vec::new(),
            commit: String::new(),
            phase: String::new(),
            base_ref: String::new(),
            created_at: None,
            entry: None,
            spares: Vec::new(),
            asked: None,
            discarded: None,
            hook: None,
            since: clock::utc_now(),
            pid: std::process::id(),
            boot: present_boot(),
        }
    }

    /// Whether the machine was started anew since this was written.
    #[must_use]
    pub fn is_of_earlier_boot(&self) -> bool {
        self.boot != present_boot()
    }

    /// When this was first written, less what the clock of file times may lag behind (it ticks every few milliseconds).
    #[must_use]
    pub fn written_at(&self) -> Option<SystemTime> {
        let at: SystemTime = self.since.parse::<jiff::Timestamp>().ok()?.try_into().ok()?;
        at.checked_sub(Duration::from_millis(20))
    }

    /// The reason with which the worktree is locked while this intent stands.
    #[must_use]
    pub fn lock_reason(&self) -> String {
        worktree::lock::run_reason(&self.op)
    }

    /// Writes it durably, over the one of an earlier attempt.
    pub fn write(&self, home: &OkstraHome, key: &TaskKey, _lock: &TaskLock) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::Internal { message: format!("an intent cannot be written: {error}") })?;
        disk::replace_file(&home.intent_file(key), &text, Replace::default())
    }

    /// The intent of a task, where one stands. One that cannot be read, or that okstra would not have written, is damage (a
    /// power cut cannot do that to a file that was replaced durably), and it is kept aside rather than obeyed.
    pub fn read(home: &OkstraHome, key: &TaskKey, _lock: &TaskLock) -> Result<Option<Self>> {
        let path = home.intent_file(key);
        let Some((_, bytes)) = disk::read_regular(&path, LIMIT).context("read the intent", &path)? else {
            return Ok(None);
        };
        match parse(&bytes, home, &path) {
            Ok((_, intent)) => Ok(Some(intent)),
            Err(_) => keep_aside(&path).map(|()| None),
        }
    }

    /// Whether an intent of this name stands, of any task.
    pub fn stands(home: &OkstraHome, op: &str) -> Result<bool> {
        Ok(Self::all(home)?.iter().any(|intent| intent.op == op))
    }

    /// All intents that stand and are sound. Takes no lock: each may be settled in the next moment. There are as many as
    /// there are provisions running.
    pub fn all(home: &OkstraHome) -> Result<Vec<Self>> {
        let directory = home.intents();
        home.check_own()?;
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).context("read the intents in", directory),
        };
        let mut intents = Vec::new();
        for entry in entries {
            let path = entry.context("read the intents in", &directory)?.path();
            let found = disk::read_regular(&path, LIMIT).context("read the intent", &path)?;
            intents.extend(
                found.and_then(|(_, bytes)| parse(&bytes, home, &path).ok()).map(|(_, intent)| intent),
            );
        }
        Ok(intents)
    }

    /// Every intent that stands, as `doctor` looks at them: the file, and what it says, or why it says nothing. Takes no
    /// lock, so any of them may be gone or replaced a moment later.
    #[must_use]
    pub fn files(home: &OkstraHome) -> Vec<(PathBuf, Found)> {
        let Ok(entries) = std::fs::read_dir(home.intents()) else { return Vec::new() };
        let mut found: Vec<_> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension() == Some("json".as_ref()))
            .filter_map(|path| {
                let intent = match disk::read_regular(&path, LIMIT) {
                    Ok(found) => parse(&found?.1, home, &path),
                    Err(error) => Err(error.to_string()),
                };
                Some((path, intent))
            })
            .collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found
    }

    /// Moves the file of an intent that is none out of the way, unless it is one by now. Nobody at work wrote it: whoever
    /// is writes one that is sound.
    pub fn set_damaged_aside(home: &OkstraHome, path: &Path) -> Result<()> {
        let Some((_, bytes)) = disk::read_regular(path, LIMIT).context("read the intent", path)? else {
            return Ok(());
        };
        if parse(&bytes, home, path).is_err() { keep_aside(path) } else { Ok(()) }
    }

    /// Drops the intent of a task; one that is gone already is fine.
    pub fn drop_for(home: &OkstraHome, key: &TaskKey, _lock: &TaskLock) -> Result<()> {
        let path = home.intent_file(key);
        match std::fs::remove_file(&path) {
            Ok(()) => disk::sync_dir(&home.intents()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error).context("drop the intent", path),
        }
    }
}

/// The fields as they lie in the file. Only [`parse`] reads them.
#[derive(Deserialize)]
#[serde(remote = "Intent")]
struct Written {
    op: String,
    kind: Kind,
    stage: Stage,
    task_key: String,
    #[serde(with = "crate::json_path")]
    common_dir: PathBuf,
    #[serde(with = "crate::json_path")]
    path: PathBuf,
    branch: String,
    bases: Vec<String>,
    commit: String,
    phase: String,
    base_ref: String,
    created_at: Option<String>,
    #[serde(default)]
    entry: Option<String>,
    #[serde(default)]
    spares: Vec<String>,
    #[serde(default)]
    asked: Option<crate::asked::Asked>,
    #[serde(default)]
    discarded: Option<String>,
    #[serde(default)]
    hook: Option<HookRun>,
    since: String,
    pid: u32,
    boot: Option<String>,
}

fn parse(bytes: &[u8], home: &OkstraHome, file: &Path) -> Found {
    let mut intent = Written::deserialize(&mut serde_json::Deserializer::from_slice(bytes))
        .map_err(|error| format!("it cannot be read: {error}"))?;
    let key = TaskKey::parse(&intent.task_key).map_err(|error| error.to_string())?;
    if home.intent_file(&key) != file {
        return Err(format!("it names the task {key}, whose record lies elsewhere"));
    }
    if let Some(place) = checked::moved_home(home, &key, &intent.path) {
        intent.path = place;
    }
    // An id that is spelt otherwise than the key was never asked for at it.
    intent.asked = intent.asked.filter(|asked| asked.spells(&key));
    sound::check(&intent, home, &key)?;
    Ok((key, intent))
}

fn keep_aside(path: &Path) -> Result<()> {
    disk::move_aside(path, &path.with_extension(format!("damaged-{}", clock::utc_compact())))
}

// Other systems than Linux have no such file; there a tree that is complete by its index counts as complete.
fn present_boot() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|text| text.trim().to_owned())
}
