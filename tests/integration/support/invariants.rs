//! What must be true after every request, found out without the crate: by git, by the files, by a JSON reader.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::ask::{Answer, Ask};
use super::{Sandbox, files_below, lies_at};

/// How things were before a request.
pub struct Before {
    repository: Option<Repository>,
    registry: Option<Vec<u8>>,
    path_was_there: bool,
}

struct Repository {
    root: PathBuf,
    common: PathBuf,
    config: Vec<u8>,
    index: Option<Vec<u8>>,
    head: Vec<u8>,
    refs: String,
    status: Vec<u8>,
    admin_entries: Vec<PathBuf>,
    locks: Vec<PathBuf>,
    sound: bool,
}

impl Repository {
    /// Looks at the repository of a directory, as far as git lets us.
    fn of(sandbox: &Sandbox, root: &Path) -> Option<Self> {
        if !root.is_dir() {
            return None;
        }
        let output = sandbox.try_git(root, &["rev-parse", "--path-format=absolute", "--git-common-dir"]);
        // Only the last newline is git's: a path may hold one of its own.
        let path = output.status.success().then_some(output.stdout)?;
        let common = PathBuf::from(OsStr::from_bytes(path.strip_suffix(b"\n")?));
        Some(Self {
            config: fs::read(common.join("config")).ok()?,
            index: fs::read(common.join("index")).ok(),
            head: fs::read(common.join("HEAD")).unwrap_or_default(),
            refs: sandbox.git(&common, &["--git-dir=.", "for-each-ref", "--format=%(refname) %(objectname)"]),
            status: sandbox.try_git(root, &["status", "--porcelain", "-z", "--untracked-files=all"]).stdout,
            admin_entries: entries(&common.join("worktrees")),
            locks: locks_below(&common),
            sound: is_sound(sandbox, &common),
            root: root.to_owned(),
            common,
        })
    }
}

