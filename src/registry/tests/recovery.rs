//! What comes back when the file is damaged or gone.

use super::*;

fn three() -> Bench {
    let bench = bench();
    for task in ["a", "b", "c"] {
        bench.reserve(task, &format!("fix-{task}"), Some("/r/.git")).unwrap();
    }
    bench.registry.touch_phase(&key("a"), "review", &patience()).unwrap();
    bench
}

#[test]
fn a_file_cut_anywhere_loses_no_row() {
    let bench = three();
    let good = fs::read(bench.home.registry_file()).unwrap();
    let backup = fs::read(bench.home.registry_backup()).unwrap();
    let kept = Document::salvage(backup.clone());
    for length in 0..good.len() - 1 {
        assert!(Document::parse(good[..length].to_vec()).is_err(), "cut at {length}");
        let (healed, _) = store::merge(&Document::salvage(good[..length].to_vec()), &kept, Vec::new());
        assert_eq!((healed.rows().count(), healed.claims().count()), (3, 3), "cut at {length}");
        assert!(healed.rows().all(|(key, row)| Entry::decode_at(key, row).is_ok()), "cut at {length}");
        assert!(healed.repository(b"shop/checkout/c").is_some(), "cut at {length}");
    }
    // Through the file, with its flushes, at some of the places.
    for length in (0..good.len() - 1).step_by(61) {
        bench.put(&good[..length]);
        fs::write(bench.home.registry_backup(), &backup).unwrap();
        let rows = bench.registry.list(&Filter::default()).unwrap();
        assert_eq!(rows.len(), 3, "cut at {length}");
        assert!(rows.iter().all(|row| row.status == EntryStatus::Active));
        assert_eq!(bench.registry.repository_of(&key("c")).unwrap(), Some("/r/.git".into()));
        assert_eq!(bench.text().matches("\": \"shop/checkout/").count(), 3, "each branch has its owner");
        let kept = bench.kept_aside();
        assert_eq!(kept.len(), 1);
        assert_eq!(fs::read(&kept[0]).unwrap(), &good[..length]);
        fs::remove_file(&kept[0]).unwrap();
        let [warning] = &bench.registry.warnings()[..] else { panic!("one warning") };
        assert!(warning.contains(&*kept[0].to_string_lossy()), "{warning}");
    }
}

#[test]
fn a_file_that_vanished_comes_back_from_the_backup() {
    let bench = three();
    fs::remove_file(bench.home.registry_file()).unwrap();
    assert_eq!(bench.registry.list(&Filter::default()).unwrap().len(), 3);
    assert!(bench.home.registry_file().exists());
    let recovered = bench.registry.history(&HistoryFilter::default()).unwrap();
    assert_eq!(recovered[0].event, EventKind::Recovered);
}

#[test]
fn a_writer_heals_too_and_the_backup_survives_the_healing() {
    let bench = three();
    let backup = fs::read(bench.home.registry_backup()).unwrap();
    bench.put(b"");
    bench.registry.list(&Filter::default()).unwrap();
    assert_eq!(fs::read(bench.home.registry_backup()).unwrap(), backup);
    bench.put([0; 4096]);
    bench.reserve("d", "fix-d", None).unwrap();
    assert_eq!(bench.registry.list(&Filter::default()).unwrap().len(), 4);
}

