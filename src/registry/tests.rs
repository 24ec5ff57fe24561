//! Properties of the registry as a whole: what its callers, 0.12.0 and a crash may rely on.
#![expect(clippy::disallowed_methods, reason = "the tests damage files and start 0.12.0's kind of writer")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;
use crate::cancel::Cancel;
use crate::error::ErrorCode;

mod concurrency;
mod properties;
mod recovery;

struct Bench {
    _directory: tempfile::TempDir,
    home: OkstraHome,
    registry: Registry,
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let home = OkstraHome::at(&directory.path().join("home")).unwrap();
    home.prepare().unwrap();
    Bench { registry: Registry::open(&home), home, _directory: directory }
}

fn patience() -> Patience {
    Patience { timeout: Duration::from_secs(60), cancel: Cancel::default() }
}

fn key(task: &str) -> TaskKey {
    TaskKey::new("shop", "checkout", task).unwrap()
}

fn wish(task: &str, branch: &str, repository: Option<&str>) -> Reservation {
    Reservation {
        key: key(task),
        worktree_path: PathBuf::from(format!("/h/worktrees/shop/checkout/{task}")),
        branch: branch.into(),
        base_ref: "0123456789012345678901234567890123456789".into(),
        phase: "implementation".into(),
        repository: repository.map(PathBuf::from),
        created_at: Some("2026-11-23T07:00:00+0000".into()),
    }
}

impl Bench {
    fn reserve(&self, task: &str, branch: &str, repository: Option<&str>) -> Result<Entry> {
        self.registry.reserve(&wish(task, branch, repository), &patience())
    }

    fn text(&self) -> String {
        String::from_utf8(fs::read(self.home.registry_file()).unwrap()).unwrap()
    }

    fn put(&self, text: impl AsRef<[u8]>) {
        fs::write(self.home.registry_file(), text).unwrap();
    }

    fn kept_aside(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home.worktrees()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.to_string_lossy().contains("registry.json.corrupt-")).collect()
    }
}

