//! While a task is active its entry stays locked: what anybody's git does to tidy up leaves it alone.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use okstra::adopt::{Adoption, adopt};
use okstra::cancel::Cancel;
use okstra::doctor::{self, Code, Outcome};
use okstra::error::Error;
use okstra::lock::Patience;
use okstra::obstacle::ObstacleKind;
use okstra::registry::Registry;
use okstra::removal::{self, RemoveRequest};
use okstra::task::TaskKey;

use crate::support::{Sandbox, lies_at, read, write};

const REASON: &str = "okstra shop/checkout/t: use okstra remove";

fn key() -> TaskKey {
    TaskKey::new("shop", "checkout", "t").unwrap()
}

fn patience() -> Patience {
    Patience { timeout: Duration::from_secs(60), cancel: Cancel::default() }
}

struct Task {
    sandbox: Sandbox,
    tree: PathBuf,
    lock: PathBuf,
}

impl Task {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let tree = sandbox.ask("t").created().path;
        let lock = sandbox.repo.join(".git/worktrees/t/locked");
        Self { sandbox, tree, lock }
    }

    /// Removes it; what stood in the way where it was refused.
    fn remove(&self) -> Vec<ObstacleKind> {
        let home = self.sandbox.okstra_home();
        match removal::remove(&home, &Registry::open(&home), &key(), &RemoveRequest::default(), &patience()) {
            Ok(_) => Vec::new(),
            Err(Error::WouldLoseWork { obstacles, .. }) => obstacles.iter().map(|one| one.kind).collect(),
            Err(error) => panic!("{error}"),
        }
    }

    fn restore(&self) {
        let home = self.sandbox.okstra_home();
        removal::restore(&home, &Registry::open(&home), &key(), None, &patience()).unwrap();
    }

    fn check_up(&self, fix: bool) -> Vec<(Code, Outcome)> {
        let options = doctor::Options { fix, root: None };
        let report = doctor::examine(&self.sandbox.okstra_home(), &options, &patience()).unwrap();
        report.findings.into_iter().map(|finding| (finding.code, finding.outcome)).collect()
    }

    fn git(&self, words: &[&str]) {
        self.sandbox.git(&self.sandbox.repo, words);
    }
}

