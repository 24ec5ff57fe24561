//! What became of branches: how far they are from where they began and from their upstream, whether their work is in
//! the default branch, whether it is anywhere else.
//!
//! All branches of one repository are answered together, with a fixed number of git calls: two hundred cost little more
//! than one.

mod graph;
mod integrated;
mod references;

use std::path::Path;

use self::graph::Graph;
use self::references::{References, batch_check};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::{Git, Repository};

/// A branch that is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Its short name.
    pub branch: &'a str,
    /// The full id of the commit that it began at, where that is known.
    pub base: Option<&'a str>,
}

/// How many commits one commit has that another has not, and the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distance {
    /// Commits of its own.
    pub ahead: u64,
    /// Commits that it has not.
    pub behind: u64,
}

/// The branch that a branch follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Its name, as `origin/main`.
    pub name: String,
    /// How far apart they are; `None`: the upstream is gone.
    pub distance: Option<Distance>,
}

/// Whether the work of a branch is in the default branch: that of a remote, or what the main worktree has checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// It has no commit of its own: there is nothing to merge.
    Empty,
    /// All its commits are in this branch.
    Commits(String),
    /// This branch has the same changes in other commits: it was squashed, rebased or picked.
    Changes(String),
    /// No.
    No,
    /// It could not be found out.
    Unknown,
}

/// What became of one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchFacts {
    /// The commit it stands at.
    pub tip: String,
    /// How far it is from its base; `None`: the base is not known, or not in the repository any more.
    pub base: Option<Distance>,
    /// Its upstream, where it has one.
    pub upstream: Option<Upstream>,
    /// Whether its work is in the default branch.
    pub merged: Merged,
    /// How many of its commits are on no remote-tracking branch; `None`: the repository has no remote-tracking branch.
    pub unpushed: Option<u64>,
    /// How many of its commits are on no other branch and on no remote-tracking branch.
    pub only_here: u64,
}

/// What became of each branch, in their order; `None` for a branch that does not exist.
pub fn facts(repository: &Repository, asks: &[Ask<'_>], cancel: &Cancel) -> Result<Vec<Option<BranchFacts>>> {
    let references = References::read(repository, cancel)?;
    let bases: Vec<&str> = asks.iter().filter_map(|ask| ask.base).collect();
    let known_bases = batch_check(repository, &bases, cancel)?;
    let found: Vec<Found<'_>> = asks
        .iter()
        .filter_map(|ask| {
            let reference = references.branch(ask.branch)?;
            let base = ask.base.filter(|base| known_bases.contains(*base));
            let upstream = reference.upstream.as_deref().map(|name| (name, references.tip(name)));
            Some(Found { branch: ask.branch, tip: &reference.commit, base, upstream })
        })
        .collect();
    if found.is_empty() {
        return Ok(asks.iter().map(|_| None).collect());
    }
    let targets = references.targets();

    let mut starts: Vec<&str> = targets.iter().map(|target| target.commit.as_str()).collect();
    for one in &found {
        starts.push(one.tip);
        starts.extend(one.base);
        starts.extend(one.upstream.and_then(|(_, tip)| tip));
    }
    let nearby = Graph::around(repository, &starts, cancel)?;
    let tips: Vec<&str> = found.iter().map(|one| one.tip).collect();
    let has_remotes = !references.remote_tips().is_empty();
    let unpushed = if has_remotes {
        Some(Graph::beyond(repository, &tips, &references.remote_tips(), cancel)?)
    } else {
        None
    };
    let others = references.tips_without(&found.iter().map(|one| one.branch).collect::<Vec<_>>());
    let lonely = Graph::beyond(repository, &tips, &others, cancel)?;

    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut merged: Vec<Merged> = Vec::new();
    for (index, one) in found.iter().enumerate() {
        let into = targets.iter().filter(|target| target.full_name != format!("refs/heads/{}", one.branch));
        let distance = |commit: &str| nearby.distance(one.tip, commit);
        let has_own = one.base.is_none_or(|base| distance(base).ahead > 0);
        let holder = into.clone().find(|target| distance(&target.commit).ahead == 0);
        merged.push(match holder {
            _ if !has_own => Merged::Empty,
            Some(target) => Merged::Commits(target.name.clone()),
            None => {
                open.extend(into.map(|target| (index, target.commit.as_str())));
                Merged::No
            }
        });
    }
    let pairs: Vec<(&str, &str)> = open.iter().map(|(index, target)| (found[*index].tip, *target)).collect();
    let verdicts = integrated::are_integrated(repository, &pairs, cancel)?;
    for ((index, commit), verdict) in open.into_iter().zip(verdicts) {
        let name = || targets.iter().find(|target| target.commit == commit).map(|target| target.name.clone());
        match (verdict, name()) {
            (Some(true), Some(name)) => merged[index] = Merged::Changes(name),
            (None, _) if merged[index] == Merged::No => merged[index] = Merged::Unknown,
            _ => {}
        }
    }

    let mut facts = found.iter().zip(merged).map(|(one, merged)| BranchFacts {
        tip: one.tip.to_owned(),
        base: one.base.map(|base| nearby.distance(one.tip, base)),
        upstream: one.upstream.map(|(name, tip)| Upstream {
            name: references::short(name).to_owned(),
            distance: tip.map(|tip| nearby.distance(one.tip, tip)),
        }),
        merged,
        unpushed: unpushed.as_ref().map(|graph| graph.reachable(one.tip)),
        only_here: lonely.reachable_only_from(one.tip, &tips),
    });
    Ok(asks.iter().map(|ask| references.branch(ask.branch).and_then(|_| facts.next())).collect())
}

/// A branch that exists.
struct Found<'a> {
    branch: &'a str,
    tip: &'a str,
    base: Option<&'a str>,
    /// Full name, and the commit where it exists.
    upstream: Option<(&'a str, Option<&'a str>)>,
}

/// How many commits of a detached `HEAD` are on no branch, no remote-tracking branch and no tag.
pub fn commits_nowhere(worktree: &Path, commit: &str, cancel: &Cancel) -> Result<u64> {
    let args = ["rev-list", "--count", commit, "--not", "--branches", "--remotes", "--tags"];
    let output = Git::new(worktree).args(args).looks_only().cancel(cancel).read()?;
    let text = String::from_utf8_lossy(&output);
    text.trim().parse().map_err(|_| crate::Error::Internal {
        message: format!("git rev-list --count answered {:?}", text.trim()),
    })
}
