//! A worktree is a task's only when both ends of its link and the record in git's entry agree; what was moved, lost or
//! emptied by a power cut is found again by them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use okstra::adopt::{Adoption, adopt};
use okstra::cancel::Cancel;
use okstra::doctor::{self, Outcome, Severity};
use okstra::home::OkstraHome;
use okstra::lock::Patience;
use okstra::registry::{Filter, Registry};
use okstra::removal::{self, RemoveRequest};
use okstra::survey::tasks::{self, State};
use okstra::task::TaskKey;

use crate::support::{Sandbox, lies_at, read, write};

fn key(task: &str) -> TaskKey {
    TaskKey::new("shop", "checkout", task).unwrap()
}

fn patience() -> Patience {
    Patience { timeout: Duration::from_secs(60), cancel: Cancel::default() }
}

/// What a check-up in the repository finds, with what becomes of it; notes are nothing wrong.
fn check_up(sandbox: &Sandbox, fix: bool) -> Vec<(&'static str, Outcome)> {
    let options = doctor::Options { fix, root: Some(sandbox.repo.clone()) };
    let report = doctor::examine(&sandbox.okstra_home(), &options, &patience()).unwrap();
    let wrong = report.findings.into_iter().filter(|finding| finding.severity != Severity::Note);
    wrong.map(|finding| (finding.code.as_str(), finding.outcome)).collect()
}

/// One check-up mends it all, and a second finds nothing.
fn mends(sandbox: &Sandbox, why: &str) {
    let found = check_up(sandbox, true);
    assert!(!found.is_empty(), "{why}: something is found");
    assert!(found.iter().all(|(_, outcome)| *outcome == Outcome::Fixed), "{why}: {found:?}");
    assert_eq!(check_up(sandbox, true), [], "{why}: a second check-up");
}

fn remove(sandbox: &Sandbox, task: &str) -> Result<(), &'static str> {
    let home = sandbox.okstra_home();
    let request = RemoveRequest { force: true, ..RemoveRequest::default() };
    let removed = removal::remove(&home, &Registry::open(&home), &key(task), &request, &patience());
    removed.map(drop).map_err(|error| error.code().as_str())
}

fn unlock(sandbox: &Sandbox, tree: &Path) {
    sandbox.git(&sandbox.repo, &["worktree", "unlock", tree.to_str().unwrap()]);
}

/// A task with an unsaved file and a staged one.
fn work(sandbox: &Sandbox, task: &str) -> PathBuf {
    let tree = sandbox.ask(task).created().path;
    write(tree.join("unsaved"), "unsaved\n");
    write(tree.join("staged"), "staged\n");
    sandbox.git(&tree, &["add", "staged"]);
    tree
}

fn is_whole(sandbox: &Sandbox, tree: &Path, why: &str) {
    assert_eq!(sandbox.git(tree, &["status", "--porcelain"]), "A  staged\n?? unsaved", "{why}");
    assert_eq!(sandbox.git(tree, &["symbolic-ref", "--short", "HEAD"]), "fix-t", "{why}");
    assert_eq!(sandbox.ask("t").expect("reused").path, tree, "{why}");
}

#[test]
fn an_entry_that_git_gave_to_another_worktree_is_not_the_tasks() {
    for other_is_a_task in [true, false] {
        let sandbox = Sandbox::new();
        let tree = sandbox.ask("t").created().path;
        write(tree.join("unsaved"), "unsaved\n");
        unlock(&sandbox, &tree);
        let away = sandbox.base.join("away");
        fs::rename(&sandbox.home, &away).unwrap();
        sandbox.git(&sandbox.repo, &["worktree", "prune", "--expire=now"]);
        fs::rename(&away, &sandbox.home).unwrap();
        let other = if other_is_a_task {
            sandbox.ask("t").group("another").category("docs").created().path
        } else {
            let other = sandbox.base.join("elsewhere/t");
            sandbox.git(&sandbox.repo, &["worktree", "add", "-q", "-b", "mine", other.to_str().unwrap()]);
            other
        };
        let entry = PathBuf::from(sandbox.git(&other, &["rev-parse", "--absolute-git-dir"]));
        assert_eq!(read(tree.join(".git")).trim(), format!("gitdir: {}", entry.display()), "the case");
        write(other.join("theirs"), "theirs\n");
        let before = fs::read(entry.join("index")).unwrap();

        let refusal = sandbox.ask("t").refused("OKSTRA_WORKTREE_BROKEN");
        assert!(refusal.message.contains(other.to_str().unwrap()), "{refusal:#?}");
        assert_eq!(remove(&sandbox, "t"), Err("OKSTRA_WORKTREE_BROKEN"));
        let home = sandbox.okstra_home();
        let listed = tasks::find(&home, &Registry::open(&home), &Filter::default()).unwrap();
        let state = listed.iter().find(|task| task.survey.key == key("t")).unwrap().survey.state;
        assert_eq!(state, State::Broken);
        let adoption = Adoption { path: tree.clone(), key: key("u"), branch: None, phase: String::new() };
        assert!(adopt(&home, &adoption, &patience()).is_err());

        mends(&sandbox, "an entry of its own");
        assert_eq!(sandbox.git(&tree, &["symbolic-ref", "--short", "HEAD"]), "fix-t");
        assert_eq!(sandbox.git(&tree, &["status", "--porcelain"]), "?? unsaved");
        assert_eq!(sandbox.ask("t").reused().path, tree);
        assert_eq!(remove(&sandbox, "t"), Ok(()));
        assert_eq!(fs::read(entry.join("index")).unwrap(), before);
        assert_eq!(sandbox.git(&other, &["status", "--porcelain"]), "?? theirs");
    }
}

