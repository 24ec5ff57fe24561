//! The repository's own hooks for a new worktree: which there are, and running them as git does.
//!
//! `git hook run` is not used because it exports `GIT_DIR` to the hook (seen on 2.47), which makes git calls of the hook
//! in other directories act on this repository; `git worktree add` does not.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{Start, start_program};
use super::config::Config;
use super::environment;
use super::process::{Ended, supervise};
use super::repository::{Repository, path_of, trim_newline};
use super::version;
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// What `git hook list` says of the one in the hooks directory.
const FROM_DIRECTORY: &[u8] = b"hook from hookdir";
/// What it says before the name of one that is switched off.
const DISABLED: &[u8] = b"disabled\t";
/// The git that knows hooks in its configuration, and `git hook list`.
const CONFIGURED_SINCE: (u32, u32) = (2, 54);

/// A hook that is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// A file of the hooks directory.
    File(PathBuf),
    /// One of the configuration, which the shell runs.
    #[expect(missing_docs, reason = "the fields are named by the variant's text")]
    Configured { name: String, command: Option<String> },
}

impl Hook {
    /// How it is told from the others, for a person.
    #[must_use]
    pub fn described(&self) -> String {
        match self {
            Self::File(_) => "post-checkout hook".to_owned(),
            Self::Configured { name, .. } => format!("post-checkout hook {name:?}"),
        }
    }
}

/// How a hook ended.
#[derive(Debug, PartialEq, Eq)]
pub enum HookEnd {
    /// With exit code 0.
    Succeeded,
    /// With another exit code (-1: by a signal), and what it said.
    #[expect(missing_docs, reason = "the fields are named by the variant's text")]
    Failed { code: i32, stderr: String },
    /// It was stopped when its time was over.
    TimedOut,
    /// The system could not start it, and why.
    NotStarted(String),
}

/// The post-checkout hooks that git would run, in its order: those of the configuration (git 2.54 and newer says which),
/// then that of the hooks directory.
pub fn post_checkout(repository: &Repository) -> Result<Vec<Hook>> {
    let of_directory = || Hook::File(repository.post_checkout.clone());
    if version::known()? < CONFIGURED_SINCE {
        return Ok(runnable(&repository.post_checkout).then(of_directory).into_iter().collect());
    }
    let listed = repository.git().args(["hook", "list", "-z", "post-checkout"]).run()?;
    match listed.status.code() {
        Some(0) => {}
        // There is none; git warns.
        Some(1) => return Ok(Vec::new()),
        // A usage error: this git runs none but that of the hooks directory.
        Some(129) => return Ok(runnable(&repository.post_checkout).then(of_directory).into_iter().collect()),
        _ => return Err(listed.into_error("hook list", repository.anchor())),
    }
    let mut config = None;
    let mut hooks = Vec::new();
    let names = listed.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    for name in names.filter(|name| !name.starts_with(DISABLED)) {
        if name == FROM_DIRECTORY {
            hooks.push(of_directory());
            continue;
        }
        let name = String::from_utf8_lossy(name).into_owned();
        let config = match &config {
            Some(known) => known,
            None => config.insert(Config::read(repository.git())?),
        };
        let command = config.get(&format!("hook.{name}.command")).map(str::to_owned);
        hooks.push(Hook::Configured { name, command });
    }
    Ok(hooks)
}

/// Whether git would run a hook file.
#[cfg(unix)]
pub fn runnable(hook: &Path) -> bool {
    // As git: a hook without the execute bit is no hook.
    hook.is_file() && rustix::fs::access(hook, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Whether git would run a hook file.
#[cfg(not(unix))]
pub fn runnable(hook: &Path) -> bool {
    hook.is_file()
}

/// Where git's own programs lie, which it puts first on the `PATH` of a hook.
pub fn exec_path(repository: &Repository) -> Result<PathBuf> {
    Ok(path_of(trim_newline(&repository.git().args(["--exec-path"]).read()?)))
}

/// Runs a hook in `directory` as `git worktree add` would: with the caller's environment, without `GIT_DIR`, and with
/// standard output sent to standard error. `started` hears its process id, which is that of its process group too.
///
/// The task lock is not handed on: a daemon that the hook leaves behind would hold it for ever.
pub fn run(
    hook: &Hook,
    args: &[&str],
    directory: &Path,
    exec_path: &Path,
    limit: Duration,
    cancel: &Cancel,
    started: impl FnOnce(u32),
) -> Result<HookEnd> {
    let environment = environment::of_hook(exec_path);
    let spawn = |program: &OsStr, first: &[&OsStr]| {
        let args = first.iter().copied().chain(args.iter().map(OsStr::new));
        let args: Vec<OsString> = args.map(OsStr::to_owned).collect();
        let start =
            Start { directory, args: &args, environment: &environment, inherited: &[], has_input: false };
        start_program(program, &start)
    };
    let shell = OsStr::new("sh");
    let running = match hook {
        Hook::File(file) => match spawn(file.as_os_str(), &[]) {
            // A script without an interpreter line: git, like a shell, hands it to sh.
            #[cfg(unix)]
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
                spawn(shell, &[file.as_os_str()])
            }
            // Windows cannot start scripts itself; git brings an sh along.
            #[cfg(windows)]
            Err(_) => spawn(shell, &[file.as_os_str()]),
            other => other,
        },
        Hook::Configured { command: Some(command), .. } => {
            let line = OsString::from(format!("{command} \"$@\""));
            spawn(shell, &[OsStr::new("-c"), &line, OsStr::new(command)])
        }
        Hook::Configured { name, command: None } => {
            Err(io::Error::other(format!("hook.{name}.command is not configured")))
        }
    };
    let running = match running {
        Ok(running) => running,
        Err(error) => return Ok(HookEnd::NotStarted(error.to_string())),
    };
    started(running.process.id());
    Ok(match supervise(running, None, limit, None, Some(cancel))? {
        Ended::Output(output) if output.status.success() => HookEnd::Succeeded,
        Ended::Output(output) => HookEnd::Failed {
            code: output.status.code().unwrap_or(-1),
            stderr: output.stderr.trim().to_owned(),
        },
        Ended::TimedOut => HookEnd::TimedOut,
        Ended::Cancelled => return Err(Error::Aborted { what: format!("the {}", hook.described()) }),
    })
}
