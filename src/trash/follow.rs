//! A record of the trash names the git directory of its repository. Where that was moved, git's half of the entry is found by
//! the name of the entry, and the record is read as if it had been written where the repository is now.

use std::path::Path;

use super::{Record, kept_admin};

/// Makes a record whose repository is not there any more name the one that has its half of the entry.
pub fn repository(record: &mut Record, common_dir: &Path) {
    let Some(git) = &mut record.git else { return };
    let kept = kept_admin(common_dir, &record.id);
    if git.common_dir == common_dir || git.common_dir.is_dir() || !kept.is_dir() {
        return;
    }
    // <main>/.git, as most are: the shared directories lie beside it.
    if let (Some(old), Some(new)) = (git.common_dir.parent(), common_dir.parent()) {
        for link in &mut record.links {
            if let Ok(below) = link.target.strip_prefix(old) {
                link.target = new.join(below);
            }
        }
    }
    git.admin = common_dir.join("worktrees").join(git.admin.file_name().unwrap_or_default());
    git.kept = kept;
    common_dir.clone_into(&mut git.common_dir);
}
