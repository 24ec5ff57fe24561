//! Writers at once: threads of ours, and processes of 0.12.0's kind.

use super::*;

#[test]
fn no_update_of_sixteen_threads_is_lost() {
    let bench = bench();
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let registry = Registry::open(&bench.home);
            scope.spawn(move || {
                for number in 0..50 {
                    let task = format!("t{thread}-{number}");
                    registry.reserve(&wish(&task, &format!("fix-{task}"), None), &patience()).unwrap();
                    assert!(registry.lookup(&key(&task)).unwrap().is_some(), "a thread sees what it wrote");
                }
            });
        }
    });
    assert_eq!(bench.registry.list(&Filter::default()).unwrap().len(), 800);
}

/// What 0.12.0 does around each change.
const WRITER: &str = r#"
import fcntl, json, os, sys
home, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
path = os.path.join(home, "worktrees", "registry.json")
for i in range(count):
    with open(os.path.join(home, "worktrees", "registry.lock"), "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with open(path, encoding="utf-8") as f: data = json.load(f)
        except FileNotFoundError: data = {"tasks": {}, "branches": {}}
        task = f"{name}-{i}"
        row = dict(project_id="shop", task_group="checkout", task_id=task, worktree_path=f"/h/{task}",
            branch=f"fix-{task}", base_ref="b", created_at="2026-11-23T07:00:00+0000", last_phase="p", status="active")
        data["tasks"][f"shop/checkout/{task}"] = row
        data["branches"][f"fix-{task}"] = f"shop/checkout/{task}"
        with open(path + ".tmp", "w", encoding="utf-8") as f: f.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        os.replace(path + ".tmp", path)
"#;

#[cfg(unix)]
#[test]
fn no_update_is_lost_beside_0_12_0() {
    let bench = bench();
    let writers: Vec<_> = ["p1", "p2"]
        .map(|name| {
            Command::new("python3")
                .args(["-c", WRITER])
                .arg(bench.home.root())
                .args([name, "50"])
                .stdin(Stdio::null())
                .spawn()
                .unwrap()
        })
        .into();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let registry = Registry::open(&bench.home);
            scope.spawn(move || {
                for number in 0..50 {
                    let task = format!("t{thread}-{number}");
                    registry
                        .reserve(&wish(&task, &format!("fix-{task}"), Some("/r/.git")), &patience())
                        .unwrap();
                }
            });
        }
    });
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(bench.registry.list(&Filter::default()).unwrap().len(), 300);
    assert!(bench.kept_aside().is_empty());
    assert_eq!(bench.registry.repository_of(&key("t0-0")).unwrap(), Some("/r/.git".into()));
}