/// The registry as 0.12.0 would hold it after a change of ours; fails where its reader would.
fn python(script: &str, file: &Path) -> Vec<u8> {
    let output = Command::new("python3").args(["-c", script]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_row_is_written_as_0_12_0_writes_it() {
    let bench = bench();
    bench.reserve("fix-42", "fix-fix-42", None).unwrap();
    insta::assert_snapshot!(bench.text(), @r#"
    {
      "tasks": {
        "shop/checkout/fix-42": {
          "project_id": "shop",
          "task_group": "checkout",
          "task_id": "fix-42",
          "worktree_path": "/h/worktrees/shop/checkout/fix-42",
          "branch": "fix-fix-42",
          "base_ref": "0123456789012345678901234567890123456789",
          "created_at": "2026-11-23T07:00:00+0000",
          "last_phase": "implementation",
          "status": "active"
        }
      },
      "branches": {
        "fix-fix-42": "shop/checkout/fix-42"
      }
    }
    "#);
    bench.reserve("fix-43", "fix-fix-43", Some("/repo/.git")).unwrap();
    let again = python(
        "import json,sys; d=json.load(open(sys.argv[1])); sys.stdout.write(json.dumps(d,indent=2,ensure_ascii=False)+'\\n')",
        &bench.home.registry_file(),
    );
    assert_eq!(String::from_utf8(again).unwrap(), bench.text());
}

#[test]
fn the_life_of_a_row() {
    let bench = bench();
    let registry = &bench.registry;
    assert_eq!(registry.lookup(&key("a")).unwrap(), None);
    assert_eq!(registry.release(&key("a"), &patience()).unwrap(), None);
    assert_eq!(registry.touch_phase(&key("a"), "x", &patience()).unwrap(), None);
    assert!(!bench.home.registry_file().exists(), "nothing was changed, nothing is written");

    let entry = bench.reserve("a", "fix-a", Some("/r/.git")).unwrap();
    assert_eq!(registry.lookup(&key("a")).unwrap().as_ref(), Some(&entry));
    assert_eq!(registry.repository_of(&key("a")).unwrap(), Some("/r/.git".into()));
    assert_eq!(bench.reserve("a", "fix-b", None).unwrap_err().code(), ErrorCode::KeyExists);

    let before = bench.text();
    registry.touch_phase(&key("a"), "implementation", &patience()).unwrap();
    assert_eq!(bench.text(), before);
    let touched = registry.touch_phase(&key("a"), "release-handoff", &patience()).unwrap().unwrap();
    assert_eq!(touched.last_phase, "release-handoff");

    let prior = registry.release(&key("a"), &patience()).unwrap().unwrap();
    assert_eq!(prior.status, EntryStatus::Active);
    assert_eq!(registry.lookup(&key("a")).unwrap().unwrap().status, EntryStatus::Released);
    assert!(bench.text().contains("\"branches\": {}"));
    bench.reserve("b", "fix-a", Some("/r/.git")).unwrap();
    assert_eq!(bench.reserve("a", "fix-a", Some("/r/.git")).unwrap_err().code(), ErrorCode::BranchOwned);
    bench.reserve("a", "fix-a2", Some("/r/.git")).unwrap();
    let keys: Vec<_> = registry.list(&Filter::default()).unwrap().into_iter().map(|e| e.key).collect();
    assert_eq!(keys, [key("a"), key("b")], "a released row is overwritten in its place");

    let events = registry.history(&HistoryFilter { limit: Some(5), ..HistoryFilter::default() }).unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.event).collect();
    assert_eq!(kinds, [EventKind::Released, EventKind::Reused], "newest first, one for each real change");
}

#[test]
fn a_branch_belongs_to_one_task_of_a_repository() {
    let bench = bench();
    bench.reserve("a", "fix-1", Some("/one/.git")).unwrap();
    let owned = |result: Result<Entry>| match result.unwrap_err() {
        Error::BranchOwned { owner, .. } => owner,
        error => panic!("{error}"),
    };
    assert_eq!(owned(bench.reserve("b", "fix-1", Some("/one/.git"))), "shop/checkout/a");
    assert_eq!(owned(bench.reserve("b", "fix-1", None)), "shop/checkout/a");
    assert!(bench.registry.check_free(&key("b"), "fix-1", Some(Path::new("/one/.git"))).is_err());
    assert!(bench.registry.check_free(&key("a"), "fix-1", None).is_ok(), "the key itself does not count");
    bench.reserve("b", "fix-1", Some("/two/.git")).unwrap();
    assert!(bench.text().contains("\"fix-1\": \"shop/checkout/a\""), "the first owner stands");
    bench.registry.release(&key("a"), &patience()).unwrap();
    assert!(bench.text().contains("\"fix-1\": \"shop/checkout/b\""), "the claim passes on");
    bench.registry.release(&key("b"), &patience()).unwrap();
    assert!(!bench.text().contains("\"fix-1\": \""));
}

#[test]
fn unusable_values_are_refused_before_anything_is_written() {
    let bench = bench();
    let good = wish("a", "fix-a", None);
    for bad in [
        Reservation { branch: "-D".into(), ..good.clone() },
        Reservation { worktree_path: "relative".into(), ..good.clone() },
        Reservation { worktree_path: "/a\nb".into(), ..good.clone() },
        Reservation { base_ref: String::new(), ..good.clone() },
        Reservation { phase: "a\u{1b}[2J".into(), ..good },
    ] {
        let error = bench.registry.reserve(&bad, &patience()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
    }
    assert!(!bench.home.registry_file().exists());
}

const FOREIGN: &str = r#"{
  "tasks": {
    "x/y/\udce9": {"worktree_path": "/h/\udce9", "n": [NaN, -Infinity, 1e400, 123456789012345678901234567890]},
    "shop/checkout/odd": {
          "project_id": "shop",   "status": "paused"
    }
  },
  "branches": {"\ud800": "x"},
  "later": { "a" : [ 1,2 ] }
}"#;

#[test]
fn what_is_not_touched_goes_out_byte_for_byte() {
    let bench = bench();
    bench.put(FOREIGN);
    bench.reserve("a", "fix-a", Some("/r/.git")).unwrap();
    bench.registry.release(&key("a"), &patience()).unwrap();
    let text = bench.text();
    for piece in [
        r#""x/y/\udce9": {"worktree_path": "/h/\udce9", "n": [NaN, -Infinity, 1e400, 123456789012345678901234567890]}"#,
        "\"shop/checkout/odd\": {\n          \"project_id\": \"shop\",   \"status\": \"paused\"\n    }",
        r#""\ud800": "x""#,
        r#""later": { "a" : [ 1,2 ] }"#,
    ] {
        assert!(text.contains(piece), "{piece} in {text}");
    }
    assert!(bench.kept_aside().is_empty(), "what 0.12.0 can read is not corrupt");
}

#[test]
fn a_row_that_cannot_be_used_harms_no_other_and_is_not_overwritten() {
    let bench = bench();
    bench.put(FOREIGN);
    bench.reserve("a", "fix-a", None).unwrap();
    assert_eq!(bench.registry.list(&Filter::default()).unwrap().len(), 1);
    bench.registry.list(&Filter::default()).unwrap();
    assert_eq!(bench.registry.warnings().len(), 2, "each bad row is named once");
    let error = bench.reserve("odd", "fix-odd", None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RegistryCorrupt);
    assert!(error.to_string().contains("shop/checkout/odd"), "{error}");
    assert!(bench.text().contains("\"paused\""));
}

#[test]
fn a_file_that_only_we_can_read_is_respelled_for_0_12_0() {
    let bench = bench();
    let mut text = b"\xef\xbb\xbf{\"tasks\": {}, \"branches\": {}, \"p\": \"".to_vec();
    text.extend_from_slice(b"\xe9\"}");
    bench.put(text);
    assert_eq!(bench.registry.list(&Filter::default()).unwrap(), []);
    assert!(bench.text().contains(r#""p": "\udce9""#));
    assert_eq!(bench.kept_aside().len(), 1, "nobody writes such a byte: something broke it");
    bench.put(b"\xef\xbb\xbf{\"tasks\": {}, \"branches\": {}}");
    assert_eq!(bench.registry.list(&Filter::default()).unwrap(), []);
    assert!(bench.text().starts_with('{'));
    assert_eq!(bench.kept_aside().len(), 1, "an editor's mark is no damage");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once_and_left_alone() {
    let bench = bench();
    let path = bench.home.registry_file();
    let refused = || {
        assert_eq!(bench.registry.lookup(&key("a")).unwrap_err().code(), ErrorCode::RegistryCorrupt);
        assert_eq!(bench.reserve("a", "fix-a", None).unwrap_err().code(), ErrorCode::RegistryCorrupt);
    };
    fs::create_dir(&path).unwrap();
    refused();
    fs::remove_dir(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    refused();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", &path).unwrap();
    refused();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    refused();
    fs::remove_file(&path).unwrap();
    fs::File::create(&path).unwrap().set_len((256 << 20) + 1).unwrap();
    refused();
}

#[test]
fn the_history_survives_torn_lines_and_is_bounded() {
    let bench = bench();
    fs::write(bench.home.history_file(), b"{\"at\":\"x\",\"event\":\"cre").unwrap();
    bench.registry.record(&Event::new(EventKind::Created, Some(&key("a"))));
    assert_eq!(bench.registry.history(&HistoryFilter::default()).unwrap().len(), 1);
    let long = "x".repeat(1 << 20);
    for number in 0..9 {
        let mut event = Event::new(EventKind::Refused, Some(&key("b")));
        event.detail = Some(format!("{number}{long}"));
        bench.registry.record(&event);
    }
    let of = |task| HistoryFilter { task_key: Some(key(task)), ..HistoryFilter::default() };
    let details = bench.registry.history(&of("b")).unwrap();
    assert!(details.len() >= 4 && details[0].detail.as_ref().unwrap().starts_with('8'), "the newest first");
    let length = fs::metadata(bench.home.history_file()).map_or(0, |metadata| metadata.len());
    assert!(length < 5 << 20 && bench.home.worktrees().join("history.1.jsonl").exists());
}

#[cfg(unix)]
#[test]
fn files_are_private_and_a_path_of_any_bytes_comes_back() {
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::PermissionsExt;
    let bench = bench();
    let path = PathBuf::from(std::ffi::OsString::from_vec(b"/h/\xe9\xff".to_vec()));
    let wish = Reservation {
        worktree_path: path.clone(),
        repository: Some(path.clone()),
        ..wish("a", "fix-a", None)
    };
    bench.registry.reserve(&wish, &patience()).unwrap();
    bench.registry.record(&Event::new(EventKind::Created, None));
    assert_eq!(Registry::open(&bench.home).lookup(&wish.key).unwrap().unwrap().worktree_path, path);
    assert_eq!(bench.registry.repository_of(&wish.key).unwrap(), Some(path));
    python(
        "import json,sys,os; d=json.load(open(sys.argv[1])); r=d['tasks']['shop/checkout/a']; assert os.fsencode(r['worktree_path'])==b'/h/\\xe9\\xff'",
        &bench.home.registry_file(),
    );
    for file in [bench.home.registry_file(), bench.home.history_file()] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn ten_thousand_rows() {
    let bench = bench();
    let mut document = Document::default();
    for number in 0..10_000 {
        let task = format!("t{number}");
        let entry = Entry {
            key: key(&task),
            worktree_path: PathBuf::from(format!("/h/worktrees/shop/checkout/{task}")),
            branch: format!("fix-{task}"),
            base_ref: "0123456789012345678901234567890123456789".into(),
            created_at: "2026-11-23T07:00:00+0000".into(),
            last_phase: "implementation".into(),
            status: EntryStatus::Active,
        };
        let name = entry.key.to_string();
        document.set_row(name.as_bytes(), entry.encode());
        document.set_owner(entry.branch.as_bytes(), Some(name.as_bytes()));
    }
    bench.put(document.emit());
    let start = std::time::Instant::now();
    bench.registry.lookup(&key("t5000")).unwrap().unwrap();
    let read = start.elapsed();
    let start = std::time::Instant::now();
    for _ in 0..1000 {
        bench.registry.lookup(&key("t5000")).unwrap().unwrap();
    }
    let cached = start.elapsed() / 1000;
    let start = std::time::Instant::now();
    bench.reserve("new", "fix-new", Some("/r/.git")).unwrap();
    let write = start.elapsed();
    let figures = format!("first read {read:?}, cached lookup {cached:?}, write {write:?}");
    assert!(cached < Duration::from_millis(5), "an unchanged file is not read again: {figures}");
}