#[test]
fn a_record_of_another_task_is_not_acted_on() {
    let sandbox = Sandbox::new();
    let (one, two) = (work(&sandbox, "t"), sandbox.ask("u").created().path);
    let entries = sandbox.repo.join(".git/worktrees");
    fs::copy(entries.join("u/okstra.json"), entries.join("t/okstra.json")).unwrap();
    sandbox.ask("t").refused("OKSTRA_WORKTREE_BROKEN");
    assert_eq!(remove(&sandbox, "t"), Err("OKSTRA_WORKTREE_BROKEN"));
    assert_eq!(sandbox.ask("u").reused().path, two);
    // One of 0.12.0, or made whole by `git worktree repair`, has none: then both ends and the row decide.
    fs::remove_file(entries.join("t/okstra.json")).unwrap();
    is_whole(&sandbox, &one, "without a record");
    assert!(lies_at(entries.join("t/okstra.json")), "it is written");
    assert_eq!(check_up(&sandbox, false), []);
}

#[test]
fn a_row_that_names_another_tasks_worktree_gets_its_own_place() {
    let sandbox = Sandbox::new();
    let (tree, other) = (work(&sandbox, "t"), sandbox.ask("u").created().path);
    let before = read(sandbox.repo.join(".git/worktrees/u/okstra.json"));
    let file = sandbox.home.join("worktrees/registry.json");
    write(&file, read(&file).replace(tree.to_str().unwrap(), other.to_str().unwrap()));
    sandbox.ask("t").refused("OKSTRA_WORKTREE_BROKEN");
    assert_eq!(remove(&sandbox, "t"), Err("OKSTRA_WORKTREE_BROKEN"));
    mends(&sandbox, "the row");
    assert_eq!(read(sandbox.repo.join(".git/worktrees/u/okstra.json")), before);
    is_whole(&sandbox, &tree, "the row");
    assert_eq!(sandbox.ask("u").reused().path, other);
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Home,
    Repository,
    Both,
    MovedTree,
    GitMovedTree,
}

