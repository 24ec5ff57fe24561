//! Whether one branch has the changes of another in commits of its own: after a squash, a rebase, a cherry-pick.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::disk::{self, Replace};
use crate::error::{IoContext, Result};
use crate::git::{Git, Repository, version};

/// For each pair of a tip and a target: whether merging the tip into the target would change nothing, or one commit of
/// the target makes the same change as the whole branch. `None` where that could not be found out.
///
/// All merges are tried in memory by one `git merge-tree` (0.5 to 2 ms each). Only where one conflicts, because the
/// target went on to change the same lines, are patches compared, which reads the target's commits one by one.
pub(super) fn are_integrated(
    repository: &Repository,
    pairs: &[(&str, &str)],
    cancel: &Cancel,
) -> Result<Vec<Option<bool>>> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    // `merge-tree --stdin` came with 2.40; before, patches must do.
    let merges =
        if version::is_at_least(2, 40)? { trial_merges(repository, pairs, cancel)? } else { Vec::new() };
    let mut verdicts = Vec::with_capacity(pairs.len());
    for (index, (tip, target)) in pairs.iter().enumerate() {
        verdicts.push(match merges.get(index) {
            Some(Trial::Nothing) => Some(true),
            Some(Trial::Changes) => Some(false),
            Some(Trial::Conflict) | None => same_patch(repository, tip, target, cancel)?,
        });
    }
    Ok(verdicts)
}

enum Trial {
    /// The target has everything already.
    Nothing,
    /// The target would change.
    Changes,
    Conflict,
}

fn trial_merges(repository: &Repository, pairs: &[(&str, &str)], cancel: &Cancel) -> Result<Vec<Trial>> {
    let trees = trees(repository, pairs, cancel)?;
    let input: String = pairs.iter().map(|(tip, target)| format!("{target} {tip}\n")).collect();
    // merge-tree writes the objects of its results; they go where nobody keeps them.
    let scratch = Scratch::new(&repository.common_dir)?;
    let args = [
        "merge-tree",
        "--write-tree",
        "--stdin",
        "--no-messages",
        "--name-only",
        "--allow-unrelated-histories",
    ];
    let git = repository.git().args(args).object_directory(&scratch.0).input_bytes(input.into_bytes());
    let output = git.looks_only().cancel(cancel).run()?;
    // A partial clone that lacks an object, a repository that is damaged: the patches are asked then.
    if !output.status.success() {
        return Ok(Vec::new());
    }
    let mut fields = output.stdout.split(|byte| *byte == 0);
    let mut trials = Vec::with_capacity(pairs.len());
    for tree in trees {
        let (Some(clean), Some(result)) = (fields.next(), fields.next()) else { break };
        while fields.next().is_some_and(|name| !name.is_empty()) {}
        trials.push(match clean {
            b"1" if tree.as_bytes() == result => Trial::Nothing,
            b"1" => Trial::Changes,
            _ => Trial::Conflict,
        });
    }
    Ok(trials)
}

/// The tree of each pair's target.
fn trees(repository: &Repository, pairs: &[(&str, &str)], cancel: &Cancel) -> Result<Vec<String>> {
    let input: String = pairs.iter().map(|(_, target)| format!("{target}^{{tree}}\n")).collect();
    let git = repository.git().args(["cat-file", "--batch-check=%(objectname)"]);
    let output = git.looks_only().input_bytes(input.into_bytes()).cancel(cancel).read()?;
    Ok(String::from_utf8_lossy(&output).lines().map(str::to_owned).collect())
}

/// Whether a commit of the target, since the two parted, makes the change that the whole branch makes.
fn same_patch(repository: &Repository, tip: &str, target: &str, cancel: &Cancel) -> Result<Option<bool>> {
    let run = |git: Git<'static>| git.looks_only().cancel(cancel).run();
    let patch = run(repository.git().args(PATCH).args(["--merge-base", target, tip]))?;
    let names = run(repository.git().args([
        "diff-tree",
        "-r",
        "-z",
        "--name-only",
        "--no-renames",
        "--merge-base",
        target,
        tip,
    ]))?;
    if !patch.status.success() || !names.status.success() {
        return Ok(None);
    }
    let Some(wanted) = patch_ids(repository, patch.stdout, cancel)?.pop() else { return Ok(Some(true)) };
    // Only commits that touch one of the paths, but each with all it changes.
    let range = format!("{tip}..{target}");
    let mut paths: Vec<u8> = names.stdout;
    paths.truncate(paths.len().saturating_sub(1));
    let few = paths.split(|byte| *byte == 0).take(200).map(crate::git::repository::path_of);
    let log = ["--literal-pathspecs", "log", "--no-merges", "--full-diff", "-p", "--format=commit %H"];
    let git = repository.git().args(log).args(&PATCH[1..PATCH.len() - 1]).args([&range, "--"]).args(few);
    let log = run(git)?;
    if !log.status.success() {
        return Ok(None);
    }
    Ok(Some(patch_ids(repository, log.stdout, cancel)?.contains(&wanted)))
}

/// A patch that no configuration changes.
const PATCH: &[&str] = &[
    "diff-tree",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--diff-algorithm=myers",
    "--no-color",
    "-p",
];

fn patch_ids(repository: &Repository, patches: Vec<u8>, cancel: &Cancel) -> Result<Vec<String>> {
    let git =
        repository.git().args(["patch-id", "--stable"]).looks_only().input_bytes(patches).cancel(cancel);
    let output = git.read()?;
    let ids = String::from_utf8_lossy(&output);
    Ok(ids.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect())
}

/// A directory for objects that sees those of the repository; deleted when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(common_dir: &Path) -> Result<Self> {
        let name = format!("okstra-objects-{}-{:016x}", std::process::id(), disk::random());
        let scratch = Self(std::env::temp_dir().join(name));
        disk::create_private_dir_all(&scratch.0.join("info"))?;
        let objects = common_dir.join("objects");
        let mut line = b"\"".to_vec();
        for byte in objects.as_os_str().as_encoded_bytes() {
            match byte {
                b'"' | b'\\' => line.extend([b'\\', *byte]),
                b'\n' => line.extend(b"\\n"),
                _ => line.push(*byte),
            }
        }
        line.extend(b"\"\n");
        let file = scratch.0.join("info/alternates");
        disk::replace_file(&file, &line, Replace::default())?;
        fs::metadata(&objects).context("look at", &objects)?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = disk::delete_tree(&self.0, &Cancel::default());
    }
}
