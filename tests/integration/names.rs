//! Names from outside become path components: the same again when made safe twice, below the home whatever they say,
//! and never one for two ids.

use std::collections::HashMap;
use std::path::{Component, Path};

use okstra::home::OkstraHome;
use okstra::task::{MAX_SEGMENT, TaskKey, branch_name, check_branch, safe_segment};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use unicode_normalization::UnicodeNormalization;

fn full() -> bool {
    std::env::var_os("OKSTRA_FULL").is_some_and(|value| value == "1")
}

fn runner(cases: u32) -> TestRunner {
    let rng_seed = if full() { RngSeed::Random } else { RngSeed::Fixed(42) };
    TestRunner::new(Config { cases, rng_seed, failure_persistence: None, ..Config::default() })
}

/// Text with what breaks out of paths, hides, or looks alike.
fn nasty() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => any::<String>(),
        2 => "[a-zA-Z0-9._/\\\\ -]{0,12}",
        1 => proptest::sample::select(vec![
            "..", "../", "/", "\\", "~", ".git", "con", "NUL", "aux.txt", "-D", "\u{202e}", "\u{feff}", "\u{0}", "\n",
            "é", "e\u{301}", "İ", "ı", "ſ", "\u{212a}", "ß", "ẞ", "주제", "ﬁ", ".lock", "@{", "worktrees", "registry.json",
        ]).prop_map(str::to_owned),
        1 => "[\u{c8fc}-\u{c8ff}]{0,40}",
        1 => "[a-z]{70,90}",
    ];
    proptest::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
}

fn is_one_component(segment: &str) -> bool {
    let mut components = Path::new(segment).components();
    matches!(components.next(), Some(Component::Normal(only)) if only == segment)
        && components.next().is_none()
}

#[test]
fn a_safe_segment_is_safe_and_stays_the_same() {
    runner(if full() { 200_000 } else { 5_000 })
        .run(&nasty(), |value| {
            let segment = safe_segment(&value);
            prop_assert!(!segment.is_empty() && segment.len() <= MAX_SEGMENT + 2);
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            prop_assert!(segment == "_" || segment.chars().all(allowed), "{segment:?}");
            prop_assert!(!segment.starts_with('-') && !segment.ends_with('-'));
            prop_assert!(is_one_component(&segment));
            prop_assert_eq!(safe_segment(&segment), segment.clone());
            prop_assert_eq!(
                safe_segment(&value.to_uppercase().to_lowercase()),
                safe_segment(&value.to_uppercase())
            );
            let branch = branch_name("fix", &value);
            prop_assert!(check_branch(&branch).is_ok(), "{branch:?}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn both_spellings_of_one_text_are_one_segment() {
    runner(if full() { 200_000 } else { 5_000 })
        .run(&nasty(), |value| {
            let composed: String = value.nfc().collect();
            let decomposed: String = value.nfd().collect();
            prop_assert_eq!(safe_segment(&composed), safe_segment(&decomposed));
            prop_assert_eq!(safe_segment(&value), safe_segment(&composed));
            Ok(())
        })
        .unwrap();
}

#[test]
fn ascii_is_as_it_was_in_0_12_0() {
    // The rule of 0.12.0, written down a second time.
    let old = |value: &str| {
        let mut out = String::new();
        for c in value.to_lowercase().chars() {
            match c {
                'a'..='z' | '0'..='9' | '-' => out.push(c),
                _ if out.ends_with('\u{1}') => {}
                _ => out.push('\u{1}'),
            }
        }
        let out = out.replace('\u{1}', "-");
        let out = out.trim_matches('-');
        if out.is_empty() { "_".to_owned() } else { out.to_owned() }
    };
    runner(if full() { 200_000 } else { 5_000 })
        .run(&"[\\x00-\\x7f]{0,80}", |value| {
            prop_assert_eq!(safe_segment(&value), old(&value));
            Ok(())
        })
        .unwrap();
}

/// What two ids that share a segment must have in common.
fn essence(value: &str) -> String {
    value.nfc().collect::<String>().to_lowercase().nfc().collect()
}

#[test]
fn two_ids_with_letters_outside_ascii_never_meet() {
    let mut runner = runner(1);
    let count = if full() { 1_000_000 } else { 20_000 };
    let letters = "[\u{e0}-\u{ff}\u{3b1}-\u{3c9}\u{430}-\u{44f}\u{c8fc}-\u{c9fc}a-c -]{1,8}";
    let strategy = proptest::string::string_regex(letters).unwrap();
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut met = 0_u32;
    for _ in 0..count {
        let value = strategy.new_tree(&mut runner).unwrap().current();
        if !value.chars().any(|c| !c.is_ascii() && c.is_alphanumeric()) {
            continue;
        }
        let segment = safe_segment(&value);
        if let Some(other) = seen.insert(segment, value.clone())
            && essence(&other) != essence(&value)
        {
            met += 1;
        }
    }
    // Eight hex digits: among a million ids about a hundred pairs share their digits, and of those only the ones with
    // the same ASCII letters meet. Among the ids of one machine none does.
    let bound = if full() { 200 } else { 0 };
    assert!(met <= bound, "{met} pairs of {count} met");
}

#[test]
fn every_path_stays_below_the_worktrees() {
    let home = OkstraHome::at(Path::new("/home/user/.okstra")).unwrap();
    let root = home.worktrees();
    runner(if full() { 1_000_000 } else { 20_000 })
        .run(&(nasty(), nasty(), nasty()), |(project, group, task)| {
            // An error is fine: the value never becomes a path.
            if let Ok(key) = TaskKey::sanitised(&project, &group, &task) {
                let path = home.worktree_path(&key);
                let below = path.strip_prefix(&root).expect("below the root");
                prop_assert_eq!(below.components().count(), 3);
                prop_assert!(below.components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert_eq!(TaskKey::parse(&key.to_string()).unwrap(), key);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn look_alikes_are_told_apart() {
    for (one, two) in [
        ("caf\u{e9}", "cafe"),
        ("\u{430}", "a"),
        ("주제-1", "주제-2"),
        ("ﬁx", "fix"),
        ("straße", "strasse"),
        ("fix", "f\u{131}x"),
    ] {
        assert_ne!(safe_segment(one), safe_segment(two), "{one} and {two}");
    }
    for (one, two) in [
        ("caf\u{e9}", "cafe\u{301}"),
        ("CAF\u{c9}", "caf\u{e9}"),
        ("주제", "\u{110c}\u{116e}\u{110c}\u{1166}"),
    ] {
        assert_eq!(safe_segment(one), safe_segment(two), "{one} and {two}");
    }
}
