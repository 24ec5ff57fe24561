//! Whatever the caller's environment says to git, okstra works on the repository that it was given.

use std::ffi::OsString;
use std::fs;

use crate::support::{Sandbox, ask, child, lies_at, read, script, write};

/// Each variable of git's manual with a value that would do harm. `{other}` is another repository.
const HOSTILE: &[(&str, &str)] = &[
    // What `git rev-parse --local-env-vars` lists.
    ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "{other}/.git/objects"),
    ("GIT_CONFIG", "/nonexistent"),
    ("GIT_CONFIG_PARAMETERS", "broken"),
    ("GIT_CONFIG_COUNT", "many"),
    ("GIT_OBJECT_DIRECTORY", "{other}/.git/objects"),
    ("GIT_DIR", "{other}/.git"),
    ("GIT_WORK_TREE", "{other}"),
    ("GIT_IMPLICIT_WORK_TREE", "0"),
    ("GIT_GRAFT_FILE", "/nonexistent"),
    ("GIT_INDEX_FILE", "{other}/.git/index"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_REPLACE_REF_BASE", "refs/heads/"),
    ("GIT_PREFIX", "docs/"),
    ("GIT_SHALLOW_FILE", "/nonexistent"),
    ("GIT_COMMON_DIR", "{other}/.git"),
    // Harmful though not in that list.
    ("GIT_NAMESPACE", "elsewhere"),
    ("GIT_DISCOVERY_ACROSS_FILESYSTEM", "nonsense"),
    ("GIT_INDEX_VERSION", "2"),
    ("GIT_DEFAULT_HASH", "sha256"),
    ("GIT_DEFAULT_REF_FORMAT", "reftable"),
    ("GIT_REFERENCE_BACKEND", "reftable"),
    ("GIT_ATTR_NOSYSTEM", "nonsense"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_GLOB_PATHSPECS", "1"),
    ("GIT_NOGLOB_PATHSPECS", "1"),
    ("GIT_ICASE_PATHSPECS", "1"),
    ("GIT_EXEC_PATH", "/nonexistent"),
    ("GIT_QUARANTINE_PATH", "{other}/.git/objects"),
    ("GIT_INTERNAL_SUPER_PREFIX", "sub/"),
    ("GIT_TRACE", "1"),
    ("GIT_TRACE", "{other}/traced"),
    ("GIT_TRACE_SETUP", "1"),
    ("GIT_TRACE_PACKET", "1"),
    ("GIT_TRACE2", "1"),
    ("GIT_TRACE2_EVENT", "{other}/traced"),
    ("GIT_REDIRECT_STDOUT", "{other}/redirected"),
    ("GIT_FLUSH", "nonsense"),
    ("GIT_REFLOG_ACTION", "forged"),
    ("GIT_EDITOR", "touch {other}/edited;false"),
    ("GIT_SEQUENCE_EDITOR", "touch {other}/edited;false"),
    ("GIT_PAGER", "touch {other}/paged;false"),
    ("GIT_PAGER_IN_USE", "1"),
    ("GIT_ASKPASS", "/nonexistent"),
    ("GIT_TEMPLATE_DIR", "{other}"),
    ("GIT_ADVICE", "nonsense"),
    ("GIT_OPTIONAL_LOCKS", "nonsense"),
    ("GIT_TERMINAL_PROMPT", "nonsense"),
    ("GIT_EXTERNAL_DIFF", "/nonexistent"),
    ("GIT_DIFF_OPTS", "--unified=nonsense"),
    ("GIT_MERGE_VERBOSITY", "nonsense"),
    ("GIT_PROGRESS_DELAY", "nonsense"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_PROTOCOL", "version=9"),
    ("GIT_PROTOCOL_FROM_USER", "0"),
    ("GIT_REF_PARANOIA", "0"),
    ("GIT_COMMIT_GRAPH_PARANOIA", "nonsense"),
    ("GIT_DEFAULT_BRANCH", "other"),
    ("GIT_TEST_SPLIT_INDEX", "nonsense"),
    ("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1"),
    ("GIT_TEST_DATE_NOW", "1"),
    ("GIT_SOMETHING_NEW", "{other}"),
    ("GIT_NOTES_REF", "refs/heads/main"),
    ("GIT_CONFIG_NOGLOBAL", "1"),
    ("GIT_DELTA_BASE_CACHE_LIMIT", "nonsense"),
    // No variables of git's own, and yet they change what it says or does.
    ("LC_ALL", "de_DE.UTF-8"),
    ("LANGUAGE", "ko:de"),
    ("PAGER", "false"),
    ("EDITOR", "false"),
    ("VISUAL", "false"),
    ("SSH_ASKPASS", "/nonexistent"),
    ("CDPATH", "/"),
    ("PWD", "/nonexistent"),
    ("OLDPWD", "/nonexistent"),
    ("IFS", "/"),
];

#[test]
fn no_hostile_variable_changes_anything() {
    let sandbox = Sandbox::new();
    let other = sandbox.base.join("other");
    sandbox.init(&other, &[]);
    let state = |what: &[&str]| sandbox.git(&other, what);
    let others_files = || {
        let mut files: Vec<_> = crate::support::files_below(&other)
            .into_iter()
            .map(|path| (fs::read(&path).unwrap(), path))
            .collect();
        files.sort();
        files
    };
    let (before, refs) = (others_files(), state(&["for-each-ref"]));
    for (number, (name, value)) in HOSTILE.iter().enumerate() {
        let value = value
            .replace("{other}", other.to_str().unwrap())
            .replace("{repo}", sandbox.repo.to_str().unwrap());
        let ask = sandbox.ask(&format!("task-{number}")).root(sandbox.repo.join("docs")).env(name, &value);
        let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ask.created()));
        assert!(answer.is_ok(), "with {name}={value}");
        assert!(before == others_files(), "{name}={value} reached the other repository");
    }
    assert_eq!(state(&["for-each-ref"]), refs);
}

