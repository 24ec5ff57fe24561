//! The registry beside the directories, as text: what `okstra list --fast` prints, in each of its forms.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::columns;
use crate::error::Result;
use crate::registry::{EntryStatus, Filter, Registry, Row, View};

/// How tasks are written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// For people: a header and a line for each, in columns.
    Table,
    /// For shells: a line for each, its fields parted by tabs, and `more` behind them.
    Porcelain {
        /// What every line ends with: the fields that nothing is known of.
        more: String,
    },
    /// For programs: an array of objects.
    Json,
}

/// Tasks as text.
#[derive(Debug, Clone, Default)]
pub struct Text {
    /// How many tasks the filter lets through.
    pub all: usize,
    /// How many of them are in the text.
    pub shown: usize,
    /// The text, without a line break at its end.
    pub text: Vec<u8>,
}

/// The tasks that the filter lets through and that are in a state (any, when none is named).
pub fn text(registry: &Registry, filter: &Filter, state: Option<&str>, form: &Form) -> Result<Text> {
    let rows = registry.rows(filter)?;
    let mut present = Present::default();
    let mut writer = Writer::new(form);
    let mut counts = (0, 0);
    for row in rows.iter() {
        counts.0 += 1;
        let real = state_of(&row.view, &mut present);
        if state.is_none_or(|wanted| wanted == real) {
            counts.1 += 1;
            writer.add(row, real);
        }
    }
    Ok(Text { all: counts.0, shown: counts.1, text: writer.finish() })
}

/// What is true of a task: `missing` when it is active and its directory is gone, else what the registry says.
pub fn state_of(view: &View<'_>, present: &mut Present) -> &'static str {
    if view.status == EntryStatus::Active && !present.is_dir(&view.worktree_path) {
        "missing"
    } else {
        view.status.as_str()
    }
}

/// Which directories are there: many lie in one, which is read once.
#[derive(Debug, Default)]
pub struct Present(HashMap<PathBuf, Names>);

#[derive(Debug)]
enum Names {
    /// The directories in it; what is not among them may be a link to one.
    Known(HashSet<OsString>),
    /// It is not there, and so nothing in it.
    Gone,
    Unknown,
}

impl Present {
    /// Whether there is a directory at a path.
    pub fn is_dir(&mut self, path: &Path) -> bool {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return path.is_dir() };
        if !self.0.contains_key(parent) {
            self.0.insert(parent.to_owned(), Names::of(parent));
        }
        match self.0.get(parent) {
            Some(Names::Known(names)) if names.contains(name) => true,
            Some(Names::Gone) => false,
            _ => path.is_dir(),
        }
    }
}

impl Names {
    fn of(directory: &Path) -> Self {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::Gone,
            Err(_) => return Self::Unknown,
        };
        let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        Self::Known(directories.map(|entry| entry.file_name()).collect())
    }
}

