//! Mending the tie between a worktree and its repository, in the places that are named and nowhere else: `git worktree
//! repair` also rewrites the links of worktrees that nobody asked about, and cannot bring an administrative directory
//! back that is gone.

use std::fs;
use std::path::{Path, PathBuf};

use super::room::{self, STAGING};
use super::worktree::{self, lock::Empty};
use super::{Git, Repository};
use crate::disk::{self, Replace, Shared};
use crate::error::{Error, IoContext, Result};
use crate::lock::RepositoryLock;
use crate::task::TaskKey;

/// What stands in `HEAD` where a reftable keeps it.
const STUB: &str = "ref: refs/heads/.invalid\n";

/// Makes a worktree and its entry name each other. Only an end that is wrong is replaced, that in the entry first, because
/// git lists a worktree by it; a right one may be relative (`worktree.useRelativePaths`).
pub fn tie(admin: &Path, tree: &Path, _lock: &RepositoryLock) -> Result<()> {
    let link = tree.join(".git");
    if !worktree::points_back(admin, tree) {
        room::write(room::common_of(admin), &admin.join("gitdir"), &line(&link))?;
    }
    if !worktree::names(tree, admin) {
        // A link at its place is replaced, and not written through.
        let keep = Replace { keep_mode: true, shared: Some(Shared::Umask), ..Replace::default() };
        disk::replace_file(&link, &[b"gitdir: ".to_vec(), line(admin)].concat(), keep)?;
    }
    Ok(())
}

/// Writes again what a power cut has emptied of an entry: `commondir`, and `HEAD` on this branch (detached at the last
/// commit of its log where the branch is checked out elsewhere is left to a person). An index that is empty is taken away:
/// it is made of the commit. Whether anything was empty. `gitdir` and `.git` are [`tie`]'s.
pub fn refill(admin: &Path, branch: &str, _lock: &RepositoryLock) -> Result<bool> {
    let is_empty = |name: &str| match fs::symlink_metadata(admin.join(name)) {
        Ok(found) => found.is_file() && is_blank(&admin.join(name)),
        Err(_) => true,
    };
    let common = room::common_of(admin);
    let mut torn = worktree::tree_of(admin).is_none();
    if is_empty("commondir") {
        torn = true;
        room::write(common, &admin.join("commondir"), b"../..\n")?;
    }
    if is_empty("HEAD") {
        torn = true;
        let tables = admin.join("reftable").is_dir();
        let head = if tables { STUB.to_owned() } else { format!("ref: refs/heads/{branch}\n") };
        room::write(common, &admin.join("HEAD"), head.as_bytes())?;
    }
    let index = admin.join("index");
    if index.is_file() && is_blank(&index) {
        torn = true;
        fs::remove_file(&index).context("take away the empty index", &index)?;
    }
    Ok(torn)
}

/// Whether there is nothing in a file, or nothing but the zeros that a power cut leaves.
#[must_use]
pub fn is_blank(file: &Path) -> bool {
    let length = fs::metadata(file).map_or(0, |found| found.len());
    length == 0 || (length <= 4096 && fs::read(file).is_ok_and(|text| text.iter().all(|byte| *byte == 0)))
}

/// A place for an entry that git has given to nobody.
#[must_use]
pub fn free_entry(common_dir: &Path, tree: &Path) -> PathBuf {
    let entries = common_dir.join("worktrees");
    let stem = tree.file_name().unwrap_or_default();
    let names = (0_u32..).map(|number| {
        let mut name = stem.to_owned();
        if number > 0 {
            name.push(number.to_string());
        }
        entries.join(name)
    });
    let mut free = names.filter(|place| fs::symlink_metadata(place).is_err());
    free.next().unwrap_or_else(|| entries.join(format!("{:016x}", disk::random())))
}

fn line(path: &Path) -> Vec<u8> {
    let mut line = path.as_os_str().as_encoded_bytes().to_vec();
    line.push(b'\n');
    line
}

/// Whether an administrative directory is gone, or has nothing in it.
#[must_use]
pub fn is_gone(admin: &Path) -> bool {
    !admin.is_dir() || fs::read_dir(admin).is_ok_and(|mut entries| entries.next().is_none())
}

/// Keeps names of administrative directories from being given to other worktrees, for as long as it lives.
///
/// A worktree that was moved with plain `mv` still names the directory it had. If a new worktree got that name, every git
/// command in the moved one would act on the new one's index and branch; as it is, git says that it is no repository.
#[derive(Debug)]
#[must_use = "the names are free again when it is dropped"]
pub struct HeldNames(Vec<PathBuf>);

impl HeldNames {
    /// Puts an empty directory at each place, which git passes over: it gives a new worktree the next free name.
    pub fn at(places: Vec<PathBuf>, _lock: &RepositoryLock) -> Self {
        Self(places.into_iter().filter(|place| fs::create_dir(place).is_ok()).collect())
    }
}

impl Drop for HeldNames {
    fn drop(&mut self) {
        for place in &self.0 {
            // Only an empty one goes.
            let _ = fs::remove_dir(place);
        }
    }
}

