//! Removes the worktree of one task: everything is looked at, written down, and then moved.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::changes::{self, Changes};
use super::check::{self, Findings, Site};
use super::{reachable, snapshot};
use crate::cancel::Cancel;
use crate::clock;
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::git::worktree::{self, Found};
use crate::git::{Repository, version};
use crate::home::OkstraHome;
use crate::intent::{Intent, Kind, Stage};
use crate::link;
use crate::lock::{Patience, RepositoryLock, TaskLock};
use crate::obstacle::{Obstacle, ObstacleKind};
use crate::provision;
use crate::registry::history::{Event, EventKind};
use crate::registry::{Entry, Registry};
use crate::survey::ownership;
use crate::task::TaskKey;
use crate::trash::record::{GitSide, Link, identity};
use crate::trash::{self, Ground, Record};

/// What is to be removed, and what may stand in the way.
#[derive(Debug, Clone, Default)]
pub struct RemoveRequest {
    /// The obstacles that are allowed.
    pub allow: BTreeSet<ObstacleKind>,
    /// Allows everything that any flag allows.
    pub force: bool,
    /// Deletes the branch too.
    pub delete_branch: bool,
}

impl RemoveRequest {
    fn allows(&self, kind: ObstacleKind) -> bool {
        kind.flag().is_some() && (self.force || self.allow.contains(&kind))
    }
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Removal {
    /// The task.
    pub task_key: TaskKey,
    /// Where the worktree was.
    pub path: PathBuf,
    /// The branch of the task.
    pub branch: String,
    /// Whether that branch is gone.
    pub branch_deleted: bool,
    /// The entry in the trash that holds it; `None` when its directory was gone and git had nothing of it either.
    pub trash_id: Option<String>,
    /// The commit that holds what was uncommitted; `None` when nothing was.
    pub snapshot: Option<String>,
    /// Files that are in the trash alone, because they are too large for a commit or could not be read.
    pub left_out: Vec<String>,
    /// What a person should know, in sentences; may be empty.
    pub note: String,
}

/// Moves the worktree of a task into the trash. The row stays, as released; the branch stays unless asked otherwise.
///
/// Fails with [`Error::WouldLoseWork`], which lists everything that stands in the way, with [`Error::NotFound`], and
/// with what git and the disk say. An error before the move leaves everything as it was; the move itself is finished by
/// the next call when this one dies.
pub fn remove(
    home: &OkstraHome,
    registry: &Registry,
    key: &TaskKey,
    request: &RemoveRequest,
    patience: &Patience,
) -> Result<Removal> {
    patience.cancel.check("removing the worktree")?;
    if registry.lookup(key)?.is_none() {
        return Err(Error::NotFound { task_key: key.clone() });
    }
    version::check()?;
    home.prepare()?;
    let lock = TaskLock::acquire(home, key, patience)?;
    let ground = Ground { home, registry, key, lock: &lock, patience };
    let begun = Intent::read(home, key, &lock)?
        .filter(|intent| intent.kind == Kind::Remove && intent.stage == Stage::Moving);
    let notes = provision::settle(&ground)?;
    let Some(entry) = registry.lookup(key)? else { return Err(Error::NotFound { task_key: key.clone() }) };
    if let Some(intent) = begun
        && let Some(record) = Record::read_of(home, &intent.entry.unwrap_or_default())?
    {
        // The very removal that is asked for had been begun by a run that died, and is finished now.
        let repository = trash::repository_at(&intent.common_dir, &intent.branch)?;
        return answer(&ground, repository.as_ref(), record, &intent.branch, &notes);
    }
    let result = remove_entry(&ground, &entry, request, notes);
    if let Err(error @ Error::WouldLoseWork { .. }) = &result {
        let mut event = Event::of(EventKind::Refused, &entry);
        event.detail = Some(format!("{}: {error}", error.code()));
        registry.record(&event);
    }
    result
}

pub(super) fn remove_entry(
    ground: &Ground<'_>,
    entry: &Entry,
    request: &RemoveRequest,
    notes: Vec<String>,
) -> Result<Removal> {
    let opened = open(ground.registry, entry, |common_dir| mend(ground, common_dir))?;
    match &opened {
        None => super::missing::remove(ground, entry, request, notes),
        Some(opened) => {
            take(ground, &opened.site(ground.registry, entry, request), Some(entry), request, notes)
        }
    }
}

/// Whether a removal would be refused now: the very looks that [`remove`] takes, without a lock and without changing
/// anything.
pub(super) fn check(
    registry: &Registry,
    entry: &Entry,
    request: &RemoveRequest,
    cancel: &Cancel,
) -> Result<()> {
    let obstacles = match open(registry, entry, |_| Ok(()))? {
        None => super::missing::obstacles(registry, entry)?,
        Some(opened) => check::propose(&opened.site(registry, entry, request), cancel)?.obstacles,
    };
    refuse(&entry.key, &entry.worktree_path, &obstacles, request)
}

/// The worktree of a row, with its repository.
struct Opened {
    admin: PathBuf,
    repository: Repository,
}

impl Opened {
    fn site<'a>(&'a self, registry: &'a Registry, entry: &'a Entry, request: &RemoveRequest) -> Site<'a> {
        Site {
            registry,
            key: &entry.key,
            path: &entry.worktree_path,
            admin: &self.admin,
            repository: &self.repository,
            branch: &entry.branch,
            delete_branch: request.delete_branch,
        }
    }
}