#[test]
fn rows_come_back_from_the_worktrees_alone() {
    let bench = bench();
    let git = bench.home.root().join("repo/.git");
    let worktree = |task: &str, head: &str| {
        let (admin, tree) = (git.join("worktrees").join(task), bench.home.worktree_path(&key(task)));
        fs::create_dir_all(&admin).unwrap();
        fs::create_dir_all(&tree).unwrap();
        fs::write(admin.join("commondir"), "../..\n").unwrap();
        fs::write(admin.join("HEAD"), head).unwrap();
        fs::write(admin.join("gitdir"), format!("{}\n", tree.join(".git").display())).unwrap();
        fs::write(tree.join(".git"), format!("gitdir: {}\n", admin.display())).unwrap();
        (admin, tree)
    };
    let (admin, tree) = worktree("noted", "ref: refs/heads/elsewhere\n");
    let noted = bench
        .registry
        .reserve(&Reservation { worktree_path: tree, ..wish("noted", "fix-noted", None) }, &patience());
    let noted = noted.unwrap();
    assert_eq!(
        bench.registry.repository_of(&noted.key).unwrap(),
        Some(fs::canonicalize(&git).unwrap()),
        "what was not recorded is read from the worktree"
    );
    write_task_record(&admin, &noted, &git).unwrap();
    worktree("bare", "ref: refs/heads/fix-bare\n");
    fs::remove_file(bench.home.registry_file()).unwrap();
    bench.put(b"{");
    assert_eq!(bench.registry.lookup(&noted.key).unwrap(), Some(noted.clone()));
    let bare = bench.registry.lookup(&key("bare")).unwrap().unwrap();
    assert_eq!((&*bare.branch, &*bare.base_ref, bare.created_at.len()), ("fix-bare", "", 24));
    assert_eq!(bench.registry.repository_of(&bare.key).unwrap(), Some(fs::canonicalize(&git).unwrap()));

    bench.registry.release(&noted.key, &patience()).unwrap();
    assert_eq!(TaskRecord::read(&admin).unwrap().entry.status, EntryStatus::Released);
}

/// A worktree with okstra's record, and the registry's first version.
fn first() -> (Bench, Entry, PathBuf) {
    let bench = bench();
    let git = bench.home.root().join("repo/.git");
    let (admin, tree) = (git.join("worktrees/a"), bench.home.worktree_path(&key("a")));
    fs::create_dir_all(&admin).unwrap();
    fs::create_dir_all(&tree).unwrap();
    fs::write(admin.join("commondir"), "../..\n").unwrap();
    fs::write(tree.join(".git"), format!("gitdir: {}\n", admin.display())).unwrap();
    let git = fs::canonicalize(&git).unwrap();
    let reservation =
        Reservation { worktree_path: tree, repository: Some(git.clone()), ..wish("a", "fix-a", None) };
    let entry = bench.registry.reserve(&reservation, &patience()).unwrap();
    write_task_record(&admin, &entry, &git).unwrap();
    (bench, entry, git)
}

#[test]
fn the_first_version_has_a_backup_too() {
    let (bench, entry, git) = first();
    // Neither file nor directory: nothing else knows the task.
    fs::remove_dir_all(&entry.worktree_path).unwrap();
    bench.put(b"");
    assert_eq!(bench.registry.lookup(&entry.key).unwrap(), Some(entry.clone()));
    assert_eq!(bench.registry.repository_of(&entry.key).unwrap(), Some(git));
}

#[test]
fn a_registry_that_vanished_with_its_backup_comes_back_from_the_worktrees() {
    let (bench, entry, git) = first();
    fs::remove_file(bench.home.registry_file()).unwrap();
    fs::remove_file(bench.home.registry_backup()).unwrap();
    assert_eq!(bench.registry.lookup(&entry.key).unwrap(), Some(entry.clone()));
    assert_eq!(bench.registry.repository_of(&entry.key).unwrap(), Some(git));
}

#[test]
fn a_repository_that_was_cut_off_comes_back_from_the_worktree() {
    let (bench, entry, git) = first();
    let text = bench.text();
    fs::remove_file(bench.home.registry_backup()).unwrap();
    bench.put(&text[..text.find("\"branches\"").unwrap()]);
    assert_eq!(bench.registry.lookup(&entry.key).unwrap(), Some(entry.clone()));
    // It is known without the directory too, as a removal needs it.
    fs::remove_dir_all(&entry.worktree_path).unwrap();
    assert_eq!(bench.registry.repository_of(&entry.key).unwrap(), Some(git));
}

