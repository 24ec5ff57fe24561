//! Live processes inside directories.
//!
//! A process is inside when its working directory, its root, its program, or (when asked for) a file that it has open
//! lies there. Nothing is guessed from names or ages. Not told of are this process, the git that it has running, and who
//! only waits at the other end of its pipes: none of them is at work there by itself.

#[cfg(target_os = "linux")]
mod own;
#[cfg(target_os = "linux")]
mod table;

use std::path::PathBuf;

/// How a process uses a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// It works in it.
    WorkingDirectory,
    /// It is its root.
    Root,
    /// Its program lies in it.
    Program,
    /// It has a file in it open.
    OpenFile,
}

impl Use {
    /// In words, after "its".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WorkingDirectory => "working directory",
            Self::Root => "root directory",
            Self::Program => "program",
            Self::OpenFile => "open file",
        }
    }
}

/// A live process inside a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its process id.
    pub pid: u32,
    /// Its command line, cut to 200 characters, without control characters.
    pub command: String,
    /// How it uses the directory; the weightiest way.
    pub by: Use,
    /// It started this process, or started one that did: the shell or the agent that okstra was called from.
    pub is_ancestor: bool,
}

/// Who is inside one directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Occupants {
    /// The processes that were found, by process id. This one is never among them, nor its own git, nor the other parts
    /// of its own pipeline.
    pub processes: Vec<Process>,
    /// Whether the question could not be answered completely: a process of this user could not be looked at, or this
    /// system does not tell. With no process found, that means "unknown", not "nobody". Processes of other users are not
    /// counted: an okstra home is private to its user.
    pub unknown: bool,
}

impl Occupants {
    /// `Some(true)`: somebody is inside; `Some(false)`: nobody; `None`: unknown.
    #[must_use]
    pub fn occupied(&self) -> Option<bool> {
        if !self.processes.is_empty() {
            return Some(true);
        }
        (!self.unknown).then_some(false)
    }
}

/// Who is inside each of the directories, in their order, by one look at all processes. `open_files` looks at every
/// descriptor too, which takes ten times as long.
#[must_use]
pub fn inside(directories: &[PathBuf], open_files: bool) -> Vec<Occupants> {
    platform::inside(directories, open_files)
}

/// When a process was started, in a form that tells it from a later one of the same id; `None` where it is gone, or this
/// system does not tell.
#[must_use]
pub fn start_of(pid: u32) -> Option<u64> {
    platform::start_of(pid)
}

/// A live process of the group that the process `leader` led, which was started at `start`; see [`start_of`].
#[must_use]
pub fn member_of_group(leader: u32, start: u64) -> Option<u32> {
    platform::member_of_group(leader, start)
}

#[cfg(target_os = "linux")]
mod platform {
    use std::collections::HashMap;
    use std::fs;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    use super::own::Own;
    use super::table::{self, stat_of};
    use super::{Occupants, Process, Use};

    const COMMAND: usize = 200;

