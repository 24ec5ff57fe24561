//! The forms of everything that okstra writes into a record, looked for again before a record is obeyed. Records lie where
//! others may write too, in a repository and on a disk that may be damaged, and what they name is moved and deleted.
//!
//! A record that was read is only ever had through the reader of its kind, which asks here: [`crate::intent::Intent::read`]
//! and its like for intents, [`crate::trash::Record`]'s readers for the trash. One that is not what okstra would have written
//! is no record.

use std::path::{Component, Path, PathBuf};

use crate::git::worktree::same_place;
use crate::home::OkstraHome;
use crate::task::{self, TaskKey};

/// The name of an operation: 16 hexadecimal digits.
#[must_use]
pub fn is_op(text: &str) -> bool {
    text.len() == 16 && is_hex(text)
}

/// A full commit id.
#[must_use]
pub fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_hex(text)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The name of something that belongs to an operation: a moment, the operation, what else tells two of them apart.
#[must_use]
pub fn is_name_of(op: &str, text: &str) -> bool {
    is_plain(text) && text.split('-').skip(1).any(|part| part == op)
}

/// A name that is nothing but that: letters, digits and dashes.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// An absolute path that leads nowhere but down, as okstra makes them.
#[must_use]
pub fn is_path(path: &Path) -> bool {
    let down = |part: Component<'_>| {
        matches!(part, Component::Prefix(_) | Component::RootDir | Component::Normal(_))
    };
    let bytes = path.as_os_str().as_encoded_bytes();
    // Nearly every path that is asked about, a hundred thousand of them for one list.
    let is_plain = cfg!(unix)
        && bytes.strip_prefix(b"/").is_some_and(|below| {
            below.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
        })
        && bytes.iter().fold(true, |plain, byte| plain & (*byte >= 32));
    if is_plain {
        return true;
    }
    path.is_absolute() && path.components().all(down) && path.file_name().is_some() && !bytes.iter().any(|byte| *byte < 32)
        // `components` passes over a dot in the middle.
        && !bytes.split(|byte| *byte == b'/').any(|part| part == b".")
}

/// The common git directory of a repository, or a place where one was.
#[must_use]
pub fn is_git_directory(path: &Path) -> bool {
    is_path(path)
        && (!path.exists() || (path.join("objects").is_dir() && path.join("HEAD").symlink_metadata().is_ok()))
}

/// A name that git lets a branch have and that is no option: a person's branch may have any.
#[must_use]
pub fn is_branch_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
}

/// A branch that okstra would give to the task by itself.
#[must_use]
pub fn is_branch_of(key: &TaskKey, branch: &str) -> bool {
    task::check_branch(branch).is_ok() && task::branch_names(key.task()).any(|name| name == branch)
}

/// Whether a path is the place that a home has for the worktree of a task.
#[must_use]
pub fn is_place_of(home: &OkstraHome, key: &TaskKey, path: &Path) -> bool {
    is_path(path) && same_place(path, &home.worktree_path(key)) && home.is_own_parent_of(key)
}

/// The place that a path means in a home that was moved: what was the task's place below another home that is not there any
/// more is its place below this one.
#[must_use]
pub fn moved_home(home: &OkstraHome, key: &TaskKey, path: &Path) -> Option<PathBuf> {
    let inner = Path::new("worktrees").join(key.project()).join(key.group()).join(key.task());
    if !is_path(path) || !path.ends_with(&inner) {
        return None;
    }
    let other = path.ancestors().nth(4)?;
    (!other.exists()).then(|| home.worktree_path(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::is_inner;

    #[test]
    fn only_what_okstra_would_write_passes() {
        assert!(is_op("0123456789abcdef") && !is_op("../../x") && !is_op("0123456789ABCDEF") && !is_op(""));
        let op = "0123456789abcdef";
        assert!(is_name_of(op, &format!("20261129T120000Z-{op}")));
        assert!(is_name_of(op, &format!("20261129T120000Z-{op}-00ff")));
        for bad in ["../x", "x", op, "20261129T120000Z-0123", "a/20261129T120000Z-0123456789abcdef"] {
            assert!(!is_name_of(op, bad), "{bad}");
        }
        for bad in ["", "/", "a", "/a/../b", "/a/./b", "/a\n"] {
            assert!(!is_path(Path::new(bad)), "{bad:?}");
        }
        assert!(is_path(Path::new("/a/b c")));
        for bad in ["", "..", "../a", "/a", "a/../../b", ".git", "a/.GIT/hooks"] {
            assert!(!is_inner(Path::new(bad)), "{bad:?}");
        }
        for bad in ["", "-D", "a..b", "a b", "a\n", "HEAD@{1}", "a:b"] {
            assert!(!is_branch_name(bad), "{bad}");
        }
        assert!(is_branch_name("feature/\u{d55c}"));
        let key = TaskKey::new("p", "g", "t").unwrap();
        assert!(is_branch_of(&key, "task-t") && is_branch_of(&key, "fix-t"));
        for bad in ["main", "task-u", "-D", "refs/heads/task-t", "x-t", ""] {
            assert!(!is_branch_of(&key, bad), "{bad}");
        }
    }
}
