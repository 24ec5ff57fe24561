//! Directories and files of the main worktree that every task worktree sees through a symbolic link, and the lines that
//! keep those links invisible to git.

mod visible;

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::disk::{self, Below};
use crate::error::{Error, IoContext, Result};
use crate::git::{Git, room};
use crate::lock::RepositoryLock;
use crate::task;

/// Names what is shared, instead of the default.
const NAME: &str = "OKSTRA_WORKTREE_SYNC_DIRS";
const DEFAULT: &[&str] = &[".project-docs", ".scratch", "graphify-out"];
const BEGIN: &str = "# >>> okstra: links to shared directories >>>";
const END: &str = "# <<< okstra: links to shared directories <<<";
/// Largest `info/exclude` that is edited.
const LIMIT: u64 = 16 * 1024 * 1024;

/// The configured shared paths: `OKSTRA_WORKTREE_SYNC_DIRS` (colon-separated, blanks trimmed, set but empty: none),
/// else `.project-docs`, `.scratch`, `graphify-out`. Fails on an absolute entry and on one with `..`.
pub fn configured() -> Result<Vec<String>> {
    let Some(value) = std::env::var_os(NAME) else {
        return Ok(DEFAULT.iter().map(|&name| name.to_owned()).collect());
    };
    let Some(text) = value.to_str() else {
        return Err(Error::invalid(NAME, value.to_string_lossy(), "it is not UTF-8"));
    };
    let mut names: Vec<String> = Vec::new();
    for name in text.split(':').map(str::trim).filter(|name| !name.is_empty()) {
        let fail = |reason: &str| Err(Error::invalid(NAME, name, reason));
        task::no_control(NAME, name)?;
        if Path::new(name).is_absolute() {
            return fail("it is absolute; shared directories are named from the root of the main worktree");
        }
        let parts: Option<Vec<_>> = Path::new(name)
            .components()
            .filter(|part| *part != Component::CurDir)
            .map(|part| if let Component::Normal(part) = part { part.to_str() } else { None })
            .collect();
        let Some(parts) = parts else { return fail("it leaves the main worktree") };
        if parts.is_empty() {
            return fail("it names the main worktree itself");
        }
        if parts.iter().any(|part| part.eq_ignore_ascii_case(".git")) {
            return fail("git keeps its own files there");
        }
        let clean = parts.join("/");
        if !names.contains(&clean) {
            names.push(clean);
        }
    }
    Ok(names)
}

/// One link to be made.
#[derive(Debug)]
pub struct Share {
    /// As configured.
    pub name: String,
    /// The resolved directory or file in the main worktree.
    pub source: PathBuf,
}

/// What is shared and is not linked, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlinked {
    /// As configured.
    pub name: String,
    /// A sentence.
    pub reason: String,
}

/// What became of the links of a worktree.
#[derive(Debug, Default)]
pub struct Links {
    /// The names that are linked, in the order of the configuration.
    pub linked: Vec<String>,
    /// What should be and is not. Of the default names only what somebody must know: nobody asked for those.
    pub unlinked: Vec<Unlinked>,
}

impl Links {
    /// Notes that a name that somebody asked for cannot be linked.
    fn refuse(&mut self, name: &str, reason: impl Into<String>) {
        if is_named() {
            self.unlinked.push(Unlinked { name: name.to_owned(), reason: reason.into() });
        }
    }
}

/// Those of the configured directories and files that the main worktree has.
#[must_use]
pub fn present(configured: &[String], main_worktree: Option<&Path>) -> Vec<Share> {
    let share = |name: &String| source(name, main_worktree?).ok();
    configured
        .iter()
        .filter_map(|name| share(name).map(|source| Share { name: name.clone(), source }))
        .collect()
}

/// Whether somebody named what is shared.
fn is_named() -> bool {
    std::env::var_os(NAME).is_some()
}

/// Whether the main worktree has what is shared under this name, in a form that can be linked.
#[must_use]
pub fn is_there(name: &str, main: &Path) -> bool {
    source(name, main).is_ok()
}

/// What a link would lead to; else why there can be none.
fn source(name: &str, main: &Path) -> std::result::Result<PathBuf, String> {
    let place = main.join(name);
    let resolved = fs::canonicalize(&place).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if fs::symlink_metadata(&place).is_ok() => {
            format!("{} is a link to nothing", place.display())
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            format!("{} has no such file or directory", main.display())
        }
        _ => format!("{}: {error}", place.display()),
    })?;
    match fs::metadata(&resolved) {
        // The default names are those of directories.
        Ok(found) if found.is_dir() || (found.is_file() && is_named()) => Ok(resolved),
        Ok(_) => Err(format!("{} is neither a file nor a directory", place.display())),
        Err(error) => Err(format!("{}: {error}", place.display())),
    }
}

