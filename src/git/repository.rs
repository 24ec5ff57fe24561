//! Which repository a directory belongs to, and in which part of it the directory lies.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::Git;
use super::environment;
use super::layout::{self, Layout};
use super::unborn;
use super::worktree;
use crate::disk;
use crate::error::{Error, IoContext, Result};

/// What a directory belongs to.
#[derive(Debug)]
pub enum Discovery {
    /// No repository.
    NotGit,
    /// A linked worktree.
    Linked,
    /// The main worktree of a repository, or a bare repository.
    Main(Repository),
}

/// A repository, as seen from its main worktree (or from its bare directory).
#[derive(Debug, Clone)]
pub struct Repository {
    /// The common git directory, resolved: the identity of the repository.
    pub common_dir: PathBuf,
    /// The root of the main worktree, where there is one.
    pub main_worktree: Option<PathBuf>,
    /// The full commit id of `HEAD`; `None` before the first commit.
    pub head: Option<String>,
    /// The id of the tree of that commit.
    pub head_tree: Option<String>,
    /// Whether objects are replaced by others (`git replace`).
    pub has_replacements: bool,
    /// Whether history was cut off.
    pub shallow: bool,
    /// Where the post-checkout hook would lie.
    pub post_checkout: PathBuf,
    /// Full names of the branches that stand where the wanted one would: itself, or one below it.
    pub blocking_branches: Vec<String>,
    anchor: PathBuf,
    explicit: bool,
    /// The main worktree is named to git too, because a setting names another place.
    overruled: bool,
}

impl Repository {
    /// A git call in this repository.
    #[must_use]
    pub fn git<'a>(&self) -> Git<'a> {
        let git = Git::new(&self.anchor).git_dir(self.explicit.then_some(self.common_dir.as_path()));
        match self.main_worktree.as_deref().filter(|_| self.overruled) {
            Some(main) => git.work_tree(main),
            None => git,
        }
    }

    /// The directory in which git is called for this repository.
    #[must_use]
    pub fn anchor(&self) -> &Path {
        &self.anchor
    }

    /// The commit id that a branch stands at, where it exists.
    pub fn branch_tip(&self, branch: &str) -> Result<Option<String>> {
        let name = format!("refs/heads/{branch}");
        let output =
            self.git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).run()?;
        match output.status.code() {
            Some(0) => Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())),
            Some(1) => Ok(None),
            // A git that died has not said that there is no branch.
            _ => Err(output.into_error("rev-parse", &self.anchor)),
        }
    }

    /// The id of no commit, in the length of this repository's ids.
    #[must_use]
    pub fn null_id(commit: &str) -> String {
        "0".repeat(commit.len())
    }
}

#[cfg(test)]
impl Repository {
    /// One without a commit that nobody has asked git about.
    pub(crate) fn stub(common_dir: &Path) -> Self {
        Self {
            common_dir: common_dir.to_owned(),
            main_worktree: None,
            head: None,
            head_tree: None,
            has_replacements: false,
            shallow: false,
            post_checkout: common_dir.join("hooks/post-checkout"),
            blocking_branches: Vec::new(),
            anchor: common_dir.to_owned(),
            explicit: false,
            overruled: false,
        }
    }
}

/// Asks git what `root` belongs to and, in the same call, for everything that provisioning needs to know; `branch` is
/// the (checked) name of the branch that is wanted.
pub fn discover(root: &Path, branch: &str) -> Result<Discovery> {
    let anchor = fs::canonicalize(root).context("resolve", root)?;
    match ask(&anchor, None, None, branch)? {
        Answer::Known(discovery) => Ok(discovery),
        Answer::Failed(stderr) if stderr.contains("safe.bareRepository") && owned_bare(&anchor) => {
            // The caller named the bare repository itself, which is as explicit as git asks for.
            match ask(&anchor, Some(&anchor), None, branch)? {
                Answer::Known(discovery) => Ok(discovery),
                Answer::Failed(stderr) => Err(failed(&anchor, stderr)),
            }
        }
        Answer::Failed(stderr) if stderr.contains("not a git repository (or any") => {
            unborn::damaged_above(&anchor).map_or(Ok(Discovery::NotGit), Err)
        }
        Answer::Failed(stderr) if stderr.contains("not a git repository: ") => {
            // The .git file up there points to a repository that is not there: never "no repository".
            Err(Error::WorktreeBroken { path: anchor, reason: stderr.trim().to_owned() })
        }
        Answer::Failed(stderr) => match overruled(&anchor) {
            Some((common, main)) => match ask(&main, Some(&common), Some(&main), branch)? {
                Answer::Known(discovery) => Ok(discovery),
                Answer::Failed(stderr) => Err(failed(&anchor, stderr)),
            },
            None => Err(failed(&anchor, stderr)),
        },
    }
}