#[test]
fn all_hostile_variables_at_once() {
    let sandbox = Sandbox::new();
    let other = sandbox.base.join("other");
    sandbox.init(&other, &[]);
    let mut ask = sandbox.ask("t");
    for (name, value) in HOSTILE {
        ask = ask.env(name, value.replace("{other}", other.to_str().unwrap()).replace("{repo}", "/"));
    }
    ask.created();
    assert_eq!(sandbox.git(&other, &["branch", "--format=%(refname:short)"]), "main");
}

/// A repository in which `*.big` is smudged by a program that does not exist, and must be.
fn with_a_missing_filter() -> Sandbox {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".gitattributes"), "*.big filter=heavy\n");
    write(sandbox.repo.join("a.big"), "pointer\n");
    sandbox.commit_all(&sandbox.repo, "big");
    sandbox.git(&sandbox.repo, &["config", "filter.heavy.smudge", "no-such-program-anywhere"]);
    sandbox.git(&sandbox.repo, &["config", "filter.heavy.required", "true"]);
    sandbox
}

#[test]
fn settings_that_the_environment_hands_over_hold() {
    let sandbox = with_a_missing_filter();
    sandbox.ask("t").refused("OKSTRA_GIT_FAILED");
    let counted = [
        ("GIT_CONFIG_COUNT", "2"),
        ("GIT_CONFIG_KEY_0", "filter.heavy.smudge"),
        ("GIT_CONFIG_VALUE_0", "sed s/pointer/content/"),
        ("GIT_CONFIG_KEY_1", "filter.heavy.clean"),
        ("GIT_CONFIG_VALUE_1", "sed s/content/pointer/"),
    ];
    let handed = [(
        "GIT_CONFIG_PARAMETERS",
        "'filter.heavy.smudge'='sed s/pointer/content/' 'filter.heavy.clean=sed s/content/pointer/'",
    )];
    for (task, variables) in [("counted", &counted[..]), ("handed", &handed[..])] {
        let ask = variables.iter().fold(sandbox.ask(task), |ask, (name, value)| ask.env(name, value));
        assert_eq!(read(ask.expect("created").path.join("a.big")), "content\n", "{task}");
    }
    // A list that no git can read would make every call fail.
    let ask = counted.iter().fold(sandbox.ask("t"), |ask, (name, value)| ask.env(name, value));
    ask.env("GIT_CONFIG_COUNT", "3").refused("OKSTRA_GIT_FAILED");
}

