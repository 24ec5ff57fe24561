//! What the answer says of the place where a new branch starts, and why there may be none.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::ask::Answer;
use crate::support::{Sandbox, read, script, write};

/// A repository whose `main` follows `origin/main`, and a clone in which others work.
fn with_remote() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let origin = sandbox.base.join("origin.git");
    sandbox.git(&sandbox.base, &["init", "-q", "--bare", "origin.git"]);
    sandbox.git(&sandbox.repo, &["remote", "add", "origin", origin.to_str().unwrap()]);
    sandbox.git(&sandbox.repo, &["push", "-q", "-u", "origin", "main"]);
    sandbox.git(&sandbox.base, &["clone", "-q", origin.to_str().unwrap(), "others"]);
    let others = sandbox.base.join("others");
    (sandbox, others)
}

fn commits(sandbox: &Sandbox, at: &Path, count: usize) {
    for number in 0..count {
        sandbox.git(at, &["commit", "-q", "--allow-empty", "--no-verify", "-m", &number.to_string()]);
    }
}

fn advice<'a>(answer: &'a Answer, containing: &str) -> &'a str {
    answer.note.split('`').find(|part| part.contains(containing)).expect(&answer.note)
}

#[test]
fn a_branch_of_a_remote_is_told_and_can_be_taken_over_as_advised() {
    let (sandbox, others) = with_remote();
    for branch in ["fix-t", "feature/fix-t", "fix-u"] {
        sandbox.git(&others, &["switch", "-q", "-C", branch, "main"]);
        commits(&sandbox, &others, 2);
        sandbox.git(&others, &["push", "-q", "origin", branch]);
    }
    sandbox.git(&sandbox.repo, &["fetch", "-q"]);
    let answer = sandbox.ask("t").created();
    assert_eq!(answer.notes, ["remote-branch"], "{}", answer.note);
    assert!(answer.note.contains("origin/fix-t has 2 commits"), "{}", answer.note);
    let advised = advice(&answer, "reset");
    assert!(
        sandbox.command("sh", &sandbox.base).args(["-c", advised]).status().unwrap().success(),
        "{advised}"
    );
    commits(&sandbox, &answer.path, 1);
    sandbox.git(&answer.path, &["push", "-q"]);
    assert_eq!(
        sandbox.git(&sandbox.repo, &["rev-parse", "origin/fix-t"]),
        sandbox.git(&answer.path, &["rev-parse", "HEAD"])
    );
    let at_it = sandbox.ask("u").base("origin/fix-u").created();
    assert!(at_it.notes.is_empty(), "nothing is missing: {}", at_it.note);
}

#[test]
fn a_base_behind_its_upstream_is_told_now_and_in_later_phases() {
    let (sandbox, others) = with_remote();
    assert!(sandbox.ask("even").created().notes.is_empty());
    commits(&sandbox, &others, 3);
    sandbox.git(&others, &["push", "-q"]);
    sandbox.git(&sandbox.repo, &["fetch", "-q"]);
    for (task, ask) in [("head", sandbox.ask("head")), ("named", sandbox.ask("named").base("main"))] {
        let answer = ask.created();
        assert_eq!(answer.notes, ["base-behind"], "{task}");
        assert!(answer.note.contains("behind origin/main by 3 commits"), "{}", answer.note);
    }
    let fresh = sandbox.ask("fresh").base("origin/main").created();
    assert!(fresh.notes.is_empty(), "{}", fresh.note);
    sandbox.git(&sandbox.repo, &["tag", "v1"]);
    assert!(sandbox.ask("tag").base("v1").created().notes.is_empty(), "a tag follows nothing");

    // What was even then is behind now, and what was counted once is read.
    for _ in 0..2 {
        let later = sandbox.ask("even").reused();
        assert_eq!(later.notes, ["base-behind"]);
        assert!(later.note.contains("behind origin/main by 3 commits"), "{}", later.note);
    }
    sandbox.git(&sandbox.repo, &["pack-refs", "--all"]);
    let without_git = sandbox.ask("even").env("PATH", "/nonexistent").reused();
    assert_eq!(without_git.notes, ["base-behind"]);
    assert!(sandbox.ask("fresh").reused().notes.is_empty());
    commits(&sandbox, &others, 1);
    sandbox.git(&others, &["push", "-q"]);
    sandbox.git(&sandbox.repo, &["fetch", "-q"]);
    assert!(sandbox.ask("even").reused().note.contains("by 4 commits"));
    assert!(sandbox.ask("fresh").reused().note.contains("by 1 commit"));
}

