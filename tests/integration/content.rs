//! What a repository holds and how it is configured: sparse trees, index formats, monitors, file names and kinds.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::{Sandbox, lies_at, read, script, write};

#[test]
fn sparse_checkout_is_taken_over() {
    for mode in ["--cone", "--no-cone"] {
        let sandbox = Sandbox::new();
        sandbox.git(&sandbox.repo, &["sparse-checkout", "set", mode, "src"]);
        let answer = sandbox.ask("t").root(sandbox.repo.join("src")).created();
        assert!(lies_at(answer.path.join("src/main.txt")));
        assert!(!lies_at(answer.path.join("docs")), "{mode}: left out as in the main worktree");
        sandbox.git(&answer.path, &["sparse-checkout", "add", "docs"]);
        assert!(!lies_at(sandbox.repo.join("docs")), "{mode}: the new tree has patterns of its own");
    }
}

#[test]
fn a_hook_for_fsmonitor_is_not_run() {
    let sandbox = Sandbox::new();
    let marker = sandbox.base.join("ran");
    script(sandbox.base.join("monitor"), &format!("echo ran >> '{}'; exit 1", marker.display()));
    sandbox.git(&sandbox.repo, &["config", "core.fsmonitor", sandbox.base.join("monitor").to_str().unwrap()]);
    let _ = fs::remove_file(&marker);
    sandbox.ask("t").expect("created");
    sandbox.release("t");
    sandbox.ask("t").expect("restored");
    assert!(!lies_at(&marker), "provisioning runs no program that only status asks for");
}

