//! A task whose directory is gone already: the registry and git still count on it.

use std::path::{Path, PathBuf};

use super::remove::{self, Removal, RemoveRequest};
use super::{changes, check};
use crate::clock;
use crate::error::Result;
use crate::git::{Git, Repository, entries};
use crate::intent::{Intent, Kind, Stage};
use crate::link;
use crate::obstacle::Obstacle;
use crate::registry::{Entry, Registry};
use crate::trash::record::GitSide;
use crate::trash::{self, Ground, Record};

/// Puts what git kept of the directory (index, `HEAD`, an operation in progress) into the trash and releases the row.
/// Only this one entry of git's goes: a repository-wide `git worktree prune` would take those of others with it, whose
/// disk may only not be mounted.
pub(super) fn remove(
    ground: &Ground<'_>,
    entry: &Entry,
    request: &RemoveRequest,
    mut notes: Vec<String>,
) -> Result<Removal> {
    let (repository, admin) = left_of(ground.registry, entry)?;
    notes.push(match trash::newest_of(ground.home, ground.key) {
        Some(record) => format!("its directory was gone already; the trash holds it as {}", record.id),
        None => "its directory was gone already".into(),
    });
    remove::refuse(
        ground.key,
        &entry.worktree_path,
        &residents(ground.registry, admin.as_deref())?,
        request,
    )?;
    let Some((repository, admin)) = repository.zip(admin) else {
        ground.registry.release_row(ground.key, ground.patience)?;
        return Ok(Removal {
            task_key: ground.key.clone(),
            path: entry.worktree_path.clone(),
            branch: entry.branch.clone(),
            branch_deleted: false,
            trash_id: None,
            snapshot: None,
            left_out: Vec::new(),
            note: notes.join("; "),
        });
    };
    remove::mend(ground, &repository.common_dir)?;
    let mut intent =
        Intent::new(Kind::Remove, ground.key, &repository.common_dir, &entry.worktree_path, &entry.branch);
    intent.stage = Stage::Preparing;
    let id = trash::new_id(&intent.op);
    trash::check_places(
        Some(&repository.common_dir),
        &trash::tree_place(ground.home, &id, &entry.worktree_path),
    )?;
    intent.entry = Some(id);
    intent.write(ground.home, ground.key, ground.lock)?;
    let prepared = (|| {
        let git = || Git::new(&repository.common_dir).git_dir(Some(&admin));
        let ask = |args: &[&str]| -> Result<Option<String>> {
            let output = git().args(args).run()?;
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Ok((output.status.success() && !text.is_empty()).then_some(text))
        };
        let head = ask(&["rev-parse", "--verify", "--quiet", "HEAD"])?;
        let named = ask(&["symbolic-ref", "--quiet", "HEAD"])?;
        let found = changes::of_index(&repository.common_dir, &admin, head.as_deref())?;
        let id = intent.entry.clone().unwrap_or_default();
        let mut record = Record {
            version: 1,
            op: intent.op.clone(),
            at: clock::utc_now(),
            task_key: ground.key.to_string(),
            row: Some(entry.into()),
            path: entry.worktree_path.clone(),
            tree: trash::tree_place(ground.home, &id, &entry.worktree_path),
            tree_id: None,
            git: Some(GitSide {
                common_dir: repository.common_dir.clone(),
                admin: admin.clone(),
                kept: trash::kept_admin(&repository.common_dir, &id),
                branch: named.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned)),
                head,
                branch_tip: repository.branch_tip(&entry.branch)?,
                // A directory that vanished may come back; nothing is decided about its branch.
                delete_branch: false,
                snapshot: None,
                left_out: Vec::new(),
            }),
            id,
            links: Vec::new(),
            uncommitted: found.tracked.len() as u64,
            untracked: 0,
        };
        remove::keep(ground, &admin, None, &found, false, &mut record)?;
        Ok(record)
    })();
    if request.delete_branch {
        notes.push(format!("branch {} was kept", entry.branch));
    }
    let record = remove::move_or_abandon(ground, &mut intent, prepared)?;
    notes.extend(trash::bury(ground, &intent, &record)?);
    remove::answer(ground, Some(&repository), record, &entry.branch, &notes)
}

/// What stands in the way of it.
pub(super) fn obstacles(registry: &Registry, entry: &Entry) -> Result<Vec<Obstacle>> {
    let (_, admin) = left_of(registry, entry)?;
    residents(registry, admin.as_deref())
}

fn residents(registry: &Registry, admin: Option<&Path>) -> Result<Vec<Obstacle>> {
    let Some(admin) = admin else { return Ok(Vec::new()) };
    Ok(check::residents_in(registry, &[admin], None)?.into_iter().collect())
}

/// The repository, and the entry that git still has of the directory.
fn left_of(registry: &Registry, entry: &Entry) -> Result<(Option<Repository>, Option<PathBuf>)> {
    let recorded = registry.repository_of(&entry.key)?;
    let repository = match &recorded {
        Some(common_dir) => trash::repository_at(common_dir, &entry.branch)?,
        None => None,
    };
    let admin = repository.as_ref().and_then(|repository| {
        entries::pointing_to(&repository.common_dir, &entry.worktree_path)
            .into_iter()
            .find(|admin| link::other_task(admin, &entry.key).is_none())
    });
    Ok((repository, admin))
}