#[test]
fn a_worktree_that_was_moved_after_the_backup_keeps_its_place() {
    let (bench, entry, git) = first();
    let place = entry.worktree_path.with_file_name("a-elsewhere");
    fs::rename(&entry.worktree_path, &place).unwrap();
    bench.registry.relocate(&entry.key, &place, Some(&git), &patience()).unwrap();
    let moved = Entry { worktree_path: place.clone(), ..entry.clone() };
    write_task_record(&git.join("worktrees/a"), &moved, &git).unwrap();
    assert_eq!(Document::salvage(fs::read(bench.home.registry_backup()).unwrap()).rows().count(), 1);
    bench.put(b"");
    assert_eq!(bench.registry.list(&Filter::default()).unwrap(), std::slice::from_ref(&moved));
    // And when it is gone from there, as git's data of it is still there.
    fs::remove_dir_all(&place).unwrap();
    bench.put(b"");
    assert_eq!(bench.registry.list(&Filter::default()).unwrap(), [moved]);
}

#[test]
fn a_row_that_the_backup_has_not_yet_comes_back_without_its_directory() {
    let (bench, entry, git) = first();
    let late = bench.home.worktree_path(&key("late"));
    let reservation = Reservation {
        worktree_path: late.clone(),
        repository: Some(git.clone()),
        ..wish("late", "fix-late", None)
    };
    let late = bench.registry.reserve(&reservation, &patience()).unwrap();
    fs::create_dir(git.join("worktrees/late")).unwrap();
    write_task_record(&git.join("worktrees/late"), &late, &git).unwrap();
    bench.put(b"");
    assert_eq!(bench.registry.list(&Filter::default()).unwrap(), [entry, late]);
}

fn ten() -> (Bench, Vec<u8>) {
    let bench = bench();
    for number in 0..10 {
        bench
            .reserve(&format!("t{number}"), &format!("fix-t{number}"), Some(&format!("/r{number}/.git")))
            .unwrap();
    }
    let text = fs::read(bench.home.registry_file()).unwrap();
    (bench, text)
}

/// What any call would go on with, from this file alone.
fn read(content: Vec<u8>) -> Document {
    match Document::parse(content) {
        Ok(document) => document,
        Err((content, _)) => {
            let salvaged = Document::salvage(content);
            let (document, _) = store::merge(&salvaged, &Document::default(), Vec::new());
            document
        }
    }
}

#[test]
fn one_broken_byte_costs_at_most_the_row_that_it_is_in() {
    let (_bench, good) = ten();
    let whole = read(good.clone());
    let rows: Vec<(Vec<u8>, Vec<u8>)> = whole.rows().map(|(key, row)| (key.to_vec(), row.to_vec())).collect();
    assert_eq!(rows.len(), 10);
    for at in 0..good.len() {
        let was = good[at];
        for byte in [was ^ 1, was ^ 0x80, b'"', b'{', b'}', b'\\', 0] {
            let mut content = good.clone();
            content[at] = byte;
            let told = || format!("byte {at} ({:?}) is {:?}", char::from(was), char::from(byte));
            let document = read(content);
            let kept = rows.iter().filter(|(key, row)| document.row(key) == Some(row)).count();
            let usable = document.rows().filter(|(key, row)| Entry::decode_at(key, row).is_ok()).count();
            assert!(kept >= 9 && usable >= 9, "{}: {kept} rows, {usable} to be used", told());
            // Where a row is missing, its text is there, or it stands under the key that was broken.
            let there = document.rows().count() + document.damaged().len();
            assert!(there >= 10, "{}: {there} rows with the broken ones", told());
            let wrong = (0..10).filter(|number| {
                let repository = document.repository(format!("shop/checkout/t{number}").as_bytes());
                repository.is_some_and(|path| path != Path::new(&format!("/r{number}/.git")))
            });
            assert!(wrong.count() <= 1, "{}: another task's repository", told());
            let text = document.emit();
            assert!(std::str::from_utf8(&text).is_ok() && Document::parse(text).is_ok(), "{}", told());
        }
    }
}

