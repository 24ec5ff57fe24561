//! Where every file of okstra lies.

use std::path::{Path, PathBuf};

use crate::disk;
use crate::error::{Error, IoContext, Result};
use crate::task::{TaskKey, file_name_hash};

/// The okstra home: `$OKSTRA_HOME` (trimmed; empty counts as unset), else `~/.okstra`.
///
/// ```text
/// <home>/worktrees/registry.json        the registry, with .lock, .bak and history.jsonl beside it
/// <home>/worktrees/<project>/<group>/<task>   the worktrees
/// <home>/worktrees/.quarantine/         what recovery moved aside (same file system as the worktrees)
/// <home>/worktrees/.reclaimed/          caches that are being deleted; empty when nobody is at it
/// <home>/worktrees/.spares/             trees made in advance, a directory for each repository
/// <home>/worktrees/.trash/              what was removed, one directory each
/// <home>/state/locks/                   lock files; never deleted
/// <home>/state/intents/                 what is being done to tasks right now
/// <home>/state/removed/                 a copy of the record of each removed worktree
/// <home>/{skills,templates,python}/     what the launcher installs, named by install/manifest.json
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OkstraHome {
    root: PathBuf,
}

impl OkstraHome {
    /// Reads the environment, each time anew.
    pub fn from_env() -> Result<Self> {
        if let Some(value) = std::env::var_os("OKSTRA_HOME") {
            let trimmed =
                value.to_str().map_or_else(|| PathBuf::from(&value), |text| PathBuf::from(text.trim()));
            if !trimmed.as_os_str().is_empty() {
                return Self::at(&trimmed);
            }
        }
        match std::env::home_dir().filter(|home| home.is_absolute()) {
            Some(home) => Self::at(&home.join(".okstra")),
            None => {
                Err(Error::invalid("HOME", "", "it names no absolute directory and OKSTRA_HOME is not set"))
            }
        }
    }

    /// A home at the given place, made absolute.
    pub fn at(root: &Path) -> Result<Self> {
        let root = std::path::absolute(root).context("make absolute the okstra home", root)?;
        if let Some(text) = root.to_str() {
            crate::task::no_control("okstra home", text)?;
        }
        Ok(Self { root })
    }

    /// The home itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of all worktrees and of the registry.
    #[must_use]
    pub fn worktrees(&self) -> PathBuf {
        self.root.join("worktrees")
    }

    /// The directory of one task's worktree.
    #[must_use]
    pub fn worktree_path(&self, key: &TaskKey) -> PathBuf {
        self.worktrees().join(key.project()).join(key.group()).join(key.task())
    }

    /// The registry.
    #[must_use]
    pub fn registry_file(&self) -> PathBuf {
        self.worktrees().join("registry.json")
    }

    /// The file that 0.12.0 and we lock around every change of the registry.
    #[must_use]
    pub fn registry_lock_file(&self) -> PathBuf {
        self.worktrees().join("registry.lock")
    }

    /// The last good version of the registry before the present one.
    #[must_use]
    pub fn registry_backup(&self) -> PathBuf {
        self.worktrees().join("registry.json.bak")
    }

    /// What happened to each task, one JSON object a line.
    #[must_use]
    pub fn history_file(&self) -> PathBuf {
        self.worktrees().join("history.jsonl")
    }

    /// Where trees are moved that recovery takes out of the way.
    #[must_use]
    pub fn quarantine(&self) -> PathBuf {
        self.worktrees().join(".quarantine")
    }

    /// Where caches lie that were given back and are being deleted.
    #[must_use]
    pub fn reclaimed(&self) -> PathBuf {
        self.worktrees().join(".reclaimed")
    }

    /// Where the trees lie that are made in advance.
    #[must_use]
    pub fn spares(&self) -> PathBuf {
        self.worktrees().join(".spares")
    }

    /// The spares of one repository, named by its common git directory.
    #[must_use]
    pub fn spares_of(&self, common_dir: &Path) -> PathBuf {
        self.spares().join(file_name_hash(common_dir.as_os_str().as_encoded_bytes()))
    }

    /// The lock file of whoever makes the spares in a directory that [`Self::spares_of`] names: its name is enough, also
    /// when nobody knows any more which repository it stands for.
    #[must_use]
    pub fn spares_lock_file(&self, pool: &Path) -> PathBuf {
        let name = pool.file_name().unwrap_or_default().to_string_lossy();
        self.locks().join(format!("spares-{name}.lock"))
    }

    /// Where removed trees lie until they are restored or purged.
    #[must_use]
    pub fn trash(&self) -> PathBuf {
        self.worktrees().join(".trash")
    }

    /// The lock file of one task.
    #[must_use]
    pub fn task_lock_file(&self, key: &TaskKey) -> PathBuf {
        self.locks().join(format!("task-{}.lock", file_name_hash(key.to_string().as_bytes())))
    }

    /// The lock file of one repository, named by its common git directory.
    #[must_use]
    pub fn repository_lock_file(&self, common_dir: &Path) -> PathBuf {
        self.locks().join(format!("repo-{}.lock", file_name_hash(common_dir.as_os_str().as_encoded_bytes())))
    }

    /// The file that whoever installs skills, templates and Python modules into this home locks.
    #[must_use]
    pub fn installation_lock_file(&self) -> PathBuf {
        self.locks().join("installation.lock")
    }

    /// The intent record of one task.
    #[must_use]
    pub fn intent_file(&self, key: &TaskKey) -> PathBuf {
        self.intents().join(format!("{}.json", file_name_hash(key.to_string().as_bytes())))
    }

