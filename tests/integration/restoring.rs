//! A task that lost its directory or was released gets its own branch back, with all its commits.

use std::fs;

use crate::support::{Change, Sandbox, lies_at, read};

struct Work {
    sandbox: Sandbox,
    base: String,
    head: String,
}

/// A task with one commit of its own.
fn work() -> Work {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("t").created();
    let head = sandbox.work_in(&first.path, "work");
    sandbox.work_in(&sandbox.repo, "main went on");
    Work { sandbox, base: first.base, head }
}

impl Work {
    fn restored(&self) {
        let answer = self.sandbox.ask("t").phase("later").restored(&self.head);
        assert_eq!(answer.base, self.base, "the base is the one the task began with");
        assert_eq!(read(answer.path.join("work")), "work\n");
        assert_eq!(self.sandbox.ask("t").reused().branch, answer.branch);
    }

    fn delete_directory(&self) {
        fs::remove_dir_all(self.sandbox.worktree("t")).unwrap();
    }
}

#[test]
fn released_with_the_directory_there() {
    let work = work();
    let tree = work.sandbox.worktree("t");
    work.sandbox.release("t");
    assert!(lies_at(&tree), "a release keeps the directory");
    assert_eq!(work.sandbox.row("t")["status"], "released");
    assert!(work.sandbox.registry()["branches"].get("fix-t").is_none());
    work.restored();
}

#[test]
fn released_with_uncommitted_work_in_the_directory() {
    let work = work();
    let tree = work.sandbox.worktree("t");
    fs::write(tree.join("work"), "changed").unwrap();
    fs::write(tree.join("untracked"), "new").unwrap();
    fs::write(tree.join("staged"), "staged").unwrap();
    work.sandbox.git(&tree, &["add", "staged"]);
    let status = work.sandbox.git(&tree, &["status", "--porcelain"]);
    work.sandbox.release("t");
    work.sandbox.ask("t").expect("restored");
    assert_eq!(
        work.sandbox.git(&tree, &["status", "--porcelain"]),
        status,
        "staged, changed and new files are kept"
    );
    assert_eq!(read(tree.join("work")), "changed");
    assert_eq!(work.sandbox.row("t")["status"], "active");
}

#[test]
fn active_with_the_directory_deleted() {
    let work = work();
    work.delete_directory();
    work.restored();
}

#[test]
fn active_with_the_directory_deleted_and_pruned() {
    let work = work();
    work.delete_directory();
    work.sandbox.git(&work.sandbox.repo, &["worktree", "prune", "--expire=now"]);
    work.restored();
}

#[test]
fn active_with_an_empty_directory() {
    let work = work();
    work.delete_directory();
    fs::create_dir(work.sandbox.worktree("t")).unwrap();
    // An empty directory is no worktree and no work: both bringing it back and refusing keep everything.
    match work.sandbox.ask("t").run() {
        Ok(answer) => assert_eq!(answer.status, "restored"),
        Err(refusal) => assert!(
            ["OKSTRA_WORKTREE_BROKEN", "OKSTRA_PATH_EXISTS"].contains(&&*refusal.code),
            "{refusal:#?}"
        ),
    }
    assert_eq!(work.sandbox.git(&work.sandbox.repo, &["rev-parse", "fix-t"]), work.head);
}

#[test]
fn released_with_the_directory_gone() {
    for prune in [false, true] {
        let work = work();
        work.sandbox.release("t");
        work.delete_directory();
        if prune {
            work.sandbox.git(&work.sandbox.repo, &["worktree", "prune", "--expire=now"]);
        }
        work.restored();
    }
}

#[test]
fn again_and_again() {
    let work = work();
    for _ in 0..3 {
        work.delete_directory();
        work.restored();
        work.sandbox.release("t");
        work.restored();
    }
}

#[test]
fn other_missing_worktrees_are_not_pruned() {
    let work = work();
    work.sandbox.ask("absent").created();
    let absent = work.sandbox.worktree("absent");
    let away = work.sandbox.base.join("unmounted");
    fs::rename(&absent, &away).unwrap();
    work.delete_directory();
    work.restored();
    fs::rename(&away, &absent).unwrap();
    assert_eq!(work.sandbox.git(&absent, &["symbolic-ref", "HEAD"]), "refs/heads/fix-absent");
}

#[test]
fn a_task_whose_branch_is_gone_too_starts_anew() {
    for released in [false, true] {
        let work = work();
        if released {
            work.sandbox.release("t");
        } else {
            work.sandbox.git(
                &work.sandbox.repo,
                &["worktree", "unlock", work.sandbox.worktree("t").to_str().unwrap()],
            );
        }
        work.delete_directory();
        work.sandbox.git(&work.sandbox.repo, &["worktree", "prune", "--expire=now"]);
        work.sandbox.git(&work.sandbox.repo, &["branch", "-q", "-D", "fix-t"]);
        let answer = work.sandbox.ask("t").created();
        assert_eq!(answer.base, work.sandbox.git(&work.sandbox.repo, &["rev-parse", "HEAD"]));
    }
}

