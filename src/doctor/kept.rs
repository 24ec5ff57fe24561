//! What earlier repairs moved aside and nobody has looked at yet.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Code, Doctor, Finding, Outcome, Severity};

/// Tells of everything that is kept, place by place.
pub(super) fn examine(doctor: &mut Doctor<'_>, common_dirs: &[PathBuf]) {
    let worktrees = doctor.home.worktrees();
    let damaged = files(&worktrees, |name| name.starts_with("registry.json.corrupt-"));
    tell(doctor, &worktrees, damaged.len(), "damaged version(s) of the registry (registry.json.corrupt-*)");
    let intents = doctor.home.intents();
    let damaged = files(&intents, |name| name.contains(".damaged-"));
    tell(doctor, &intents, damaged.len(), "damaged record(s) of a run (*.damaged-*)");
    let quarantine = doctor.home.quarantine();
    let trees = files(&quarantine, |_| true).len();
    tell(doctor, &quarantine, trees, "worktree(s) that were not whole");
    for common in common_dirs {
        let quarantine = common.join(crate::git::room::QUARANTINE);
        let entries = files(&quarantine, |_| true).len();
        tell(doctor, &quarantine, entries, "part(s) of git's data of worktrees");
    }
}

fn files(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let wanted = |entry: &fs::DirEntry| wanted(&entry.file_name().to_string_lossy());
    entries.flatten().filter(wanted).map(|entry| entry.path()).collect()
}

fn tell(doctor: &mut Doctor<'_>, place: &Path, count: usize, what: &str) {
    if count == 0 {
        return;
    }
    let message = format!("{} holds {count} {what}, moved aside by earlier repairs", place.display());
    let finding = Finding::new(Code::KeptAside, Severity::Note, message).at(place);
    doctor.tell(finding, Outcome::Decide, "Nothing is done. Look at it, and delete what you do not want.");
}