/// Opens the worktree of a row; `None` when its directory is gone. `prepare` may mend what makes every git call fail.
fn open(
    registry: &Registry,
    entry: &Entry,
    prepare: impl FnOnce(&Path) -> Result<()>,
) -> Result<Option<Opened>> {
    let path = &entry.worktree_path;
    let (admin, common_dir) = match link::look(&entry.key, path)? {
        Found::Linked { admin, common_dir } => (admin, common_dir),
        Found::RepositoryGone(repository) => {
            return Err(Error::RepositoryGone { path: path.clone(), repository });
        }
        Found::Broken(fault) => return Err(link::refusal(&entry.key, path, fault)),
        Found::Missing => return Ok(None),
    };
    ownership::check(registry, entry, &admin, &common_dir)?;
    let repository = trash::repository_at(&common_dir, &entry.branch)?
        .ok_or_else(|| Error::RepositoryGone { path: path.clone(), repository: common_dir.clone() })?;
    prepare(&common_dir)?;
    Ok(Some(Opened { admin, repository }))
}

/// A torn entry of anybody makes every git call fail, also those that look.
pub(super) fn mend(ground: &Ground<'_>, common_dir: &Path) -> Result<()> {
    let lock = RepositoryLock::acquire(ground.home, common_dir, ground.patience)?;
    worktree::repair_torn(common_dir, &lock).map(drop)
}

/// How often the content is written down anew when somebody works in the tree meanwhile. After that the tree is moved all
/// the same: it is what comes back, and the commit only a second copy.
const ATTEMPTS: usize = 3;

/// Looks, writes down, looks again, and moves.
pub(super) fn take(
    ground: &Ground<'_>,
    site: &Site<'_>,
    row: Option<&Entry>,
    request: &RemoveRequest,
    mut notes: Vec<String>,
) -> Result<Removal> {
    let cancel = &ground.patience.cancel;
    // A wrong setting is refused while nothing has been touched.
    Durability::of(site.repository)?;
    let mut findings = check::look(site, cancel)?;
    refuse(ground.key, site.path, &findings.obstacles, request)?;

    let mut intent =
        Intent::new(Kind::Remove, ground.key, &site.repository.common_dir, site.path, site.branch);
    intent.stage = Stage::Preparing;
    let id = trash::new_id(&intent.op);
    trash::check_places(Some(&site.repository.common_dir), &trash::tree_place(ground.home, &id, site.path))?;
    intent.entry = Some(id);
    intent.write(ground.home, ground.key, ground.lock)?;
    let prepared = (|| {
        for _ in 1..ATTEMPTS {
            let record = write_down(ground, site, row, request, &findings, &intent)?;
            let again = check::look(site, cancel)?;
            refuse(ground.key, site.path, &again.obstacles, request)?;
            if again.status == findings.status {
                return Ok(record);
            }
            findings = again;
        }
        write_down(ground, site, row, request, &findings, &intent)
    })();
    let record = move_or_abandon(ground, &mut intent, prepared)?;
    notes.extend(trash::bury(ground, &intent, &record)?);
    answer(ground, Some(site.repository), record, site.branch, &notes)
}

/// Commits to the move, or takes back what was prepared for it.
pub(super) fn move_or_abandon(
    ground: &Ground<'_>,
    intent: &mut Intent,
    prepared: Result<Record>,
) -> Result<Record> {
    let committed = prepared.and_then(|record| {
        ground.patience.cancel.check("removing the worktree")?;
        trash::commit_to_moving(ground, intent, &record)?;
        Ok(record)
    });
    match committed {
        Err(error) if intent.stage == Stage::Preparing && trash::abandon(ground, intent).is_ok() => {
            Err(error)
        }
        Err(error) => Err(error.begun(format!("okstra remove {}", ground.key))),
        committed => committed,
    }
}

