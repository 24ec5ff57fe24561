//! What git is in the middle of in one worktree, and where its `HEAD` stands, read from its administrative directory.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::Git;
use crate::error::{IoContext, Result};

/// A kind of operation that git stops in the middle of, for a person to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// `git merge`.
    Merge,
    /// `git rebase`, interactive or not.
    Rebase,
    /// `git am`.
    Am,
    /// `git cherry-pick`.
    CherryPick,
    /// `git revert`.
    Revert,
    /// `git bisect`.
    Bisect,
}

impl OperationKind {
    /// Its name, as the git command is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::Am => "am",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::Bisect => "bisect",
        }
    }
}

/// An operation in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which one.
    pub kind: OperationKind,
    /// The branch that it will go back to or update, where it says so (rebase and bisect leave `HEAD` detached).
    pub branch: Option<String>,
    /// A commit that holds uncommitted changes which the operation put away and will bring back at its end.
    pub autostash: Option<String>,
}

impl Operation {
    /// How a person names it: `a rebase of main`.
    #[must_use]
    pub fn told(&self) -> String {
        let article = if self.kind == OperationKind::Am { "an" } else { "a" };
        let of = match (&self.branch, self.kind) {
            (Some(branch), OperationKind::Rebase | OperationKind::Am) => format!(" of {branch}"),
            (Some(branch), _) => format!(" that began on {branch}"),
            (None, _) => String::new(),
        };
        format!("{article} {}{of}", self.kind.as_str())
    }

    /// The commands that end it, each as git takes it.
    #[must_use]
    pub const fn ways_out(&self) -> &'static [&'static str] {
        match self.kind {
            OperationKind::Merge => &["merge --continue", "merge --abort"],
            OperationKind::Rebase => &["rebase --continue", "rebase --abort"],
            OperationKind::Am => &["am --continue", "am --abort"],
            OperationKind::CherryPick => &["cherry-pick --continue", "cherry-pick --abort"],
            OperationKind::Revert => &["revert --continue", "revert --abort"],
            OperationKind::Bisect => &["bisect reset"],
        }
    }
}

/// Where `HEAD` stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// On this branch, which need not have a commit yet.
    Branch(String),
    /// Detached, at this commit.
    Detached(String),
}

/// All operations in progress; a revert may stop within a bisect. Fails when the directory cannot be read: that nothing
/// is in progress must be seen, not assumed.
pub fn in_progress(worktree: &Path, admin: &Path) -> Result<Vec<Operation>> {
    fs::read_dir(admin).context("read", admin)?;
    let has = |name: &str| fs::symlink_metadata(admin.join(name)).is_ok();
    let simple = |kind| Operation { kind, branch: None, autostash: None };
    let mut found = Vec::new();
    if has("rebase-merge") {
        found.push(Operation {
            kind: OperationKind::Rebase,
            branch: branch_in(&admin.join("rebase-merge/head-name")),
            autostash: word(&admin.join("rebase-merge/autostash")),
        });
    }
    if has("rebase-apply") {
        let am = has("rebase-apply/applying");
        found.push(Operation {
            kind: if am { OperationKind::Am } else { OperationKind::Rebase },
            branch: branch_in(&admin.join("rebase-apply/head-name")),
            autostash: word(&admin.join("rebase-apply/autostash")),
        });
    }
    if has("MERGE_HEAD") {
        found.push(Operation {
            autostash: word(&admin.join("MERGE_AUTOSTASH")),
            ..simple(OperationKind::Merge)
        });
    }
    let refs = is_reftable(admin);
    // git stops a rebase by a cherry-pick of its own; that is no second operation.
    let rebasing = found.iter().any(|operation| operation.kind == OperationKind::Rebase);
    if !rebasing && (has("CHERRY_PICK_HEAD") || (refs && exists(worktree, "CHERRY_PICK_HEAD")?)) {
        found.push(simple(OperationKind::CherryPick));
    }
    if has("REVERT_HEAD") || (refs && exists(worktree, "REVERT_HEAD")?) {
        found.push(simple(OperationKind::Revert));
    }
    // Between two commits of a series there is no head file, only the list of what is to be done.
    if let Some(todo) = word(&admin.join("sequencer/todo"))
        && !found
            .iter()
            .any(|operation| matches!(operation.kind, OperationKind::CherryPick | OperationKind::Revert))
    {
        let revert = todo.starts_with("revert");
        found.push(simple(if revert { OperationKind::Revert } else { OperationKind::CherryPick }));
    }
    if has("BISECT_LOG") {
        found.push(Operation { branch: word(&admin.join("BISECT_START")), ..simple(OperationKind::Bisect) });
    }
    Ok(found)
}

