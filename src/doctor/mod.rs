//! A check-up: the registry against the disk against git, and the repair of what is sure.
//!
//! Without `fix` nothing is written anywhere. With it, each thing is mended right after it was found, in the order in
//! which repairs depend on each other: what keeps git from starting first, then dead runs, then single worktrees. Each
//! repair is one that can be killed and repeated, so a killed check-up is continued by running it again; nothing is
//! deleted that could be anybody's work.

mod entries;
mod finding;
mod holders;
mod home;
mod intents;
mod kept;
mod links;
mod locks;
mod orphans;
mod registry;
mod repositories;
mod rows;
mod settings;
mod spares;
mod ties;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub use self::finding::{Code, Finding, Outcome, Severity};
use self::repositories::Known;
use crate::durability::{self, Durability};
use crate::error::{Error, Result};
use crate::git::version;
use crate::home::OkstraHome;
use crate::lock::Patience;
use crate::registry::history::{Event, EventKind};
use crate::registry::{Entry, Inspection, Registry, write_task_record_as};

/// From this age on a lock file, or a part of a worktree, that no process uses counts as left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(10 * 60);

/// What to do.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Mend what can be mended.
    pub fix: bool,
    /// A directory whose repository is looked at too, also when no task is in it.
    pub root: Option<PathBuf>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Everything, in the order in which it was looked for.
    pub findings: Vec<Finding>,
    /// How many tasks were looked at.
    pub tasks: usize,
    /// How many repositories were looked at.
    pub repositories: usize,
}

impl Report {
    /// Whether nothing that is wrong still stands.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.findings.iter().any(Finding::remains)
    }
}

/// Looks at everything, and with [`Options::fix`] mends what can be mended.
///
/// What cannot be looked at is a finding like all others. Fails with [`Error::RootNotFound`], [`Error::GitMissing`],
/// [`Error::GitTooOld`], [`Error::InvalidArgument`] and [`Error::Aborted`].
pub fn examine(home: &OkstraHome, options: &Options, patience: &Patience) -> Result<Report> {
    // "Nothing is wrong" about a place that was mistyped would be no answer.
    if let Some(root) = options.root.as_ref().filter(|root| !root.is_dir()) {
        return Err(Error::RootNotFound { path: root.clone() });
    }
    if let Some(root) = &options.root {
        crate::trash::refuse_removed(home, root)?;
    }
    durability::from_env()?;
    version::check()?;
    let registry = Registry::open(home);
    let mut doctor =
        Doctor { home, registry: &registry, options, patience, findings: Vec::new(), explained: Vec::new() };
    home::examine(&mut doctor);
    if doctor.findings.iter().any(|finding| finding.code == Code::HomeLink) {
        // What lies behind such a link is not okstra's to mend.
        return Ok(Report { findings: doctor.findings, ..Report::default() });
    }
    let inspection = registry::examine(&mut doctor)?;
    let known = repositories::collect(&doctor, &inspection);
    let common_dirs: Vec<PathBuf> = known.iter().map(|known| known.common_dir.clone()).collect();
    entries::examine_torn(&mut doctor, &common_dirs)?;
    settings::examine(&mut doctor, &known)?;
    // Recovery itself cannot delete a branch while a lock of somebody dead is in its way.
    for known in &known {
        patience.cancel.check("the check-up")?;
        locks::examine(&mut doctor, known)?;
    }
    intents::examine(&mut doctor)?;
    // What was healed may have added or changed rows.
    let inspection = doctor.inspect_again(inspection);
    let known: Vec<Known> = known.into_iter().filter_map(|known| known.ask(&mut doctor)).collect();
    orphans::examine_lost(&mut doctor, &inspection)?;
    let inspection = doctor.inspect_again(inspection);
    rows::examine(&mut doctor, &known, &inspection)?;
    let inspection = doctor.inspect_again(inspection);
    entries::examine_unfinished(&mut doctor, &known, &inspection)?;
    orphans::examine_unknown(&mut doctor, &inspection);
    links::examine(&mut doctor, &known, &inspection)?;
    spares::examine(&mut doctor)?;
    kept::examine(&mut doctor, &common_dirs);
    // Locks that a repair took away as a part of it, and those of gits that have ended meanwhile.
    doctor.findings.retain(|finding| {
        finding.code != Code::GitLock
            || finding.outcome != Outcome::Wait
            || finding.path.as_ref().is_some_and(|path| path.symlink_metadata().is_ok())
    });
    let findings = doctor.findings;
    if findings.iter().any(|finding| finding.outcome == Outcome::Fixed) {
        record(&registry, &findings);
        // What was mended is not to be found broken again, or half mended.
        let places: Vec<PathBuf> = common_dirs.iter().cloned().chain([home.worktrees()]).collect();
        let places: Vec<&Path> = places.iter().map(PathBuf::as_path).collect();
        Durability::of_machine().flush(&places)?;
    }
    Ok(Report { findings, tasks: inspection.entries.len(), repositories: common_dirs.len() })
}

