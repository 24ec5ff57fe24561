//! Uncommitted content as a commit, shaped like a stash, so that `git stash apply <commit>` brings it back anywhere.
//!
//! ```text
//! refs/okstra/trash/<op>   the tracked files as they are on disk
//!   ^1  HEAD
//!   ^2  the index (without the paths in conflict)
//!   ^3  the untracked files alone
//!   ^4  what else only this worktree keeps reachable: the sides of conflicts as files below `stage-1/` to `stage-3/`, and
//!       which of the files git was told not to look at in `assume-unchanged` and `skip-worktree` (separated by null bytes),
//!       as parents the commits of HEAD's log, of an operation in progress, and of a branch that is to be deleted
//! ```
//!
//! One `git fast-import` writes it all from a stream: raw bytes, so that no filter runs and what comes back is what was
//! there, any file name, and nothing that touches an index. The stream ends with `done`; when this process dies before,
//! git makes no ref. Each file is opened once, when its turn comes, and its size is that of what was read: what vanished,
//! shrank, grew or was replaced since git looked is in the commit as it was found then, and whole in the trash anyway.
//! Ignored files are never written: secrets among them would travel with `git push --mirror`. They are
//! in the trash alone, as are files over [`LARGEST`].

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::changes::{Changes, Object};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::git::Git;
use crate::git::repository::path_of;
use crate::git::stale;
use crate::lock::TaskLock;
use crate::trash::record::{GitSide, Record};

/// Files over this size are not written to the repository: hashing and compressing them would take longer than anybody
/// waits for a removal, and they are in the trash whole.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The files of the fourth parent that name the paths with these bits, by the options of `git update-index`.
pub(super) const ASSUMED: &str = "assume-unchanged";
/// See [`ASSUMED`].
pub(super) const SKIPPED: &str = "skip-worktree";

/// What goes into a snapshot.
#[derive(Debug)]
pub(super) struct Content<'a> {
    /// The worktree; `None` when its directory is gone.
    pub worktree: Option<&'a Path>,
    /// Its administrative directory.
    pub admin: &'a Path,
    /// The common git directory.
    pub common_dir: &'a Path,
    /// What differs from the last commit.
    pub changes: &'a Changes,
    /// Commits that nothing else keeps reachable.
    pub commits: Vec<String>,
}

/// A snapshot that was made.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    /// Its commit.
    pub commit: Option<String>,
    /// Files that are not in it.
    pub left_out: Vec<String>,
}

/// Makes the snapshot, when there is something to hold; `record` goes into its message.
pub(super) fn take(
    content: &Content<'_>,
    record: &Record,
    lock: &TaskLock,
    cancel: &Cancel,
) -> Result<Snapshot> {
    let changes = content.changes;
    if changes.tracked.is_empty() && changes.untracked.is_empty() && content.commits.is_empty() {
        return Ok(Snapshot::default());
    }
    let (files, mut left_out) = files(content);
    let head = record.git.as_ref().and_then(|git| git.head.clone());
    let stream = Stream {
        name: GitSide::ref_name(&record.op),
        worktree: content.worktree.map(Path::to_owned),
        head,
        changes: changes.clone(),
        files,
        commits: content.commits.clone(),
        message: message(record)?,
        cancel: cancel.clone(),
        left_out: Arc::default(),
    };
    let late = Arc::clone(&stream.left_out);
    // A snapshot that is made anew takes the place of the one before.
    let name = stream.name.clone();
    let git = || Git::new(content.common_dir).git_dir(Some(content.admin));
    let output = git()
        .args(["fast-import", "--quiet", "--done", "--force"])
        .input(move |pipe| stream.write(pipe))
        .holding(lock)
        .cancel(cancel)
        .run();
    let output = match output {
        Ok(output) if output.status.success() => output,
        failed => {
            stale::remove_crash_reports(content.admin, &GitSide::ref_name(&record.op));
            failed?
        }
    };
    if !output.status.success() {
        cancel.check("writing down the uncommitted content")?;
        return Err(output.into_error("fast-import", content.common_dir));
    }
    let commit = git().args(["rev-parse", "--verify", &name]).holding(lock).read()?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    if commit.is_empty() {
        return Err(Error::Internal { message: format!("git fast-import made no {name}") });
    }
    left_out.append(&mut late.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Snapshot { commit: Some(commit), left_out })
}

fn message(record: &Record) -> Result<Vec<u8>> {
    let mut message = format!(
        "okstra: uncommitted work of {}\n\nRemoved {} from {}.\nBring it back with `okstra restore {}`, or over another worktree with `git stash apply`.\n\n{RECORD}",
        record.task_key,
        record.at,
        record.path.display(),
        record.task_key,
    )
    .into_bytes();
    message.extend(record.encode()?);
    message.push(b'\n');
    Ok(message)
}

