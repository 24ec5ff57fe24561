//! Paths that are hard to write down, that are links, that are too long, that cannot be written to.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::support::{Sandbox, files_below, is_root, lies_at, write};

/// A user with no rights in particular.
const NOBODY: u32 = 54_322;

#[test]
fn repositories_with_hard_names() {
    let names: [&[u8]; 10] = [
        b"with space",
        b"-dash",
        b"tab\there",
        b"new\nline",
        b"trailing newline\n",
        b"latin-1 \xe9\xff",
        b"quote'\"s",
        b"back\\slash",
        b"$HOME `id` *",
        "\u{c8fc}\u{c81c}".as_bytes(),
    ];
    for name in names {
        let mut sandbox = Sandbox::without_repository();
        sandbox.repo = sandbox.base.join(OsStr::from_bytes(name));
        sandbox.init(&sandbox.repo, &[]);
        write(sandbox.repo.join(".scratch/file"), "x");
        write(sandbox.repo.join(".git/info/exclude"), ".scratch\n");
        let shown = String::from_utf8_lossy(name).into_owned();
        let answer = match sandbox.ask("t").root(sandbox.repo.join("src")).created_or_refused() {
            Ok(answer) => answer,
            // git strips newlines when it reads the path back.
            Err(refusal) if name.ends_with(b"\n") => {
                assert_ne!(refusal.code, "OKSTRA_INTERNAL");
                continue;
            }
            Err(refusal) => panic!("{shown:?}: {refusal:#?}"),
        };
        assert_eq!(answer.linked, [".scratch"], "{shown:?}");
        assert_eq!(fs::read_link(answer.path.join(".scratch")).unwrap(), sandbox.repo.join(".scratch"));
        assert_eq!(sandbox.ask("t").reused().path, answer.path, "{shown:?}");
        let head = sandbox.work_in(&answer.path, "work");
        fs::remove_dir_all(&answer.path).unwrap();
        sandbox.ask("t").restored(&head);
    }
}

#[test]
fn homes_with_hard_names() {
    for name in
        ["home with space", "-dash", "quote's", "\u{c8fc}\u{c81c}", "$HOME", "a:b", "back\\slash", "  "]
    {
        let mut sandbox = Sandbox::new();
        sandbox.home = sandbox.base.join(name).join(".okstra");
        sandbox.ask("t").created();
        sandbox.ask("t").reused();
    }
}

#[test]
fn a_home_that_no_registry_can_name() {
    let bad: [&[u8]; 2] = [b"latin-1 \xe9", b"new\nline"];
    for name in bad {
        let mut sandbox = Sandbox::new();
        sandbox.home = sandbox.base.join(OsStr::from_bytes(name));
        let ask = sandbox.ask("t");
        match ask.run() {
            Ok(answer) => {
                // Then every later phase must find it again.
                assert_eq!(answer.status, "created");
                assert_eq!(sandbox.ask("t").expect("reused").path, answer.path);
            }
            Err(refusal) => {
                assert_eq!(refusal.code, "OKSTRA_INVALID_ARGUMENT", "{refusal:#?}");
                assert_eq!(sandbox.git(&sandbox.repo, &["branch", "--list", "fix-t"]), "");
            }
        }
    }
}

#[test]
fn a_home_behind_a_link_is_the_users_choice() {
    let mut sandbox = Sandbox::new();
    let real = sandbox.base.join("disk/okstra");
    fs::create_dir_all(&real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o700)).unwrap();
    symlink(&real, sandbox.base.join("link")).unwrap();
    sandbox.home = sandbox.base.join("link");
    let answer = sandbox.ask("t").created();
    sandbox.ask("t").reused();
    let head = sandbox.work_in(&answer.path, "work");
    fs::remove_dir_all(&answer.path).unwrap();
    sandbox.ask("t").restored(&head);
}