#[test]
fn split_and_other_indexes() {
    for (name, value) in [
        ("core.splitIndex", "true"),
        ("index.version", "4"),
        ("index.sparse", "true"),
        ("feature.manyFiles", "true"),
        ("core.untrackedCache", "true"),
        ("index.skipHash", "true"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.git(&sandbox.repo, &["config", name, value]);
        sandbox.git(&sandbox.repo, &["update-index", "--force-write-index"]);
        sandbox.ask("t").created();
    }
}

#[test]
fn settings_that_change_what_worktree_add_does() {
    for (name, value) in [
        ("worktree.useRelativePaths", "true"),
        ("worktree.guessRemote", "true"),
        ("checkout.defaultRemote", "origin"),
        ("checkout.workers", "4"),
        ("extensions.worktreeConfig", "true"),
        ("submodule.recurse", "true"),
        ("core.logAllRefUpdates", "always"),
        ("color.ui", "always"),
        ("core.quotePath", "true"),
        ("push.autoSetupRemote", "true"),
        ("branch.autoSetupRebase", "always"),
        ("core.pager", "false"),
        ("core.editor", "false"),
        ("status.showUntrackedFiles", "no"),
        ("advice.objectNameWarning", "false"),
        ("gc.auto", "1"),
        ("core.abbrev", "4"),
        ("alias.worktree", "!false"),
        ("core.preferSymlinkRefs", "true"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.git(&sandbox.repo, &["config", name, value]);
        sandbox.ask("t").created();
    }
}

#[test]
fn relative_paths_are_not_written() {
    let sandbox = Sandbox::new();
    sandbox.git(&sandbox.repo, &["config", "worktree.useRelativePaths", "true"]);
    let answer = sandbox.ask("t").created();
    assert!(
        read(answer.path.join(".git")).starts_with("gitdir: /"),
        "older versions of git refuse relative ones"
    );
    assert_eq!(sandbox.try_git(&sandbox.repo, &["config", "extensions.relativeWorktrees"]).stdout, b"");
}

#[test]
fn a_broken_configuration_is_gits_to_explain() {
    let sandbox = Sandbox::new();
    let config = sandbox.repo.join(".git/config");
    let good = read(&config);
    write(&config, format!("{good}[broken\n"));
    let refusal = sandbox.ask("t").run().expect_err("git cannot read its configuration");
    assert_eq!(refusal.code, "OKSTRA_GIT_FAILED", "{refusal:#?}");
    assert!(refusal.message.contains("bad config"), "{refusal:#?}");
    write(&config, good);
    sandbox.ask("t").created();
}

#[test]
fn a_repository_of_a_later_format_is_gits_to_explain() {
    let sandbox = Sandbox::new();
    sandbox.git(&sandbox.repo, &["config", "core.repositoryFormatVersion", "99"]);
    let refusal = sandbox.ask("t").run().expect_err("git does not know the format");
    assert_eq!(refusal.code, "OKSTRA_GIT_FAILED", "{refusal:#?}");
    sandbox.git(&sandbox.repo, &["config", "-f", ".git/config", "core.repositoryFormatVersion", "0"]);
    sandbox.ask("t").created();
}

#[test]
fn files_of_every_kind_and_name() {
    let sandbox = Sandbox::new();
    for name in
        ["space in name", "tab\tname", "new\nline", "-dash", "quote\"d", "back\\slash", "주제", "a:b", "*?["]
    {
        write(sandbox.repo.join(name), name);
    }
    write(sandbox.repo.join(std::ffi::OsStr::from_bytes(b"latin-1 \xe9")), "not UTF-8");
    write(sandbox.repo.join("run"), "#!/bin/sh\n");
    fs::set_permissions(sandbox.repo.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    write(sandbox.repo.join("empty"), "");
    write(sandbox.repo.join("binary"), [0, 159, 146, 150]);
    symlink("../nowhere", sandbox.repo.join("dangling")).unwrap();
    write(
        sandbox.repo.join(".gitattributes"),
        "*.crlf text eol=crlf\nexported export-subst\n*.u16 working-tree-encoding=UTF-16\n",
    );
    write(sandbox.repo.join("a.crlf"), "one\ntwo\n");
    write(sandbox.repo.join("a.u16"), b"\xff\xfea\0b\0");
    sandbox.commit_all(&sandbox.repo, "every kind");
    let answer = sandbox.ask("t").created();
    assert_eq!(fs::read(answer.path.join("a.crlf")).unwrap(), b"one\r\ntwo\r\n");
    assert_eq!(fs::metadata(answer.path.join("run")).unwrap().permissions().mode() & 0o111, 0o111);
    assert_eq!(fs::read_link(answer.path.join("dangling")).unwrap().to_str(), Some("../nowhere"));
}

#[test]
fn an_empty_commit() {
    let sandbox = Sandbox::without_repository();
    fs::create_dir(&sandbox.repo).unwrap();
    sandbox.git(&sandbox.repo, &["init", "-q"]);
    sandbox.git(&sandbox.repo, &["commit", "-q", "--allow-empty", "-m", "nothing"]);
    let answer = sandbox.ask("t").created();
    assert_eq!(fs::read_dir(answer.path).unwrap().count(), 1, "nothing but .git");
}

#[test]
fn replaced_and_grafted_history() {
    let sandbox = Sandbox::new();
    let first = sandbox.git(&sandbox.repo, &["rev-parse", "HEAD"]);
    let second = sandbox.work_in(&sandbox.repo, "second");
    sandbox.git(&sandbox.repo, &["replace", &second, &first]);
    assert_eq!(sandbox.ask("t").expect("created").base, second);
}

#[test]
fn a_missing_blob_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    let blob = sandbox.git(&sandbox.repo, &["rev-parse", "HEAD:README.md"]);
    let object = sandbox.repo.join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    let aside = sandbox.base.join("blob");
    fs::rename(&object, &aside).unwrap();
    // Else the file of the main worktree would be taken.
    write(sandbox.repo.join("README.md"), "changed");
    let refusal = sandbox.ask("t").refused("OKSTRA_GIT_FAILED");
    assert!(refusal.message.contains(&blob[..7]), "git's message is kept: {refusal:#?}");
    fs::rename(&aside, &object).unwrap();
    sandbox.ask("t").created();
}

#[test]
fn another_worktree_with_unsaved_work_is_not_touched() {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("first").created();
    write(first.path.join("untracked"), "untracked");
    write(first.path.join("README.md"), "changed");
    write(first.path.join("staged"), "staged");
    sandbox.git(&first.path, &["add", "staged"]);
    write(sandbox.repo.join("also here"), "x");
    let status = sandbox.git(&first.path, &["status", "--porcelain"]);
    let index = fs::read(sandbox.repo.join(".git/worktrees/first/index")).unwrap();
    sandbox.ask("second").created();
    sandbox.ask("third").base("nowhere").refused("OKSTRA_BASE_NOT_FOUND");
    assert_eq!(sandbox.git(&first.path, &["status", "--porcelain"]), status);
    assert_eq!(fs::read(sandbox.repo.join(".git/worktrees/first/index")).unwrap(), index);
}