/// What stands before the record in the message.
const RECORD: &str = "okstra-record: ";

/// What a file of the worktree is when the list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum File {
    There,
    Gone,
}

type Named = Vec<(Vec<u8>, File)>;

/// The files on disk that differ from the index, and the untracked ones; and those that are left out, for a person.
fn files(content: &Content<'_>) -> ((Named, Named), Vec<String>) {
    let mut left_out = Vec::new();
    let Some(worktree) = content.worktree else { return ((Vec::new(), Vec::new()), left_out) };
    let mut look = |path: &Vec<u8>| match look_at(worktree, path) {
        Ok(file) => Some((path.clone(), file)),
        Err(reason) => {
            left_out.push(unread(path, &reason));
            None
        }
    };
    let changes = content.changes;
    let on_disk = changes.tracked.iter().filter(|change| change.on_disk && !change.submodule);
    let tracked = on_disk.filter_map(|change| look(&change.path)).collect();
    let untracked = changes.untracked.iter().filter_map(&mut look).collect();
    ((tracked, untracked), left_out)
}

fn unread(path: &[u8], reason: &str) -> String {
    format!("{} ({reason})", String::from_utf8_lossy(path))
}

fn look_at(worktree: &Path, path: &[u8]) -> std::result::Result<File, String> {
    // Below a directory that became a link lies somebody else's file.
    let mut above = worktree.to_owned();
    for part in path_of(path).parent().into_iter().flat_map(Path::components) {
        above.push(part);
        if fs::symlink_metadata(&above).is_ok_and(|found| !found.is_dir()) {
            return Ok(File::Gone);
        }
    }
    let found = match fs::symlink_metadata(worktree.join(path_of(path))) {
        Ok(found) => found,
        Err(error) if is_gone(&error) => return Ok(File::Gone),
        Err(error) => return Err(error.to_string()),
    };
    if found.is_file() && found.len() > LARGEST {
        return Err(format!("{} MiB", found.len() >> 20));
    }
    // A directory in the place of a tracked file: what is in it is listed by itself.
    Ok(if found.is_file() || found.is_symlink() { File::There } else { File::Gone })
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// What a file holds when its turn comes.
enum Now {
    Regular { executable: bool, bytes: Vec<u8> },
    Link(Vec<u8>),
    Gone,
}

fn read_now(worktree: &Path, path: &[u8]) -> std::result::Result<Now, String> {
    if look_at(worktree, path)? == File::Gone {
        return Ok(Now::Gone);
    }
    let place = worktree.join(path_of(path));
    // It may be another thing at each look, so the last look decides; a tree in which somebody is that busy is in the
    // trash whole.
    if let Ok(target) = fs::read_link(&place) {
        return Ok(Now::Link(target.as_os_str().as_encoded_bytes().to_vec()));
    }
    match read_file(&place) {
        Ok(content) => Ok(content),
        Err(error) if is_gone(&error) => Ok(Now::Gone),
        Err(error) => Err(error.to_string()),
    }
}

fn read_file(place: &Path) -> io::Result<Now> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    // A link or a pipe that came since is not followed, and not waited for.
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    let file = options.open(place)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Ok(Now::Gone);
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it grew over 64 MiB"));
    }
    Ok(Now::Regular { executable: is_executable(&found), bytes })
}

#[cfg(unix)]
fn is_executable(found: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_found: &fs::Metadata) -> bool {
    false
}

/// The input of `git fast-import`.
struct Stream {
    name: String,
    worktree: Option<PathBuf>,
    head: Option<String>,
    changes: Changes,
    files: (Named, Named),
    commits: Vec<String>,
    message: Vec<u8>,
    cancel: Cancel,
    /// What could not be read when its turn came.
    left_out: Arc<Mutex<Vec<String>>>,
}

