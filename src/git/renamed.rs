//! What became of a branch that is not there any more.

use std::path::Path;

use super::Git;
use crate::error::Result;

/// The branch that `branch` was renamed to (`git branch -m`, however often) at `since` or later (seconds since 1970;
/// `None`: whenever), as the log of a branch that is there now tells: one call, which reads the logs of all branches.
/// `None` where no log tells, also where none are kept.
pub fn renamed_to(common_dir: &Path, branch: &str, since: Option<i64>) -> Result<Option<String>> {
    let wanted = format!("Branch: renamed refs/heads/{branch} to refs/heads/");
    let pattern = format!("--grep-reflog={wanted}");
    let output = Git::new(common_dir)
        .git_dir(Some(common_dir))
        .args(["log", "--walk-reflogs", "--branches", "--fixed-strings", &pattern])
        .args(["--date=unix", "--no-show-signature", "--format=%gD%x00%gs"])
        .looks_only()
        .run()?;
    // A log with commits that are gone ends the walk; what was said before that holds.
    let text = String::from_utf8_lossy(&output.stdout);
    let mut newest: Option<(i64, &str)> = None;
    for line in text.lines() {
        let Some((selector, said)) = line.split_once('\0') else { continue };
        let Some((name, at)) = selector.strip_suffix('}').and_then(|text| text.rsplit_once("@{")) else {
            continue;
        };
        let Ok(at) = at.parse::<i64>() else { continue };
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        if said.starts_with(&wanted)
            && name != branch
            && since.is_none_or(|since| at >= since)
            && newest.is_none_or(|(before, _)| at >= before)
        {
            newest = Some((at, name));
        }
    }
    Ok(newest.map(|(_, name)| name.to_owned()))
}
