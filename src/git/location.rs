//! Where a directory lies: in which repository, in which of its worktrees, on which branch.
//!
//! For people and agents that ask. Provisioning has its own, cheaper question ([`super::repository`]); this one costs
//! three git processes, some 10 ms.

use std::fs;
use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::repository::{failed, overruled, owned_bare, path_of, split, trim_newline};
use super::{Git, version};
use crate::disk;
use crate::error::{Error, IoContext, Result};

/// Where a directory lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The common git directory, resolved: the identity of the repository.
    pub common_dir: PathBuf,
    /// The root of the main worktree; `None` in a bare repository, and where git does not record it (seen from a linked
    /// worktree of a repository that was made with `--separate-git-dir`).
    pub main_worktree: Option<PathBuf>,
    /// The root of the worktree that the directory lies in; `None` inside a git directory.
    pub worktree: Option<PathBuf>,
    /// Whether that worktree is a linked one.
    pub linked: bool,
    /// Whether the repository is bare: it has no main worktree.
    pub bare: bool,
    /// The branch that is checked out, also before its first commit; `None` when `HEAD` is detached.
    pub branch: Option<String>,
    /// The full commit id of `HEAD`; `None` before the first commit.
    pub head: Option<String>,
}

/// Finds out where an existing directory lies; `None` when it is in no repository.
pub fn locate(directory: &Path) -> Result<Option<Location>> {
    if !directory.is_dir() {
        return Err(Error::RootNotFound { path: directory.to_owned() });
    }
    version::check()?;
    let anchor = fs::canonicalize(directory).context("resolve", directory)?;
    match ask(&anchor, None, None)? {
        Ok(location) => Ok(Some(location)),
        Err(stderr) if stderr.contains("safe.bareRepository") && owned_bare(&anchor) => {
            // The caller named the bare repository itself, which is as explicit as git asks for.
            ask(&anchor, Some(&anchor), None)?.map(Some).map_err(|stderr| failed(&anchor, stderr))
        }
        Err(stderr) if stderr.contains("not a git repository (or any") => Ok(None),
        Err(stderr) if stderr.contains("not a git repository: ") => {
            Err(Error::WorktreeBroken { path: anchor, reason: stderr.trim().to_owned() })
        }
        Err(stderr) => match overruled(&anchor) {
            Some((common, main)) => {
                ask(&main, Some(&common), Some(&main))?.map(Some).map_err(|stderr| failed(&anchor, stderr))
            }
            None => Err(failed(&anchor, stderr)),
        },
    }
}

/// The location, or what git said when it refused. Answers are parted as in [`super::repository`].
fn ask(anchor: &Path, git_dir: Option<&Path>, tree: Option<&Path>) -> Result<Result<Location, String>> {
    let git = || tree.into_iter().fold(Git::new(anchor).git_dir(git_dir), Git::work_tree);
    let separator = format!("--okstra-{:016x}{:016x}", disk::random(), disk::random());
    let mut args = vec!["rev-parse", "--path-format=absolute"];
    for question in ["--git-dir", "--git-common-dir", "--is-inside-work-tree"] {
        args.extend([question, &separator]);
    }
    args.push("--show-prefix");
    let output = git().args(args).run()?;
    match output.status.code() {
        Some(0) => {}
        Some(128) if !output.stderr.trim().is_empty() => return Ok(Err(output.stderr)),
        _ => return Err(output.into_error("rev-parse", anchor)),
    }
    let parts = split(&output.stdout, format!("{separator}\n").as_bytes());
    let [own, common, inside, prefix] = parts[..] else {
        let message = format!("git rev-parse in {} answered with {} parts", anchor.display(), parts.len());
        return Err(Error::Internal { message });
    };
    let resolve = |bytes: &[u8]| {
        let path = path_of(trim_newline(bytes));
        fs::canonicalize(&path).context("resolve", path)
    };
    let (own, common_dir) = (resolve(own)?, resolve(common)?);
    let linked = own != common_dir;
    let depth = path_of(trim_newline(prefix)).components().count();
    let inside = trim_newline(inside) == b"true";
    let mut worktree = inside.then(|| anchor.ancestors().nth(depth).map(Path::to_owned)).flatten();
    let layout = Layout::of(&common_dir);
    let main_worktree = match &worktree {
        Some(worktree) if !linked => Some(worktree.clone()),
        _ => layout.main_worktree,
    };
    if layout.wrong.is_some() && !linked && worktree.is_none() {
        // git goes by a setting against which everything else speaks.
        let around =
            main_worktree.clone().filter(|main| anchor.starts_with(main) && !anchor.starts_with(&common_dir));
        worktree = around;
    }
    let bare = layout.bare;
    let branch = match git().args(["symbolic-ref", "--quiet", "HEAD"]).run()? {
        output if output.status.success() => {
            let name = String::from_utf8_lossy(trim_newline(&output.stdout)).into_owned();
            Some(name.strip_prefix("refs/heads/").map_or_else(|| name.clone(), str::to_owned))
        }
        output if output.status.code() == Some(1) => None,
        output => return Err(output.into_error("symbolic-ref", anchor)),
    };
    let head = git().args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).run()?;
    let head = match head.status.code() {
        Some(0) => Some(String::from_utf8_lossy(trim_newline(&head.stdout)).into_owned()),
        Some(1 | 128) => None,
        _ => return Err(head.into_error("rev-parse", anchor)),
    };
    Ok(Ok(Location { common_dir, main_worktree, worktree, linked, bare, branch, head }))
}

