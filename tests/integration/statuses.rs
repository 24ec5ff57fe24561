//! The answers that make nothing new: reused, skipped; and the plain created.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Sandbox, lies_at, read, write};

#[test]
fn a_new_task_gets_a_branch_a_worktree_and_a_row() {
    let sandbox = Sandbox::new();
    let answer = sandbox.ask("Fix 42").category("Bug").created();
    assert_eq!(answer.key, "shop/checkout/fix-42");
    assert_eq!(answer.branch, "fix-fix-42");
    assert_eq!(answer.path, sandbox.worktree("fix-42"));
    assert_eq!(answer.base, sandbox.git(&sandbox.repo, &["rev-parse", "HEAD"]));
    assert_eq!(answer.post_checkout_exit, None);
    assert_eq!(read(answer.path.join("docs/deep/er/page.txt")), "page\n");
}

#[test]
fn the_base_may_be_any_commit_ish_and_is_recorded_as_a_full_id() {
    let sandbox = Sandbox::new();
    let first = sandbox.git(&sandbox.repo, &["rev-parse", "HEAD"]);
    sandbox.git(&sandbox.repo, &["tag", "-a", "-m", "v1", "v1"]);
    sandbox.git(&sandbox.repo, &["branch", "side"]);
    // A tag and a branch of one name: git calls that ambiguous, and it is no reason to fail.
    sandbox.git(&sandbox.repo, &["branch", "v1"]);
    sandbox.work_in(&sandbox.repo, "second");
    for (task, base) in [
        ("a", "v1"),
        ("b", "side"),
        ("c", "HEAD~1"),
        ("d", "main^"),
        ("e", &first[..12]),
        ("f", &first),
        ("g", "v1^{}"),
    ] {
        assert_eq!(sandbox.ask(task).base(base).created().base, first, "{base}");
    }
}

#[test]
fn a_remote_branch_as_base_is_not_tracked() {
    let sandbox = Sandbox::new();
    let clone = sandbox.clone_to("clone", &[]);
    sandbox.git(&clone, &["config", "branch.autoSetupMerge", "always"]);
    sandbox.ask("t").root(&clone).base("origin/main").created();
    assert!(!read(clone.join(".git/config")).contains("[branch \"fix-t\"]"));
}

#[test]
fn the_default_base_is_the_main_worktrees_head() {
    let sandbox = Sandbox::new();
    let head = sandbox.work_in(&sandbox.repo, "second");
    sandbox.git(&sandbox.repo, &["branch", "old", "HEAD~1"]);
    assert_eq!(sandbox.ask("t").root(sandbox.repo.join("docs/deep")).created().base, head);
}

#[test]
fn a_later_phase_gets_the_same_worktree_and_starts_no_git() {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("t").phase("requirements-discovery").created();
    sandbox.work_in(&first.path, "work");
    fs::write(first.path.join("untracked"), "kept").unwrap();
    sandbox.work_in(&sandbox.repo, "main went on");
    let bare = sandbox.base.join("empty");
    fs::create_dir(&bare).unwrap();
    for phase in ["implementation-planning", "implementation", "implementation", ""] {
        let again = sandbox.ask("t").phase(phase).category("docs").base("HEAD").env("PATH", &bare).reused();
        assert_eq!((&again.path, &again.branch, &again.base), (&first.path, &first.branch, &first.base));
        assert_eq!(again.linked, first.linked);
    }
    assert_eq!(read(first.path.join("untracked")), "kept");
}

#[test]
fn reused_from_every_spelling_of_the_project_root() {
    let sandbox = Sandbox::new();
    sandbox.ask("t").created();
    symlink(&sandbox.repo, sandbox.base.join("link")).unwrap();
    symlink(sandbox.repo.join("docs"), sandbox.base.join("inner")).unwrap();
    for root in ["repo/docs/deep", "link", "link/src", "inner/deep", "repo/.", "repo/src/../docs"] {
        let answer = sandbox.ask("t").root(sandbox.base.join(root)).reused();
        assert!(!answer.note.contains("another"), "{root} is the same repository: {}", answer.note);
    }
    sandbox.ask("t").root("repo").cwd(&sandbox.base).reused();
    sandbox.ask("t").root("").cwd(&sandbox.repo).run().map_or_else(
        |refusal| assert!(["OKSTRA_ROOT_NOT_FOUND", "OKSTRA_INVALID_ARGUMENT"].contains(&&*refusal.code)),
        |answer| assert_eq!(answer.status, "reused"),
    );
}

