//! Makes a worktree again from what the repository keeps, when the trash itself was emptied: the files from the snapshot,
//! byte for byte and past all filters, the index and an operation in progress from the administrative directory that is
//! kept, else the index from the snapshot.

use std::fs;
use std::path::{Path, PathBuf};

use super::snapshot::{ASSUMED, SKIPPED};
use crate::cancel::Cancel;
use crate::disk::{self, Below};
use crate::error::{Error, IoContext, Result};
use crate::git::Git;
use crate::git::repository::path_of;
use crate::lock::TaskLock;
use crate::trash::Record;
use crate::trash::record::GitSide;

/// How many bytes of files are asked for at once.
const CHUNK: u64 = 32 * 1024 * 1024;

/// What in an administrative directory belongs to its place and not to its state.
const PLACE: &[&str] = &["gitdir", "commondir", "locked", "okstra-trash.json", "okstra.json"];

/// Fills a new worktree (registered, empty) from a record. The index comes last, because it proves the rest complete.
pub(super) fn fill(
    record: &Record,
    git: &GitSide,
    tree: &Path,
    admin: &Path,
    lock: &TaskLock,
    cancel: &Cancel,
) -> Result<()> {
    let tip = git.snapshot.as_deref().or(git.head.as_deref()).unwrap_or("HEAD");
    write_files(tree, tip, lock, cancel)?;
    if git.snapshot.is_some() {
        write_files(tree, &format!("{tip}^3"), lock, cancel)?;
    }
    if let Some(head) = &git.head {
        set_head(tree, git, head, lock)?;
    }
    if git.kept.join("index").is_file() {
        return take_state(&git.kept, admin);
    }
    let index = if git.snapshot.is_some() { format!("{tip}^2") } else { tip.to_owned() };
    Git::new(tree).args(["read-tree", &index]).holding(lock).cancel(cancel).read()?;
    if record.git.as_ref().is_some_and(|git| git.snapshot.is_some()) {
        conflicts(tree, tip, lock)?;
    }
    // What it says about files that differ is no error.
    Git::new(tree).args(["update-index", "-q", "--refresh"]).holding(lock).run()?;
    if record.git.as_ref().is_some_and(|git| git.snapshot.is_some()) {
        hide_again(tree, tip, lock)?;
    }
    Ok(())
}

/// Tells git again not to look at the files that it had been told not to look at.
fn hide_again(tree: &Path, snapshot: &str, lock: &TaskLock) -> Result<()> {
    for name in [ASSUMED, SKIPPED] {
        let listed =
            Git::new(tree).args(["cat-file", "blob", &format!("{snapshot}^4:{name}")]).holding(lock).run()?;
        if listed.status.success() && !listed.stdout.is_empty() {
            let option = format!("--{name}");
            let git = Git::new(tree).args(["update-index", "-z", &option, "--stdin"]);
            git.input_bytes(listed.stdout).holding(lock).read()?;
        }
    }
    Ok(())
}

/// Puts `HEAD` where it was: on its branch where that still stands there and is nobody else's, else detached.
fn set_head(tree: &Path, git: &GitSide, head: &str, lock: &TaskLock) -> Result<()> {
    let ask = |args: &[&str]| -> Result<String> {
        let output = Git::new(tree).args(args).run()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if let Some(branch) = &git.branch {
        let name = format!("refs/heads/{branch}");
        let (at, now) = (ask(&["rev-parse", "--verify", "--quiet", &name])?, ask(&["symbolic-ref", "HEAD"])?);
        if at == head && now == name {
            return Ok(());
        }
        let used = ask(&["for-each-ref", "--format=%(worktreepath)", &name])?;
        if at == head && used.is_empty() {
            return Git::new(tree).args(["symbolic-ref", "HEAD", &name]).holding(lock).read().map(drop);
        }
    }
    Git::new(tree).args(["update-ref", "--no-deref", "HEAD", head]).holding(lock).read().map(drop)
}

/// Moves index, logs and the state of an operation from the administrative directory that was kept.
fn take_state(kept: &Path, admin: &Path) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(kept).context("look into", kept)?.flatten().collect();
    // The index last.
    entries.sort_by_key(|entry| entry.file_name() == "index");
    for entry in entries {
        let name = entry.file_name();
        if PLACE.iter().any(|place| name == *place) || name == "HEAD" || name == "reftable" {
            continue;
        }
        let to = admin.join(&name);
        if to.is_dir() {
            disk::delete_tree(&to, &Cancel::default())?;
        }
        disk::move_aside(&entry.path(), &to)?;
    }
    Ok(())
}