#[test]
fn a_base_with_several_meanings_is_told_with_the_name_that_has_one() {
    let (sandbox, others) = with_remote();
    sandbox.git(&sandbox.repo, &["branch", "origin/main"]);
    commits(&sandbox, &others, 1);
    sandbox.git(&others, &["push", "-q"]);
    sandbox.git(&sandbox.repo, &["fetch", "-q"]);
    let answer = sandbox.ask("t").base("origin/main").created();
    assert_eq!(answer.notes, ["base-ambiguous"], "{}", answer.note);
    assert!(answer.note.contains("taken for refs/heads/origin/main") && answer.note.contains("ambiguous"));
    let named = advice(&answer, "--base").strip_prefix("--base ").unwrap();
    let other = sandbox.ask("u").base(named).created();
    assert_eq!(other.base, sandbox.git(&others, &["rev-parse", "HEAD"]));
    assert!(!other.notes.contains(&"base-ambiguous".to_owned()));

    // A tag wins against a branch, whatever is asked of it.
    sandbox.git(&sandbox.repo, &["branch", "both", "main"]);
    sandbox.git(&sandbox.repo, &["tag", "both", "origin/main", "-m", "annotated"]);
    let tag = sandbox.ask("tag").base("both^0").created();
    assert_eq!(tag.notes, ["base-ambiguous"]);
    assert!(tag.note.contains("refs/tags/both") && tag.note.contains("refs/heads/both"), "{}", tag.note);
    // A branch that is called as a commit begins.
    let head = sandbox.git(&sandbox.repo, &["rev-parse", "main"]);
    sandbox.git(&sandbox.repo, &["branch", &head[..7], "main"]);
    let id = sandbox.ask("id").base(&head[..7]).created();
    assert_eq!(id.notes, ["base-ambiguous"]);
    assert!(id.note.contains("an object's id"), "{}", id.note);
}

#[test]
fn a_head_in_the_middle_of_something_or_on_no_branch_is_told() {
    let sandbox = Sandbox::new();
    let repo = &sandbox.repo;
    sandbox.git(repo, &["switch", "-q", "-c", "mine"]);
    write(repo.join("README.md"), "mine\n");
    let mine = sandbox.commit_all(repo, "mine");
    sandbox.git(repo, &["switch", "-q", "main"]);
    write(repo.join("README.md"), "theirs\n");
    sandbox.commit_all(repo, "theirs");
    sandbox.git(repo, &["switch", "-q", "mine"]);
    assert!(!sandbox.try_git(repo, &["rebase", "main"]).status.success());
    let answer = sandbox.ask("t").created();
    assert_eq!(answer.notes, ["base-operation"]);
    assert!(answer.note.contains("in the middle of a rebase of mine"), "{}", answer.note);
    let named = advice(&answer, "--base").strip_prefix("--base ").unwrap();
    let other = sandbox.ask("u").base(named).created();
    assert_eq!((other.base, other.notes.len()), (mine, 0));
    sandbox.git(repo, &["rebase", "--abort"]);

    sandbox.git(repo, &["checkout", "-q", "--detach"]);
    assert_eq!(sandbox.ask("d").created().notes, ["base-detached"]);
    sandbox.git(repo, &["switch", "-q", "main"]);
    sandbox.try_git(repo, &["merge", "mine"]);
    assert_eq!(sandbox.ask("m").base("HEAD").created().notes, ["base-operation"]);
    sandbox.git(repo, &["merge", "--abort"]);
    assert!(sandbox.ask("n").created().notes.is_empty());
}

#[test]
fn an_unborn_head_among_commits_names_branches_that_exist() {
    let (sandbox, _) = with_remote();
    sandbox.git(&sandbox.repo, &["switch", "-q", "--orphan", "new"]);
    let refusal = sandbox.ask("t").refused("OKSTRA_HEAD_UNBORN");
    assert!(refusal.message.contains("branch new") && refusal.hint.contains("`--base main`"), "{refusal:#?}");
    assert_eq!(refusal.branch.as_deref(), Some("new"));
    sandbox.ask("t").base("main").created();
    // Deleted under the main worktree, and then nothing but the remote's is left.
    sandbox.git(&sandbox.repo, &["symbolic-ref", "HEAD", "refs/heads/gone"]);
    for branch in ["main", "fix-t"] {
        sandbox.git(&sandbox.repo, &["update-ref", "-d", &format!("refs/heads/{branch}")]);
    }
    let refusal = sandbox.ask("u").refused("OKSTRA_HEAD_UNBORN");
    assert!(refusal.hint.contains("`--base origin/main`"), "{refusal:#?}");
    sandbox.ask("u").base("origin/main").created();
}

