//! One row of the registry: nine fields, neither more nor fewer, or 0.12.0 cannot read it.

use std::path::PathBuf;

use super::{scan, text};
use crate::checked;
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
        let members = scan::members(row).map_err(|error| format!("it is no object: {error}"))?;
        if let Some((name, _)) =
            members.iter().find(|(name, _)| !FIELDS.iter().any(|f| f.as_bytes() == &**name))
        {
            return Err(format!("the field {:?} is unknown", String::from_utf8_lossy(name)));
        }
        let field = |name: &'static str| {
            let found = members.iter().rfind(|(key, _)| **key == *name.as_bytes());
            let (_, range) = found.ok_or_else(|| format!("the field {name} is missing"))?;
            let value = &row[range.clone()];
            if value.starts_with(b"\"") {
                Ok(text::decode(value))
            } else {
                Err(format!("the field {name} is no string"))
            }
        };
        let exact =
            |name| String::from_utf8(field(name)?).map_err(|_| format!("the field {name} is no Unicode"));
        // These are shown and never used as names, so that a stray surrogate in them does no harm.
        let shown = |name| field(name).map(|text| String::from_utf8_lossy(&text).into_owned());
        let key = TaskKey::new(&exact("project_id")?, &exact("task_group")?, &exact("task_id")?)
            .map_err(|error| error.to_string())?;
        let status = match &*field("status")? {
            b"active" => EntryStatus::Active,
            b"released" => EntryStatus::Released,
            other => return Err(format!("the status {:?} is unknown", String::from_utf8_lossy(other))),
        };
        let worktree_path =
            text::to_path(&field("worktree_path")?).ok_or("the path is none of this system")?;
        // What is at this path is moved, and git is given this name.
        if !checked::is_path(&worktree_path) {
            return Err("the path is no plain absolute one".into());
        }
        let branch = exact("branch")?;
        if !branch.is_empty() && !checked::is_branch_name(&branch) {
            return Err("the branch is none that git could have".into());
        }
        Ok(Self {
            key,
            worktree_path,
            branch,
            base_ref: exact("base_ref")?,
            created_at: shown("created_at")?,
            last_phase: shown("last_phase")?,
            status,
        })
    }

    /// Reads a row that stands under the given key; a row that names another task than its key is none.
    pub(super) fn decode_at(key: &[u8], row: &[u8]) -> Result<Self, String> {
        let entry = Self::decode(row)?;
        if entry.key.to_string().as_bytes() == key {
            Ok(entry)
        } else {
            Err(format!("its fields name the task {}", entry.key))
        }
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
    let (_, range) = scan::members(row).ok()?.into_iter().rfind(|(key, _)| **key == *name.as_bytes())?;
    let value = &row[range];
    value.starts_with(b"\"").then(|| text::decode(value))
}

/// Whether a row may name the branch: a search that spares decoding ten thousand rows to find one.
pub(super) fn may_mention(row: &[u8], quoted_branch: &memchr::memmem::Finder<'_>) -> bool {
    quoted_branch.find(row).is_some() || memchr::memchr(b'\\', row).is_some()
}
