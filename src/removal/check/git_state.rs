//! What git keeps of a worktree beside its files: an operation in progress, commits that nothing else reaches, stashes, a
//! lock.

use super::{Site, counted};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::operation;
use crate::git::worktree::lock;
use crate::git::{Git, worktree};
use crate::obstacle::{Obstacle, ObstacleKind};
use crate::survey::branch;
use crate::survey::status::WorkStatus;

/// Looks at all of it.
pub(super) fn look(
    site: &Site<'_>,
    status: &WorkStatus,
    cancel: &Cancel,
    obstacles: &mut Vec<Obstacle>,
) -> Result<()> {
    let operations = operation::in_progress(site.path, site.admin)?;
    if !operations.is_empty() {
        let kinds: Vec<String> = operations.iter().map(|one| one.kind.as_str().to_owned()).collect();
        let detail = format!("a {} in progress", kinds.join(" and a "));
        obstacles.push(Obstacle::new(ObstacleKind::Operation, detail, &kinds));
    }
    if status.branch.is_none()
        && let Some(commit) = &status.commit
    {
        let count = branch::commits_nowhere(site.path, commit, cancel)?;
        if count > 0 {
            let detail = format!(
                "a detached HEAD with {} on no branch",
                counted(usize::try_from(count).unwrap_or(usize::MAX), "commit", "commits")
            );
            let mut obstacle = Obstacle::new(ObstacleKind::Detached, detail, std::slice::from_ref(commit));
            obstacle.count = count;
            obstacles.push(obstacle);
        }
    }
    private_refs(site, cancel, obstacles)?;
    stashes(site, status, cancel, obstacles)?;
    if let Some(reason) = lock::of(site.admin)?.not_of(site.key) {
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        obstacles.push(Obstacle::new(ObstacleKind::Locked, format!("git's lock{why}"), &[reason]));
    }
    if site.delete_branch {
        branch_to_delete(site, cancel, obstacles)?;
    }
    Ok(())
}

fn branch_to_delete(site: &Site<'_>, cancel: &Cancel, obstacles: &mut Vec<Obstacle>) -> Result<()> {
    let name = format!("refs/heads/{}", site.branch);
    if site.repository.branch_tip(site.branch)?.is_none() {
        return Ok(());
    }
    // Without `refs/heads/`, as `--branches` wants it: with it nothing would be excluded, and every commit be found.
    let exclude = format!("--exclude={}", site.branch);
    let args = ["rev-list", &name, "--not", &exclude, "--branches", "--remotes", "--tags"];
    let output = site.repository.git().args(args).looks_only().cancel(cancel).read()?;
    let commits: Vec<String> = String::from_utf8_lossy(&output).lines().map(str::to_owned).collect();
    if !commits.is_empty() {
        let detail = format!(
            "branch {} has {} on no other branch or remote",
            site.branch,
            counted(commits.len(), "commit", "commits")
        );
        obstacles.push(Obstacle::new(ObstacleKind::Unmerged, detail, &commits));
    }
    if let Some(path) = worktree::checked_out_at(site.repository, site.branch, Some(site.path))? {
        let path = path.display().to_string();
        let detail = format!("branch {} is checked out at {path} too", site.branch);
        obstacles.push(Obstacle::new(ObstacleKind::BranchInUse, detail, &[path]));
    }
    Ok(())
}

/// `refs/worktree/` is the worktree's own, and is given its names by people.
fn private_refs(site: &Site<'_>, cancel: &Cancel, obstacles: &mut Vec<Obstacle>) -> Result<()> {
    let args = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/worktree"];
    let output = Git::new(site.path).args(args).looks_only().cancel(cancel).read()?;
    let text = String::from_utf8_lossy(&output);
    let mut alone = Vec::new();
    for (object, name) in text.lines().filter_map(|line| line.split_once(' ')) {
        let args = ["rev-list", "--count", object, "--not", "--branches", "--remotes", "--tags"];
        let counted = Git::new(site.path).args(args).looks_only().cancel(cancel).run()?;
        // What is no commit cannot be on a branch.
        if !counted.status.success() || counted.stdout.trim_ascii() != b"0" {
            alone.push(name.to_owned());
        }
    }
    if !alone.is_empty() {
        let (one, many) = ("ref of this worktree alone with", "refs of this worktree alone with");
        let detail = format!("{} commits on no branch", counted(alone.len(), one, many));
        obstacles.push(Obstacle::new(ObstacleKind::Refs, detail, &alone));
    }
    Ok(())
}

/// All worktrees share one list of stashes. A stash names the branch that was checked out, which no two worktrees have at
/// once; one that was made on a detached `HEAD` names the commit, at which two worktrees may have been.
fn stashes(
    site: &Site<'_>,
    status: &WorkStatus,
    cancel: &Cancel,
    obstacles: &mut Vec<Obstacle>,
) -> Result<()> {
    let args = ["stash", "list", "--no-show-signature", "--format=%gd%x00%P%x00%gs"];
    let output = Git::new(site.path).args(args).looks_only().cancel(cancel).read()?;
    let text = String::from_utf8_lossy(&output);
    if text.is_empty() {
        return Ok(());
    }
    // `git stash` resets, and the worktree remembers from where.
    let reset = std::fs::read_to_string(site.admin.join("ORIG_HEAD")).unwrap_or_default();
    let detached = status.commit.as_deref().filter(|_| status.branch.is_none());
    let was_here = |base: &str| detached == Some(base) || reset.trim() == base;
    let mut ours = Vec::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, '\0');
        let (Some(name), Some(parents), Some(subject)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let on = subject.strip_prefix("WIP on ").or_else(|| subject.strip_prefix("On "));
        let Some((on, _)) = on.and_then(|on| on.split_once(": ")) else { continue };
        let here = if on == "(no branch)" {
            parents.split(' ').next().is_some_and(was_here)
        } else {
            on == site.branch || Some(on) == status.branch.as_deref()
        };
        if here {
            ours.push(format!("{name}: {subject}"));
        }
    }
    if !ours.is_empty() {
        let counted = counted(ours.len(), "stash that was made here", "stashes that were made here");
        let detail = format!("{counted}; the repository keeps them");
        obstacles.push(Obstacle::new(ObstacleKind::Stashes, detail, &ours));
    }
    Ok(())
}
