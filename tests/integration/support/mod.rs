//! What all tests share: a sandbox with a repository and an okstra home, requests made in processes of their own, and
//! the invariants that hold after each.

pub mod ask;
pub mod child;
pub mod invariants;
pub mod sandbox;

use std::fs;
use std::path::{Path, PathBuf};

pub use self::sandbox::Sandbox;

/// Something done to a sandbox between two requests.
pub type Change = fn(&Sandbox);

/// Writes a file and makes the directories above it.
pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Writes an executable shell script.
pub fn script(path: impl AsRef<Path>, body: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = path.as_ref();
    // Under another name first: a script that some process has open for writing cannot be executed, and a sibling test
    // thread may be forking just now.
    let draft = path.with_extension("draft");
    write(&draft, format!("#!/bin/sh\n{body}\n"));
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(&draft, path).unwrap();
    fs::remove_file(&draft).unwrap();
}

/// The text of a file.
pub fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether something lies at the path, be it a dangling link.
pub fn lies_at(path: impl AsRef<Path>) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// All files below a directory, links not followed, sorted.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Whether the process with this id exists and is no zombie.
pub fn is_running(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}

/// Whether the tests run as the superuser, whom permissions do not stop.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
