//! What of the caller's environment git and the repository's hooks get to see.
//!
//! What configures git is passed on: where git works with it, okstra works with it. What would make git act on another
//! repository, index or object store than the one it is given is not: an inherited `GIT_DIR` makes `git -C <repo>` act on
//! another repository, and an inherited `GIT_INDEX_FILE` overwrites the caller's index (both measured). Inside a hook all
//! of those are set. okstra's own git calls get what is on the list and nothing else, so that a `GIT_*` variable which
//! nobody has heard of yet is not passed on; a hook gets everything but what redirects, as under git itself.

mod handed;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// What becomes of a variable of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It configures: passed on as it is.
    PassedOn,
    /// The same for one that git wants to be true or false; what is neither would stop every git, and is dropped.
    PassedOnAsFlag,
    /// It hands settings over: passed on but for the settings that redirect, and not when git could not read it.
    Settings,
    /// How git talks, or with whom: okstra decides that for its own calls. Hooks get it as it is.
    OkstrasOwn,
    /// It says which repository, objects, references or paths are meant: dropped, for hooks too.
    Redirects,
}

/// Every environment variable of git(1), and those that its commands set for each other. A name that ends with `*` stands
/// for all that begin so. docs/environment.md has the same list for people; a test compares them.
pub const VARIABLES: &[(&str, Fate)] = &[
    ("GIT_AUTHOR_*", Fate::PassedOn),
    ("GIT_COMMITTER_*", Fate::PassedOn),
    ("GIT_CONFIG_GLOBAL", Fate::PassedOn),
    ("GIT_CONFIG_SYSTEM", Fate::PassedOn),
    ("GIT_CONFIG_NOSYSTEM", Fate::PassedOnAsFlag),
    ("GIT_CONFIG_COUNT", Fate::Settings),
    ("GIT_CONFIG_KEY_*", Fate::Settings),
    ("GIT_CONFIG_VALUE_*", Fate::Settings),
    ("GIT_CONFIG_PARAMETERS", Fate::Settings),
    ("GIT_ATTR_NOSYSTEM", Fate::PassedOnAsFlag),
    ("GIT_ATTR_SOURCE", Fate::PassedOn),
    ("GIT_CEILING_DIRECTORIES", Fate::PassedOn),
    ("GIT_DISCOVERY_ACROSS_FILESYSTEM", Fate::PassedOnAsFlag),
    ("GIT_EXEC_PATH", Fate::PassedOn),
    ("GIT_INDEX_VERSION", Fate::PassedOn),
    ("GIT_LFS_*", Fate::PassedOn),
    ("GIT_SSH", Fate::PassedOn),
    ("GIT_SSH_COMMAND", Fate::PassedOn),
    ("GIT_SSH_VARIANT", Fate::PassedOn),
    ("GIT_SSL_*", Fate::PassedOn),
    ("GIT_HTTP_*", Fate::PassedOn),
    ("GIT_PROXY_*", Fate::PassedOn),
    ("GIT_ASKPASS", Fate::PassedOn),
    ("GIT_ALLOW_PROTOCOL", Fate::PassedOn),
    ("GIT_PROTOCOL_FROM_USER", Fate::PassedOnAsFlag),
    ("GIT_NO_LAZY_FETCH", Fate::PassedOnAsFlag),
    ("GIT_ADVICE", Fate::OkstrasOwn),
    ("GIT_COMMIT_GRAPH_PARANOIA", Fate::OkstrasOwn),
    ("GIT_CURL_VERBOSE", Fate::OkstrasOwn),
    ("GIT_DEFAULT_HASH", Fate::OkstrasOwn),
    ("GIT_DEFAULT_REF_FORMAT", Fate::OkstrasOwn),
    ("GIT_DIFF_OPTS", Fate::OkstrasOwn),
    ("GIT_EDITOR", Fate::OkstrasOwn),
    ("GIT_EXTERNAL_DIFF", Fate::OkstrasOwn),
    ("GIT_FLUSH", Fate::OkstrasOwn),
    ("GIT_MERGE_VERBOSITY", Fate::OkstrasOwn),
    ("GIT_NOTES_*", Fate::OkstrasOwn),
    ("GIT_OPTIONAL_LOCKS", Fate::OkstrasOwn),
    ("GIT_PAGER", Fate::OkstrasOwn),
    ("GIT_PAGER_IN_USE", Fate::OkstrasOwn),
    ("GIT_PRINT_SHA1_ELLIPSIS", Fate::OkstrasOwn),
    ("GIT_PROGRESS_DELAY", Fate::OkstrasOwn),
    ("GIT_REFLOG_ACTION", Fate::OkstrasOwn),
    ("GIT_REF_PARANOIA", Fate::OkstrasOwn),
    ("GIT_SEQUENCE_EDITOR", Fate::OkstrasOwn),
    ("GIT_TEMPLATE_DIR", Fate::OkstrasOwn),
    ("GIT_TERMINAL_PROMPT", Fate::OkstrasOwn),
    ("GIT_TRACE*", Fate::OkstrasOwn),
    ("GIT_ALTERNATE_OBJECT_DIRECTORIES", Fate::Redirects),
    ("GIT_COMMON_DIR", Fate::Redirects),
    ("GIT_CONFIG", Fate::Redirects),
    ("GIT_DIR", Fate::Redirects),
    ("GIT_GLOB_PATHSPECS", Fate::Redirects),
    ("GIT_GRAFT_FILE", Fate::Redirects),
    ("GIT_ICASE_PATHSPECS", Fate::Redirects),
    ("GIT_IMPLICIT_WORK_TREE", Fate::Redirects),
    ("GIT_INDEX_FILE", Fate::Redirects),
    ("GIT_INTERNAL_*", Fate::Redirects),
    ("GIT_LITERAL_PATHSPECS", Fate::Redirects),
    ("GIT_NAMESPACE", Fate::Redirects),
    ("GIT_NOGLOB_PATHSPECS", Fate::Redirects),
    ("GIT_NO_REPLACE_OBJECTS", Fate::Redirects),
    ("GIT_OBJECT_DIRECTORY", Fate::Redirects),
    ("GIT_PREFIX", Fate::Redirects),
    ("GIT_PROTOCOL", Fate::Redirects),
    ("GIT_PUSH_OPTION_*", Fate::Redirects),
    ("GIT_QUARANTINE_PATH", Fate::Redirects),
    ("GIT_REDIRECT_*", Fate::Redirects),
    ("GIT_REFERENCE_BACKEND", Fate::Redirects),
    ("GIT_REPLACE_REF_BASE", Fate::Redirects),
    ("GIT_SHALLOW_FILE", Fate::Redirects),
    ("GIT_WORK_TREE", Fate::Redirects),
];