#[test]
fn a_branch_that_is_checked_out_elsewhere_is_not_taken_away() {
    let work = work();
    work.sandbox
        .git(&work.sandbox.repo, &["worktree", "unlock", work.sandbox.worktree("t").to_str().unwrap()]);
    work.delete_directory();
    work.sandbox.git(&work.sandbox.repo, &["worktree", "prune", "--expire=now"]);
    let elsewhere = work.sandbox.base.join("elsewhere");
    work.sandbox.git(&work.sandbox.repo, &["worktree", "add", "-q", elsewhere.to_str().unwrap(), "fix-t"]);
    let refusal = work.sandbox.ask("t").refused("OKSTRA_BRANCH_CHECKED_OUT");
    assert_eq!(refusal.path.as_deref(), Some(elsewhere.as_path()));
    work.sandbox.git(&elsewhere, &["checkout", "-q", "--detach"]);
    work.restored();
}

#[test]
fn a_branch_that_is_checked_out_in_the_main_worktree_is_not_taken_away() {
    let work = work();
    work.sandbox.release("t");
    work.delete_directory();
    work.sandbox.git(&work.sandbox.repo, &["worktree", "prune", "--expire=now"]);
    work.sandbox.git(&work.sandbox.repo, &["checkout", "-q", "fix-t"]);
    let refusal = work.sandbox.ask("t").refused("OKSTRA_BRANCH_CHECKED_OUT");
    assert_eq!(refusal.path.as_deref(), Some(work.sandbox.repo.as_path()));
}

#[test]
fn a_repository_that_is_gone_is_named() {
    let sandbox = Sandbox::new();
    sandbox.ask("t").created();
    let clone = sandbox.clone_to("clone", &[]);
    let away = sandbox.base.join("moved");
    fs::rename(&sandbox.repo, &away).unwrap();
    let refusal = sandbox.ask("t").root(&clone).refused("OKSTRA_REPOSITORY_GONE");
    assert!(refusal.message.contains(&*sandbox.repo.to_string_lossy()), "{refusal:#?}");
    assert!(lies_at(sandbox.worktree("t").join("README.md")), "the worktree is left as it is");
    fs::rename(&away, &sandbox.repo).unwrap();
    sandbox.ask("t").root(&clone).reused();
}

#[test]
fn a_main_worktree_that_moved_is_mended_by_git() {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("t").created();
    let head = sandbox.work_in(&first.path, "work");
    let moved = sandbox.base.join("moved");
    fs::rename(&sandbox.repo, &moved).unwrap();
    let refusal = sandbox.ask("t").root(&moved).refused("OKSTRA_REPOSITORY_GONE");
    assert!(refusal.hint.contains("okstra doctor --fix"), "{refusal:#?}");
    sandbox.git(&moved, &["worktree", "repair"]);
    assert_eq!(sandbox.ask("t").root(&moved).reused().path, first.path);
    assert_eq!(sandbox.git(&first.path, &["rev-parse", "HEAD"]), head);
    fs::remove_dir_all(&first.path).unwrap();
    sandbox.ask("t").root(&moved).restored(&head);
}

#[test]
fn a_broken_link_is_said_and_nothing_is_moved() {
    let breakages: [(&str, Change); 5] = [
        ("no .git file", |sandbox| fs::remove_file(sandbox.worktree("t").join(".git")).unwrap()),
        ("an empty .git file", |sandbox| fs::write(sandbox.worktree("t").join(".git"), "").unwrap()),
        ("a .git file of something else", |sandbox| {
            fs::write(sandbox.worktree("t").join(".git"), "gitdir: /nowhere/at/all\n").unwrap();
        }),
        ("no admin entry", |sandbox| fs::remove_dir_all(sandbox.repo.join(".git/worktrees/t")).unwrap()),
        ("a repository of its own", |sandbox| {
            fs::remove_file(sandbox.worktree("t").join(".git")).unwrap();
            sandbox.git(&sandbox.worktree("t"), &["init", "-q"]);
        }),
    ];
    for (what, damage) in breakages {
        let sandbox = Sandbox::new();
        let first = sandbox.ask("t").created();
        fs::write(first.path.join("untracked"), "kept").unwrap();
        damage(&sandbox);
        let refusal = sandbox.ask("t").run().expect_err(what);
        assert!(
            ["OKSTRA_WORKTREE_BROKEN", "OKSTRA_REPOSITORY_GONE"].contains(&&*refusal.code),
            "{what}: {refusal:#?}"
        );
        assert_eq!(read(first.path.join("untracked")), "kept", "{what}");
        assert_eq!(sandbox.row("t")["status"], "active", "{what}");
    }
}

#[test]
fn a_link_that_git_can_mend_is_reused_after_the_repair() {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("t").created();
    fs::remove_file(first.path.join(".git")).unwrap();
    sandbox.ask("t").run().expect_err("the link is broken");
    sandbox.git(&sandbox.repo, &["worktree", "repair"]);
    sandbox.ask("t").reused();
}