impl Stream {
    fn write(self, pipe: &mut dyn Write) -> io::Result<()> {
        let mut out = io::BufWriter::with_capacity(256 * 1024, pipe);
        let (tracked, untracked) = &self.files;
        let mut parents: Vec<&str> = vec![":1", ":2"];

        self.begin(&mut out, ":1", b"okstra: index\n", self.head.as_deref(), &[])?;
        self.staged(&mut out)?;

        self.begin(&mut out, ":2", b"okstra: untracked files\n", None, &[])?;
        self.contents(&mut out, untracked)?;

        let conflicts = self.changes.tracked.iter().any(|change| !change.sides.is_empty());
        let intended = self.changes.tracked.iter().any(|change| change.intended);
        let hidden = &self.changes.hidden;
        if conflicts || intended || !hidden.is_empty() || !self.commits.is_empty() {
            let commits: Vec<&str> = self.commits.iter().map(String::as_str).collect();
            self.begin(&mut out, ":3", b"okstra: what else was reachable\n", None, &commits)?;
            for change in &self.changes.tracked {
                for (stage, object) in &change.sides {
                    let path = [format!("stage-{stage}/").as_bytes(), &change.path].concat();
                    put(&mut out, object, &path)?;
                }
            }
            if intended {
                // An index that comes back without it makes `git gc` fail in the whole repository.
                data(&mut out, "100644", b"empty", b"")?;
            }
            for (name, paths) in [(ASSUMED, &hidden.assumed), (SKIPPED, &hidden.skipped)] {
                if !paths.is_empty() {
                    data(&mut out, "100644", name.as_bytes(), &paths.join(&0))?;
                }
            }
            parents.push(":3");
        }

        self.begin(&mut out, ":4", &self.message, self.head.as_deref(), &parents)?;
        self.staged(&mut out)?;
        self.contents(&mut out, tracked)?;
        out.write_all(b"done\n")?;
        out.flush()
    }

    /// Begins a commit on the ref, which forgets the one before it: only the last is what the ref will name.
    fn begin(
        &self,
        out: &mut impl Write,
        mark: &str,
        message: &[u8],
        from: Option<&str>,
        merges: &[&str],
    ) -> io::Result<()> {
        let now = jiff::Timestamp::now().as_second();
        writeln!(out, "reset {}\n\ncommit {}\nmark {mark}", self.name, self.name)?;
        writeln!(out, "committer okstra <okstra@localhost> {now} +0000\ndata {}", message.len())?;
        out.write_all(message)?;
        writeln!(out)?;
        if let Some(from) = from {
            writeln!(out, "from {from}")?;
        }
        merges.iter().try_for_each(|parent| writeln!(out, "merge {parent}"))
    }

    /// From the tree of `HEAD` to that of the index. Deletions come first: a file may have become a directory.
    fn staged(&self, out: &mut impl Write) -> io::Result<()> {
        for change in self.changes.tracked.iter().filter(|change| change.staged == Some(None)) {
            delete(out, &change.path)?;
        }
        for change in &self.changes.tracked {
            if let Some(Some(object)) = &change.staged {
                put(out, object, &change.path)?;
            }
        }
        Ok(())
    }

    fn contents(&self, out: &mut impl Write, files: &Named) -> io::Result<()> {
        for (path, _) in files.iter().filter(|(_, file)| *file == File::Gone) {
            delete(out, path)?;
        }
        let Some(worktree) = &self.worktree else { return Ok(()) };
        for (path, _) in files.iter().filter(|(_, file)| *file == File::There) {
            if self.cancel.is_cancelled() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match read_now(worktree, path) {
                // Sorted as they are, nothing below it has been written yet.
                Ok(Now::Gone) => delete(out, path)?,
                Ok(Now::Link(target)) => data(out, "120000", path, &target)?,
                Ok(Now::Regular { executable, bytes }) => {
                    data(out, if executable { "100755" } else { "100644" }, path, &bytes)?;
                }
                Err(reason) => {
                    let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
                    left_out.push(unread(path, &reason));
                }
            }
        }
        Ok(())
    }
}

fn delete(out: &mut impl Write, path: &[u8]) -> io::Result<()> {
    out.write_all(b"D ")?;
    quoted(out, path)?;
    writeln!(out)
}

fn put(out: &mut impl Write, object: &Object, path: &[u8]) -> io::Result<()> {
    write!(out, "M {} {} ", object.mode, object.id)?;
    quoted(out, path)?;
    writeln!(out)
}

fn data(out: &mut impl Write, mode: &str, path: &[u8], content: &[u8]) -> io::Result<()> {
    write!(out, "M {mode} inline ")?;
    quoted(out, path)?;
    writeln!(out, "\ndata {}", content.len())?;
    out.write_all(content)?;
    writeln!(out)
}

/// A path as git's C-style quoting has it, which holds any byte.
fn quoted(out: &mut impl Write, path: &[u8]) -> io::Result<()> {
    let mut text = Vec::with_capacity(path.len() + 2);
    text.push(b'"');
    for byte in path {
        match byte {
            b'"' | b'\\' => text.extend([b'\\', *byte]),
            b' '..=b'~' => text.push(*byte),
            _ => text.extend(format!("\\{byte:03o}").bytes()),
        }
    }
    text.push(b'"');
    out.write_all(&text)
}