/// The repository around a directory, and its main worktree, where git cannot start because `core.worktree` names a place
/// that is not there. Only one's own: whether another user's may be used is git's question.
pub(super) fn overruled(anchor: &Path) -> Option<(PathBuf, PathBuf)> {
    let around = layout::around(anchor).filter(|around| around.admin.is_none())?;
    let Layout { main_worktree, wrong, .. } = Layout::of(&around.common_dir);
    wrong.filter(|wrong| wrong.setting == "core.worktree")?;
    let main = main_worktree?;
    let ours = |path: &Path| fs::metadata(path).is_ok_and(|found| owned(&found));
    (ours(&around.common_dir) && ours(&main)).then_some((around.common_dir, main))
}

/// The same from anywhere in a repository: a linked worktree answers for its repository, and where there is none that is
/// an error.
pub fn discover_any(root: &Path, branch: &str) -> Result<Repository> {
    let mut found = discover(root, branch)?;
    if matches!(found, Discovery::Linked) {
        let git = Git::new(root).args(["rev-parse", "--path-format=absolute", "--git-common-dir"]);
        let common_dir = path_of(trim_newline(&git.read()?));
        let common_dir = fs::canonicalize(&common_dir).context("resolve", common_dir)?;
        found = discover(&Layout::of(&common_dir).main_worktree.unwrap_or(common_dir), branch)?;
    }
    match found {
        Discovery::Main(repository) => Ok(repository),
        Discovery::NotGit | Discovery::Linked => Err(Error::NoRepository { path: root.to_owned() }),
    }
}

pub(super) fn failed(anchor: &Path, stderr: String) -> Error {
    if stderr.contains("dubious ownership") {
        return Error::DubiousOwnership { path: anchor.to_owned(), message: stderr.trim().to_owned() };
    }
    Error::GitFailed {
        command: "rev-parse".into(),
        directory: anchor.to_owned(),
        status: "exit code 128".into(),
        stderr: stderr.trim().to_owned(),
    }
}

enum Answer {
    Known(Discovery),
    Failed(String),
}

/// One `rev-parse` for everything. Paths may hold newlines and rev-parse has no `-z`; it echoes options that it does
/// not know, so unguessable ones part the answers.
fn ask(anchor: &Path, git_dir: Option<&Path>, tree: Option<&Path>, branch: &str) -> Result<Answer> {
    let separator = format!("--okstra-{:016x}{:016x}", disk::random(), disk::random());
    let (exact, below) = (branch_pattern(branch), format!("--branches={branch}/*"));
    let call = |with_head: bool| -> Result<_> {
        let mut args: Vec<&str> = vec!["rev-parse", "--path-format=absolute"];
        for question in [
            "--git-dir",
            "--git-common-dir",
            "--is-inside-work-tree",
            "--is-shallow-repository",
            "--show-prefix",
        ] {
            args.extend([question, &separator]);
        }
        args.extend(["--git-path", "hooks", &separator]);
        if with_head {
            args.extend(["HEAD^{commit}", "HEAD^{tree}"]);
        }
        args.extend([&separator, "--symbolic-full-name", &exact, &below, &separator]);
        args.push("--glob=refs/replace/");
        let git = Git::new(anchor).git_dir(git_dir).args(args);
        tree.into_iter().fold(git, Git::work_tree).run()
    };
    let mut output = call(true)?;
    if output.status.code() == Some(128) && output.stderr.contains("HEAD^{commit}") {
        // The repository has no commit yet; then the same questions without HEAD succeed.
        output = call(false)?;
    }
    match output.status.code() {
        Some(0) => {}
        Some(128) if !output.stderr.trim().is_empty() => return Ok(Answer::Failed(output.stderr)),
        _ => return Err(output.into_error("rev-parse", anchor)),
    }
    let text = output.stdout;
    let parts = split(&text, format!("{separator}\n").as_bytes());
    let [git_dir_line, common, inside, shallow, prefix, hook, head, branches, replaced] = parts[..] else {
        let message = format!("git rev-parse in {} answered with {} parts", anchor.display(), parts.len());
        return Err(Error::Internal { message });
    };
    let resolve = |bytes: &[u8]| {
        let path = path_of(trim_newline(bytes));
        fs::canonicalize(&path).context("resolve", path)
    };
    let (own, common) = (resolve(git_dir_line)?, resolve(common)?);
    if own != common {
        return Ok(Answer::Known(Discovery::Linked));
    }
    let is = |bytes: &[u8]| trim_newline(bytes) == b"true";
    let inside = is(inside);
    let main_worktree = if inside {
        let depth = path_of(trim_newline(prefix)).components().count();
        anchor.ancestors().nth(depth).map(Path::to_owned)
    } else {
        Layout::of(&common).main_worktree
    };
    let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let head = text_of(head);
    let mut head_lines = head.lines();
    Ok(Answer::Known(Discovery::Main(Repository {
        anchor: if inside {
            main_worktree.clone().unwrap_or_else(|| anchor.to_owned())
        } else {
            anchor.to_owned()
        },
        explicit: git_dir.is_some(),
        overruled: tree.is_some(),
        main_worktree,
        head: head_lines.next().map(str::to_owned),
        head_tree: head_lines.next().map(str::to_owned),
        has_replacements: !trim_newline(replaced).is_empty(),
        shallow: is(shallow),
        // The directory, not the hook in it: core.hooksPath may be /dev/null, and git fails on a path below that.
        post_checkout: path_of(trim_newline(hook)).join("post-checkout"),
        blocking_branches: text_of(branches).lines().map(str::to_owned).collect(),
        common_dir: common,
    })))
}

