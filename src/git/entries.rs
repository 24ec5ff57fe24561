//! All administrative directories of a repository, in one pass over them.

use std::fs;
use std::path::{Path, PathBuf};

use super::worktree;

/// The administrative directories that point to a worktree directory, which need not exist: one, where all is well.
///
/// Reads one small file of each. To resolve what every one of them names would cost ten times as much, and nothing can be
/// gained by it for a directory that is not there: by whatever links its parent is reached, its own name stays.
#[must_use]
pub fn pointing_to(common_dir: &Path, worktree: &Path) -> Vec<PathBuf> {
    let is_there = fs::symlink_metadata(worktree).is_ok();
    let mut admins = worktree::admin_dirs(common_dir);
    admins.retain(|admin| {
        worktree::tree_of(admin).is_some_and(|named| {
            (is_there || named.file_name() == worktree.file_name()) && worktree::same_place(&named, worktree)
        })
    });
    admins
}

#[cfg(all(test, unix))]
#[expect(clippy::disallowed_methods, reason = "the test makes entries by hand")]
mod tests {
    use super::*;

    #[test]
    fn the_entries_of_a_directory_are_those_that_point_back_to_it() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("real/there")).unwrap();
        std::os::unix::fs::symlink(at("real"), at("way")).unwrap();
        std::os::unix::fs::symlink(at("real/there"), at("link")).unwrap();
        let entry = |id: &str, named: &Path| {
            let admin = at("repo/worktrees").join(id);
            fs::create_dir_all(&admin).unwrap();
            fs::write(admin.join("gitdir"), format!("{}/.git\n", named.display())).unwrap();
        };
        for (id, named) in [("a", "real/there"), ("b", "way/gone"), ("c", "link"), ("d", "real/other")] {
            entry(id, &at(named));
        }
        entry("relative", Path::new("../../../real/gone"));
        fs::create_dir(at("repo/worktrees/half-made")).unwrap();
        fs::write(at("repo/worktrees/half-made/gitdir"), "").unwrap();
        for place in ["real/there", "way/there", "link", "real/gone", "way/gone", "real/other", "nowhere"] {
            let mut found = pointing_to(&at("repo"), &at(place));
            let mut by_look = worktree::admin_dirs(&at("repo"));
            by_look.retain(|admin| worktree::points_back(admin, &at(place)));
            found.sort();
            by_look.sort();
            assert_eq!(found, by_look, "{place}");
        }
        assert_eq!(pointing_to(&at("repo"), &at("real/gone")).len(), 2);
        assert_eq!(pointing_to(&at("repo"), &at("way/there")).len(), 2);
    }
}
