//! Fills the tree of a registered worktree: with copies of the main worktree's files where those are the very blobs that
//! are wanted, and by git for all the rest.
//!
//! git unpacks each blob again for each worktree, on one thread, and its first `git status` reads every file once more.
//! The same bytes lie in the main worktree. What is copied is proven by its hash; what checkout would convert, what is
//! missing or different there, and every repository with a setting that is out of the ordinary, is left to git, which
//! gets an index that says what is there already and completes it.

#[cfg(unix)]
mod conversion;
#[cfg(unix)]
mod copy;
#[cfg(unix)]
mod file;
#[cfg(unix)]
mod proven;
#[cfg(unix)]
mod recent;

use std::path::Path;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::{Repository, checkout};
use crate::lock::TaskLock;
use crate::progress::Progress;

use super::times::Times;

#[cfg(unix)]
pub(super) use self::from_main::Sources;

/// What filling a tree needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filling<'a> {
    /// The repository.
    pub(super) repository: &'a Repository,
    /// Which times the files get.
    pub(super) times: Times,
    /// Held by git while it fills.
    pub(super) task_lock: &'a TaskLock,
    /// Stops it.
    pub(super) cancel: &'a Cancel,
    /// Who wants to know how far it is.
    pub(super) progress: &'a Progress,
}

/// Windows: until the rules of its file systems have been proven, git fills every tree.
#[cfg(not(unix))]
pub(super) struct Sources;

#[cfg(not(unix))]
impl Sources {
    pub(super) fn look(
        _repository: &Repository,
        _commit: &str,
        _config: Option<crate::git::config::Config>,
        _cancel: &Cancel,
    ) -> Option<Self> {
        None
    }

    fn prefill(self, _tree: &Path, _index: &Path, _cancel: &Cancel) -> Result<bool> {
        Ok(false)
    }

    fn fill(self, _filling: &Filling<'_>, _path: &Path, _admin: &Path) -> Result<bool> {
        Ok(false)
    }
}

/// Fills the tree with the `HEAD` of the worktree. The index is renamed into place last, so its being there proves that
/// the tree is complete.
pub(super) fn fill(filling: &Filling<'_>, path: &Path, admin: &Path, sources: Option<Sources>) -> Result<()> {
    if sources.map_or(Ok(false), |sources| sources.fill(filling, path, admin))? {
        return Ok(());
    }
    checkout::check_out(path, admin, filling.task_lock, filling.cancel, filling.progress)
}

/// Copies what can be copied of a commit's tree into a directory that git does not know, and writes an index of what
/// arrived, if anything did: git completes both. `false` when git had better do it all, and nothing was touched.
pub(super) fn prefill(
    repository: &Repository,
    commit: &str,
    tree: &Path,
    index: &Path,
    cancel: &Cancel,
) -> Result<bool> {
    Sources::look(repository, commit, None, cancel)
        .map_or(Ok(false), |sources| sources.prefill(tree, index, cancel))
}

#[cfg(unix)]
mod from_main {
    use std::path::{Path, PathBuf};

    use super::super::times::Moment;
    use super::conversion::{self, Conversions};
    use super::{Filling, copy};
    use crate::cancel::Cancel;
    use crate::disk;
    use crate::error::Result;
    use crate::git::config::Config;
    use crate::git::index::form::Form;
    use crate::git::index::{self, Draft, Index};
    use crate::git::{Git, Repository, checkout, environment};
    use crate::progress::Progress;

    /// The index of a tree that is being filled. Only the finished one gets its right name.
    const UNFINISHED: &str = "okstra-index";

    /// What is known about the tree before it is registered.
    #[derive(Debug)]
    pub(in super::super) struct Sources {
        main: PathBuf,
        common_dir: PathBuf,
        draft: Draft,
        conversions: Conversions,
        config: Config,
    }