fn record(registry: &Registry, findings: &[Finding]) {
    for finding in findings.iter().filter(|finding| finding.outcome == Outcome::Fixed) {
        let mut event = Event::new(EventKind::Recovered, finding.task_key.as_ref());
        event.path.clone_from(&finding.path);
        event.detail = Some(format!("doctor: {}: {}", finding.code.as_str(), finding.remedy));
        registry.record(&event);
    }
}

/// One check-up.
struct Doctor<'a> {
    home: &'a OkstraHome,
    registry: &'a Registry,
    options: &'a Options,
    patience: &'a Patience,
    findings: Vec<Finding>,
    /// Places that a finding explains already.
    explained: Vec<PathBuf>,
}

impl Doctor<'_> {
    /// The registry as it is after repairs, which may have added or changed rows.
    fn inspect_again(&self, before: Inspection) -> Inspection {
        if self.options.fix { self.registry.inspect().unwrap_or(before) } else { before }
    }

    /// Whether a finding about git's data of this worktree stands, of which all else about it is a consequence.
    fn is_torn(&self, admin: &Path) -> bool {
        self.findings.iter().any(|finding| {
            finding.code == Code::CommondirTorn
                && finding.outcome != Outcome::Fixed
                && finding.path.as_ref().is_some_and(|path| path.starts_with(admin))
        })
    }

    /// Something that is not mended here: `remedy` says why, or what a person can do.
    fn tell(&mut self, finding: Finding, outcome: Outcome, remedy: impl Into<String>) {
        self.findings.push(Finding { outcome, remedy: remedy.into(), ..finding });
    }

    /// Writes okstra's record of a task into the entry of its worktree, as the registry knows the task.
    fn write_record(&self, admin: &Path, entry: &Entry, common_dir: &Path) -> Result<()> {
        let asked = self.registry.asked(&entry.key)?;
        write_task_record_as(admin, entry, common_dir, asked.as_ref())
    }

    /// Something that can be mended, as `remedy` says: mended now, when that is asked for.
    fn mend(
        &mut self,
        finding: Finding,
        remedy: impl Into<String>,
        repair: impl FnOnce(&Self) -> Result<()>,
    ) -> Result<()> {
        let outcome = if !self.options.fix {
            Outcome::Fixable
        } else {
            self.patience.cancel.check("the check-up")?;
            match repair(self) {
                Ok(()) => Outcome::Fixed,
                Err(error @ Error::Aborted { .. }) => return Err(error),
                Err(error @ Error::LockTimeout { .. }) => {
                    self.tell(finding, Outcome::Wait, format!("{error}."));
                    return Ok(());
                }
                Err(error) => Outcome::Failed(error.to_string()),
            }
        };
        self.tell(finding, outcome, remedy);
        Ok(())
    }
}

/// How old a file is by its last change; `None` when it cannot be told, as for one from the future.
fn age(path: &Path) -> Option<Duration> {
    let modified = std::fs::symlink_metadata(path).and_then(|found| found.modified()).ok()?;
    SystemTime::now().duration_since(modified).ok()
}

/// An age as a person says it.
fn spoken(age: Option<Duration>) -> String {
    let Some(seconds) = age.map(|age| age.as_secs()) else { return "of unknown age".to_owned() };
    match seconds {
        0..120 => format!("{seconds} s old"),
        120..7200 => format!("{} min old", seconds / 60),
        7200..172_800 => format!("{} h old", seconds / 3600),
        _ => format!("{} days old", seconds / 86_400),
    }
}
