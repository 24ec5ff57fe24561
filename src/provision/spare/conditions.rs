//! What decides, besides the commit, which bytes git writes into a tree. A spare that was made under other conditions
//! is not what git would make now.
//!
//! Settings are compared as they are in force, not the files they come from: a list of files knows nothing of one that
//! appears later (an `include.path` that pointed nowhere, a first `~/.gitconfig`), nor of one that a variable now names.
//! Attributes outside the tree are compared by their content, for the same reason.

use std::env;
use std::fs;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::disk;
use crate::git::config::Config;
use crate::git::{Repository, attributes, environment, version};

/// Variables that git hands on to the filters, which look for settings of their own by them, and those that are settings.
const VARIABLES: &[&str] = &["GIT_ATTR_NOSYSTEM", "GIT_INDEX_VERSION", "HOME", "XDG_CONFIG_HOME"];
/// The same, by their beginning: some make git-lfs leave its pointers as they are.
const PREFIX: &str = "GIT_LFS_";

/// The conditions under which a tree was filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// A hash over all of them.
    hash: String,
}

impl Conditions {
    /// The present conditions of a repository with this configuration, or why no spare may be made or claimed under them.
    pub fn of(repository: &Repository, config: &Config) -> Result<Self, &'static str> {
        if let Some(reason) = config.records().find_map(refused) {
            return Err(reason);
        }
        // The id of a blob does not say what is written for it then.
        if repository.has_replacements {
            return Err("it has replaced objects (git replace)");
        }
        if environment::reads_attributes_elsewhere() {
            return Err("its attributes come from another commit (GIT_ATTR_SOURCE)");
        }
        if repository.post_checkout.with_file_name("post-index-change").exists() {
            return Err("its post-index-change hook is to see every new worktree");
        }
        let mut hasher = Sha256::new();
        // Pushing a branch writes there, and no tree depends on it.
        for record in config.records().filter(|record| !record.starts_with(b"branch.")) {
            hasher.update(record);
            hasher.update(b"\0");
        }
        let Some(files) = attributes::outside_the_tree(&repository.common_dir, config) else {
            return Err("core.attributesFile is a path that only git understands");
        };
        for file in files {
            let Ok(found) = disk::read_regular(&file, attributes::LIMIT) else {
                return Err("an attributes file outside the tree cannot be read");
            };
            // Where it lies does not matter, what it says does.
            let content = found.map(|(_, content)| content).filter(|content| !content.is_empty());
            hasher.update(format!("\n{:?} ", content.as_ref().map(Vec::len)));
            hasher.update(content.unwrap_or_default());
        }
        let mut variables: Vec<_> = env::vars_os().collect();
        variables.retain(|(name, _)| {
            let name = name.to_string_lossy();
            VARIABLES.contains(&&*name) || name.starts_with(PREFIX)
        });
        variables.sort();
        hasher.update(format!("\n{variables:?}\n{}\n{:?}", whoever_makes_files(), version::known().ok()));
        let hash = hasher.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { hash })
    }
}

/// Settings that make two worktrees of one commit differ, or that need the real administrative directory.
fn refused(record: &[u8]) -> Option<&'static str> {
    let mut halves = record.splitn(2, |byte| *byte == b'\n');
    let key = halves.next().unwrap_or_default();
    let value = halves.next();
    let off = |value: &[u8]| {
        ["false", "no", "off", "0", ""].iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
    };
    let on = value.is_none_or(|value| !off(value));
    match key {
        b"core.sparsecheckout" if on => Some("the repository uses a sparse checkout"),
        b"extensions.worktreeconfig" if on => Some("its worktrees have settings of their own"),
        // git gives the root of a worktree the group and the modes for that, and a spare has its root already.
        b"core.sharedrepository" if on && value != Some(b"umask") => {
            Some("the repository is shared with a group (core.sharedRepository)")
        }
        b"attr.tree" => Some("its attributes come from another commit (attr.tree)"),
        _ if key.starts_with(b"includeif.") => Some("its settings depend on the worktree (includeIf)"),
        _ if key.starts_with(b"hook.") && value == Some(b"post-index-change") => {
            Some("a post-index-change hook of its configuration is to see every new worktree")
        }
        _ => None,
    }
}

/// The user, the group and the umask that new files get.
#[cfg(unix)]
fn whoever_makes_files() -> String {
    use rustix::process::{getegid, geteuid};
    format!("{} {} {:?}", geteuid().as_raw(), getegid().as_raw(), umask())
}

#[cfg(not(unix))]
fn whoever_makes_files() -> String {
    format!("{:?}", umask())
}

// There is no way to ask for the umask without changing it for all threads; Linux shows it in /proc. Elsewhere a changed
// umask goes unnoticed, and a claimed tree keeps the modes it was made with.
fn umask() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Umask:")).map(|mask| mask.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_worktrees_differ_are_refused() {
        for (record, is_refused) in [
            ("core.sparsecheckout\ntrue", true),
            ("core.sparsecheckout", true),
            ("core.sparsecheckout\nFalse", false),
            ("includeif.onbranch:x.path\nf", true),
            ("extensions.worktreeconfig\n1", true),
            ("core.sharedrepository\ngroup", true),
            ("core.sharedrepository\numask", false),
            ("attr.tree\nHEAD", true),
            ("hook.mine.event\npost-index-change", true),
            ("hook.mine.event\npre-commit", false),
            ("core.autocrlf\ntrue", false),
        ] {
            assert_eq!(refused(record.as_bytes()).is_some(), is_refused, "{record}");
        }
    }

    #[test]
    fn every_setting_is_a_condition_but_what_pushing_a_branch_writes() {
        let directory = tempfile::tempdir().unwrap();
        let mut repository = Repository::stub(directory.path());
        let of = |repository: &Repository, lines: &[&str]| Conditions::of(repository, &Config::from(lines));
        let usual = of(&repository, &["core.bare=false"]);
        assert!(usual.is_ok());
        assert_eq!(usual, of(&repository, &["core.bare=false", "branch.main.remote=origin"]));
        assert_ne!(usual, of(&repository, &["core.bare=false", "core.autocrlf=true"]));
        assert_ne!(usual, of(&repository, &["core.bare"]));
        let (one, other) =
            (["filter.a.smudge=x", "filter.a.smudge=y"], ["filter.a.smudge=y", "filter.a.smudge=x"]);
        assert_ne!(of(&repository, &one), of(&repository, &other), "the last one wins");
        for relative in ["attributes", "~root/attributes", "%(prefix)/attributes"] {
            assert!(of(&repository, &[&format!("core.attributesfile={relative}")]).is_err(), "{relative}");
        }
        repository.has_replacements = true;
        assert!(of(&repository, &["core.bare=false"]).is_err());
    }
}
