//! Programs of the user that run while a tree is filled: filters and hooks that fail, hang, or do both.

use std::fs;

use crate::support::{Sandbox, is_running, lies_at, read, script, write};

/// A repository whose `*.big` files pass through a required filter with this smudge command.
fn filtered(smudge: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".gitattributes"), "*.big filter=heavy\n");
    write(sandbox.repo.join("a.big"), "pointer\n");
    sandbox.commit_all(&sandbox.repo, "big");
    sandbox.git(&sandbox.repo, &["config", "filter.heavy.smudge", smudge]);
    sandbox.git(&sandbox.repo, &["config", "filter.heavy.clean", "cat"]);
    sandbox.git(&sandbox.repo, &["config", "filter.heavy.required", "true"]);
    sandbox
}

fn with_hook(body: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    script(sandbox.repo.join(".git/hooks/post-checkout"), body);
    sandbox
}

#[test]
fn a_required_filter_that_fails() {
    let sandbox = filtered("echo heavy lifting failed >&2; false");
    let refusal = sandbox.ask("t").refused("OKSTRA_GIT_FAILED");
    assert!(refusal.message.contains("heavy"), "the filter is named: {refusal:#?}");
    sandbox.ask("t").refused("OKSTRA_GIT_FAILED");
    sandbox.git(&sandbox.repo, &["config", "filter.heavy.smudge", "sed s/pointer/content/"]);
    sandbox.git(&sandbox.repo, &["config", "filter.heavy.clean", "sed s/content/pointer/"]);
    let answer = sandbox.ask("t").created();
    assert_eq!(read(answer.path.join("a.big")), "content\n");
}

#[test]
fn a_required_filter_that_is_missing() {
    let sandbox = filtered("no-such-program-anywhere %f");
    sandbox.ask("t").refused("OKSTRA_GIT_FAILED");
    sandbox.git(&sandbox.repo, &["config", "filter.heavy.smudge", "cat"]);
    sandbox.ask("t").created();
}

#[test]
fn a_filter_that_hangs_is_stopped_with_everything_it_started() {
    let sandbox = filtered("");
    let pid = sandbox.base.join("pid");
    let filter = sandbox.base.join("hang");
    script(&filter, &format!("echo $$ > '{}'\nexec sleep 600", pid.display()));
    sandbox.git(&sandbox.repo, &["config", "filter.heavy.smudge", filter.to_str().unwrap()]);
    let before = std::time::Instant::now();
    let ask = sandbox.ask("t").env("OKSTRA_GIT_TIMEOUT", "1");
    let refusal = ask.refused("OKSTRA_GIT_TIMEOUT");
    assert!(refusal.hint.contains("OKSTRA_GIT_TIMEOUT"), "{refusal:#?}");
    assert!(before.elapsed().as_secs() < 60);
    assert!(!is_running(read(pid).trim().parse().unwrap()), "the filter was ended");
    sandbox.git(&sandbox.repo, &["config", "filter.heavy.smudge", "cat"]);
    sandbox.ask("t").created();
}

#[test]
fn a_filter_that_ignores_being_asked_to_end() {
    let sandbox = filtered("");
    let pid = sandbox.base.join("pid");
    let filter = sandbox.base.join("hang");
    script(
        &filter,
        &format!("trap '' TERM INT HUP\necho $$ > '{}'\nwhile :; do sleep 600; done", pid.display()),
    );
    sandbox.git(&sandbox.repo, &["config", "filter.heavy.smudge", filter.to_str().unwrap()]);
    sandbox.ask("t").env("OKSTRA_GIT_TIMEOUT", "1").refused("OKSTRA_GIT_TIMEOUT");
    assert!(!is_running(read(pid).trim().parse().unwrap()), "the filter was ended");
}

#[test]
fn a_time_limit_that_is_no_number() {
    let sandbox = with_hook("true");
    for name in ["OKSTRA_GIT_TIMEOUT", "OKSTRA_HOOK_TIMEOUT"] {
        for value in ["soon", "-1", "1.5.2", "9".repeat(40).as_str()] {
            let refusal = sandbox.ask("t").env(name, value).refused("OKSTRA_INVALID_ARGUMENT");
            assert!(refusal.message.contains(name), "{refusal:#?}");
        }
    }
    sandbox.ask("t").env("OKSTRA_GIT_TIMEOUT", " 60 ").env("OKSTRA_HOOK_TIMEOUT", "").created();
}

#[test]
fn a_post_checkout_hook_runs_once_as_git_would_run_it() {
    let mut sandbox = with_hook("");
    let log = sandbox.base.join("log");
    sandbox.set("HOOK_LOG", &log);
    script(
        sandbox.repo.join(".git/hooks/post-checkout"),
        r#"printf '%s|%s|%s|%s|%s\n' "$1" "$2" "$3" "$PWD" "$(git rev-parse --show-toplevel)" >> "$HOOK_LOG""#,
    );
    let answer = sandbox.ask("t").created();
    assert_eq!(answer.post_checkout_exit, None);
    let zero = "0".repeat(answer.base.len());
    let tree = answer.path.display();
    assert_eq!(read(&log), format!("{zero}|{}|1|{tree}|{tree}\n", answer.base));
    sandbox.ask("t").reused();
    assert_eq!(read(&log).lines().count(), 1, "reusing checks nothing out");
}

