//! The one door through which git, and the repository's own hooks, are spawned.
//!
//! Every call gets a scrubbed environment (see [`super::environment`]), no standard input but what it is given, a process
//! group of its own, a time limit, and the locks that its orphan must keep holding.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::environment;
use super::looking;
pub use super::process::Output;
use super::process::{Ended, Input, Process, Started, feed, supervise};
#[cfg(unix)]
use super::spawn::git as start_git;
use super::started;
use super::stderr::Listener;
use crate::cancel::Cancel;
use crate::error::{Error, IoContext, Result};

/// Longest run of one git command when `OKSTRA_GIT_TIMEOUT` (seconds) does not say otherwise. Filters and partial
/// clones may fetch gigabytes inside a single command.
const GIT_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// The same for a call that starts nobody's code: only a machine under great load makes its output late, and an answer
/// that was cut must never be taken for one.
const DRAIN_ANSWER: Duration = Duration::from_secs(60);
/// Settings of every git call: nothing may start a monitor or a maintenance run, write formats that other gits refuse,
/// touch submodules, or give up at once on a ref lock that another git holds for a moment. What git writes is flushed
/// before it gets its name: by itself git renames unflushed refs and indexes into place, and an empty ref in
/// `refs/heads` after a power cut stands in the way of every later attempt (seen on ext4).
const SETTINGS: &[&str] = &[
    "core.fsmonitor=false",
    "core.quotePath=false",
    "advice.detachedHead=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "worktree.guessRemote=false",
    "worktree.useRelativePaths=false",
    "submodule.recurse=false",
    "color.ui=false",
    "core.packedRefsTimeout=5000",
    "core.filesRefLockTimeout=2000",
    "core.longpaths=true",
    "core.fsync=all",
    "core.fsyncMethod=batch",
];

#[cfg(unix)]
type Handle = std::os::fd::RawFd;
// Windows: LockFileEx locks are not inherited; there the owner's own lock is all there is.
#[cfg(not(unix))]
type Handle = ();

/// What is started.
pub(super) struct Start<'a> {
    pub(super) directory: &'a Path,
    pub(super) args: &'a [OsString],
    /// All of it; nothing is taken over from this process.
    pub(super) environment: &'a BTreeMap<OsString, OsString>,
    /// Descriptors that stay open in the process, and in its children.
    #[cfg_attr(not(unix), expect(dead_code, reason = "see the type"))]
    pub(super) inherited: &'a [Handle],
    /// Whether it gets a pipe as its standard input, and not the empty file.
    pub(super) has_input: bool,
}

/// One git call being put together.
pub struct Git<'a> {
    directory: PathBuf,
    args: Vec<OsString>,
    git_dir: Option<PathBuf>,
    cancel: Option<&'a Cancel>,
    inherited: Vec<Handle>,
    runs_user_code: bool,
    input: Option<Input>,
    told: Option<Listener>,
    takes_no_locks: bool,
    runs_programs: bool,
    object_directory: Option<PathBuf>,
    settings: Vec<&'static str>,
    variables: Vec<(&'static str, PathBuf)>,
}

impl<'a> Git<'a> {
    /// A call that runs in `directory`.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            args: Vec::new(),
            git_dir: None,
            cancel: None,
            inherited: Vec::new(),
            runs_user_code: false,
            input: None,
            told: None,
            takes_no_locks: false,
            runs_programs: false,
            object_directory: None,
            settings: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Adds a setting (`name=value`) for this call alone.
    #[must_use]
    pub fn setting(mut self, setting: &'static str) -> Self {
        self.settings.push(setting);
        self
    }

