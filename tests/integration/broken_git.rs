//! A git that is missing, old, failing, talkative, killed, or lying.

use std::fs;

use crate::support::{Sandbox, lies_at, read, script};

/// A sandbox whose `git` is a script, in which `$REAL_GIT` is the real one. The tests themselves must ask for the real
/// one as well, so the script acts only when `FAKE_GIT` is set.
fn with_fake(body: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let output = sandbox.command("sh", &sandbox.base).args(["-c", "command -v git"]).output().unwrap();
    let real = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let fake = sandbox.base.join("fake-bin");
    script(fake.join("git"), &format!("test -n \"$FAKE_GIT\" || exec '{real}' \"$@\"\n{body}"));
    sandbox.prepend_path(&fake);
    sandbox.set("REAL_GIT", &real);
    sandbox
}

const IS_ADD: &str = r#"case " $* " in *" worktree add "*) add=1;; *) add=;; esac"#;

#[test]
fn no_git_at_all() {
    let sandbox = Sandbox::new();
    let empty = sandbox.base.join("empty");
    fs::create_dir(&empty).unwrap();
    for path in [empty.as_os_str(), "".as_ref(), "/nonexistent".as_ref()] {
        let ask = sandbox.ask("t").env("PATH", path);
        if path.is_empty() {
            // An empty PATH means the working directory to some and the system's default to others.
            let _ = ask.run();
            continue;
        }
        let refusal = ask.refused("OKSTRA_GIT_MISSING");
        assert!(refusal.hint.contains("2.36"), "{refusal:#?}");
    }
    sandbox.ask("u").created();
}

#[test]
fn a_git_in_the_working_directory_is_not_run() {
    let sandbox = Sandbox::new();
    let marker = sandbox.base.join("ran");
    script(sandbox.repo.join("git"), &format!("touch '{}'; exit 1", marker.display()));
    sandbox.ask("t").cwd(&sandbox.repo).created();
    assert!(!lies_at(marker));
}

#[test]
fn a_git_that_is_too_old() {
    let sandbox = with_fake("echo 'git version 2.30.2'");
    let refusal = sandbox.ask("t").env("FAKE_GIT", "1").refused("OKSTRA_GIT_TOO_OLD");
    assert!(refusal.message.contains("2.30") && refusal.message.contains("2.36"), "{refusal:#?}");
    sandbox.ask("t").created();
}

#[test]
fn versions_as_others_print_them() {
    for version in [
        "git version 2.39.5 (Apple Git-154)",
        "git version 2.47.1.windows.2",
        "git version 2.50.0-rc1",
        "git version 3.0.0",
    ] {
        let sandbox = with_fake(&format!(
            "case \" $* \" in *version*) echo '{version}';; *) exec \"$REAL_GIT\" \"$@\";; esac"
        ));
        sandbox.ask("t").env("FAKE_GIT", "1").created();
    }
}

#[test]
fn a_git_that_fails() {
    let sandbox = with_fake("echo 'fatal: out of luck' >&2; exit 128");
    let refusal = sandbox.ask("t").env("FAKE_GIT", "1").refused("OKSTRA_GIT_FAILED");
    assert!(refusal.message.contains("out of luck"), "{refusal:#?}");
    sandbox.ask("t").created();
}

#[test]
fn a_git_that_fails_to_add() {
    let sandbox = with_fake(&format!(
        "{IS_ADD}\ntest -n \"$add\" || exec \"$REAL_GIT\" \"$@\"\necho 'fatal: no worktrees today' >&2; exit 128"
    ));
    let refusal = sandbox.ask("t").env("FAKE_GIT", "1").refused("OKSTRA_GIT_FAILED");
    assert!(refusal.message.contains("no worktrees today"), "{refusal:#?}");
    sandbox.ask("t").created();
}

#[test]
fn a_git_that_fails_after_it_added() {
    let sandbox = with_fake(&format!(
        "{IS_ADD}\ntest -n \"$add\" || exec \"$REAL_GIT\" \"$@\"\n\"$REAL_GIT\" \"$@\"; echo 'fatal: too late' >&2; exit 128"
    ));
    // The worktree is there: to go on with it and to take it back are both right.
    let result = sandbox.ask("t").env("FAKE_GIT", "1").created_or_refused();
    match result {
        Ok(answer) => assert_eq!(answer.status, "created"),
        Err(_) => drop(sandbox.ask("t").created()),
    }
}

#[test]
fn a_git_that_prints_ten_megabytes() {
    let sandbox = with_fake(
        "yes 'warning: everything is noise' | head -c 10000000 >&2; echo 'fatal: the last word' >&2; exit 1",
    );
    let refusal = sandbox.ask("t").env("FAKE_GIT", "1").refused("OKSTRA_GIT_FAILED");
    assert!(refusal.message.len() < 100_000, "the message is cut: {} bytes", refusal.message.len());
}

