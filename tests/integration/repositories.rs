//! Every layout a repository can have: where its git directory, its main worktree and its refs lie.

use std::fs;
use std::path::PathBuf;

use crate::support::{Sandbox, is_root, lies_at, read, write};

/// The id of the process that owns the repository in the tests of foreign ownership.
const STRANGER: u32 = 54_321;

fn give_to_stranger(path: &std::path::Path) {
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        std::os::unix::fs::lchown(&path, Some(STRANGER), Some(STRANGER)).unwrap();
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}

#[test]
fn bare() {
    let sandbox = Sandbox::new();
    let bare = sandbox.clone_to("bare.git", &["--bare"]);
    let answer = sandbox.ask("t").root(&bare).created();
    assert_eq!(answer.linked, [] as [&str; 0], "there is no main worktree to share from");
    assert_eq!(sandbox.ask("t").root(&bare).reused().path, answer.path);
    let head = sandbox.work_in(&answer.path, "work");
    fs::remove_dir_all(&answer.path).unwrap();
    sandbox.ask("t").root(&bare).restored(&head);
}

#[test]
fn a_hidden_bare_directory_behind_a_git_file() {
    let sandbox = Sandbox::new();
    let container = sandbox.base.join("container");
    sandbox.clone_to("container/.bare", &["--bare"]);
    write(container.join(".git"), "gitdir: ./.bare\n");
    let answer = sandbox.ask("t").root(&container).created();
    assert_eq!(sandbox.ask("t").root(&container).reused().path, answer.path);
    let tree = container.join("main");
    sandbox.git(&container, &["worktree", "add", "-q", tree.to_str().unwrap(), "main"]);
    sandbox.ask("u").root(&tree).expect("skipped-in-worktree");
}

#[test]
fn bare_where_git_wants_bare_repositories_named() {
    let sandbox = Sandbox::new();
    let bare = sandbox.clone_to("bare.git", &["--bare"]);
    let config = sandbox.base.join("user/.gitconfig");
    write(&config, format!("{}[safe]\n\tbareRepository = explicit\n", read(&config)));
    let ask = sandbox.ask("t").root(&bare);
    match ask.run() {
        Ok(answer) => assert_eq!(answer.status, "created"),
        Err(refusal) => {
            assert_ne!(refusal.code, "OKSTRA_INTERNAL", "{refusal:#?}");
            assert!(!lies_at(ask.path()) && !lies_at(bare.join("refs/heads/fix-t")), "{refusal:#?}");
        }
    }
    // It says nothing against the repository of a work tree.
    sandbox.ask("u").created();
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let sandbox = Sandbox::new();
    let outer = sandbox.base.join("outer");
    sandbox.init(&outer, &[]);
    sandbox.git(&outer, &["submodule", "--quiet", "add", sandbox.repo.to_str().unwrap(), "sub"]);
    sandbox.commit_all(&outer, "with a submodule");
    let sub = outer.join("sub");
    write(sub.join(".scratch/file"), "x");
    write(outer.join(".git/modules/sub/info/exclude"), ".scratch\n");
    let answer = sandbox.ask("t").root(&sub).created();
    assert_eq!(answer.linked, [".scratch"]);
    assert_eq!(fs::read_link(answer.path.join(".scratch")).unwrap(), sub.join(".scratch"));
    assert_eq!(sandbox.git(&outer, &["branch", "--list", "fix-t"]), "", "the outer repository is left alone");
    assert_eq!(sandbox.ask("t").root(sub.join("src")).reused().path, answer.path);
}

/// A repository with the sandbox's own as a submodule in `sub`, and a task of it with the submodule checked out.
fn with_submodule(sandbox: &Sandbox) -> (PathBuf, PathBuf) {
    let outer = sandbox.base.join("outer");
    sandbox.init(&outer, &[]);
    sandbox.git(&outer, &["config", "--global", "protocol.file.allow", "always"]);
    sandbox.git(&outer, &["submodule", "--quiet", "add", sandbox.repo.to_str().unwrap(), "sub"]);
    sandbox.commit_all(&outer, "with a submodule");
    let tree = sandbox.ask("t").project("outer").root(&outer).created().path;
    sandbox.git(&tree, &["submodule", "--quiet", "update", "--init"]);
    (outer, tree)
}

