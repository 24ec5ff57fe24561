//! Every typed error: nothing is made or changed, and the next attempt is not blocked.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Change, Sandbox, lies_at, read, write};

#[test]
fn a_path_that_exists_is_never_taken() {
    let plants: [(&str, Change); 4] = [
        ("a directory with a file", |sandbox| write(sandbox.worktree("t").join("mine"), "mine")),
        ("an empty directory", |sandbox| fs::create_dir_all(sandbox.worktree("t")).unwrap()),
        ("a file", |sandbox| write(sandbox.worktree("t"), "mine")),
        ("somebody's worktree", |sandbox| {
            fs::create_dir_all(sandbox.worktree("t").parent().unwrap()).unwrap();
            let path = sandbox.worktree("t");
            sandbox.git(&sandbox.repo, &["worktree", "add", "-q", "--detach", path.to_str().unwrap()]);
        }),
    ];
    for (what, plant) in plants {
        let sandbox = Sandbox::new();
        plant(&sandbox);
        let refusal = sandbox.ask("t").refused("OKSTRA_PATH_EXISTS");
        assert_eq!(refusal.path, Some(sandbox.worktree("t")), "{what}");
        let aside = sandbox.base.join("aside");
        if what == "somebody's worktree" {
            let words = [
                "worktree",
                "move",
                refusal.path.as_ref().unwrap().to_str().unwrap(),
                aside.to_str().unwrap(),
            ];
            sandbox.git(&sandbox.repo, &words);
        } else {
            fs::rename(sandbox.worktree("t"), aside).unwrap();
        }
        sandbox.ask("t").created();
    }
}

#[test]
fn a_branch_of_nobody_is_never_taken() {
    let sandbox = Sandbox::new();
    sandbox.git(&sandbox.repo, &["branch", "fix-t"]);
    let refusal = sandbox.ask("t").refused("OKSTRA_BRANCH_EXISTS");
    assert_eq!(refusal.branch.as_deref(), Some("fix-t"));
    sandbox.git(&sandbox.repo, &["branch", "-m", "fix-t", "renamed"]);
    sandbox.ask("t").created();
}

#[test]
fn a_packed_branch_of_nobody_is_seen() {
    let sandbox = Sandbox::new();
    sandbox.git(&sandbox.repo, &["branch", "fix-t"]);
    sandbox.git(&sandbox.repo, &["pack-refs", "--all"]);
    sandbox.ask("t").refused("OKSTRA_BRANCH_EXISTS");
    sandbox.git(&sandbox.repo, &["branch", "-q", "-D", "fix-t"]);
    sandbox.ask("t").created();
}

#[test]
fn a_branch_that_is_a_directory_of_branches_is_named() {
    for packed in [false, true] {
        let sandbox = Sandbox::new();
        sandbox.git(&sandbox.repo, &["branch", "fix-t/x"]);
        if packed {
            sandbox.git(&sandbox.repo, &["pack-refs", "--all"]);
        }
        let refusal = sandbox.ask("t").refused("OKSTRA_BRANCH_EXISTS");
        assert!(refusal.message.contains("fix-t/x") && refusal.hint.contains("fix-t/x"), "{refusal:#?}");
        sandbox.git(&sandbox.repo, &["branch", "-q", "-D", "fix-t/x"]);
        sandbox.ask("t").created();
    }
}

#[test]
fn a_branch_with_a_longer_name_is_no_obstacle() {
    let sandbox = Sandbox::new();
    for branch in ["fix-t2", "fix-t.x", "x/fix-t", "fix-"] {
        sandbox.git(&sandbox.repo, &["branch", branch]);
    }
    sandbox.git(&sandbox.repo, &["tag", "fix-t"]);
    sandbox.ask("t").created();
}

#[test]
fn a_branch_of_another_task_is_never_taken() {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("t").group("one").created();
    let refusal = sandbox.ask("t").group("two").refused("OKSTRA_BRANCH_OWNED");
    assert!(refusal.message.contains("shop/one/t"), "{refusal:#?}");
    sandbox.ask("t").group("two").category("docs").created();
    assert_eq!(sandbox.ask("t").group("one").reused().path, first.path);
}