/// What becomes of a variable; `None` for one that is not on the list.
fn fate(name: &str) -> Option<Fate> {
    let is = |entry: &str| match entry.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == entry,
    };
    // An exact entry goes before one that stands for many.
    let exact = VARIABLES.iter().find(|(entry, _)| *entry == name);
    exact.or_else(|| VARIABLES.iter().find(|(entry, _)| is(entry))).map(|(_, fate)| *fate)
}

/// The environment of one of okstra's own git calls, from what this process has been given.
pub(super) fn of_git(runs_user_code: bool) -> BTreeMap<OsString, OsString> {
    let mut environment = passed_on(|name, value| match name {
        "LANGUAGE" | "LC_ALL" => runs_user_code,
        other if other.starts_with("GIT_") => match fate(other) {
            Some(Fate::PassedOn) => true,
            Some(Fate::PassedOnAsFlag) => flag(value).is_some(),
            _ => false,
        },
        _ => true,
    });
    let mut set = |name: &str, value: &str| environment.insert(name.into(), value.into());
    set("GIT_TERMINAL_PROMPT", "0");
    set("GIT_PAGER", "cat");
    set("GIT_EDITOR", ":");
    if !runs_user_code {
        // Messages are looked at to tell transient failures from real ones.
        set("LC_ALL", "C");
        set("GIT_ADVICE", "0");
    }
    environment
}

/// The environment in which git would run a hook of a new worktree: the caller's, with what git sets itself. `exec_path` is
/// where git's own programs lie; hooks may source or call what is there.
///
/// One thing is added: a git that the hook calls asks nothing on the terminal. The hook's process group is not the
/// terminal's, so that it would be stopped there until its time is over.
pub(super) fn of_hook(exec_path: &Path) -> BTreeMap<OsString, OsString> {
    let mut environment = passed_on(|name, _| !matches!(fate(name), Some(Fate::Redirects | Fate::Settings)));
    let mut path = exec_path.as_os_str().to_owned();
    if let Some(given) = std::env::var_os("PATH") {
        path.push(if cfg!(windows) { ";" } else { ":" });
        path.push(given);
    }
    // Windows spells it as it likes, and means one variable.
    environment.retain(|name, _| !(cfg!(windows) && name.eq_ignore_ascii_case("PATH")));
    environment.insert("PATH".into(), path);
    environment.insert("GIT_EXEC_PATH".into(), exec_path.into());
    environment.insert("GIT_PREFIX".into(), OsString::new());
    environment.entry("GIT_TERMINAL_PROMPT".into()).or_insert_with(|| "0".into());
    environment
}

