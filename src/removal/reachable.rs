//! Which commits only one worktree keeps reachable.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::error::Result;
use crate::git::Git;
use crate::lock::TaskLock;

/// Those of the commits that no branch, remote-tracking branch or tag reaches, apart from the branch `except`: what
/// `HEAD`, its log and an operation in progress name, and that git could collect once they are out of its sight.
pub(super) fn only_here(
    content: (&Path, &Path),
    except: Option<&str>,
    more: &[String],
    lock: &TaskLock,
) -> Result<Vec<String>> {
    let (admin, common_dir) = content;
    let git = || Git::new(common_dir).git_dir(Some(admin)).holding(lock);
    let mut names: BTreeSet<String> = named_in(admin);
    names.extend(more.iter().cloned());
    names.extend(["HEAD", "ORIG_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD"].map(str::to_owned));
    // In a git directory `HEAD` is also a file, so git must be told which is meant.
    let log = git().args(["log", "--walk-reflogs", "--format=%H", "HEAD", "--"]).run()?;
    if log.status.code().is_none() {
        // A git that died has not said that there is no log.
        return Err(log.into_error("log", admin));
    }
    if log.status.success() {
        names.extend(String::from_utf8_lossy(&log.stdout).lines().map(str::to_owned));
    }
    // `refs/bisect`, `refs/worktree` and `refs/rewritten` are the worktree's own.
    let own = git()
        .args(["for-each-ref", "--format=%(objectname)", "refs/bisect", "refs/worktree", "refs/rewritten"])
        .read()?;
    names.extend(String::from_utf8_lossy(&own).lines().map(str::to_owned));
    let mut asked = Vec::new();
    for name in &names {
        asked.extend(name.bytes());
        asked.extend(b"^{commit}\n");
    }
    let output = git()
        .args(["cat-file", "--batch-check=%(objectname) %(objecttype)"])
        .input(move |pipe| pipe.write_all(&asked))
        .read()?;
    let text = String::from_utf8_lossy(&output);
    let commits: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_suffix(" commit")).collect();
    if commits.is_empty() {
        return Ok(Vec::new());
    }
    let exclude = except.map(|branch| format!("--exclude={branch}"));
    let mut args = vec!["rev-list".to_owned()];
    args.extend(commits.iter().map(ToString::to_string));
    args.push("--not".into());
    args.extend(exclude);
    args.extend(["--branches", "--remotes", "--tags"].map(str::to_owned));
    let unreachable = git().args(args).read()?;
    let unreachable = String::from_utf8_lossy(&unreachable);
    let unreachable: BTreeSet<&str> = unreachable.lines().collect();
    Ok(commits.into_iter().filter(|commit| unreachable.contains(commit)).map(str::to_owned).collect())
}

/// Every object id that git's small files in an administrative directory name: those of an operation in progress
/// (`MERGE_HEAD`, `rebase-merge/orig-head`, an autostash, ...), whatever it is.
fn named_in(admin: &Path) -> BTreeSet<String> {
    /// git's own files of this kind hold a few lines.
    const SMALL: u64 = 256 * 1024;
    let mut names = BTreeSet::new();
    let mut directories = vec![(admin.to_owned(), 0)];
    while let Some((directory, level)) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(found) = entry.metadata() else { continue };
            let skipped =
                ["modules", "logs", "objects", "reftable"].iter().any(|name| entry.file_name() == *name);
            if found.is_dir() && level < 4 && !skipped {
                directories.push((entry.path(), level + 1));
            } else if found.is_file() && found.len() <= SMALL && entry.file_name() != "index" {
                let text = fs::read(entry.path()).unwrap_or_default();
                let words = text.split(|byte| !byte.is_ascii_alphanumeric());
                let ids = words.filter(|word| matches!(word.len(), 40 | 64) && is_hex(word));
                names.extend(ids.map(|word| String::from_utf8_lossy(word).into_owned()));
            }
        }
    }
    names
}

fn is_hex(word: &[u8]) -> bool {
    word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
