//! Taking back what a run began, continued by the next run after a kill in the middle of it.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Sandbox, lies_at, read, write};

/// A run that was killed while it deleted what it had made: the tree and git's half are renamed, some files are gone.
struct Killed {
    sandbox: Sandbox,
    place: PathBuf,
    entry: PathBuf,
}

impl Killed {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.die_in_the_middle("t");
        let place = sandbox.home.join("worktrees/.quarantine/gone");
        let entry = sandbox.repo.join(".git/okstra-quarantine/gone-t.discarded");
        for to in [&place, &sandbox.repo.join(".git/okstra-quarantine")] {
            fs::create_dir_all(to).unwrap();
        }
        fs::rename(sandbox.worktree("t"), place.join("tree")).unwrap();
        fs::rename(sandbox.repo.join(".git/worktrees/t"), &entry).unwrap();
        fs::remove_file(place.join("tree/README.md")).unwrap();
        for name in ["HEAD", "okstra-index.lock"] {
            fs::remove_file(entry.join(name)).unwrap();
        }
        let [intent] = &fs::read_dir(sandbox.home.join("state/intents")).unwrap().collect::<Vec<_>>()[..]
        else {
            panic!("one record")
        };
        let intent = intent.as_ref().unwrap().path();
        let mut record: Value = serde_json::from_str(&read(&intent)).unwrap();
        record["stage"] = "rolling-back".into();
        record["discarded"] = "gone".into();
        fs::write(intent, record.to_string()).unwrap();
        Self { sandbox, place, entry }
    }

    fn check_gone(&self) {
        assert!(!lies_at(&self.entry));
        assert!(!lies_at(&self.place));
    }
}

#[test]
fn the_next_run_goes_on_deleting_what_a_killed_one_had_made() {
    let killed = Killed::new();
    killed.sandbox.ask("t").created();
    killed.check_gone();
    assert!(!lies_at(killed.sandbox.home.join("worktrees/.quarantine")));
    assert!(!lies_at(killed.sandbox.repo.join(".git/okstra-quarantine")));
}

#[test]
fn what_somebody_put_into_it_meanwhile_is_kept() {
    let killed = Killed::new();
    let tree = killed.place.join("tree");
    write(tree.join("src/main.txt"), "an edit\n");
    write(tree.join("docs/note"), "a note\n");
    killed.sandbox.ask("t").created();
    assert_eq!(read(tree.join("src/main.txt")), "an edit\n");
    assert_eq!(read(tree.join("docs/note")), "a note\n");
    assert!(!lies_at(tree.join("docs/deep")), "what the commit holds is gone");
    assert!(lies_at(killed.place.join("why.json")));
}

#[test]
fn staged_and_committed_work_in_a_tree_that_was_not_renamed_yet_is_kept() {
    let sandbox = Sandbox::new();
    sandbox.die_in_the_middle("t");
    let tree = sandbox.worktree("t");
    fs::remove_file(sandbox.repo.join(".git/worktrees/t/okstra-index.lock")).unwrap();
    sandbox.git(&tree, &["read-tree", "HEAD"]);
    sandbox.git(&tree, &["switch", "-q", "--detach"]);
    write(tree.join("mine"), "mine\n");
    sandbox.git(&tree, &["add", "mine"]);
    sandbox.git(&tree, &["commit", "-q", "-m", "mine"]);
    let file = fs::read_dir(sandbox.home.join("state/intents")).unwrap().next().unwrap().unwrap().path();
    let mut record: Value = serde_json::from_str(&read(&file)).unwrap();
    record["stage"] = "rolling-back".into();
    record["discarded"] = "gone".into();
    fs::write(file, record.to_string()).unwrap();
    sandbox.ask("t").created();
    assert_eq!(read(sandbox.home.join("worktrees/.quarantine/gone/tree/mine")), "mine\n");
    let kept =
        fs::read_dir(sandbox.repo.join(".git/okstra-quarantine")).unwrap().next().unwrap().unwrap().path();
    assert!(read(kept.join("logs/HEAD")).lines().count() > 1, "the commit is still named");
}