#[test]
fn a_repository_of_somebody_else_is_trusted_as_the_environment_says() {
    if !crate::support::is_root() {
        eprintln!("skipped: only the superuser can give a repository away");
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.command("chown", &sandbox.base).args(["-R", "65534", "repo"]).status().unwrap();
    sandbox.ask("t").refused("OKSTRA_DUBIOUS_OWNERSHIP");
    let trusting = |task: &str, value: &str| {
        let ask = sandbox.ask(task).env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "safe.directory");
        ask.env("GIT_CONFIG_VALUE_0", value)
    };
    for phase in ["one", "two"] {
        let answer = trusting("t", "*").phase(phase).run().unwrap();
        assert_eq!(answer.status, if phase == "one" { "created" } else { "reused" });
    }
    sandbox.ask("t").phase("three").refused("OKSTRA_DUBIOUS_OWNERSHIP");
    let handed = sandbox.ask("u").env("GIT_CONFIG_PARAMETERS", "'safe.directory'='*'");
    assert_eq!(handed.run().unwrap().status, "created");
    let elsewhere = trusting("v", "/nonexistent").run().unwrap_err();
    assert_eq!(elsewhere.code, "OKSTRA_DUBIOUS_OWNERSHIP");
}

#[test]
fn where_git_is_told_not_to_look_okstra_does_not_look() {
    let sandbox = Sandbox::new();
    let below = sandbox.repo.join("docs");
    for limit in [&sandbox.repo, &sandbox.base] {
        let status = if *limit == sandbox.repo { "skipped-not-git" } else { "created" };
        sandbox.ask("t").root(&below).env("GIT_CEILING_DIRECTORIES", limit).expect(status);
    }
    sandbox.ask("t").root(&below).env("GIT_CEILING_DIRECTORIES", &sandbox.repo).expect("skipped-not-git");
    sandbox.ask("t").root(&below).expect("reused");
}

#[test]
fn attributes_come_from_where_the_environment_says() {
    let sandbox = Sandbox::new();
    let plain = sandbox.git(&sandbox.repo, &["rev-parse", "HEAD"]);
    write(sandbox.repo.join(".gitattributes"), "*.txt text eol=crlf\n");
    let converting = sandbox.commit_all(&sandbox.repo, "converted");
    for (task, source, ends) in [("a", &plain, "text\n"), ("b", &converting, "text\r\n")] {
        let ask = sandbox.ask(task).env("GIT_ATTR_SOURCE", source);
        assert_eq!(read(ask.expect("created").path.join("src/main.txt")), ends, "{task}");
    }
    // Where git cannot read it either, its message says so.
    let refusal = sandbox.ask("c").env("GIT_ATTR_SOURCE", "nowhere").refused("OKSTRA_GIT_FAILED");
    assert!(refusal.message.contains("GIT_ATTR_SOURCE"), "{refusal:#?}");
}

#[test]
fn the_users_own_configuration_and_identity_are_kept() {
    let sandbox = Sandbox::new();
    let config = sandbox.base.join("user/.gitconfig");
    write(
        &config,
        format!("{}[core]\n\thooksPath = {}\n", read(&config), sandbox.base.join("hooks").display()),
    );
    let log = sandbox.base.join("log");
    script(
        sandbox.base.join("hooks/post-checkout"),
        &format!("echo \"$GIT_AUTHOR_NAME|$GIT_SSH_COMMAND|$HOME|$MY_OWN\" > '{}'", log.display()),
    );
    sandbox.ask("t").env("GIT_SSH_COMMAND", "ssh -i key").created();
    let seen = read(log);
    assert!(
        seen.starts_with(&format!("A U Thor|ssh -i key|{}|", sandbox.base.join("user").display())),
        "{seen}"
    );
}

#[test]
fn git_finds_no_question_to_ask() {
    let sandbox = Sandbox::new();
    let log = sandbox.base.join("log");
    script(
        sandbox.repo.join(".git/hooks/post-checkout"),
        &format!("if read line; then echo \"read $line\"; else echo nothing; fi > '{}'", log.display()),
    );
    sandbox.ask("t").created();
    assert_eq!(read(log), "nothing\n", "standard input is empty");
}

