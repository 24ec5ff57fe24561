//! What okstra itself keeps in a repository's git directory: the one place that makes files and directories there.
//!
//! Several accounts may use one repository, and git says how (`core.sharedRepository`): what one of them makes, the others
//! must be able to read, to replace and to move. Without that setting the umask decides, as for everything that git makes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::disk::{self, Replace, Shared};
use crate::error::{IoContext, Result};

/// Where administrative directories of removed worktrees are kept.
pub const TRASH: &str = "okstra-trash";
/// Where parts of git's data are kept that recovery moved aside.
pub const QUARANTINE: &str = "okstra-quarantine";
/// Where an administrative directory is built before it gets its place.
pub const STAGING: &str = "okstra-rebuild";

/// How the repository with this common git directory is shared. Read from its own file, where `git init --shared` writes it:
/// asking git would cost a process each time, and what only a user's own file says is no agreement with others.
#[must_use]
pub fn sharing(common_dir: &Path) -> Shared {
    let text = fs::read(common_dir.join("config")).unwrap_or_default();
    parse(&String::from_utf8_lossy(&text))
}

fn parse(config: &str) -> Shared {
    let mut in_core = false;
    let mut found = Shared::Umask;
    for line in config.lines() {
        let mut line = line.trim();
        if let Some(rest) = line.strip_prefix('[')
            && let Some((section, after)) = rest.split_once(']')
        {
            in_core = section.trim().eq_ignore_ascii_case("core");
            line = after.trim();
        }
        let (name, value) = line.split_once('=').unwrap_or((line, "true"));
        if in_core && name.trim().eq_ignore_ascii_case("sharedrepository") {
            let value = value.split(['#', ';']).next().unwrap_or_default().trim().trim_matches('"');
            found = of_value(value);
        }
    }
    found
}

fn of_value(value: &str) -> Shared {
    match value.to_ascii_lowercase().as_str() {
        "" | "umask" | "false" | "no" | "off" | "0" => Shared::Umask,
        "group" | "true" | "yes" | "on" | "1" => Shared::Add(0o660),
        "all" | "world" | "everybody" | "2" | "3" => Shared::Add(0o664),
        // git refuses to work with one that takes the owner's own rights.
        octal => match u32::from_str_radix(octal, 8) {
            Ok(mode) if mode & 0o600 == 0o600 => Shared::Exactly(mode & 0o666),
            _ => Shared::Umask,
        },
    }
}

/// Makes one of the directories above in a git directory, and gives its place.
pub fn directory(common_dir: &Path, name: &str) -> Result<PathBuf> {
    let place = common_dir.join(name);
    sharing(common_dir).make_directory(&place)?;
    Ok(place)
}

/// Makes a directory inside one that is there.
pub fn directory_in(common_dir: &Path, place: &Path) -> Result<()> {
    sharing(common_dir).make_directory(place)
}

/// Moves something into one of the directories above.
pub fn move_into(from: &Path, common_dir: &Path, name: &str, to: &str) -> Result<()> {
    disk::move_aside(from, &directory(common_dir, name)?.join(to))
}

/// Writes a file in a git directory, durably. One that is there keeps its rights.
pub fn write(common_dir: &Path, file: &Path, content: &[u8]) -> Result<()> {
    disk::replace_file(file, content, how(common_dir))
}

/// How a file in this git directory is written.
#[must_use]
pub fn how(common_dir: &Path) -> Replace<'static> {
    Replace { keep_mode: true, shared: Some(sharing(common_dir)), ..Replace::default() }
}

/// The common git directory of an administrative directory, by its place: two levels up.
#[must_use]
pub fn common_of(admin: &Path) -> &Path {
    admin.ancestors().nth(2).unwrap_or(admin)
}

/// Whether a directory of ours in a git directory is one of its own: nothing is looked for behind a link.
#[must_use]
pub fn is_own(directory: &Path) -> bool {
    fs::symlink_metadata(directory).is_ok_and(|found| found.is_dir())
}

/// Looks into one of the directories above; nothing where there is none, or a link.
pub fn list(common_dir: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let place = common_dir.join(name);
    if !is_own(&place) {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&place).context("look into", &place)?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_read_as_git_reads_it() {
        for (text, expected) in [
            ("[core]\n\tbare = false\n", Shared::Umask),
            ("[core]\n\tsharedrepository = 1\n", Shared::Add(0o660)),
            ("[core]\n\tsharedRepository = group # us\n", Shared::Add(0o660)),
            ("[CORE] SharedRepository=all\n", Shared::Add(0o664)),
            ("[core]\n\tsharedRepository\n", Shared::Add(0o660)),
            ("[core]\n\tsharedRepository = 0640\n", Shared::Exactly(0o640)),
            ("[core]\n\tsharedRepository = 0040\n", Shared::Umask),
            ("[core]\n\tsharedRepository = group\n\tsharedRepository = umask\n", Shared::Umask),
            ("[remote \"core\"]\n\tsharedRepository = group\n", Shared::Umask),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
