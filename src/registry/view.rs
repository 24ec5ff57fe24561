//! A row read where it stands: checked like an [`Entry`], and nothing of it copied but what is spelled with escapes.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::entry::{Entry, EntryStatus, FIELDS};
use super::{rebuild, scan, text};
use crate::checked;
use crate::registry::document::Document;
use crate::task::TaskKey;

/// What a row says.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// The project id.
    pub project: Cow<'a, str>,
    /// The group of the task.
    pub group: Cow<'a, str>,
    /// The task's own id.
    pub task: Cow<'a, str>,
    /// The directory of the worktree.
    pub worktree_path: Cow<'a, Path>,
    /// The branch of the worktree.
    pub branch: Cow<'a, str>,
    /// The full commit id that the branch started from; empty in a row that was rebuilt from the disk alone.
    pub base_ref: Cow<'a, str>,
    /// Local time with offset, `2026-11-23T07:00:00+0000`.
    pub created_at: Cow<'a, str>,
    /// The phase that used the worktree last.
    pub last_phase: Cow<'a, str>,
    /// Whether the task holds its branch.
    pub status: EntryStatus,
}

impl<'a> View<'a> {
    /// Reads a row; the reason, when it is none that we understand.
    pub(super) fn read(row: &'a [u8]) -> Result<Self, String> {
        let members = scan::members(row).map_err(|error| format!("it is no object: {error}"))?;
        // In nearly every row each field stands in its place; where one stands twice, the last one counts.
        let mut places: [Option<&scan::Range>; FIELDS.len()] = [None; FIELDS.len()];
        for (index, (name, range)) in members.iter().enumerate() {
            let is_it = |field: &&str| field.as_bytes() == &**name;
            let in_its_place = FIELDS.get(index).filter(|field| is_it(field)).map(|_| index);
            let Some(place) = in_its_place.or_else(|| FIELDS.iter().position(is_it)) else {
                return Err(format!("the field {:?} is unknown", String::from_utf8_lossy(name)));
            };
            places[place] = Some(range);
        }
        let field = |name: &'static str| {
            let place = FIELDS.iter().position(|field| *field == name).and_then(|place| places[place]);
            let value = &row[place.ok_or_else(|| format!("the field {name} is missing"))?.clone()];
            if value.starts_with(b"\"") {
                Ok(text::decoded(value))
            } else {
                Err(format!("the field {name} is no string"))
            }
        };
        let exact = |name| unicode(field(name)?).ok_or_else(|| format!("the field {name} is no Unicode"));
        // These are shown and never used as names, so that a stray surrogate in them does no harm.
        let shown = |name| field(name).map(lossy);
        let (project, group, task) = (exact("project_id")?, exact("task_group")?, exact("task_id")?);
        TaskKey::check(&project, &group, &task).map_err(|error| error.to_string())?;
        let status = match &*field("status")? {
            b"active" => EntryStatus::Active,
            b"released" => EntryStatus::Released,
            other => return Err(format!("the status {:?} is unknown", String::from_utf8_lossy(other))),
        };
        let worktree_path =
            text::as_path(field("worktree_path")?).ok_or("the path is none of this system")?;
        // What is at this path is moved, and git is given this name.
        if !checked::is_path(&worktree_path) {
            return Err("the path is no plain absolute one".into());
        }
        let branch = exact("branch")?;
        if !branch.is_empty() && !checked::is_branch_name(&branch) {
            return Err("the branch is none that git could have".into());
        }
        Ok(Self {
            project,
            group,
            task,
            worktree_path,
            branch,
            base_ref: exact("base_ref")?,
            created_at: shown("created_at")?,
            last_phase: shown("last_phase")?,
            status,
        })
    }

    /// Reads a row that stands under the given key; a row that names another task than its key is none.
    pub(super) fn read_at(key: &[u8], row: &'a [u8]) -> Result<Self, String> {
        let view = Self::read(row)?;
        let mut parts = key.splitn(3, |byte| *byte == b'/');
        let own = [&view.project, &view.group, &view.task];
        if own.into_iter().all(|own| parts.next() == Some(own.as_bytes())) {
            return Ok(view);
        }
        Err(format!("its fields name the task {}/{}/{}", view.project, view.group, view.task))
    }

    /// The same with everything of its own.
    pub(super) fn to_entry(&self) -> Result<Entry, String> {
        let key = TaskKey::new(&self.project, &self.group, &self.task).map_err(|error| error.to_string())?;
        Ok(Entry {
            key,
            worktree_path: self.worktree_path.clone().into_owned(),
            branch: self.branch.clone().into_owned(),
            base_ref: self.base_ref.clone().into_owned(),
            created_at: self.created_at.clone().into_owned(),
            last_phase: self.last_phase.clone().into_owned(),
            status: self.status,
        })
    }
}

fn unicode(text: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match text {
        Cow::Borrowed(text) => std::str::from_utf8(text).ok().map(Cow::Borrowed),
        Cow::Owned(text) => String::from_utf8(text).ok().map(Cow::Owned),
    }
}

fn lossy(text: Cow<'_, [u8]>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => String::from_utf8_lossy(text),
        Cow::Owned(text) => String::from_utf8_lossy(&text).into_owned().into(),
    }
}

/// A row in the file that it stands in.
#[derive(Debug)]
pub struct Row<'a> {
    /// The task-key, `<project>/<group>/<task>`.
    pub key: &'a str,
    /// What it says.
    pub view: View<'a>,
    document: &'a Document,
}

impl<'a> Row<'a> {
    pub(super) const fn new(key: &'a str, view: View<'a>, document: &'a Document) -> Self {
        Self { key, view, document }
    }

    /// Everything in it, of its own.
    pub fn entry(&self) -> Result<Entry, String> {
        self.view.to_entry()
    }

    /// See [`super::Registry::repository_of`].
    #[must_use]
    pub fn repository(&self) -> Option<PathBuf> {
        let recorded = self.document.repository(self.key.as_bytes());
        recorded.or_else(|| rebuild::common_dir(&rebuild::admin_dir(&self.view.worktree_path)?))
    }
}