/// The sides of conflicts, back into the index.
fn conflicts(tree: &Path, snapshot: &str, lock: &TaskLock) -> Result<()> {
    let listed =
        Git::new(tree).args(["ls-tree", "-r", "-z", "--full-tree", &format!("{snapshot}^4")]).run()?;
    let mut lines = Vec::new();
    for line in listed.stdout.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let Some((header, path)) = parted(line) else { continue };
        let words: Vec<&str> = header.split(' ').collect();
        let [mode, _, id] = words[..] else { continue };
        let Some((stage, path)) = path.strip_prefix(b"stage-").and_then(|rest| rest.split_at_checked(2))
        else {
            continue;
        };
        let stage = char::from(stage[0]);
        lines.extend(format!("{mode} {id} {stage}\t").bytes());
        lines.extend(path);
        lines.push(0);
    }
    if lines.is_empty() {
        return Ok(());
    }
    let git = Git::new(tree).args(["update-index", "-z", "--index-info"]).input_bytes(lines);
    git.holding(lock).read().map(drop)
}

/// One file of a tree.
struct Wanted {
    mode: String,
    id: String,
    size: u64,
    path: PathBuf,
}

fn write_files(tree: &Path, treeish: &str, lock: &TaskLock, cancel: &Cancel) -> Result<()> {
    let listed =
        Git::new(tree).args(["ls-tree", "-r", "-z", "-l", "--full-tree", treeish]).cancel(cancel).read()?;
    let mut wanted = Vec::new();
    let mut below = Below::open(tree).context("open", tree)?;
    for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let unknown =
            || Error::Internal { message: format!("git ls-tree {treeish} answered in another form") };
        let (header, path) = parted(line).ok_or_else(unknown)?;
        let words: Vec<&str> = header.split_whitespace().collect();
        let [mode, kind, id, size] = words[..] else { return Err(unknown()) };
        let path = path_of(path);
        if !disk::is_inner(&path) {
            return Err(Error::invalid(
                "path in the snapshot",
                path.to_string_lossy(),
                "it leaves the worktree",
            ));
        }
        if kind == "commit" {
            below.directory(&path).context("make the directory", tree.join(&path))?;
            continue;
        }
        wanted.push(Wanted { mode: mode.into(), id: id.into(), size: size.parse().unwrap_or(0), path });
    }
    // Links last: a file that comes after one in the same tree is met by `Below`, and so is one of the next tree.
    wanted.sort_by_key(|file| file.mode == "120000");
    let mut rest = wanted.as_slice();
    while !rest.is_empty() {
        cancel.check("restoring the worktree")?;
        let mut size = 0;
        let fits = |file: &&Wanted| {
            size += file.size;
            size <= CHUNK
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (chunk, later) = rest.split_at(count);
        write_chunk(&mut below, tree, chunk, lock, cancel)?;
        rest = later;
    }
    Ok(())
}

fn write_chunk(
    below: &mut Below,
    tree: &Path,
    chunk: &[Wanted],
    lock: &TaskLock,
    cancel: &Cancel,
) -> Result<()> {
    let asked: String = chunk.iter().map(|file| format!("{}\n", file.id)).collect();
    let git = Git::new(tree).args(["cat-file", "--batch"]).input_bytes(asked.into_bytes());
    let output = git.holding(lock).cancel(cancel).read()?;
    let mut rest = output.as_slice();
    for file in chunk {
        let broken = || Error::Internal { message: format!("git cat-file did not give {}", file.id) };
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
        let header = String::from_utf8_lossy(&rest[..end]).into_owned();
        let size: usize = header.rsplit(' ').next().and_then(|size| size.parse().ok()).ok_or_else(broken)?;
        let content = rest.get(end + 1..end + 1 + size).ok_or_else(broken)?;
        rest = rest.get(end + 2 + size..).ok_or_else(broken)?;
        write_file(below, tree, file, content)?;
    }
    Ok(())
}

fn write_file(below: &mut Below, tree: &Path, file: &Wanted, content: &[u8]) -> Result<()> {
    let written = if file.mode == "120000" {
        below.link(&file.path, path_of(content).as_os_str())
    } else {
        below.file(&file.path, content, file.mode == "100755")
    };
    written.context("write", tree.join(&file.path))
}

fn parted(line: &[u8]) -> Option<(String, &[u8])> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    Some((String::from_utf8_lossy(&line[..tab]).into_owned(), &line[tab + 1..]))
}
