//! Lets git make the files of a registered worktree, and tells how far it is.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Git;
use crate::cancel::Cancel;
use crate::error::{IoContext, Result};
use crate::lock::TaskLock;
use crate::progress::Progress;

/// Fills a registered, empty worktree with its `HEAD`: `git read-tree -m -u` takes no ref lock, so it runs outside the
/// repository lock.
pub fn check_out(
    worktree: &Path,
    admin: &Path,
    task_lock: &TaskLock,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<()> {
    let files = Arc::new(AtomicUsize::new(0));
    let told = {
        let (files, progress) = (Arc::clone(&files), progress.clone());
        move |done, total| {
            files.store(total, Ordering::Relaxed);
            progress.report(done, total);
        }
    };
    read_tree(Git::new(worktree), told).holding(task_lock).cancel(cancel).read()?;
    // In a sparse checkout git writes fewer files than the index names.
    match files.load(Ordering::Relaxed) {
        0 => progress.finish(count_entries(admin)?),
        files => progress.finish(files),
    }
    Ok(())
}

/// Completes a worktree of `total` files whose files are in place, but for `missing`, as far as `index` says: git makes
/// the others, and writes the index whole. It stays under its own name.
pub fn complete(
    worktree: &Path,
    index: &Path,
    (missing, total): (usize, usize),
    task_lock: &TaskLock,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<()> {
    let progress = progress.clone();
    let told = move |done: usize, _| progress.report((total - missing + done).min(total), total);
    let git = read_tree(Git::new(worktree).index_file(index), told);
    git.holding(task_lock).cancel(cancel).read().map(drop)
}

fn read_tree<'a>(git: Git<'a>, told: impl FnMut(usize, usize) + Send + 'static) -> Git<'a> {
    git.args(["read-tree", "-v", "-m", "-u", "HEAD"]).runs_user_code().progress(told)
}

/// How many entries the index of a worktree has, from its header.
pub fn count_entries(admin: &Path) -> Result<usize> {
    let file = admin.join("index");
    let mut header = [0; 12];
    File::open(&file).and_then(|mut index| index.read_exact(&mut header)).context("read the index", file)?;
    Ok(u32::from_be_bytes([header[8], header[9], header[10], header[11]]) as usize)
}