#[test]
fn what_lies_inside_a_task_worktree_is_isolated_already() {
    let sandbox = Sandbox::new();
    let (outer, tree) = with_submodule(&sandbox);
    let nested = tree.join("vendor/inner");
    sandbox.init(&nested, &[]);
    let deep = nested.join("src/own");
    sandbox.init(&deep, &[]);
    let registry = read(sandbox.home.join("worktrees/registry.json"));
    for root in [tree.join("sub"), tree.join("sub/src"), nested.clone(), deep] {
        for (project, task) in [("shop", "x"), ("outer", "t")] {
            let ask = sandbox.ask(task).project(project).root(&root);
            let answer = ask.expect("skipped-in-worktree");
            assert_eq!(answer.path, root);
            assert!(answer.note.contains("outer/checkout/t"), "{}", answer.note);
        }
    }
    // Its git data goes with the task's worktree, wherever the tree of it lies.
    let side = sandbox.base.join("side");
    sandbox.git(&tree.join("sub"), &["worktree", "add", "-q", "-b", "side", side.to_str().unwrap()]);
    sandbox.ask("x").root(&side).expect("skipped-in-worktree");
    let module = outer.join(".git/worktrees/t/modules/sub");
    assert!(module.is_dir());
    sandbox.ask("x").root(&module).expect("skipped-in-worktree");
    assert_eq!(read(sandbox.home.join("worktrees/registry.json")), registry, "nothing was made");
    // Whoever names the outer project means its repository.
    let other = sandbox.ask("u").project("outer").root(tree.join("sub")).expect("created");
    assert_eq!(
        sandbox.git(&other.path, &["rev-parse", "--git-common-dir"]),
        *outer.join(".git").to_string_lossy()
    );
}

#[test]
fn a_submodule_of_a_plain_linked_worktree_is_isolated_and_a_clone_in_it_is_not() {
    let sandbox = Sandbox::new();
    let (outer, _) = with_submodule(&sandbox);
    let side = sandbox.base.join("side");
    sandbox.git(&outer, &["worktree", "add", "-q", "--detach", side.to_str().unwrap()]);
    sandbox.git(&side, &["submodule", "--quiet", "update", "--init"]);
    let answer = sandbox.ask("x").root(side.join("sub")).expect("skipped-in-worktree");
    assert!(answer.note.contains(&*side.to_string_lossy()), "{}", answer.note);
    let clone = side.join("vendor/clone");
    sandbox.init(&clone, &[]);
    sandbox.ask("x").root(&clone).created();
    sandbox.ask("y").root(outer.join("sub")).expect("created");
}

#[test]
fn a_flag_that_says_bare_does_not_make_another_repository_of_a_clone() {
    type Accident = fn(&Sandbox);
    let accidents: [(&str, Accident); 3] = [
        ("core.bare", |sandbox| drop(sandbox.git(&sandbox.repo, &["config", "core.bare", "true"]))),
        ("core.bare of the worktree", |sandbox| {
            sandbox.git(&sandbox.repo, &["config", "extensions.worktreeConfig", "true"]);
            sandbox.git(&sandbox.repo, &["config", "--worktree", "core.bare", "true"]);
        }),
        ("core.worktree", |sandbox| {
            sandbox.git(&sandbox.repo, &["config", "core.worktree", "/not/there"]);
        }),
    ];
    for (what, accident) in accidents {
        let sandbox = Sandbox::new();
        write(sandbox.repo.join(".scratch/file"), "x");
        write(sandbox.repo.join(".git/info/exclude"), ".scratch\n");
        let first = sandbox.ask("t").created();
        accident(&sandbox);
        for root in [sandbox.repo.clone(), sandbox.repo.join("src"), sandbox.repo.join(".git")] {
            assert_eq!(sandbox.ask("t").root(&root).reused().path, first.path, "{what}");
        }
        let other = sandbox.ask("u").expect("created");
        assert_eq!(other.linked, [".scratch"], "{what}: the main worktree is where its files are");
        assert_eq!(sandbox.git(&other.path, &["status", "--porcelain"]), "", "{what}");
        let from_within = sandbox.ask("v").root(&other.path).expect("created");
        assert_eq!(from_within.linked, [".scratch"], "{what}");
    }
}

#[test]
fn a_repository_that_is_bare_on_purpose_stays_so() {
    let sandbox = Sandbox::new();
    let container = sandbox.base.join("container");
    sandbox.clone_to("container/.git", &["--bare"]);
    let answer = sandbox.ask("t").root(&container).created();
    assert_eq!(answer.linked, [] as [&str; 0]);
    // Made bare later, with an index that is left and the files gone.
    for name in ["README.md", "src", "docs"] {
        let place = sandbox.repo.join(name);
        if place.is_dir() { fs::remove_dir_all(place).unwrap() } else { fs::remove_file(place).unwrap() }
    }
    sandbox.git(&sandbox.repo, &["config", "core.bare", "true"]);
    assert_eq!(sandbox.ask("u").expect("created").linked, [] as [&str; 0]);
}

