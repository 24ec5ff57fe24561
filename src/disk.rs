//! The few ways in which okstra changes the file system: replacing a file durably, making private directories, moving
//! things aside, deleting a tree that nobody wants any more.

mod beneath;
mod delete;
mod flush;
mod shared;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub use self::beneath::{Below, is_inner};
pub use self::delete::{Deletion, delete_tree};
#[cfg(unix)]
pub use self::delete::{Doomed, delete_where};
#[cfg(not(target_os = "linux"))]
pub use self::flush::sync_tree;
pub use self::flush::{sync_dir, sync_file, sync_file_system};
pub use self::shared::Shared;
use crate::error::{Error, IoContext, Result};

/// How [`replace_file`] writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Replace<'a> {
    /// Keeps the present version under this name in the same directory (a hard link, so it costs no data write).
    pub backup: Option<&'a Path>,
    /// Takes over the permission bits of the file that is replaced; else the new file is 0600.
    pub keep_mode: bool,
    /// For a file in a directory that several accounts use: it is made under the user's umask and given these rights. A link
    /// at its place is replaced and not followed.
    pub shared: Option<Shared>,
    /// Leaves out the flushes: for what may be lost and shows by itself whether it is whole.
    pub unflushed: bool,
}

/// Replaces a file so that, whatever dies and whenever, either the old or the new content is there, complete.
///
/// A temporary file with a unique name in the same directory is written, flushed to the device, renamed over the
/// target, and the directory is flushed. Without the first flush XFS, and ext4 with `noauto_da_alloc`, show an empty
/// file after a power cut; without the second the old content may come back (both measured). A symbolic link at `path`
/// is followed, so that it stays one. Costs two flushes: 2 to 12 ms on a disk, nothing on tmpfs. An error before the
/// rename leaves the target as it was and no temporary file.
pub fn replace_file(path: &Path, content: &[u8], how: Replace<'_>) -> Result<()> {
    replace_file_of(path, &[content], how)
}

/// The same with a content in parts, so that who has it in parts need not copy it together.
pub fn replace_file_of(path: &Path, parts: &[&[u8]], how: Replace<'_>) -> Result<()> {
    let target = if how.shared.is_some() { path.to_owned() } else { follow_link(path)? };
    let directory = parent(&target);
    let (temporary, mut file) = create_temporary(&target, how.shared.is_some())?;
    let written = (|| -> Result<()> {
        write_parts(&mut file, parts).context("write", &temporary)?;
        if how.keep_mode
            && let Ok(present) = fs::symlink_metadata(&target)
            && !present.is_symlink()
        {
            fs::set_permissions(&temporary, present.permissions())
                .context("set the permissions of", &temporary)?;
        }
        if let Some(shared) = how.shared {
            shared.apply_to(&file).context("set the permissions of", &temporary)?;
        }
        if !how.unflushed {
            file.sync_all().context("flush to the device", &temporary)?;
        }
        // A write that came back short, or that a full disk cut, must never replace a good file.
        let length = file.metadata().context("look at", &temporary)?.len();
        let wanted = parts.iter().map(|part| part.len() as u64).sum::<u64>();
        if length != wanted {
            let source =
                io::Error::new(io::ErrorKind::WriteZero, format!("{length} of {wanted} bytes arrived"));
            return Err(Error::Io { action: "write", path: temporary.clone(), source });
        }
        if let Some(backup) = how.backup {
            keep_backup(&target, backup)?;
        }
        rename(&temporary, &target).context("rename over its old version", &target)
    })();
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    if how.unflushed { Ok(()) } else { sync_dir(directory) }
}

/// Small parts together, large ones each as it is.
fn write_parts(file: &mut File, parts: &[&[u8]]) -> io::Result<()> {
    let mut buffered = io::BufWriter::new(file);
    parts.iter().try_for_each(|part| buffered.write_all(part))?;
    buffered.flush()
}

fn keep_backup(target: &Path, backup: &Path) -> Result<()> {
    let link = temporary_name(backup);
    match fs::hard_link(target, &link) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // A file system without hard links (exFAT, some network mounts): a copy does.
        Err(_) => drop(fs::copy(target, &link).context("keep a backup of", target)?),
    }
    rename(&link, backup).context("replace the backup", backup)?;
    // Renaming one link of a file over another link of the same file does nothing and leaves both (rename(2)).
    let _ = fs::remove_file(&link);
    Ok(())
}

fn create_temporary(target: &Path, shared: bool) -> Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if shared { 0o666 } else { 0o600 });
    #[cfg(not(unix))]
    let _ = shared;
    let path = temporary_name(target);
    let file = options.open(&path).context("create the temporary file", &path)?;
    Ok((path, file))
}

fn temporary_name(target: &Path) -> PathBuf {
    let mut name = target.file_name().map(OsString::from).unwrap_or_default();
    name.push(format!(".tmp.{}.{:016x}", std::process::id(), random()));
    target.with_file_name(name)
}

