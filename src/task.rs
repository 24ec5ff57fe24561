//! Names: task-keys, safe segments, branch names, and the allow-lists that every name from outside passes before git
//! or the file system sees it.

use std::fmt;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};

/// Longest safe segment, in bytes. Leaves room for git's own suffixes (`.lock`) within the 255 bytes of a file name.
pub const MAX_SEGMENT: usize = 80;
/// Longest branch name that is let through, in bytes.
const MAX_BRANCH: usize = 240;
/// Longest single component of a branch name, in bytes: git adds `.lock` to it.
const MAX_BRANCH_COMPONENT: usize = 200;
const MAX_BASE: usize = 1024;
/// The group of a task that is in none.
const NO_GROUP: &str = "_";

/// Turns any text into one path component and branch part.
///
/// Lower-case; every run of characters outside `[a-z0-9-]` becomes one `-`; dashes at both ends go; an empty result is
/// `_`. Where letters, digits or combining marks outside ASCII were dropped, `-` and the first 8 hex digits of the
/// SHA-256 of the NFC-normalised lower-case text are appended, so that two such texts never share a worktree. A result
/// over 80 bytes is cut to 71 plus `-` and the same 8 digits. On Windows a reserved device name gets `-x` appended.
/// Applying it twice changes nothing more.
#[must_use]
pub fn safe_segment(value: &str) -> String {
    // Normalising first makes the two spellings of one text (NFC, and the NFD that macOS hands out) one segment.
    let normal: String = value.nfc().collect::<String>().to_lowercase().nfc().collect();
    let mut segment = String::with_capacity(normal.len().min(MAX_SEGMENT * 2));
    let mut in_run = false;
    let mut dropped = false;
    for c in normal.chars() {
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' {
            segment.push(c);
            in_run = false;
        } else {
            dropped |=
                !c.is_ascii() && (c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c));
            if !in_run {
                segment.push('-');
            }
            in_run = true;
        }
    }
    let stem = segment.trim_matches('-');
    let result = match (stem.is_empty(), dropped) {
        (true, true) => short_hash(&normal),
        // Emoji and the like are no letters, and yet all there is to tell two such ids apart by.
        (true, false) if !normal.trim().is_ascii() => short_hash(&normal),
        (true, false) => "_".to_owned(),
        (false, true) => format!("{stem}-{}", short_hash(&normal)),
        (false, false) => stem.to_owned(),
    };
    let result = if result.len() > MAX_SEGMENT {
        format!("{}-{}", &result[..MAX_SEGMENT - 9], short_hash(&normal))
    } else {
        result
    };
    if cfg!(windows) && is_windows_device(&result) { format!("{result}-x") } else { result }
}

/// Whether the segment of a text holds a hash of all of it, so that no other text has it.
#[must_use]
pub fn is_told_apart(value: &str) -> bool {
    let normal: String = value.nfc().collect::<String>().to_lowercase().nfc().collect();
    let hash = short_hash(&normal);
    let segment = safe_segment(value);
    segment == hash || segment.ends_with(&format!("-{hash}"))
}

fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..4])
}

/// Lower-case hexadecimal of some bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first 32 hex digits of a SHA-256: names files after keys and paths of any shape.
#[must_use]
pub fn file_name_hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..16])
}

fn is_windows_device(name: &str) -> bool {
    matches!(name, "con" | "prn" | "aux" | "nul")
        || (name.len() == 4
            && (name.starts_with("com") || name.starts_with("lpt"))
            && matches!(name.as_bytes()[3], b'1'..=b'9'))
}

/// The branch of a task: `<prefix>-<task>`, with the prefix given by the category of the work.
///
/// The category is trimmed and compared without case: `bug`, `bugfix`, `fix` give `fix`; `feature`, `feat` give `feat`;
/// `improvement` gives `improve`; `refactor`, `refactoring` give `refactor`; `docs`, `test`, `perf`, `chore`, `ops`,
/// `hotfix` give themselves; anything else, also nothing, gives `task`.
#[must_use]
pub fn branch_name(category: &str, task_id: &str) -> String {
    let prefix = match category.trim().to_lowercase().as_str() {
        "bug" | "bugfix" | "fix" => "fix",
        "feature" | "feat" => "feat",
        "improvement" => "improve",
        "refactor" | "refactoring" => "refactor",
        "docs" => "docs",
        "test" => "test",
        "perf" => "perf",
        "chore" => "chore",
        "ops" => "ops",
        "hotfix" => "hotfix",
        _ => "task",
    };
    format!("{prefix}-{}", safe_segment(task_id))
}

/// Every name that [`branch_name`] can give to a task.
pub fn branch_names(task_id: &str) -> impl Iterator<Item = String> + use<'_> {
    const CATEGORIES: &[&str] =
        &["", "fix", "feat", "improvement", "refactor", "docs", "test", "perf", "chore", "ops", "hotfix"];
    CATEGORIES.iter().map(move |category| branch_name(category, task_id))
}