#[test]
fn a_link_between_the_home_and_the_worktree_is_refused() {
    for planted in ["shop", "shop/checkout"] {
        let sandbox = Sandbox::new();
        let outside = sandbox.base.join("outside");
        fs::create_dir_all(outside.join("checkout")).unwrap();
        let link = sandbox.home.join("worktrees").join(planted);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        fs::set_permissions(&sandbox.home, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&outside, &link).unwrap();
        sandbox.ask("t").refused("OKSTRA_UNSAFE_HOME");
        assert_eq!(files_below(&outside), [] as [std::path::PathBuf; 0], "{planted}");
        assert!(!lies_at(outside.join("t")) && !lies_at(outside.join("checkout/t")));
        fs::remove_file(&link).unwrap();
        sandbox.ask("t").created();
    }
}

#[test]
fn a_link_where_the_worktree_would_be_is_refused() {
    let sandbox = Sandbox::new();
    let empty = sandbox.base.join("empty");
    fs::create_dir(&empty).unwrap();
    for target in [Path::new("nowhere"), &empty, &sandbox.repo] {
        let path = sandbox.worktree("t");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, &path).unwrap();
        sandbox.ask("t").refused("OKSTRA_PATH_EXISTS");
        assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
        fs::remove_file(&path).unwrap();
    }
    sandbox.ask("t").created();
}

#[test]
fn a_link_in_the_place_of_a_worktree_is_not_taken_for_it() {
    let sandbox = Sandbox::new();
    let first = sandbox.ask("t").created();
    let aside = sandbox.base.join("aside");
    fs::rename(&first.path, &aside).unwrap();
    symlink(&aside, &first.path).unwrap();
    // Its own tree behind the link is as good as the tree; what matters is that nothing is lost or made twice.
    let _ = sandbox.ask("t").run();
    assert!(lies_at(aside.join("README.md")));
    assert_eq!(
        sandbox.git(&sandbox.repo, &["branch", "--list", "fix-t"]).trim_start_matches(['+', ' ']),
        "fix-t"
    );
}

#[test]
fn names_at_the_limit() {
    let sandbox = Sandbox::new();
    for (group, length) in [("a", 80), ("b", 81), ("c", 300), ("d", 5000)] {
        let long = group.repeat(length);
        let answer = sandbox.ask(&long).group(&long).project(&long).created();
        assert!(answer.path.file_name().unwrap().len() <= 80);
        sandbox.ask(&long).group(&long).project(&long).reused();
    }
}

#[test]
fn a_home_too_deep_for_the_system() {
    let mut sandbox = Sandbox::new();
    let mut deep = OsString::from(&sandbox.base);
    while deep.len() < 4060 {
        deep.push("/0123456789012345678901234567890123456789");
    }
    sandbox.home = deep.into();
    let refusal = sandbox.ask("t").run().expect_err("no path can be that long");
    assert_ne!(refusal.code, "OKSTRA_INTERNAL", "{refusal:#?}");
    assert_eq!(sandbox.git(&sandbox.repo, &["branch", "--list", "fix-t"]), "", "{refusal:#?}");
}

#[test]
fn a_tracked_path_too_deep_for_the_worktree() {
    let mut sandbox = Sandbox::new();
    let name = "n".repeat(200);
    let deep = vec![name.as_str(); 17].join("/");
    write(sandbox.base.join("blob"), "x");
    let blob = sandbox.git(&sandbox.repo, &["hash-object", "-w", "../blob"]);
    sandbox.git(&sandbox.repo, &["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{deep}")]);
    sandbox.git(&sandbox.repo, &["commit", "-q", "-m", "deep"]);
    sandbox.home =
        sandbox.base.join("h".repeat(200)).join("h".repeat(200)).join("h".repeat(200)).join("h".repeat(200));
    // git works with paths relative to the tree, so it may succeed where the absolute path is too long to be named.
    if sandbox.ask("t").root(sandbox.repo.join("src")).run().is_err() {
        assert_eq!(sandbox.git(&sandbox.repo, &["branch", "--list", "fix-t"]), "");
        sandbox.ask("t").base("HEAD~1").created();
    }
}