/// Commits in a repository whose pre-commit hook provisions a worktree, and compares the index that the commit is being
/// made from before and after.
fn commit_with_provisioning_hook(
    sandbox: &Sandbox,
    tree: &std::path::Path,
    words: &[&str],
) -> Result<ask::Answer, ask::Refusal> {
    let ask = sandbox.ask("from-hook").root(tree);
    let (answer, variables) = ask.hand_over();
    let sums = sandbox.base.join("sums");
    script(
        sandbox.repo.join(".git/hooks/pre-commit"),
        &format!(
            "test -n \"$GIT_INDEX_FILE\" || exit 9\ncksum < \"$GIT_INDEX_FILE\" > '{sums}.1'\n'{exe}' {arguments} >&2 || exit 8\ncksum < \"$GIT_INDEX_FILE\" > '{sums}.2'",
            sums = sums.display(),
            exe = std::env::current_exe().unwrap().display(),
            arguments = child::ARGUMENTS.join(" "),
        ),
    );
    let output = sandbox.command("git", tree).arg("commit").args(words).envs(variables).output().unwrap();
    assert!(output.status.success(), "the commit went through: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        read(sums.with_extension("1")),
        read(sums.with_extension("2")),
        "the caller's index is unchanged"
    );
    ask::understand(&serde_json::from_slice(&fs::read(answer).unwrap()).unwrap())
}

#[test]
fn inside_a_pre_commit_hook() {
    let forms: [&[&str]; 3] = [&["-q", "-m", "x"], &["-q", "-a", "-m", "x"], &["-q", "-m", "x", "README.md"]];
    for words in forms {
        let sandbox = Sandbox::new();
        let head = sandbox.git(&sandbox.repo, &["rev-parse", "HEAD"]);
        write(sandbox.repo.join("README.md"), "changed\n");
        write(sandbox.repo.join("staged"), "staged\n");
        sandbox.git(&sandbox.repo, &["add", "README.md", "staged"]);
        let answer = commit_with_provisioning_hook(&sandbox, &sandbox.repo, words).unwrap();
        assert_eq!((answer.status.as_str(), answer.base.as_str()), ("created", head.as_str()));
        assert_eq!(sandbox.git(&answer.path, &["status", "--porcelain"]), "");
        assert_eq!(sandbox.git(&answer.path, &["rev-parse", "HEAD"]), head);
        assert!(
            sandbox.git(&sandbox.repo, &["show", "--name-only", "--format=", "HEAD"]).contains("README.md")
        );
        sandbox.git(&sandbox.repo, &["fsck"]);
    }
}

#[test]
fn inside_a_pre_commit_hook_of_a_linked_worktree() {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("first").created();
    write(first.path.join("README.md"), "changed\n");
    let answer = commit_with_provisioning_hook(&sandbox, &first.path, &["-q", "-a", "-m", "x"]).unwrap();
    assert_eq!((answer.status.as_str(), answer.path != first.path), ("created", true));
    assert_eq!(sandbox.git(&first.path, &["status", "--porcelain"]), "");
}

#[test]
fn inside_a_hook_that_provisioning_itself_runs() {
    let mut sandbox = Sandbox::new();
    let (answer, variables) = {
        let inner = sandbox.ask("t");
        inner.hand_over()
    };
    let names: Vec<_> = variables
        .iter()
        .map(|(name, value)| {
            let mut line = OsString::from("export ");
            line.push(name);
            line.push("='");
            line.push(value);
            line.push("'");
            line.into_string().unwrap()
        })
        .collect();
    script(
        sandbox.repo.join(".git/hooks/post-checkout"),
        &format!(
            "{}\nexec '{}' {}",
            names.join("\n"),
            std::env::current_exe().unwrap().display(),
            child::ARGUMENTS.join(" ")
        ),
    );
    sandbox.set("OKSTRA_HOOK_TIMEOUT", "3");
    // The hook asks for the very task that is being made: it may wait in vain until it is stopped, but neither hangs
    // for ever nor makes anything twice.
    let outer = sandbox.ask("t").created();
    assert_eq!(outer.path, sandbox.worktree("t"));
    if lies_at(&answer) {
        let inner = ask::understand(&serde_json::from_slice(&fs::read(&answer).unwrap()).unwrap());
        assert!(
            inner.as_ref().map_or(true, |inner| ["reused", "skipped-in-worktree"].contains(&&*inner.status)),
            "{inner:?}"
        );
    }
}
