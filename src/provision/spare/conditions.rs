//! What decides, besides the commit, which bytes git writes into a tree. A spare that was made under other conditions
//! is not what git would make now.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::git::Repository;
use crate::git::repository::path_of;

/// Variables that choose which configuration git reads.
const VARIABLES: &[&str] =
    &["HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"];

/// The conditions under which a tree was filled: the files that git took its settings and attributes from, and how they
/// looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// The files, also those that were not there.
    files: Vec<PathBuf>,
    /// A hash over what the files looked like, the variables that choose them, and the umask.
    hash: String,
}

impl Conditions {
    /// The present conditions of a repository, or why no spare can be made under them. One git process.
    pub fn of(repository: &Repository) -> Result<std::result::Result<Self, &'static str>> {
        let listed =
            repository.git().args(["config", "--list", "--show-origin", "--includes", "-z"]).read()?;
        let mut files: Vec<PathBuf> = candidates(&repository.common_dir);
        // `<origin> NUL <key> LF <value> NUL`, as git-config(1) says.
        let mut parts = listed.split(|byte| *byte == 0);
        while let (Some(origin), Some(setting)) = (parts.next(), parts.next()) {
            let mut halves = setting.splitn(2, |byte| *byte == b'\n');
            let key = String::from_utf8_lossy(halves.next().unwrap_or_default()).to_lowercase();
            let value = String::from_utf8_lossy(halves.next().unwrap_or(b"true")).to_lowercase();
            if let Some(reason) = refused(&key, &value) {
                return Ok(Err(reason));
            }
            if let Some(file) = origin.strip_prefix(b"file:") {
                // Relative names count from where the call ran.
                let file = repository.anchor().join(path_of(file));
                if !files.contains(&file) {
                    files.push(file);
                }
            }
            if key == "core.attributesfile" {
                files.push(expand(&value));
            }
        }
        let hash = hash(&files);
        Ok(Ok(Self { files, hash }))
    }

    /// Whether they still hold: one look at each file, no process.
    #[must_use]
    pub fn hold(&self) -> bool {
        hash(&self.files) == self.hash
    }
}

/// Settings that make two worktrees of one commit differ, or that need the real administrative directory.
fn refused(key: &str, value: &str) -> Option<&'static str> {
    let on = !matches!(value, "false" | "no" | "off" | "0" | "");
    match key {
        "core.sparsecheckout" if on => Some("the repository uses a sparse checkout"),
        "extensions.worktreeconfig" if on => Some("its worktrees have settings of their own"),
        _ if key.starts_with("includeif.") => Some("its settings depend on the worktree (includeIf)"),
        _ => None,
    }
}

/// The files that git looks for by itself; see git-config(1) and gitattributes(5).
fn candidates(common_dir: &Path) -> Vec<PathBuf> {
    let mut files = vec![
        common_dir.join("config"),
        common_dir.join("config.worktree"),
        common_dir.join("info/attributes"),
    ];
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let xdg = std::env::var_os("XDG_CONFIG_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    let xdg = xdg.or_else(|| home.as_ref().map(|home| home.join(".config")));
    files.extend(home.map(|home| home.join(".gitconfig")));
    files.extend(xdg.into_iter().flat_map(|xdg| [xdg.join("git/config"), xdg.join("git/attributes")]));
    files.extend(["/etc/gitconfig", "/etc/gitattributes"].map(PathBuf::from));
    files
}

fn expand(value: &str) -> PathBuf {
    match (value.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(value),
    }
}

fn hash(files: &[PathBuf]) -> String {
    let mut hasher = Sha256::new();
    for name in VARIABLES {
        hasher.update(format!("{name}={:?}\n", std::env::var_os(name)));
    }
    hasher.update(format!("umask={:?}\n", umask()));
    for file in files {
        hasher.update(file.as_os_str().as_encoded_bytes());
        hasher.update(appearance(file));
    }
    hasher.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn appearance(file: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let Ok(found) = fs::metadata(file) else { return " absent\n".into() };
    format!(" {} {} {} {}\n", found.size(), found.ino(), found.mtime(), found.mtime_nsec())
}

#[cfg(not(unix))]
fn appearance(file: &Path) -> String {
    let Ok(found) = fs::metadata(file) else { return " absent\n".into() };
    format!(" {} {:?}\n", found.len(), found.modified().ok())
}

// There is no way to ask for the umask without changing it for all threads; Linux shows it in /proc. Elsewhere a changed
// umask goes unnoticed, and a claimed tree keeps the modes it was made with.
fn umask() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Umask:")).map(|mask| mask.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_worktrees_differ_are_refused() {
        assert!(refused("core.sparsecheckout", "true").is_some());
        assert!(refused("core.sparsecheckout", "false").is_none());
        assert!(refused("includeif.onbranch:x.path", "f").is_some());
        assert!(refused("extensions.worktreeconfig", "1").is_some());
        assert!(refused("core.autocrlf", "true").is_none());
    }

    #[test]
    fn a_changed_a_new_and_a_vanished_file_are_each_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        let write = |path: &Path, text: &[u8]| {
            crate::disk::replace_file(path, text, crate::disk::Replace::default()).unwrap();
        };
        write(&one, b"a");
        let files = vec![one.clone(), two.clone()];
        let conditions = Conditions { hash: hash(&files), files };
        assert!(conditions.hold());
        write(&two, b"b");
        assert!(!conditions.hold());
        fs::remove_file(&two).unwrap();
        assert!(conditions.hold());
        write(&one, b"c");
        assert!(!conditions.hold());
    }
}
