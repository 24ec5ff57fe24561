//! The form in which git writes an index: its version, its extensions, whether it ends with a hash. All of it is a matter
//! of configuration, and git itself is asked to write an index that is configured to be other than usual.

use std::path::Path;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::config::Config;
use crate::git::{Git, environment};
use crate::lock::TaskLock;

/// Settings that change the form.
const SETTINGS: &[&str] = &[
    "core.splitindex",
    "core.untrackedcache",
    "feature.manyfiles",
    "index.recordendofindexentries",
    "index.recordoffsettable",
    "index.skiphash",
    "index.threads",
    "index.version",
];

/// A form that is not the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    version: Option<u32>,
}

impl Form {
    /// The form of new indexes under this configuration; `None` for the usual one.
    #[must_use]
    pub fn of(config: &Config) -> Option<Self> {
        let given = environment::index_version();
        if given.is_none() && !SETTINGS.iter().any(|name| config.get(name).is_some()) {
            return None;
        }
        let configured = config.get("index.version").map(str::to_owned);
        let many_files = config.may_be_true("feature.manyfiles").then(|| "4".to_owned());
        // As git: the variable first, and what is no version counts as the usual one.
        let version = given.or(configured).or(many_files).and_then(|text| text.trim().parse().ok());
        Some(Self { version: version.filter(|version| (2..=4).contains(version)) })
    }

    /// Lets git write the index of a worktree again, in this form.
    pub fn apply(self, worktree: &Path, index: &Path, task_lock: &TaskLock, cancel: &Cancel) -> Result<()> {
        let mut git = Git::new(worktree).index_file(index).args(["update-index", "--force-write-index"]);
        if let Some(version) = self.version {
            git = git.args(["--index-version".to_owned(), version.to_string()]);
        }
        git.holding(task_lock).cancel(cancel).read().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_git_would_write() {
        let of = |lines: &[&str]| Form::of(&Config::from(lines)).map(|form| form.version);
        assert_eq!(of(&["core.bare=false"]), None);
        assert_eq!(of(&["index.version=4"]), Some(Some(4)));
        assert_eq!(of(&["feature.manyfiles=true"]), Some(Some(4)));
        assert_eq!(of(&["feature.manyfiles=true", "index.version=2"]), Some(Some(2)));
        assert_eq!(of(&["feature.manyfiles=false", "index.version=9"]), Some(None));
        assert_eq!(of(&["core.untrackedcache"]), Some(None));
    }
}
