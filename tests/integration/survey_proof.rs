//! A worktree that is proven clean from its index is one that `git status` finds clean: over every kind of change, alone
//! and in pairs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use okstra::cancel::Cancel;
use okstra::survey::proof;

use crate::support::{Sandbox, write};

type Change = fn(&Sandbox, &Path);

/// What may be done to a worktree. `true`: it stays clean, and the proof must see that.
const CHANGES: &[(&str, bool, Change)] = &[
    ("nothing", true, |_, _| {}),
    ("an ignored file", true, |_, tree| write(tree.join("x.log"), "x")),
    ("an ignored directory", true, |_, tree| write(tree.join("docs/cache/a/b"), "x")),
    ("a directory of ignored files", true, |_, tree| write(tree.join("deep/cache/a/b"), "x")),
    ("an ignored file far down", true, |_, tree| write(tree.join("docs/deep/er/x.log"), "x")),
    ("an ignored link", true, |_, tree| symlink("nowhere", tree.join("y.log")).unwrap()),
    ("an empty directory", true, |_, tree| fs::create_dir_all(tree.join("empty/in/side")).unwrap()),
    ("an own link", true, |_, tree| symlink("/", tree.join("linked")).unwrap()),
    ("the same commit checked out again", true, |s, tree| drop(s.git(tree, &["checkout", "-q", "--detach"]))),
    ("a commit", true, |s, tree| drop(s.work_in(tree, "more"))),
    ("content", false, |_, tree| write(tree.join("README.md"), "other content\n")),
    ("content of the same length and time", false, |_, tree| {
        let file = tree.join("README.md");
        let at = fs::metadata(&file).unwrap().modified().unwrap();
        write(&file, "READ ME\n");
        fs::File::options().write(true).open(&file).unwrap().set_modified(at).unwrap();
    }),
    ("the same content written anew", false, |_, tree| write(tree.join("src/main.txt"), "text\n")),
    ("another mode", false, |_, tree| {
        fs::set_permissions(tree.join("README.md"), fs::Permissions::from_mode(0o755)).unwrap();
    }),
    ("a file gone", false, |_, tree| drop(fs::remove_file(tree.join("src/main.txt")))),
    ("a directory gone", false, |_, tree| drop(fs::remove_dir_all(tree.join("docs")))),
    ("a file that became a link", false, |_, tree| {
        let _ = fs::remove_file(tree.join("README.md"));
        symlink("src/main.txt", tree.join("README.md")).unwrap();
    }),
    ("a directory that became a link", false, |_, tree| {
        let _ = fs::rename(tree.join("docs"), tree.parent().unwrap().join(format!("moved-{}", name(tree))));
        symlink(format!("../moved-{}", name(tree)), tree.join("docs")).unwrap();
    }),
    ("a file that became a directory", false, |_, tree| {
        let _ = fs::remove_file(tree.join("README.md"));
        fs::create_dir(tree.join("README.md")).unwrap();
    }),
    ("an untracked file", false, |_, tree| write(tree.join("new"), "x")),
    ("an untracked file in a new directory", false, |_, tree| write(tree.join("n/e/w"), "x")),
    ("an untracked file with a newline", false, |_, tree| write(tree.join("src/a\nb"), "x")),
    ("an untracked name that is no UTF-8", false, |_, tree| {
        let name = std::os::unix::ffi::OsStringExt::from_vec(b"\xff.\xfe".to_vec());
        fs::write(tree.join::<std::ffi::OsString>(name), "x").unwrap();
    }),
    ("an untracked link", false, |_, tree| symlink("/etc", tree.join("away")).unwrap()),
    ("a repository within", false, |s, tree| s.init(&tree.join("nested"), &[])),
    ("a repository without a commit within", false, |s, tree| {
        s.git(&s.base, &["init", "-q", tree.join("bare-nested").to_str().unwrap()]);
    }),
    ("staged content", false, |s, tree| {
        write(tree.join("README.md"), "staged\n");
        s.git(tree, &["add", "README.md"]);
    }),
    ("a staged file", false, |s, tree| {
        write(tree.join("staged"), "x");
        s.git(tree, &["add", "staged"]);
    }),
    ("staged and taken back on disk", false, |s, tree| {
        write(tree.join("src/main.txt"), "staged\n");
        s.git(tree, &["add", "src/main.txt"]);
        write(tree.join("src/main.txt"), "text\n");
    }),
    ("a staged removal", false, |s, tree| drop(s.git(tree, &["rm", "-q", "--cached", "README.md"]))),
    ("a staged mode", false, |s, tree| drop(s.git(tree, &["update-index", "--chmod=+x", "README.md"]))),
    ("an intended file", false, |s, tree| {
        write(tree.join("intended"), "x");
        s.git(tree, &["add", "-N", "intended"]);
    }),
    ("an ignored file that is staged", false, |s, tree| {
        write(tree.join("forced.log"), "x");
        s.git(tree, &["add", "-f", "forced.log"]);
    }),
    ("another branch below the index", false, |s, tree| {
        s.git(tree, &["commit-tree", "HEAD^{tree}", "-m", "x"]);
        let empty = s.git(tree, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
        let commit = s.git(tree, &["commit-tree", &empty, "-m", "empty"]);
        s.git(tree, &["update-ref", "--no-deref", "HEAD", &commit]);
    }),
    ("a conflict", false, |s, tree| {
        let id = s.git(tree, &["hash-object", "-w", "README.md"]);
        let line = format!("100644 {id} 1\tboth\n100644 {id} 2\tboth\n");
        write(s.base.join("lines"), line);
        let lines = fs::File::open(s.base.join("lines")).unwrap();
        let mut git = s.command("git", tree);
        assert!(git.args(["update-index", "--index-info"]).stdin(lines).status().unwrap().success());
    }),
    ("a submodule", false, |s, tree| {
        let other = s.base.join("other");
        if !other.exists() {
            s.init(&other, &[]);
        }
        s.git(tree, &["submodule", "add", "-q", other.to_str().unwrap(), "sub"]);
    }),
    ("a rule that ignores no more", false, |_, tree| {
        write(tree.join("deep/cache/x"), "x");
        write(tree.join(".gitignore"), "");
    }),
    ("an assumed file", false, |s, tree| {
        drop(s.try_git(tree, &["update-index", "--assume-unchanged", "README.md"]));
        write(tree.join("README.md"), "changed behind git\n");
    }),
    ("a split index", true, |s, tree| drop(s.git(tree, &["update-index", "--split-index"]))),
];

/// Changes after which git sees a clean worktree, or may (some gits compare times by whole seconds), and the proof may
/// give up.
const MAY_GIVE_UP: &[&str] = &[
    "content of the same length and time",
    "a directory of ignored files",
    "the same content written anew",
    "an assumed file",
    "a split index",
    "staged and taken back on disk",
];

fn name(tree: &Path) -> String {
    tree.file_name().unwrap().to_str().unwrap().to_owned()
}

struct Trees {
    sandbox: Sandbox,
    count: usize,
}

impl Trees {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        write(sandbox.repo.join(".gitignore"), "*.log\ncache/\n/linked\n");
        sandbox.commit_all(&sandbox.repo, "ignore");
        Self { sandbox, count: 0 }
    }

    fn add(&mut self) -> PathBuf {
        self.count += 1;
        let tree = self.sandbox.base.join(format!("tree-{}", self.count));
        let branch = format!("b{}", self.count);
        self.sandbox
            .git(&self.sandbox.repo, &["worktree", "add", "-q", "-b", &branch, tree.to_str().unwrap()]);
        tree
    }

    /// What the proof says, and what git says.
    fn ask(&self, tree: &Path) -> (bool, bool) {
        let index = self.sandbox.git(tree, &["rev-parse", "--path-format=absolute", "--git-path", "index"]);
        let head = self.sandbox.git(tree, &["rev-parse", "HEAD^{tree}"]);
        let links = [PathBuf::from("linked")];
        let proven = proof::is_clean(tree, Path::new(&index), &head, &links, &Cancel::default()).unwrap();
        let status = self.sandbox.git(tree, &["status", "--porcelain", "--untracked-files=all"]);
        (proven, status.is_empty())
    }
}