/// A task-key `<project>/<group>/<task>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskKey {
    project: String,
    group: String,
    task: String,
}

impl TaskKey {
    /// Takes the three segments as given, as the registry does. Fails when one is empty, `.` or `..`, or holds a
    /// slash or a control character, because two different tasks could then share a key or a place.
    pub fn new(project: &str, group: &str, task: &str) -> Result<Self> {
        Self::check(project, group, task)?;
        Ok(Self { project: project.into(), group: group.into(), task: task.into() })
    }

    /// Fails where [`Self::new`] would.
    pub fn check(project: &str, group: &str, task: &str) -> Result<()> {
        for (what, value) in [("project id", project), ("task group", group), ("task id", task)] {
            if value.is_empty() {
                return Err(Error::invalid(what, value, "it is empty"));
            }
            if value.contains('/') {
                return Err(Error::invalid(
                    what,
                    value,
                    "it holds a slash, which parts the segments of a task-key",
                ));
            }
            if matches!(value, "." | "..") {
                return Err(Error::invalid(what, value, "it leads to another directory"));
            }
            no_control(what, value)?;
        }
        Ok(())
    }

    /// The same for segments as a caller gives them: a blank group, which says that the task is in none, is `_`.
    pub fn given(project: &str, group: &str, task: &str) -> Result<Self> {
        Self::new(project, if group.trim().is_empty() { NO_GROUP } else { group }, task)
    }

    /// Makes the three segments safe first (see [`safe_segment`]); a blank group becomes `_`. Fails when the project or
    /// the task is blank, or one holds a control character: such an id is a caller's mistake, and all of them would meet in
    /// the segment `_`.
    pub fn sanitised(project: &str, group: &str, task: &str) -> Result<Self> {
        for (what, value) in [("project id", project), ("task id", task)] {
            if value.trim().is_empty() {
                return Err(Error::invalid(what, value, "it is blank"));
            }
        }
        for (what, value) in [("project id", project), ("task group", group), ("task id", task)] {
            no_control(what, value)?;
        }
        Ok(Self { project: safe_segment(project), group: safe_segment(group), task: safe_segment(task) })
    }

    /// Reads `<project>/<group>/<task>`.
    pub fn parse(key: &str) -> Result<Self> {
        match key.split('/').collect::<Vec<_>>()[..] {
            [project, group, task] => Self::new(project, group, task),
            _ => Err(Error::invalid("task-key", key, "it is not of the form <project>/<group>/<task>")),
        }
    }

    /// The project id.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The group of the task.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The task's own id.
    #[must_use]
    pub fn task(&self) -> &str {
        &self.task
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project, self.group, self.task)
    }
}

/// Refuses control characters in a value from outside: they forge lines in logs, in git's files and on terminals.
pub fn no_control(what: &'static str, value: &str) -> Result<()> {
    match value.chars().find(|c| c.is_control()) {
        Some(c) => Err(Error::invalid(what, value, format!("it holds the control character {c:?}"))),
        None => Ok(()),
    }
}

/// Checks a branch name against our own allow-list, before git sees it.
///
/// git passes the name given to `worktree add -b` unguarded to an inner `git branch`: `-b -D <path> victim` deletes the
/// branch `victim` (measured on 2.47.3). No `--` on the outer command helps; only this does. The list is stricter than
/// `git check-ref-format --branch`: ASCII letters, digits and `_./+#=@-`, starting with a letter or digit.
pub fn check_branch(name: &str) -> Result<()> {
    let fail = |reason: &str| Err(Error::invalid("branch", name, reason));
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return fail("it does not begin with an ASCII letter or digit");
    }
    if let Some(c) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"_./+#=@-".contains(*c)) {
        return fail(&format!("it holds {c:?}"));
    }
    if name.len() > MAX_BRANCH || name.split('/').any(|part| part.len() > MAX_BRANCH_COMPONENT) {
        return fail("it is too long");
    }
    if name.contains("..") {
        return fail("it holds two dots in a row");
    }
    if name.split('/').any(|part| {
        part.is_empty()
            || part.starts_with('.')
            || part.ends_with('.')
            || part.to_ascii_lowercase().ends_with(".lock")
    }) {
        return fail("one of its parts is empty, begins or ends with a dot, or ends with .lock");
    }
    if name == "HEAD" || name.starts_with("refs/") {
        return fail("git gives that name another meaning");
    }
    if matches!(name.len(), 40 | 64) && name.bytes().all(|b| b.is_ascii_hexdigit()) {
        return fail("it looks like a commit id");
    }
    if cfg!(windows) && name.split('/').any(|part| is_windows_device(&part.to_ascii_lowercase())) {
        return fail("one of its parts is a device name of Windows");
    }
    Ok(())
}