    impl Sources {
        /// Finds out what can be copied, beside the registration and without the repository lock: one process that
        /// prints the configuration, unless it is known, and one that prints the tree when it is not the one that the main
        /// worktree's index stands for. `None` when git had better do it all, also when anything goes wrong here: git will
        /// say it better.
        pub(in super::super) fn look(
            repository: &Repository,
            commit: &str,
            config: Option<Config>,
            cancel: &Cancel,
        ) -> Option<Self> {
            let main = repository.main_worktree.clone()?;
            // The hook would miss the files, and a replaced blob is checked out with another content than its id says.
            if repository.has_replacements
                || environment::reads_attributes_elsewhere()
                || repository.post_checkout.with_file_name("post-index-change").exists()
            {
                return None;
            }
            let config = match config {
                Some(known) => known,
                None => Config::read(repository.git()).ok()?,
            };
            if conversion::is_unusual(&config) {
                return None;
            }
            let hash = index::hash_kind(commit)?;
            let known =
                (repository.head.as_deref() == Some(commit)).then_some(repository.head_tree.as_deref());
            let of_main = known.flatten().and_then(|tree| {
                let index = Index::read(&repository.common_dir.join("index"), hash).ok()??;
                (index.tree()? == index::ObjectId::from_hex(tree.as_bytes()).ok()?)
                    .then(|| Draft::of_index(index))
            });
            let draft = match of_main {
                Some(draft) => draft,
                None => {
                    let git = repository.git().args(["ls-tree", "-r", "-z", "--full-tree", commit]);
                    Draft::of_listing(&git.cancel(cancel).read().ok()?, hash)?
                }
            };
            let conversions = Conversions::read(&main, &repository.common_dir, &config, &draft)?;
            Some(Self { main, common_dir: repository.common_dir.clone(), draft, conversions, config })
        }

        /// Fills the tree; `false` when git had better do it, and nothing was touched.
        pub(super) fn fill(mut self, filling: &Filling<'_>, path: &Path, admin: &Path) -> Result<bool> {
            if conversion::depends_on_place(&self.config) {
                let config = Config::read(Git::new(path))?;
                if conversion::is_unusual(&config) {
                    return Ok(false);
                }
                match Conversions::read(&self.main, &filling.repository.common_dir, &config, &self.draft) {
                    Some(conversions) => self.conversions = conversions,
                    None => return Ok(false),
                }
                self.config = config;
            }
            let cancel = filling.cancel;
            let unfinished = admin.join(UNFINISHED);
            let moment = filling.times.moment();
            let missing = self.copy(path, &unfinished, moment, cancel, filling.progress)?;
            // git adjusts the permissions of what it writes in a shared repository.
            if missing > 0 || !self.draft.knows_trees() || self.config.get("core.sharedrepository").is_some()
            {
                let files = (missing, self.draft.len());
                checkout::complete(path, &unfinished, files, filling.task_lock, cancel, filling.progress)?;
            }
            if let Some(form) = Form::of(&self.config) {
                form.apply(path, &unfinished, filling.task_lock, cancel)?;
            }
            disk::put_in_place(&unfinished, &admin.join("index"))?;
            filling.progress.finish(self.draft.len());
            Ok(true)
        }

        /// See [`super::prefill`].
        pub(super) fn prefill(mut self, tree: &Path, index: &Path, cancel: &Cancel) -> Result<bool> {
            // What is in force there can only be asked for in a worktree.
            if conversion::depends_on_place(&self.config) {
                return Ok(false);
            }
            self.copy(tree, index, None, cancel, &Progress::default())?;
            Ok(true)
        }

        /// Copies what can be copied, and writes the index of it. Gives how many entries did not arrive.
        fn copy(
            &mut self,
            path: &Path,
            index: &Path,
            moment: Option<Moment>,
            cancel: &Cancel,
            progress: &Progress,
        ) -> Result<usize> {
            let leave = |wanted: &index::Wanted<'_>| {
                !conversion::is_plain(wanted) || self.conversions.may_touch(wanted.path)
            };
            let from = copy::From {
                main: &self.main,
                common_dir: &self.common_dir,
                time: moment.map(|moment| moment.time),
            };
            let arrived = copy::copy(from, path, &self.draft, &leave, cancel, progress)?;
            let missing = self.draft.settle(&arrived);
            if let Some(moment) = moment.filter(|_| missing < self.draft.len()) {
                moment.pass(cancel)?;
            }
            self.draft.write(index)?;
            Ok(missing)
        }
    }
}
