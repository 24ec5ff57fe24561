//! What lies inside a worktree that is not part of it: other repositories and worktrees, mount points, and directories
//! that cannot be looked into.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::error::{IoContext, Result};

/// What was found, as paths below the worktree.
#[derive(Debug, Default)]
pub struct Inside {
    /// Directories that are repositories or worktrees, submodules among them.
    pub repositories: Vec<PathBuf>,
    /// Those of them that only look like a bare repository: what is in them may be files of the project (fixtures).
    pub bare: BTreeSet<PathBuf>,
    /// Where something is mounted.
    pub mounts: Vec<PathBuf>,
    /// Directories that this user may not look into.
    pub unreadable: Vec<PathBuf>,
}

/// Walks the whole worktree, ignored directories too, without following a link: 100,000 files in some 100 ms.
pub fn look(worktree: &Path, cancel: &Cancel) -> Result<Inside> {
    let mut found = Inside { mounts: mounts_below(worktree), ..Inside::default() };
    let mut open = vec![worktree.to_owned()];
    while let Some(directory) = open.pop() {
        cancel.check("looking into the worktree")?;
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(_) if directory != worktree => {
                found.unreadable.push(below(worktree, &directory));
                continue;
            }
            other => other.context("look into", &directory)?,
        };
        let (mut directories, mut signs, mut linked) = (Vec::new(), 0, false);
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name == ".git" {
                linked |= directory != worktree;
                continue;
            }
            // A bare repository shows these three.
            signs += u32::from(name == "HEAD" || name == "objects" || name == "refs");
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path());
            }
        }
        if linked {
            found.repositories.push(below(worktree, &directory));
            continue;
        }
        if signs >= 3 {
            let path = below(worktree, &directory);
            found.bare.insert(path.clone());
            found.repositories.push(path);
        }
        directories.retain(|path| !found.mounts.contains(&below(worktree, path)));
        open.extend(directories);
    }
    found.repositories.sort();
    Ok(found)
}

fn below(worktree: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(worktree).unwrap_or(path).to_owned()
}

/// The kernel's own list: a bind mount of the same file system has the same device number as its surroundings.
#[cfg(target_os = "linux")]
fn mounts_below(worktree: &Path) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let real = fs::canonicalize(worktree).unwrap_or_else(|_| worktree.to_owned());
    let list = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let points = list.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    let paths = points.map(|point| PathBuf::from(std::ffi::OsString::from_vec(unescaped(point))));
    let inside = paths.filter_map(|path| path.strip_prefix(&real).map(Path::to_owned).ok());
    inside.filter(|path| !path.as_os_str().is_empty()).collect()
}

/// `\040` and the like.
#[cfg(target_os = "linux")]
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let octal = (*first == b'\\')
            .then(|| tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { &tail[3..] } else { tail };
    }
    bytes
}

/// Elsewhere the device number tells of what is mounted from another file system.
#[cfg(not(target_os = "linux"))]
fn mounts_below(_worktree: &Path) -> Vec<PathBuf> {
    Vec::new()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn repositories_of_every_kind_are_found_and_links_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let tree = directory.path().join("tree");
        for place in ["a/nested/.git", "bare/objects", "bare/refs", "plain/objects", "deep/er"] {
            fs::create_dir_all(tree.join(place)).unwrap();
        }
        for place in [".git", "bare/HEAD", "deep/er/.git", "plain/HEAD"] {
            fs::File::create(tree.join(place)).unwrap();
        }
        fs::create_dir_all(directory.path().join("outside/.git")).unwrap();
        std::os::unix::fs::symlink("../outside", tree.join("link")).unwrap();
        let found = look(&tree, &Cancel::default()).unwrap();
        assert_eq!(found.repositories, ["a/nested", "bare", "deep/er"].map(PathBuf::from));
        assert!(found.mounts.is_empty() && found.unreadable.is_empty());
    }

    #[test]
    fn what_looks_bare_is_told_apart_and_looked_into() {
        let directory = tempfile::tempdir().unwrap();
        let tree = directory.path();
        for place in ["x.git/objects", "x.git/refs", "x.git/deep/.git", "y/.git", "y/objects", "y/refs"] {
            fs::create_dir_all(tree.join(place)).unwrap();
        }
        for place in ["x.git/HEAD", "y/HEAD"] {
            fs::File::create(tree.join(place)).unwrap();
        }
        let found = look(tree, &Cancel::default()).unwrap();
        assert_eq!(found.repositories, ["x.git", "x.git/deep", "y"].map(PathBuf::from));
        assert_eq!(found.bare, BTreeSet::from([PathBuf::from("x.git")]));
    }

    #[test]
    fn names_in_the_list_of_mounts_are_read_as_the_kernel_writes_them() {
        assert_eq!(unescaped(br"/a\040b\134c\012"), b"/a b\\c\n");
    }
}
