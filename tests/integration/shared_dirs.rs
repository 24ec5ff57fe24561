//! Shared directories: linked, invisible to git, never in the way of anything that is there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::ask::Answer;
use crate::support::{Sandbox, read, write};

const VARIABLE: &str = "OKSTRA_WORKTREE_SYNC_DIRS";

fn with_all_three() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in [".project-docs", ".scratch", "graphify-out"] {
        write(sandbox.repo.join(name).join("file"), name);
    }
    sandbox
}

/// Where a worktree's link leads.
fn target(answer: &Answer, name: &str) -> std::path::PathBuf {
    let link = answer.path.join(name);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "{name} is a link");
    fs::read_link(link).unwrap()
}

fn is_absent(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err()
}

#[test]
fn the_three_are_linked_to_the_main_worktree() {
    let sandbox = with_all_three();
    let answer = sandbox.ask("t").root(sandbox.repo.join("docs")).expect("created");
    assert_eq!(answer.linked, [".project-docs", ".scratch", "graphify-out"]);
    for name in &answer.linked {
        assert_eq!(target(&answer, name), sandbox.repo.join(name));
        assert_eq!(read(answer.path.join(name).join("file")), *name);
        assert!(answer.note.contains(name.as_str()), "{}", answer.note);
    }
    assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "", "the links are invisible to git");
    write(answer.path.join(".scratch/new"), "seen");
    assert_eq!(read(sandbox.repo.join(".scratch/new")), "seen");
}

#[test]
fn a_slash_pattern_in_gitignore_does_not_make_them_visible() {
    let sandbox = with_all_three();
    write(sandbox.repo.join(".gitignore"), ".scratch/\n.project-docs/\n/graphify-out/\n");
    sandbox.git(&sandbox.repo, &["add", ".gitignore"]);
    sandbox.git(&sandbox.repo, &["commit", "-q", "-m", "ignore"]);
    let answer = sandbox.ask("t").created();
    assert_eq!(answer.linked.len(), 3);
    sandbox.git(&answer.path, &["add", "-A"]);
    assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "", "not even add -A sees them");
}

#[test]
fn a_missing_source_is_skipped() {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".scratch/file"), "x");
    write(sandbox.repo.join("graphify-out"), "a file, not a directory");
    let answer = sandbox.ask("t").expect("created");
    assert_eq!(answer.linked, [".scratch"]);
    assert!(is_absent(&answer.path.join(".project-docs")));
    assert!(is_absent(&answer.path.join("graphify-out")));
}

#[test]
fn the_variable_replaces_the_list() {
    let sandbox = with_all_three();
    write(sandbox.repo.join("b dir/file"), "x");
    write(sandbox.repo.join("a/file"), "x");
    write(sandbox.repo.join("deep/er/file"), "x");
    let list = " b dir : :missing: a :a:deep/er: .scratch/ ";
    let answer = sandbox.ask("t").env(VARIABLE, list).expect("created");
    assert_eq!(answer.linked, ["b dir", "a", "deep/er", ".scratch"], "sorted as configured, each once");
    assert_eq!(target(&answer, "deep/er"), sandbox.repo.join("deep/er"));
    assert!(is_absent(&answer.path.join("graphify-out")));
    assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "");
}

#[test]
fn set_but_empty_means_none() {
    let sandbox = with_all_three();
    for (task, value) in [("a", ""), ("b", "  "), ("c", " : ")] {
        let answer = sandbox.ask(task).env(VARIABLE, value).expect("created");
        assert_eq!(answer.linked, [] as [&str; 0], "{value:?}");
        assert!(is_absent(&answer.path.join(".scratch")));
    }
}

#[test]
fn entries_that_lead_out_are_refused() {
    let sandbox = with_all_three();
    for value in
        ["/etc", "../outside", "a/../../b", "a/..", "..", ".scratch:/etc", "a\nb", ".git", ".git/hooks", "."]
    {
        let refusal = sandbox.ask("t").env(VARIABLE, value).refused("OKSTRA_INVALID_ARGUMENT");
        assert!(
            refusal.message.contains(VARIABLE) || refusal.message.contains("shared"),
            "{value:?}: {refusal:#?}"
        );
    }
    sandbox.ask("t").expect("created");
}

#[test]
fn names_that_git_would_read_as_patterns() {
    let sandbox = Sandbox::new();
    let names = ["star*", "#hash", "!bang", "br[a]cket", "quest?ion", "tick'", "space end ", "back\\slash"];
    for name in names {
        write(sandbox.repo.join(name.trim()).join("file"), "x");
    }
    let answer = sandbox.ask("t").env(VARIABLE, names.join(":")).expect("created");
    assert_eq!(answer.linked.len(), names.len());
    assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "");
    // A pattern that is not quoted would hide more than the link.
    for other in ["starfish", "bracket", "questxion"] {
        write(answer.path.join(other), "x");
    }
    assert_eq!(
        sandbox.git(&answer.path, &["status", "--porcelain"]),
        "?? bracket\n?? questxion\n?? starfish"
    );
}

