//! Whether git would show a link that is not there yet: a `.gitignore` that un-ignores its name wins against
//! `info/exclude`, and the next `git add -A` would commit an absolute link.

use std::fs;
use std::path::Path;

use crate::error::Result;
use crate::git::Git;

/// Largest ignore file that is looked into here; of a longer one git is asked at once.
const LIMIT: u64 = 1 << 20;

/// The line that makes git show a link at this place, as `<file>:<line>: <pattern>`; `None` where it stays hidden. git is
/// asked only where a file that has a say un-ignores anything at all.
pub(super) fn line_that_shows(worktree: &Path, common_dir: &Path, name: &str) -> Result<Option<String>> {
    if !may_be_shown(worktree, common_dir, name) {
        return Ok(None);
    }
    let git = Git::new(worktree).args(["check-ignore", "--no-index", "--verbose", "-z", "--stdin"]);
    let output = git.input_bytes([name.as_bytes(), b"\0"].concat()).looks_only().run()?;
    // Nothing matches: the line of okstra's own will. Behind a link no link is made.
    if output.status.code() == Some(1) || output.stderr.contains("beyond a symbolic link") {
        return Ok(None);
    }
    if !output.status.success() {
        return Err(output.into_error("check-ignore", worktree));
    }
    let fields: Vec<_> = output.stdout.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    let [file, line, pattern, ..] = &fields[..] else { return Ok(None) };
    Ok(pattern.starts_with('!').then(|| format!("{file}:{line}: {pattern}")))
}

/// Whether any file that has a say before okstra's own lines holds a pattern that un-ignores.
fn may_be_shown(worktree: &Path, common_dir: &Path, name: &str) -> bool {
    let mut directory = worktree.to_owned();
    let mut files = vec![common_dir.join("info/exclude")];
    for part in name.split('/') {
        files.push(directory.join(".gitignore"));
        directory.push(part);
    }
    files.iter().any(|file| {
        let Ok(found) = fs::metadata(file) else { return false };
        found.len() > LIMIT
            || fs::read(file)
                .is_ok_and(|text| text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"!")))
    })
}
