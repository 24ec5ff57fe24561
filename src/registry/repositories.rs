//! Which rows are of which repository. Asked whenever a task is made, so that of a hundred thousand rows only those are
//! decoded that the answer depends on; the others are passed over as text.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::document::Document;
use super::entry::{self, Entry};
use super::{Registry, rebuild, text};
use crate::error::Result;
use crate::home::OkstraHome;

impl Registry {
    /// The rows by which a repository with this (resolved) common git directory has a project by default: those whose
    /// project is recorded as the default one, or is `own`. Of the latter one says it all, and it comes alone.
    pub fn signs_of_default(&self, common_dir: &Path, own: &str) -> Result<Vec<Entry>> {
        let document = self.store.load()?;
        let quoted = text::encode(&text::from_path(common_dir));
        let finder = memchr::memmem::Finder::new(&quoted);
        let default = memchr::memmem::Finder::new(b"\"default\"");
        let of_own = [own.as_bytes(), b"/"].concat();
        let mut recorded = Recorded::default();
        let mut signs = Vec::new();
        for (key, record) in document.records().filter(|(_, record)| entry::may_mention(record, &finder)) {
            let is_own = key.starts_with(&of_own);
            if (is_own || (default.find(record).is_some() && document.has_default_project(key)))
                && recorded.is(record, |path| path == common_dir || rebuild::canonical(path) == common_dir)
                && let Some(sign) = decode(&document, key)
            {
                if is_own {
                    return Ok(vec![sign]);
                }
                signs.push(sign);
            }
        }
        Ok(signs)
    }

    /// The tasks of this home that a repository itself names from another place, where it was before: by okstra's records
    /// in git's entries of worktrees, which move with the repository, and by the places that these entries name. Each with
    /// the common git directory that is recorded.
    #[must_use]
    pub fn moved_records_in(&self, common_dir: &Path, home: &OkstraHome) -> Vec<(Entry, PathBuf)> {
        rebuild::tasks_named_in(common_dir, home)
            .into_iter()
            .filter_map(|named| match named {
                rebuild::Named::Recorded(record) => {
                    let ours = record.entry.worktree_path.starts_with(home.worktrees());
                    (ours || matches!(self.lookup(&record.entry.key), Ok(Some(_))))
                        .then_some((record.entry, record.repository))
                }
                rebuild::Named::Placed(key) => {
                    self.lookup(&key).ok().flatten().zip(self.repository_of(&key).ok().flatten())
                }
            })
            .filter(|(_, recorded)| recorded != common_dir)
            .collect()
    }

    /// Rows whose recorded repository is gone, as many as are asked for of those that are wanted.
    pub fn of_gone_repositories(&self, most: usize, wanted: impl Fn(&Entry) -> bool) -> Result<Vec<Entry>> {
        let document = self.store.load()?;
        let mut recorded = Recorded::default();
        let is_gone = |path: &Path| std::fs::symlink_metadata(path).is_err();
        let gone = document.records().filter(|(_, record)| recorded.is(record, is_gone));
        let rows = gone.filter_map(|(key, _)| decode(&document, key)).filter(wanted);
        Ok(rows.take(most).collect())
    }
}

fn decode(document: &Document, key: &[u8]) -> Option<Entry> {
    Entry::decode_at(key, document.row(key)?).ok()
}

/// What was found out about recorded repositories, of which many rows name the same: by how they are spelled.
#[derive(Default)]
struct Recorded<'a>(HashMap<&'a [u8], bool>);

impl<'a> Recorded<'a> {
    /// Whether something is true of the repository that a record names; `false` where it names none.
    fn is(&mut self, record: &'a [u8], ask: impl FnOnce(&Path) -> bool) -> bool {
        let Some(spelled) = entry::spelled(record, "repository") else { return false };
        *self
            .0
            .entry(spelled)
            .or_insert_with(|| text::to_path(&text::decode(spelled)).is_some_and(|path| ask(&path)))
    }
}
