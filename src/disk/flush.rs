//! What has been written is sent to the device, and waited for.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::{IoContext, Result};

/// Flushes a directory: after this the names in it survive a power cut.
#[cfg(unix)]
pub fn sync_dir(directory: &Path) -> Result<()> {
    File::open(directory).and_then(|handle| handle.sync_all()).context("flush to the device", directory)
}

/// Windows flushes names with the files.
#[cfg(not(unix))]
pub fn sync_dir(_directory: &Path) -> Result<()> {
    Ok(())
}

/// Flushes the whole file system that a directory lies on: the one way to flush thousands of files at once. 24 ms after
/// 2,000 files, 190 ms after 20,000 (measured on ext4).
#[cfg(target_os = "linux")]
pub fn sync_file_system(directory: &Path) -> Result<()> {
    let handle = File::open(directory).context("open", directory)?;
    match rustix::fs::syncfs(&handle) {
        // Emulated kernels do without it; sync(2) flushes everything, and waits for it on Linux.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {
            rustix::fs::sync();
            Ok(())
        }
        flushed => flushed.map_err(io::Error::from).context("flush to the device", directory),
    }
}

/// Other systems have no such call for one file system.
#[cfg(not(target_os = "linux"))]
pub fn sync_file_system(_directory: &Path) -> Result<()> {
    #[cfg(unix)]
    rustix::fs::sync();
    Ok(())
}

/// Flushes every file and directory of a tree, one after the other; for systems that cannot flush a file system.
#[cfg(not(target_os = "linux"))]
pub fn sync_tree(directory: &Path) -> Result<()> {
    for entry in std::fs::read_dir(directory).context("look into", directory)?.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => sync_tree(&entry.path())?,
            // Windows flushes only what may be written.
            #[cfg(unix)]
            Ok(kind) if kind.is_file() => {
                let file = File::open(entry.path()).context("open", entry.path())?;
                // Not the cache of the device each time: that is done once, with the directory.
                rustix::fs::fsync(&file).map_err(io::Error::from).context("flush", entry.path())?;
            }
            _ => {}
        }
    }
    sync_dir(directory)
}

/// Flushes a file; one that is not there is passed over.
pub fn sync_file(path: &Path) -> Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all().context("flush to the device", path),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(())
        }
        Err(error) => Err(error).context("flush to the device", path),
    }
}
