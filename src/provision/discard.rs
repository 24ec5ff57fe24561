//! Deletes what a fill made of a tree that was given to nobody, and nothing else.
//!
//! The path of a worktree can be guessed before it is answered, so that a file of somebody's may lie in a tree that is
//! half made. A file goes only when its content is proven to be in the repository: it is the blob that the commit has at
//! that path, or the beginning of it, line ends apart, because a git that was stopped, or that had no room, leaves half
//! a file. What a filter wrote cannot be told from work without running the filter, and stays.

use super::Job;
use crate::error::Result;
use crate::git::Repository;
use crate::intent::Intent;

/// Deletes of `tree` what the attempt made; whether that was all of it, so that nothing is left there.
#[cfg(not(unix))]
pub(super) fn tree(_: &Job<'_>, _: &Repository, _: &Intent, _tree: &std::path::Path) -> Result<bool> {
    Ok(false)
}

#[cfg(unix)]
pub(super) use self::unix::tree;

#[cfg(unix)]
mod unix {
    use std::cell::RefCell;
    use std::collections::{HashMap, HashSet};
    use std::fs::{self, File};
    use std::io::{self, Read};
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, FileType, Mode, OFlags};

    use super::super::share;
    use super::{Intent, Job, Repository, Result};
    use crate::cancel::Cancel;
    use crate::disk::{self, Doomed};
    use crate::git::index::{FileStat, HashKind, ObjectId, hash_kind};
    use crate::git::object::Hasher;
    use crate::git::worktree;

    const PIECE: usize = 256 * 1024;
    /// How much content is asked of git at a time.
    const PORTION: u64 = 32 * 1024 * 1024;
    /// Larger blobs are not read into memory; a file that is not the whole of one stays.
    const LARGEST: u64 = 1024 * 1024 * 1024;
    // NONBLOCK: something else may stand where a file should.
    const SOURCE: OFlags =
        OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

    /// See above.
    pub(in super::super) fn tree(
        job: &Job<'_>,
        repository: &Repository,
        intent: &Intent,
        tree: &Path,
    ) -> Result<bool> {
        let mut listings = Vec::new();
        for commit in intent.spares.iter().chain([&intent.commit]) {
            let args = ["ls-tree", "-r", "-z", "--full-tree", commit];
            listings.push(repository.git().args(args).holding(job.task_lock).read()?);
        }
        let shares = share::present(&job.plan.shared, repository.main_worktree.as_deref());
        let links: Vec<_> =
            shares.into_iter().map(|share| (PathBuf::from(share.name), share.source)).collect();
        let Some(made) = Made::of(&listings, &links, &intent.commit) else { return Ok(false) };
        made.delete_from(tree, &HashMap::new())?;
        let beginnings = made.beginnings(tree, repository, job)?;
        if !beginnings.is_empty() {
            made.delete_from(tree, &beginnings)?;
        }
        Ok(remove_frame(tree, &intent.common_dir))
    }

    /// Removes the file that links a worktree to its repository, and the directory, when there is nothing else in it.
    fn remove_frame(tree: &Path, common_dir: &Path) -> bool {
        let Ok(entries) = fs::read_dir(tree) else { return fs::symlink_metadata(tree).is_err() };
        if entries.into_iter().any(|entry| entry.map_or(true, |entry| entry.file_name() != ".git")) {
            return false;
        }
        let ours = match worktree::admin_dir_of(tree) {
            Ok(Some(admin)) => {
                admin
                    .parent()
                    .is_some_and(|entries| worktree::same_place(entries, &common_dir.join("worktrees")))
                    && fs::remove_file(tree.join(".git")).is_ok()
            }
            _ => false,
        };
        // Also after `.git` only an empty directory goes.
        (ours || fs::symlink_metadata(tree.join(".git")).is_err()) && fs::remove_dir(tree).is_ok()
    }

    /// A file whose content is not a whole blob of the commit.
    struct Suspect {
        path: PathBuf,
        found: FileStat,
        ids: Vec<ObjectId>,
    }

    /// What an attempt may have made.
    struct Made<'a> {
        /// Of each commit.
        blobs: Vec<HashMap<&'a [u8], ObjectId>>,
        directories: HashSet<&'a [u8]>,
        /// The links to shared directories.
        links: &'a [(PathBuf, PathBuf)],
        hash: HashKind,
        suspects: RefCell<Vec<Suspect>>,
    }

    impl<'a> Made<'a> {
        fn of(listings: &'a [Vec<u8>], links: &'a [(PathBuf, PathBuf)], commit: &str) -> Option<Self> {
            let mut made = Self {
                blobs: Vec::new(),
                directories: HashSet::new(),
                links,
                hash: hash_kind(commit)?,
                suspects: RefCell::default(),
            };
            for listing in listings {
                let mut blobs = HashMap::new();
                for line in listing.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
                    let tab = line.iter().position(|byte| *byte == b'\t')?;
                    let (about, path) = (std::str::from_utf8(&line[..tab]).ok()?, &line[tab + 1..]);
                    let mut words = about.split(' ').skip(1);
                    let (kind, id) = (words.next()?, words.next()?);
                    made.know_directories_of(path);
                    if kind == "commit" {
                        made.directories.insert(path);
                    } else {
                        blobs.insert(path, ObjectId::from_hex(id.as_bytes()).ok()?);
                    }
                }
                made.blobs.push(blobs);
            }
            for (name, _) in links {
                made.know_directories_of(name.as_os_str().as_bytes());
            }
            Some(made)
        }

        fn know_directories_of(&mut self, path: &'a [u8]) {
            let mut path = path;
            while let Some(slash) = path.iter().rposition(|byte| *byte == b'/') {
                path = &path[..slash];
                if !self.directories.insert(path) {
                    break;
                }
            }
        }

        fn ids_at(&self, path: &[u8]) -> Vec<ObjectId> {
            self.blobs.iter().filter_map(|blobs| blobs.get(path)).copied().collect()
        }

        fn delete_from(&self, tree: &Path, beginnings: &HashMap<PathBuf, FileStat>) -> Result<()> {
            self.suspects.borrow_mut().clear();
            let may_go = |doomed: &Doomed<'_>| match doomed.kind {
                FileType::Directory => self.directories.contains(doomed.path.as_os_str().as_bytes()),
                FileType::Symlink => self.is_made_link(doomed),
                FileType::RegularFile => self.is_made_file(doomed, beginnings).unwrap_or(false),
                _ => false,
            };
            disk::delete_where(tree, &may_go, &Cancel::default()).map(drop)
        }

        fn is_made_link(&self, doomed: &Doomed<'_>) -> bool {
            let Ok(target) = rustix::fs::readlinkat(doomed.parent, doomed.name, Vec::new()) else {
                return false;
            };
            let is_share = self.links.iter().any(|(name, source)| {
                name == doomed.path && source.as_os_str().as_bytes() == target.as_bytes()
            });
            is_share || {
                let ids = self.ids_at(doomed.path.as_os_str().as_bytes());
                let length = target.as_bytes().len() as u64;
                let hasher = (!ids.is_empty()).then(|| Hasher::blob(self.hash, length)).flatten();
                hasher.is_some_and(|mut hasher| {
                    hasher.add(target.as_bytes());
                    ids.contains(&hasher.id())
                })
            }
        }

        /// Also a file where the commit has a link: so they are made with `core.symlinks=false`.
        fn is_made_file(
            &self,
            doomed: &Doomed<'_>,
            beginnings: &HashMap<PathBuf, FileStat>,
        ) -> io::Result<bool> {
            let ids = self.ids_at(doomed.path.as_os_str().as_bytes());
            if ids.is_empty() {
                return Ok(false);
            }
            let file = rustix::fs::openat(doomed.parent, doomed.name, SOURCE, Mode::empty())?;
            let found = FileStat::from(rustix::fs::fstat(&file)?);
            let proven = match beginnings.get(doomed.path) {
                Some(known) => *known == found,
                None => found.size == 0 || self.id_of(file, found.size)?.is_some_and(|id| ids.contains(&id)),
            };
            if !proven {
                let path = doomed.path.to_owned();
                self.suspects.borrow_mut().push(Suspect { path, found, ids });
            }
            // Whoever wrote to it meanwhile has made it another one.
            let now = rustix::fs::statat(doomed.parent, doomed.name, AtFlags::SYMLINK_NOFOLLOW)?;
            Ok(proven && FileStat::from(now) == found)
        }

        fn id_of(&self, file: OwnedFd, size: u64) -> io::Result<Option<ObjectId>> {
            let Some(mut hasher) = Hasher::blob(self.hash, size) else { return Ok(None) };
            let (mut file, mut length) = (File::from(file), 0);
            let mut piece = vec![0; piece_for(size)];
            loop {
                let count = file.read(&mut piece)?;
                if count == 0 {
                    break;
                }
                hasher.add(&piece[..count]);
                length += count as u64;
            }
            Ok((length == size).then(|| hasher.id()))
        }

        /// Those of the suspects that are the beginning of their blob, as they were then.
        fn beginnings(
            &self,
            tree: &Path,
            repository: &Repository,
            job: &Job<'_>,
        ) -> Result<HashMap<PathBuf, FileStat>> {
            let suspects = self.suspects.take();
            let mut proven = HashMap::new();
            let ask = |what: &str, ids: &[ObjectId]| {
                let wanted: String = ids.iter().map(|id| format!("{id}\n")).collect();
                let git = repository.git().args(["cat-file", what]).looks_only();
                git.input_bytes(wanted.into_bytes()).holding(job.task_lock).read()
            };
            let ids: Vec<ObjectId> = suspects.iter().flat_map(|suspect| suspect.ids.clone()).collect();
            if ids.is_empty() {
                return Ok(proven);
            }
            let sizes = ask("--batch-check=%(objectsize)", &ids)?;
            let mut sizes = sizes.split(|byte| *byte == b'\n');
            let mut wanted: Vec<(&Suspect, ObjectId, u64)> = Vec::new();
            for suspect in &suspects {
                for id in &suspect.ids {
                    let size = sizes.next().and_then(|size| std::str::from_utf8(size).ok()?.parse().ok());
                    wanted.extend(size.filter(|size| *size <= LARGEST).map(|size| (suspect, *id, size)));
                }
            }
            let mut rest = wanted.as_slice();
            while !rest.is_empty() {
                let mut room = PORTION;
                let fitting = rest.iter().take_while(|(_, _, size)| {
                    let fits = *size <= room;
                    room = room.saturating_sub(*size);
                    fits
                });
                let (portion, others) = rest.split_at(fitting.count().max(1));
                rest = others;
                let ids: Vec<ObjectId> = portion.iter().map(|(_, id, _)| *id).collect();
                let answer = ask("--batch", &ids)?;
                let mut answer = answer.as_slice();
                for (suspect, _, size) in portion {
                    let Some(blob) = next_blob(&mut answer, *size) else { break };
                    if is_beginning(&tree.join(&suspect.path), suspect.found, blob).unwrap_or(false) {
                        proven.insert(suspect.path.clone(), suspect.found);
                    }
                }
            }
            Ok(proven)
        }
    }

    /// Enough to see the end of a small file at once: most are.
    fn piece_for(size: u64) -> usize {
        PIECE.min(usize::try_from(size).unwrap_or(PIECE)) + 1
    }

    /// The content of the next object in what `git cat-file --batch` answers.
    fn next_blob<'a>(answer: &mut &'a [u8], size: u64) -> Option<&'a [u8]> {
        let start = answer.iter().position(|byte| *byte == b'\n')? + 1;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        let blob = answer.get(start..end)?;
        *answer = answer.get(end + 1..)?;
        Some(blob)
    }

    /// Whether a file that still is what was found is the beginning of a blob, carriage returns apart: checkout may put
    /// them in or leave them out.
    fn is_beginning(path: &Path, found: FileStat, blob: &[u8]) -> io::Result<bool> {
        let mut file = File::from(rustix::fs::open(path, SOURCE, Mode::empty())?);
        if FileStat::from(rustix::fs::fstat(&file)?) != found {
            return Ok(false);
        }
        let mut wanted = blob.iter().filter(|byte| **byte != b'\r');
        let mut piece = vec![0; piece_for(found.size)];
        loop {
            let count = file.read(&mut piece)?;
            if count == 0 {
                return Ok(true);
            }
            let mut found = piece[..count].iter().filter(|byte| **byte != b'\r');
            if !found.all(|byte| wanted.next() == Some(byte)) {
                return Ok(false);
            }
        }
    }
}
