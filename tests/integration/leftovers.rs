//! What killed processes of git and of others left in the repository.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::{Sandbox, files_below, lies_at, read, write};

fn make_old(path: &Path) {
    let then = SystemTime::now() - Duration::from_secs(24 * 60 * 60);
    File::open(path).unwrap().set_times(FileTimes::new().set_modified(then).set_accessed(then)).unwrap();
}

#[test]
fn locks_that_provisioning_does_not_need() {
    let sandbox = Sandbox::new();
    for name in ["config.lock", "index.lock", "HEAD.lock", "refs/heads/main.lock", "shallow.lock"] {
        write(sandbox.repo.join(".git").join(name), "");
    }
    sandbox.ask("t").created();
    assert!(lies_at(sandbox.repo.join(".git/config.lock")), "a lock of others is not removed");
}

#[test]
fn a_lock_on_the_branch_is_named_and_kept() {
    let sandbox = Sandbox::new();
    let lock = sandbox.repo.join(".git/refs/heads/fix-t.lock");
    write(&lock, "");
    make_old(&lock);
    match sandbox.ask("t").run() {
        // Nobody can be making this branch: taking it over is right as well.
        Ok(answer) => assert_eq!(answer.status, "created"),
        Err(refusal) => {
            assert_eq!(refusal.code, "OKSTRA_GIT_FAILED", "{refusal:#?}");
            assert!(refusal.message.contains("fix-t.lock"), "{refusal:#?}");
            assert!(!lies_at(sandbox.worktree("t")));
            assert!(lies_at(&lock), "a lock that was there before is not ours to remove");
            fs::remove_file(lock).unwrap();
            sandbox.ask("t").created();
        }
    }
}

#[test]
fn a_lock_on_the_packed_refs() {
    let sandbox = Sandbox::new();
    sandbox.git(&sandbox.repo, &["pack-refs", "--all"]);
    let lock = sandbox.repo.join(".git/packed-refs.lock");
    write(&lock, "");
    // Making a branch does not write packed refs.
    let _ = sandbox.ask("t").created_or_refused();
    fs::remove_file(lock).unwrap();
    if lies_at(sandbox.worktree("t")) {
        sandbox.ask("t").reused();
    } else {
        sandbox.ask("t").created();
    }
}

#[test]
fn a_lock_on_the_exclude_file_is_no_affair_of_git() {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".scratch/file"), "x");
    write(sandbox.repo.join(".git/info/exclude.lock"), "");
    let answer = sandbox.ask("t").run();
    assert!(answer.as_ref().map_or(true, |answer| answer.status == "created"), "{answer:?}");
}

/// Plants an admin entry as a kill of `git worktree add` leaves it, with its `commondir` created but not filled.
fn torn(sandbox: &Sandbox) -> std::path::PathBuf {
    let admin = sandbox.repo.join(".git/worktrees/foreign");
    write(admin.join("locked"), "initializing");
    write(admin.join("gitdir"), format!("{}\n", sandbox.base.join("foreign/.git").display()));
    write(admin.join("commondir"), "");
    write(sandbox.base.join("foreign/.git"), format!("gitdir: {}\n", admin.display()));
    write(sandbox.base.join("foreign/precious"), "precious");
    admin
}

#[test]
fn a_torn_worktree_of_others_is_mended_and_nothing_deleted() {
    let sandbox = Sandbox::new();
    let admin = torn(&sandbox);
    assert!(
        !sandbox.try_git(&sandbox.repo, &["worktree", "list"]).status.success(),
        "the repository is unusable"
    );
    let before = files_below(&sandbox.base.join("foreign")).len() + files_below(&admin).len();
    make_old(&admin.join("commondir"));
    make_old(&admin);
    sandbox.ask("t").expect("created");
    assert_eq!(read(admin.join("commondir")).trim(), "../..");
    assert_eq!(read(admin.join("locked")), "initializing");
    assert_eq!(read(sandbox.base.join("foreign/precious")), "precious");
    let after = files_below(&sandbox.base.join("foreign")).len() + files_below(&admin).len();
    assert_eq!(before, after, "nothing was deleted");
    sandbox.git(&sandbox.repo, &["worktree", "list"]);
    sandbox.ask("t").reused();
}

#[test]
fn a_torn_worktree_that_may_be_alive_is_left_alone() {
    let sandbox = Sandbox::new();
    let admin = torn(&sandbox);
    // It was written this moment: its writer may be about to fill it.
    let result = sandbox.ask("t").run();
    assert_eq!(read(admin.join("locked")), "initializing");
    if let Err(refusal) = result {
        assert_eq!(refusal.code, "OKSTRA_GIT_FAILED", "{refusal:#?}");
        assert!(refusal.message.contains("commondir"), "{refusal:#?}");
        assert_eq!(read(admin.join("commondir")), "", "not touched");
        assert!(!lies_at(sandbox.worktree("t")));
    }
    make_old(&admin.join("commondir"));
    make_old(&admin);
    let answer = sandbox.ask("t").run().unwrap();
    assert!(["created", "reused"].contains(&&*answer.status));
}

#[test]
fn empty_and_half_made_admin_entries_of_others() {
    let sandbox = Sandbox::new();
    let admin = sandbox.repo.join(".git/worktrees");
    fs::create_dir_all(admin.join("t")).unwrap();
    write(admin.join("locked-only/locked"), "initializing");
    write(admin.join("no-head/locked"), "initializing");
    write(admin.join("no-head/gitdir"), format!("{}\n", sandbox.base.join("gone/.git").display()));
    write(admin.join("no-head/commondir"), "../..\n");
    write(admin.join("stray file"), "x");
    let answer = sandbox.ask("t").created();
    assert_ne!(
        sandbox.git(&answer.path, &["rev-parse", "--absolute-git-dir"]),
        *admin.join("t").to_string_lossy()
    );
    assert!(lies_at(admin.join("locked-only/locked")) && lies_at(admin.join("no-head/gitdir")));
    let head = sandbox.work_in(&answer.path, "work");
    fs::remove_dir_all(&answer.path).unwrap();
    sandbox.ask("t").restored(&head);
}

#[test]
fn an_empty_branch_file_after_a_power_cut() {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".git/refs/heads/fix-t"), "");
    let refusal = sandbox.ask("t").run().expect_err("a broken branch is nobody's");
    assert_ne!(refusal.code, "OKSTRA_INTERNAL", "{refusal:#?}");
    assert!(!lies_at(sandbox.worktree("t")));
    fs::remove_file(sandbox.repo.join(".git/refs/heads/fix-t")).unwrap();
    sandbox.ask("t").created();
}

#[test]
fn another_broken_branch_is_no_obstacle() {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".git/refs/heads/broken"), "");
    write(sandbox.repo.join(".git/refs/heads/dangling"), format!("{}\n", "1".repeat(40)));
    sandbox.ask("t").expect("created");
}

#[test]
fn the_same_directory_name_in_many_groups() {
    let sandbox = Sandbox::new();
    for number in 0..5 {
        let group = format!("group-{number}");
        let category = ["fix", "feat", "docs", "test", "perf"][number];
        sandbox.ask("same").group(&group).category(category).created();
    }
}