/// As if the checkout had been some time ago: no file is as young as the index.
fn settle(sandbox: &Sandbox, tree: &Path) {
    let index = sandbox.git(tree, &["rev-parse", "--path-format=absolute", "--git-path", "index"]);
    let later = SystemTime::now() + Duration::from_secs(100);
    fs::File::options().write(true).open(index).unwrap().set_modified(later).unwrap();
}

#[test]
fn every_single_change_is_judged_as_git_judges_it() {
    let mut trees = Trees::new();
    for racy in [false, true] {
        for (what, clean, change) in CHANGES {
            let tree = trees.add();
            if !racy {
                settle(&trees.sandbox, &tree);
            }
            change(&trees.sandbox, &tree);
            let (proven, git) = trees.ask(&tree);
            assert!(git || !proven, "{what}: proven, but git finds something");
            if MAY_GIVE_UP.contains(what) {
                continue;
            }
            assert_eq!(git, *clean, "{what}: what this test believes of git");
            assert_eq!(proven, *clean, "{what}, racy {racy}");
        }
    }
}

#[test]
fn every_pair_of_changes_is_never_proven_clean_when_git_finds_something() {
    let mut trees = Trees::new();
    // Each change once as the first and once as the second of a pair, with partners that differ.
    for (index, (first, _, one)) in CHANGES.iter().enumerate() {
        let (second, _, other) = &CHANGES[(index * 7 + 3) % CHANGES.len()];
        let tree = trees.add();
        one(&trees.sandbox, &tree);
        if first != second
            && !["a file that became a directory", "a directory that became a link"].contains(second)
        {
            other(&trees.sandbox, &tree);
        }
        let (proven, git) = trees.ask(&tree);
        assert!(git || !proven, "{first} and {second}: proven, but git finds something");
    }
}

#[test]
fn configuration_that_git_obeys_is_obeyed() {
    let mut trees = Trees::new();
    let settings: &[(&str, &str)] = &[
        ("core.autocrlf", "true"),
        ("core.fileMode", "false"),
        ("core.checkStat", "minimal"),
        ("core.excludesFile", "/dev/null"),
    ];
    for (name, value) in settings {
        trees.sandbox.git(&trees.sandbox.repo, &["config", name, value]);
        let tree = trees.add();
        settle(&trees.sandbox, &tree);
        let (proven, git) = trees.ask(&tree);
        assert!(git && proven, "{name}={value}");
        write(tree.join("README.md"), "x");
        assert_eq!(trees.ask(&tree), (false, false), "{name}={value}");
    }
}
