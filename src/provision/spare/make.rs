//! Makes one spare, or brings one to another commit: all of it, or nothing is left of it.

use std::fs;
use std::path::Path;

use super::super::populate;
use super::conditions::Conditions;
use super::pool::{self, SpareRecord, State};
use super::room::Room;
use super::sweep::delete;
use crate::cancel::Cancel;
use crate::clock;
use crate::disk;
use crate::error::{Error, IoContext, Result};
use crate::git::{Git, Repository};
use crate::lock::SparesLock;

/// How many lines of what git says are kept: on a full disk it says the same of every file.
const KEPT_LINES: usize = 5;

/// What every spare of one warming is made of.
pub(super) struct Maker<'a> {
    pub repository: &'a Repository,
    pub room: &'a Room<'a>,
    pub commit: &'a str,
    pub conditions: &'a Conditions,
    pub lock: &'a SparesLock,
}

impl Maker<'_> {
    /// A new one in a pool; `false` where the room for it ran out.
    pub(super) fn make(&self, pool: &Path) -> Result<bool> {
        let making = pool::place(pool, State::Making, &format!("{:016x}", disk::random()));
        disk::create_private_dir_all(&making)?;
        self.complete(&making)
    }

    /// Fills what lies in a directory whose state is [`State::Making`] and makes it ready; `false` where the room for it
    /// ran out. Whatever ends it early, the directory is deleted: nobody would ever finish it.
    pub(super) fn complete(&self, making: &Path) -> Result<bool> {
        let ready = self.room.watch(|stop| {
            self.fill(making, stop)?;
            let ready = pool::place(making.parent().unwrap_or(making), State::Ready, &pool::id_of(making));
            disk::move_aside(making, &ready)
        });
        if !matches!(ready, Ok(Some(()))) {
            // The first failure is the one to tell of; what cannot be deleted is met again by the next sweep.
            let _ = delete(making);
        }
        ready.map(|ready| ready.is_some())
    }

    /// Fills tree and index, and writes the record when both are on the device. An orphaned git holds the lock on, so
    /// that nobody sweeps the tree it still writes to.
    fn fill(&self, making: &Path, stop: &Cancel) -> Result<()> {
        let (tree, index) = (making.join("tree"), making.join("index"));
        if !tree.is_dir() {
            // Under the user's umask, as git makes the root of a worktree.
            fs::create_dir(&tree).context("make the directory", &tree)?;
        }
        // One that is brought up to date has all that did not change.
        if !index.exists() {
            populate::prefill(self.repository, self.commit, &tree, &index, stop)?;
        }
        // Without an administrative directory the tree has to be named. No hook of the repository is to see one that is
        // nobody's yet.
        Git::new(&tree)
            .git_dir(Some(&self.repository.common_dir))
            .work_tree(&tree)
            .settings(pool::INDEX_OF_ITS_OWN)
            .setting("core.hooksPath=/dev/null")
            .args(["read-tree", "--reset", "-u", self.commit])
            .index_file(&index)
            .runs_user_code()
            .holding(self.lock)
            .cancel(stop)
            .read()
            .map_err(shortened)?;
        let record = SpareRecord {
            common_dir: self.repository.common_dir.clone(),
            commit: self.commit.to_owned(),
            made_at: clock::utc_now(),
            conditions: self.conditions.clone(),
        };
        // Nobody waits for a spare, so it is flushed whole: one that outlives a power cut is as good as before.
        disk::sync_file_system(making)?;
        pool::write_record(making, &record)
    }
}

fn shortened(error: Error) -> Error {
    match error {
        Error::GitFailed { command, directory, status, stderr } => {
            let mut lines: Vec<&str> = stderr.lines().take(KEPT_LINES).collect();
            let more = format!("({} more lines)", stderr.lines().count() - lines.len());
            if stderr.lines().count() > lines.len() {
                lines.push(&more);
            }
            Error::GitFailed { command, directory, status, stderr: lines.join("\n") }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_of_every_file_is_not_all_repeated() {
        let stderr: Vec<String> = (0..700).map(|at| format!("error: unable to write file f{at}")).collect();
        let error = Error::GitFailed {
            command: "read-tree".into(),
            directory: "/r".into(),
            status: "exit code 128".into(),
            stderr: stderr.join("\n"),
        };
        let text = shortened(error).to_string();
        assert_eq!(text.lines().count(), KEPT_LINES + 1);
        assert!(text.ends_with("(695 more lines)") && text.contains("f0"), "{text}");
    }
}