#[test]
fn a_tracked_path_is_never_replaced() {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".scratch/tracked"), "tracked");
    write(sandbox.repo.join("graphify-out/file"), "x");
    sandbox.git(&sandbox.repo, &["add", ".scratch"]);
    sandbox.git(&sandbox.repo, &["commit", "-q", "-m", "tracked"]);
    let answer = sandbox.ask("t").expect("created");
    assert_eq!(answer.linked, ["graphify-out"]);
    assert!(fs::symlink_metadata(answer.path.join(".scratch")).unwrap().is_dir());
    assert_eq!(read(answer.path.join(".scratch/tracked")), "tracked");
    assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "");
}

#[test]
fn a_tracked_file_or_link_is_never_replaced() {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".project-docs"), "a file");
    symlink("docs", sandbox.repo.join(".scratch")).unwrap();
    sandbox.commit_all(&sandbox.repo, "file and link");
    fs::remove_file(sandbox.repo.join(".project-docs")).unwrap();
    write(sandbox.repo.join(".project-docs/x"), "a directory now");
    let answer = sandbox.ask("t").created();
    assert_eq!(read(answer.path.join(".project-docs")), "a file");
    assert_eq!(fs::read_link(answer.path.join(".scratch")).unwrap(), Path::new("docs"));
    assert_eq!(answer.linked, [] as [&str; 0]);
}

#[test]
fn what_a_sparse_tree_leaves_out_is_tracked_all_the_same() {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".scratch/tracked"), "tracked");
    sandbox.commit_all(&sandbox.repo, "tracked");
    sandbox.git(&sandbox.repo, &["sparse-checkout", "set", "src"]);
    write(sandbox.repo.join(".scratch/mine"), "mine");
    let answer = sandbox.ask("t").expect("created");
    assert_eq!(answer.linked, [] as [&str; 0]);
    assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "");
}

#[test]
fn a_link_in_the_tree_is_never_followed() {
    let sandbox = Sandbox::new();
    let outside = sandbox.base.join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, sandbox.repo.join("trap")).unwrap();
    sandbox.commit_all(&sandbox.repo, "trap");
    // The main worktree has a directory where the branch has a link.
    fs::remove_file(sandbox.repo.join("trap")).unwrap();
    write(sandbox.repo.join("trap/shared/file"), "x");
    let answer = sandbox.ask("t").env(VARIABLE, "trap/shared").run();
    assert_eq!(
        fs::read_dir(&outside).unwrap().count(),
        0,
        "nothing was written through the link: {answer:?}"
    );
    if let Ok(answer) = answer {
        assert_eq!(answer.linked, [] as [&str; 0]);
        assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "");
    }
}

#[test]
fn a_source_that_is_a_link_is_resolved_once() {
    let sandbox = Sandbox::new();
    write(sandbox.base.join("real/file"), "x");
    symlink("../real", sandbox.repo.join(".scratch")).unwrap();
    let answer = sandbox.ask("t").expect("created");
    assert_eq!(target(&answer, ".scratch"), sandbox.base.join("real"));
    assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "");
}

#[test]
fn the_exclude_block_is_written_once_and_the_rest_kept_byte_for_byte() {
    for foreign in [
        "# mine\n*.mine\n\n\\ odd \n",
        "no newline at the end",
        "",
        "windows\r\nlines\r\n",
        "\u{fffd} \u{e9}\n",
    ] {
        let sandbox = with_all_three();
        let exclude = sandbox.repo.join(".git/info/exclude");
        write(&exclude, foreign);
        sandbox.ask("a").expect("created");
        let once = read(&exclude);
        assert!(once.starts_with(foreign), "{once:?}");
        for line in ["/.project-docs", "/.scratch", "/graphify-out"] {
            assert_eq!(once.lines().filter(|found| *found == line).count(), 1, "{line} in {once:?}");
        }
        sandbox.ask("b").expect("created");
        sandbox.release("a");
        sandbox.ask("a").expect("restored");
        assert_eq!(read(&exclude), once, "the block is there once");
        sandbox.ask("c").env(VARIABLE, "docs-link:.scratch").expect("created");
        assert!(read(&exclude).starts_with(foreign));
    }
}

#[test]
fn a_foreign_exclude_that_is_not_text_is_kept() {
    let sandbox = with_all_three();
    let exclude = sandbox.repo.join(".git/info/exclude");
    write(&exclude, b"latin-1 \xe9\xff\n*.mine\n");
    let answer = sandbox.ask("t").expect("created");
    assert!(fs::read(&exclude).unwrap().starts_with(b"latin-1 \xe9\xff\n*.mine\n"));
    assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "");
}

#[test]
fn a_missing_info_directory_is_no_obstacle() {
    let sandbox = with_all_three();
    fs::remove_dir_all(sandbox.repo.join(".git/info")).unwrap();
    let answer = sandbox.ask("t").expect("created");
    assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "");
}

#[test]
fn without_anything_to_link_the_exclude_file_stays_as_it_is() {
    let sandbox = Sandbox::new();
    let exclude = sandbox.repo.join(".git/info/exclude");
    write(&exclude, "mine\n");
    sandbox.ask("t").created();
    assert_eq!(read(exclude), "mine\n");
}

