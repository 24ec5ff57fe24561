//! A home on a disk without room: a small file system of its own, which only the superuser can mount.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::support::{Sandbox, files_below, lies_at, read, write};

/// A sandbox whose home has a file system of its own.
struct Small {
    sandbox: Sandbox,
}

impl Small {
    /// Of so many bytes; `None`, and said so, where this may not be done.
    fn of(bytes: u32) -> Option<Self> {
        let sandbox = Sandbox::new();
        fs::create_dir(&sandbox.home).unwrap();
        let options = std::ffi::CString::new(format!("size={bytes},mode=700")).unwrap();
        if let Err(error) = mount("okstra-test", &sandbox.home, "tmpfs", MountFlags::empty(), &*options) {
            eprintln!("skipped: a file system cannot be mounted here ({error})");
            return None;
        }
        Some(Self { sandbox })
    }

    /// Commits so many files of a page each.
    fn commit_files(&self, count: usize) -> String {
        let repo = &self.sandbox.repo;
        for number in 0..count {
            write(repo.join(format!("d{}/{number}", number % 20)), format!("{number:04096}"));
        }
        self.sandbox.commit_all(repo, "files")
    }

    /// Takes all room that there is.
    fn fill(&self) -> PathBuf {
        let ballast = self.sandbox.home.join("ballast");
        let mut file = fs::File::create(&ballast).unwrap();
        while file.write(&[0; 1024]).is_ok() {}
        ballast
    }

    fn check_nothing_is_left(&self, task: &str) {
        let Sandbox { repo, home, .. } = &self.sandbox;
        let names = |directory: PathBuf| {
            fs::read_dir(directory)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
                .collect::<Vec<_>>()
        };
        let none: [PathBuf; 0] = [];
        assert_eq!(names(home.join("worktrees/.quarantine")), none);
        assert_eq!(names(repo.join(".git/okstra-quarantine")), none);
        assert_eq!(names(repo.join(".git/worktrees")), none);
        assert_eq!(names(home.join("state/intents")), none);
        assert!(!lies_at(self.sandbox.worktree(task)));
        let branch = format!("refs/heads/fix-{task}");
        assert_eq!(self.sandbox.git(repo, &["for-each-ref", &branch]), "");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = unmount(&self.sandbox.home, UnmountFlags::DETACH);
    }
}

#[test]
fn a_tree_that_does_not_fit_leaves_its_room_and_says_what_to_do() {
    for settings in [&[][..], &["core.autocrlf=true"]] {
        let Some(small) = Small::of(4 * 1024 * 1024) else { return };
        small.commit_files(2000);
        for setting in settings {
            let (name, value) = setting.split_once('=').unwrap();
            small.sandbox.git(&small.sandbox.repo, &["config", name, value]);
        }
        for _ in 0..2 {
            let refusal = small.sandbox.ask("t").run().unwrap_err();
            assert_eq!(refusal.code, "OKSTRA_IO", "{refusal:#?}");
            assert!(refusal.hint.starts_with("Free some space"), "{refusal:#?}");
            assert!(refusal.message.lines().count() <= 12, "{}", refusal.message);
            assert!(refusal.message.contains("lines more)"), "{}", refusal.message);
            small.check_nothing_is_left("t");
        }
        // The room is there again.
        write(small.sandbox.home.join("large"), vec![0; 3 * 1024 * 1024]);
        fs::remove_file(small.sandbox.home.join("large")).unwrap();
        small.sandbox.ask("t").base("HEAD~1").created();
    }
}

fn tree_that_dies(small: &Small) {
    small.commit_files(1000);
    small.sandbox.die_in_the_middle("t");
    assert!(files_below(&small.sandbox.worktree("t")).len() > 1000);
}

#[test]
fn what_a_dead_run_made_makes_room_on_a_disk_that_is_full() {
    let Some(small) = Small::of(8 * 1024 * 1024) else { return };
    tree_that_dies(&small);
    small.fill();
    let answer = small.sandbox.ask("t").base("HEAD~2").run().unwrap();
    assert_eq!(answer.status, "created");
    assert_eq!(fs::read_dir(small.sandbox.home.join("worktrees/.quarantine")).map_or(0, Iterator::count), 0);
}

#[test]
fn work_in_what_a_dead_run_made_is_kept_on_a_disk_that_is_full() {
    let Some(small) = Small::of(8 * 1024 * 1024) else { return };
    tree_that_dies(&small);
    let tree = small.sandbox.worktree("t");
    write(tree.join("mine/note"), "a note\n");
    write(tree.join("d1/1"), "an edit\n");
    small.fill();
    let answer = small.sandbox.ask("t").base("HEAD~2").run().unwrap();
    assert_eq!(answer.status, "created");
    let kept = kept_trees(&small.sandbox.home);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(read(kept[0].join("mine/note")), "a note\n");
    assert_eq!(read(kept[0].join("d1/1")), "an edit\n");
    assert!(!lies_at(kept[0].join("d1/21")), "what the repository holds makes room");
}

fn kept_trees(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("worktrees/.quarantine")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().join("tree")).filter(|tree| tree.is_dir()).collect()
}
