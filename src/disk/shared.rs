//! Files and directories that several accounts use: made under the user's umask, as git makes them, and then with the rights
//! that are to be given on top.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::path::Path;

use crate::error::{Error, IoContext, Result};

/// Which rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shared {
    /// What the umask leaves.
    #[default]
    Umask,
    /// These besides.
    Add(u32),
    /// These and no others.
    Exactly(u32),
}

impl Shared {
    /// The mode of something that has the mode `mode`: as git adjusts it (`calc_shared_perm`). Who may read may enter, and
    /// what the owner may not write nobody may.
    #[must_use]
    pub fn mode(self, mode: u32, is_directory: bool) -> u32 {
        let (Self::Add(given) | Self::Exactly(given)) = self else { return mode };
        let mut given = given;
        if mode & 0o200 == 0 {
            given &= !0o222;
        }
        if mode & 0o100 != 0 {
            given |= (given & 0o444) >> 2;
        }
        let mut mode = if matches!(self, Self::Add(_)) { mode | given } else { (mode & !0o777) | given };
        if is_directory {
            mode |= (mode & 0o444) >> 2;
            if mode & 0o060 != 0 {
                // What is made in it belongs to its group.
                mode |= 0o2000;
            }
        }
        mode
    }

    /// Gives the rights to a file that is open.
    #[cfg(unix)]
    pub fn apply_to(self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let found = file.metadata()?;
        match self.changed(&found) {
            Some(mode) => file.set_permissions(Permissions::from_mode(mode)),
            None => Ok(()),
        }
    }

    #[cfg(unix)]
    fn changed(self, found: &Metadata) -> Option<u32> {
        use std::os::unix::fs::PermissionsExt;
        let was = found.permissions().mode() & 0o7777;
        let mode = self.mode(was, found.is_dir());
        (mode != was).then_some(mode)
    }

    /// Makes a directory with these rights; one that is there gets them too, where it is ours. Something else at its place, a link too, is
    /// an error: what okstra moves there would be moved to wherever that leads.
    pub fn make_directory(self, directory: &Path) -> Result<()> {
        match fs::create_dir(directory) {
            Ok(()) => self.give(directory),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let found = fs::symlink_metadata(directory).context("look at", directory)?;
                if !found.is_dir() {
                    return Err(Error::LinkedPlace { path: directory.to_owned() });
                }
                // One that an earlier version made for its own account alone. Only its owner may give more.
                let _ = self.give(directory);
                Ok(())
            }
            Err(error) => Err(error).context("make the directory", directory),
        }
    }

    #[cfg(unix)]
    fn give(self, directory: &Path) -> Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let open = fs::OpenOptions::new().read(true).custom_flags(nofollow).open(directory);
        open.and_then(|open| self.apply_to(&open)).context("set the permissions of", directory)
    }

    #[cfg(not(unix))]
    fn give(self, _directory: &Path) -> Result<()> {
        Ok(())
    }

    /// Windows: rights are inherited.
    #[cfg(not(unix))]
    pub fn apply_to(self, _file: &File) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_those_of_git() {
        for (shared, mode, directory, expected) in [
            (Shared::Umask, 0o600, false, 0o600),
            (Shared::Add(0o660), 0o644, false, 0o664),
            (Shared::Add(0o660), 0o444, false, 0o444),
            (Shared::Add(0o664), 0o600, false, 0o664),
            (Shared::Add(0o660), 0o755, true, 0o2775),
            (Shared::Add(0o660), 0o700, true, 0o2770),
            (Shared::Exactly(0o640), 0o644, false, 0o640),
            (Shared::Exactly(0o660), 0o755, true, 0o2770),
            (Shared::Exactly(0o600), 0o755, true, 0o700),
        ] {
            assert_eq!(shared.mode(mode, directory), expected, "{shared:?} {mode:o}");
        }
    }
}
