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
    bench.registry.relocate(&entry.key, &place, &git, &patience()).unwrap();
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
