//! What directories cost on disk. Links are not followed and nothing that is mounted inside is counted.

use std::path::{Path, PathBuf};

use super::caches;
use super::links;
use super::overview::side_by_side;
use super::status::{self, Depth};
use super::tasks::Located;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::worktree;
use crate::home::OkstraHome;

/// What a directory costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskUse {
    /// The sizes of all files, as `ls` tells them.
    pub apparent: u64,
    /// The blocks of all files and directories; a file with several names counts once.
    pub allocated: u64,
    /// The blocks that deleting the directory would free: not those of files that have a name elsewhere too, nor those
    /// that another file shares (a reflink). `None` where the file system shares blocks and does not tell of it.
    pub unique: Option<u64>,
    /// The part of `allocated` in caches, which `reclaim` gives back; `None` where git could not be asked.
    pub reclaimable: Option<u64>,
    /// How many files and directories were counted.
    pub entries: u64,
    /// How many directories could not be read and are not in the figures.
    pub unreadable: u64,
}

/// What a worktree costs, with its caches.
pub fn of_worktree(worktree: &Path, cancel: &Cancel) -> Result<DiskUse> {
    let caches = caches_of(worktree, cancel).ok();
    let paths: Vec<PathBuf> = caches.iter().flatten().map(|cache| worktree.join(&cache.path)).collect();
    let mut found = measure(worktree, &paths, cancel)?;
    if caches.is_none() {
        found.reclaimable = None;
    }
    Ok(found)
}

/// What each task's directory costs, `None` where there is none; side by side.
pub fn of_tasks(tasks: &[Located], cancel: &Cancel) -> Result<Vec<Option<DiskUse>>> {
    let found = side_by_side(tasks.len(), |index| {
        let path = &tasks[index].survey.path;
        path.is_dir().then(|| of_worktree(path, cancel)).transpose()
    });
    cancel.check("measuring")?;
    found.into_iter().collect()
}

/// What okstra keeps beside the worktrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// What was removed.
    pub trash: DiskUse,
    /// What recovery took out of the way.
    pub quarantine: DiskUse,
    /// Trees made in advance.
    pub spares: DiskUse,
    /// Caches that a killed call did not finish deleting.
    pub reclaimed: DiskUse,
}

/// What okstra keeps beside the worktrees.
pub fn of_keeping(home: &OkstraHome, cancel: &Cancel) -> Result<Keeping> {
    let of = |directory: PathBuf| match directory.symlink_metadata() {
        Ok(_) => measure(&directory, &[], cancel).map(|found| DiskUse { reclaimable: None, ..found }),
        Err(_) => Ok(DiskUse { unique: Some(0), ..DiskUse::default() }),
    };
    Ok(Keeping {
        trash: of(home.trash())?,
        quarantine: of(home.quarantine())?,
        spares: of(home.spares())?,
        reclaimed: of(home.reclaimed())?,
    })
}

