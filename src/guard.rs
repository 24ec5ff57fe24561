//! Whether a path may be written to from within a task: inside the task's worktree, or in a directory that all tasks
//! share.
//!
//! Made for the hooks of agents that must not write into the main checkout by mistake. It is a seat belt and no sandbox:
//! between the answer and the write, who may change links may change the answer. No process is started, no lock is
//! taken, and nothing is written.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, IoContext, Result};
use crate::git::layout::Layout;
use crate::git::worktree::Found;
use crate::link;
use crate::provision::share;
use crate::registry::{Entry, EntryStatus, Filter, Registry};
use crate::task::TaskKey;

/// As many links as Linux follows in one path.
const MOST_LINKS: usize = 40;

/// The answer about one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Where it lies.
    pub place: Place,
    /// The path with every link of its existing part resolved.
    pub path: PathBuf,
    /// The task that was asked about.
    pub task_key: TaskKey,
    /// The directory of that task's worktree.
    pub worktree: PathBuf,
    /// Why it may not be written to, in one sentence; empty where it may.
    pub reason: String,
    /// What to do instead; empty where it may be written to.
    pub hint: String,
}

/// Where a path lies, as seen from a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the task's worktree.
    Worktree,
    /// In a shared directory that is linked into it.
    Shared,
    /// Anywhere else.
    Outside,
    /// In the worktree, but it is the link to its repository or lies in another repository's data.
    GitData,
}

impl Place {
    /// Whether the task may write there.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Worktree | Self::Shared)
    }

    /// The text that JavaScript sees.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Worktree => "worktree",
            Self::Shared => "shared",
            Self::Outside => "outside",
            Self::GitData => "git-data",
        }
    }
}

/// Answers for one path; a relative one counts from `cwd`. Without a task it is the one whose worktree holds `cwd`.
///
/// `None`: `cwd` is in no task's worktree. Fails with [`Error::NotFound`] when the registry does not know the task.
pub fn check(
    registry: &Registry,
    path: &Path,
    task: Option<&TaskKey>,
    cwd: &Path,
) -> Result<Option<Verdict>> {
    if path.as_os_str().is_empty() {
        return Err(Error::invalid("path", "", "it is empty"));
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(Error::invalid("path", path.to_string_lossy(), "it holds a NUL byte"));
    }
    let entry = match task {
        Some(key) => Some(registry.lookup(key)?.ok_or_else(|| Error::NotFound { task_key: key.clone() })?),
        None => task_around(registry, cwd)?,
    };
    let Some(entry) = entry else { return Ok(None) };
    let resolved = resolve(&cwd.join(path)).context("resolve", path)?;
    // The worktree may be gone; then its place is all there is to compare with.
    let worktree = resolve(&entry.worktree_path).context("resolve", &entry.worktree_path)?;
    let place = place_of(&entry.key, &resolved, &worktree);
    let (reason, hint) = explain(place, &resolved, &entry);
    Ok(Some(Verdict {
        place,
        path: resolved,
        task_key: entry.key,
        worktree: entry.worktree_path,
        reason,
        hint,
    }))
}

/// The task whose worktree holds a directory; where one lies in another, the innermost. Active ones go first.
pub fn task_around(registry: &Registry, directory: &Path) -> Result<Option<Entry>> {
    let directory = fs::canonicalize(directory).context("resolve", directory)?;
    let around = |entry: &Entry| {
        directory.starts_with(&entry.worktree_path)
            || fs::canonicalize(&entry.worktree_path).is_ok_and(|path| directory.starts_with(path))
    };
    let entries = registry.list(&Filter::default())?.into_iter().filter(around);
    Ok(entries
        .max_by_key(|entry| (entry.status == EntryStatus::Active, entry.worktree_path.components().count())))
}

fn place_of(key: &TaskKey, path: &Path, worktree: &Path) -> Place {
    if let Ok(inside) = path.strip_prefix(worktree) {
        // Whoever writes to the link file cuts the worktree off from its repository.
        let first = inside.components().next();
        let git_file = first.is_some_and(|first| first.as_os_str().eq_ignore_ascii_case(".git"));
        return if git_file { Place::GitData } else { Place::Worktree };
    }
    if shared_directories(key, worktree).iter().any(|directory| path.starts_with(directory)) {
        return Place::Shared;
    }
    Place::Outside
}