#[test]
fn what_was_moved_is_named_and_comes_back_with_its_index() {
    use Move::{Both, GitMovedTree, Home, MovedTree, Repository};
    for how in [Home, Repository, Both, MovedTree, GitMovedTree] {
        let mut sandbox = Sandbox::new();
        sandbox.home = sandbox.base.join("user/.okstra");
        if matches!(how, Both) {
            sandbox.repo = sandbox.base.join("user/repo");
            sandbox.init(&sandbox.repo, &[]);
        }
        write(sandbox.repo.join(".scratch/file"), "x");
        write(sandbox.repo.join(".git/info/exclude"), ".scratch\n");
        let tree = work(&sandbox, "t");
        sandbox.ask("removed").created();
        assert_eq!(remove(&sandbox, "removed"), Ok(()));
        let (old_home, old_repo) = (sandbox.home.clone(), sandbox.repo.clone());
        let mut now = tree.clone();
        let user = sandbox.base.join("renamed");
        match how {
            Home | Both => {
                fs::rename(sandbox.base.join("user"), &user).unwrap();
                sandbox.set("HOME", &user).set("GIT_CONFIG_GLOBAL", user.join(".gitconfig"));
                sandbox.home = user.join(".okstra");
                now = sandbox.worktree("t");
                if matches!(how, Both) {
                    sandbox.repo = user.join("repo");
                }
            }
            Repository => {
                sandbox.repo = sandbox.base.join("renamed");
                fs::rename(&old_repo, &sandbox.repo).unwrap();
            }
            MovedTree => {
                now = tree.with_file_name("elsewhere");
                fs::rename(&tree, &now).unwrap();
            }
            GitMovedTree => {
                now = sandbox.base.join("elsewhere");
                let words = ["worktree", "move", "-f", "-f", tree.to_str().unwrap(), now.to_str().unwrap()];
                sandbox.git(&sandbox.repo, &words);
            }
        }
        let why = format!("{how:?}");
        match sandbox.ask("t").project("shop").run() {
            Err(refusal) => {
                let named = if matches!(how, Repository) { &old_repo } else { &now };
                assert!(refusal.message.contains(named.to_str().unwrap()), "{why}: {refusal:#?}");
                assert!(refusal.hint.contains("okstra doctor --fix"), "{why}: {refusal:#?}");
            }
            Ok(answer) => assert_eq!(answer.path, now, "{why}"),
        }
        mends(&sandbox, &why);
        is_whole(&sandbox, &now, &why);
        assert_eq!(fs::canonicalize(now.join(".scratch")).unwrap(), sandbox.repo.join(".scratch"), "{why}");
        let adoption = Adoption { path: now.clone(), key: key("t"), branch: None, phase: String::new() };
        assert!(adopt(&sandbox.okstra_home(), &adoption, &patience()).unwrap().unchanged, "{why}");
        let home = sandbox.okstra_home();
        let back = removal::restore(&home, &Registry::open(&home), &key("removed"), None, &patience());
        let back = back.unwrap_or_else(|error| panic!("{why}: {error}"));
        assert_eq!(back.path, sandbox.worktree("removed"), "{why}");
        assert_eq!(sandbox.git(&back.path, &["status", "--porcelain"]), "", "{why}");
        assert_eq!(remove(&sandbox, "t"), Ok(()), "{why}");
        if sandbox.home != old_home {
            assert!(!lies_at(&old_home), "{why}: nothing is made at the old home");
        }
        if sandbox.repo != old_repo {
            assert!(!lies_at(&old_repo), "{why}: nothing is made at the old repository");
        }
    }
}

#[test]
fn a_vanished_worktree_of_a_home_that_was_renamed_comes_back_in_the_new_one() {
    let mut sandbox = Sandbox::new();
    let tree = sandbox.ask("t").created().path;
    let head = sandbox.work_in(&tree, "work");
    fs::remove_dir_all(&tree).unwrap();
    let (old, new) = (sandbox.home.clone(), sandbox.base.join("renamed"));
    fs::rename(&old, &new).unwrap();
    sandbox.home = new;
    assert_eq!(sandbox.ask("t").restored(&head).path, sandbox.worktree("t"));
    assert!(!lies_at(old));
    assert_eq!(sandbox.ask("t").reused().path, sandbox.worktree("t"));
}

#[test]
fn a_git_file_is_read_as_git_reads_it_and_written_again_where_it_is_lost() {
    let sandbox = Sandbox::new();
    let tree = work(&sandbox, "t");
    let link = tree.join(".git");
    let entry = sandbox.repo.join(".git/worktrees/t");
    for ending in ["\r\n", "\n\n\r\n", ""] {
        write(&link, format!("gitdir: {}{ending}", entry.display()));
        is_whole(&sandbox, &tree, "with another line end");
        assert_eq!(check_up(&sandbox, true), [], "{ending:?}");
    }
    for (what, content) in [
        ("lost", None),
        ("empty", Some(String::new())),
        ("zeros", Some("\0".repeat(40))),
        ("a trailing blank, for which git does not work", Some(format!("gitdir: {} \n", entry.display()))),
    ] {
        match content {
            None => fs::remove_file(&link).unwrap(),
            Some(content) => write(&link, content),
        }
        assert!(!sandbox.try_git(&tree, &["rev-parse", "--show-prefix"]).status.success() || what == "lost");
        sandbox.ask("t").refused("OKSTRA_WORKTREE_BROKEN");
        mends(&sandbox, what);
        is_whole(&sandbox, &tree, what);
    }
}

