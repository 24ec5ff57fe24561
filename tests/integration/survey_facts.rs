//! The facts that others decide by: what is uncommitted, in progress, inside, merged, a cache.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use okstra::cancel::Cancel;
use okstra::git::operation::{self, Head, OperationKind};
use okstra::git::repository::{Discovery, Repository, discover};
use okstra::survey::branch::{self, Ask, BranchFacts, Distance, Merged};
use okstra::survey::caches::{self, Why};
use okstra::survey::links;
use okstra::survey::processes::{self, Use};
use okstra::survey::status::{self, Depth, WorkStatus};

use crate::support::{Sandbox, write};

fn status_of(tree: &Path) -> WorkStatus {
    status::ask(tree, Depth::Ignored, &[], &Cancel::default()).unwrap()
}

fn repository(sandbox: &Sandbox) -> Repository {
    match discover(&sandbox.repo, "x").unwrap() {
        Discovery::Main(repository) => repository,
        other => panic!("{other:?}"),
    }
}

fn paths(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

#[test]
fn every_kind_of_uncommitted_work_is_told_and_own_links_are_not() {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".scratch/note"), "x");
    write(sandbox.repo.join(".gitignore"), ".scratch/\nsecret\n/cache/\n");
    sandbox.git(&sandbox.repo, &["add", ".gitignore"]);
    sandbox.git(&sandbox.repo, &["commit", "-qm", "ignore"]);
    let tree = sandbox.ask("t").created().path;
    let common = sandbox.repo.join(".git");
    let own = links::own(&tree, &common, Some(&sandbox.repo));
    assert_eq!(own, paths(&[".scratch"]));
    let clean = status::ask(&tree, Depth::Ignored, &own, &Cancel::default()).unwrap();
    assert!(clean.is_clean() && clean.ignored.is_empty(), "{clean:?}");
    assert_eq!(clean.branch.as_deref(), Some("fix-t"));

    write(tree.join("README.md"), "staged\n");
    sandbox.git(&tree, &["add", "README.md"]);
    write(tree.join("README.md"), "staged and changed\n");
    std::fs::remove_file(tree.join("src/main.txt")).unwrap();
    write(tree.join("new\nline"), "x");
    write(tree.join("dir/deep"), "x");
    write(tree.join("secret"), "x");
    write(tree.join("cache/a"), "x");
    sandbox.git(&tree, &["config", "status.showUntrackedFiles", "no"]);
    let status = status::ask(&tree, Depth::Ignored, &own, &Cancel::default()).unwrap();
    assert_eq!(status.staged, paths(&["README.md"]));
    assert_eq!(status.unstaged, paths(&["README.md", "src/main.txt"]));
    assert_eq!(status.untracked, paths(&["dir/deep", "new\nline"]));
    assert_eq!(status.ignored, paths(&["cache", "secret"]));
    let shallow = status::ask(&tree, Depth::Changes, &own, &Cancel::default()).unwrap();
    assert_eq!(shallow, WorkStatus { ignored: Vec::new(), ..status });

    // A link of somebody's own at the same name is theirs.
    std::fs::remove_file(tree.join(".scratch")).unwrap();
    std::os::unix::fs::symlink(sandbox.base.join("elsewhere"), tree.join(".scratch")).unwrap();
    assert_eq!(links::own(&tree, &common, Some(&sandbox.repo)), [] as [PathBuf; 0]);
}

#[test]
fn looking_writes_neither_the_index_nor_a_lock() {
    let sandbox = Sandbox::new();
    let index = sandbox.repo.join(".git/index");
    // Same content with another time: git would like to note that in the index.
    write(sandbox.repo.join("README.md"), "read me\n");
    let before = std::fs::read(&index).unwrap();
    assert!(status_of(&sandbox.repo).is_clean());
    assert_eq!(std::fs::read(&index).unwrap(), before);
}