#[test]
fn a_branch_of_a_released_task_is_kept_for_it() {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("t").created();
    let head = sandbox.work_in(&first.path, "work");
    sandbox.release("t");
    let ask = sandbox.ask("t").group("two");
    let refusal = ask.run().expect_err("the branch holds work");
    assert_eq!(refusal.code, "OKSTRA_BRANCH_OWNED", "{refusal:#?}");
    // Released it already is, so that this is what helps.
    assert!(refusal.hint.contains("okstra remove shop/checkout/t --delete-branch"), "{refusal:#?}");
    assert!(!lies_at(ask.path()));
    sandbox.ask("t").restored(&head);
}

#[test]
fn a_repository_without_a_commit() {
    let sandbox = Sandbox::without_repository();
    fs::create_dir(&sandbox.repo).unwrap();
    sandbox.git(&sandbox.repo, &["init", "-q"]);
    let refusal = sandbox.ask("t").refused("OKSTRA_NO_COMMITS");
    assert!(refusal.message.contains("no commit"), "{refusal:#?}");
    sandbox.first_commit(&sandbox.repo);
    sandbox.ask("t").created();
}

#[test]
fn an_orphan_branch_with_commits_elsewhere() {
    let sandbox = Sandbox::new();
    sandbox.git(&sandbox.repo, &["checkout", "-q", "--orphan", "fresh"]);
    sandbox.ask("t").refused("OKSTRA_HEAD_UNBORN");
    sandbox.ask("t").base("main").created();
}

#[test]
fn a_base_that_is_no_commit() {
    let sandbox = Sandbox::new();
    let missing = "0123456789abcdef0123456789abcdef01234567";
    let tree = sandbox.git(&sandbox.repo, &["rev-parse", "HEAD^{tree}"]);
    for base in ["nowhere", "HEAD~5", "origin/main", missing, &tree, "@{-1}", "README.md"] {
        let refusal = sandbox.ask("t").base(base).refused("OKSTRA_BASE_NOT_FOUND");
        assert!(refusal.message.contains(base) && !refusal.message.contains("shallow"), "{refusal:#?}");
    }
    sandbox.ask("t").created();
}

#[test]
fn a_base_beyond_the_cut_of_a_shallow_clone() {
    let sandbox = Sandbox::new();
    let first = sandbox.git(&sandbox.repo, &["rev-parse", "HEAD"]);
    sandbox.work_in(&sandbox.repo, "second");
    let clone = sandbox.clone_to("clone", &["--depth=1"]);
    for base in ["HEAD~1", &first] {
        let refusal = sandbox.ask("t").root(&clone).base(base).refused("OKSTRA_BASE_NOT_FOUND");
        assert!(refusal.message.contains("shallow") && refusal.hint.contains("--deepen"), "{refusal:#?}");
    }
    sandbox.git(&clone, &["fetch", "-q", "--deepen=1"]);
    assert_eq!(sandbox.ask("t").root(&clone).base("HEAD~1").created().base, first);
}

#[test]
fn a_base_that_git_would_take_for_something_else() {
    let sandbox = Sandbox::new();
    for base in [
        "",
        "-b",
        "--detach",
        "--help",
        "-D",
        ":/first",
        "main:README.md",
        "main..main",
        "^main",
        "a b",
        "a\nb",
        "*",
    ] {
        let refusal = sandbox.ask("t").base(base).run().expect_err(base);
        assert!(
            ["OKSTRA_INVALID_ARGUMENT", "OKSTRA_BASE_NOT_FOUND"].contains(&&*refusal.code),
            "{base:?}: {refusal:#?}"
        );
        assert!(!lies_at(sandbox.worktree("t")), "{base:?}");
    }
    assert_eq!(sandbox.git(&sandbox.repo, &["branch", "--format=%(refname:short)"]), "main");
    sandbox.ask("t").created();
}

