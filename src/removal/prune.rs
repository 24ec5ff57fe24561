//! Proposes what may go, and clears it away. Worktrees and unknown directories go into the trash; only what has lain in
//! the trash or in quarantine for its days is deleted. What is proposed is what [`prune`] then does: each kind has one check,
//! which runs when it is proposed and when it is done.

mod search;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::orphan;
use super::remove::{self, RemoveRequest};
use crate::disk::{self, Deletion};
use crate::durability::{self, Durability};
use crate::error::{Error, Result};
use crate::home::OkstraHome;
use crate::intent::{Intent, Kind};
use crate::lock::{Patience, TaskLock};
use crate::obstacle::Obstacle;
use crate::provision::{self, spare, spare::Leftover};
use crate::registry::Registry;
use crate::registry::history::{Event, EventKind};
use crate::task::TaskKey;
use crate::trash::{Ground, Record, purge};

/// How many days something lies in the trash when `OKSTRA_TRASH_DAYS` does not say otherwise.
const DAYS: u64 = 14;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many days a directory must have been gone, or unknown, when nobody says otherwise: what is younger may be in the
/// middle of something.
const YOUNG: u64 = 1;

/// Why something may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A released task whose work is in the default branch; its worktree goes into the trash.
    Merged,
    /// An active task whose directory is gone; its row is released.
    Missing,
    /// A directory that no row knows; it goes into the trash.
    Orphan,
    /// An entry of the trash past its days; it is deleted.
    Expired,
    /// Something that recovery moved aside, past its days; it is deleted.
    Quarantine,
    /// What a killed purge left; it is deleted.
    Unfinished,
    /// Something among the spares that nobody can claim; it is deleted.
    Spare,
}

impl Why {
    /// The reason as JavaScript and the command line spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Missing => "missing",
            Self::Orphan => "orphan",
            Self::Expired => "expired",
            Self::Quarantine => "quarantine",
            Self::Unfinished => "unfinished",
            Self::Spare => "spare",
        }
    }
}

/// Something that may go.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// A stable name of this proposal.
    pub id: String,
    /// Why it may go.
    pub why: Why,
    /// The task, where it is one's.
    pub task_key: Option<TaskKey>,
    /// Where it lies.
    pub path: PathBuf,
    /// One sentence about it.
    pub detail: String,
    /// What keeps it from going: it is told, and nothing is tried.
    pub blocked: Option<Blocked>,
    /// What became of it: `None` when nothing was tried, an error's text when it stays.
    pub outcome: Option<std::result::Result<String, String>>,
    record: Option<Record>,
    spare: Option<Leftover>,
}

/// Why something stays that would go otherwise.
#[derive(Debug, Clone)]
pub struct Blocked {
    /// One sentence.
    pub reason: String,
    /// What stands in the way, where that is why.
    pub obstacles: Vec<Obstacle>,
}

impl From<Error> for Blocked {
    fn from(error: Error) -> Self {
        Self { reason: error.to_string(), obstacles: error.obstacles().to_vec() }
    }
}

impl From<Obstacle> for Blocked {
    fn from(obstacle: Obstacle) -> Self {
        Self { reason: obstacle.detail.clone(), obstacles: vec![obstacle] }
    }
}

impl Proposal {
    fn new(id: String, why: Why, task_key: Option<TaskKey>, path: &Path, detail: String) -> Self {
        let path = path.to_owned();
        Self { id, why, task_key, path, detail, blocked: None, outcome: None, record: None, spare: None }
    }
}

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct PruneRequest {
    /// Only what belongs to one project.
    pub project: Option<String>,
    /// Only what is at least so many days old; by default the days of the trash for what would be deleted, and any age
    /// for what would be moved.
    pub older_than: Option<u64>,
    /// Does it, instead of only proposing it.
    pub apply: bool,
    /// Only these proposals, by their ids: what a person has seen and agreed to.
    pub only: Option<Vec<String>>,
}

/// How many days something lies in the trash: `OKSTRA_TRASH_DAYS`, else 14.
pub fn trash_days() -> Result<u64> {
    const NAME: &str = "OKSTRA_TRASH_DAYS";
    match std::env::var_os(NAME) {
        None => Ok(DAYS),
        Some(value) => value
            .to_str()
            .and_then(|text| text.trim().parse().ok())
            .filter(|days| *days <= 36_500)
            .ok_or_else(|| Error::invalid(NAME, value.to_string_lossy(), "it is no number of days")),
    }
}

/// Proposes what may go and, when asked to, clears it away, each with what became of it. What cannot go stays and says
/// why; only a request to stop ends it early.
pub fn prune(
    home: &OkstraHome,
    registry: &Registry,
    request: &PruneRequest,
    patience: &Patience,
) -> Result<Vec<Proposal>> {
    let days = match request.older_than {
        Some(days) => days,
        None => trash_days()?,
    };
    let age = |days: u64| DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX));
    let search = Search {
        home,
        registry,
        request,
        patience,
        kept: age(days),
        moved: age(request.older_than.unwrap_or(0)),
        strange: age(request.older_than.unwrap_or(YOUNG)),
    };
    durability::from_env()?;
    if request.apply {
        home.prepare()?;
        search.settle_dead()?;
    }
    let mut proposals = Vec::new();
    search.tasks(&mut proposals)?;
    search.orphans(&mut proposals)?;
    search.trash(&mut proposals)?;
    search.quarantine(&mut proposals)?;
    search.spares(&mut proposals)?;
    if let Some(only) = &request.only {
        proposals.retain(|proposal| only.contains(&proposal.id));
    }
    if request.apply {
        for proposal in &mut proposals {
            patience.cancel.check("pruning")?;
            if let Some(blocked) = &proposal.blocked {
                proposal.outcome = Some(Err(blocked.reason.clone()));
                continue;
            }
            proposal.outcome = Some(match search.act(proposal) {
                Ok(done) => Ok(done),
                Err(error @ Error::Aborted { .. }) => return Err(error),
                Err(error) => Err(error.to_string()),
            });
        }
        // What was said to be gone must not come back, with a record that offers what is no longer whole.
        let places: Vec<PathBuf> = search.repositories()?.into_iter().chain([home.worktrees()]).collect();
        let places: Vec<&Path> = places.iter().map(PathBuf::as_path).collect();
        Durability::of_machine().flush(&places)?;
    }
    Ok(proposals)
}

