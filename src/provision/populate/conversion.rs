//! Which files checkout would not write byte for byte as their blobs are, and which repositories are too unusual to be
//! sure. Every answer errs on the side of git: what may be converted is checked out by git itself.

use std::path::Path;

use crate::disk;
use crate::git::attributes::{self, LIMIT};
use crate::git::config::Config;
use crate::git::index::{Draft, EntryKind, Wanted};
use crate::git::object::Hasher;

/// Whether a setting is in force that makes checkout more than writing blobs out, or that this code has not been proven
/// with.
pub(super) fn is_unusual(config: &Config) -> bool {
    let other_than = |key: &str, usual: &[&str]| {
        config.get(key).is_some_and(|value| !usual.iter().any(|usual| value.eq_ignore_ascii_case(usual)))
    };
    other_than("core.autocrlf", &["false", "no", "off", "0", "input"])
        || other_than("core.eol", &["lf", "native"])
        || config.may_be_false("core.symlinks")
        || config.may_be_false("core.filemode")
        || config.may_be_true("core.sparsecheckout")
        || config.may_be_true("core.splitindex")
        || config.get("attr.tree").is_some()
        || config.keys().any(|key| {
            // Objects may be missing, and git fetches them as it goes.
            key == "extensions.partialclone"
                || (key.starts_with("remote.")
                    && (key.ends_with(".promisor") || key.ends_with(".partialclonefilter")))
        })
}

/// Whether settings may differ from worktree to worktree, so that those of the new one must be asked for there.
pub(super) fn depends_on_place(config: &Config) -> bool {
    config.may_be_true("extensions.worktreeconfig") || config.keys().any(|key| key.starts_with("includeif."))
}

/// The paths that a conversion may touch.
#[derive(Debug, Default)]
pub(super) struct Conversions(Vec<Rule>);

/// One line of an attributes file that asks for a conversion, widened to what is quickly told: a path that its pattern
/// matches surely begins and ends like this, in whatever case.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    begins: Vec<u8>,
    ends: Vec<u8>,
}

impl Conversions {
    /// Reads every attributes file that would be in force in the new worktree. Those of the tree are taken from the main
    /// worktree, where they are the ones that are wanted; `None` when one is not, or cannot be read or understood.
    pub(super) fn read(main: &Path, common_dir: &Path, config: &Config, draft: &Draft) -> Option<Self> {
        let mut conversions = Self::default();
        for at in 0..draft.len() {
            let wanted = draft.wanted(at);
            let Some(directory) = wanted.path.strip_suffix(b".gitattributes") else { continue };
            if !directory.is_empty() && !directory.ends_with(b"/") {
                continue;
            }
            let file = main.join(path_of(wanted.path)?);
            let text = disk::read_regular(&file, LIMIT).ok()??.1;
            let mut hasher = Hasher::blob(draft.hash(), text.len() as u64)?;
            hasher.add(&text);
            if wanted.kind == EntryKind::Symlink || hasher.id() != *wanted.id {
                return None;
            }
            conversions.add(&text, directory)?;
        }
        for file in attributes::outside_the_tree(common_dir, config)? {
            if let Some((_, text)) = disk::read_regular(&file, LIMIT).ok()? {
                conversions.add(&text, b"")?;
            }
        }
        Some(conversions)
    }

    /// Whether checkout may write this path otherwise than byte for byte.
    pub(super) fn may_touch(&self, path: &[u8]) -> bool {
        let like = |part: &[u8], rule: &[u8]| part.eq_ignore_ascii_case(rule);
        self.0.iter().any(|rule| {
            path.len() >= rule.begins.len().max(rule.ends.len())
                && like(&path[..rule.begins.len()], &rule.begins)
                && like(&path[path.len() - rule.ends.len()..], &rule.ends)
        })
    }

    /// Adds the lines of one file; `None` when a macro asks for a conversion, because then any word may.
    fn add(&mut self, text: &[u8], directory: &[u8]) -> Option<()> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let (pattern, attributes) = part(line);
            if !attributes.split(u8::is_ascii_whitespace).any(converts) {
                continue;
            }
            match pattern {
                Some(pattern) if pattern.starts_with(b"[attr]") => return None,
                // It matches directories alone, and attributes of a directory are none of its files'.
                Some(pattern) if pattern.ends_with(b"/") => {}
                Some(pattern) => self.0.push(Rule::of(pattern, directory)),
                None => self.0.push(Rule { begins: directory.to_vec(), ends: Vec::new() }),
            }
        }
        Some(())
    }
}

impl Rule {
    fn of(pattern: &[u8], directory: &[u8]) -> Self {
        let is_special = |byte: &u8| b"*?[]\\".contains(byte);
        let anchored = pattern.contains(&b'/');
        let pattern = pattern.strip_prefix(b"/").unwrap_or(pattern);
        let first = pattern.iter().position(is_special).unwrap_or(pattern.len());
        // Also parted at slashes: `**/name` matches `name`.
        let last = pattern.iter().rposition(|byte| is_special(byte) || *byte == b'/').map_or(0, |at| at + 1);
        let mut begins = directory.to_vec();
        if anchored {
            begins.extend_from_slice(&pattern[..first]);
        }
        Self { begins, ends: pattern[last..].to_vec() }
    }
}

