//! Hooks run as under `git worktree add`, also those that git 2.54 takes from its configuration, and one that died with its
//! run is made up for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::support::{Sandbox, child, is_running, read, script};

/// What a hook saw: its environment as it was started with, and what else it can know of how it was started.
fn seen(log: &Path) -> BTreeMap<String, String> {
    let text = read(log);
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.split(['\0', '\n']).filter_map(pair).collect()
}

/// Writes down everything about the process that runs it.
const TELL: &str = r#"tr '\0' '\n' < /proc/$$/environ > "$HOOK_LOG.new"
{ echo "@directory=$PWD"; echo "@name=$0"; echo "@arguments=$*"; echo "@umask=$(umask)"
echo "@input=$(readlink /proc/$$/fd/0)"; echo "@open=$(ls /proc/$$/fd | wc -l)"
# Signals up to 28: those above 31 are the C library's own.
sed -n 's/^\(SigIgn\|SigBlk\):.*\(.......\)$/@\1=\2/p' /proc/$$/status
echo "@outputs=$(test "$(readlink /proc/$$/fd/1)" = "$(readlink /proc/$$/fd/2)" && echo one || echo two)"
} >> "$HOOK_LOG.new"; mv "$HOOK_LOG.new" "$HOOK_LOG""#;

#[cfg(target_os = "linux")]
#[test]
fn a_hook_sees_what_it_sees_under_git_worktree_add() {
    let mut sandbox = Sandbox::new();
    let log = sandbox.base.join("log");
    sandbox.set("HOOK_LOG", &log);
    for (name, value) in [
        ("LC_ALL", "C.UTF-8"),
        ("LANGUAGE", "de"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "my.own"),
        ("GIT_CONFIG_VALUE_0", "it's mine"),
        ("GIT_CONFIG_PARAMETERS", "'my.other'='x y'"),
        ("GIT_EDITOR", "my editor"),
        ("GIT_PAGER", "my pager"),
        ("GIT_ASKPASS", "my askpass"),
        ("SSH_ASKPASS", "my askpass"),
        ("GIT_SSH_COMMAND", "ssh -i key"),
        ("GIT_REFLOG_ACTION", "mine"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_TRACE_PERFORMANCE", "0"),
        ("GIT_SOMETHING_NEW", "1"),
        ("GIT_COMMIT", "what a build server says"),
        ("MY_OWN", "a\tb"),
    ] {
        sandbox.set(name, value);
    }
    script(sandbox.repo.join(".git/hooks/post-checkout"), TELL);
    let plain = sandbox.base.join("plain");
    let add = ["worktree", "add", "-q", "-b", "plain", plain.to_str().unwrap()];
    assert!(sandbox.command("git", &sandbox.repo).args(add).status().unwrap().success());
    let mut under_git = seen(&log);
    let answer = sandbox.ask("t").created();
    let mut under_okstra = seen(&log);
    assert_eq!(under_git.remove("@directory").as_deref(), plain.to_str());
    assert_eq!(under_okstra.remove("@directory").as_deref(), answer.path.to_str());
    // What hands the request to the process of this test, and what the shell of each remembers.
    for seen in [&mut under_git, &mut under_okstra] {
        seen.retain(|name, _| {
            !name.starts_with("OKSTRA_TEST_") && !["_", "PWD", "OLDPWD"].contains(&&**name)
        });
    }
    // git leaves both to its own terminal or pipe; okstra reads them, through a pipe each.
    assert!(under_git.remove("@outputs").is_some() && under_okstra.remove("@outputs").is_some());
    assert_eq!(under_okstra, under_git);
    assert!(under_git["PATH"].starts_with(&under_git["GIT_EXEC_PATH"]), "{under_git:#?}");
}

#[test]
fn a_hook_inside_a_hook_is_not_redirected() {
    let mut sandbox = Sandbox::new();
    let other = sandbox.base.join("other");
    sandbox.init(&other, &[]);
    let log = sandbox.base.join("log");
    sandbox.set("HOOK_LOG", &log);
    script(
        sandbox.repo.join(".git/hooks/post-checkout"),
        "env | grep ^GIT_ > \"$HOOK_LOG\"; git rev-parse --show-toplevel >> \"$HOOK_LOG\"",
    );
    let mut ask = sandbox.ask("t");
    for (name, value) in [
        ("GIT_DIR", other.join(".git").to_str().unwrap()),
        ("GIT_WORK_TREE", other.to_str().unwrap()),
        ("GIT_INDEX_FILE", other.join(".git/index").to_str().unwrap()),
        ("GIT_PREFIX", "docs/"),
        ("GIT_QUARANTINE_PATH", "/nonexistent"),
        ("GIT_CONFIG_PARAMETERS", "'core.worktree'='/nonexistent' 'core.bare'='true' 'my.own'='1'"),
    ] {
        ask = ask.env(name, value);
    }
    let answer = ask.created();
    let seen = read(&log);
    assert_eq!(seen.lines().last(), answer.path.to_str());
    assert!(!seen.contains("nonexistent") && !seen.contains("/other"), "{seen}");
    assert!(seen.contains("'my.own'='1'") && seen.contains("GIT_PREFIX=\n"), "{seen}");
}

/// A git that answers as 2.54 does where that differs, and is the installed one otherwise. `list` is what it says of the
/// post-checkout hooks.
fn with_configured_hooks(sandbox: &mut Sandbox, list: &str) {
    let real = sandbox.command("sh", &sandbox.base).args(["-c", "command -v git"]).output().unwrap();
    let real = String::from_utf8(real.stdout).unwrap();
    let directory = sandbox.base.join("newer git");
    script(
        directory.join("git"),
        &format!(
            r#"case " $* " in
*" version ") echo git version 2.54.0 ;;
*" hook list -z post-checkout ") {list} ;;
*) exec '{}' "$@" ;;
esac"#,
            real.trim()
        ),
    );
    sandbox.prepend_path(&directory);
}