#[test]
fn what_is_behind_the_damage_and_newer_than_the_backup_is_kept() {
    let (bench, good) = ten();
    // The backup knows nothing of the last row, and the damage is in the first.
    let text = String::from_utf8(good).unwrap().replacen("\"task_id\": \"t0\"", "\"task_id\"; \"t0\"", 1);
    bench.put(&text);
    let rows = bench.registry.list(&Filter::default()).unwrap();
    assert_eq!(rows.len(), 10, "the first from the backup, the others from the file");
    assert_eq!(bench.registry.repository_of(&key("t9")).unwrap(), Some("/r9/.git".into()));
    assert_eq!(bench.text().matches("\": \"shop/checkout/").count(), 10, "each branch has its owner");
    assert!(!bench.text().contains("damaged"), "nothing is lost");
}

#[test]
fn the_text_of_a_row_that_nothing_brings_back_stays_in_the_file() {
    let (bench, good) = ten();
    let mut text = good.clone();
    let at = memchr::memmem::find(&good, b"checkout/t3\"").unwrap();
    let place = at + memchr::memmem::find(&good[at..], b"worktree_path\": \"/h").unwrap() + 18;
    text[place] = 0xe6;
    bench.put(&text);
    fs::remove_file(bench.home.registry_backup()).unwrap();
    assert_eq!(bench.registry.list(&Filter::default()).unwrap().len(), 9);
    let warnings = bench.registry.warnings().join("\n");
    assert!(warnings.contains("\"shop/checkout/t3\""), "{warnings}");
    python(
        "import json,sys; d=json.load(open(sys.argv[1],encoding='utf-8')); assert len(d['tasks'])==9; r,=d['okstra']['damaged']; assert r['key']=='shop/checkout/t3' and '/%E6/' in r['text'], r; json.dumps(d,ensure_ascii=False).encode()",
        &bench.home.registry_file(),
    );
    assert_eq!(fs::read(&bench.kept_aside()[0]).unwrap(), text);
    // Others come and go.
    bench.reserve("new", "fix-new", None).unwrap();
    assert!(bench.text().contains("%E6"));
    // It is not in the way of its own task either, which is then known again.
    bench.reserve("t3", "fix-t3", Some("/r3/.git")).unwrap();
    assert_eq!(bench.registry.list(&Filter::default()).unwrap().len(), 11);
}

#[test]
fn a_row_that_cannot_be_used_is_mended_from_what_knows_the_task() {
    let (bench, good) = ten();
    let text = String::from_utf8(good).unwrap();
    let broken = text.replacen("\"task_id\": \"t4\"", "\"task_ie\": \"t4\"", 1).replacen(
        "checkout/t5\": {",
        "checkout/tX\": {",
        1,
    );
    bench.put(&broken);
    let found = bench.registry.inspect().unwrap();
    let unusable: Vec<_> = found.unusable.iter().map(|row| (&*row.key, row.mendable)).collect();
    assert_eq!(unusable, [("shop/checkout/t4", true), ("shop/checkout/tX", true)]);
    assert_eq!(bench.registry.list(&Filter::default()).unwrap().len(), 8);
    bench.registry.mend_rows(&patience()).unwrap();
    assert_eq!(bench.registry.list(&Filter::default()).unwrap().len(), 10);
    assert!(bench.registry.inspect().unwrap().unusable.is_empty());
    assert_eq!(fs::read_to_string(&bench.kept_aside()[0]).unwrap(), broken);
}

#[test]
fn a_row_from_the_backup_has_the_status_that_its_worktree_knows() {
    let (bench, entry, git) = first();
    bench.registry.release(&entry.key, &patience()).unwrap();
    bench.reserve("other", "fix-other", None).unwrap();
    let again = Reservation {
        worktree_path: entry.worktree_path.clone(),
        repository: Some(git.clone()),
        ..wish("a", "fix-a", None)
    };
    let active = bench.registry.reserve(&again, &patience()).unwrap();
    write_task_record(&git.join("worktrees/a"), &active, &git).unwrap();
    assert!(fs::read_to_string(bench.home.registry_backup()).unwrap().contains("released"));
    bench.put(b"garbage");
    assert_eq!(bench.registry.lookup(&entry.key).unwrap().unwrap().status, EntryStatus::Active);
}