#[test]
fn nobodys_tidying_takes_an_active_task_away() {
    let task = Task::new();
    let (repo, tree) = (task.sandbox.repo.clone(), task.tree.to_str().unwrap().to_owned());
    write(task.tree.join("staged"), "staged\n");
    task.sandbox.git(&task.tree, &["add", "staged"]);
    let away = task.sandbox.base.join("away");
    fs::rename(&task.sandbox.home, &away).unwrap();
    for words in [
        &["worktree", "prune", "--expire=now", "-v"][..],
        &["-c", "gc.worktreePruneExpire=now", "gc", "--prune=now", "-q"],
    ] {
        task.git(words);
    }
    // The disk is mounted again, and everything is as it was.
    fs::rename(&away, &task.sandbox.home).unwrap();
    for words in [
        &["worktree", "remove", &tree][..],
        &["worktree", "remove", "--force", &tree],
        &["worktree", "move", &tree, "elsewhere"],
    ] {
        let refused = task.sandbox.try_git(&repo, words);
        assert!(!refused.status.success(), "{words:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("use okstra remove"), "{refused:?}");
    }
    assert_eq!(task.sandbox.git(&task.tree, &["status", "--porcelain"]), "A  staged");
    assert_eq!(task.sandbox.ask("t").reused().path, task.tree);
    assert!(task.check_up(false).is_empty());
}

#[test]
fn it_comes_and_goes_with_the_task() {
    let task = Task::new();
    assert_eq!(read(&task.lock), REASON);
    task.sandbox.release("t");
    assert!(!lies_at(&task.lock), "a released task is anybody's to tidy up");
    assert!(task.check_up(false).is_empty());
    assert_eq!(task.sandbox.ask("t").expect("restored").path, task.tree);
    assert_eq!(read(&task.lock), REASON);
    assert!(task.remove().is_empty());
    assert!(!lies_at(task.lock.parent().unwrap()));
    task.restore();
    assert_eq!(read(&task.lock), REASON);
    task.sandbox.release("t");
    assert!(task.remove().is_empty());
    task.restore();
    assert_eq!(read(&task.lock), REASON, "also where it went into the trash without one");
    fs::remove_dir_all(&task.tree).unwrap();
    task.sandbox.ask("t").expect("restored");
    let lock = task.sandbox.git(&task.tree, &["rev-parse", "--git-path", "locked"]);
    assert_eq!(read(lock), REASON);
    assert!(task.check_up(false).iter().all(|(code, _)| *code == Code::KeptAside));
}

#[test]
fn a_task_of_before_gets_it_when_it_is_next_asked_for() {
    let task = Task::new();
    for _ in 0..2 {
        fs::remove_file(&task.lock).unwrap();
        assert_eq!(task.check_up(false), [(Code::LockMissing, Outcome::Fixable)]);
        task.sandbox.ask("t").reused();
        assert_eq!(read(&task.lock), REASON);
    }
    fs::remove_file(&task.lock).unwrap();
    assert_eq!(task.check_up(true), [(Code::LockMissing, Outcome::Fixed)]);
    assert_eq!(read(&task.lock), REASON);
    assert!(task.check_up(true).is_empty());
}

#[test]
fn a_lock_of_somebody_else_is_respected_and_stays() {
    let task = Task::new();
    for reason in ["on a stick", ""] {
        task.git(&["worktree", "unlock", task.tree.to_str().unwrap()]);
        task.git(&["worktree", "lock", "--reason", reason, task.tree.to_str().unwrap()]);
        task.sandbox.ask("t").reused();
        assert!(task.check_up(true).is_empty());
        assert_eq!(read(&task.lock).trim(), reason);
        assert_eq!(task.remove(), [ObstacleKind::Locked]);
    }
}

#[test]
fn one_that_stands_for_a_released_task_is_taken_off() {
    let task = Task::new();
    task.sandbox.release("t");
    // 0.12.0 releases without it.
    write(&task.lock, REASON);
    assert_eq!(task.check_up(false), [(Code::EntryLocked, Outcome::Fixable)]);
    assert_eq!(task.check_up(true), [(Code::EntryLocked, Outcome::Fixed)]);
    assert!(!lies_at(&task.lock) && task.check_up(true).is_empty());
    write(&task.lock, REASON);
    assert!(task.remove().is_empty());
}

#[test]
fn the_lock_of_a_run_that_is_over_becomes_that_of_the_task() {
    let task = Task::new();
    write(&task.lock, "okstra:0123456789abcdef");
    assert_eq!(task.check_up(true), [(Code::EntryLocked, Outcome::Fixed)]);
    assert_eq!(read(&task.lock), REASON);
}

#[test]
fn what_is_adopted_is_locked() {
    let sandbox = Sandbox::new();
    let tree = sandbox.base.join("mine");
    sandbox.git(&sandbox.repo, &["worktree", "add", "-q", "-b", "mine", tree.to_str().unwrap()]);
    let adoption = Adoption { path: tree.clone(), key: key(), branch: None, phase: String::new() };
    adopt(&sandbox.okstra_home(), &adoption, &patience()).unwrap();
    assert_eq!(read(sandbox.repo.join(".git/worktrees/mine/locked")), REASON);
    // Also where git had forgotten it.
    fs::remove_dir_all(sandbox.repo.join(".git/worktrees/mine")).unwrap();
    let options = doctor::Options { fix: true, root: None };
    doctor::examine(&sandbox.okstra_home(), &options, &patience()).unwrap();
    assert_eq!(read(sandbox.repo.join(".git/worktrees/mine/locked")), REASON);
}