#[test]
fn created_from_a_subdirectory_and_through_a_symlinked_root() {
    let sandbox = Sandbox::new();
    symlink(&sandbox.repo, sandbox.base.join("link")).unwrap();
    sandbox.ask("a").root(sandbox.repo.join("docs/deep")).created();
    sandbox.ask("b").root(sandbox.base.join("link/src")).created();
    sandbox.ask("c").root("repo").cwd(&sandbox.base).created();
}

#[test]
fn reused_from_another_clone_names_the_first_repository() {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("t").created();
    let clone = sandbox.clone_to("clone", &[]);
    let again = sandbox.ask("t").root(&clone).reused();
    assert_eq!((&again.path, &again.branch), (&first.path, &first.branch));
    assert!(again.note.contains(&*sandbox.repo.to_string_lossy()), "{}", again.note);
    assert_eq!(again.notes, ["other-repository"]);
    assert_eq!(sandbox.git(&clone, &["branch", "--list", "fix-t"]), "", "the clone is left alone");
}

#[test]
fn in_no_repository_nothing_is_touched() {
    let sandbox = Sandbox::without_repository();
    let root = sandbox.base.join("plain");
    fs::create_dir(&root).unwrap();
    let answer = sandbox.ask("t").root(&root).expect("skipped-not-git");
    assert_eq!(answer.path, root);
    assert_eq!((answer.branch.as_str(), answer.base.as_str()), ("", ""));
    assert!(!lies_at(&sandbox.home), "not even the home was made");
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
}

#[test]
fn in_a_linked_worktree_the_caller_is_isolated_already() {
    let sandbox = Sandbox::new();
    let tree = sandbox.base.join("own tree");
    sandbox.git(&sandbox.repo, &["worktree", "add", "-q", "-b", "mine", tree.to_str().unwrap()]);
    for root in [tree.clone(), tree.join("docs/deep")] {
        let answer = sandbox.ask("t").root(&root).expect("skipped-in-worktree");
        assert_eq!(answer.path, root);
    }
    assert!(sandbox.registry().is_null(), "the registry is not written");
    assert_eq!(sandbox.git(&sandbox.repo, &["branch", "--list", "fix-*"]), "");
}

#[test]
fn from_inside_its_own_worktree_a_task_gets_no_second_one() {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("t").created();
    let registry = read(sandbox.home.join("worktrees/registry.json"));
    for root in [first.path.clone(), first.path.join("docs/deep")] {
        let answer = sandbox.ask("t").phase("later").root(&root).expect("skipped-in-worktree");
        assert_eq!(answer.path, root);
        assert!(answer.note.contains("shop/checkout/t"), "{}", answer.note);
    }
    sandbox.release("t");
    let released = sandbox.ask("t").phase("later").root(&first.path).expect("skipped-in-worktree");
    assert_eq!(released.path, first.path);
    assert_eq!(registry.matches("active").count(), 1);
}

#[test]
fn from_inside_a_task_worktree_another_task_gets_its_own_from_the_main_worktree() {
    let sandbox = Sandbox::new();
    let base = sandbox.git(&sandbox.repo, &["rev-parse", "HEAD"]);
    write(sandbox.repo.join(".scratch/file"), "x");
    write(sandbox.repo.join(".git/info/exclude"), ".scratch\n");
    let first = sandbox.ask("t").created();
    sandbox.work_in(&first.path, "work of t");
    let deep = first.path.join("docs/deep");
    for (task, root) in [("u", &first.path), ("v", &deep)] {
        let other = sandbox.ask(task).root(root).expect("created");
        assert_eq!((other.path.clone(), other.base.clone()), (sandbox.worktree(task), base.clone()));
        assert!(other.note.contains("shop/checkout/t"), "{}", other.note);
        assert_eq!(other.linked, [".scratch"], "what the main worktree shares");
        let again = sandbox.ask(task).phase("later").root(root).expect("reused");
        assert_eq!(again.path, other.path);
    }
    sandbox.release("t");
    assert_eq!(sandbox.ask("w").root(&first.path).expect("created").path, sandbox.worktree("w"));
    let other = sandbox.base.join("other");
    sandbox.init(&other, &[]);
    let own = sandbox.ask("t").project("other").root(&other).created();
    let back = sandbox.ask("x").root(&own.path).expect("created");
    assert!(back.note.contains(&*other.to_string_lossy()), "by the repository of that task: {}", back.note);
}