#[test]
fn every_operation_in_progress_is_seen() {
    for format in ["files", "reftable"] {
        let sandbox = Sandbox::without_repository();
        sandbox.init(&sandbox.repo, &[&format!("--ref-format={format}")]);
        let tree = sandbox.base.join("tree");
        sandbox.git(&sandbox.repo, &["worktree", "add", "-q", "-b", "topic", tree.to_str().unwrap()]);
        let admin = PathBuf::from(sandbox.git(&tree, &["rev-parse", "--absolute-git-dir"]));
        write(sandbox.repo.join("README.md"), "theirs\n");
        let theirs = sandbox.commit_all(&sandbox.repo, "theirs");
        write(tree.join("README.md"), "ours\n");
        let ours = sandbox.commit_all(&tree, "ours");
        let patch = sandbox.git(&sandbox.repo, &["format-patch", "-1", "--stdout", &theirs]) + "\n";
        write(sandbox.base.join("patch"), patch);
        let seen = || -> Vec<(OperationKind, Option<String>)> {
            let found = operation::in_progress(&tree, &admin).unwrap();
            found.into_iter().map(|operation| (operation.kind, operation.branch)).collect()
        };
        assert_eq!(seen(), [], "{format}");
        assert_eq!(operation::head(&tree, &admin).unwrap(), Head::Branch("topic".into()));
        let patch = sandbox.base.join("patch");
        let patch = patch.to_str().unwrap();
        let cases: [(OperationKind, Option<&str>, Vec<&str>, &str); 6] = [
            (OperationKind::Merge, None, vec!["merge", &theirs], "merge"),
            (OperationKind::Rebase, Some("topic"), vec!["rebase", &theirs], "rebase"),
            (OperationKind::Rebase, Some("topic"), vec!["rebase", "--apply", &theirs], "rebase"),
            (OperationKind::Am, None, vec!["am", patch], "am"),
            (OperationKind::CherryPick, None, vec!["cherry-pick", &theirs], "cherry-pick"),
            (OperationKind::Revert, None, vec!["revert", "--no-edit", &theirs], "revert"),
        ];
        for (kind, branch, words, command) in cases {
            if kind == OperationKind::Revert {
                sandbox.git(&tree, &["reset", "-q", "--hard", &theirs]);
                sandbox.work_in(&tree, "more");
                write(tree.join("README.md"), "again\n");
                sandbox.commit_all(&tree, "again");
            }
            assert!(!sandbox.try_git(&tree, &words).status.success(), "{words:?} must stop");
            assert_eq!(seen(), [(kind, branch.map(str::to_owned))], "{format} {words:?}");
            sandbox.git(&tree, &[command, "--abort"]);
            assert_eq!(seen(), [], "{format} after {words:?}");
        }
        sandbox.git(&tree, &["reset", "-q", "--hard", &ours]);
        sandbox.git(&tree, &["bisect", "start"]);
        assert_eq!(seen(), [(OperationKind::Bisect, Some("topic".into()))]);
        sandbox.git(&tree, &["bisect", "reset"]);
        sandbox.git(&tree, &["checkout", "-q", "--detach"]);
        assert_eq!(operation::head(&tree, &admin).unwrap(), Head::Detached(ours.clone()));
        assert_eq!(branch::commits_nowhere(&tree, &ours, &Cancel::default()).unwrap(), 0);
        let lost = sandbox.work_in(&tree, "lost");
        assert_eq!(branch::commits_nowhere(&tree, &lost, &Cancel::default()).unwrap(), 1);
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn processes_are_seen_in_the_directories_that_they_use() {
    let sandbox = Sandbox::new();
    let (first, second) = (sandbox.base.join("first"), sandbox.base.join("first-not"));
    write(second.join("held"), "x");
    std::fs::create_dir_all(first.join("deep")).unwrap();
    let spawn = |words: &[&str], at: &Path| {
        let mut command = sandbox.command(words[0], at);
        // The child writes once it is where it belongs, so that nobody has to wait for a time.
        command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut byte = [0];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
        Running(child)
    };
    let wait = "echo; read line";
    let worker = spawn(&["sh", "-c", wait], &first.join("deep"));
    let reader =
        spawn(&["sh", "-c", &format!("exec 3< '{}'; {wait}", second.join("held").display())], &sandbox.base);
    let directories = [first, second, sandbox.base.join("none")];
    let plain = processes::inside(&directories, false);
    let found = |index: usize| -> Vec<(u32, Use)> {
        plain[index].processes.iter().map(|process| (process.pid, process.by)).collect()
    };
    assert_eq!(found(0), [(worker.0.id(), Use::WorkingDirectory)]);
    assert!(plain[0].processes[0].command.starts_with("sh -c echo"), "{:?}", plain[0]);
    assert!(!plain[0].processes[0].is_ancestor);
    assert_eq!(found(1), []);
    assert_eq!(found(2), []);
    let open = processes::inside(&directories, true);
    assert_eq!(
        open[1].processes.iter().map(|p| (p.pid, p.by)).collect::<Vec<_>>(),
        [(reader.0.id(), Use::OpenFile)]
    );
    let here = processes::inside(&[std::env::current_dir().unwrap()], false);
    assert!(here[0].processes.iter().all(|process| process.pid != std::process::id()));
}

#[cfg(target_os = "linux")]
#[test]
fn okstras_own_git_is_nobody_at_work() {
    let sandbox = Sandbox::new();
    let (inside, go) = (sandbox.base.join("inside"), sandbox.base.join("go"));
    for fifo in [&inside, &go] {
        rustix::fs::mkfifoat(rustix::fs::CWD, fifo, 0o600.into()).unwrap();
    }
    let alias = format!("alias.wait=!echo > '{}'; read line < '{}'", inside.display(), go.display());
    sandbox.git(&sandbox.repo, &["config", "alias.wait", alias.strip_prefix("alias.wait=").unwrap()]);
    let own = {
        let repo = sandbox.repo.clone();
        std::thread::spawn(move || okstra::git::Git::new(&repo).args(["wait"]).read().unwrap())
    };
    std::fs::read(&inside).unwrap();
    let seen = processes::inside(std::slice::from_ref(&sandbox.repo), true);
    assert_eq!(seen[0].processes, [], "git and the shell that it started");
    // The same git, started by anybody else, also by this very process.
    let other = sandbox.command("git", &sandbox.repo).args(["wait"]).spawn().map(Running).unwrap();
    std::fs::read(&inside).unwrap();
    let seen = processes::inside(std::slice::from_ref(&sandbox.repo), true);
    assert!(seen[0].processes.iter().any(|process| process.pid == other.0.id()), "{seen:?}");
    write(&go, "\n\n");
    own.join().unwrap();
}

struct Branches {
    sandbox: Sandbox,
    base: String,
}

impl Branches {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        write(sandbox.repo.join("lines"), "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
        let base = sandbox.commit_all(&sandbox.repo, "lines");
        Self { sandbox, base }
    }

    /// A branch at the base with these commits: (file, content).
    fn branch(&self, name: &str, commits: &[(&str, &str)]) {
        let repo = &self.sandbox.repo;
        self.sandbox.git(repo, &["checkout", "-q", "-b", name, &self.base]);
        for (file, content) in commits {
            write(repo.join(file), content);
            self.sandbox.commit_all(repo, file);
        }
        self.sandbox.git(repo, &["checkout", "-q", "main"]);
    }

    fn facts(&self, names: &[&str]) -> Vec<Option<BranchFacts>> {
        let asks: Vec<Ask<'_>> = names.iter().map(|branch| Ask { branch, base: Some(&self.base) }).collect();
        branch::facts(&repository(&self.sandbox), &asks, &Cancel::default()).unwrap()
    }

    fn merged(&self, name: &str) -> Merged {
        self.facts(&[name]).remove(0).unwrap().merged
    }
}

#[test]
fn branches_are_told_apart_by_what_became_of_their_work() {
    let b = Branches::new();
    let (sandbox, repo) = (&b.sandbox, &b.sandbox.repo);
    b.branch("empty", &[]);
    b.branch("merged", &[("m", "m\n")]);
    b.branch("squashed", &[("lines", "one\n2\n3\n4\n5\n6\n7\n8\n9\n"), ("s", "s\n")]);
    b.branch("picked", &[("p", "p\n")]);
    b.branch("open", &[("o", "o\n")]);
    b.branch("twin", &[]);
    sandbox.git(repo, &["branch", "-f", "twin", "open"]);
    sandbox.git(repo, &["merge", "-q", "--no-ff", "-m", "merge", "merged"]);
    sandbox.git(repo, &["merge", "-q", "--squash", "squashed"]);
    sandbox.commit_all(repo, "squash");
    sandbox.git(repo, &["cherry-pick", "picked"]);
    let objects = || sandbox.git(repo, &["count-objects"]);
    let before = objects();
    let names = ["empty", "merged", "squashed", "picked", "open", "gone", "twin"];
    let facts = b.facts(&names);
    assert_eq!(objects(), before, "asking leaves no object behind");
    let merged: Vec<Option<Merged>> =
        facts.iter().map(|facts| facts.as_ref().map(|f| f.merged.clone())).collect();
    let main = || "main".to_owned();
    assert_eq!(
        merged,
        [
            Some(Merged::Empty),
            Some(Merged::Commits(main())),
            Some(Merged::Changes(main())),
            Some(Merged::Changes(main())),
            Some(Merged::No),
            None,
            Some(Merged::No)
        ]
    );
    let squashed = facts[2].as_ref().unwrap();
    assert_eq!(squashed.base, Some(Distance { ahead: 2, behind: 0 }));
    assert_eq!((squashed.unpushed, squashed.only_here, squashed.upstream.clone()), (None, 2, None));
    assert_eq!(facts[1].as_ref().unwrap().only_here, 0);
    assert_eq!(facts[4].as_ref().unwrap().only_here, 0, "the twin has the same commits");
    assert_eq!(b.facts(&["open"])[0].as_ref().unwrap().only_here, 0, "asked about or not");
}

#[test]
fn a_squash_is_seen_also_after_the_target_went_on_in_the_same_lines() {
    let b = Branches::new();
    let (sandbox, repo) = (&b.sandbox, &b.sandbox.repo);
    b.branch(
        "squashed",
        &[("lines", "one\n2\n3\n4\n5\n6\n7\n8\n9\n"), ("lines", "one\ntwo\n3\n4\n5\n6\n7\n8\n9\n")],
    );
    b.branch("conflicting", &[("lines", "eins\n2\n3\n4\n5\n6\n7\n8\n9\n")]);
    sandbox.git(repo, &["merge", "-q", "--squash", "squashed"]);
    sandbox.commit_all(repo, "squash");
    write(repo.join("lines"), "uno\ndos\n3\n4\n5\n6\n7\n8\n9\n");
    sandbox.commit_all(repo, "same lines again");
    assert_eq!(b.merged("squashed"), Merged::Changes("main".into()));
    assert_eq!(b.merged("conflicting"), Merged::No);
}

#[test]
fn pushed_and_upstream_are_told() {
    let b = Branches::new();
    let (sandbox, repo) = (&b.sandbox, &b.sandbox.repo);
    let remote = sandbox.clone_to("remote.git", &["--bare"]);
    sandbox.git(repo, &["remote", "add", "origin", remote.to_str().unwrap()]);
    sandbox.git(repo, &["fetch", "-q", "origin"]);
    b.branch("pushed", &[("p", "p\n")]);
    b.branch("half", &[("h", "h\n")]);
    sandbox.git(repo, &["push", "-q", "-u", "origin", "pushed", "half"]);
    sandbox.git(repo, &["checkout", "-q", "half"]);
    sandbox.work_in(repo, "unpushed");
    sandbox.git(repo, &["checkout", "-q", "main"]);
    b.branch("local", &[("l", "l\n"), ("l", "ll\n")]);
    b.branch("left", &[("q", "q\n")]);
    sandbox.git(repo, &["push", "-q", "-u", "origin", "left"]);
    sandbox.git(repo, &["push", "-q", "origin", ":left"]);
    let facts: Vec<BranchFacts> =
        b.facts(&["pushed", "half", "local", "left"]).into_iter().map(Option::unwrap).collect();
    let numbers: Vec<_> = facts.iter().map(|f| (f.unpushed, f.only_here)).collect();
    assert_eq!(numbers, [(Some(0), 0), (Some(1), 1), (Some(2), 2), (Some(1), 1)]);
    let upstream = facts[1].upstream.clone().unwrap();
    assert_eq!(
        (upstream.name.as_str(), upstream.distance),
        ("origin/half", Some(Distance { ahead: 1, behind: 0 }))
    );
    assert_eq!(facts[2].upstream, None);
    assert_eq!(facts[3].upstream.clone().unwrap().distance, None, "the upstream is gone");
}

#[test]
fn caches_are_told_from_ignored_files_that_somebody_may_miss() {
    let sandbox = Sandbox::new();
    let tree = &sandbox.repo;
    write(
        tree.join(".gitignore"),
        "node_modules/\n/target/\n*.pyc\n.env\nbuild/*\nout\nmine/\ndist/\nvendor/\nrepo/build\n",
    );
    write(tree.join("build/tracked"), "x");
    sandbox.git(tree, &["add", "-f", "build/tracked", ".gitignore"]);
    sandbox.git(tree, &["commit", "-qm", "ignore"]);
    for file in [
        "node_modules/a/index.js",
        "web/node_modules/b",
        "target/debug/x",
        "pkg/__pycache__/m.pyc",
        "loose.pyc",
        ".env",
        "build/made",
        "mine/data",
        "mine/target/x",
        "vendor/x",
        "repo/build/.git/HEAD",
        "tagged/CACHEDIR.TAG",
        "tagged/x",
        "fake/CACHEDIR.TAG",
    ] {
        write(tree.join(file), "x");
    }
    write(tree.join("tagged/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n");
    std::os::unix::fs::symlink(sandbox.base.join("away"), tree.join("out")).unwrap();
    let parted = caches::part(tree, &status_of(tree), &Cancel::default()).unwrap();
    let found: BTreeSet<(PathBuf, &str)> =
        parted.caches.iter().map(|cache| (cache.path.clone(), cache.why.as_str())).collect();
    let known = Why::Known.as_str();
    let expected: BTreeSet<(PathBuf, &str)> = [
        ("node_modules", known),
        ("web/node_modules", known),
        ("target", known),
        ("pkg/__pycache__", known),
        ("tagged", Why::Tagged.as_str()),
    ]
    .into_iter()
    .map(|(path, why)| (PathBuf::from(path), why))
    .collect();
    assert_eq!(found, expected);
    assert_eq!(parted.other, paths(&[".env", "build/made", "mine", "repo/build", "vendor"]));
    assert_eq!(parted.untracked, paths(&["fake/CACHEDIR.TAG"]));
}