#[test]
fn a_repository_with_submodules() {
    let sandbox = Sandbox::new();
    let outer = sandbox.base.join("outer");
    sandbox.init(&outer, &[]);
    sandbox.git(&outer, &["submodule", "--quiet", "add", sandbox.repo.to_str().unwrap(), "sub"]);
    sandbox.commit_all(&outer, "with a submodule");
    sandbox.git(&outer, &["config", "submodule.recurse", "true"]);
    let answer = sandbox.ask("t").root(&outer).created();
    assert_eq!(
        fs::read_dir(answer.path.join("sub")).unwrap().count(),
        0,
        "submodules are not fetched unasked"
    );
}

#[test]
fn a_separate_git_directory() {
    let sandbox = Sandbox::new();
    let tree = sandbox.base.join("separate");
    sandbox.init(&tree, &["--separate-git-dir", sandbox.base.join("separate.git").to_str().unwrap()]);
    write(tree.join(".scratch/file"), "x");
    write(sandbox.base.join("separate.git/info/exclude"), ".scratch\n");
    let answer = sandbox.ask("t").root(tree.join("src")).created();
    assert_eq!(answer.linked, [".scratch"]);
    assert_eq!(fs::read_link(answer.path.join(".scratch")).unwrap(), tree.join(".scratch"));
    assert_eq!(sandbox.ask("t").root(&tree).reused().path, answer.path);
}

#[test]
fn a_main_worktree_that_lies_elsewhere() {
    let sandbox = Sandbox::new();
    let elsewhere = sandbox.base.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for name in ["README.md", "src", "docs"] {
        fs::rename(sandbox.repo.join(name), elsewhere.join(name)).unwrap();
    }
    write(elsewhere.join(".scratch/file"), "x");
    write(sandbox.repo.join(".git/info/exclude"), ".scratch\n");
    sandbox.git(&sandbox.repo, &["config", "core.worktree", elsewhere.to_str().unwrap()]);
    let answer = sandbox.ask("t").created();
    assert_eq!(sandbox.git(&sandbox.repo, &["rev-parse", "--show-toplevel"]), *elsewhere.to_string_lossy());
    assert_eq!(answer.linked, [".scratch"], "the main worktree is where git says it is");
    assert_eq!(sandbox.ask("t").reused().path, answer.path);
}

#[test]
fn a_project_root_inside_the_git_directory() {
    let sandbox = Sandbox::new();
    for (task, root) in [("a", ".git"), ("b", ".git/refs/heads")] {
        let root = sandbox.repo.join(root);
        let ask = sandbox.ask(task).root(&root);
        match ask.run() {
            Ok(answer) => assert_eq!((answer.status.as_str(), answer.path), ("created", ask.path())),
            Err(refusal) => {
                assert_ne!(refusal.code, "OKSTRA_INTERNAL", "{refusal:#?}");
                assert!(!lies_at(ask.path()));
                assert_eq!(sandbox.git(&sandbox.repo, &["branch", "--list", "fix-*"]), "");
            }
        }
    }
}

#[test]
fn an_ignored_repository_inside_a_repository() {
    let sandbox = Sandbox::new();
    let inner = sandbox.repo.join("vendor/inner");
    sandbox.init(&inner, &[]);
    write(sandbox.repo.join(".git/info/exclude"), "vendor\n");
    let answer = sandbox.ask("t").root(&inner).created();
    assert_eq!(sandbox.git(&sandbox.repo, &["branch", "--list", "fix-t"]), "");
    assert_eq!(sandbox.git(&inner, &["branch", "--list", "fix-t"]), "+ fix-t");
    assert_eq!(answer.base, sandbox.git(&inner, &["rev-parse", "HEAD"]));
}

#[test]
fn a_home_inside_a_work_tree() {
    let mut sandbox = Sandbox::new();
    sandbox.home = sandbox.repo.join(".okstra");
    write(sandbox.repo.join(".git/info/exclude"), ".okstra\n");
    let _ = sandbox.ask("t").created_or_refused();
}

#[test]
fn detached() {
    let sandbox = Sandbox::new();
    let first = sandbox.git(&sandbox.repo, &["rev-parse", "HEAD"]);
    sandbox.work_in(&sandbox.repo, "second");
    sandbox.git(&sandbox.repo, &["checkout", "-q", "--detach", "HEAD~1"]);
    assert_eq!(sandbox.ask("t").created().base, first);
}