/// `--branches=<pattern>` appends `/*` to a pattern without wildcard; a one-character class makes it exact.
fn branch_pattern(branch: &str) -> String {
    let (head, last) = branch.split_at(branch.len() - branch.chars().next_back().map_or(0, char::len_utf8));
    format!("--branches={head}[{last}]")
}

#[cfg(unix)]
pub(super) fn owned_bare(directory: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    looks_bare(directory)
        && fs::metadata(directory).is_ok_and(|found| found.uid() == rustix::process::geteuid().as_raw())
}

// Windows: ownership is an access-control question that git answers; without its answer nothing is bypassed.
#[cfg(not(unix))]
pub(super) fn owned_bare(_directory: &Path) -> bool {
    false
}

fn looks_bare(directory: &Path) -> bool {
    directory.join("HEAD").exists() && directory.join("objects").is_dir() && directory.join("refs").exists()
}

pub(super) fn split<'b>(text: &'b [u8], separator: &[u8]) -> Vec<&'b [u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(separator.len()).position(|window| window == separator) {
        parts.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest);
    parts
}

pub(crate) fn trim_newline(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\n").unwrap_or(bytes)
}

#[cfg(unix)]
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(<OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes.to_vec()))
}

// Windows: git prints UTF-8.
#[cfg(not(unix))]
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from(String::from_utf8_lossy(bytes).into_owned()))
}

/// What a directory belongs to, read from the disk alone; `None` whenever that is not certain.
#[derive(Debug, PartialEq, Eq)]
pub enum Glance {
    /// It lies in a linked worktree.
    Linked,
    /// It lies in the main worktree of the repository with this (resolved) common git directory.
    Main(PathBuf),
}

/// Looks for a `.git` at `root` or above, as git would, and starts no process: some 10 microseconds. Answers only the
/// two everyday layouts, owned by this user, on one file system; anything else is left to git.
#[must_use]
pub fn glance(root: &Path) -> Option<Glance> {
    if environment::limits_discovery() {
        return None;
    }
    let start = fs::canonicalize(root).ok()?;
    let mut device = None;
    for directory in start.ancestors() {
        let here = fs::metadata(directory).ok()?;
        if device_of(&here) != *device.get_or_insert_with(|| device_of(&here)) {
            return None;
        }
        let dot_git = directory.join(".git");
        match fs::symlink_metadata(&dot_git) {
            Ok(metadata) if metadata.is_dir() => {
                let certain = owned(&metadata)
                    && owned(&here)
                    && dot_git.join("HEAD").exists()
                    && dot_git.join("objects").is_dir();
                return certain.then_some(Glance::Main(dot_git));
            }
            Ok(metadata) if metadata.is_file() => {
                let admin = worktree::admin_dir_of(directory).ok()??;
                let common = worktree::common_dir_of(&admin).ok()?;
                let certain = owned(&metadata)
                    && owned(&here)
                    && fs::metadata(&common).is_ok_and(|found| owned(&found))
                    && admin.join("HEAD").exists()
                    && common.join("objects").is_dir();
                return certain.then_some(Glance::Linked);
            }
            Ok(_) => return None,
            Err(_) if directory.join("HEAD").exists() && directory.join("objects").exists() => return None,
            Err(_) => {}
        }
    }
    None
}

#[cfg(unix)]
fn owned(found: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(found) == rustix::process::geteuid().as_raw()
}

#[cfg(unix)]
fn device_of(found: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::dev(found)
}

// Windows: git's ownership check there needs access-control lists; asking git is the safe answer.
#[cfg(not(unix))]
fn owned(_found: &fs::Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn device_of(_found: &fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_pattern_is_a_class_of_one() {
        assert_eq!(branch_pattern("fix-42"), "--branches=fix-4[2]");
    }

    #[test]
    fn answers_are_parted_also_when_they_hold_newlines() {
        assert_eq!(split(b"a\nb\n--s\n\n--s\nc", b"--s\n"), [&b"a\nb\n"[..], b"\n", b"c"]);
    }
}
