//! Settings of a repository against which everything else speaks: git goes by them, okstra does not.

use std::path::Path;

use super::repositories::Place;
use super::{Code, Doctor, Finding, Outcome, Severity};
use crate::error::Result;
use crate::git::layout::{self, Layout, Wrong};
use crate::git::{Git, worktree};
use crate::lock::RepositoryLock;

/// How many settings there are that say where the main worktree is: two, each in two files.
const SETTINGS: usize = 4;

/// Looks at the repository itself and at each of its worktrees.
pub(super) fn examine(doctor: &mut Doctor<'_>, known: &[Place]) -> Result<()> {
    for Place { common_dir } in known {
        // The one hides the other, so that what is mended is looked at again.
        for _ in 0..SETTINGS {
            let Layout { wrong: Some(wrong), main_worktree: Some(main), .. } = Layout::of(common_dir) else {
                break;
            };
            let message = match wrong.setting {
                "core.bare" => format!(
                    "{} says that {} is a bare repository, and its index and files are there: git status and most commands fail in it",
                    wrong.file.display(),
                    main.display()
                ),
                _ => format!(
                    "core.worktree in {} names a place that is not there, and not {}, where the files are: git status and most commands fail there",
                    wrong.file.display(),
                    main.display()
                ),
            };
            tell(doctor, common_dir, &main, &wrong, message)?;
            if !doctor.options.fix {
                break;
            }
        }
        for admin in worktree::admin_dirs(common_dir) {
            let Some(tree) = worktree::tree_of(&admin).filter(|tree| tree.is_dir()) else { continue };
            for wrong in layout::contradictions(common_dir, &admin) {
                let message = format!(
                    "{} in {} says that {} is no worktree of its own: git status and most commands fail in it",
                    wrong.setting,
                    wrong.file.display(),
                    tree.display()
                );
                tell(doctor, common_dir, &tree, &wrong, message)?;
            }
        }
    }
    Ok(())
}

fn tell(
    doctor: &mut Doctor<'_>,
    common_dir: &Path,
    place: &Path,
    wrong: &Wrong,
    message: String,
) -> Result<()> {
    let finding = Finding::new(Code::SettingWrong, Severity::Error, message).at(place);
    let is_shared = wrong.file == common_dir.join("config");
    let words: &[&str] = match (wrong.setting, is_shared) {
        ("core.bare", true) => &["core.bare", "false"],
        ("core.bare", false) => &["--unset-all", "core.bare"],
        _ => &["--unset-all", "core.worktree"],
    };
    // In the repository itself git may not even start.
    let elsewhere = common_dir.ancestors().last().unwrap_or(common_dir);
    let command = if words[0] == "core.bare" {
        format!("git -C {} config {}", quoted(place), words.join(" "))
    } else {
        format!("git -C {} config --file {} {}", quoted(elsewhere), quoted(&wrong.file), words.join(" "))
    };
    if !wrong.certain {
        let remedy =
            format!("Nothing is done, because many of the files are gone. If nobody meant it: `{command}`.");
        doctor.tell(finding, Outcome::Decide, remedy);
        return Ok(());
    }
    doctor.mend(finding, format!("Takes the setting back, as `{command}` does."), |doctor| {
        let _lock = RepositoryLock::acquire(doctor.home, common_dir, doctor.patience)?;
        let git = Git::new(elsewhere).args(["config", "--file"]).args([&wrong.file]);
        git.args(words).read().map(drop)
    })
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@:,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
