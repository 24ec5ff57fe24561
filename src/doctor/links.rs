//! Links to shared directories, and the lines that hide them from git.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::repositories::{self, Known};
use super::{Code, Doctor, Finding, Severity};
use crate::error::{IoContext, Result};
use crate::git::Git;
use crate::git::worktree::Found;
use crate::link;
use crate::lock::RepositoryLock;
use crate::provision::share;
use crate::registry::{EntryStatus, Inspection};

/// Looks at the links of every active task's worktree.
pub(super) fn examine(doctor: &mut Doctor<'_>, known: &[Known], inspection: &Inspection) -> Result<()> {
    // A wrong value is told by every other command.
    let configured = share::configured().unwrap_or_default();
    let mut linked: BTreeMap<PathBuf, (Vec<String>, PathBuf)> = BTreeMap::new();
    for entry in inspection.entries.iter().filter(|entry| entry.status == EntryStatus::Active) {
        let path = &entry.worktree_path;
        let Ok(Found::Linked { common_dir, .. }) = link::look(&entry.key, path) else { continue };
        let Some(known) = repositories::find(known, &common_dir) else { continue };
        let main = known.repository.main_worktree.as_deref();
        for name in &configured {
            let link = path.join(name);
            if !fs::symlink_metadata(&link).is_ok_and(|found| found.is_symlink()) {
                continue;
            }
            let target = fs::read_link(&link).unwrap_or_default();
            if fs::metadata(&link).is_err() && target.is_absolute() && target.ends_with(name) {
                let finding = Finding::new(
                    Code::LinkBroken,
                    Severity::Error,
                    format!(
                        "the link {} of {} points to {}, which is not there",
                        link.display(),
                        entry.key,
                        target.display()
                    ),
                );
                let source = share::present(std::slice::from_ref(name), main).pop().map(|share| share.source);
                let remedy = match &source {
                    Some(source) => format!("Points it to {}.", source.display()),
                    None => {
                        "Takes the link away: the main worktree has no such file or directory.".to_owned()
                    }
                };
                doctor
                    .mend(finding.of(&entry.key).at(&link), remedy, |_| relink(&link, source.as_deref()))?;
            }
            let ours = main.is_some_and(|main| {
                target.starts_with(main)
                    || fs::canonicalize(main.join(name)).is_ok_and(|source| source == target)
            });
            if ours && fs::symlink_metadata(&link).is_ok() {
                let (names, _) =
                    linked.entry(common_dir.clone()).or_insert_with(|| (Vec::new(), path.clone()));
                if !names.contains(name) && !is_tracked(path, name)? {
                    names.push(name.clone());
                }
            }
        }
    }
    for (common, (names, example)) in linked {
        exclude(doctor, &common, names, &example)?;
    }
    Ok(())
}

fn is_tracked(worktree: &Path, name: &str) -> Result<bool> {
    let pathspec = format!(":(literal){name}");
    let tracked = Git::new(worktree).args(["ls-files", "-z", "--", &pathspec]).looks_only().read()?;
    Ok(!tracked.is_empty())
}

fn exclude(doctor: &mut Doctor<'_>, common: &Path, names: Vec<String>, example: &Path) -> Result<()> {
    let present = share::excluded(common);
    let lost: Vec<String> = names.into_iter().filter(|name| !present.contains(name)).collect();
    if lost.is_empty() {
        return Ok(());
    }
    let file = common.join("info/exclude");
    let message = format!(
        "{} does not hide the links to {} any more: git shows them as untracked, in {} for one",
        file.display(),
        lost.join(", "),
        example.display()
    );
    let finding = Finding::new(Code::ExcludeLost, Severity::Warning, message).at(file);
    doctor.mend(finding, "Adds the lines again, in okstra's own block.", |doctor| {
        let lock = RepositoryLock::acquire(doctor.home, common, doctor.patience)?;
        share::exclude(&lost, common, &lock)
    })
}

/// Replaces a link in one step, or takes it away. Only a link is ever touched.
fn relink(link: &Path, source: Option<&Path>) -> Result<()> {
    match source {
        Some(source) => share::relink(source, link),
        None if fs::symlink_metadata(link).is_ok_and(|found| found.is_symlink()) => {
            fs::remove_file(link).context("take away the link", link)
        }
        None => Ok(()),
    }
}