#[test]
fn relative_links_stay_relative_and_move_together() {
    let mut sandbox = Sandbox::new();
    (sandbox.home, sandbox.repo) = (sandbox.base.join("all/okstra"), sandbox.base.join("all/repo"));
    sandbox.init(&sandbox.repo, &[]);
    let tree = work(&sandbox, "t");
    let entry = sandbox.repo.join(".git/worktrees/t");
    let (link, back) =
        ("../../../../../repo/.git/worktrees/t", "../../../../okstra/worktrees/shop/checkout/t/.git");
    write(tree.join(".git"), format!("gitdir: {link}\n"));
    write(entry.join("gitdir"), format!("{back}\n"));
    assert_eq!(sandbox.ask("t").reused().path, tree);
    assert_eq!(check_up(&sandbox, true), []);
    fs::rename(sandbox.base.join("all"), sandbox.base.join("moved")).unwrap();
    (sandbox.home, sandbox.repo) = (sandbox.base.join("moved/okstra"), sandbox.base.join("moved/repo"));
    let now = sandbox.worktree("t");
    let refusal = sandbox.ask("t").refused("OKSTRA_WORKTREE_BROKEN");
    assert!(refusal.message.contains(now.to_str().unwrap()), "{refusal:#?}");
    mends(&sandbox, "relative");
    is_whole(&sandbox, &now, "relative");
    assert_eq!(read(now.join(".git")), format!("gitdir: {link}\n"));
    let entry = sandbox.repo.join(".git/worktrees/t");
    assert_eq!(read(entry.join("gitdir")), format!("{back}\n"));
}

/// Every set of these names.
fn subsets(names: &[&'static str]) -> impl Iterator<Item = Vec<&'static str>> {
    let names = names.to_vec();
    (1..1_u32 << names.len()).map(move |set| {
        let in_set = |(number, _): &(usize, &&str)| set & (1 << number) != 0;
        names.iter().enumerate().filter(in_set).map(|(_, name)| *name).collect()
    })
}

#[test]
fn files_of_an_entry_that_a_power_cut_emptied_are_written_again() {
    let sandbox = Sandbox::new();
    let tree = work(&sandbox, "t");
    let entry = sandbox.repo.join(".git/worktrees/t");
    for torn in subsets(&["locked", "HEAD", "gitdir", "commondir", ".git", "okstra.json"]) {
        // A lock without a reason alone is somebody's `git worktree lock`.
        if torn == ["locked"] {
            continue;
        }
        for name in &torn {
            write(if *name == ".git" { tree.join(name) } else { entry.join(name) }, "");
        }
        mends(&sandbox, &format!("{torn:?}"));
        sandbox.git(&sandbox.repo, &["worktree", "list"]);
        sandbox.git(&sandbox.repo, &["branch"]);
        is_whole(&sandbox, &tree, &format!("{torn:?}"));
        let lock = read(entry.join("locked"));
        let respected = torn.contains(&"locked") && lock.is_empty();
        assert!(respected || lock == "okstra shop/checkout/t: use okstra remove", "{torn:?}: {lock}");
        write(entry.join("locked"), "okstra shop/checkout/t: use okstra remove");
    }
    write(entry.join("index"), "");
    mends(&sandbox, "an empty index");
    assert_eq!(sandbox.git(&tree, &["status", "--porcelain"]), "?? staged\n?? unsaved");
}

#[test]
fn what_a_power_cut_left_of_a_run_that_died_is_no_obstacle() {
    for (number, torn) in subsets(&["locked", "HEAD", "gitdir", "commondir", ".git"]).enumerate() {
        let sandbox = Sandbox::new();
        let home = OkstraHome::at(&sandbox.home).unwrap();
        let task = format!("t{number}");
        sandbox.die_in_the_middle(&task);
        let tree = sandbox.worktree(&task);
        let entry = PathBuf::from(read(tree.join(".git")).trim().strip_prefix("gitdir: ").unwrap());
        for name in &torn {
            write(if *name == ".git" { tree.join(name) } else { entry.join(name) }, "");
        }
        let intent = home.intent_file(&key(&task));
        let text = read(&intent);
        let boot = text.split("\"boot\": \"").nth(1).unwrap().split('"').next().unwrap();
        write(&intent, text.replace(boot, "00000000-0000-0000-0000-000000000000"));
        if number % 2 == 0 {
            check_up(&sandbox, true);
            let left = check_up(&sandbox, true);
            assert!(left.iter().all(|(code, _)| *code == "kept-aside"), "{torn:?}: {left:?}");
        }
        assert_eq!(sandbox.ask(&task).expect("created").path, tree, "{torn:?}");
        sandbox.git(&sandbox.repo, &["worktree", "list"]);
    }
}