#[test]
fn options_of_git_branch_as_names_harm_no_branch() {
    let sandbox = Sandbox::new();
    sandbox.git(&sandbox.repo, &["branch", "victim"]);
    let words = [
        "-D",
        "-d",
        "-m",
        "-M",
        "-c",
        "-C",
        "-f",
        "-t",
        "-u",
        "-l",
        "-r",
        "-a",
        "-v",
        "-q",
        "-i",
        "--delete",
        "--move",
        "--copy",
        "--force",
        "--edit-description",
        "--unset-upstream",
        "--set-upstream-to=main",
        "--list",
        "--track",
        "--help",
        "--orphan",
        "--detach",
        "-B",
        "-b",
    ];
    for word in words {
        for ask in [
            sandbox.ask(word).base("victim"),
            sandbox.ask("victim").category(word),
            sandbox.ask("t").base(word),
            sandbox.ask("victim").group(word).project(word).base("victim"),
        ] {
            // Some are fine once made safe; none may touch the branch.
            let _ = ask.run();
        }
        assert_eq!(sandbox.git(&sandbox.repo, &["branch", "--list", "victim"]), "  victim", "{word}");
    }
    for path in sandbox.registry()["tasks"].as_object().unwrap().values() {
        let path = path["worktree_path"].as_str().unwrap();
        assert!(std::path::Path::new(path).starts_with(sandbox.home.join("worktrees")));
    }
}

#[test]
fn no_such_project_root() {
    let sandbox = Sandbox::new();
    symlink("nowhere", sandbox.base.join("dangling")).unwrap();
    for root in ["nowhere", "repo/README.md", "repo/README.md/x", "dangling"] {
        let refusal = sandbox.ask("t").root(sandbox.base.join(root)).refused("OKSTRA_ROOT_NOT_FOUND");
        assert!(refusal.message.contains(root), "{refusal:#?}");
    }
    assert!(!lies_at(&sandbox.home), "nothing was made");
}

#[test]
fn unsafe_names() {
    let sandbox = Sandbox::new();
    for bad in ["", "   ", "a\nb", "a\u{0}b".replace('\0', "\u{1}").as_str(), "\u{7f}", "\u{85}"] {
        for ask in [sandbox.ask(bad), sandbox.ask("t").project(bad)] {
            ask.refused("OKSTRA_INVALID_ARGUMENT");
        }
        // A blank group is one that nobody named.
        if !bad.trim_matches(' ').is_empty() {
            sandbox.ask("t").group(bad).refused("OKSTRA_INVALID_ARGUMENT");
        }
    }
    assert!(!lies_at(sandbox.home.join("worktrees/registry.json")));
}

#[test]
fn names_that_climb_stay_below_the_home() {
    let sandbox = Sandbox::new();
    let inside = sandbox.home.join("worktrees");
    for (number, bad) in
        ["..", "../..", "/etc", "a/../../b", "..\\..", ".", "~", "$HOME", ".git", ".quarantine"]
            .iter()
            .enumerate()
    {
        let project = format!("p{number}");
        let answer = sandbox.ask(bad).group(bad).project(&project).run();
        if let Ok(answer) = answer {
            assert!(answer.path.canonicalize().unwrap().starts_with(inside.join(project)), "{bad}");
            // The same branch would meet in one repository.
            sandbox.git(&answer.path, &["branch", "-q", "-m", &format!("seen-{number}")]);
        }
        let answer = sandbox.ask("t").category("docs").project(bad).run();
        if let Ok(answer) = answer {
            assert!(answer.path.canonicalize().unwrap().starts_with(&inside), "{bad}");
        }
    }
    let names: Vec<_> =
        fs::read_dir(&sandbox.base).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        names.iter().all(|name| ["answers", "okstra", "repo", "user"].iter().any(|known| name == known)),
        "{names:?}"
    );
}

#[test]
fn a_home_that_others_may_change() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    fs::create_dir(&sandbox.home).unwrap();
    fs::set_permissions(&sandbox.home, fs::Permissions::from_mode(0o777)).unwrap();
    sandbox.ask("t").refused("OKSTRA_UNSAFE_HOME");
    fs::set_permissions(&sandbox.home, fs::Permissions::from_mode(0o700)).unwrap();
    sandbox.ask("t").created();
}

#[test]
fn after_each_error_the_old_task_still_works() {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("t").created();
    let registry = read(sandbox.home.join("worktrees/registry.json"));
    sandbox.ask("u").base("nowhere").refused("OKSTRA_BASE_NOT_FOUND");
    sandbox.ask("t").group("two").refused("OKSTRA_BRANCH_OWNED");
    assert_eq!(read(sandbox.home.join("worktrees/registry.json")), registry);
    assert_eq!(sandbox.ask("t").reused().path, first.path);
}