#[test]
fn configured_hooks_run_in_gits_order_and_before_the_file() {
    let mut sandbox = Sandbox::new();
    let log = sandbox.base.join("log");
    sandbox.set("HOOK_LOG", &log);
    with_configured_hooks(
        &mut sandbox,
        r"printf 'second one\0disabled\toff\0first\0missing\0hook from hookdir\0'",
    );
    let tell = |name: &str| {
        format!("echo {name} $# $1 $3 \"$(git rev-parse --show-toplevel)\" >> \"$HOOK_LOG\"; true")
    };
    script(sandbox.repo.join(".git/hooks/post-checkout"), &tell("file"));
    script(sandbox.base.join("bin/on path"), &tell("first"));
    for (name, command) in [
        (
            "second one",
            "f() { echo second $# $1 $3 \"$(git rev-parse --show-toplevel)\" >> \"$HOOK_LOG\"; }; f"
                .to_owned(),
        ),
        ("off", "echo off >> \"$HOOK_LOG\";".to_owned()),
        ("first", format!("'{}'", sandbox.base.join("bin/on path").display())),
    ] {
        sandbox.git(&sandbox.repo, &["config", &format!("hook.{name}.command"), &command]);
        sandbox.git(&sandbox.repo, &["config", &format!("hook.{name}.event"), "post-checkout"]);
    }
    let answer = sandbox.ask("t").created();
    let (zero, tree) = ("0".repeat(answer.base.len()), answer.path.display());
    let lines: Vec<String> =
        ["second", "first", "file"].iter().map(|name| format!("{name} 3 {zero} 1 {tree}")).collect();
    assert_eq!(read(&log).lines().collect::<Vec<_>>(), lines);
    assert_eq!(answer.post_checkout_exit, Some(-1));
    assert!(answer.note.contains("\"missing\" could not be started"), "{}", answer.note);
}

#[test]
fn a_newer_git_without_a_hook_runs_none() {
    let mut sandbox = Sandbox::new();
    with_configured_hooks(&mut sandbox, "echo no hooks found >&2; exit 1");
    assert_eq!(sandbox.ask("t").created().post_checkout_exit, None);
}

/// Kills its processes when dropped.
struct Killed(Vec<u32>);

