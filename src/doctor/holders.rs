//! Who may be using what looks left behind.

use std::path::{Path, PathBuf};

use crate::survey::processes::{self, Process};

/// Who uses something.
pub(super) enum Holders {
    Nobody,
    Some(Process),
    /// This system does not tell.
    Unknown,
}

/// Who has a file in `open` open or works in it, or is a git that works in one of `working`: `git commit` closes its lock
/// file while the editor is open, and still holds it.
///
/// Of the processes that the system hides from us (a keyring, a container's first process) only those count that are
/// called as git is: names can be read of all of them.
pub(super) fn of(open: &[PathBuf], working: &[PathBuf]) -> Holders {
    let open = processes::inside(open, true);
    let working = processes::inside(working, false);
    // The shell or agent that called us holds nothing; a git whose hook called us may.
    let users = open
        .iter()
        .flat_map(|found| &found.processes)
        .filter(|process| !process.is_ancestor || is_git(process));
    let gits = working.iter().flat_map(|found| &found.processes).filter(|process| is_git(process));
    match users.chain(gits).next() {
        Some(process) => Holders::Some(process.clone()),
        None if open.iter().chain(&working).any(|found| found.unknown) && hides_a_git() => Holders::Unknown,
        None => Holders::Nobody,
    }
}

fn is_git(process: &Process) -> bool {
    let program = process.command.split(' ').next().unwrap_or_default();
    Path::new(program).file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"git"))
}

#[cfg(target_os = "linux")]
fn hides_a_git() -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else { return true };
    let mut processes = entries.flatten().filter(|entry| {
        entry.file_name().to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    });
    processes.any(|entry| {
        let path = entry.path();
        let hidden = std::fs::read_link(path.join("cwd"))
            .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
        hidden && std::fs::read(path.join("comm")).is_ok_and(|name| name.starts_with(b"git"))
    })
}

// Other systems hide all of them.
#[cfg(not(target_os = "linux"))]
fn hides_a_git() -> bool {
    true
}