/// 64 unpredictable bits, for names that must not collide.
#[must_use]
pub fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

/// Removes what a killed [`replace_file`] left for `path` when it is older than `age`. Call it with the lock of the
/// file held; what cannot be removed stays.
pub fn sweep_temporaries(path: &Path, age: Duration) {
    let Some(name) = path.file_name().map(OsString::from) else { return };
    let Ok(entries) = fs::read_dir(parent(path)) else { return };
    let now = SystemTime::now();
    for entry in entries.flatten() {
        let mut prefix = name.clone();
        prefix.push(".tmp.");
        let ours = entry.file_name().as_encoded_bytes().starts_with(prefix.as_encoded_bytes());
        let old = || {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            modified.is_ok_and(|modified| now.duration_since(modified).is_ok_and(|passed| passed > age))
        };
        if ours && old() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn follow_link(path: &Path) -> Result<PathBuf> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => fs::canonicalize(path).context("follow the link", path),
        _ => Ok(path.to_owned()),
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
#[cfg(not(windows))]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

// Windows: a scanner or a reader may hold the target open for a moment; git and npm retry for the same reason.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
#[cfg(windows)]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let mut pause = Duration::from_millis(1);
    loop {
        match fs::rename(from, to) {
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied && pause < Duration::from_secs(3) =>
            {
                std::thread::sleep(pause);
                pause *= 2;
            }
            result => return result,
        }
    }
}

/// Moves a file or a directory within one file system; the move is atomic. The parent of `to` is made.
pub fn move_aside(from: &Path, to: &Path) -> Result<()> {
    // Whoever empties the directory above takes it away, in any moment.
    for _ in 0..8 {
        let moved =
            create_private_dir_all(parent(to)).and_then(|()| rename(from, to).context("move aside", from));
        match moved {
            Err(Error::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(from).is_ok() => {}
            other => return other,
        }
    }
    create_private_dir_all(parent(to))?;
    rename(from, to).context("move aside", from)
}

/// Gives a finished file its name, over an older one. Nothing is flushed: for files that only count with what the caller
/// flushes later, or not at all.
pub fn put_in_place(from: &Path, to: &Path) -> Result<()> {
    rename(from, to).context("rename into place", to)
}

/// Makes a directory and what is missing above it, readable by the user alone.
pub fn create_private_dir_all(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).context("make the directory", path)
}

/// Fails when this process may not make or remove names in a directory.
#[cfg(unix)]
pub fn check_writable(directory: &Path) -> Result<()> {
    rustix::fs::access(directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .map_err(io::Error::from)
        .context("write to", directory)
}

/// Windows: access rights are only known by trying.
#[cfg(not(unix))]
pub fn check_writable(_directory: &Path) -> Result<()> {
    Ok(())
}

/// Fails when a directory surely cannot be renamed to another place: its own rights or flags, those of the directory
/// above, or because something is mounted there. What only the attempt shows is left to the attempt.
#[cfg(unix)]
pub fn check_movable(path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let refused =
        |kind: io::ErrorKind, why: &str| Err(io::Error::new(kind, why)).context("move the directory", path);
    let Some(parent) = path.parent() else { return Ok(()) };
    check_writable(parent)?;
    // Its entry for the directory above is rewritten.
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK)
        .map_err(io::Error::from)
        .context("move the directory", path)?;
    let (own, above) = (fs::symlink_metadata(path), fs::metadata(parent));
    let (own, above) = (own.context("look at", path)?, above.context("look at", parent)?);
    let me = rustix::process::geteuid();
    if above.mode() & 0o1000 != 0 && !me.is_root() && me.as_raw() != own.uid() && me.as_raw() != above.uid() {
        return refused(
            io::ErrorKind::PermissionDenied,
            "it belongs to another user, and so does the directory above",
        );
    }
    check_movable_into(parent)?;
    match flags_of(path) {
        (true, _) => refused(io::ErrorKind::PermissionDenied, "it is immutable (chattr)"),
        (_, true) => refused(io::ErrorKind::ResourceBusy, "it is a mount point"),
        _ => Ok(()),
    }
}

/// Fails when the flags of a directory forbid to make or remove names in it.
#[cfg(unix)]
pub fn check_movable_into(directory: &Path) -> Result<()> {
    if flags_of(directory).0 {
        let why = io::Error::new(io::ErrorKind::PermissionDenied, "it is immutable or append-only (chattr)");
        return Err(why).context("write to", directory);
    }
    Ok(())
}

/// Whether it is immutable or append-only, and whether it is a mount point, where the system tells.
#[cfg(target_os = "linux")]
fn flags_of(path: &Path) -> (bool, bool) {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags};
    let Ok(found) = rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()) else {
        return (false, false);
    };
    let has = |flags: StatxAttributes| found.stx_attributes.intersects(flags);
    (has(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND), has(StatxAttributes::MOUNT_ROOT))
}

#[cfg(all(unix, not(target_os = "linux")))]
fn flags_of(_path: &Path) -> (bool, bool) {
    (false, false)
}