#[test]
fn in_the_middle_of_a_merge() {
    let sandbox = Sandbox::new();
    sandbox.git(&sandbox.repo, &["checkout", "-q", "-b", "side"]);
    write(sandbox.repo.join("README.md"), "side\n");
    sandbox.commit_all(&sandbox.repo, "side");
    sandbox.git(&sandbox.repo, &["checkout", "-q", "main"]);
    write(sandbox.repo.join("README.md"), "main\n");
    let head = sandbox.commit_all(&sandbox.repo, "main");
    assert!(!sandbox.try_git(&sandbox.repo, &["merge", "side"]).status.success());
    assert_eq!(sandbox.ask("t").created().base, head);
    assert!(lies_at(sandbox.repo.join(".git/MERGE_HEAD")));
}

#[test]
fn sha256() {
    let sandbox = Sandbox::without_repository();
    sandbox.init(&sandbox.repo, &["--object-format=sha256"]);
    let answer = sandbox.ask("t").created();
    assert_eq!(answer.base.len(), 64);
    let head = sandbox.work_in(&answer.path, "work");
    fs::remove_dir_all(&answer.path).unwrap();
    sandbox.ask("t").restored(&head);
}

#[test]
fn reftable() {
    let sandbox = Sandbox::without_repository();
    fs::create_dir(&sandbox.repo).unwrap();
    if !sandbox.try_git(&sandbox.repo, &["init", "-q", "--ref-format=reftable"]).status.success() {
        eprintln!("skipped: this git has no reftable");
        return;
    }
    sandbox.first_commit(&sandbox.repo);
    let answer = sandbox.ask("t").created();
    sandbox.ask("t").reused();
    let head = sandbox.work_in(&answer.path, "work");
    sandbox.release("t");
    fs::remove_dir_all(&answer.path).unwrap();
    sandbox.ask("t").restored(&head);
    sandbox.git(&sandbox.repo, &["branch", "fix-u/x"]);
    sandbox.ask("u").refused("OKSTRA_BRANCH_EXISTS");
    sandbox.git(&sandbox.repo, &["branch", "fix-v"]);
    sandbox.ask("v").refused("OKSTRA_BRANCH_EXISTS");
}

#[test]
fn shallow() {
    let sandbox = Sandbox::new();
    sandbox.work_in(&sandbox.repo, "second");
    let clone = sandbox.clone_to("clone", &["--depth=1"]);
    let answer = sandbox.ask("t").root(&clone).created();
    assert_eq!(sandbox.git(&answer.path, &["rev-parse", "--is-shallow-repository"]), "true");
}

#[test]
fn a_partial_clone_whose_remote_is_away() {
    let sandbox = Sandbox::new();
    sandbox.git(&sandbox.repo, &["config", "uploadpack.allowFilter", "true"]);
    sandbox.git(&sandbox.repo, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let clone = sandbox.clone_to("clone", &["--filter=blob:none", "--no-checkout"]);
    sandbox.git(&clone, &["symbolic-ref", "HEAD", "refs/heads/main"]);
    let away = sandbox.base.join("away");
    fs::rename(&sandbox.repo, &away).unwrap();
    let refusal = sandbox.ask("t").root(&clone).run().expect_err("the blobs are out of reach");
    assert_eq!(refusal.code, "OKSTRA_GIT_FAILED", "{refusal:#?}");
    assert!(!lies_at(sandbox.worktree("t")), "no half-filled tree is left");
    assert_eq!(sandbox.git(&clone, &["for-each-ref", "refs/heads/fix-t"]), "", "no branch is left");
    fs::rename(&away, &sandbox.repo).unwrap();
    assert_eq!(sandbox.ask("t").root(&clone).expect("created").path, sandbox.worktree("t"));
}

#[test]
fn a_repository_of_another_user() {
    if !is_root() {
        eprintln!("skipped: only the superuser can give files away");
        return;
    }
    type Part = fn(&Sandbox) -> PathBuf;
    let parts: [Part; 2] = [|sandbox| sandbox.repo.clone(), |sandbox| sandbox.repo.join(".git")];
    for part in parts {
        let sandbox = Sandbox::new();
        give_to_stranger(&part(&sandbox));
        let refusal = sandbox.ask("t").run().expect_err("git refuses the repository");
        assert_eq!(refusal.code, "OKSTRA_DUBIOUS_OWNERSHIP", "{refusal:#?}");
        assert!(refusal.message.contains("detected dubious ownership"), "git's own words: {refusal:#?}");
        assert!(!lies_at(sandbox.worktree("t")) && !lies_at(sandbox.repo.join(".git/refs/heads/fix-t")));
        let config = sandbox.base.join("user/.gitconfig");
        write(&config, format!("{}[safe]\n\tdirectory = {}\n", read(&config), sandbox.repo.display()));
        sandbox.ask("t").expect("created");
    }
}
