//! Which ignored files of a worktree are caches: what a build makes again by itself.
//!
//! A cache is a real directory on the worktree's own file system that holds nothing tracked and that either carries a
//! `CACHEDIR.TAG` (<https://bford.info/cachedir/>) or is ignored by git and has the name of a known kind of build output.
//! A name alone never makes one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::status::WorkStatus;
use crate::cancel::Cancel;
use crate::error::{IoContext, Result};
use crate::git::Git;

/// Directories that build tools and package managers make, and make again.
const DIRECTORIES: &[&str] = &[
    // Rust, Maven, sbt
    "target",
    // JavaScript
    "node_modules",
    "bower_components",
    "dist",
    "build",
    "out",
    ".next",
    ".nuxt",
    ".output",
    ".svelte-kit",
    ".astro",
    ".angular",
    ".turbo",
    ".parcel-cache",
    ".cache",
    ".vite",
    ".nx",
    ".yarn-cache",
    "storybook-static",
    ".docusaurus",
    // test coverage
    "coverage",
    ".nyc_output",
    "htmlcov",
    // Python
    ".venv",
    "venv",
    "__pycache__",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
    ".eggs",
    ".ipynb_checkpoints",
    // JVM, Android
    ".gradle",
    ".kotlin",
    // C, C++, CMake
    "cmake-build-debug",
    "cmake-build-release",
    ".ccache",
    // Apple
    "DerivedData",
    "Pods",
    // .NET
    "obj",
    // Dart, Elixir, Haskell, Zig, PHP, Terraform
    ".dart_tool",
    "_build",
    "deps",
    "dist-newstyle",
    ".stack-work",
    "zig-cache",
    ".zig-cache",
    "zig-out",
    "vendor",
    ".terraform",
];

/// Directories of [`DIRECTORIES`] whose names mean other things too: they count only where a build file beside them says
/// which tool makes them.
const NEEDS_NEIGHBOUR: &[(&str, &[&str])] =
    &[("deps", &["mix.exs"]), ("vendor", &["composer.json", "go.mod", "Gemfile"]), ("Pods", &["Podfile"])];

/// Files that tools and file managers make by themselves.
const FILES: &[&str] = &[".DS_Store", "Thumbs.db", "desktop.ini", ".eslintcache", ".stylelintcache"];
/// The same, by ending.
const ENDINGS: &[&str] = &[".pyc", ".pyo", ".tsbuildinfo"];

const TAG: &str = "CACHEDIR.TAG";
const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// Why a directory counts as a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its `CACHEDIR.TAG` says so.
    Tagged,
    /// git ignores it, and tools that are known make directories of its name.
    Known,
}

impl Why {
    /// As it is told to programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tagged => "cachedir-tag",
            Self::Known => "build-output",
        }
    }
}

/// A directory that is a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Relative to the worktree.
    pub path: PathBuf,
    /// What makes it one.
    pub why: Why,
}

/// What git does not track, parted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parted {
    /// Directories that are caches; none lies in another.
    pub caches: Vec<Cache>,
    /// Ignored paths that are no caches: somebody may miss them. A directory that git names as a whole is one path.
    pub other: Vec<PathBuf>,
    /// Untracked paths that are not in a cache.
    pub untracked: Vec<PathBuf>,
}

/// Parts what a status with ignored files found. A symbolic link with the name of a cache (`node_modules` linked to
/// another checkout) is in no list: it is no cache, and nobody misses it.
pub fn part(worktree: &Path, status: &WorkStatus, cancel: &Cancel) -> Result<Parted> {
    let mut look = Look::new(worktree)?;
    // Directories that may be caches, each with the reason; those that hold something tracked are sorted out below.
    let mut candidates: BTreeMap<PathBuf, Why> = BTreeMap::new();
    let mut other = Vec::new();
    let mut inside: Vec<(PathBuf, &PathBuf)> = Vec::new();
    for path in &status.ignored {
        match look.place(path, true) {
            Place::In(directory, why) => {
                candidates.entry(directory.clone()).or_insert(why);
                inside.push((directory, path));
            }
            Place::Junk => {}
            Place::Elsewhere => other.push(path.clone()),
        }
    }
    let mut untracked = Vec::new();
    let mut loose: Vec<(PathBuf, &PathBuf)> = Vec::new();
    for path in &status.untracked {
        match look.place(path, false) {
            Place::In(directory, Why::Tagged) => {
                candidates.insert(directory.clone(), Why::Tagged);
                loose.push((directory, path));
            }
            _ => untracked.push(path.clone()),
        }
    }
    let mut holding: BTreeSet<PathBuf> = tracked_below(worktree, candidates.keys(), cancel)?;
    for path in &untracked {
        holding.extend(path.ancestors().filter(|above| candidates.contains_key(*above)).map(Path::to_owned));
    }
    candidates.retain(|directory, _| !holding.contains(directory));
    let lost = |directory: &PathBuf| !candidates.contains_key(directory);
    other.extend(inside.into_iter().filter(|(directory, _)| lost(directory)).map(|(_, path)| path.clone()));
    untracked
        .extend(loose.into_iter().filter(|(directory, _)| lost(directory)).map(|(_, path)| path.clone()));
    other.sort();
    untracked.sort();
    let caches = candidates.into_iter().map(|(path, why)| Cache { path, why }).collect();
    Ok(Parted { caches, other, untracked })
}

