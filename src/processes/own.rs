//! Who belongs to this very call: the git that it has running, and the other parts of its own pipeline.
//!
//! `okstra reclaim --yes | tail` from within a worktree starts `tail` there too, which only waits for what okstra says.
//! Told by the pipes themselves, and not by the process group: a script starts its background jobs in its own group, and
//! those are at work.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::table;
use crate::git::started;

/// Found out when it is first asked for, which is seldom: only of processes that are inside.
#[derive(Debug, Default)]
pub(super) struct Own {
    pipeline: Option<BTreeSet<u32>>,
}

impl Own {
    /// Whether a process that was found inside is a part of this call, or gone meanwhile.
    pub(super) fn contains(&mut self, pid: u32) -> bool {
        let Some(found) = table::stat_of(pid) else { return true };
        // Asked again: a git that ended between the two looks is on the list no more.
        if started::is_own_group(found.group) || table::stat_of(pid) != Some(found) {
            return true;
        }
        self.pipeline.get_or_insert_with(pipeline).contains(&pid)
    }
}

/// The processes that read at their standard input what this one writes, or write at their standard output what this one
/// reads, and so on from pipe to pipe. Who has the same end of a pipe as this process is no part of it: a job that was
/// started with the same output is at work for itself.
fn pipeline() -> BTreeSet<u32> {
    let me = std::process::id();
    let (mut read, mut written): (BTreeSet<PathBuf>, BTreeSet<PathBuf>) = (BTreeSet::new(), BTreeSet::new());
    read.extend(pipe(me, 0));
    written.extend([1, 2].into_iter().filter_map(|number| pipe(me, number)));
    let mut parts = BTreeSet::new();
    if read.is_empty() && written.is_empty() {
        return parts;
    }
    let others: Vec<(u32, [Option<PathBuf>; 3])> = table::all()
        .filter(|pid| *pid != me)
        .map(|pid| (pid, [pipe(pid, 0), pipe(pid, 1), pipe(pid, 2)]))
        .filter(|(_, ends)| ends.iter().any(Option::is_some))
        .collect();
    loop {
        let before = parts.len();
        for (pid, [input, output, error]) in &others {
            let reads = input.as_ref().is_some_and(|pipe| written.contains(pipe));
            let writes = output.as_ref().is_some_and(|pipe| read.contains(pipe));
            if (reads || writes) && parts.insert(*pid) {
                if reads {
                    written.extend([output, error].into_iter().flatten().cloned());
                }
                if writes {
                    read.extend(input.clone());
                }
            }
        }
        if parts.len() == before {
            return parts;
        }
    }
}

/// The pipe that a process has open as one of its standard three.
fn pipe(pid: u32, number: u8) -> Option<PathBuf> {
    let target = fs::read_link(format!("/proc/{pid}/fd/{number}")).ok()?;
    let is_pipe = target.to_str().is_some_and(|target| target.starts_with("pipe:["));
    is_pipe.then_some(target)
}