/// Everything below the sandbox belongs to a user whom permissions do stop.
fn as_nobody() -> Sandbox {
    let mut sandbox = Sandbox::new();
    if is_root() {
        let mut open = vec![sandbox.base.clone()];
        while let Some(path) = open.pop() {
            std::os::unix::fs::lchown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            if fs::symlink_metadata(&path).unwrap().is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        sandbox.user = Some(NOBODY);
    }
    sandbox
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Whether the other user can reach this program and the sandbox at all.
fn can_run_as_nobody(sandbox: &Sandbox) -> bool {
    let reachable = sandbox.user.is_none()
        || sandbox.command(std::env::current_exe().unwrap(), Path::new("/")).arg("--list").output().is_ok();
    if !reachable {
        eprintln!("skipped: another user cannot run this program");
    }
    reachable
}

#[test]
fn a_repository_that_cannot_be_written() {
    let sandbox = as_nobody();
    if !can_run_as_nobody(&sandbox) {
        return;
    }
    let closed: Vec<_> =
        [".git", ".git/refs", ".git/refs/heads", ".git/logs", ".git/logs/refs/heads", ".git/info"]
            .iter()
            .map(|name| sandbox.repo.join(name))
            .collect();
    closed.iter().for_each(|path| chmod(path, 0o555));
    let refusal = sandbox.ask("t").refused("OKSTRA_GIT_FAILED");
    assert!(refusal.message.contains("ermission denied"), "{refusal:#?}");
    closed.iter().for_each(|path| chmod(path, 0o755));
    sandbox.ask("t").created();
}

#[test]
fn a_home_that_cannot_be_written() {
    for inside in ["", "worktrees", "worktrees/shop/checkout"] {
        let sandbox = as_nobody();
        if !can_run_as_nobody(&sandbox) {
            return;
        }
        sandbox.ask("first").created();
        let closed = sandbox.home.join(inside);
        chmod(&closed, 0o555);
        let refusal = sandbox.ask("t").run();
        chmod(&closed, 0o755);
        if inside.is_empty() {
            // The directories below exist already; nothing need be made here.
            continue;
        }
        let refusal = refusal.expect_err(inside);
        assert_ne!(refusal.code, "OKSTRA_INTERNAL", "{refusal:#?}");
        assert_eq!(sandbox.git(&sandbox.repo, &["branch", "--list", "fix-t"]), "", "{inside}: {refusal:#?}");
        assert!(sandbox.row("t").is_null());
        sandbox.ask("t").created();
    }
}

#[test]
fn a_home_of_another_user() {
    if !is_root() {
        eprintln!("skipped: only the superuser can give files away");
        return;
    }
    let sandbox = Sandbox::new();
    fs::create_dir(&sandbox.home).unwrap();
    std::os::unix::fs::chown(&sandbox.home, Some(NOBODY), None).unwrap();
    sandbox.ask("t").refused("OKSTRA_UNSAFE_HOME");
}

/// A small file system of its own, unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path, kilobytes: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let options = format!("size={kilobytes}k,mode=0700");
        let mut command = std::process::Command::new("mount");
        let output = command.args(["-t", "tmpfs", "-o", &options, "okstra-test"]).arg(at).output().ok()?;
        output.status.success().then_some(Self(at))
    }

    fn grow(&self, kilobytes: u32) {
        let options = format!("remount,size={kilobytes}k");
        let status = std::process::Command::new("mount").args(["-o", &options]).arg(self.0).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0).output();
    }
}

#[test]
fn a_disk_that_fills_up_while_the_tree_is_written() {
    let sandbox = Sandbox::new();
    write(sandbox.repo.join("large"), vec![b'x'; 2_000_000]);
    sandbox.commit_all(&sandbox.repo, "large");
    let Some(disk) = SmallDisk::mount(&sandbox.home, 1024) else {
        eprintln!("skipped: no file system can be mounted here");
        return;
    };
    let refusal = sandbox.ask("t").run().expect_err("there is no room for the tree");
    assert!(["OKSTRA_GIT_FAILED", "OKSTRA_IO"].contains(&&*refusal.code), "{refusal:#?}");
    assert!(sandbox.row("t").is_null());
    // On a full disk nothing can be written down, not even that an attempt is taken back; with room again the next
    // one does it.
    disk.grow(16 * 1024);
    sandbox.ask("t").expect("created");
    assert_eq!(sandbox.git(&sandbox.worktree("t"), &["status", "--porcelain"]), "");
    drop(disk);
}
