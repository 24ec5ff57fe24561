//! Where git reads attributes from besides the tree; see gitattributes(5).

use std::env;
use std::path::{Path, PathBuf};

use super::config::Config;
use super::environment;

/// Largest attributes file that is read; git itself ignores those over 100 MB.
pub const LIMIT: u64 = 4 * 1024 * 1024;

/// The files whose attributes hold in every worktree of a repository, also those that are not there; `None` when one has
/// a name that only git understands.
#[must_use]
pub fn outside_the_tree(common_dir: &Path, config: &Config) -> Option<Vec<PathBuf>> {
    let of_user = match config.get("core.attributesfile") {
        Some(value) => Some(expand(value)?),
        None => user_file(),
    };
    let of_system = if environment::leaves_out_system_attributes() { Vec::new() } else { system_files() };
    Some([common_dir.join("info/attributes")].into_iter().chain(of_user).chain(of_system).collect())
}

/// `~/` is the only special form that is understood here.
fn expand(value: &str) -> Option<PathBuf> {
    match value.strip_prefix("~/") {
        Some(rest) => Some(Path::new(&env::var_os("HOME")?).join(rest)),
        None => Some(PathBuf::from(value)).filter(|path| path.is_absolute()),
    }
}

fn user_file() -> Option<PathBuf> {
    let directory = match env::var_os("XDG_CONFIG_HOME").filter(|value| !value.is_empty()) {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(env::var_os("HOME")?).join(".config"),
    };
    Some(directory.join("git/attributes"))
}

/// Where the system's attributes lie is built into git; these are the places that builds of the field use. Looking in
/// one too many does no harm.
fn system_files() -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from("/etc/gitattributes")];
    let path = env::var_os("PATH").unwrap_or_default();
    if let Some(git) = env::split_paths(&path).map(|directory| directory.join("git")).find(|git| git.exists())
    {
        for git in [Some(git.clone()), std::fs::canonicalize(git).ok()].into_iter().flatten() {
            let Some(prefix) = git.ancestors().nth(2) else { continue };
            places.extend(["etc", "share/git-core"].map(|at| prefix.join(at).join("gitattributes")));
        }
    }
    places
}