enum Writer<'f, 'a> {
    Table { rows: Vec<[Cow<'a, str>; 6]>, ages: Ages },
    Porcelain { more: &'f str, text: Vec<u8> },
    Json(Vec<u8>),
}

impl<'f, 'a> Writer<'f, 'a> {
    fn new(form: &'f Form) -> Self {
        match form {
            Form::Table => Self::Table { rows: Vec::new(), ages: Ages::default() },
            Form::Porcelain { more } => Self::Porcelain { more, text: Vec::new() },
            Form::Json => Self::Json(vec![b'[']),
        }
    }

    fn add(&mut self, row: Row<'a>, state: &'static str) {
        let repository = if let Self::Json(_) = self { row.repository() } else { None };
        let Row { key, view, .. } = row;
        let path = match view.worktree_path {
            Cow::Borrowed(path) => path.to_string_lossy(),
            Cow::Owned(path) => path.to_string_lossy().into_owned().into(),
        };
        match self {
            Self::Table { rows, ages } => {
                let age = ages.of(&view.created_at);
                rows.push([key.into(), state.into(), age.into(), view.branch, view.last_phase, path]);
            }
            Self::Porcelain { more, text } => {
                let fields = [key, state, &path, &view.branch, &view.last_phase, &view.created_at];
                for (index, field) in fields.into_iter().enumerate() {
                    if index > 0 {
                        text.push(b'\t');
                    }
                    escape_into(text, field);
                }
                text.extend_from_slice(more.as_bytes());
                text.push(b'\n');
            }
            Self::Json(text) => {
                if text.len() > 1 {
                    text.push(b',');
                }
                let object = Object {
                    task_key: key,
                    project_id: &view.project,
                    task_group: &view.group,
                    task_id: &view.task,
                    worktree_path: &path,
                    branch: &view.branch,
                    base_ref: &view.base_ref,
                    created_at: &view.created_at,
                    last_phase: &view.last_phase,
                    status: view.status.as_str(),
                    state,
                    repository: repository.as_deref().map(Path::to_string_lossy),
                };
                // Text into memory: nothing of it can fail.
                let _ = serde_json::to_writer(&mut *text, &object);
            }
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Table { rows, .. } if rows.is_empty() => Vec::new(),
            Self::Table { rows, .. } => {
                columns::table(&["TASK", "STATE", "AGE", "BRANCH", "PHASE", "PATH"], &rows)
            }
            Self::Porcelain { mut text, .. } => {
                text.pop();
                text
            }
            Self::Json(mut text) => {
                text.push(b']');
                text
            }
        }
    }
}

/// A task as `listTasks` gives it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    task_key: &'a str,
    project_id: &'a str,
    task_group: &'a str,
    task_id: &'a str,
    worktree_path: &'a str,
    branch: &'a str,
    base_ref: &'a str,
    created_at: &'a str,
    last_phase: &'a str,
    status: &'a str,
    state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<Cow<'a, str>>,
}

fn escape_into(text: &mut Vec<u8>, field: &str) {
    for byte in field.bytes() {
        match byte {
            b'\\' => text.extend_from_slice(b"\\\\"),
            b'\t' => text.extend_from_slice(b"\\t"),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            other => text.push(other),
        }
    }
}

/// How long ago moments of the registry were, in their largest unit. Many rows are of one moment.
struct Ages {
    now: Timestamp,
    last: (String, String),
}

impl Default for Ages {
    fn default() -> Self {
        Self { now: Timestamp::now(), last: (String::new(), "-".to_owned()) }
    }
}

impl Ages {
    fn of(&mut self, moment: &str) -> String {
        if self.last.0 != moment {
            self.last = (moment.to_owned(), age(moment, self.now));
        }
        self.last.1.clone()
    }
}

fn age(moment: &str, now: Timestamp) -> String {
    let Ok(then) = moment.parse::<Timestamp>() else { return "-".to_owned() };
    let seconds = (now.as_second() - then.as_second()).max(0);
    match seconds {
        86_400.. => format!("{}d", seconds / 86_400),
        3_600.. => format!("{}h", seconds / 3_600),
        60.. => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        for (moment, told) in [
            ("2026-11-23T07:00:00+0000", "6d"),
            ("2026-11-29T12:59:59+0100", "1s"),
            ("2026-11-29T07:00:01-0500", "0s"),
            ("2026-11-29T11:58:59Z", "1m"),
            ("2026-11-29T09:59:59.9+00:00", "2h"),
            ("2027-01-01T00:00:00Z", "0s"),
            ("", "-"),
            ("yesterday", "-"),
        ] {
            assert_eq!(age(moment, now), told, "{moment}");
        }
    }

    #[test]
    fn directories_are_found_by_one_look_at_their_parent() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("group/tree")).unwrap();
        fs::File::create(at("group/file")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(at("group/tree"), at("group/link")).unwrap();
        let mut present = Present::default();
        for path in
            ["group/tree", "group/file", "group/link", "group/none", "none/tree", "group", "group/file/x"]
        {
            assert_eq!(present.is_dir(&at(path)), at(path).is_dir(), "{path}");
        }
        assert!(present.is_dir(Path::new("/")) == Path::new("/").is_dir());
    }
}