    pub fn inside(directories: &[PathBuf], open_files: bool) -> Vec<Occupants> {
        let mut occupants = vec![Occupants::default(); directories.len()];
        // The links in /proc name resolved paths.
        let mut wanted: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for (index, directory) in directories.iter().enumerate() {
            match fs::canonicalize(directory) {
                Ok(path) => wanted.entry(path).or_default().push(index),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => occupants[index].unknown = true,
            }
        }
        if wanted.is_empty() {
            return occupants;
        }
        let Ok(entries) = fs::read_dir("/proc") else {
            occupants.iter_mut().for_each(|occupants| occupants.unknown = true);
            return occupants;
        };
        let me = std::process::id();
        let ancestors = table::ancestors(me);
        let mut own = Own::default();
        let mut hidden = false;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            if pid == me {
                continue;
            }
            let directory = entry.path();
            let uses = match uses(&directory, &wanted, open_files) {
                Ok(uses) => uses,
                Err(Unseen::Gone) => continue,
                Err(Unseen::Hidden) => {
                    // The first process is the machine's own, also where it runs as this user.
                    hidden |= pid != 1 && is_own(&directory);
                    continue;
                }
            };
            if uses.is_empty() || own.contains(pid) {
                continue;
            }
            for (index, by) in uses {
                let process = Process {
                    pid,
                    command: command_of(&directory),
                    by,
                    is_ancestor: ancestors.contains(&pid),
                };
                occupants[index].processes.push(process);
            }
        }
        for occupants in &mut occupants {
            occupants.unknown |= hidden;
            occupants.processes.sort_by_key(|process| process.pid);
        }
        occupants
    }

    pub fn start_of(pid: u32) -> Option<u64> {
        stat_of(pid).map(|stat| stat.start)
    }

    pub fn member_of_group(leader: u32, start: u64) -> Option<u32> {
        // With its leader replaced by another process of the same id the group is another one too.
        if stat_of(leader).is_some_and(|stat| stat.start != start) {
            return None;
        }
        let alive = |stat: &table::Stat| stat.group == leader && !stat.is_dead && stat.start >= start;
        table::all().find(|pid| stat_of(*pid).is_some_and(|stat| alive(&stat)))
    }

    enum Unseen {
        /// It ended meanwhile, or it is a kernel thread or a zombie: nothing of it is anywhere.
        Gone,
        /// The system does not let us look.
        Hidden,
    }

    /// The wanted directories that a process uses, each with the weightiest way.
    fn uses(
        process: &Path,
        wanted: &HashMap<PathBuf, Vec<usize>>,
        open_files: bool,
    ) -> Result<Vec<(usize, Use)>, Unseen> {
        let mut found: Vec<(usize, Use)> = Vec::new();
        let mut add = |target: &Path, by: Use| {
            for index in holders(target, wanted) {
                if !found.iter().any(|(known, _)| *known == index) {
                    found.push((index, by));
                }
            }
        };
        let mut hidden = false;
        for (name, by) in [("cwd", Use::WorkingDirectory), ("root", Use::Root), ("exe", Use::Program)] {
            match fs::read_link(process.join(name)) {
                Ok(target) => add(&target, by),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => hidden = true,
                // A kernel thread has no program, a zombie has nothing.
                Err(_) if name == "exe" => {}
                Err(_) => return Err(Unseen::Gone),
            }
        }
        if open_files && !hidden {
            match fs::read_dir(process.join("fd")) {
                Ok(descriptors) => {
                    for descriptor in descriptors.flatten() {
                        if let Ok(target) = fs::read_link(descriptor.path()) {
                            add(&target, Use::OpenFile);
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => hidden = true,
                Err(_) => {}
            }
        }
        if hidden && found.is_empty() { Err(Unseen::Hidden) } else { Ok(found) }
    }

    /// The wanted directories that are this path or above it. A path per component, whatever is wanted: 200 worktrees
    /// cost no more than one.
    fn holders(target: &Path, wanted: &HashMap<PathBuf, Vec<usize>>) -> Vec<usize> {
        if !target.is_absolute() {
            // A pipe, a socket: no place in the file system.
            return Vec::new();
        }
        target.ancestors().filter_map(|path| wanted.get(path)).flatten().copied().collect()
    }

    fn is_own(process: &Path) -> bool {
        fs::metadata(process).is_ok_and(|found| found.uid() == rustix::process::geteuid().as_raw())
    }

    fn command_of(process: &Path) -> String {
        let read = |name: &str| fs::read(process.join(name)).unwrap_or_default();
        let mut bytes = read("cmdline");
        if bytes.iter().all(|byte| *byte == 0) {
            bytes = read("comm");
        }
        let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\0', '\n']).to_owned();
        text.chars().take(COMMAND).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

// macOS and Windows tell of other processes' directories only through interfaces that need unsafe code or another
// program; there the answer is "unknown".
#[cfg(not(target_os = "linux"))]
mod platform {
    use std::path::PathBuf;

    use super::Occupants;

    pub fn inside(directories: &[PathBuf], _open_files: bool) -> Vec<Occupants> {
        vec![Occupants { processes: Vec::new(), unknown: true }; directories.len()]
    }

    pub fn start_of(_pid: u32) -> Option<u64> {
        None
    }

    pub fn member_of_group(_leader: u32, _start: u64) -> Option<u32> {
        None
    }
}
