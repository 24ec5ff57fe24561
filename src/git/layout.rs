//! Which repository is around a directory, and where its main worktree is: from the disk alone, no process is started.
//!
//! git answers the second question by two settings, `core.bare` and `core.worktree`. Both are written by accident: `git
//! init` in a hook that runs with an exported `GIT_DIR` turns a clone into a bare repository or names the hook's own
//! directory. So a setting is believed only while nothing else speaks against it; what does is the index, which lists
//! the files of the main worktree, and the files themselves.

use std::fs;
use std::path::{Path, PathBuf};

use super::index::{self, HashKind};
use super::repository::path_of;
use super::worktree;

/// Largest configuration file that is read.
const LIMIT: u64 = 4 << 20;
/// How many entries of an index are looked for.
const SAMPLE: usize = 64;

/// The repository around a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// The common git directory, resolved where it exists.
    pub common_dir: PathBuf,
    /// The root of the worktree that the directory lies in; `None` inside a git directory.
    pub worktree: Option<PathBuf>,
    /// The administrative directory of that worktree, where it is a linked one.
    pub admin: Option<PathBuf>,
}

/// Looks for a repository at a directory and above, as git would. What git would refuse for another reason (its owner,
/// its format) is found all the same.
#[must_use]
pub fn around(directory: &Path) -> Option<Around> {
    let start = real(directory);
    start
        .ancestors()
        .find_map(|place| at(place).or_else(|| is_git_directory(place).then(|| describe(place, None))))
}

/// The repository whose worktree has its root at a directory.
#[must_use]
pub fn at(root: &Path) -> Option<Around> {
    let link = root.join(".git");
    let found = fs::metadata(&link).ok()?;
    if found.is_dir() {
        return fs::symlink_metadata(link.join("HEAD")).is_ok().then(|| describe(&real(&link), Some(root)));
    }
    let git_dir = worktree::admin_dir_of(root).ok()??;
    Some(describe(&real(&git_dir), Some(root)))
}

fn describe(git_dir: &Path, worktree: Option<&Path>) -> Around {
    let pointer = fs::read(git_dir.join("commondir")).ok();
    let common = pointer.as_deref().map(|text| real(&git_dir.join(path_of(text.trim_ascii_end()))));
    let admin = common.is_some().then(|| git_dir.to_owned());
    let common_dir = common.unwrap_or_else(|| git_dir.to_owned());
    Around { common_dir, worktree: worktree.map(Path::to_owned), admin }
}

fn is_git_directory(place: &Path) -> bool {
    ["HEAD", "objects", "refs"].iter().all(|name| place.join(name).exists())
}

fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

impl Around {
    /// The main worktree of the repository, and whether it has one.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let mut layout = Layout::of(&self.common_dir);
        let Some(worktree) =
            self.worktree.as_ref().filter(|_| layout.main_worktree.is_none() && !layout.bare)
        else {
            return layout;
        };
        // A git directory that lies apart does not say where its worktree is; whoever stands in it knows.
        layout.main_worktree = match self.admin {
            None => Some(worktree.clone()),
            Some(_) => through_link(worktree, &self.common_dir),
        };
        layout
    }
}

/// A task's worktree sees the shared directories of the main worktree through links: they know where it is when git does
/// not. The other end must be of the same repository.
fn through_link(worktree: &Path, common_dir: &Path) -> Option<PathBuf> {
    let link = worktree.join(".project-docs");
    if !fs::symlink_metadata(&link).ok()?.is_symlink() {
        return None;
    }
    let main = fs::canonicalize(link).ok()?.parent()?.to_owned();
    at(&main).is_some_and(|other| other.common_dir == common_dir).then_some(main)
}

/// What a repository has beside its git directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The root of the main worktree; `None` in a bare repository, and where the git directory does not record it.
    pub main_worktree: Option<PathBuf>,
    /// Whether the repository is bare.
    pub bare: bool,
    /// The setting that says otherwise, and is not believed.
    pub wrong: Option<Wrong>,
}

/// A setting against which everything else speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// `core.bare` or `core.worktree`.
    pub setting: &'static str,
    /// The file that it stands in.
    pub file: PathBuf,
    /// Whether so much of what the index lists is there that nobody can have meant it.
    pub certain: bool,
}

