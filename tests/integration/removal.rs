//! A removal or a return that died between two of its steps is taken back or finished by the next call, whichever that
//! is. Each state is planted by hand, so that every step is seen.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use okstra::cancel::Cancel;
use okstra::intent::{Intent, Kind, Stage};
use okstra::lock::{Patience, TaskLock};
use okstra::registry::Registry;
use okstra::removal::{self, RemoveRequest};
use okstra::task::TaskKey;
use okstra::trash::{self, Record};

use crate::support::{Sandbox, lies_at, read, write};

/// A task that was removed with work in it.
struct Removed {
    sandbox: Sandbox,
    tree: PathBuf,
    status: String,
    record: Record,
}

fn key() -> TaskKey {
    TaskKey::new("shop", "checkout", "t").unwrap()
}

fn patience() -> Patience {
    Patience { timeout: Duration::from_secs(60), cancel: Cancel::default() }
}

impl Removed {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let tree = sandbox.ask("t").created().path;
        sandbox.work_in(&tree, "committed");
        write(tree.join("committed"), "changed\n");
        write(tree.join("staged"), "staged\n");
        sandbox.git(&tree, &["add", "staged"]);
        write(tree.join("untracked"), "untracked\n");
        let status = sandbox.git(&tree, &["status", "--porcelain=v2", "--branch"]);
        let home = sandbox.okstra_home();
        let request = RemoveRequest { force: true, ..RemoveRequest::default() };
        removal::remove(&home, &Registry::open(&home), &key(), &request, &patience()).unwrap();
        let record = trash::newest_of(&home, &key()).unwrap();
        Self { sandbox, tree, status, record }
    }

    /// The intent of a run that died.
    fn plant(&self, kind: Kind, stage: Stage) {
        let home = self.sandbox.okstra_home();
        let git = self.record.git.as_ref().unwrap();
        let mut intent = Intent::new(kind, &key(), &git.common_dir, &self.record.path, "fix-t");
        intent.op.clone_from(&self.record.op);
        intent.stage = stage;
        intent.entry = Some(self.record.id.clone());
        let lock = TaskLock::acquire(&home, &key(), &patience()).unwrap();
        intent.write(&home, &key(), &lock).unwrap();
    }

    fn move_tree_back(&self) {
        fs::rename(&self.record.tree, &self.record.path).unwrap();
    }

    fn move_admin_back(&self) {
        let git = self.record.git.as_ref().unwrap();
        fs::create_dir_all(git.admin.parent().unwrap()).unwrap();
        fs::rename(&git.kept, &git.admin).unwrap();
    }

    fn restore(&self) -> removal::Restoration {
        let home = self.sandbox.okstra_home();
        removal::restore(&home, &Registry::open(&home), &key(), None, &patience()).unwrap()
    }

    /// The task is as it was before it was removed, and nothing is left of that.
    fn is_back(&self) {
        let sandbox = &self.sandbox;
        assert_eq!(sandbox.git(&self.tree, &["status", "--porcelain=v2", "--branch"]), self.status);
        assert_eq!(read(self.tree.join("untracked")), "untracked\n");
        assert_eq!(sandbox.row("t")["status"], "active");
        assert_eq!(sandbox.git(&sandbox.repo, &["for-each-ref", "refs/okstra"]), "");
        assert_eq!(fs::read_dir(sandbox.okstra_home().intents()).unwrap().count(), 0, "no intent is left");
        assert_eq!(fs::read_dir(sandbox.okstra_home().trash()).unwrap().count(), 0, "no entry is left");
        assert!(!lies_at(self.record.git.as_ref().unwrap().admin.join("okstra-trash.json")));
        sandbox.git(&sandbox.repo, &["fsck", "--connectivity-only"]);
    }
}

#[test]
fn nothing_was_moved_yet_and_the_next_call_restores() {
    let removed = Removed::new();
    removed.move_tree_back();
    removed.move_admin_back();
    removed.plant(Kind::Remove, Stage::Moving);
    assert!(removed.restore().note.contains("finished now"));
    removed.is_back();
}

#[test]
fn the_tree_was_not_moved_yet_and_the_next_call_provisions() {
    let removed = Removed::new();
    removed.move_tree_back();
    removed.plant(Kind::Remove, Stage::Moving);
    let answer = removed.sandbox.ask("t").expect("restored");
    assert!(answer.note.contains("finished now") && answer.note.contains("git stash apply"), "{answer:#?}");
    assert_eq!(removed.sandbox.git(&answer.path, &["status", "--porcelain"]), "");
    assert_eq!(read(removed.record.tree.join("untracked")), "untracked\n", "the work is in the trash");
}

#[test]
fn everything_was_moved_and_the_next_call_removes() {
    let removed = Removed::new();
    removed.plant(Kind::Remove, Stage::Moving);
    let home = removed.sandbox.okstra_home();
    let request = RemoveRequest::default();
    let done = removal::remove(&home, &Registry::open(&home), &key(), &request, &patience()).unwrap();
    assert_eq!(done.trash_id.as_ref(), Some(&removed.record.id), "the answer is that of the dead run");
    removed.restore();
    removed.is_back();
}

#[test]
fn what_was_only_prepared_is_taken_back() {
    let removed = Removed::new();
    removed.restore();
    // As a dead run leaves it after the snapshot and before the record.
    let head = removed.sandbox.git(&removed.tree, &["rev-parse", "HEAD"]);
    let name = format!("refs/okstra/trash/{}", removed.record.op);
    removed.sandbox.git(&removed.sandbox.repo, &["update-ref", &name, &head]);
    fs::create_dir_all(removed.record.place(&removed.sandbox.okstra_home())).unwrap();
    removed.plant(Kind::Remove, Stage::Preparing);
    let answer = removed.sandbox.ask("t").expect("reused");
    assert!(answer.note.contains("before it had removed anything"), "{answer:#?}");
    removed.is_back();
}

#[test]
fn a_return_that_had_not_begun_to_move_is_finished() {
    let removed = Removed::new();
    removed.plant(Kind::PutBack, Stage::Moving);
    assert_eq!(removed.restore().trash_id.as_ref(), Some(&removed.record.id));
    removed.is_back();
}

#[test]
fn a_return_without_gits_half_is_finished_by_a_provision() {
    let removed = Removed::new();
    removed.move_tree_back();
    removed.plant(Kind::PutBack, Stage::Moving);
    let answer = removed.sandbox.ask("t").expect("reused");
    assert!(answer.note.contains("finished now"), "{answer:#?}");
    removed.is_back();
}

#[test]
fn a_return_that_lacks_only_its_row_is_finished() {
    let removed = Removed::new();
    removed.move_tree_back();
    removed.move_admin_back();
    removed.plant(Kind::PutBack, Stage::Moving);
    removed.restore();
    removed.is_back();
}

#[test]
fn something_that_came_to_the_place_meanwhile_is_not_touched() {
    let removed = Removed::new();
    removed.plant(Kind::PutBack, Stage::Moving);
    write(removed.tree.join("theirs"), "theirs\n");
    let home = removed.sandbox.okstra_home();
    let error =
        removal::restore(&home, &Registry::open(&home), &key(), None, &patience()).expect_err("taken");
    assert_eq!(error.code().as_str(), "OKSTRA_PATH_EXISTS");
    assert_eq!(read(removed.tree.join("theirs")), "theirs\n");
    fs::remove_dir_all(&removed.tree).unwrap();
    removed.restore();
    removed.is_back();
}