/// Links what is shared into a worktree. What exists there is never clobbered, a link in the tree is never followed, a path
/// that the branch tracks is left to the branch, and no link is made that git would show. Repeating it changes nothing.
pub fn link(
    configured: &[String],
    main_worktree: Option<&Path>,
    worktree: &Path,
    admin: &Path,
    common_dir: &Path,
) -> Result<Links> {
    let mut links = Links::default();
    for name in configured {
        let Some(main) = main_worktree else {
            links.refuse(name, "the repository has no main worktree to link from");
            continue;
        };
        let source = match source(name, main) {
            Ok(source) => source,
            Err(reason) => {
                links.refuse(name, reason);
                continue;
            }
        };
        let target = worktree.join(name);
        match fs::symlink_metadata(&target) {
            Ok(found) => {
                if found.is_symlink() && fs::read_link(&target).is_ok_and(|to| to == source) {
                    links.linked.push(name.clone());
                } else {
                    links.refuse(name, "the worktree has something of its own there, which is left as it is");
                }
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A file where a directory would have to be: the branch's own content.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                links.refuse(name, "the worktree has a file where its directory would be");
                continue;
            }
            Err(error) => return Err(error).context("look at", target),
        }
        if hidden_by_sparse_checkout(worktree, admin, name)? {
            links.refuse(name, "the branch tracks it, and the sparse checkout leaves it out");
            continue;
        }
        if let Some(line) = visible::line_that_shows(worktree, common_dir, name)? {
            // Told of the default names too: whoever misses the link looks for it.
            links.unlinked.push(Unlinked {
                name: name.clone(),
                reason: format!(
                    "git would show the link, and `git add -A` commit it, because of {line}; \
                     a line `{}` below that one in the branch hides it",
                    pattern(name)
                ),
            });
            continue;
        }
        match Below::open(worktree).and_then(|mut tree| tree.link(Path::new(name), source.as_os_str())) {
            Ok(()) => {}
            // A link or a file where a directory would have to be, or something that came meanwhile: the branch's own.
            Err(error) if is_in_the_way(&error) => {
                links.refuse(name, "the worktree has something else there, or than a directory above it");
                continue;
            }
            Err(error) => return Err(error).context("link what is shared at", target),
        }
        links.linked.push(name.clone());
    }
    Ok(links)
}

/// Points a link elsewhere, in one step.
pub fn relink(source: &Path, link: &Path) -> Result<()> {
    let mut name = link.file_name().unwrap_or_default().to_owned();
    name.push(format!(".tmp.{:016x}", disk::random()));
    let new = link.with_file_name(name);
    symlink(source, &new).context("link what is shared at", &new)?;
    disk::move_aside(&new, link)
}

/// Whether a link could not be made because something else has its place, or that of a directory above it.
fn is_in_the_way(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory)
}

/// In a sparse checkout a tracked path may be missing on disk; a link there would show as a deletion.
fn hidden_by_sparse_checkout(worktree: &Path, admin: &Path, name: &str) -> Result<bool> {
    if !admin.join("info/sparse-checkout").exists() {
        return Ok(false);
    }
    let pathspec = format!(":(literal){name}");
    let tracked = Git::new(worktree).args(["ls-files", "--sparse", "-z", "--", &pathspec]).read()?;
    Ok(!tracked.is_empty())
}

#[cfg(unix)]
fn symlink(source: &Path, target: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(source, target)
}

// Windows: a link says of which kind its target is.
#[cfg(windows)]
fn symlink(source: &Path, target: &Path) -> io::Result<()> {
    if source.is_dir() {
        std::os::windows::fs::symlink_dir(source, target)
    } else {
        std::os::windows::fs::symlink_file(source, target)
    }
}