#[test]
fn a_missing_commit_is_not_a_repository_without_commits() {
    let (sandbox, _) = with_remote();
    let lost = sandbox.git(&sandbox.repo, &["commit", "-q", "--allow-empty", "-m", "lost"]);
    drop(lost);
    let lost = sandbox.git(&sandbox.repo, &["rev-parse", "HEAD"]);
    fs::remove_file(sandbox.repo.join(".git/objects").join(&lost[..2]).join(&lost[2..])).unwrap();
    let refusal = sandbox.ask("t").refused("OKSTRA_OBJECTS_MISSING");
    assert!(refusal.message.contains(&lost) && refusal.message.contains("branch main"), "{refusal:#?}");
    let named = sandbox.ask("t").base("main").refused("OKSTRA_OBJECTS_MISSING");
    assert!(named.message.contains(&lost), "{named:#?}");
    let unknown = sandbox.ask("t").base(&"1".repeat(40)).refused("OKSTRA_BASE_NOT_FOUND");
    assert!(unknown.hint.contains("fetch"), "{unknown:#?}");
    sandbox.ask("t").base("origin/main").created();
}

#[test]
fn a_head_that_cannot_be_read_is_never_no_repository() {
    let sandbox = Sandbox::new();
    let head = sandbox.repo.join(".git/HEAD");
    for content in ["", "garbage\n", "\0\0\0\0"] {
        write(&head, content);
        let refusal = sandbox.ask("t").root(sandbox.repo.join("src")).run().unwrap_err();
        assert_eq!(refusal.code, "OKSTRA_HEAD_UNREADABLE", "{content:?}: {refusal:#?}");
        assert_eq!(refusal.path.as_deref(), Some(&*head));
    }
    fs::remove_file(&head).unwrap();
    let refusal = sandbox.ask("t").run().unwrap_err();
    assert_eq!(refusal.code, "OKSTRA_HEAD_UNREADABLE");
    let advised = refusal.hint.split('`').nth(1).unwrap();
    assert!(
        sandbox.command("sh", &sandbox.base).args(["-c", advised]).status().unwrap().success(),
        "{advised}"
    );
    assert_eq!(read(&head), "ref: refs/heads/main\n");
    sandbox.ask("t").created();

    let branch = sandbox.repo.join(".git/refs/heads/main");
    write(&branch, "");
    for ask in [sandbox.ask("u"), sandbox.ask("u").base("fix-t")] {
        let refusal = ask.refused("OKSTRA_HEAD_UNREADABLE");
        assert!(refusal.message.contains("refs/heads/main"), "{refusal:#?}");
    }
    fs::remove_file(branch).unwrap();
    sandbox.ask("u").base("fix-t").created();
}

#[test]
fn hooks_that_do_not_run_in_the_worktree_are_told() {
    let sandbox = Sandbox::new();
    let repo = &sandbox.repo;
    script(repo.join(".husky/_/pre-commit"), "exit 1");
    script(repo.join(".husky/_/commit-msg"), "exit 1");
    write(repo.join(".husky/_/h"), "no hook\n");
    write(repo.join(".gitignore"), ".husky/_\n");
    sandbox.commit_all(repo, "ignore");
    sandbox.git(repo, &["config", "core.hooksPath", ".husky/_"]);
    let answer = sandbox.ask("t").created();
    assert_eq!(answer.notes, ["hooks-missing"]);
    assert!(answer.note.contains("(pre-commit, commit-msg)"), "{}", answer.note);
    commits(&sandbox, &answer.path, 1);
    let advised = advice(&answer, "config");
    assert!(
        sandbox.command("sh", &sandbox.base).args(["-c", advised]).status().unwrap().success(),
        "{advised}"
    );
    assert!(!sandbox.try_git(&answer.path, &["commit", "--allow-empty", "-m", "x"]).status.success());
    assert!(sandbox.ask("u").created().notes.is_empty(), "an absolute path holds everywhere");

    // Tracked ones come with the branch; where the base is older they do not.
    script(repo.join("hooks/pre-commit"), "exit 0");
    let older = sandbox.git(repo, &["rev-parse", "HEAD"]);
    sandbox.git(repo, &["config", "core.hooksPath", "hooks"]);
    sandbox.commit_all(repo, "hooks");
    assert!(sandbox.ask("v").created().notes.is_empty());
    assert_eq!(sandbox.ask("w").base(&older).created().notes, ["hooks-missing"]);
}
