//! The okstra home: who may write to it.

use std::path::PathBuf;

use super::{Code, Doctor, Finding, Outcome, Severity};
use crate::error::{Error, IoContext, Result};

/// Looks at everything that decides what later runs do.
pub(super) fn examine(doctor: &mut Doctor<'_>) {
    let home = doctor.home;
    for path in home.links() {
        let error = Error::LinkedPlace { path: path.clone() };
        let finding = Finding::new(Code::HomeLink, Severity::Error, error.to_string()).at(path);
        doctor.tell(finding, Outcome::Decide, error.hint());
    }
    let paths = [
        home.root().to_owned(),
        home.worktrees(),
        home.locks(),
        home.intents(),
        home.quarantine(),
        home.registry_file(),
        home.registry_backup(),
        home.registry_lock_file(),
        home.history_file(),
    ];
    for path in paths {
        // Only a repair that is cut short fails here, and then the next look fails too.
        if look(doctor, path).is_err() {
            return;
        }
    }
}

#[cfg(unix)]
fn look(doctor: &mut Doctor<'_>, path: PathBuf) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let Ok(metadata) = std::fs::metadata(&path) else { return Ok(()) };
    let me = rustix::process::geteuid().as_raw();
    if metadata.uid() != me {
        let message = format!("{} belongs to user {}, and you are user {me}", path.display(), metadata.uid());
        let finding = Finding::new(Code::HomeOwner, Severity::Error, message).at(path);
        let remedy = "Only its owner, or an administrator, can give it to you (`chown`); or set OKSTRA_HOME to another place.";
        doctor.tell(finding, Outcome::Decide, remedy);
        return Ok(());
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o002 == 0 {
        return Ok(());
    }
    let message = format!("everybody may write to {} (mode {mode:04o})", path.display());
    let finding = Finding::new(Code::HomePermissions, Severity::Error, message).at(path.clone());
    doctor.mend(finding, "Takes write access from others (`chmod o-w`).", |_| {
        let narrower = std::fs::Permissions::from_mode(mode & !0o002);
        std::fs::set_permissions(&path, narrower).context("set the permissions of", &path)
    })
}

// Windows: directories below the user's profile are private to the user by inheritance; there is no mode to check.
#[cfg(not(unix))]
fn look(_doctor: &mut Doctor<'_>, _path: PathBuf) -> Result<()> {
    Ok(())
}