#[test]
fn a_git_that_prints_ten_megabytes_and_works() {
    let sandbox =
        with_fake("yes 'warning: everything is noise' | head -c 10000000 >&2; exec \"$REAL_GIT\" \"$@\"");
    sandbox.ask("t").env("FAKE_GIT", "1").created();
}

#[test]
fn a_git_that_is_killed() {
    for signal in ["KILL", "TERM", "SEGV"] {
        let sandbox =
            with_fake(&format!("{IS_ADD}\ntest -n \"$add\" || exec \"$REAL_GIT\" \"$@\"\nkill -{signal} $$"));
        let refusal = sandbox.ask("t").env("FAKE_GIT", "1").refused("OKSTRA_GIT_FAILED");
        assert!(refusal.message.contains("signal"), "{refusal:#?}");
        sandbox.ask("t").created();
    }
}

#[test]
fn a_git_that_hangs() {
    let sandbox =
        with_fake(&format!("{IS_ADD}\ntest -n \"$add\" || exec \"$REAL_GIT\" \"$@\"\nexec sleep 600"));
    sandbox.ask("t").env("FAKE_GIT", "1").env("OKSTRA_GIT_TIMEOUT", "1").refused("OKSTRA_GIT_TIMEOUT");
    sandbox.ask("t").created();
}

#[test]
fn a_git_that_says_it_worked_and_did_nothing() {
    let sandbox = with_fake(&format!("{IS_ADD}\ntest -n \"$add\" || exec \"$REAL_GIT\" \"$@\"\nexit 0"));
    let refusal = sandbox.ask("t").env("FAKE_GIT", "1").run().expect_err("what git says is verified");
    assert_ne!(refusal.code, "OKSTRA_INTERNAL", "{refusal:#?}");
    assert!(!lies_at(sandbox.worktree("t")) && sandbox.row("t").is_null());
    sandbox.ask("t").created();
}

/// Fails as many adds as `$TIMES` with a message, after the branch was made, as git does.
fn failing_for_a_while(message: &str, make_branch: bool) -> Sandbox {
    let branch = if make_branch {
        r#"for word; do
  test "$previous" = -b && name=$word
  previous=$word
  last=$word
done
"$REAL_GIT" -C "$REPO" branch "$name" "$last""#
    } else {
        ":"
    };
    let mut sandbox = with_fake(&format!(
        "{IS_ADD}
test -n \"$add\" || exec \"$REAL_GIT\" \"$@\"
echo x >> \"$COUNTER\"
test \"$(wc -l < \"$COUNTER\")\" -gt \"$TIMES\" && exec \"$REAL_GIT\" \"$@\"
{branch}
printf '%s\\n' \"$MESSAGE\" >&2
exit 128"
    ));
    let (counter, repo) = (sandbox.base.join("counter"), sandbox.repo.clone());
    sandbox.set("COUNTER", counter).set("REPO", repo).set("MESSAGE", message);
    sandbox
}

#[test]
fn the_window_of_a_foreign_add_is_waited_out() {
    for make_branch in [false, true] {
        let message = "fatal: failed to read .git/worktrees/x/commondir: Success";
        let sandbox = failing_for_a_while(message, make_branch);
        sandbox.ask("t").env("FAKE_GIT", "1").env("TIMES", "2").created();
        assert_eq!(read(sandbox.base.join("counter")).lines().count(), 3, "two failures and a success");
    }
}

#[test]
fn other_passing_failures_are_waited_out() {
    for message in [
        "error: could not lock config file .git/config: File exists",
        "fatal: Unable to create '/x/.git/packed-refs.lock': File exists.",
        "fatal: failed to read .git/worktrees/x/commondir: No such file or directory",
        "fatal: failed to read .git/worktrees/x/commondir: Undefined error: 0",
    ] {
        let sandbox = failing_for_a_while(message, true);
        sandbox.ask("t").env("FAKE_GIT", "1").env("TIMES", "1").created();
    }
}

#[test]
fn a_passing_failure_that_does_not_pass_ends() {
    let message = "fatal: failed to read .git/worktrees/x/commondir: Success";
    let sandbox = failing_for_a_while(message, true);
    let refusal = sandbox.ask("t").env("FAKE_GIT", "1").env("TIMES", "1000").refused("OKSTRA_GIT_FAILED");
    assert!(refusal.message.contains("commondir"), "{refusal:#?}");
    let tries = read(sandbox.base.join("counter")).lines().count();
    assert!((2..=12).contains(&tries), "a bounded number of tries: {tries}");
    sandbox.ask("t").created();
}