fn is_sound(sandbox: &Sandbox, common: &Path) -> bool {
    let words = ["--git-dir=.", "fsck", "--connectivity-only", "--no-dangling"];
    sandbox.try_git(common, &words).status.success()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

fn locks_below(directory: &Path) -> Vec<PathBuf> {
    let is_lock = |path: &PathBuf| path.extension() == Some(OsStr::new("lock"));
    files_below(directory).into_iter().filter(is_lock).collect()
}

fn without_branch(refs: &str, branch: &str) -> Vec<String> {
    let name = format!("refs/heads/{branch} ");
    refs.lines().filter(|line| !line.starts_with(&name)).map(str::to_owned).collect()
}

impl Before {
    /// Looks at everything that the request may not change.
    pub fn of(ask: &Ask<'_>) -> Self {
        Self {
            repository: Repository::of(ask.sandbox, &ask.project_root()),
            registry: fs::read(ask.sandbox.home.join("worktrees/registry.json")).ok(),
            path_was_there: lies_at(ask.path()),
        }
    }

    /// After a worktree was made or brought back, with its branch at `head`.
    pub fn check_made(&self, ask: &Ask<'_>, answer: &Answer, head: &str) {
        let sandbox = ask.sandbox;
        let tree = &answer.path;
        assert_eq!(*tree, ask.path());
        check_tree(sandbox, answer, head);
        check_row(ask, answer);
        check_no_leftovers(sandbox);
        let before = self.repository.as_ref().expect("git could read the repository before");
        let after = Repository::of(sandbox, &before.root).expect("git can still read the repository");
        self.check_main_untouched(before, &after, &answer.branch);
        assert!(after.sound || !before.sound, "fsck is content");
        let listed =
            sandbox.try_git(&before.common, &["--git-dir=.", "worktree", "list", "--porcelain", "-z"]);
        let wanted = [b"worktree ", tree.canonicalize().unwrap().as_os_str().as_bytes()].concat();
        assert!(listed.stdout.split(|byte| *byte == 0).any(|line| line == wanted), "git lists the worktree");
    }

    fn check_main_untouched(&self, before: &Repository, after: &Repository, branch: &str) {
        assert_eq!(
            text(&before.config),
            text(&after.config),
            "the configuration of the repository is unchanged"
        );
        assert!(before.index == after.index, "the index of the main worktree is unchanged");
        assert_eq!(text(&before.head), text(&after.head), "HEAD of the main worktree is unchanged");
        assert_eq!(text(&before.status), text(&after.status), "the status of the main worktree is unchanged");
        assert_eq!(
            without_branch(&before.refs, branch),
            without_branch(&after.refs, branch),
            "no other ref changed"
        );
        assert_eq!(before.locks, after.locks, "no lock of git is left");
    }

    /// After an error: no branch, no directory, no admin entry, no row, no intent.
    pub fn check_nothing_made(&self, ask: &Ask<'_>) {
        assert_eq!(lies_at(ask.path()), self.path_was_there, "{} is as before", ask.path().display());
        let registry = fs::read(ask.sandbox.home.join("worktrees/registry.json")).ok();
        assert_eq!(
            self.registry.as_deref().map(text),
            registry.as_deref().map(text),
            "the registry is unchanged"
        );
        check_no_leftovers(ask.sandbox);
        if let Some(before) = &self.repository
            && let Some(after) = Repository::of(ask.sandbox, &before.root)
        {
            self.check_main_untouched(before, &after, "");
            assert_eq!(before.admin_entries, after.admin_entries, "no admin entry was left or lost");
        }
    }
}

fn check_tree(sandbox: &Sandbox, answer: &Answer, head: &str) {
    let tree = &answer.path;
    assert_eq!(
        sandbox.git(tree, &["status", "--porcelain", "--untracked-files=all"]),
        "",
        "the new tree is clean"
    );
    assert_eq!(sandbox.git(tree, &["symbolic-ref", "HEAD"]), format!("refs/heads/{}", answer.branch));
    assert_eq!(sandbox.git(tree, &["rev-parse", "HEAD"]), head);
    assert_eq!(sandbox.git(tree, &["rev-parse", &format!("{}^{{commit}}", answer.base)]), answer.base);
    let said = sandbox.try_git(tree, &["rev-parse", "--absolute-git-dir"]).stdout;
    let admin = PathBuf::from(OsStr::from_bytes(said.strip_suffix(b"\n").unwrap_or(&said)));
    let lock = fs::read_to_string(admin.join("locked")).unwrap_or_default();
    assert_eq!(
        lock,
        format!("okstra {}: use okstra remove", answer.key),
        "the worktree is locked for its task"
    );
    assert_eq!(locks_below(&admin), [] as [PathBuf; 0]);
}

fn check_row(ask: &Ask<'_>, answer: &Answer) {
    let registry = ask.sandbox.registry();
    let row = &registry["tasks"][&answer.key];
    let names: Vec<_> = row.as_object().unwrap_or_else(|| panic!("no row in {registry:#}")).keys().collect();
    let nine = [
        "project_id",
        "task_group",
        "task_id",
        "worktree_path",
        "branch",
        "base_ref",
        "created_at",
        "last_phase",
        "status",
    ];
    assert_eq!(names, nine);
    assert_eq!(row["worktree_path"], *answer.path.to_string_lossy());
    assert_eq!(row["branch"], *answer.branch);
    assert_eq!(row["base_ref"], *answer.base);
    assert_eq!(row["last_phase"], *ask.request.task_type);
    assert_eq!(row["status"], "active");
    assert_eq!(
        format!(
            "{}/{}/{}",
            row["project_id"].as_str().unwrap(),
            row["task_group"].as_str().unwrap(),
            row["task_id"].as_str().unwrap()
        ),
        answer.key
    );
    let owner = registry["branches"][&answer.branch].as_str().expect("the branch has an owner");
    assert_eq!(registry["tasks"][owner]["branch"], *answer.branch);
}

fn check_no_leftovers(sandbox: &Sandbox) {
    assert_eq!(entries(&sandbox.okstra_home().intents()), [] as [PathBuf; 0], "no intent is left");
    let temporary = |path: &PathBuf| path.to_string_lossy().contains(".tmp.");
    let beside: Vec<_> = entries(&sandbox.home.join("worktrees")).into_iter().filter(temporary).collect();
    assert_eq!(beside, [] as [PathBuf; 0], "no temporary file is left beside the registry");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