/// The caches in a worktree; also those within ignored directories that are no caches as a whole.
pub fn caches_of(worktree: &Path, cancel: &Cancel) -> Result<Vec<caches::Cache>> {
    let own = match worktree::look(worktree)? {
        worktree::Found::Linked { common_dir, .. } => {
            let repository = super::repository_at(&common_dir)?;
            links::own(worktree, &common_dir, repository.main_worktree.as_deref())
        }
        _ => Vec::new(),
    };
    let status = status::ask(worktree, Depth::Ignored, &own, cancel)?;
    let parted = caches::part(worktree, &status, cancel)?;
    let mut found = parted.caches;
    for path in &parted.other {
        found.extend(caches::within(worktree, path, cancel)?);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// A number of bytes as people read it, in powers of 1000 as disks are sold.
#[must_use]
pub fn spoken(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

/// What a directory costs. `caches` are paths below it whose blocks are counted as reclaimable too.
pub fn measure(directory: &Path, caches: &[PathBuf], cancel: &Cancel) -> Result<DiskUse> {
    walk::measure(directory, caches, cancel)
}

#[cfg(unix)]
mod walk {
    use std::collections::HashMap;
    use std::fs::{self, Metadata};
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    use super::DiskUse;
    use crate::cancel::Cancel;
    use crate::error::{IoContext, Result};

    /// A file with several names.
    struct Linked {
        blocks: u64,
        shared: u64,
        names: u64,
        seen: u64,
    }

    pub(super) fn measure(directory: &Path, caches: &[PathBuf], cancel: &Cancel) -> Result<DiskUse> {
        let top = fs::symlink_metadata(directory).context("look at", directory)?;
        let sharing = super::sharing::of(directory);
        let mut total = DiskUse { reclaimable: Some(0), ..DiskUse::default() };
        let (mut shared, mut certain) = (0, sharing.is_known());
        let mut linked: HashMap<u64, Linked> = HashMap::new();
        let mut open: Vec<(PathBuf, Metadata, bool)> = vec![(directory.to_owned(), top.clone(), false)];
        while let Some((path, metadata, in_cache)) = open.pop() {
            let in_cache = in_cache || caches.contains(&path);
            let blocks = metadata.blocks() * 512;
            total.entries += 1;
            if metadata.is_dir() {
                cancel.check("measuring")?;
                total.allocated += blocks;
                add_if(in_cache, &mut total.reclaimable, blocks);
                let Ok(entries) = fs::read_dir(&path) else {
                    total.unreadable += 1;
                    continue;
                };
                for entry in entries.flatten() {
                    // A name that vanished meanwhile costs nothing any more.
                    let Ok(metadata) = entry.metadata() else { continue };
                    if metadata.dev() == top.dev() {
                        open.push((entry.path(), metadata, in_cache));
                    }
                }
                continue;
            }
            total.apparent += metadata.size();
            let mut of_others = 0;
            if metadata.is_file() && blocks > 0 {
                match sharing.shared_bytes(&path) {
                    Some(bytes) => of_others = bytes.min(blocks),
                    None => certain = false,
                }
            }
            if metadata.nlink() > 1 {
                let link = linked.entry(metadata.ino()).or_insert(Linked {
                    blocks,
                    shared: of_others,
                    names: metadata.nlink(),
                    seen: 0,
                });
                link.seen += 1;
                if link.seen > 1 {
                    continue;
                }
            } else {
                shared += of_others;
            }
            total.allocated += blocks;
            add_if(in_cache, &mut total.reclaimable, blocks);
        }
        for link in linked.values() {
            shared += if link.seen < link.names { link.blocks } else { link.shared };
        }
        total.unique = certain.then(|| total.allocated.saturating_sub(shared));
        Ok(total)
    }

    fn add_if(counts: bool, sum: &mut Option<u64>, bytes: u64) {
        if let Some(sum) = sum.as_mut().filter(|_| counts) {
            *sum += bytes;
        }
    }
}

// Windows tells neither blocks nor other names of a file without opening each; sizes stand for them.
#[cfg(not(unix))]
mod walk {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::DiskUse;
    use crate::cancel::Cancel;
    use crate::error::{IoContext, Result};

    pub(super) fn measure(directory: &Path, caches: &[PathBuf], cancel: &Cancel) -> Result<DiskUse> {
        fs::symlink_metadata(directory).context("look at", directory)?;
        let mut total = DiskUse { reclaimable: Some(0), ..DiskUse::default() };
        let mut open = vec![(directory.to_owned(), false)];
        while let Some((path, in_cache)) = open.pop() {
            cancel.check("measuring")?;
            let in_cache = in_cache || caches.contains(&path);
            let Ok(entries) = fs::read_dir(&path) else {
                total.unreadable += 1;
                continue;
            };
            for entry in entries.flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                total.entries += 1;
                if metadata.is_dir() {
                    open.push((entry.path(), in_cache));
                    continue;
                }
                total.apparent += metadata.len();
                total.allocated += metadata.len();
                if let Some(sum) =
                    total.reclaimable.as_mut().filter(|_| in_cache || caches.contains(&entry.path()))
                {
                    *sum += metadata.len();
                }
            }
        }
        Ok(total)
    }
}

/// Which blocks of a file belong to other files too.
#[cfg(target_os = "linux")]
mod sharing {
    use std::fs::File;
    use std::path::Path;

    use rustix::ioctl::{Updater, ioctl, opcode};

    /// What a file system does.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(super) enum Sharing {
        /// No two files share blocks.
        Never,
        /// They may, and `FIEMAP` tells.
        Told,
        /// They may, or this file system is not known.
        Unknown,
    }

    pub(super) fn of(directory: &Path) -> Sharing {
        const EXT: u64 = 0xEF53;
        const TMPFS: u64 = 0x0102_1994;
        const RAMFS: u64 = 0x8584_58F6;
        const F2FS: u64 = 0xF2F5_2010;
        const BTRFS: u64 = 0x9123_683E;
        const XFS: u64 = 0x5846_5342;
        let Ok(found) = rustix::fs::statfs(directory) else { return Sharing::Unknown };
        #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "its type depends on the machine")]
        match found.f_type as u64 & 0xFFFF_FFFF {
            EXT | TMPFS | RAMFS | F2FS => Sharing::Never,
            BTRFS | XFS => Sharing::Told,
            _ => Sharing::Unknown,
        }
    }

    const EXTENTS: usize = 64;
    const SHARED: u32 = 0x2000;
    const LAST: u32 = 1;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Extent {
        logical: u64,
        physical: u64,
        length: u64,
        reserved: [u64; 2],
        flags: u32,
        more: [u32; 3],
    }

    /// `struct fiemap` with room for extents.
    #[repr(C)]
    struct Map {
        start: u64,
        length: u64,
        flags: u32,
        mapped: u32,
        count: u32,
        reserved: u32,
        extents: [Extent; EXTENTS],
    }

    // _IOWR('f', 11, struct fiemap), whose size is that of the head alone.
    const FIEMAP: rustix::ioctl::Opcode =
        opcode::from_components(rustix::ioctl::Direction::ReadWrite, b'f', 11, 32);

    impl Sharing {
        pub(super) fn is_known(self) -> bool {
            self != Self::Unknown
        }

        /// How many bytes of a file's blocks other files share; `None` where that is not told.
        pub(super) fn shared_bytes(self, file: &Path) -> Option<u64> {
            match self {
                Self::Never => Some(0),
                Self::Unknown => None,
                Self::Told => told(file),
            }
        }
    }

    fn told(path: &Path) -> Option<u64> {
        let file = File::open(path).ok()?;
        let empty = Extent { logical: 0, physical: 0, length: 0, reserved: [0; 2], flags: 0, more: [0; 3] };
        let (mut start, mut shared) = (0, 0);
        loop {
            let mut map = Map {
                start,
                length: u64::MAX - start,
                flags: 0,
                mapped: 0,
                count: EXTENTS as u32,
                reserved: 0,
                extents: [empty; EXTENTS],
            };
            // SAFETY: the opcode is FS_IOC_FIEMAP, and `Map` is laid out as `struct fiemap` followed by as many
            // extents as `count` says, which is all that the kernel writes to.
            unsafe { ioctl(&file, Updater::<FIEMAP, Map>::new(&mut map)) }.ok()?;
            let extents = &map.extents[..(map.mapped as usize).min(EXTENTS)];
            shared +=
                extents.iter().filter(|extent| extent.flags & SHARED != 0).map(|e| e.length).sum::<u64>();
            match extents.last() {
                Some(last) if last.flags & LAST == 0 => start = last.logical + last.length,
                _ => return Some(shared),
            }
        }
    }
}

// macOS: APFS shares blocks and has no public interface that tells which.
#[cfg(all(unix, not(target_os = "linux")))]
mod sharing {
    use std::path::Path;

    pub(super) struct Sharing;

    pub(super) fn of(_directory: &Path) -> Sharing {
        Sharing
    }

    impl Sharing {
        pub(super) fn is_known(&self) -> bool {
            false
        }

        pub(super) fn shared_bytes(&self, _file: &Path) -> Option<u64> {
            None
        }
    }
}