/// Windows: the attempt tells.
#[cfg(not(unix))]
pub fn check_movable(_path: &Path) -> Result<()> {
    Ok(())
}

/// Windows: the attempt tells.
#[cfg(not(unix))]
pub fn check_movable_into(_directory: &Path) -> Result<()> {
    Ok(())
}

/// Whether the file system of a directory has no room left, for content or for names.
#[cfg(unix)]
#[must_use]
pub fn is_full(directory: &Path) -> bool {
    /// What is not worth a further file to some file systems.
    const SCRAP: u64 = 1024 * 1024;
    rustix::fs::statvfs(directory).is_ok_and(|found| {
        found.f_bavail.saturating_mul(found.f_frsize) < SCRAP || (found.f_files > 0 && found.f_favail == 0)
    })
}

/// Windows: a failed write says so itself.
#[cfg(not(unix))]
#[must_use]
pub fn is_full(_directory: &Path) -> bool {
    false
}

/// Reads a regular file of at most `limit` bytes; `None` when there is none. Never hangs on a FIFO or a device.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Option<(File, Vec<u8>)>> {
    let Some((mut file, length)) = open_regular(path, limit)? else { return Ok(None) };
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.read_to_end(&mut content)?;
    Ok(Some((file, content)))
}

/// Whether a text stands in a regular file of at most `limit` bytes; `None` when there is none. Takes no memory for the
/// whole of it, which with a large registry would cost more than the search.
pub fn contains(path: &Path, text: &memchr::memmem::Finder<'_>, limit: u64) -> io::Result<Option<bool>> {
    const AT_ONCE: usize = 256 << 10;
    let Some((mut file, _)) = open_regular(path, limit)? else { return Ok(None) };
    // The text may stand across two pieces.
    let overlap = text.needle().len().saturating_sub(1);
    let mut piece = vec![0; AT_ONCE + overlap];
    let mut kept = 0;
    loop {
        let read = match file.read(&mut piece[kept..]) {
            Ok(0) => return Ok(Some(false)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let filled = kept + read;
        if text.find(&piece[..filled]).is_some() {
            return Ok(Some(true));
        }
        kept = overlap.min(filled);
        piece.copy_within(filled - kept..filled, 0);
    }
}

/// Opens a regular file of at most `limit` bytes, and gives how many it has.
fn open_regular(path: &Path, limit: u64) -> io::Result<Option<(File, u64)>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    if metadata.len() > limit {
        let message = format!("it has {} bytes, and more than {limit} are not read", metadata.len());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(Some((file, metadata.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_keeps_the_old_version_and_leaves_no_temporary_file() {
        let directory = tempfile::tempdir().unwrap();
        let (file, backup) = (directory.path().join("f"), directory.path().join("f.bak"));
        for content in ["one", "two", "three"] {
            replace_file(&file, content.as_bytes(), Replace { backup: Some(&backup), ..Replace::default() })
                .unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "three");
        assert_eq!(fs::read_to_string(&backup).unwrap(), "two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_stays_one_and_modes_are_as_asked() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (directory.path().join("link"), directory.path().join("target"));
        replace_file(&target, b"old", Replace::default()).unwrap();
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        replace_file(&link, b"new", Replace { keep_mode: true, ..Replace::default() }).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o644);
    }

    #[test]
    fn a_failed_rename_leaves_everything_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        fs::create_dir_all(target.join("not empty")).unwrap();
        assert!(replace_file(&target, b"x", Replace::default()).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_text_is_found_wherever_it_stands_in_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let wanted = memchr::memmem::Finder::new("shop/checkout/fix-42\"");
        assert_eq!(contains(&path, &wanted, 1 << 30).unwrap(), None);
        let piece = 256 << 10;
        for before in [0, 1, piece - 21, piece - 1, piece, piece + 19, 3 * piece - 7] {
            let mut content = vec![b'/'; before];
            content.extend_from_slice(wanted.needle());
            replace_file(&path, &content, Replace::default()).unwrap();
            assert_eq!(contains(&path, &wanted, 1 << 30).unwrap(), Some(true), "{before}");
            content.pop();
            replace_file(&path, &content, Replace::default()).unwrap();
            assert_eq!(contains(&path, &wanted, 1 << 30).unwrap(), Some(false), "{before}");
        }
        assert!(contains(&path, &wanted, 10).is_err());
        assert!(contains(directory.path(), &wanted, 1 << 30).is_err());
    }

    #[test]
    fn only_old_temporaries_of_that_file_are_swept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("registry.json");
        for name in ["registry.json.tmp.1.a", "registry.json.tmp", "other.tmp.1.a"] {
            File::create(directory.path().join(name)).unwrap();
        }
        sweep_temporaries(&path, Duration::from_secs(3600));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
        sweep_temporaries(&path, Duration::ZERO);
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            2,
            "0.12.0's own registry.json.tmp is not ours"
        );
    }
}