/// What git knows of a directory of a worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Whether files in it are tracked.
    pub tracked: bool,
    /// Whether a `.gitignore` of the worktree ignores it; `info/exclude` and the user's own excludes do not count,
    /// since another clone does not have them.
    pub ignored: bool,
}

/// Asks git about a directory, which need not exist yet, named from the root of its worktree. `git_dir` names the
/// repository where the worktree does not (`core.worktree`).
pub fn known(worktree: &Path, git_dir: Option<&Path>, name: &str) -> Result<Known> {
    let pathspec = format!(":(literal){name}");
    let git = || {
        let git = Git::new(worktree).git_dir(git_dir);
        // Named too: by a setting git may take the repository for a bare one.
        if git_dir.is_some() { git.work_tree(worktree) } else { git }
    };
    let tracked = git().args(["ls-files", "-z", "--", &pathspec]).run()?;
    if tracked.stderr.contains("not a git repository (or any") {
        return Err(Error::NoRepository { path: worktree.to_owned() });
    }
    if !tracked.status.success() {
        return Err(tracked.into_error("ls-files", worktree));
    }
    // A pattern like `.scratch/` matches what is in the directory; below a link git looks no further.
    let is_link = fs::symlink_metadata(worktree.join(name)).is_ok_and(|found| found.is_symlink());
    let probe = if is_link { name.to_owned() } else { format!("{name}/okstra") };
    let args = ["check-ignore", "--no-index", "--verbose", "--", &probe];
    let output = git().args(args).run()?;
    let ignored = match output.status.code() {
        Some(0) => by_gitignore(&String::from_utf8_lossy(&output.stdout)),
        Some(1) => false,
        _ => return Err(output.into_error("check-ignore", worktree)),
    };
    Ok(Known { tracked: !tracked.stdout.is_empty(), ignored })
}

/// Whether a line `<source>:<line>:<pattern>\t<path>` names a `.gitignore` and a pattern that ignores.
fn by_gitignore(line: &str) -> bool {
    let mut parts = line.splitn(3, ':');
    let (Some(source), Some(_), Some(pattern)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let source = Path::new(source);
    source.is_relative() && source.file_name() == Some(".gitignore".as_ref()) && !pattern.starts_with('!')
}

#[cfg(test)]
mod tests {
    use super::by_gitignore;

    #[test]
    fn only_a_gitignore_of_the_worktree_counts() {
        assert!(by_gitignore(".gitignore:1:.scratch/\t.scratch/okstra"));
        assert!(by_gitignore("docs/.gitignore:12:/a:b\tdocs/a:b/okstra"));
        assert!(!by_gitignore(".gitignore:2:!.scratch/\t.scratch/okstra"));
        assert!(!by_gitignore(".git/info/exclude:7:/.scratch\t.scratch/okstra"));
        assert!(!by_gitignore("/home/u/.gitignore:1:.scratch\t.scratch/okstra"));
        assert!(!by_gitignore(""));
    }
}
