//! Runs that died before they were done.

use std::time::Duration;

use super::{Code, Doctor, Finding, Outcome, Severity, spoken};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::intent::Intent;
use crate::lock::{Patience, TaskLock};
use crate::provision;
use crate::trash::Ground;

/// Looks at every record of a run. A record whose task lock is free is that of a dead run: git inherits the lock.
pub(super) fn examine(doctor: &mut Doctor<'_>) -> Result<()> {
    for (path, intent) in Intent::files(doctor.home) {
        let (key, intent) = match intent {
            Ok(known) => known,
            Err(reason) => {
                let message = format!("the record {} of a run is damaged: {reason}", path.display());
                let finding = Finding::new(Code::IntentDamaged, Severity::Warning, message).at(path.clone());
                let remedy =
                    "Moves it aside; it is not obeyed. What the run left is found by the other checks.";
                doctor.mend(finding, remedy, |doctor| Intent::set_damaged_aside(doctor.home, &path))?;
                continue;
            }
        };
        let age = super::age(&path);
        if TaskLock::is_held(doctor.home, &key) {
            let message = format!("a run of {key} is at work (pid {}, {})", intent.pid, spoken(age));
            let finding = Finding::new(Code::IntentBusy, Severity::Note, message).of(&key).at(path);
            doctor.tell(finding, Outcome::Wait, "Nothing is done while it lives.");
            continue;
        }
        let message =
            format!("a run of {key} (pid {}, since {}) died before it was done", intent.pid, intent.since);
        let finding =
            Finding::new(Code::IntentDead, Severity::Error, message).of(&key).at(intent.path.clone());
        let registry = doctor.registry;
        let remedy = "Finishes it where its worktree is complete; else moves what it began into quarantine and takes its branch back.";
        doctor.mend(finding, remedy, |doctor| {
            let patience = at_once(doctor.patience.cancel.clone());
            let lock = TaskLock::acquire(doctor.home, &key, &patience)?;
            let ground = Ground { home: doctor.home, registry, key: &key, lock: &lock, patience: &patience };
            provision::settle(&ground).map(drop)
        })?;
    }
    Ok(())
}

/// Somebody alive is not waited for: that is what the finding then says.
pub(super) fn at_once(cancel: Cancel) -> Patience {
    Patience { timeout: Duration::from_secs(2), cancel }
}