/// Adds the links to a marked block of `info/exclude` in the common git directory, once each.
///
/// A pattern with a slash at its end (`.scratch/`, as people write it in `.gitignore`) does not match a symbolic link, so
/// without these lines the link shows as untracked, `git add -A` commits it, and `git worktree remove` refuses (all
/// measured). A worktree's own `info/exclude` is not read by git. Everything else in the file stays byte for byte.
pub fn exclude(names: &[String], common_dir: &Path, _lock: &RepositoryLock) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let path = common_dir.join("info/exclude");
    let present =
        disk::read_regular(&path, LIMIT).context("read", &path)?.map(|(_, bytes)| bytes).unwrap_or_default();
    if let Some(text) = with_lines(&present, names) {
        if let Some(directory) = path.parent().filter(|directory| !directory.is_dir()) {
            room::directory_in(common_dir, directory)?;
        }
        // People keep it elsewhere and link it.
        let path = fs::canonicalize(&path).unwrap_or(path);
        room::write(common_dir, &path, &text)?;
    }
    Ok(())
}

/// The names that the block in `info/exclude` hides, whatever is configured now; none where it cannot be read.
#[must_use]
pub fn excluded(common_dir: &Path) -> Vec<String> {
    let Ok(Some((_, present))) = disk::read_regular(&common_dir.join("info/exclude"), LIMIT) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&present);
    let block = text.lines().skip_while(|line| *line != BEGIN).skip(1).take_while(|line| *line != END);
    block.filter_map(|line| line.strip_prefix('/')).map(unescaped).collect()
}

/// The path that an anchored pattern of ours matches.
fn unescaped(pattern: &str) -> String {
    let mut text = String::new();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        text.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    text
}

/// The content of the exclude file with all lines in the block; `None` when nothing is missing.
fn with_lines(present: &[u8], names: &[String]) -> Option<Vec<u8>> {
    let line_ends = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).to_vec();
    let lines: Vec<Vec<u8>> = present.split(|byte| *byte == b'\n').map(line_ends).collect();
    let begin = lines.iter().position(|line| line == BEGIN.as_bytes());
    let block = begin.and_then(|begin| {
        let length = lines[begin..].iter().position(|line| line == END.as_bytes())?;
        Some((begin, begin + length))
    });
    let known: &[Vec<u8>] = block.map_or(&[], |(begin, end)| &lines[begin..end]);
    let missing: Vec<String> = names
        .iter()
        .map(|name| pattern(name))
        .filter(|line| !known.iter().any(|known| known == line.as_bytes()))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let added = missing.iter().map(|line| format!("{line}\n")).collect::<String>();
    // The byte at which the end mark's line begins, or the end of the file.
    let at = block.map(|(_, end)| {
        present.split(|byte| *byte == b'\n').take(end).map(|line| line.len() + 1).sum::<usize>()
    });
    let mut text = present.to_vec();
    match at {
        Some(at) => drop(text.splice(at..at, added.into_bytes())),
        None => {
            if !text.is_empty() && !text.ends_with(b"\n") {
                text.push(b'\n');
            }
            text.extend_from_slice(format!("{BEGIN}\n{added}{END}\n").as_bytes());
        }
    }
    Some(text)
}

/// An anchored pattern that matches exactly this path.
fn pattern(name: &str) -> String {
    let mut text = String::from("/");
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | ' ') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Replace;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_block_is_added_once_and_grows_in_place() {
        let first = with_lines(b"*.o\nno newline", &names(&[".scratch"])).unwrap();
        assert_eq!(first, format!("*.o\nno newline\n{BEGIN}\n/.scratch\n{END}\n").as_bytes());
        assert_eq!(with_lines(&first, &names(&[".scratch"])), None);
        let mut foreign = first.clone();
        foreign.extend_from_slice(b"# mine\r\nlast");
        let second = with_lines(&foreign, &names(&[".scratch", "docs/a b*"])).unwrap();
        let expected = format!("*.o\nno newline\n{BEGIN}\n/.scratch\n/docs/a\\ b\\*\n{END}\n# mine\r\nlast");
        assert_eq!(String::from_utf8(second).unwrap(), expected);
    }

    #[test]
    fn names_in_the_block_are_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let hidden = names(&[".scratch", "docs/a b*", "back\\slash"]);
        let text = with_lines(b"*.o\n/mine\n", &hidden).unwrap();
        fs::create_dir(directory.path().join("info")).unwrap();
        disk::replace_file(&directory.path().join("info/exclude"), &text, Replace::default()).unwrap();
        assert_eq!(excluded(directory.path()), hidden);
    }

    #[test]
    fn a_block_that_lost_its_end_is_left_alone() {
        let torn = format!("{BEGIN}\n/.scratch\n");
        let text = with_lines(torn.as_bytes(), &names(&[".scratch"])).unwrap();
        assert!(text.starts_with(torn.as_bytes()) && text.len() > torn.len());
        assert_eq!(with_lines(&text, &names(&[".scratch"])), None, "the next time the mended block is found");
    }
}