impl Layout {
    /// The layout of the repository with this (resolved) common git directory.
    #[must_use]
    pub fn of(common_dir: &Path) -> Self {
        let settings = Settings::of(common_dir);
        let beside = common_dir
            .parent()
            .filter(|_| common_dir.file_name() == Some(".git".as_ref()))
            .map(Path::to_owned);
        // Without the setting git goes by the name.
        let bare =
            settings.bare.as_ref().map_or(beside.is_none() && settings.worktree.is_none(), |(bare, _)| *bare);
        let plain = |main| Self { main_worktree: main, bare: false, wrong: None };
        let wrong = |setting, file: &Path, certain| Some(Wrong { setting, file: file.to_owned(), certain });
        let is_main = |place: &PathBuf| {
            at(place).is_some_and(|other| other.admin.is_none() && other.common_dir == common_dir)
        };
        if let Some((named, file)) = &settings.worktree {
            let named = fs::canonicalize(common_dir.join(named)).ok().filter(|place| place.is_dir());
            let mutual = named.as_ref().is_some_and(is_main);
            // A directory that is there may be about to be filled.
            if let Some(main) = beside.as_ref().filter(|_| named.is_none()) {
                let presence = presence(common_dir, &settings, main);
                if presence >= Presence::Some {
                    let wrong = wrong("core.worktree", file, presence == Presence::Nearly);
                    return Self { wrong, ..plain(Some(main.clone())) };
                }
            }
            return match (bare, &settings.bare) {
                (true, Some((_, file))) if mutual => {
                    Self { wrong: wrong("core.bare", file, true), ..plain(named) }
                }
                (true, _) => Self { bare, ..plain(None) },
                (false, _) => plain(named),
            };
        }
        match (bare, beside, &settings.bare) {
            (true, Some(main), Some((_, file))) => match presence(common_dir, &settings, &main) {
                presence @ (Presence::Some | Presence::Nearly) => Self {
                    wrong: wrong("core.bare", file, presence == Presence::Nearly),
                    ..plain(Some(main))
                },
                Presence::Absent => Self { bare, ..plain(None) },
            },
            (true, ..) => Self { bare, ..plain(None) },
            (false, beside, _) => plain(beside),
        }
    }
}

/// How much of what an index lists is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Presence {
    Absent,
    /// Half of it.
    Some,
    /// Nearly all.
    Nearly,
}

/// Whether a directory holds the files that the index of the main worktree lists. A bare repository has no index; one
/// that somebody made bare on purpose has one whose files are gone.
fn presence(common_dir: &Path, settings: &Settings, main: &Path) -> Presence {
    let hash = if settings.is_sha256 { HashKind::Sha256 } else { HashKind::Sha1 };
    let Some(paths) = index::sample(&common_dir.join("index"), hash, SAMPLE) else { return Presence::Absent };
    let there = paths.iter().filter(|path| fs::symlink_metadata(main.join(path_of(path))).is_ok()).count();
    match (there, paths.len()) {
        (0, _) => Presence::Absent,
        (there, all) if there * 10 >= all * 9 => Presence::Nearly,
        (there, all) if there * 2 >= all => Presence::Some,
        _ => Presence::Absent,
    }
}

/// What a repository's own configuration says, with the file that each value stands in.
#[derive(Debug, Default)]
struct Settings {
    bare: Option<(bool, PathBuf)>,
    worktree: Option<(PathBuf, PathBuf)>,
    is_sha256: bool,
}

impl Settings {
    /// git reads these from the repository's own files alone, and no file that they include.
    fn of(common_dir: &Path) -> Self {
        let mut settings = Self::default();
        let mut own_files = false;
        for name in ["config", "config.worktree"] {
            if name == "config.worktree" && !own_files {
                break;
            }
            let file = common_dir.join(name);
            for (section, key, value) in entries(&file) {
                match (&*section, &*key, value) {
                    ("core", "bare", value) => {
                        settings.bare = Some((is_true(value.as_deref()), file.clone()))
                    }
                    ("core", "worktree", Some(value)) => {
                        settings.worktree = Some((path_of(&value), file.clone()));
                    }
                    ("extensions", "worktreeconfig", value) => own_files = is_true(value.as_deref()),
                    ("extensions", "objectformat", Some(value)) => {
                        settings.is_sha256 = value.eq_ignore_ascii_case(b"sha256");
                    }
                    _ => {}
                }
            }
        }
        settings
    }
}

