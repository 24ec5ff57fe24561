//! One row of the registry: nine fields, neither more nor fewer, or 0.12.0 cannot read it.

use std::path::PathBuf;

use super::view::View;
use super::{scan, text};
use crate::task::TaskKey;

/// Whether a task holds its branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryStatus {
    /// The task owns its branch and its worktree.
    Active,
    /// The task gave its branch free; row and directory are kept.
    Released,
}

impl EntryStatus {
    /// The status as the registry spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Released => "released",
        }
    }
}

/// What the registry knows of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Project, group and task.
    pub key: TaskKey,
    /// The directory of the worktree.
    pub worktree_path: PathBuf,
    /// The branch of the worktree.
    pub branch: String,
    /// The full commit id that the branch started from; empty in a row that was rebuilt from the disk alone.
    pub base_ref: String,
    /// Local time with offset, `2026-11-23T07:00:00+0000`.
    pub created_at: String,
    /// The phase that used the worktree last.
    pub last_phase: String,
    /// Whether the task holds its branch.
    pub status: EntryStatus,
}

/// The names, in the order in which 0.12.0 writes them.
pub(super) const FIELDS: [&str; 9] = [
    "project_id",
    "task_group",
    "task_id",
    "worktree_path",
    "branch",
    "base_ref",
    "created_at",
    "last_phase",
    "status",
];

impl Entry {
    /// Reads a row; the reason, when it is none that we understand.
    pub(super) fn decode(row: &[u8]) -> Result<Self, String> {
        View::read(row)?.to_entry()
    }

    /// Reads a row that stands under the given key; a row that names another task than its key is none.
    pub(super) fn decode_at(key: &[u8], row: &[u8]) -> Result<Self, String> {
        View::read_at(key, row)?.to_entry()
    }

    /// The members of the row: name and value as JSON, in the order in which 0.12.0 writes them.
    pub(super) fn members(&self) -> [(&'static str, Vec<u8>); 9] {
        let values = [
            self.key.project().as_bytes().to_vec(),
            self.key.group().as_bytes().to_vec(),
            self.key.task().as_bytes().to_vec(),
            text::from_path(&self.worktree_path),
            self.branch.as_bytes().to_vec(),
            self.base_ref.as_bytes().to_vec(),
            self.created_at.as_bytes().to_vec(),
            self.last_phase.as_bytes().to_vec(),
            self.status.as_str().as_bytes().to_vec(),
        ];
        let mut values = values.into_iter();
        FIELDS.map(|name| (name, text::encode(&values.next().unwrap_or_default())))
    }

    /// The row's text, as it stands inside `tasks`.
    pub(super) fn encode(&self) -> Vec<u8> {
        object(&self.members(), 4)
    }
}

/// An object of the given members, closed at the given indent.
pub(super) fn object(members: &[(&str, Vec<u8>)], indent: usize) -> Vec<u8> {
    let mut object = Vec::with_capacity(512);
    object.push(b'{');
    for (index, (name, value)) in members.iter().enumerate() {
        object.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
        object.resize(object.len() + indent + 2, b' ');
        object.extend_from_slice(&text::encode(name.as_bytes()));
        object.extend_from_slice(b": ");
        object.extend_from_slice(value);
    }
    object.push(b'\n');
    object.resize(object.len() + indent, b' ');
    object.push(b'}');
    object
}

/// A row with one field changed and every other byte as it was.
pub(super) fn patched(row: &[u8], name: &str, value: &str) -> Vec<u8> {
    let members = scan::members(row).unwrap_or_default();
    let mut patched = row.to_vec();
    for (_, range) in members.into_iter().rev().filter(|(key, _)| **key == *name.as_bytes()) {
        patched.splice(range, text::encode(value.as_bytes()));
    }
    patched
}

/// A text field of a row that may be damaged otherwise.
pub(super) fn peek(row: &[u8], name: &str) -> Option<Vec<u8>> {
    spelled(row, name).map(text::decode)
}

/// The same as it is spelled, with its quotes.
pub(super) fn spelled<'a>(row: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (_, range) = scan::members(row).ok()?.into_iter().rfind(|(key, _)| **key == *name.as_bytes())?;
    Some(&row[range]).filter(|value| value.starts_with(b"\""))
}

/// Whether a row may name the branch: a search that spares decoding ten thousand rows to find one.
pub(super) fn may_mention(row: &[u8], quoted_branch: &memchr::memmem::Finder<'_>) -> bool {
    quoted_branch.find(row).is_some() || memchr::memchr(b'\\', row).is_some()
}
