//! What may go. Nothing is changed here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Blocked, Proposal, Search, Why};
use crate::error::{Error, Result};
use crate::git::room;
use crate::provision::spare;
use crate::registry::{Entry, EntryStatus, Filter, Registry};
use crate::removal::remove::{self, RemoveRequest};
use crate::removal::{check, orphan};
use crate::survey::branch::{self, Ask, Merged};
use crate::survey::disk_use;
use crate::survey::residents::Resident;
use crate::trash::{self, Record, purge};

impl Search<'_> {
    pub(super) fn tasks(&self, proposals: &mut Vec<Proposal>) -> Result<()> {
        let filter = Filter { project: self.request.project.clone(), ..Filter::default() };
        for entry in self.registry.list(&filter)? {
            self.patience.cancel.check("pruning")?;
            if self.home.intent_file(&entry.key).exists() {
                // Somebody is at it, or died at it and is followed by who settles that.
                continue;
            }
            let there = fs::symlink_metadata(&entry.worktree_path).is_ok();
            let proposal = |why: Why, detail: String| {
                let id = format!("{}:{}", why.as_str(), entry.key);
                Proposal::new(id, why, Some(entry.key.clone()), &entry.worktree_path, detail)
            };
            let check = || {
                let request = RemoveRequest::default();
                remove::check(self.registry, &entry, &request, &self.patience.cancel)
            };
            if there && entry.status == EntryStatus::Released {
                if is_older(last_used(&entry.worktree_path), self.moved)
                    && let Some(into) = self.merged(&entry)?
                    // What refuses its removal is told by `list` and `remove`: it is nothing that nobody needs.
                    && passes(check())?
                {
                    proposals.push(proposal(Why::Merged, format!("released, {into}; goes into the trash")));
                }
            } else if !there
                && entry.status == EntryStatus::Active
                // Where the directory above is gone too, its disk may only not be mounted.
                && entry.worktree_path.parent().is_some_and(Path::is_dir)
                && is_older(entry.worktree_path.parent().and_then(modified), self.strange)
                && passes(check())?
            {
                let detail =
                    format!("its directory is gone; branch {} is kept, the row is released", entry.branch);
                proposals.push(proposal(Why::Missing, detail));
            }
        }
        Ok(())
    }

    /// What the work of a released task has been merged into, in words; `None` when it has not, or when nobody knows.
    fn merged(&self, entry: &Entry) -> Result<Option<String>> {
        let Some(common_dir) = self.registry.repository_of(&entry.key)? else { return Ok(None) };
        let Some(repository) = trash::repository_at(&common_dir, &entry.branch)? else { return Ok(None) };
        let base = Some(entry.base_ref.as_str()).filter(|base| !base.is_empty());
        let ask = [Ask { branch: &entry.branch, base }];
        let facts = branch::facts(&repository, &ask, &self.patience.cancel)?.pop().flatten();
        Ok(match facts.map(|facts| facts.merged) {
            Some(Merged::Empty) => Some("without a commit of its own".into()),
            Some(Merged::Commits(into)) => Some(format!("merged into {into}")),
            Some(Merged::Changes(into)) => Some(format!("its changes are in {into}")),
            _ => None,
        })
    }

    pub(super) fn orphans(&self, proposals: &mut Vec<Proposal>) -> Result<()> {
        for (key, path) in orphan::find(self.home, self.registry)? {
            self.patience.cancel.check("pruning")?;
            if !self.concerns(&key) || !is_older(last_used(&path).max(modified(&path)), self.strange) {
                continue;
            }
            let blocked = match orphan::check(self.registry, &key, &path, &self.patience.cancel) {
                Ok(()) => None,
                Err(error @ Error::Aborted { .. }) => return Err(error),
                Err(error) => Some(Blocked::from(error)),
            };
            let detail = match &blocked {
                None => "no row of the registry knows it; goes into the trash".into(),
                Some(blocked) => format!("no row of the registry knows it; stays: {}", blocked.reason),
            };
            let id = format!("orphan:{key}");
            proposals.push(Proposal { blocked, ..Proposal::new(id, Why::Orphan, Some(key), &path, detail) });
        }
        Ok(())
    }

    pub(super) fn trash(&self, proposals: &mut Vec<Proposal>) -> Result<()> {
        for record in trash::all_entries(self.home)? {
            let Ok(key) = record.key() else { continue };
            let removed = record.at.parse::<jiff::Timestamp>().ok().and_then(|at| at.try_into().ok());
            if self.concerns(&key) && is_older(removed, self.kept) {
                let blocked = residents_of(self.registry, &record)?;
                let detail = match &blocked {
                    None => format!("removed at {}; is deleted", record.at),
                    Some(blocked) => format!("removed at {}; stays: {}", record.at, blocked.reason),
                };
                let id = format!("expired:{}", record.id);
                let place = record.place(self.home);
                proposals.push(Proposal {
                    blocked,
                    record: Some(record),
                    ..Proposal::new(id, Why::Expired, Some(key), &place, detail)
                });
            }
        }
        if self.request.project.is_none() {
            for path in purge::unfinished(self.home) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let detail = "an earlier deletion did not get to its end; is deleted".into();
                let id = format!("unfinished:{name}");
                proposals.push(Proposal::new(id, Why::Unfinished, None, &path, detail));
            }
        }
        Ok(())
    }

    pub(super) fn repositories(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in self.registry.list(&Filter::default())? {
            found.extend(self.registry.repository_of(&entry.key)?);
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    pub(super) fn quarantine(&self, proposals: &mut Vec<Proposal>) -> Result<()> {
        if self.request.project.is_some() {
            return Ok(());
        }
        let aside = self.repositories()?.into_iter().map(|common_dir| common_dir.join(room::QUARANTINE));
        let places: Vec<PathBuf> = aside.chain([self.home.quarantine()]).collect();
        let own = places.iter().filter(|place| room::is_own(place));
        for entry in own.filter_map(|place| fs::read_dir(place).ok()).flatten().flatten() {
            if is_older(modified(&entry.path()), self.kept) {
                let path = entry.path();
                let blocked = residents_at(self.registry, &[&path])?;
                let detail = match &blocked {
                    None => "recovery moved it aside, and nobody had been given it; is deleted".into(),
                    Some(blocked) => format!("recovery moved it aside; stays: {}", blocked.reason),
                };
                let id = format!("quarantine:{}", path.display());
                proposals
                    .push(Proposal { blocked, ..Proposal::new(id, Why::Quarantine, None, &path, detail) });
            }
        }
        Ok(())
    }

    /// They belong to no project.
    pub(super) fn spares(&self, proposals: &mut Vec<Proposal>) -> Result<()> {
        if self.request.project.is_some() {
            return Ok(());
        }
        for left in spare::left_overs(self.home)? {
            if is_older(modified(&left.directory), self.moved) {
                let size = disk_use::measure(&left.directory, &[], &self.patience.cancel)?.allocated;
                let detail = format!("{}, {}; is deleted", left.described(), disk_use::spoken(size));
                let id = format!("spare:{}", left.directory.display());
                let directory = left.directory.clone();
                proposals.push(Proposal {
                    spare: Some(left),
                    ..Proposal::new(id, Why::Spare, None, &directory, detail)
                });
            }
        }
        Ok(())
    }
}

/// Whether nothing refuses it. What could not be found out refuses it too; only a request to stop is an error.
fn passes(checked: Result<()>) -> Result<bool> {
    match checked {
        Ok(()) => Ok(true),
        Err(error @ Error::Aborted { .. }) => Err(error),
        Err(_) => Ok(false),
    }
}

/// Whose git data lies in an entry of the trash: a purge would take their commits with it.
fn residents_of(registry: &Registry, record: &Record) -> Result<Option<Blocked>> {
    let Some(git) = &record.git else { return residents_at(registry, &[&record.tree]) };
    let by_git = residents_at(registry, &[&git.kept, &record.tree])?;
    // git's own data of them may be gone; the registry names the place as it was.
    let by_row = || -> Result<Option<Blocked>> {
        let inside = |place: &Path| place.starts_with(&git.admin) || place.starts_with(&record.path);
        let found: Vec<Resident> = registry
            .with_repositories()?
            .into_iter()
            .filter(|(_, place)| inside(place))
            .map(|(row, needs)| Resident { place: row.worktree_path, task_key: Some(row.key), needs })
            .collect();
        Ok(check::residents(&found).map(Blocked::from))
    };
    let blocked = match by_git {
        None => by_row()?,
        found => found,
    };
    Ok(blocked.map(|mut blocked| {
        blocked.reason.push_str(&format!("; `okstra restore {}` brings it back", record.task_key));
        blocked
    }))
}

/// The same of a place.
fn residents_at(registry: &Registry, places: &[&Path]) -> Result<Option<Blocked>> {
    Ok(check::residents_in(registry, places, None)?.map(Blocked::from))
}

/// Whether a moment lies at least so far back. What is not known counts as young.
fn is_older(moment: Option<SystemTime>, age: Duration) -> bool {
    age.is_zero()
        || moment.is_some_and(|moment| SystemTime::now().duration_since(moment).is_ok_and(|past| past >= age))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::symlink_metadata(path).ok()?.modified().ok()
}

/// When git last changed something in a worktree, or somebody in its top directory.
fn last_used(path: &Path) -> Option<SystemTime> {
    let admin = crate::git::worktree::admin_dir_of(path).ok()??;
    let files = [admin.join("HEAD"), admin.join("index"), admin.join("logs/HEAD"), path.to_owned()];
    files.iter().filter_map(|file| modified(file)).max()
}