struct Search<'a> {
    home: &'a OkstraHome,
    registry: &'a Registry,
    request: &'a PruneRequest,
    patience: &'a Patience,
    /// From which age on something is deleted.
    kept: Duration,
    /// From which age on something that was given free is moved into the trash.
    moved: Duration,
    /// From which age on something goes that nobody said anything of: an unknown directory, one that is gone.
    strange: Duration,
}

impl Search<'_> {
    fn concerns(&self, key: &TaskKey) -> bool {
        self.request.project.as_deref().is_none_or(|project| project == key.project())
    }

    /// Finishes the removals and returns of dead runs, one of an earlier prune perhaps; what lives holds its lock.
    fn settle_dead(&self) -> Result<()> {
        let at_once = Patience { timeout: Duration::ZERO, ..self.patience.clone() };
        for intent in Intent::all(self.home)? {
            if let Ok(key) = TaskKey::parse(&intent.task_key)
                && self.concerns(&key)
                && matches!(intent.kind, Kind::Remove | Kind::PutBack)
                && let Ok(lock) = TaskLock::acquire(self.home, &key, &at_once)
            {
                let (home, registry, patience) = (self.home, self.registry, self.patience);
                provision::settle(&Ground { home, registry, key: &key, lock: &lock, patience })?;
            }
        }
        Ok(())
    }

    fn act(&self, proposal: &Proposal) -> Result<String> {
        let cancel = &self.patience.cancel;
        if let Some(left) = &proposal.spare {
            // Whoever is at work there clears it away first.
            let at_once = Patience { timeout: Duration::ZERO, ..self.patience.clone() };
            let deletion = spare::drop_left_over(self.home, left, &at_once)?;
            return Ok(
                deletion.map_or_else(|| "may be claimed, or was deleted, by now".into(), |it| told(&it))
            );
        }
        match (proposal.why, &proposal.task_key) {
            (Why::Merged | Why::Missing, Some(key)) => {
                let done =
                    remove::remove(self.home, self.registry, key, &RemoveRequest::default(), self.patience)?;
                Ok(done.trash_id.map_or_else(|| "released".into(), |id| format!("in the trash as {id}")))
            }
            (Why::Orphan, Some(key)) => self.with_lock(key, |ground| {
                if self.registry.lookup(key)?.is_some_and(|row| row.worktree_path == proposal.path) {
                    return Ok("a row knows it by now".into());
                }
                orphan::bury(ground, &proposal.path).map(|id| format!("in the trash as {id}"))
            }),
            (Why::Expired, Some(key)) => self.with_lock(key, |ground| {
                let Some(record) = &proposal.record else { return Ok("gone by now".into()) };
                let deletion = purge::purge(self.home, record, ground.lock, cancel)?;
                self.note(key, &record.id, &deletion);
                Ok(told(&deletion))
            }),
            (Why::Unfinished, _) => self.continue_purge(&proposal.path),
            _ => disk::delete_tree(&proposal.path, cancel).map(|deletion| told(&deletion)),
        }
    }

    fn with_lock<T>(&self, key: &TaskKey, act: impl FnOnce(&Ground<'_>) -> Result<T>) -> Result<T> {
        let lock = TaskLock::acquire(self.home, key, self.patience)?;
        let ground =
            Ground { home: self.home, registry: self.registry, key, lock: &lock, patience: self.patience };
        provision::settle(&ground)?;
        act(&ground)
    }

    fn continue_purge(&self, doomed: &Path) -> Result<String> {
        let cancel = &self.patience.cancel;
        let record = Record::read_beside(self.home, doomed)?;
        let key = record.as_ref().and_then(|record| record.key().ok());
        let Some((record, key)) = record.zip(key) else {
            // The record goes last: nothing else of it is left.
            return disk::delete_tree(doomed, cancel).map(|deletion| told(&deletion));
        };
        self.with_lock(&key, |ground| {
            let deletion = purge::finish(self.home, doomed, Some(&record), ground.lock, cancel)?;
            self.note(&key, &record.id, &deletion);
            Ok(told(&deletion))
        })
    }

    fn note(&self, key: &TaskKey, id: &str, deletion: &Deletion) {
        let mut event = Event::new(EventKind::Pruned, Some(key));
        event.detail = Some(format!("{id}: {}", told(deletion)));
        self.registry.record(&event);
    }
}

fn told(deletion: &Deletion) -> String {
    if deletion.is_complete() {
        return format!("{} files deleted", deletion.deleted);
    }
    let first = deletion.examples.first().map(|(path, reason)| format!(", {}: {reason}", path.display()));
    format!("{} files deleted, {} left{}", deletion.deleted, deletion.left, first.unwrap_or_default())
}
