//! Starts git, handing locks on to it (Unix).
//!
//! Not with the standard library: as soon as a descriptor is to be handed on it needs `fork`, which copies the page
//! tables of the calling process (15 ms for each 100 MB that it holds, measured; agent runners hold many) and makes
//! every page that it touches afterwards fault once more. `posix_spawn` shares the memory until the new program runs.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::Pid;

use super::command::Start;
use super::process::{Process, Started};
use super::started;

/// Starts git in a process group of its own.
#[expect(clippy::disallowed_methods, reason = "this is a part of the door")]
pub(super) fn git(start: &Start<'_>) -> io::Result<Started> {
    // Which program is missing is told by an error of its own; git's for the directory is not told from others.
    if !start.directory.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let (stdin, feeder) = if start.has_input {
        let (reader, writer) = io::pipe()?;
        (OwnedFd::from(reader), Some(writer))
    } else {
        (OwnedFd::from(File::open("/dev/null")?), None)
    };
    let (stdout, stdout_end) = io::pipe()?;
    let (stderr, stderr_end) = io::pipe()?;
    // Clear of the three standard ones, so that none of the copies below is made over another one's source.
    let clear = |end: &dyn AsFd| rustix::io::fcntl_dupfd_cloexec(end.as_fd(), 3);
    let ends = [clear(&stdin)?, clear(&stdout_end)?, clear(&stderr_end)?];

    let mut actions = PosixSpawnFileActions::init()?;
    for (end, number) in ends.iter().zip(0..) {
        actions.add_dup2(end.as_raw_fd(), number)?;
    }
    // A copy has no close-on-exec flag. Each gets a number that nothing else here has: to copy a descriptor onto itself
    // clears the flag on some systems only.
    let free =
        ends.iter().map(AsRawFd::as_raw_fd).chain(start.inherited.iter().copied()).max().unwrap_or(2) + 1;
    for (lock, number) in start.inherited.iter().zip(free..) {
        actions.add_dup2(*lock, number)?;
    }
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(
        PosixSpawnFlags::POSIX_SPAWN_SETPGROUP
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK,
    )?;
    // Ctrl-C on a terminal must reach okstra alone, which then stops git in good order.
    attributes.set_pgroup(Pid::from_raw(0))?;
    // Node ignores SIGPIPE, and what is ignored stays so in the new program.
    attributes.set_sigdefault(&SigSet::from(Signal::SIGPIPE))?;
    attributes.set_sigmask(&SigSet::empty())?;

    let text = |text: &OsStr| CString::new(text.as_bytes());
    let words = [OsStr::new("git"), OsStr::new("-C"), start.directory.as_os_str()];
    let words = words.into_iter().chain(start.args.iter().map(OsString::as_os_str));
    let args = words.map(text).collect::<Result<Vec<_>, _>>()?;
    let variable = |(name, value): (&OsString, &OsString)| {
        CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())
    };
    let environment = start.environment.iter().map(variable).collect::<Result<Vec<_>, _>>()?;
    let process = started::start(|| {
        let pid = posix_spawnp(c"git", &actions, &attributes, &args, &environment)?;
        Process::of_id(pid.as_raw()).ok_or_else(|| io::ErrorKind::NotFound.into())
    })?;
    Ok(Started { stdin: feeder, stdout, stderr, process })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;

    use crate::git::Git;

    /// What a shell that git starts says.
    fn said_by(call: Git<'_>, alias: &'static str) -> String {
        String::from_utf8(call.setting(alias).args(["said"]).read().unwrap()).unwrap()
    }

    #[test]
    fn exactly_what_is_handed_on_is_open_in_the_process_and_its_children() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| File::create(directory.path().join(name)).unwrap();
        let (first, kept, second) = (file("first"), file("kept"), file("second"));
        let call = Git::new(directory.path()).holding(&first).holding(&second);
        let open = said_by(call, "alias.said=!readlink /proc/self/fd/*; true");
        for name in ["first", "second"] {
            let count = open.lines().filter(|line| line.ends_with(&format!("/{name}"))).count();
            assert_eq!(count, 1, "{name}: {open}");
        }
        assert!(!open.contains("/kept"), "{open}");
        drop(kept);
    }

    #[test]
    fn it_takes_over_neither_the_ignored_sigpipe_nor_a_blocked_signal() {
        // The runtime of Rust, as that of Node, ignores SIGPIPE.
        let own = std::fs::read_to_string("/proc/self/status").unwrap();
        let mask = |status: &str, field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
            u64::from_str_radix(line.trim(), 16).unwrap()
        };
        let pipe = 1 << (nix::sys::signal::Signal::SIGPIPE as u32 - 1);
        assert_ne!(mask(&own, "SigIgn:") & pipe, 0);
        let directory = tempfile::tempdir().unwrap();
        let theirs = said_by(Git::new(directory.path()), "alias.said=!cat /proc/self/status");
        assert_eq!((mask(&theirs, "SigIgn:") & pipe, mask(&theirs, "SigBlk:")), (0, 0));
    }
}