/// Checks a base (any commit-ish) against our own allow-list, before git sees it: a branch, tag, remote branch, commit
/// id, or one of these with `~n`, `^n`, `@{n}`. What git reads as an option, a range, a path in a tree or a search
/// through messages is refused.
pub fn check_base(base: &str) -> Result<()> {
    let fail = |reason: &str| Err(Error::invalid("base", base, reason));
    if base.is_empty() {
        return fail("it is empty");
    }
    if base.starts_with(['-', '^']) {
        return fail("it begins as an option or an exclusion of git would");
    }
    if base.len() > MAX_BASE {
        return fail("it is too long");
    }
    if let Some(c) = base.chars().find(|c| !c.is_alphanumeric() && !"._/+#=@-^~{}%,".contains(*c)) {
        return fail(&format!("it holds {c:?}"));
    }
    if base.contains("..") {
        return fail("it is a range");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_as_in_0_12_0() {
        for (input, expected) in [
            ("Fix-42", "fix-42"),
            ("  Hello, World!  ", "hello-world"),
            ("a - b", "a---b"),
            ("../../etc/passwd", "etc-passwd"),
            ("--x--", "x"),
            ("", "_"),
            ("_", "_"),
            ("!!!", "_"),
            ("a_b.c", "a-b-c"),
        ] {
            assert_eq!(safe_segment(input), expected, "{input:?}");
        }
    }

    #[test]
    fn dropped_letters_are_told_apart_by_a_hash() {
        let [one, two] = ["결제 오류", "로그인 오류"].map(safe_segment);
        assert_ne!(one, two);
        assert_eq!(one.len(), 8, "nothing but the hash is left: {one}");
        assert_eq!(safe_segment("Fix 결제").len(), "fix-".len() + 8);
        assert_eq!(safe_segment("caf\u{e9}"), safe_segment("cafe\u{301}"), "both spellings of one text");
        assert_ne!(safe_segment("cafe"), safe_segment("caf\u{e9}"));
        assert_eq!(safe_segment("fix \u{2192} bug"), "fix-bug", "an arrow is no letter");
    }

    #[test]
    fn long_values_are_cut_and_told_apart() {
        let one = safe_segment(&"a".repeat(81));
        let two = safe_segment(&"a".repeat(82));
        assert_eq!((one.len(), two.len()), (MAX_SEGMENT, MAX_SEGMENT));
        assert_ne!(one, two);
        assert_eq!(safe_segment(&"a".repeat(80)), "a".repeat(80));
    }

    #[test]
    fn a_blank_group_is_an_underscore_and_nothing_else_may_be_blank() {
        for blank in ["", " ", "\u{a0} "] {
            assert_eq!(TaskKey::sanitised("Shop", blank, "Fix 1").unwrap().to_string(), "shop/_/fix-1");
            assert_eq!(TaskKey::given("shop", blank, "1").unwrap().to_string(), "shop/_/1");
            assert!(
                TaskKey::sanitised(blank, "g", "t").is_err() && TaskKey::sanitised("p", "g", blank).is_err()
            );
        }
        assert!(TaskKey::sanitised("p", "\n", "t").is_err(), "a control character is no blank");
        assert!(TaskKey::given("", "g", "t").is_err() && TaskKey::given("p", "g", "").is_err());
    }

    #[test]
    fn windows_devices_are_known() {
        for name in ["con", "nul", "com1", "lpt9"] {
            assert!(is_windows_device(name));
        }
        for name in ["con-x", "com0", "com10", "comma"] {
            assert!(!is_windows_device(name));
        }
    }

    #[test]
    fn branch_prefixes() {
        for (category, expected) in [
            (" Bug ", "fix-t"),
            ("BUGFIX", "fix-t"),
            ("feature", "feat-t"),
            ("improvement", "improve-t"),
            ("refactoring", "refactor-t"),
            ("hotfix", "hotfix-t"),
            ("", "task-t"),
            ("anything", "task-t"),
        ] {
            assert_eq!(branch_name(category, "T"), expected);
        }
    }

    #[test]
    fn branches_that_git_would_take_for_something_else_are_refused() {
        for name in [
            "-D",
            "-m",
            "--edit-description",
            "",
            "HEAD",
            "@",
            "a..b",
            "a b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[b",
            "a\\b",
            "x.lock",
            "x.lock/y",
            ".x",
            "x.",
            "a//b",
            "/a",
            "a/",
            "refs/heads/a",
            "a@{1}",
            "a\nb",
            "a\0b",
            "0123456789012345678901234567890123456789",
        ] {
            assert!(check_branch(name).is_err(), "{name:?}");
        }
        for name in ["fix-42", "task-_", "okstra/group/task", "feat-#12", "a".repeat(200).as_str()] {
            assert!(check_branch(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn bases_that_git_would_take_for_something_else_are_refused() {
        for base in [
            "", "^main", "-b", "--detach", ":/fix", "main:src", "a..b", "a...b", "a b", "^{/x y}", "a\nb",
            "*", "a?",
        ] {
            assert!(check_base(base).is_err(), "{base:?}");
        }
        for base in
            ["HEAD", "HEAD~3", "main^2", "origin/main", "v1.2", "main@{1}", "@{-1}", "주제", "abc123", "a^{}"]
        {
            assert!(check_base(base).is_ok(), "{base:?}");
        }
    }
}