impl Drop for Killed {
    fn drop(&mut self) {
        for pid in &self.0 {
            let id = rustix::process::Pid::from_raw(i32::try_from(*pid).unwrap()).unwrap();
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
    }
}

/// A provision whose hook has started and goes on until it is killed; the ids of okstra and of the hook's shell. The hook
/// adds a line to `log` at its beginning.
fn at_its_hook(sandbox: &mut Sandbox, log: &Path) -> (Child, u32) {
    let (started, never) = (sandbox.base.join("started"), sandbox.base.join("never"));
    let fifo = |path: &PathBuf| rustix::fs::mkfifoat(rustix::fs::CWD, path, 0o600.into()).unwrap();
    fifo(&started);
    fifo(&never);
    script(
        sandbox.repo.join(".git/hooks/post-checkout"),
        &format!(
            "echo began >> '{}'; echo $$ > '{}'; read -r line < '{}'",
            log.display(),
            started.display(),
            never.display()
        ),
    );
    let (_, variables) = sandbox.ask("t").hand_over();
    let mut command = sandbox.command(std::env::current_exe().unwrap(), &sandbox.base);
    let okstra = command
        .envs(variables)
        .args(child::ARGUMENTS)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let hook = read(&started).trim().parse().unwrap();
    (okstra, hook)
}

/// Waits until an intent holds this text.
fn intent_says(sandbox: &Sandbox, wanted: &str) {
    let state = sandbox.home.join("state");
    loop {
        let found = crate::support::files_below(&state).into_iter().any(|file| {
            file.extension().is_some_and(|extension| extension == "json")
                && std::fs::read_to_string(file).is_ok_and(|text| text.contains(wanted))
        });
        if found {
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_hook_that_died_with_its_run_is_run_again() {
    for call in ["provision", "twice"] {
        let mut sandbox = Sandbox::new();
        let log = sandbox.base.join("log");
        let (mut okstra, hook) = at_its_hook(&mut sandbox, &log);
        okstra.kill().unwrap();
        okstra.wait().unwrap();
        drop(Killed(vec![hook]));
        while is_running(hook) {
            std::thread::yield_now();
        }
        script(
            sandbox.repo.join(".git/hooks/post-checkout"),
            &format!("echo again $(git rev-parse --show-toplevel) >> '{}'; exit 3", log.display()),
        );
        let answer = sandbox.ask("t").expect("reused");
        assert!(answer.note.contains("was run again") && answer.note.contains("exited 3"), "{}", answer.note);
        assert_eq!(read(&log), format!("began\nagain {}\n", answer.path.display()));
        if call == "twice" {
            assert!(!sandbox.ask("t").reused().note.contains("hook"));
            assert_eq!(read(&log).lines().count(), 2);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_hook_that_outlived_its_run_is_told_and_not_started_beside_itself() {
    let mut sandbox = Sandbox::new();
    let log = sandbox.base.join("log");
    let (mut okstra, hook) = at_its_hook(&mut sandbox, &log);
    let _end = Killed(vec![hook]);
    intent_says(&sandbox, &format!("\"pid\": {hook}"));
    okstra.kill().unwrap();
    okstra.wait().unwrap();
    let answer = sandbox.ask("t").expect("reused");
    assert!(answer.note.contains(&format!("still at work (process {hook})")), "{}", answer.note);
    assert_eq!(read(&log), "began\n");
    assert!(is_running(hook));
    // The command that the note names.
    script(sandbox.repo.join(".git/hooks/post-checkout"), &format!("echo $* >> '{}'", log.display()));
    let command = answer.note.split('`').nth(1).unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    sandbox.git(&answer.path, &words);
    assert_eq!(read(&log), format!("began\n{} {} 1\n", "0".repeat(answer.base.len()), answer.base));
}

#[test]
fn a_hook_that_had_ended_is_not_run_again() {
    let sandbox = Sandbox::new();
    let log = sandbox.base.join("log");
    script(sandbox.repo.join(".git/hooks/post-checkout"), &format!("echo ran >> '{}'", log.display()));
    sandbox.ask("before").created();
    // The row cannot be written while somebody holds the registry, so that the run is killed between hook and row.
    let registry = std::fs::File::open(sandbox.home.join("worktrees/registry.lock")).unwrap();
    rustix::fs::flock(&registry, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let (_, variables) = sandbox.ask("t").hand_over();
    let mut command = sandbox.command(std::env::current_exe().unwrap(), &sandbox.base);
    command.envs(variables).args(child::ARGUMENTS).stdout(Stdio::null()).stderr(Stdio::null());
    let mut okstra = command.spawn().unwrap();
    intent_says(&sandbox, "\"hook-ended\"");
    okstra.kill().unwrap();
    okstra.wait().unwrap();
    drop(registry);
    let answer = sandbox.ask("t").expect("reused");
    assert!(answer.note.contains("was taken over") && !answer.note.contains("hook"), "{}", answer.note);
    assert_eq!(read(&log), "ran\nran\n");
}
