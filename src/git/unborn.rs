//! Why `HEAD` names no commit: a repository without any is only one of the reasons, and each has another way out.

use std::fs;
use std::path::Path;

use super::operation::{self, Head};
use super::repository::Repository;
use crate::error::{Error, Result};

/// How many names of branches a hint lists.
const NAMED: usize = 5;

impl Repository {
    /// The error of a call that wanted to start at a `HEAD` that names no commit.
    pub fn no_commit_at_head(&self) -> Result<Error> {
        let repository = self.place();
        let unreadable =
            |reason: String| Error::HeadUnreadable { path: self.common_dir.join("HEAD"), reason };
        let branch = match operation::head(self.anchor(), &self.common_dir) {
            Ok(Head::Branch(branch)) => branch,
            Ok(Head::Detached(commit)) if is_id(&commit) => {
                return Ok(Error::ObjectsMissing { repository, what: "HEAD".into(), commit });
            }
            Ok(Head::Detached(text)) => return Ok(unreadable(format!("it holds {text:?}"))),
            Err(error) => return Ok(unreadable(error.to_string())),
        };
        let name = format!("refs/heads/{branch}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &name];
        let at = self.git().args(args).looks_only().run()?;
        let commit = String::from_utf8_lossy(&at.stdout).trim().to_owned();
        if at.status.success() && is_id(&commit) {
            return Ok(Error::ObjectsMissing { repository, what: format!("branch {branch}"), commit });
        }
        let file = self.common_dir.join(&name);
        if fs::symlink_metadata(&file).is_ok_and(|found| !found.is_dir()) {
            return Ok(Error::HeadUnreadable { path: file, reason: "it holds no commit id".into() });
        }
        let others = self.branches()?;
        if others.is_empty() {
            return Ok(Error::NoCommits { repository });
        }
        Ok(Error::HeadUnborn { repository, branch, others })
    }

    /// Names of some references to start from: local branches, then those of remotes, then tags.
    fn branches(&self) -> Result<Vec<String>> {
        let args = ["for-each-ref", "--format=%(refname)%00%(symref)"];
        let listed =
            self.git().args(args).args(["refs/heads", "refs/remotes", "refs/tags"]).looks_only().read()?;
        let listed = String::from_utf8_lossy(&listed);
        let real = listed.lines().filter_map(|line| line.split_once('\0')).filter(|(_, of)| of.is_empty());
        let mut names: Vec<&str> = real.map(|(name, _)| name).collect();
        // What people call their main line goes first.
        let place = |name: &str| {
            ["refs/heads/", "refs/remotes/", "refs/tags/"].iter().position(|place| name.starts_with(place))
        };
        let minor = |name: &str| !["/main", "/master", "/trunk"].iter().any(|end| name.ends_with(end));
        names.sort_by_key(|name| (place(name), minor(name)));
        let short = |name: &&str| name.splitn(3, '/').nth(2).unwrap_or(name).to_owned();
        Ok(names.iter().map(short).take(NAMED).collect())
    }
}

fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The error for a directory of which git says that it is in no repository, where one lies there or above all the same,
/// with a `HEAD` that git cannot read: that is never "no repository".
#[must_use]
pub(super) fn damaged_above(anchor: &Path) -> Option<Error> {
    let git_dir = anchor.ancestors().map(|directory| directory.join(".git")).find(|git_dir| {
        git_dir.join("objects").is_dir()
            && (git_dir.join("refs").is_dir() || git_dir.join("reftable").is_dir())
    })?;
    let path = git_dir.join("HEAD");
    let reason = match fs::read(&path) {
        Ok(content) => {
            let text = content.trim_ascii();
            if text.is_empty() {
                "it is empty".to_owned()
            } else if text.starts_with(b"ref:") || is_id(&String::from_utf8_lossy(text)) {
                // Whatever keeps git from it, say GIT_CEILING_DIRECTORIES, is not this.
                return None;
            } else {
                format!("it holds {:?}", String::from_utf8_lossy(&text[..text.len().min(80)]))
            }
        }
        // core.preferSymlinkRefs makes it a link, which dangles.
        Err(_) if fs::read_link(&path).is_ok_and(|target| target.starts_with("refs")) => return None,
        Err(error) => error.to_string(),
    };
    Some(Error::HeadUnreadable { path, reason })
}
