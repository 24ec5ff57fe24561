//! Looking runs nothing that a repository configures: a list of all worktrees must not start the filter programs, hooks,
//! merge drivers or transports of repositories that nobody asked about.
//!
//! Most of it is the same for every call that only looks: no monitor, no pager, no transport, no lazy fetch. What git runs
//! while it compares files is named by the repository, so that its configuration is asked first (2 ms), and only before the
//! few commands that compare files. Then
//!
//! - clean and process filters are blank: a file whose stat data does not prove it unchanged is compared as it lies there;
//! - configured hooks are off, and there is no hooks directory;
//! - merge drivers fail, so that what they would merge is a conflict;
//! - the same goes for every submodule, which git asks in its own way and with its own configuration.
//!
//! A removal does not only look: there the filters run, because they decide what is work.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::config::Config;
use super::index::{EntryKind, Index, candid};
use super::{Git, worktree};
use crate::error::Result;

/// Set for every call that only looks. `GIT_ALLOW_PROTOCOL` overrides what the configuration allows; before git 2.45 it is
/// what keeps a partial clone from fetching.
pub(super) const VARIABLES: &[(&str, &str)] =
    &[("GIT_OPTIONAL_LOCKS", "0"), ("GIT_NO_LAZY_FETCH", "1"), ("GIT_ALLOW_PROTOCOL", "none")];

/// What the settings below name as their values: a key may hold an equals sign, and only `--config-env` parts at the last.
pub(super) const VALUES: &[(&str, &str)] =
    &[("OKSTRA_GIT_NOTHING", ""), ("OKSTRA_GIT_NO", "false"), ("OKSTRA_GIT_FAIL", "exit 1")];

/// Submodules below submodules; git itself knows no limit.
const DEPTH: usize = 16;

/// The commands that compare files, merge, or write an index.
const COMPARING: &[&str] = &["status", "diff-files", "update-index", "merge-tree"];

/// Whether a command may run what the repository configures.
pub(super) fn is_comparing(args: &[OsString]) -> bool {
    let command = args.iter().find(|word| !word.as_encoded_bytes().starts_with(b"-"));
    command.is_some_and(|word| COMPARING.iter().any(|known| word == known))
}

/// The arguments before the command that keep it from running anything.
pub(super) fn silence(directory: &Path, git_dir: Option<&Path>, args: &[OsString]) -> Result<Vec<OsString>> {
    let mut keys = BTreeSet::new();
    collect(&Config::read(Git::new(directory).git_dir(git_dir))?, &mut keys);
    if args.iter().any(|word| word == "status") {
        below(directory, DEPTH, &mut keys);
    }
    let mut silenced = vec!["-c".into(), "core.hooksPath=/dev/null".into()];
    silenced.extend(keys.into_iter().map(|(key, value)| format!("--config-env={key}={value}").into()));
    Ok(silenced)
}

/// Each key that names a program, or switches one off, with the variable whose value silences it.
fn collect(config: &Config, keys: &mut BTreeSet<(String, &'static str)>) {
    for key in config.keys() {
        let Some((name, last)) = key.rsplit_once('.') else { continue };
        match last {
            "clean" | "process" | "smudge" | "required" if name.starts_with("filter.") => {
                for key in ["clean", "process", "smudge"] {
                    keys.insert((format!("{name}.{key}"), "OKSTRA_GIT_NOTHING"));
                }
                keys.insert((format!("{name}.required"), "OKSTRA_GIT_NO"));
            }
            "driver" if name.starts_with("merge.") => {
                keys.insert((key.to_owned(), "OKSTRA_GIT_FAIL"));
            }
            "command" if name.starts_with("hook.") => {
                keys.insert((format!("{name}.enabled"), "OKSTRA_GIT_NO"));
            }
            _ => {}
        }
    }
}

/// The same for the submodules that are there. One that git cannot read says so to git as well.
fn below(directory: &Path, depth: usize, keys: &mut BTreeSet<(String, &'static str)>) {
    if depth == 0 {
        return;
    }
    for submodule in submodules(directory).unwrap_or_default() {
        if let Ok(config) = Config::read(Git::new(&submodule)) {
            collect(&config, keys);
            below(&submodule, depth - 1, keys);
        }
    }
}

/// The submodules of a worktree that have a repository.
fn submodules(directory: &Path) -> Result<Vec<PathBuf>> {
    let dot_git = directory.join(".git");
    let git_dir = worktree::admin_dir_of(directory).ok().flatten().unwrap_or(dot_git);
    let format = candid::format_of(&worktree::common_dir_of(&git_dir).unwrap_or_else(|_| git_dir.clone()));
    let mut found: Vec<PathBuf> = match Index::read(&git_dir.join("index"), format)? {
        Some(index) => {
            let links = index.entries().filter(|entry| entry.kind() == EntryKind::Other);
            links.map(|entry| super::repository::path_of(entry.path())).collect()
        }
        // Split, sparse, or in another way git's own.
        None => {
            let listed = Git::new(directory).args(["ls-files", "--stage", "-z"]).looks_only().read()?;
            let lines = listed.split(|byte| *byte == 0).filter(|line| line.starts_with(b"160000 "));
            lines
                .filter_map(|line| line.splitn(2, |byte| *byte == b'\t').nth(1))
                .map(super::repository::path_of)
                .collect()
        }
    };
    found.iter_mut().for_each(|path| *path = directory.join(&*path));
    found.retain(|path| path.join(".git").exists());
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_that_a_comparison_may_run_is_silenced() {
        let config = Config::from(
            &[
                "filter.a=b.clean=x",
                "filter.c.process=y",
                "merge.m.driver=z",
                "merge.m.name=z",
                "hook.h.command=x",
                "diff.d.textconv=x",
                "core.bare=false",
            ][..],
        );
        let mut keys = BTreeSet::new();
        collect(&config, &mut keys);
        let keys: Vec<String> = keys.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        for wanted in [
            "filter.c.clean=OKSTRA_GIT_NOTHING",
            "filter.c.process=OKSTRA_GIT_NOTHING",
            "filter.c.required=OKSTRA_GIT_NO",
            "hook.h.enabled=OKSTRA_GIT_NO",
            "merge.m.driver=OKSTRA_GIT_FAIL",
        ] {
            assert!(keys.iter().any(|key| key == wanted), "{wanted}: {keys:?}");
        }
        assert!(!keys.iter().any(|key| key.contains("diff.") || key.contains("m.name")), "{keys:?}");
    }

    #[test]
    fn the_command_is_told_behind_its_options() {
        let is = |words: &[&str]| is_comparing(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(is(&["status", "-z"]) && is(&["--literal-pathspecs", "diff-files", "--quiet"]));
        assert!(!is(&["ls-files", "status"]) && !is(&[]));
    }
}
