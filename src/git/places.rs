//! Many places by name: which of them is the one that a path names, whatever links lead there.
//!
//! [`super::worktree::same_place`] resolves both of its paths. To look a path up among thousands by it resolved all of
//! them once for each question: 4,000,000 system calls for the worktrees of 2,000 tasks. Here each is resolved once.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Places, which need not exist, each with a value.
#[derive(Debug, Default)]
pub struct Places<T> {
    by_name: HashMap<PathBuf, T>,
}

impl<T: Copy> Places<T> {
    /// A table of these. Where two are the same place, the first one counts.
    pub fn of(places: impl IntoIterator<Item = (PathBuf, T)>) -> Self {
        let mut by_name = HashMap::new();
        for (place, value) in places {
            for name in names(&place) {
                by_name.entry(name).or_insert(value);
            }
        }
        Self { by_name }
    }

    /// The value of the place that a path names.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<T> {
        let known = |name: PathBuf| self.by_name.get(&name).copied();
        self.by_name.get(path).copied().or_else(|| names(path).find_map(known))
    }
}

/// What a place can be called without a difference: as it is, resolved, and with its parent resolved. Two paths name one
/// place where they have one of these in common.
fn names(path: &Path) -> impl Iterator<Item = PathBuf> {
    let parent = || Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?));
    [Some(path.to_owned()), fs::canonicalize(path).ok(), parent()].into_iter().flatten()
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::worktree::same_place;
    use super::*;

    #[test]
    fn a_path_is_found_wherever_it_is_the_same_place() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("real/tree")).unwrap();
        std::os::unix::fs::symlink(at("real"), at("way")).unwrap();
        std::os::unix::fs::symlink(at("real/tree"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("nowhere"), at("broken")).unwrap();
        let paths =
            ["real/tree", "way/tree", "link", "real/gone", "way/gone", "gone", "broken", "broken/x", "real"];
        for one in paths {
            let places = Places::of([(at(one), 1)]);
            for other in paths {
                assert_eq!(
                    places.get(&at(other)).is_some(),
                    same_place(&at(one), &at(other)),
                    "{one} {other}"
                );
            }
        }
        let both = Places::of([(at("way/tree"), 1), (at("real/tree"), 2), (at("gone"), 3)]);
        assert_eq!(
            [both.get(&at("link")), both.get(&at("gone")), both.get(&at("other"))],
            [Some(1), Some(3), None]
        );
    }
}