/// Makes the administrative directory of a worktree anew that git has pruned or somebody deleted: `HEAD` on the branch,
/// and an index of its commit. The files in the worktree are not touched, so what was changed there shows as changed;
/// what was staged is lost with the index that was deleted. Built aside and moved into place in one step.
///
/// The branch must exist and be checked out nowhere else. The entry of an active task is locked from the beginning.
pub fn rebuild(
    repository: &Repository,
    tree: &Path,
    admin: &Path,
    branch: &str,
    locked_for: Option<&TaskKey>,
    lock: &RepositoryLock,
) -> Result<()> {
    let common = &repository.common_dir;
    if admin.parent() != Some(&*common.join("worktrees")) {
        let reason = format!(
            "its .git file names {}, which is no place for a worktree of its repository",
            admin.display()
        );
        return Err(Error::WorktreeBroken { path: tree.to_owned(), reason });
    }
    // Two levels below the common git directory, as `worktrees/<id>` is, so that `../..` is right in both places.
    let staging = room::directory(common, STAGING)?.join(format!("{:016x}", disk::random()));
    let tables = common.join("reftable").is_dir();
    for directory in [staging.clone(), staging.join("refs")] {
        room::directory_in(common, &directory)?;
    }
    let name = format!("refs/heads/{branch}");
    let head = if tables { STUB.to_owned() } else { format!("ref: {name}\n") };
    for (file, content) in [
        ("commondir", b"../..\n".to_vec()),
        ("gitdir", line(&tree.join(".git"))),
        ("HEAD", head.into_bytes()),
    ] {
        room::write(common, &staging.join(file), &content)?;
    }
    if let Some(key) = locked_for {
        worktree::lock::put_on(&staging, key, Empty::Foreign)?;
    }
    let git = || Git::new(tree).git_dir(Some(&staging)).work_tree(tree).holding(lock);
    if tables {
        room::directory_in(common, &staging.join("reftable"))?;
        room::write(common, &staging.join("refs/heads"), b"this repository uses the reftable format\n")?;
        git().args(["symbolic-ref", "HEAD", &name]).read()?;
    } else if let Some(tip) = repository.branch_tip(branch)? {
        // From this log a branch that somebody deletes is made again; git itself writes it only at the next commit.
        room::directory_in(common, &staging.join("logs"))?;
        let seconds = jiff::Timestamp::now().as_second();
        let (none, who) = (Repository::null_id(&tip), "okstra <okstra>");
        let entry = format!("{none} {tip} {who} {seconds} +0000\tokstra: made anew\n");
        room::write(common, &staging.join("logs/HEAD"), entry.as_bytes())?;
    }
    git().args(["read-tree", "HEAD"]).read()?;
    // Exits with 1 when a file differs, which is for the person to see.
    git().args(["update-index", "-q", "--refresh"]).run()?;
    disk::sync_file(&staging.join("index"))?;
    if admin.is_dir() {
        // Empty, or this fails.
        fs::remove_dir(admin).context("replace the empty directory", admin)?;
    }
    disk::move_aside(&staging, admin)?;
    disk::sync_dir(&common.join("worktrees"))?;
    let _ = fs::remove_dir(common.join(STAGING));
    Ok(())
}

/// Makes the index of a worktree that has none, of the commit it is at. Made aside, because a killed git would leave its
/// lock on the place, and moved there only while there still is none.
pub fn make_index(common_dir: &Path, worktree: &Path, admin: &Path, lock: &RepositoryLock) -> Result<()> {
    let staging = room::directory(common_dir, STAGING)?.join(format!("{:016x}", disk::random()));
    room::directory_in(common_dir, &staging)?;
    let made = staging.join("index");
    let git = || Git::new(worktree).index_file(&made).holding(lock);
    git().args(["read-tree", "HEAD"]).read()?;
    git().args(["update-index", "-q", "--refresh"]).run()?;
    disk::sync_file(&made)?;
    let place = admin.join("index");
    if fs::symlink_metadata(&place).is_err() {
        disk::move_aside(&made, &place)?;
    }
    let _ = fs::remove_dir(&staging);
    let _ = fs::remove_dir(common_dir.join(STAGING));
    Ok(())
}

/// Which worktree has a branch checked out, the main one included.
pub fn user_of(repository: &Repository, branch: &str) -> Result<Option<PathBuf>> {
    let listed = repository.git().looks_only().args(["worktree", "list", "--porcelain", "-z"]).read()?;
    let wanted = format!("branch refs/heads/{branch}");
    let mut place = None;
    for line in listed.split(|byte| *byte == 0) {
        if let Some(path) = line.strip_prefix(b"worktree ") {
            place = Some(super::repository::path_of(path));
        } else if line == wanted.as_bytes() {
            return Ok(place);
        }
    }
    Ok(None)
}

/// What killed calls of [`rebuild`] left in a repository. Nothing in it is anybody's work.
#[must_use]
pub fn abandoned_staging(common_dir: &Path) -> Vec<PathBuf> {
    room::list(common_dir, STAGING).unwrap_or_default()
}

/// The directories in which somebody who moves a worktree may have put it: beside where it was, and where all tasks are.
#[must_use]
pub fn likely_places(path: &Path, worktrees: &Path) -> Vec<PathBuf> {
    let mut places = path.parent().map(children).unwrap_or_default();
    let projects = children(worktrees);
    let groups: Vec<PathBuf> = projects.iter().flat_map(|project| children(project)).collect();
    let tasks: Vec<PathBuf> = groups.iter().flat_map(|group| children(group)).collect();
    places.extend(projects.into_iter().chain(groups).chain(tasks));
    places.retain(|place| place != path);
    places.sort();
    places.dedup();
    places
}

/// The real directories in a directory. Names with a dot in front directly below the worktrees are okstra's own.
fn children(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        .collect()
}
