//! The branches and remote-tracking branches of a repository.

use std::collections::{HashMap, HashSet};

use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::Repository;

/// One branch.
pub(super) struct Reference {
    /// The commit that it stands at.
    pub commit: String,
    /// The full name of what it follows.
    pub upstream: Option<String>,
}

/// A branch that work is merged into.
pub(super) struct Target {
    /// As people call it.
    pub name: String,
    /// As git calls it; empty for a detached `HEAD`.
    pub full_name: String,
    /// The commit that it stands at.
    pub commit: String,
}

/// All of them, by full name.
pub(super) struct References {
    all: HashMap<String, Reference>,
    /// Full names: what the main worktree has checked out, and what each remote calls its `HEAD`.
    defaults: Vec<String>,
    /// The commit of a detached `HEAD` of the main worktree.
    detached: Option<String>,
}

impl References {
    /// One call.
    pub(super) fn read(repository: &Repository, cancel: &Cancel) -> Result<Self> {
        let format = "--format=%(HEAD)%00%(refname)%00%(objectname)%00%(symref)%00%(upstream)";
        let git = repository.git().args(["for-each-ref", format, "refs/heads", "refs/remotes"]);
        let output = git.looks_only().cancel(cancel).read()?;
        let (mut all, mut defaults) = (HashMap::new(), Vec::new());
        for line in String::from_utf8_lossy(&output).lines() {
            let fields: Vec<&str> = line.split('\0').collect();
            let [head, name, commit, target, upstream] = fields[..] else { continue };
            if head == "*" {
                defaults.insert(0, name.to_owned());
            }
            if !target.is_empty() {
                // refs/remotes/origin/HEAD: another name of a branch that is listed itself.
                defaults.push(target.to_owned());
                continue;
            }
            let upstream = Some(upstream.to_owned()).filter(|name| !name.is_empty());
            all.insert(name.to_owned(), Reference { commit: commit.to_owned(), upstream });
        }
        let on_branch = defaults.first().is_some_and(|name| name.starts_with("refs/heads/"));
        let detached = if on_branch { None } else { repository.head.clone() };
        Ok(Self { all, defaults, detached })
    }

    pub(super) fn branch(&self, short: &str) -> Option<&Reference> {
        self.all.get(&format!("refs/heads/{short}"))
    }

    pub(super) fn tip(&self, full_name: &str) -> Option<&str> {
        self.all.get(full_name).map(|reference| reference.commit.as_str())
    }

    /// What work is merged into, each commit once.
    pub(super) fn targets(&self) -> Vec<Target> {
        let detached = self.detached.iter().map(|commit| Target {
            name: "HEAD".into(),
            full_name: String::new(),
            commit: commit.clone(),
        });
        let named = self.defaults.iter().filter_map(|full_name| {
            let commit = self.tip(full_name)?.to_owned();
            Some(Target { name: short(full_name).to_owned(), full_name: full_name.clone(), commit })
        });
        let mut targets: Vec<Target> = Vec::new();
        for target in named.chain(detached) {
            if !targets.iter().any(|known| known.commit == target.commit) {
                targets.push(target);
            }
        }
        targets
    }

    /// Where the remote-tracking branches stand.
    pub(super) fn remote_tips(&self) -> Vec<&str> {
        let remote = self.all.iter().filter(|(name, _)| name.starts_with("refs/remotes/"));
        distinct(remote.map(|(_, reference)| reference.commit.as_str()))
    }

    /// Where everything stands but these branches.
    pub(super) fn tips_without(&self, branches: &[&str]) -> Vec<&str> {
        let left_out: HashSet<String> = branches.iter().map(|name| format!("refs/heads/{name}")).collect();
        let others = self.all.iter().filter(|(name, _)| !left_out.contains(*name));
        distinct(others.map(|(_, reference)| reference.commit.as_str()))
    }
}

fn distinct<'a>(commits: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let set: HashSet<&str> = commits.collect();
    let mut list: Vec<&str> = set.into_iter().collect();
    list.sort_unstable();
    list
}

/// A name as people write it.
pub(super) fn short(full_name: &str) -> &str {
    let after = |prefix| full_name.strip_prefix(prefix);
    after("refs/heads/").or_else(|| after("refs/remotes/")).unwrap_or(full_name)
}

/// Those of the ids that name a commit of the repository.
pub(super) fn batch_check<'a>(
    repository: &Repository,
    ids: &[&'a str],
    cancel: &Cancel,
) -> Result<HashSet<&'a str>> {
    let ids: HashSet<&str> = ids
        .iter()
        .copied()
        .filter(|id| id.len() >= 40 && id.bytes().all(|b| b.is_ascii_hexdigit()))
        .collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let input: String = ids.iter().map(|id| format!("{id}\n")).collect();
    let git = repository.git().args(["cat-file", "--batch-check=%(objectname) %(objecttype)"]);
    let output = git.looks_only().input_bytes(input.into_bytes()).cancel(cancel).read()?;
    let commits: HashSet<String> = String::from_utf8_lossy(&output)
        .lines()
        .filter_map(|line| line.strip_suffix(" commit").map(str::to_owned))
        .collect();
    Ok(ids.into_iter().filter(|id| commits.contains(*id)).collect())
}
