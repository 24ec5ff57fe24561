//! okstra's own links in a worktree: those to the shared directories of the main worktree.

use std::fs;
use std::path::{Path, PathBuf};

use crate::provision::share;

/// The links in `worktree` that okstra made, relative to its root: a symbolic link at a name that is configured now or
/// stands in the exclude block, and that points where okstra would have pointed it. A link that somebody made at such a
/// name, to another place, is theirs. A link whose target is gone still counts as ours while it points into the main
/// worktree.
#[must_use]
pub fn own(worktree: &Path, common_dir: &Path, main_worktree: Option<&Path>) -> Vec<PathBuf> {
    let Some(main) = main_worktree else { return Vec::new() };
    let mut names = share::excluded(common_dir);
    names.extend(share::configured().unwrap_or_default());
    names.sort();
    names.dedup();
    let ours = |name: &String| {
        let target = fs::read_link(worktree.join(name)).ok()?;
        let source = main.join(name);
        (target == source || fs::canonicalize(&source).is_ok_and(|source| target == source))
            .then(|| PathBuf::from(name))
    };
    names.iter().filter_map(ours).collect()
}
