//! What lies at the path of a worktree: believed only when both ends of its link agree.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{self, admin_dir_of, common_dir_of, tree_of};
use crate::error::{Error, IoContext, Result};
use crate::git::mend;
use crate::git::repository::path_of;
use crate::task::TaskKey;

/// What lies at the path of a registered worktree.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Missing,
    /// A worktree that works: it names the entry, and the entry names it.
    #[expect(missing_docs, reason = "named by its type")]
    Linked { admin: PathBuf, common_dir: PathBuf },
    /// A worktree whose repository is not where its link says.
    RepositoryGone(PathBuf),
    /// Something else.
    Broken(Fault),
}

/// Which end of the link is missing or different.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named by their types")]
pub enum Fault {
    /// It is no directory of its own.
    NoDirectory(&'static str),
    /// It has no `.git` file that names an entry.
    NoLink,
    /// The entry that it names is gone.
    Forgotten { admin: PathBuf },
    /// A file of the entry is empty or missing, as a power cut or a killed git leaves it.
    Torn { admin: PathBuf, file: &'static str },
    /// The entry that it names belongs to a worktree at another place.
    OtherPlace { admin: PathBuf, tree: PathBuf },
    /// okstra's record in the entry names another task.
    OtherTask { admin: PathBuf, key: TaskKey },
}

impl Fault {
    /// The entry that the worktree names, where it is there.
    #[must_use]
    pub fn entry(&self) -> Option<&Path> {
        match self {
            Self::Torn { admin, .. } | Self::OtherPlace { admin, .. } | Self::OtherTask { admin, .. } => {
                Some(admin)
            }
            Self::NoDirectory(_) | Self::NoLink | Self::Forgotten { .. } => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDirectory(what) => write!(f, "it is {what}"),
            Self::NoLink => write!(f, "it has no .git file that names its repository"),
            Self::Forgotten { admin } => write!(f, "git has forgotten it: {} is not there", admin.display()),
            Self::Torn { admin, file } => write!(f, "{} has no {file}, or an empty one", admin.display()),
            Self::OtherPlace { admin, tree } => write!(
                f,
                "git's data that it names, {}, belongs to the worktree {}",
                admin.display(),
                tree.display()
            ),
            Self::OtherTask { admin, key } => {
                write!(f, "git's data that it names, {}, belongs to the task {key}", admin.display())
            }
        }
    }
}

impl Fault {
    /// The error of a command that needs the worktree.
    #[must_use]
    pub fn into_error(self, path: &Path) -> Error {
        Error::WorktreeBroken { path: path.to_owned(), reason: self.to_string() }
    }
}

/// Looks at a worktree directory without starting a process. Whose it is, is the question of [`crate::link`].
pub fn look(worktree: &Path) -> Result<Found> {
    let broken = |fault| Ok(Found::Broken(fault));
    match fs::symlink_metadata(worktree) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Found::Missing);
        }
        Err(error) => return Err(error).context("look at the worktree", worktree),
        Ok(metadata) if metadata.is_symlink() => return broken(Fault::NoDirectory("a symbolic link")),
        Ok(metadata) if !metadata.is_dir() => return broken(Fault::NoDirectory("not a directory")),
        Ok(_) => {}
    }
    let admin = match admin_dir_of(worktree) {
        Ok(Some(admin)) => admin,
        Ok(None) => return broken(Fault::NoLink),
        Err(error) => return Err(error).context("read the .git file of", worktree),
    };
    if mend::is_gone(&admin) {
        // <common>/worktrees/<id>: two up is the repository, when it is there at all.
        let repository = admin.ancestors().nth(2).unwrap_or(&admin).to_owned();
        if !repository.is_dir() {
            return Ok(Found::RepositoryGone(repository));
        }
        return broken(Fault::Forgotten { admin });
    }
    let Ok(common_dir) = common_dir_of(&admin) else {
        return broken(Fault::Torn { admin, file: "commondir" });
    };
    // With core.preferSymlinkRefs HEAD is a link that dangles, seen from here.
    if !fs::symlink_metadata(admin.join("HEAD")).is_ok_and(|found| !found.is_file() || found.len() > 0) {
        return broken(Fault::Torn { admin, file: "HEAD" });
    }
    match tree_of(&admin) {
        None => broken(Fault::Torn { admin, file: "gitdir" }),
        Some(tree) if files::same_place(&tree, worktree) => Ok(Found::Linked { admin, common_dir }),
        Some(tree) => broken(Fault::OtherPlace { admin, tree }),
    }
}