    /// Adds several of them.
    #[must_use]
    pub fn settings(mut self, settings: &[&'static str]) -> Self {
        self.settings.extend(settings);
        self
    }

    /// Names the index file instead of the repository's own.
    #[must_use]
    pub fn index_file(mut self, file: &Path) -> Self {
        self.variables.push(("GIT_INDEX_FILE", file.to_owned()));
        self
    }

    /// Names the tree instead of letting git find it; goes with [`Self::git_dir`].
    #[must_use]
    pub fn work_tree(mut self, tree: &Path) -> Self {
        self.variables.push(("GIT_WORK_TREE", tree.to_owned()));
        self
    }

    /// Names the repository instead of letting git find it.
    #[must_use]
    pub fn git_dir(mut self, git_dir: Option<&Path>) -> Self {
        self.git_dir = git_dir.map(Path::to_owned);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I, S>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Lets the caller end the call early.
    #[must_use]
    pub const fn cancel(mut self, cancel: &'a Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Hands a lock on to the process: while it lives, also as an orphan, the lock is held.
    #[cfg(unix)]
    #[must_use]
    pub fn holding(mut self, lock: &'a impl std::os::fd::AsRawFd) -> Self {
        self.inherited.push(lock.as_raw_fd());
        self
    }

    /// Windows: see [`Handle`].
    #[cfg(not(unix))]
    #[must_use]
    pub fn holding<T>(self, _lock: &'a T) -> Self {
        self
    }

    /// Keeps the user's language settings, because filters run inside this call. Its messages are not looked into.
    #[must_use]
    pub const fn runs_user_code(mut self) -> Self {
        self.runs_user_code = true;
        self
    }

    /// Gives the process a standard input, which `write` fills in a thread of its own. A process that does not want to
    /// read it all is no error.
    #[must_use]
    pub fn input(mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static) -> Self {
        self.input = Some(Box::new(write));
        self
    }

    /// Hears how many files git has written, and of how many; for commands that were told to say it.
    #[must_use]
    pub fn progress(mut self, told: impl FnMut(usize, usize) + Send + 'static) -> Self {
        self.told = Some(Box::new(told));
        self
    }

    /// Only looks: git takes no lock that it could do without, fetches nothing, and runs nothing that the repository
    /// configures (see `src/git/looking.rs`). Without this `git status` writes the index that it refreshed, and a commit that
    /// somebody makes in that moment fails.
    #[must_use]
    pub const fn looks_only(mut self) -> Self {
        self.takes_no_locks = true;
        self
    }

    /// Lets a call that otherwise only looks run filters: what they make of a file decides whether it is work.
    #[must_use]
    pub const fn running_filters(mut self) -> Self {
        self.runs_programs = true;
        self
    }

    /// Gives it this standard input.
    #[must_use]
    pub fn input_bytes(self, input: Vec<u8>) -> Self {
        self.input(move |pipe| pipe.write_all(&input))
    }

    /// Lets git write objects there instead of into the repository, whose own it sees through `info/alternates`.
    #[must_use]
    pub fn object_directory(mut self, directory: &Path) -> Self {
        self.object_directory = Some(directory.to_owned());
        self
    }

    fn name(&self) -> String {
        let words: Vec<_> = self.args.iter().take(2).map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    /// Runs it and returns what it left, however it ended.
    pub fn run(self) -> Result<Output> {
        let name = self.name();
        let limit = seconds_from_env("OKSTRA_GIT_TIMEOUT", GIT_TIMEOUT)?;
        let mut environment = environment::of_git(self.runs_user_code);
        environment.extend(self.variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        if self.told.is_some() {
            // By default git says nothing in the first two seconds.
            environment.insert("GIT_PROGRESS_DELAY".into(), "0".into());
        }
        let mut silenced = Vec::new();
        if self.takes_no_locks {
            let set = |(name, value): &(&str, &str)| (name.into(), value.into());
            environment.extend(looking::VARIABLES.iter().map(set));
            if !self.runs_programs && looking::is_comparing(&self.args) {
                environment.extend(looking::VALUES.iter().map(set));
                silenced = looking::silence(&self.directory, self.git_dir.as_deref(), &self.args)?;
            }
        }
        if let Some(directory) = self.object_directory {
            environment.insert("GIT_OBJECT_DIRECTORY".into(), directory.into());
        }
        let mut args = Vec::new();
        for setting in SETTINGS.iter().chain(&self.settings) {
            args.extend(["-c".into(), OsString::from(setting)]);
        }
        args.extend(silenced);
        if let Some(git_dir) = self.git_dir {
            args.extend(["--git-dir".into(), git_dir.into()]);
        }
        args.extend(self.args);
        let mut started = match start_git(&Start {
            directory: &self.directory,
            args: &args,
            environment: &environment,
            inherited: &self.inherited,
            has_input: self.input.is_some(),
        }) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.directory.is_dir() => {
                return Err(Error::GitMissing);
            }
            other => other.context("start git in", &self.directory)?,
        };
        feed(started.stdin.take(), self.input);
        let drain = if self.runs_user_code { None } else { Some(DRAIN_ANSWER) };
        match supervise(started, self.told, limit, drain, self.cancel)? {
            Ended::Output(output) => Ok(output),
            Ended::TimedOut => {
                Err(Error::GitTimeout { command: name, directory: self.directory, seconds: limit.as_secs() })
            }
            Ended::Cancelled => Err(Error::Aborted { what: format!("git {name}") }),
        }
    }

    /// Runs it and returns its standard output; fails when it does not exit with 0.
    pub fn read(self) -> Result<Vec<u8>> {
        let (name, directory) = (self.name(), self.directory.clone());
        let output = self.run()?;
        if output.status.success() { Ok(output.stdout) } else { Err(output.into_error(&name, &directory)) }
    }
}

/// Windows: nothing is handed on, and the standard library does all of it.
#[cfg(not(unix))]
fn start_git(start: &Start<'_>) -> io::Result<Started> {
    start_program(OsStr::new("git"), start)
}

/// Starts any other program, with the standard library: it changes the directory, which is no matter of `posix_spawn`
/// on every system. Descriptors are not handed on. On Linux it does not copy the caller either where the program is a
/// path.
pub(super) fn start_program(program: &OsStr, start: &Start<'_>) -> io::Result<Started> {
    let (stdout, stdout_end) = io::pipe()?;
    let (stderr, stderr_end) = io::pipe()?;
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    let mut command = Command::new(program);
    command.args(start.args).env_clear().envs(start.environment);
    command.current_dir(start.directory).stdout(stdout_end).stderr(stderr_end);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let feeder = if start.has_input {
        let (reader, writer) = io::pipe()?;
        command.stdin(reader);
        Some(writer)
    } else {
        command.stdin(Stdio::null());
        None
    };
    let process = started::start(|| command.spawn().map(Process::of))?;
    Ok(Started { stdin: feeder, stdout, stderr, process })
}

/// A number of seconds from the environment.
pub fn seconds_from_env(name: &'static str, default: Duration) -> Result<Duration> {
    match std::env::var(name) {
        Ok(text) if !text.trim().is_empty() => match text.trim().parse::<u64>() {
            Ok(seconds @ 1..=604_800) => Ok(Duration::from_secs(seconds)),
            _ => Err(Error::invalid(name, text, "it is no number of seconds between 1 and 604800")),
        },
        _ => Ok(default),
    }
}