/// The pattern of a line, where it stands there as it is, and the attributes after it.
fn part(line: &[u8]) -> (Option<&[u8]>, &[u8]) {
    if line.starts_with(b"\"") {
        let mut escaped = false;
        let end = line.iter().skip(1).position(|byte| {
            let closes = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            closes
        });
        return (None, end.map_or(line, |end| &line[end + 2..]));
    }
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    (Some(&line[..end]), &line[end..])
}

/// Whether an attribute can make checkout write other bytes where lines end with LF. `text` alone does not: it converts
/// on the way in.
fn converts(attribute: &[u8]) -> bool {
    let equals = attribute.iter().position(|byte| *byte == b'=').unwrap_or(attribute.len());
    match &attribute[..equals] {
        b"filter" | b"ident" | b"working-tree-encoding" => true,
        b"eol" => attribute != b"eol=lf",
        _ => false,
    }
}

/// Whether git would write this path without a second look: no part of it is, or looks to another file system like, a
/// directory that git keeps for itself.
pub(super) fn is_plain(wanted: &Wanted<'_>) -> bool {
    let is_link = wanted.kind == EntryKind::Symlink;
    wanted.kind != EntryKind::Other
        && wanted.path.split(|byte| *byte == b'/').all(|part| {
            let begins = |with: &[u8]| part.get(..with.len()).is_some_and(|is| is.eq_ignore_ascii_case(with));
            let after = part.get(4);
            let reserved = begins(b".git") && after.is_none_or(|byte| b" .:".contains(byte));
            // HFS+ overlooks some letters, and NTFS has short names.
            let hidden = !part.is_ascii() && {
                let seen: Vec<u8> = part.iter().copied().filter(u8::is_ascii).collect();
                seen.get(..4).is_some_and(|seen| seen.eq_ignore_ascii_case(b".git"))
            };
            let special = matches!(part, b"" | b"." | b"..")
                || reserved
                || hidden
                || begins(b"git~")
                || (is_link && begins(b".git"))
                || part.iter().any(|byte| b"\\:".contains(byte));
            !special
        })
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Option<&Path> {
    Some(Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<&Path> {
    std::str::from_utf8(bytes).ok().map(Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, directory: &str) -> Option<Conversions> {
        let mut conversions = Conversions::default();
        conversions.add(text.as_bytes(), directory.as_bytes()).map(|()| conversions)
    }

    #[test]
    fn what_a_line_may_touch_is_told_by_its_beginning_and_end() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("*.psd filter=lfs -text", &["a.psd", "d/b.PSD"], &["a.png", "psd"]),
            ("/docs/*.txt eol=crlf", &["docs/a.txt"], &["a.txt", "other/docs/a.txt"]),
            ("**/name ident", &["name", "a/b/name"], &["names/x"]),
            ("a/**/b.c ident", &["a/b.c", "a/x/b.c"], &["x/a/b.c"]),
            ("[ab]x ident", &["ax", "d/bx"], &["a"]),
            ("\"a b\" ident", &["anything"], &[]),
            ("dir/ ident", &[], &["dir/x", "dir"]),
            ("dir/** working-tree-encoding=UTF-16", &["dir/x"], &["x/dir/x"]),
            ("* text=auto eol=lf\n*.png binary\n*.c -filter !ident -crlf\n# * ident", &[], &["a.c", "b"]),
        ];
        for (text, touched, untouched) in cases {
            let conversions = of(text, "").unwrap();
            for path in *touched {
                assert!(conversions.may_touch(path.as_bytes()), "{text}: {path}");
            }
            for path in *untouched {
                assert!(!conversions.may_touch(path.as_bytes()), "{text}: {path}");
            }
        }
        let below = of("*.c ident", "sub/").unwrap();
        assert!(below.may_touch(b"sub/x/a.c") && !below.may_touch(b"a.c"));
        assert!(of("[attr]mine filter=x\n*.c mine", "").is_none(), "a macro that converts");
        assert!(of("[attr]mine -diff", "").is_some());
    }

    #[test]
    fn names_that_git_looks_at_twice_are_left_to_it() {
        let hash = crate::git::index::HashKind::Sha1;
        let plain = |mode: &str, path: &str| {
            let line = format!("{mode} blob {}\t{path}\0", "1".repeat(40));
            is_plain(&Draft::of_listing(line.as_bytes(), hash).unwrap().wanted(0))
        };
        for path in ["a", ".gitignore", "d/.github/x", "na\u{ef}ve.c", "git"] {
            assert!(plain("100644", path), "{path}");
        }
        for path in [".git/x", "d/.GIT", ".git ", "../x", "a//b", "a\\b", "a:b", "git~1", ".g\u{200c}it/x"] {
            assert!(!plain("100644", path), "{path}");
        }
        assert!(!plain("120000", ".gitmodules") && plain("120000", "link"));
        assert!(!plain("160000", "submodule"));
    }
}