pub(super) fn refuse(key: &TaskKey, path: &Path, found: &[Obstacle], request: &RemoveRequest) -> Result<()> {
    let obstacles: Vec<Obstacle> =
        found.iter().filter(|obstacle| !request.allows(obstacle.kind)).cloned().collect();
    if obstacles.is_empty() {
        return Ok(());
    }
    Err(Error::WouldLoseWork { task_key: key.clone(), path: path.to_owned(), obstacles })
}

/// The snapshot, and the record of everything.
fn write_down(
    ground: &Ground<'_>,
    site: &Site<'_>,
    row: Option<&Entry>,
    request: &RemoveRequest,
    findings: &Findings,
    intent: &Intent,
) -> Result<Record> {
    let common_dir = &site.repository.common_dir;
    let id = intent.entry.clone().unwrap_or_default();
    let branch_tip = site.repository.branch_tip(site.branch)?;
    let mut found = changes::of(site.path, ground.lock, &ground.patience.cancel)?;
    // What a cache made is in the trash alone.
    let wanted: BTreeSet<&[u8]> =
        findings.untracked.iter().map(|path| path.as_os_str().as_encoded_bytes()).collect();
    found.untracked.retain(|path| wanted.contains(path.as_slice()));
    let links = findings.links.iter().filter_map(|name| {
        let target = std::fs::read_link(site.path.join(name)).ok()?;
        Some(Link { name: name.to_str()?.to_owned(), target })
    });
    let mut record = Record {
        version: 1,
        op: intent.op.clone(),
        at: clock::utc_now(),
        task_key: ground.key.to_string(),
        row: row.map(Into::into),
        path: site.path.to_owned(),
        tree: trash::tree_place(ground.home, &id, site.path),
        tree_id: identity(site.path),
        git: Some(GitSide {
            common_dir: common_dir.clone(),
            admin: site.admin.to_owned(),
            kept: trash::kept_admin(common_dir, &id),
            branch: findings.status.branch.clone(),
            head: findings.status.commit.clone(),
            branch_tip: branch_tip.clone(),
            delete_branch: request.delete_branch && branch_tip.is_some(),
            snapshot: None,
            left_out: Vec::new(),
        }),
        id,
        links: links.collect(),
        uncommitted: found.tracked.len() as u64,
        untracked: found.untracked.len() as u64,
    };
    keep(ground, site.admin, Some(site.path), &found, request.delete_branch, &mut record)?;
    Ok(record)
}

/// Makes the snapshot and notes it in the record.
pub(super) fn keep(
    ground: &Ground<'_>,
    admin: &Path,
    worktree: Option<&Path>,
    found: &Changes,
    delete_branch: bool,
    record: &mut Record,
) -> Result<()> {
    let Some(git) = &record.git else { return Ok(()) };
    let (branch, tip) = (record.branch().filter(|_| delete_branch), git.branch_tip.clone());
    let more: Vec<String> = tip.into_iter().collect();
    let commits = reachable::only_here((admin, &git.common_dir), branch, &more, ground.lock)?;
    let common_dir = git.common_dir.clone();
    let content = snapshot::Content { worktree, admin, common_dir: &common_dir, changes: found, commits };
    let made = snapshot::take(&content, record, ground.lock, &ground.patience.cancel)?;
    if let Some(git) = &mut record.git {
        git.snapshot = made.commit;
        git.left_out = made.left_out;
    }
    Ok(())
}

pub(super) fn answer(
    ground: &Ground<'_>,
    repository: Option<&Repository>,
    record: Record,
    branch: &str,
    notes: &[String],
) -> Result<Removal> {
    let asked = record.git.as_ref().is_some_and(|git| git.delete_branch);
    let branch_deleted = match repository.filter(|_| asked) {
        Some(repository) => repository.branch_tip(branch)?.is_none(),
        None => false,
    };
    let (snapshot, left_out) = record.git.map(|git| (git.snapshot, git.left_out)).unwrap_or_default();
    Ok(Removal {
        task_key: ground.key.clone(),
        path: record.path,
        branch: branch.to_owned(),
        branch_deleted,
        trash_id: Some(record.id),
        snapshot,
        left_out,
        note: notes.join("; "),
    })
}