/// Caches within an ignored directory that is no cache as a whole. Everything in it is ignored, so that names count;
/// repositories within are left alone.
pub fn within(worktree: &Path, directory: &Path, cancel: &Cancel) -> Result<Vec<Cache>> {
    let look = Look::new(worktree)?;
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        cancel.check("looking for caches")?;
        let path = worktree.join(&directory);
        let fine = fs::symlink_metadata(&path)
            .is_ok_and(|metadata| metadata.is_dir() && device(&metadata) == look.device);
        if !fine || path.join(".git").exists() {
            continue;
        }
        if let Some(why) = look.look(&directory) {
            found.push(Cache { path: directory, why });
            continue;
        }
        let Ok(entries) = fs::read_dir(&path) else { continue };
        let real = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        open.extend(entries.flatten().filter(real).map(|entry| directory.join(entry.file_name())));
    }
    // Somebody may have added a file by force.
    let holding = tracked_below(worktree, found.iter().map(|cache| &cache.path), cancel)?;
    found.retain(|cache| !holding.contains(&cache.path));
    Ok(found)
}

enum Place {
    /// In this directory, or it is this directory.
    In(PathBuf, Why),
    /// A file that nobody misses.
    Junk,
    Elsewhere,
}

/// Looks at each directory once.
struct Look<'a> {
    worktree: &'a Path,
    device: u64,
    known: BTreeMap<PathBuf, Option<Why>>,
}

impl<'a> Look<'a> {
    fn new(worktree: &'a Path) -> Result<Self> {
        let metadata = fs::metadata(worktree).context("look at the worktree", worktree)?;
        Ok(Self { worktree, device: device(&metadata), known: BTreeMap::new() })
    }

    /// Where a path lies; the outermost cache counts. Names count only for what git ignores.
    fn place(&mut self, path: &Path, ignored: bool) -> Place {
        let mut directory = PathBuf::new();
        for part in path.components() {
            directory.push(part);
            if let Some(why) = self.why(&directory)
                && (ignored || why == Why::Tagged)
            {
                return Place::In(directory, why);
            }
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_link = || fs::symlink_metadata(self.worktree.join(path)).is_ok_and(|found| found.is_symlink());
        let junk = FILES.contains(&&*name)
            || ENDINGS.iter().any(|ending| name.ends_with(ending))
            || (DIRECTORIES.contains(&&*name) && is_link());
        if junk { Place::Junk } else { Place::Elsewhere }
    }

    fn why(&mut self, directory: &Path) -> Option<Why> {
        if let Some(known) = self.known.get(directory) {
            return *known;
        }
        let why = self.look(directory);
        self.known.insert(directory.to_owned(), why);
        why
    }

    fn look(&self, directory: &Path) -> Option<Why> {
        let path = self.worktree.join(directory);
        let metadata = fs::symlink_metadata(&path).ok()?;
        if !metadata.is_dir() || device(&metadata) != self.device || path.join(".git").exists() {
            return None;
        }
        if is_tagged(&path) {
            return Some(Why::Tagged);
        }
        is_known(&path).then_some(Why::Known)
    }
}

/// Whether a directory carries a valid tag.
#[must_use]
pub fn is_tagged(directory: &Path) -> bool {
    let file = directory.join(TAG);
    let mut head = [0; SIGNATURE.len()];
    fs::symlink_metadata(&file).is_ok_and(|found| found.is_file())
        && File::open(&file).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && head == SIGNATURE
}

/// Whether a directory has the name of a known kind of build output, and the neighbour that some names need.
#[must_use]
pub fn is_known(directory: &Path) -> bool {
    let Some(Component::Normal(name)) = directory.components().next_back() else { return false };
    let Some(name) = name.to_str().filter(|name| DIRECTORIES.contains(name)) else { return false };
    match NEEDS_NEIGHBOUR.iter().find(|(needy, _)| *needy == name) {
        Some((_, files)) => {
            let parent = directory.parent().unwrap_or(directory);
            files.iter().any(|file| parent.join(file).exists())
        }
        None => true,
    }
}

/// Those of the directories that hold something tracked.
fn tracked_below<'a>(
    worktree: &Path,
    directories: impl Iterator<Item = &'a PathBuf>,
    cancel: &Cancel,
) -> Result<BTreeSet<PathBuf>> {
    let directories: Vec<&PathBuf> = directories.collect();
    let mut found = BTreeSet::new();
    // In parts, because a command line is not endless.
    for part in directories.chunks(500) {
        let git = Git::new(worktree).args(["--literal-pathspecs", "ls-files", "-z", "--"]).args(part);
        let output = git.looks_only().cancel(cancel).read()?;
        for path in output.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
            let path = crate::git::repository::path_of(path);
            found.extend(
                path.ancestors().filter(|above| part.iter().any(|one| one == above)).map(Path::to_owned),
            );
        }
    }
    Ok(found)
}

#[cfg(unix)]
fn device(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::dev(metadata)
}

// Windows: a mount point is a reparse point, which is no directory to `symlink_metadata`.
#[cfg(not(unix))]
fn device(_metadata: &fs::Metadata) -> u64 {
    0
}