fn passed_on(is_kept: impl Fn(&str, &OsStr) -> bool) -> BTreeMap<OsString, OsString> {
    let mut environment: BTreeMap<_, _> =
        std::env::vars_os().filter(|(name, value)| is_kept(&name.to_string_lossy(), value)).collect();
    environment.retain(|name, _| fate(&name.to_string_lossy()) != Some(Fate::Settings));
    environment.extend(handed::settings(std::env::vars_os()));
    environment
}

/// Whether a variable changes where git looks for a repository.
#[must_use]
pub fn limits_discovery() -> bool {
    ["GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
}

/// Whether the system's attributes are left out.
#[must_use]
pub fn leaves_out_system_attributes() -> bool {
    std::env::var_os("GIT_ATTR_NOSYSTEM").and_then(|value| flag(&value)).unwrap_or_default()
}

/// Whether attributes are read from a commit, and not from the tree.
#[must_use]
pub fn reads_attributes_elsewhere() -> bool {
    std::env::var_os("GIT_ATTR_SOURCE").is_some_and(|value| !value.is_empty())
}

/// The version that a new index is to have, whatever it says.
#[must_use]
pub fn index_version() -> Option<String> {
    let value = std::env::var_os("GIT_INDEX_VERSION").filter(|value| !value.is_empty())?;
    Some(value.to_string_lossy().into_owned())
}

/// A value that git reads as true or false.
fn flag(value: &OsStr) -> Option<bool> {
    let value = value.to_str()?;
    let is = |words: &[&str]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    match value {
        _ if is(&["true", "yes", "on"]) => Some(true),
        _ if is(&["false", "no", "off", ""]) => Some(false),
        number => number.parse::<i32>().ok().map(|number| number != 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_for_people_is_the_same() {
        let text = std::fs::read_to_string("docs/environment.md").unwrap();
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `GIT_")).collect();
        let mut told: Vec<(&str, &str)> = Vec::new();
        for row in rows {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            told.extend(
                cells[1].split('`').filter(|name| name.starts_with("GIT_")).map(|name| (name, cells[2])),
            );
        }
        let mut known: Vec<(&str, &str)> = VARIABLES
            .iter()
            .map(|(name, fate)| {
                let word = match fate {
                    Fate::PassedOn => "passed on",
                    Fate::PassedOnAsFlag => "passed on, where it is true or false",
                    Fate::Settings => "passed on, but for what redirects",
                    Fate::OkstrasOwn => "okstra's own; hooks get it",
                    Fate::Redirects => "dropped",
                };
                (*name, word)
            })
            .collect();
        told.sort_unstable();
        known.sort_unstable();
        assert_eq!(told, known);
    }

    #[test]
    fn what_makes_a_call_local_to_a_repository_is_not_passed_on() {
        let listed =
            crate::git::Git::new(Path::new("/")).args(["rev-parse", "--local-env-vars"]).read().unwrap();
        for name in String::from_utf8(listed).unwrap().lines() {
            assert!(matches!(fate(name), Some(Fate::Redirects | Fate::Settings)), "{name}");
        }
        assert_eq!(fate("GIT_SOMETHING_NEW"), None);
        assert_eq!(fate("GIT_TRACE2_EVENT"), Some(Fate::OkstrasOwn));
        assert_eq!(fate("GIT_PROTOCOL_FROM_USER"), Some(Fate::PassedOnAsFlag));
    }

    #[test]
    fn true_and_false_in_all_of_gits_spellings() {
        let read = |text: &str| flag(OsStr::new(text));
        for (text, value) in
            [("1", true), ("yes", true), ("On", true), ("0", false), ("", false), ("-3", true)]
        {
            assert_eq!(read(text), Some(value), "{text}");
        }
        assert_eq!(read("nonsense"), None);
    }
}