#[test]
fn restored_links_come_back_and_what_is_there_is_kept() {
    let sandbox = with_all_three();
    let first = sandbox.ask("t").expect("created");
    sandbox.release("t");
    fs::remove_file(first.path.join(".scratch")).unwrap();
    write(first.path.join(".scratch/own"), "own");
    fs::remove_file(first.path.join("graphify-out")).unwrap();
    let again = sandbox.ask("t").expect("restored");
    assert_eq!(again.linked, [".project-docs", "graphify-out"]);
    assert_eq!(read(again.path.join(".scratch/own")), "own");
    assert_eq!(target(&again, "graphify-out"), sandbox.repo.join("graphify-out"));
}

#[test]
fn from_another_clone_the_links_of_the_first_stay() {
    let sandbox = with_all_three();
    let first = sandbox.ask("t").expect("created");
    let clone = sandbox.clone_to("clone", &[]);
    write(clone.join(".scratch/file"), "of the clone");
    sandbox.ask("t").root(&clone).reused();
    assert_eq!(read(first.path.join(".scratch/file")), ".scratch");
}

#[test]
fn files_are_linked_as_directories_are() {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".gitignore"), ".env\n");
    sandbox.commit_all(&sandbox.repo, "ignore");
    write(sandbox.repo.join(".env"), "KEY=1\n");
    write(sandbox.repo.join("conf/local.toml"), "x = 1\n");
    let ask = sandbox.ask("t").env(VARIABLE, ".env:conf/local.toml");
    let answer = ask.expect("created");
    assert_eq!(answer.linked, [".env", "conf/local.toml"]);
    assert_eq!(target(&answer, ".env"), sandbox.repo.join(".env"));
    assert_eq!(read(answer.path.join(".env")), "KEY=1\n");
    sandbox.git(&answer.path, &["add", "-A"]);
    assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "", "not even add -A sees them");
    assert!(answer.notes.is_empty(), "{}", answer.note);

    // Back after the directory vanished, and gone with the worktree, while the file itself stays.
    fs::remove_dir_all(&answer.path).unwrap();
    assert_eq!(ask.expect("restored").linked, [".env", "conf/local.toml"]);
    assert_eq!(read(sandbox.repo.join(".env")), "KEY=1\n");
}

#[test]
fn what_is_named_and_cannot_be_linked_is_told() {
    let sandbox = Sandbox::new();
    let repo = &sandbox.repo;
    symlink("nowhere", repo.join("dangling")).unwrap();
    let made = sandbox.command("mkfifo", repo).arg("pipe").status().unwrap();
    assert!(made.success());
    let answer =
        sandbox.ask("t").env(VARIABLE, "missing:dangling:pipe:docs:README.md/below").expect("created");
    assert!(answer.linked.is_empty());
    assert_eq!(answer.notes, ["not-linked"; 5], "{}", answer.note);
    for said in [
        "missing is not linked: ",
        "no such file or directory",
        "dangling is a link to nothing",
        "pipe is neither a file nor a directory",
        "docs is not linked: the worktree has something of its own there",
    ] {
        assert!(answer.note.contains(said), "{said}: {}", answer.note);
    }
    assert!(
        sandbox.ask("u").created().notes.is_empty(),
        "nobody asked for the names that are there by default"
    );
}

#[test]
fn no_link_is_made_that_git_would_show() {
    let sandbox = with_all_three();
    write(sandbox.repo.join(".gitignore"), "*.log\n!.*\n!graphify-out/\n");
    write(sandbox.repo.join("sub/.gitignore"), "!*\n");
    sandbox.git(&sandbox.repo, &["add", ".gitignore", "sub"]);
    sandbox.git(&sandbox.repo, &["commit", "-q", "-m", "allow"]);
    let answer = sandbox.ask("t").created();
    assert_eq!(answer.linked, ["graphify-out"], "a pattern for directories says nothing of links");
    assert_eq!(answer.notes, ["not-linked"; 2], "{}", answer.note);
    assert!(answer.note.contains(".scratch is not linked") && answer.note.contains(".gitignore:2: !.*"));
    sandbox.git(&answer.path, &["add", "-A"]);
    assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "");

    // The advised lines.
    let lines: Vec<&str> =
        answer.note.split("a line `").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    let text = format!("{}{}\n", read(sandbox.repo.join(".gitignore")), lines.join("\n"));
    write(sandbox.repo.join(".gitignore"), text);
    sandbox.git(&sandbox.repo, &["commit", "-q", "-am", "hide"]);
    assert_eq!(sandbox.ask("u").created().linked.len(), 3);

    write(sandbox.repo.join("sub/private"), "x");
    write(sandbox.repo.join(".git/info/exclude"), "/sub/private\n");
    let below = sandbox.ask("v").env(VARIABLE, "sub/private").expect("created");
    assert_eq!((below.linked.len(), below.notes), (0, vec!["not-linked".to_owned()]));
}