#[test]
fn the_hook_of_a_sha256_repository_gets_a_null_id_of_that_length() {
    let sandbox = Sandbox::without_repository();
    sandbox.init(&sandbox.repo, &["--object-format=sha256"]);
    let log = sandbox.base.join("log");
    script(sandbox.repo.join(".git/hooks/post-checkout"), &format!("echo $1 > '{}'", log.display()));
    sandbox.ask("t").created();
    assert_eq!(read(log).trim(), "0".repeat(64));
}

#[test]
fn a_post_checkout_hook_that_fails_is_reported_and_nothing_more() {
    let sandbox = with_hook("echo the hook is unhappy >&2; exit 3");
    let answer = sandbox.ask("t").created();
    assert_eq!(answer.post_checkout_exit, Some(3));
    assert!(answer.note.contains("post-checkout"), "{}", answer.note);
    assert_eq!(answer.notes, ["hook-failed"]);
    sandbox.ask("t").reused();
}

#[test]
fn a_post_checkout_hook_that_hangs_is_stopped() {
    let sandbox = Sandbox::new();
    let pid = sandbox.base.join("pid");
    let hook = format!("echo $$ > '{}'\nexec sleep 600", pid.display());
    script(sandbox.repo.join(".git/hooks/post-checkout"), &hook);
    let answer = sandbox.ask("t").env("OKSTRA_HOOK_TIMEOUT", "1").created();
    assert!(answer.note.contains("post-checkout"), "{}", answer.note);
    assert!(!is_running(read(pid).trim().parse().unwrap()), "the hook was ended");
}

#[test]
fn a_post_checkout_hook_killed_by_a_signal() {
    let sandbox = with_hook("kill -9 $$");
    let answer = sandbox.ask("t").created();
    assert!(answer.post_checkout_exit.is_some_and(|code| code != 0), "{answer:#?}");
}

#[test]
fn a_post_checkout_hook_that_leaves_a_daemon() {
    let sandbox = Sandbox::new();
    let pid = sandbox.base.join("pid");
    let hook = format!("sleep 600 </dev/null >/dev/null 2>&1 &\necho $! > '{}'", pid.display());
    script(sandbox.repo.join(".git/hooks/post-checkout"), &hook);
    sandbox.ask("t").created();
    // The daemon inherited whatever its parent had open; no later call may wait for it.
    sandbox.ask("t").reused();
    sandbox.release("t");
    sandbox.ask("t").expect("restored");
    let id = rustix::process::Pid::from_raw(read(pid).trim().parse().unwrap()).unwrap();
    let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
}

#[test]
fn a_post_checkout_hook_that_prints_much_and_no_text() {
    let sandbox = with_hook(
        "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; printf '\\377\\376' >&2; exit 1",
    );
    assert_eq!(sandbox.ask("t").created().post_checkout_exit, Some(1));
}

#[test]
fn a_hook_that_is_not_executable_is_passed_over() {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join(".git/hooks/post-checkout"), "#!/bin/sh\nexit 1\n");
    assert_eq!(sandbox.ask("t").created().post_checkout_exit, None);
}

#[test]
fn hooks_in_another_place() {
    let sandbox = Sandbox::new();
    let log = sandbox.base.join("log");
    let body = format!("echo ran >> '{}'", log.display());
    script(sandbox.repo.join(".githooks/post-checkout"), &body);
    sandbox.commit_all(&sandbox.repo, "hooks in the tree");
    script(sandbox.base.join("hooks of mine/post-checkout"), &body);
    let absolute = sandbox.base.join("hooks of mine");
    for (count, (task, place)) in
        [("a", ".githooks"), ("b", absolute.to_str().unwrap())].into_iter().enumerate()
    {
        sandbox.git(&sandbox.repo, &["config", "core.hooksPath", place]);
        sandbox.ask(task).created();
        assert_eq!(read(&log).lines().count(), count + 1, "{place}: once");
    }
    for place in ["/dev/null", "nowhere"] {
        sandbox.git(&sandbox.repo, &["config", "core.hooksPath", place]);
        sandbox.ask(&place.replace('/', "x")).created();
    }
    assert_eq!(read(&log).lines().count(), 2);
}

#[test]
fn a_hook_that_refuses_ref_changes() {
    let sandbox = Sandbox::new();
    let hook = sandbox.repo.join(".git/hooks/reference-transaction");
    script(&hook, "test \"$1\" != prepared || { echo no refs today >&2; exit 1; }");
    let refusal = sandbox.ask("t").refused("OKSTRA_GIT_FAILED");
    assert!(refusal.message.contains("no refs today") || refusal.message.contains("hook"), "{refusal:#?}");
    fs::remove_file(hook).unwrap();
    sandbox.ask("t").created();
}

#[test]
fn hooks_are_not_run_where_a_checkout_would_run_none() {
    let sandbox = Sandbox::new();
    let log = sandbox.base.join("log");
    for hook in
        ["pre-commit", "post-commit", "post-merge", "post-rewrite", "pre-auto-gc", "post-index-change"]
    {
        script(sandbox.repo.join(".git/hooks").join(hook), &format!("echo {hook} >> '{}'", log.display()));
    }
    sandbox.ask("t").created();
    let ran = if lies_at(&log) { read(&log) } else { String::new() };
    assert!(ran.lines().all(|hook| hook == "post-index-change"), "{ran}");
}