/// The settings with which a linked worktree of its own configuration contradicts that it is one; the file they are in.
#[must_use]
pub fn contradictions(common_dir: &Path, admin: &Path) -> Vec<Wrong> {
    let shared = entries(&common_dir.join("config"));
    let own_files =
        shared.into_iter().rfind(|(section, key, _)| section == "extensions" && key == "worktreeconfig");
    if !own_files.is_some_and(|(_, _, value)| is_true(value.as_deref())) {
        return Vec::new();
    }
    let file = admin.join("config.worktree");
    let tree = worktree::tree_of(admin);
    let mut found = Vec::new();
    for (section, key, value) in entries(&file) {
        let setting = match (&*section, &*key, value) {
            ("core", "bare", value) if is_true(value.as_deref()) => "core.bare",
            ("core", "worktree", Some(value)) => {
                let named = admin.join(path_of(&value));
                if tree.as_ref().is_some_and(|tree| worktree::same_place(tree, &named)) {
                    continue;
                }
                "core.worktree"
            }
            _ => continue,
        };
        found.push(Wrong { setting, file: file.clone(), certain: true });
    }
    found
}

fn is_true(value: Option<&[u8]>) -> bool {
    let Some(value) = value else { return true };
    ["true", "yes", "on"].iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
        || std::str::from_utf8(value).is_ok_and(|text| text.parse::<i64>().is_ok_and(|number| number != 0))
}

/// The entries of one configuration file in its order: section without subsection and key in lower case, value. Lines
/// that cannot be read are left out, and so are sections with a subsection.
fn entries(file: &Path) -> Vec<(String, String, Option<Vec<u8>>)> {
    let Ok(Some((_, text))) = crate::disk::read_regular(file, LIMIT) else { return Vec::new() };
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let mut found = Vec::new();
    let mut section: Option<String> = None;
    let mut lines = text.split(|byte| *byte == b'\n');
    while let Some(line) = lines.next() {
        let mut rest = line.trim_ascii();
        if let Some(header) = rest.strip_prefix(b"[") {
            let Some(end) = header.iter().position(|byte| *byte == b']') else { continue };
            let name = String::from_utf8_lossy(&header[..end]).trim().to_ascii_lowercase();
            section = Some(name).filter(|name| !name.contains(['"', '.']));
            rest = header[end + 1..].trim_ascii();
        }
        if rest.is_empty() || rest.starts_with(b"#") || rest.starts_with(b";") {
            continue;
        }
        let equals = rest.iter().position(|byte| *byte == b'=');
        let key = String::from_utf8_lossy(&rest[..equals.unwrap_or(rest.len())]).trim().to_ascii_lowercase();
        let value = equals.map(|at| value_of(&rest[at + 1..], &mut lines));
        if let Some(section) = &section {
            found.push((section.clone(), key, value));
        }
    }
    found
}

/// A value without the quotes, escapes, comment and line ends that git's configuration files may have.
fn value_of<'a>(first: &'a [u8], lines: &mut impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut value = Vec::new();
    let (mut quoted, mut kept) = (false, 0);
    let mut line = first.trim_ascii_start();
    loop {
        let mut goes_on = false;
        let mut bytes = line.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => quoted = !quoted,
                b'#' | b';' if !quoted => break,
                b'\\' => match bytes.next() {
                    Some(b'n') => value.push(b'\n'),
                    Some(b't') => value.push(b'\t'),
                    Some(b'b') => value.push(8),
                    Some(other) => value.push(*other),
                    None => goes_on = true,
                },
                other => value.push(*other),
            }
            if quoted || !byte.is_ascii_whitespace() {
                kept = value.len();
            }
        }
        match goes_on.then(|| lines.next()).flatten() {
            Some(next) => line = next.strip_suffix(b"\r").unwrap_or(next),
            None => break,
        }
    }
    value.truncate(kept);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_is_read_as_git_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config");
        let text = "\u{feff}[core] bare\n\tworktree = \"a b\" ; no\n[Core \"x\"]\nbare = false\n[CORE]\n  Bare= off # x\n\
                    worktree = a\\\nb\\tc  \n[core]worktree=\\\\x\n[extensions]\nworktreeConfig\n";
        crate::disk::replace_file(&file, text.as_bytes(), crate::disk::Replace::default()).unwrap();
        let told: Vec<_> = entries(&file)
            .into_iter()
            .map(|(section, key, value)| {
                (format!("{section}.{key}"), value.map(|value| String::from_utf8(value).unwrap()))
            })
            .collect();
        let expected = [
            ("core.bare", None),
            ("core.worktree", Some("a b")),
            ("core.bare", Some("off")),
            ("core.worktree", Some("ab\tc")),
            ("core.worktree", Some("\\x")),
            ("extensions.worktreeconfig", None),
        ];
        assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
        assert!(is_true(None) && is_true(Some(b"YES")) && is_true(Some(b"2")));
        assert!(!is_true(Some(b"")) && !is_true(Some(b"off")) && !is_true(Some(b"0")));
    }
}
