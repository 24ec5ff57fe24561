//! What the answer says of a worktree in which somebody switched, renamed, deleted or stopped in the middle.

use std::fs;
use std::path::Path;

use crate::support::ask::Answer;
use crate::support::{Sandbox, read, write};

/// Runs the command that a note advises: what stands in its first backticks.
fn take_the_advice(sandbox: &Sandbox, answer: &Answer, containing: &str) {
    let advised = answer.note.split('`').find(|part| part.contains(containing)).expect(&answer.note);
    let mut command = sandbox.command("sh", &sandbox.base);
    let done = command.args(["-c", advised]).output().unwrap();
    assert!(done.status.success(), "{advised}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A repository of each kind of references that this git can make.
fn of_each_kind() -> impl Iterator<Item = (&'static str, Sandbox)> {
    ["files", "reftable"].into_iter().filter_map(|format| {
        let sandbox = Sandbox::without_repository();
        fs::create_dir(&sandbox.repo).unwrap();
        let option = format!("--ref-format={format}");
        if format == "files" {
            sandbox.init(&sandbox.repo, &[]);
        } else if sandbox.try_git(&sandbox.repo, &["init", "-q", &option]).status.success() {
            sandbox.first_commit(&sandbox.repo);
        } else {
            return None;
        }
        Some((format, sandbox))
    })
}

#[test]
fn reused_names_the_branch_that_is_checked_out_and_the_way_back() {
    for (format, sandbox) in of_each_kind() {
        let tree = sandbox.ask("t").created().path;
        let usual = sandbox.ask("t").reused();
        assert_eq!((usual.branch.as_str(), usual.notes.len()), ("fix-t", 0), "{format}");

        sandbox.git(&tree, &["switch", "-q", "-c", "other"]);
        let answer = sandbox.ask("t").phase("review").reused();
        assert_eq!(
            (answer.branch.as_str(), answer.notes),
            ("other", vec!["other-branch".to_owned()]),
            "{format}"
        );
        assert!(answer.note.contains("on branch other (") && answer.note.contains("task's branch fix-t"));
        assert_eq!(sandbox.row("t")["branch"], "fix-t", "the task keeps its branch");
        take_the_advice(&sandbox, &sandbox.ask("t").reused(), "switch");
        assert_eq!(sandbox.ask("t").reused().branch, "fix-t", "{format}");

        sandbox.git(&tree, &["checkout", "-q", "--detach"]);
        let answer = sandbox.ask("t").reused();
        assert_eq!(
            (answer.branch.as_str(), answer.notes.as_slice()),
            ("", &["detached".to_owned()][..]),
            "{format}"
        );
        assert!(answer.note.contains("on a detached HEAD ("), "{}", answer.note);
        take_the_advice(&sandbox, &answer, "switch");
        assert_eq!(sandbox.ask("t").reused().branch, "fix-t", "{format}");
    }
}

#[test]
fn a_packed_branch_is_there() {
    let sandbox = Sandbox::new();
    sandbox.ask("t").created();
    sandbox.git(&sandbox.repo, &["pack-refs", "--all"]);
    let answer = sandbox.ask("t").reused();
    assert_eq!((answer.branch.as_str(), answer.notes.len()), ("fix-t", 0));
}

#[test]
fn a_renamed_branch_stays_the_tasks() {
    for (format, sandbox) in of_each_kind() {
        let tree = sandbox.ask("t").created().path;
        sandbox.git(&tree, &["branch", "-m", "nice/name"]);
        sandbox.git(&tree, &["branch", "-m", "nice/other"]);
        let work = sandbox.work_in(&tree, "work");
        let answer = sandbox.ask("t").phase("two").reused();
        assert_eq!(
            (answer.branch.as_str(), answer.notes),
            ("nice/other", vec!["branch-renamed".to_owned()]),
            "{format}"
        );
        assert_eq!(sandbox.row("t")["branch"], "nice/other");
        assert_eq!(sandbox.registry()["branches"]["nice/other"], "shop/checkout/t");
        assert!(sandbox.registry()["branches"].get("fix-t").is_none());
        let again = sandbox.ask("t").reused();
        assert_eq!((again.branch.as_str(), again.notes.len()), ("nice/other", 0), "told once");

        // Renamed again, and then the directory vanishes.
        sandbox.git(&tree, &["branch", "-m", "third"]);
        fs::remove_dir_all(&tree).unwrap();
        let back = sandbox.ask("t").restored(&work);
        assert_eq!(
            (back.branch.as_str(), back.notes),
            ("third", vec!["branch-renamed".to_owned()]),
            "{format}"
        );
    }
}

#[test]
fn a_released_task_whose_branch_was_renamed_is_taken_up_on_it() {
    let sandbox = Sandbox::new();
    let tree = sandbox.ask("t").created().path;
    sandbox.release("t");
    sandbox.git(&tree, &["branch", "-m", "renamed"]);
    sandbox.git(&tree, &["switch", "-q", "--detach"]);
    let work = sandbox.git(&tree, &["rev-parse", "HEAD"]);
    let back = sandbox.ask("t").restored(&work);
    assert_eq!((back.branch.as_str(), back.notes), ("renamed", vec!["branch-renamed".to_owned()]));
    assert_eq!(sandbox.row("t")["branch"], "renamed");
}

#[test]
fn a_branch_that_was_renamed_before_the_task_was_is_not_followed() {
    let sandbox = Sandbox::new();
    sandbox.git(&sandbox.repo, &["branch", "fix-t"]);
    let mut command = sandbox.command("git", &sandbox.repo);
    let renamed =
        command.args(["branch", "-m", "fix-t", "kept"]).env("GIT_COMMITTER_DATE", "@1000000000 +0000");
    assert!(renamed.status().unwrap().success());
    let tree = sandbox.ask("t").created().path;
    fs::remove_dir_all(&tree).unwrap();
    sandbox.git(&sandbox.repo, &["worktree", "prune", "--expire=now"]);
    sandbox.git(&sandbox.repo, &["update-ref", "-d", "refs/heads/fix-t"]);
    let answer = sandbox.ask("t").expect("created");
    assert_eq!((answer.branch.as_str(), answer.notes), ("fix-t", vec!["branch-gone".to_owned()]));
}

#[test]
fn beginning_anew_is_told_with_where_the_work_may_be() {
    let sandbox = Sandbox::new();
    let tree = sandbox.ask("t").created().path;
    sandbox.git(&tree, &["switch", "-q", "-c", "elsewhere"]);
    sandbox.work_in(&tree, "work");
    sandbox.git(&tree, &["branch", "-D", "fix-t"]);
    let answer = sandbox.ask("t").reused();
    assert_eq!((answer.branch.as_str(), answer.notes), ("elsewhere", vec!["branch-gone".to_owned()]));

    fs::remove_dir_all(&tree).unwrap();
    let answer = sandbox.ask("t").created();
    assert_eq!(answer.notes, ["branch-gone"]);
    for said in ["fix-t does not exist any more", "on branch elsewhere", &answer.base[..12]] {
        assert!(answer.note.contains(said), "{said}: {}", answer.note);
    }
}

#[test]
fn a_branch_that_was_deleted_under_its_worktree_is_told_and_comes_back_as_advised() {
    let sandbox = Sandbox::new();
    sandbox.ask("t").created();
    sandbox.git(&sandbox.repo, &["update-ref", "-d", "refs/heads/fix-t"]);
    let answer = sandbox.ask("t").reused();
    assert_eq!(answer.notes, ["branch-gone"]);
    assert!(answer.note.contains("`okstra doctor --fix`"), "{}", answer.note);
}

#[test]
fn a_worktree_that_comes_back_from_another_branch_says_so() {
    let sandbox = Sandbox::new();
    let tree = sandbox.ask("t").created().path;
    let work = sandbox.work_in(&tree, "work");
    sandbox.git(&tree, &["switch", "-q", "-c", "other"]);
    fs::remove_dir_all(&tree).unwrap();
    let back = sandbox.ask("t").restored(&work);
    assert_eq!((back.branch.as_str(), back.notes), ("fix-t", vec!["other-branch".to_owned()]));
    assert!(back.note.contains("on branch other"), "{}", back.note);
}

#[test]
fn what_git_is_in_the_middle_of_is_told_with_the_way_out() {
    for (format, sandbox) in of_each_kind() {
        let tree = sandbox.ask("t").created().path;
        write(tree.join("README.md"), "mine\n");
        sandbox.commit_all(&tree, "mine");
        write(sandbox.repo.join("README.md"), "theirs\n");
        let theirs = sandbox.commit_all(&sandbox.repo, "theirs");
        for (words, about, branch) in [
            (["merge", &theirs], "merge", "fix-t"),
            (["rebase", &theirs], "rebase", ""),
            (["cherry-pick", &theirs], "cherry-pick", "fix-t"),
            (["bisect", "start"], "bisect", "fix-t"),
        ] {
            let _ = sandbox.try_git(&tree, &words);
            let answer = sandbox.ask("t").reused();
            assert_eq!(
                (answer.branch.as_str(), answer.notes.as_slice()),
                (branch, &["operation".to_owned()][..]),
                "{format} {words:?}"
            );
            assert!(answer.note.contains(&format!("in the middle of a {about}")), "{}", answer.note);
            take_the_advice(&sandbox, &answer, if about == "bisect" { "reset" } else { "--abort" });
            let after = sandbox.ask("t").reused();
            assert_eq!((after.branch.as_str(), after.notes.len()), ("fix-t", 0), "{format} {words:?}");
        }
    }
}

#[test]
fn an_answer_from_files_starts_no_git_where_the_branch_is_another() {
    let sandbox = Sandbox::new();
    let tree = sandbox.ask("t").created().path;
    sandbox.git(&tree, &["switch", "-q", "-c", "other"]);
    assert_eq!(sandbox.ask("t").env("PATH", "/nonexistent").reused().branch, "other");
    let head = read(Path::new(&sandbox.repo.join(".git/worktrees/t/HEAD")));
    assert_eq!(head, "ref: refs/heads/other\n", "nothing was changed");
}
