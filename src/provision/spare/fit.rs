//! Whether a spare becomes what git would make now: asked by a claim, by a warming that brings spares up to date, and by
//! whoever shows them.

use std::collections::HashMap;
use std::path::Path;

use super::conditions::Conditions;
use super::pool::{self, Spare};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::config::Config;
use crate::git::{Repository, repository};

/// What a repository is asked about besides its branches; the name of no branch.
pub(super) const NO_BRANCH: &str = "okstra-spare";

/// Whether the spare is whole and was made under these conditions, and its tree becomes what git would make of the commit
/// when only the files are written that differ.
pub(super) fn fits(
    spare: &Spare,
    repository: &Repository,
    conditions: &Conditions,
    commit: &str,
    cancel: &Cancel,
) -> Result<bool> {
    Ok(holds(spare, conditions) && same_attributes(repository, &spare.record.commit, commit, cancel)?)
}

/// The first half of [`fits`], which asks git nothing.
pub(super) fn holds(spare: &Spare, conditions: &Conditions) -> bool {
    spare.record.conditions == *conditions && pool::is_untouched(&spare.directory)
}

/// The second half: with other attributes git would write files differently that do not differ.
pub(super) fn same_attributes(
    repository: &Repository,
    from: &str,
    commit: &str,
    cancel: &Cancel,
) -> Result<bool> {
    if from == commit {
        return Ok(true);
    }
    let git = repository.git().args(["diff-tree", "-r", "-z", "--name-only", from, commit]);
    let output = git.cancel(cancel).run()?;
    // In whatever case: where a file system ignores it, git reads such a file too.
    let attributes = |path: &[u8]| {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        name.eq_ignore_ascii_case(b".gitattributes")
    };
    Ok(output.status.success() && !output.stdout.split(|byte| *byte == 0).any(attributes))
}

/// Which of the spares a claim could take, apart from the commit. Asks git about each repository once.
#[must_use]
pub fn usable(spares: &[Spare]) -> Vec<bool> {
    let mut known: HashMap<&Path, Option<Conditions>> = HashMap::new();
    let mut is_usable = |spare: &Spare, common_dir| {
        let present = known.entry(common_dir).or_insert_with(|| present_conditions(common_dir));
        present.as_ref().is_some_and(|conditions| holds(spare, conditions))
    };
    spares.iter().map(|spare| is_usable(spare, &spare.record.common_dir)).collect()
}

/// Those of the repository, as a call in its main worktree finds them; `None` when there are none to be had.
fn present_conditions(common_dir: &Path) -> Option<Conditions> {
    let discover = |directory: &Path| repository::discover_any(directory, NO_BRANCH).ok();
    let mut found = discover(common_dir)?;
    if let Some(main) = found.main_worktree.clone().filter(|main| main != found.anchor()) {
        found = discover(&main)?;
    }
    Conditions::of(&found, &Config::read(found.git()).ok()?).ok()
}