/// The resolved targets of the links to shared directories in a worktree. A link counts only when it leads to where
/// okstra would have it lead: one that was planted at such a name opens nothing.
fn shared_directories(key: &TaskKey, worktree: &Path) -> Vec<PathBuf> {
    let Ok(Found::Linked { common_dir, .. }) = link::look(key, worktree) else { return Vec::new() };
    let names = share::configured().unwrap_or_default();
    let target = |name: &String| {
        let link = worktree.join(name);
        let is_link = fs::symlink_metadata(&link).is_ok_and(|found| found.is_symlink());
        let target = fs::canonicalize(link).ok().filter(|_| is_link)?;
        match Layout::of(&common_dir).main_worktree {
            Some(main) => {
                fs::canonicalize(main.join(name)).is_ok_and(|source| source == target).then_some(target)
            }
            // A git directory that lies apart from its worktree does not name it. The name must do.
            None => target.ends_with(name).then_some(target),
        }
    };
    names.iter().filter_map(target).collect()
}

fn explain(place: Place, path: &Path, entry: &Entry) -> (String, String) {
    let (path, worktree, key) = (path.display(), entry.worktree_path.display(), &entry.key);
    match place {
        Place::Worktree | Place::Shared => (String::new(), String::new()),
        Place::GitData => (
            format!("{path} ties the worktree of the task {key} to its repository"),
            "Leave it to git.".to_owned(),
        ),
        Place::Outside => (
            format!("{path} lies outside the worktree of the task {key}"),
            format!(
                "Write below {worktree} instead: a file of the project has the same relative path there."
            ),
        ),
    }
}

/// Resolves a path that need not exist, as the system would on opening it for writing: links in its existing part are
/// followed, `..` goes up from where they lead, and what follows the first missing name is taken as it stands. A link
/// that dangles is followed too, because a write to it makes its target.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let absolute = if path.is_absolute() { path.to_owned() } else { std::env::current_dir()?.join(path) };
    let mut resolved = PathBuf::new();
    let mut left: Vec<PathBuf> = parts(&absolute);
    let mut links = 0;
    while let Some(part) = left.pop() {
        match part.components().next() {
            Some(Component::ParentDir) => drop(resolved.pop()),
            Some(Component::Normal(name)) => {
                let next = resolved.join(name);
                match fs::read_link(&next) {
                    Ok(target) => {
                        links += 1;
                        if links > MOST_LINKS {
                            return Err(io::Error::other("it leads through too many links"));
                        }
                        left.extend(parts(&target));
                    }
                    Err(_) => resolved = next,
                }
            }
            Some(Component::CurDir) | None => {}
            Some(Component::Prefix(_) | Component::RootDir) => resolved.push(part),
        }
        if resolved.as_os_str().is_empty() {
            resolved.push(Component::RootDir);
        }
    }
    // On a file system that ignores case, what exists is compared as it is spelt on the disk.
    if cfg!(any(windows, target_os = "macos")) { spelt_as_on_disk(&resolved) } else { Ok(resolved) }
}

/// The components of a path, the last one first.
fn parts(path: &Path) -> Vec<PathBuf> {
    path.components().rev().map(|part| PathBuf::from(part.as_os_str())).collect()
}

fn spelt_as_on_disk(path: &Path) -> io::Result<PathBuf> {
    for existing in path.ancestors() {
        match fs::canonicalize(existing) {
            Ok(found) => return Ok(found.join(path.strip_prefix(existing).unwrap_or(Path::new("")))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(path.to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn paths_are_resolved_as_a_write_would() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir_all(root.join("real/deep")).unwrap();
        fs::create_dir_all(root.join("other")).unwrap();
        symlink("real/deep", root.join("link")).unwrap();
        symlink(root.join("other/new"), root.join("dangling")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        for (path, expected) in [
            ("real/deep/file", "real/deep/file"),
            ("link/file", "real/deep/file"),
            ("link/../file", "real/file"),
            ("link/missing/../../file", "real/file"),
            ("dangling", "other/new"),
            ("dangling/below", "other/new/below"),
            ("./real/./x/", "real/x"),
        ] {
            assert_eq!(resolve(&root.join(path)).unwrap(), root.join(expected), "{path}");
        }
        assert!(resolve(&root.join("loop/x")).is_err());
        assert_eq!(resolve(&root.join("../../../../../../../../../../../x")).unwrap(), Path::new("/x"));
    }
}
