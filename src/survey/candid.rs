//! git, asked about a worktree in such a way that nothing is hidden from its answer. This is the one place that knows how
//! an edit is kept from `git status`: everything that asks what is not committed begins here.
//!
//! | what hides it | what is done |
//! |---|---|
//! | `--assume-unchanged`, `--skip-worktree`, `core.ignoreStat`, a sparse checkout whose files are there | a copy of the index without those bits |
//! | `core.fsmonitor`, `core.untrackedCache` | off for the call |
//! | `core.trustCtime`, `core.checkStat` | as git has them by default |
//! | stat data that agrees to the second only | before a removal: blank in the copy, so that git reads the file |
//! | `core.fileMode=false`, `core.ignoreCase=true` | overridden where the file system keeps modes and cases apart |
//! | `status.showUntrackedFiles`, `submodule.<name>.ignore`, `diff.ignoreSubmodules` | options of the command |
//!
//! What a clean filter drops is no edit: what it leaves is what the project says the content is.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::disk;
use crate::error::{Error, IoContext, Result};
use crate::git::index::candid::{Candid, Copied, Hidden, format_of};
use crate::git::{Git, worktree};

/// Settings that make git look for itself.
const SETTINGS: &[&str] = &[
    "core.untrackedCache=false",
    "core.trustCtime=true",
    "core.checkStat=default",
    "core.ignoreStat=false",
    "core.splitIndex=false",
    "index.sparse=false",
    "sparse.expectFilesOutsideOfPatterns=false",
];
/// The same, where the file system tells the truth about modes and about names.
const ON_A_TRUE_FILE_SYSTEM: &[&str] = &["core.fileMode=true", "core.ignoreCase=false"];

/// How closely files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As git does: stat data that agrees is believed.
    AsGit,
    /// What stat data does not prove is read.
    Closely,
}

/// A way of asking about one worktree.
#[derive(Debug)]
pub struct Question {
    directory: PathBuf,
    index: Option<Temporary>,
    settings: Vec<&'static str>,
    hidden: Hidden,
    runs_filters: bool,
}

impl Question {
    /// Looks at the index of a worktree, and makes a copy where it hides something.
    pub fn about(directory: &Path, look: Look, cancel: &Cancel) -> Result<Self> {
        let mut question = Self {
            directory: directory.to_owned(),
            index: None,
            settings: SETTINGS.to_vec(),
            hidden: Hidden::default(),
            runs_filters: look == Look::Closely,
        };
        if is_true(directory) {
            question.settings.extend(ON_A_TRUE_FILE_SYSTEM);
        }
        let dot_git = directory.join(".git");
        let admin = worktree::admin_dir_of(directory).context("read the .git file of", directory)?;
        // Something else than a linked worktree is git's to find.
        let Some(git_dir) = admin.or_else(|| dot_git.is_dir().then_some(dot_git)) else {
            return Ok(question);
        };
        question.index = question.copy(&git_dir, look, cancel)?;
        Ok(question)
    }

    /// The files that git was told not to look at.
    #[must_use]
    pub const fn hidden(&self) -> &Hidden {
        &self.hidden
    }

    /// Runs no filter, however closely it looks.
    #[must_use]
    pub const fn without_filters(mut self) -> Self {
        self.runs_filters = false;
        self
    }

    /// A call of git that asks in this way. It only looks, and runs filters when it looks closely.
    #[must_use]
    pub fn git<'a>(&self) -> Git<'a> {
        let git = Git::new(&self.directory).settings(&self.settings).looks_only();
        let git = if self.runs_filters { git.running_filters() } else { git };
        match &self.index {
            Some(index) => git.index_file(&index.0),
            None => git,
        }
    }

    fn copy(&mut self, git_dir: &Path, look: Look, cancel: &Cancel) -> Result<Option<Temporary>> {
        let format = format_of(&worktree::common_dir_of(git_dir).unwrap_or_else(|_| git_dir.to_owned()));
        let file = git_dir.join("index");
        let mut copy = match Candid::read(&file, format)? {
            Copied::Missing => return Ok(None),
            Copied::Whole(copy) => copy,
            Copied::Otherwise => {
                let plain = self.plain(&file, cancel)?;
                match Candid::read(&plain.0, format)? {
                    Copied::Whole(copy) => copy,
                    _ => {
                        let reason = "its index is of a form that okstra cannot read".into();
                        return Err(Error::WorktreeBroken { path: self.directory.clone(), reason });
                    }
                }
            }
        };
        self.hidden = copy.reveal(&self.directory);
        let mut differs = !self.hidden.is_empty();
        if look == Look::Closely {
            differs |= copy.doubt(&self.directory);
        }
        if !differs {
            return Ok(None);
        }
        let (temporary, handle) = Temporary::new()?;
        copy.write(handle, &temporary.0)?;
        Ok(Some(temporary))
    }

    /// Lets git write a copy of a split or a sparse index in a plain form.
    fn plain(&self, index: &Path, cancel: &Cancel) -> Result<Temporary> {
        let written = fs::metadata(index).and_then(|found| found.modified()).context("look at", index)?;
        let (temporary, mut handle) = Temporary::new()?;
        let mut source = File::open(index).context("read the index", index)?;
        std::io::copy(&mut source, &mut handle).context("copy the index to", &temporary.0)?;
        handle.set_modified(written).context("copy the index to", &temporary.0)?;
        let git = Git::new(&self.directory).settings(&self.settings).index_file(&temporary.0);
        git.args(["update-index", "--force-write-index"]).looks_only().cancel(cancel).read()?;
        let again = OpenOptions::new().write(true).open(&temporary.0);
        again.and_then(|handle| handle.set_modified(written)).context("copy the index to", &temporary.0)?;
        Ok(temporary)
    }
}

/// A file that goes with its owner.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Temporary {
    /// Outside of the repository: who only looks may not be able to write there.
    fn new() -> Result<(Self, File)> {
        let name = format!("okstra-index-{}-{:016x}", std::process::id(), disk::random());
        let path = std::env::temp_dir().join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let handle = options.open(&path).context("create the file", &path)?;
        Ok((Self(path), handle))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Whether the file system keeps the executable bit, and names that differ in case apart. Where it makes one of them up,
/// git found that out when it made the repository, and its configuration is the truth.
#[cfg(target_os = "linux")]
fn is_true(directory: &Path) -> bool {
    /// ext2 to ext4, xfs, btrfs, f2fs, bcachefs, tmpfs, overlay, zfs, reiserfs, nilfs, ubifs, ramfs.
    const KNOWN: &[u64] = &[
        0xef53,
        0x5846_5342,
        0x9123_683e,
        0xf2f5_2010,
        0xca45_1a4e,
        0x0102_1994,
        0x794c_7630,
        0x2fc1_2fc1,
        0x5265_4973,
        0x3434,
        0x2405_1905,
        0x8584_58f6,
    ];
    let told = |found: rustix::fs::StatFs| u64::try_from(found.f_type).unwrap_or_default();
    rustix::fs::statfs(directory).is_ok_and(|found| KNOWN.contains(&told(found)))
}

#[cfg(not(target_os = "linux"))]
fn is_true(_directory: &Path) -> bool {
    false
}