#[test]
fn one_branch_name_in_two_repositories() {
    let sandbox = Sandbox::new();
    let other = sandbox.base.join("other");
    sandbox.init(&other, &[]);
    let one = sandbox.ask("42").project("one").created();
    let two = sandbox.ask("42").project("two").root(&other).created();
    assert_eq!(one.branch, two.branch);
    assert_ne!(one.path, two.path);
    assert_eq!(
        sandbox.registry()["branches"][&one.branch],
        "one/checkout/42",
        "the first owner stands in the map"
    );
}

#[test]
fn ids_that_differ_in_case_and_form_are_one_task_and_all_others_are_told() {
    let sandbox = Sandbox::new();
    for (first, same, others) in [
        ("Fix-42", &["fix-42", " FIX-42 "][..], &["FIX 42", "fix_42", "fix/42", "#fix-42"][..]),
        ("1.2", &["1.2"], &["1-2", "1_2"]),
        ("\u{c9}t\u{e9} 1", &["e\u{301}t\u{e9} 1"], &[]),
    ] {
        let made = sandbox.ask(first).created();
        for id in same {
            assert_eq!(sandbox.ask(id).expect("reused").path, made.path, "{id:?}");
        }
        for id in others {
            let refusal = sandbox.ask(id).refused("OKSTRA_OTHER_ID");
            assert!(refusal.message.contains(id) && refusal.hint.contains(first), "{refusal:#?}");
        }
        sandbox.release(made.path.file_name().unwrap().to_str().unwrap());
        for id in others {
            sandbox.ask(id).refused("OKSTRA_OTHER_ID");
        }
        sandbox.ask(first).expect("restored");
    }
    for id in ["#", "...", "-"] {
        sandbox.ask(id).refused("OKSTRA_INVALID_ARGUMENT");
    }
    let [one, other] = ["\u{1f525}", "\u{1f680}"].map(|id| sandbox.ask(id).created().path);
    assert_ne!(one, other);
    let group = sandbox.ask("t").group("v1.2").created();
    sandbox.ask("t").group("v1-2").refused("OKSTRA_OTHER_ID");
    assert_eq!(sandbox.ask("t").group("V1.2").expect("reused").path, group.path);
}

#[test]
fn what_a_task_was_asked_for_as_is_known_after_the_registry_is_lost() {
    let sandbox = Sandbox::new();
    let made = sandbox.ask("1.2").created();
    for name in ["registry.json", "registry.json.bak"] {
        let _ = fs::remove_file(sandbox.home.join("worktrees").join(name));
    }
    let refusal = sandbox.ask("1-2").run().expect_err("another id");
    assert_eq!(refusal.code, "OKSTRA_OTHER_ID");
    assert_eq!(sandbox.ask("1.2").expect("reused").path, made.path);
}

#[test]
fn a_task_of_0_12_0_keeps_its_spelling_and_gets_the_first_id_that_is_asked_for() {
    let sandbox = Sandbox::new();
    let made = sandbox.ask("1-2").created();
    // As 0.12.0 leaves it: a row, and nothing of ours.
    let file = sandbox.home.join("worktrees/registry.json");
    let mut registry = sandbox.registry();
    registry.as_object_mut().unwrap().remove("okstra");
    write(&file, serde_json::to_string_pretty(&registry).unwrap());
    assert_eq!(sandbox.ask("1.2").expect("reused").path, made.path);
    assert_eq!(sandbox.ask("1.2").phase("next").expect("reused").path, made.path);
    sandbox.ask("1_2").refused("OKSTRA_OTHER_ID");
}
