//! The process groups that this process has started and not yet waited for, so that whoever looks at the processes of the
//! machine can tell okstra's own git from somebody at work.
//!
//! A process that embeds okstra has other children, which are at work: to be a child is not enough.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::process::Process;

static GROUPS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());
/// Held (shared) from before a process is started until it is in the list.
static STARTING: RwLock<()> = RwLock::new(());

/// Starts a process that leads a group of its own, and keeps it in the list.
pub(super) fn start(spawn: impl FnOnce() -> io::Result<Process>) -> io::Result<Process> {
    let _starting = STARTING.read().unwrap_or_else(PoisonError::into_inner);
    let process = spawn()?;
    groups().insert(process.id());
    Ok(process)
}

/// Takes a process out that was waited for. What it left behind in its group is nobody's child any more, and at work.
pub(super) fn ended(id: u32) {
    groups().remove(&id);
}

/// Whether a process group is one of ours. One that is just being started is waited for.
#[must_use]
pub fn is_own_group(group: u32) -> bool {
    let known = || groups().contains(&group);
    known() || {
        let _nobody_is_starting = STARTING.write().unwrap_or_else(PoisonError::into_inner);
        known()
    }
}

fn groups() -> MutexGuard<'static, BTreeSet<u32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}