    /// The directory of all intent records.
    #[must_use]
    pub fn intents(&self) -> PathBuf {
        self.root.join("state").join("intents")
    }

    /// What this home itself has removed and can bring back: a copy of each trash record.
    #[must_use]
    pub fn removed(&self) -> PathBuf {
        self.root.join("state").join("removed")
    }

    /// Whether a worktree may lie at a path: not where okstra keeps its own files, and not around them.
    #[must_use]
    pub fn may_hold(&self, path: &Path) -> bool {
        let inside = path.strip_prefix(self.worktrees()).ok();
        let own = |inner: &Path| {
            inner
                .components()
                .next()
                .is_none_or(|first| first.as_os_str().as_encoded_bytes().starts_with(b"."))
        };
        !self.root.starts_with(path)
            && !self.worktrees().starts_with(path)
            && !inside.is_some_and(own)
            && (inside.is_some() || !path.starts_with(&self.root))
    }

    /// The directory of all lock files.
    #[must_use]
    pub fn locks(&self) -> PathBuf {
        self.root.join("state").join("locks")
    }

    /// okstra's own directories, which are never links: what lies in them is moved and deleted. The home itself, and the
    /// directory of all worktrees, may be links to another disk.
    #[must_use]
    pub fn own_directories(&self) -> Vec<PathBuf> {
        let state = self.root.join("state");
        vec![
            self.quarantine(),
            self.reclaimed(),
            self.spares(),
            self.trash(),
            self.locks(),
            self.intents(),
            self.removed(),
            state,
        ]
    }

    /// Those of them, and of the directories of projects and groups above a place, that are links or files.
    #[must_use]
    pub fn links(&self) -> Vec<PathBuf> {
        self.own_directories().into_iter().filter(|directory| is_other(directory)).collect()
    }

    /// Whether one of okstra's own directories is there, and on no way through a link.
    #[must_use]
    pub fn has_own(&self, directory: &Path) -> bool {
        !self.own_directories().iter().any(|own| directory.starts_with(own) && is_other(own))
            && std::fs::symlink_metadata(directory).is_ok_and(|found| found.is_dir())
    }

    /// Fails when one of okstra's own directories is a link or a file.
    pub fn check_own(&self) -> Result<()> {
        self.links().into_iter().next().map_or(Ok(()), |path| Err(Error::LinkedPlace { path }))
    }

    /// Fails when a directory above a task's place is a link or a file.
    pub fn check_above(&self, key: &TaskKey) -> Result<()> {
        let project = self.worktrees().join(key.project());
        let group = project.join(key.group());
        let other = [project, group].into_iter().find(|directory| is_other(directory));
        other.map_or(Ok(()), |path| Err(Error::LinkedPlace { path }))
    }

    /// Makes the directories that okstra writes to, private to the user, and refuses a home that somebody else owns or
    /// may write to: whoever can write there decides what the next run executes.
    ///
    /// Write access for the group is let through: 0.12.0 made its directories with the user's umask, and 002 is the
    /// default of several distributions.
    pub fn prepare(&self) -> Result<()> {
        disk::create_private_dir_all(&self.root)?;
        self.check_private(&self.root)?;
        self.check_own()?;
        for directory in [self.worktrees(), self.locks(), self.intents()] {
            disk::create_private_dir_all(&directory)?;
        }
        self.check_private(&self.worktrees())?;
        // The registry is written last; a place that cannot take it must be known before anything is made.
        disk::check_writable(&self.worktrees())
    }

    #[cfg(unix)]
    fn check_private(&self, directory: &Path) -> Result<()> {
        use std::os::unix::fs::MetadataExt;
        let refuse = |reason: String| Err(Error::UnsafeHome { path: directory.to_owned(), reason });
        let metadata = std::fs::metadata(directory).context("look at the okstra home", directory)?;
        let me = rustix::process::geteuid().as_raw();
        if !metadata.is_dir() {
            return refuse("it is not a directory".into());
        }
        if metadata.uid() != me {
            return refuse(format!(
                "it belongs to user {}, and this process runs as user {me}",
                metadata.uid()
            ));
        }
        if metadata.mode() & 0o002 != 0 {
            return refuse("everybody may write to it".into());
        }
        Ok(())
    }

    // Windows: directories below the user's profile are private to the user by inheritance; there is no mode to check.
    #[cfg(not(unix))]
    fn check_private(&self, directory: &Path) -> Result<()> {
        let metadata = std::fs::metadata(directory).context("look at the okstra home", directory)?;
        if metadata.is_dir() {
            return Ok(());
        }
        Err(Error::UnsafeHome { path: directory.to_owned(), reason: "it is not a directory".into() })
    }

    /// Whether what there is of the directories above a task's worktree are directories of their own.
    #[must_use]
    pub fn is_own_parent_of(&self, key: &TaskKey) -> bool {
        self.check_above(key).is_ok()
    }

    /// Makes the parent directories of a task's worktree, and refuses a symbolic link among them: git would make the
    /// tree wherever the link points.
    pub fn prepare_parent_of(&self, key: &TaskKey) -> Result<()> {
        self.check_above(key)?;
        let project = self.worktrees().join(key.project());
        let group = project.join(key.group());
        for directory in [project, group] {
            disk::create_private_dir_all(&directory)?;
        }
        self.check_above(key)
    }
}

/// Whether something that is no directory of its own lies at a path.
fn is_other(directory: &Path) -> bool {
    std::fs::symlink_metadata(directory).is_ok_and(|found| !found.is_dir())
}
