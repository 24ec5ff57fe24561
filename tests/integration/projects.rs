//! Whose a task is: repositories that ask under one key.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Sandbox, read, write};

/// A repository of its own, with the same layout as all others and another root commit.
fn unrelated(sandbox: &Sandbox, name: &str) -> PathBuf {
    let root = sandbox.base.join(name);
    fs::create_dir_all(root.parent().unwrap()).unwrap();
    sandbox.init(&root, &[]);
    write(root.join("which"), name);
    sandbox.commit_all(&root, name);
    sandbox.git(&root, &["checkout", "-q", "--orphan", "fresh"]);
    sandbox.git(&root, &["commit", "-q", "-m", name]);
    sandbox.git(&root, &["branch", "-q", "-M", "fresh", "main"]);
    root
}

fn refused(sandbox: &Sandbox, task: &str, root: &Path) {
    let refusal = sandbox.ask(task).root(root).refused("OKSTRA_OTHER_PROJECT");
    for place in [if root.ends_with("src") { root.parent().unwrap() } else { root }, &*sandbox.repo] {
        assert!(refusal.message.contains(&*place.to_string_lossy()), "names both: {}", refusal.message);
    }
    assert!(refusal.hint.contains("okstra setup --project-id"), "{}", refusal.hint);
}

#[test]
fn another_project_never_gets_the_worktree() {
    let sandbox = Sandbox::new();
    let other = unrelated(&sandbox, "oss/repo");
    let first = sandbox.ask("t").created();
    refused(&sandbox, "t", &other);
    refused(&sandbox, "t", &other.join("src"));
    let bare = sandbox.base.join("oss.git");
    sandbox.git(&sandbox.base, &["clone", "-q", "--bare", other.to_str().unwrap(), bare.to_str().unwrap()]);
    refused(&sandbox, "t", &bare);
    sandbox.release("t");
    refused(&sandbox, "t", &other);
    fs::remove_dir_all(&first.path).unwrap();
    refused(&sandbox, "t", &other);
    sandbox.ask("t").expect("restored");
    sandbox.git(&sandbox.repo, &["worktree", "unlock", first.path.to_str().unwrap()]);
    fs::remove_dir_all(&first.path).unwrap();
    refused(&sandbox, "t", &other);
    sandbox.git(&sandbox.repo, &["update-ref", "-d", "refs/heads/fix-t"]);
    refused(&sandbox, "t", &other);
    sandbox.ask("t").expect("created");
    assert_eq!(sandbox.git(&other, &["branch", "--list", "fix-*"]), "");
}

#[test]
fn clones_of_one_project_share_a_task_whatever_they_know_of_each_other() {
    let sandbox = Sandbox::new();
    sandbox.work_in(&sandbox.repo, "second");
    let clone = sandbox.clone_to("clone", &[]);
    let bare = sandbox.clone_to("bare.git", &["--bare"]);
    let shallow = sandbox.clone_to("shallow", &["--depth=1"]);
    let first = sandbox.ask("t").created();
    // Each goes its own way, so that neither knows the newest commit of the other.
    for place in [&sandbox.repo, &clone, &shallow] {
        sandbox.work_in(place, "own way");
    }
    for place in [&clone, &bare, &shallow] {
        let again = sandbox.ask("t").root(place).reused();
        assert_eq!(again.path, first.path);
        assert!(again.note.contains(&*sandbox.repo.to_string_lossy()), "{}", again.note);
    }
}

#[test]
fn without_history_in_common_the_remote_tells() {
    let sandbox = Sandbox::new();
    let other = unrelated(&sandbox, "oss/repo");
    // Without a commit nothing can be known.
    let empty = sandbox.base.join("empty");
    fs::create_dir(&empty).unwrap();
    sandbox.git(&empty, &["init", "-q"]);
    sandbox.git(&sandbox.repo, &["remote", "add", "origin", "git@Example.com:team/api.git"]);
    sandbox.ask("t").created();
    refused(&sandbox, "t", &empty);
    sandbox.git(&empty, &["remote", "add", "up", "https://me@example.com/team/api/"]);
    sandbox.ask("t").root(&empty).reused();
    // Where roots tell, a remote of one name does not.
    sandbox.git(&other, &["remote", "add", "origin", "git@example.com:team/api.git"]);
    refused(&sandbox, "t", &other);
    // History that was cut off: the remote is all there is, and a path is one.
    let grown = sandbox.clone_to("grown", &["--depth=1"]);
    sandbox.git(&grown, &["checkout", "-q", "--orphan", "fresh"]);
    sandbox.git(&grown, &["commit", "-q", "-m", "fresh"]);
    sandbox.git(&grown, &["branch", "-q", "-D", "main"]);
    sandbox.ask("t").root(&grown).reused();
    sandbox.git(&grown, &["remote", "set-url", "origin", "https://example.com/team/other"]);
    refused(&sandbox, "t", &grown);
}

#[test]
fn a_repository_that_is_gone_does_not_give_its_task_away() {
    let sandbox = Sandbox::new();
    let other = unrelated(&sandbox, "oss/repo");
    let clone = sandbox.clone_to("clone", &[]);
    let first = sandbox.ask("t").created();
    let away = sandbox.base.join("away");
    fs::rename(&sandbox.repo, &away).unwrap();
    fs::remove_dir_all(&first.path).unwrap();
    let refusal = sandbox.ask("t").root(&other).refused("OKSTRA_OTHER_PROJECT");
    assert!(refusal.message.contains(&*sandbox.repo.to_string_lossy()), "{}", refusal.message);
    // Its base is a commit of the clone.
    assert_eq!(sandbox.ask("t").root(&clone).expect("created").base, first.base);
    assert!(read(sandbox.home.join("worktrees/registry.json")).contains("clone"));
}