/// What one look at an administrative directory tells: enough for the everyday answer that nothing is out of the ordinary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signs {
    /// git may be in the middle of something: [`in_progress`] knows.
    pub operation: bool,
    /// References are kept in tables: no file tells where `HEAD` stands.
    pub tables: bool,
    /// A file of okstra's own says what the base of the task follows.
    pub follows: bool,
}

/// Reads the names in an administrative directory, and nothing else: five system calls, however many things there may be
/// to look for.
pub fn signs(admin: &Path) -> Result<Signs> {
    let mut signs = Signs::default();
    for entry in fs::read_dir(admin).context("read", admin)? {
        match entry.context("read", admin)?.file_name().as_encoded_bytes() {
            // MERGE_MSG stands for the heads of a cherry-pick and a revert, which tables hide.
            b"rebase-merge" | b"rebase-apply" | b"MERGE_HEAD" | b"CHERRY_PICK_HEAD" | b"REVERT_HEAD"
            | b"sequencer" | b"BISECT_LOG" | b"MERGE_MSG" => signs.operation = true,
            b"reftable" => signs.tables = true,
            b"okstra-follows" => signs.follows = true,
            _ => {}
        }
    }
    Ok(signs)
}

/// Whether `HEAD` plainly is on this branch: three system calls. A `no` only says that [`head`] has to be asked.
#[must_use]
pub fn is_plainly_on(admin: &Path, branch: &str) -> bool {
    let mut content = [0; 512];
    let read = fs::File::open(admin.join("HEAD")).and_then(|mut file| file.read(&mut content));
    let text = read.ok().map(|length| &content[..length]);
    let name = text.and_then(|text| text.strip_prefix(b"ref: refs/heads/")?.strip_suffix(b"\n"));
    name == Some(branch.as_bytes())
}

/// Where the `HEAD` of a worktree stands.
pub fn head(worktree: &Path, admin: &Path) -> Result<Head> {
    if is_reftable(admin) {
        let named = Git::new(worktree).args(["symbolic-ref", "--quiet", "HEAD"]).looks_only().run()?;
        if named.status.success() {
            return Ok(Head::Branch(short(String::from_utf8_lossy(&named.stdout).trim())));
        }
        let at = Git::new(worktree).args(["rev-parse", "--verify", "HEAD"]).looks_only().read()?;
        return Ok(Head::Detached(String::from_utf8_lossy(&at).trim().to_owned()));
    }
    let file = admin.join("HEAD");
    // core.preferSymlinkRefs makes it a link.
    if let Ok(target) = fs::read_link(&file) {
        return Ok(Head::Branch(short(&target.to_string_lossy())));
    }
    let text = fs::read(&file).context("read", &file)?;
    let text = String::from_utf8_lossy(&text);
    let text = text.trim();
    Ok(match text.strip_prefix("ref:") {
        Some(name) => Head::Branch(short(name.trim())),
        None => Head::Detached(text.to_owned()),
    })
}

/// Whether references are kept in tables, where no file tells of them.
fn is_reftable(admin: &Path) -> bool {
    admin.join("reftable").is_dir()
}

fn exists(worktree: &Path, name: &str) -> Result<bool> {
    let args = ["rev-parse", "--verify", "--quiet", name];
    let output = Git::new(worktree).args(args).looks_only().run()?;
    match output.status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(output.into_error("rev-parse", worktree)),
    }
}

fn short(name: &str) -> String {
    name.strip_prefix("refs/heads/").unwrap_or(name).to_owned()
}

fn branch_in(file: &Path) -> Option<String> {
    word(file).filter(|name| name != "detached HEAD").map(|name| short(&name))
}

/// The trimmed content of one of git's small files.
fn word(file: &Path) -> Option<String> {
    let text = fs::read(file).ok()?;
    Some(String::from_utf8_lossy(&text).trim().to_owned()).filter(|text| !text.is_empty())
}