/// The entry of a directory that is surely a working worktree of the repository with this (resolved) common git directory,
/// for the one layout that `git worktree add` makes: half the system calls of [`look`], because no path has to be
/// resolved. `None` only says that it is not certain.
#[must_use]
pub fn surely(worktree: &Path, common_dir: &Path) -> Option<PathBuf> {
    let real = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    if !real(worktree) {
        return None;
    }
    let link = worktree.join(".git");
    let admin = files::target(&read_small(&link)?)?;
    let entries = common_dir.join("worktrees");
    // Compared as text: with real directories on the way, `../..` cannot lead anywhere else than up.
    let certain = admin.parent() == Some(&*entries)
        && read_small(&admin.join("commondir"))? == b"../..\n"
        && path_of(read_small(&admin.join("gitdir"))?.trim_ascii_end()) == link
        && real(&admin)
        && real(&entries)
        && fs::symlink_metadata(admin.join("HEAD")).is_ok_and(|found| !found.is_file() || found.len() > 0);
    certain.then_some(admin)
}

/// The content of a small file, in three system calls instead of five; `None` for one that is longer than any path.
pub(crate) fn read_small(path: &Path) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut content = vec![0; 4200];
    let mut file = fs::File::open(path).ok()?;
    let length = file.read(&mut content).ok()?;
    if length == content.len() {
        return None;
    }
    content.truncate(length);
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{self, Replace};

    #[test]
    fn a_directory_without_a_git_file_is_broken_and_a_dangling_one_names_its_repository() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(look(&directory.path().join("none")).unwrap(), Found::Missing);
        assert_eq!(look(directory.path()).unwrap(), Found::Broken(Fault::NoLink));
        let gone = directory.path().join("gone/.git");
        let link = format!("gitdir: {}/worktrees/x\n", gone.display());
        disk::replace_file(&directory.path().join(".git"), link.as_bytes(), Replace::default()).unwrap();
        assert_eq!(look(directory.path()).unwrap(), Found::RepositoryGone(gone));
    }

    #[test]
    fn one_end_alone_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        let (tree, admin) = (base.join("tree"), base.join("r/worktrees/a"));
        fs::create_dir_all(&tree).unwrap();
        fs::create_dir_all(&admin).unwrap();
        let write = |path: PathBuf, text: &str| {
            disk::replace_file(&path, text.as_bytes(), Replace::default()).unwrap();
        };
        write(tree.join(".git"), &format!("gitdir: {}\n", admin.display()));
        assert_eq!(look(&tree).unwrap(), Found::Broken(Fault::Forgotten { admin: admin.clone() }));
        for (file, content) in [("commondir", "../..\n"), ("HEAD", "ref: refs/heads/x\n")] {
            write(admin.join(file), "");
            assert_eq!(look(&tree).unwrap(), Found::Broken(Fault::Torn { admin: admin.clone(), file }));
            write(admin.join(file), content);
        }
        assert_eq!(look(&tree).unwrap(), Found::Broken(Fault::Torn { admin: admin.clone(), file: "gitdir" }));
        write(admin.join("gitdir"), &format!("{}\n", base.join("other/.git").display()));
        let other = Fault::OtherPlace { admin: admin.clone(), tree: base.join("other") };
        assert_eq!(look(&tree).unwrap(), Found::Broken(other));
        assert_eq!(surely(&tree, &base.join("r")), None);
        write(admin.join("gitdir"), &format!("{}\n", tree.join(".git").display()));
        assert_eq!(surely(&tree, &base.join("r")), Some(admin.clone()));
        assert_eq!(look(&tree).unwrap(), Found::Linked { admin, common_dir: base.join("r") });
    }
}
