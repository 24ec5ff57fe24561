//! Settings that a caller hands over in the environment: `GIT_CONFIG_COUNT` with its keys and values (containers, CI), and
//! `GIT_CONFIG_PARAMETERS`, in which git itself hands on what was given with `git -c`.
//!
//! They are passed on as they are. Only when one of them redirects they are put together again without it, and when git
//! could not read them they are all left out: git would refuse every call with them, also one that has nothing to do with
//! the caller's.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

const COUNT: &str = "GIT_CONFIG_COUNT";
const PARAMETERS: &str = "GIT_CONFIG_PARAMETERS";

/// Settings that say what is the repository or its tree. They hold where the repository's own file says them; from a caller
/// they speak of the caller's repository.
fn redirects(key: &[u8]) -> bool {
    let key = key.to_ascii_lowercase();
    matches!(&key[..], b"core.worktree" | b"core.bare" | b"core.repositoryformatversion")
        || key.starts_with(b"extensions.")
}

/// The variables among `given` that hand settings over, as they are passed on.
pub(super) fn settings(given: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<OsString, OsString> {
    let given: BTreeMap<OsString, OsString> =
        given.filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_CONFIG_")).collect();
    let mut handed = counted(&given).unwrap_or_default();
    if let Some(value) = given.get(OsStr::new(PARAMETERS)).and_then(|value| quoted(value)) {
        handed.insert(PARAMETERS.into(), value);
    }
    handed
}

/// Those of `GIT_CONFIG_COUNT`.
fn counted(given: &BTreeMap<OsString, OsString>) -> Option<BTreeMap<OsString, OsString>> {
    let count: usize = given.get(OsStr::new(COUNT))?.to_str()?.parse().ok()?;
    let mut kept = BTreeMap::new();
    let mut number = 0;
    for at in 0..count {
        let of = |what: &str, at: usize| OsString::from(format!("GIT_CONFIG_{what}_{at}"));
        let (key, value) = (given.get(&of("KEY", at))?, given.get(&of("VALUE", at))?);
        if !is_key(key.as_encoded_bytes()) {
            return None;
        }
        if !redirects(key.as_encoded_bytes()) {
            kept.insert(of("KEY", number), key.clone());
            kept.insert(of("VALUE", number), value.clone());
            number += 1;
        }
    }
    kept.insert(COUNT.into(), number.to_string().into());
    Some(kept)
}

/// Those of `GIT_CONFIG_PARAMETERS`: words parted by blanks, each `'key'='value'`, `'key'=` (no value), or, from an older
/// git, `'key=value'`.
fn quoted(value: &OsStr) -> Option<OsString> {
    let bytes = value.as_encoded_bytes();
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut rest = bytes.trim_ascii_start();
    while !rest.is_empty() {
        let (first, mut length) = unquoted(rest)?;
        let key = if rest.get(length) == Some(&b'=') {
            length += 1;
            if rest.get(length).is_some_and(|byte| !byte.is_ascii_whitespace()) {
                length += unquoted(&rest[length..])?.1;
            }
            first
        } else {
            first.split(|byte| *byte == b'=').next().unwrap_or_default().to_vec()
        };
        if rest.get(length).is_some_and(|byte| !byte.is_ascii_whitespace()) || !is_key(&key) {
            return None;
        }
        if !redirects(&key) {
            kept.push(&rest[..length]);
        }
        rest = rest[length..].trim_ascii_start();
    }
    let text = kept.join(&b' ');
    (!text.is_empty()).then(|| crate::git::repository::path_of(&text).into_os_string())
}

/// What stands quoted at the beginning, and how long it is with its quotes: `'...'`, where `'\''` and `'\!'` stand for a
/// quote and an exclamation mark.
fn unquoted(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut word = Vec::new();
    let mut at = 1;
    if text.first() != Some(&b'\'') {
        return None;
    }
    loop {
        match text.get(at)? {
            b'\'' => match text.get(at + 1..at + 4) {
                Some([b'\\', escaped @ (b'\'' | b'!'), b'\'']) => {
                    word.push(*escaped);
                    at += 4;
                }
                _ => return Some((word, at + 1)),
            },
            byte => {
                word.push(*byte);
                at += 1;
            }
        }
    }
}

/// Whether git takes this for the name of a setting.
fn is_key(key: &[u8]) -> bool {
    let (Some(first), Some(last)) =
        (key.iter().position(|byte| *byte == b'.'), key.iter().rposition(|byte| *byte == b'.'))
    else {
        return false;
    };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let name = &key[last + 1..];
    first > 0
        && key[..first].iter().all(plain)
        && name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(plain)
        && !key.contains(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &[(&str, &str)]) -> Vec<String> {
        let given = given.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let text = |text: OsString| text.into_string().unwrap();
        settings(given).into_iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect()
    }

    #[test]
    fn what_configures_is_passed_on_as_it_is() {
        let counted = [
            ("GIT_CONFIG_COUNT", "2"),
            ("GIT_CONFIG_KEY_0", "safe.directory"),
            ("GIT_CONFIG_KEY_1", "url.git@host:.insteadOf"),
            ("GIT_CONFIG_VALUE_0", "*"),
            ("GIT_CONFIG_VALUE_1", "https://host/"),
        ];
        let expected: Vec<String> = counted.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(of(&counted), expected);
        for words in [
            "'a.b'='c'",
            "'a.b'=",
            "'a.b=c d' 'core.pager'='it'\\''s'",
            "'a.X y.b'='!'\\!'x'",
            "'filter.f.smudge'='cat' 'filter.f.required'=",
        ] {
            assert_eq!(of(&[(PARAMETERS, words)]), [format!("{PARAMETERS}={words}")]);
        }
    }

    #[test]
    fn settings_that_redirect_are_taken_out_and_the_others_stay() {
        let handed = of(&[
            ("GIT_CONFIG_COUNT", "3"),
            ("GIT_CONFIG_KEY_0", "core.worktree"),
            ("GIT_CONFIG_VALUE_0", "/elsewhere"),
            ("GIT_CONFIG_KEY_1", "a.b"),
            ("GIT_CONFIG_VALUE_1", ""),
            ("GIT_CONFIG_KEY_2", "Core.Bare"),
            ("GIT_CONFIG_VALUE_2", "true"),
            (PARAMETERS, "'core.worktree'='/x y' 'a.b'='c' 'core.bare' 'extensions.worktreeConfig=true'"),
        ]);
        let left = ["GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=a.b", "GIT_CONFIG_PARAMETERS='a.b'='c'"];
        assert_eq!(handed[..3], left);
        assert_eq!(handed[3..], ["GIT_CONFIG_VALUE_0="]);
        assert!(of(&[(PARAMETERS, "'core.bare'='true'")]).is_empty());
    }

    #[test]
    fn what_git_could_not_read_is_left_out() {
        for words in
            ["broken", "'a.b", "'a.b'x", "'ab'='c'", "'a.b'='c", "'.b'='c'", "'a.1'='c'", "'a.b'='c'x"]
        {
            assert!(of(&[(PARAMETERS, words)]).is_empty(), "{words}");
        }
        assert!(of(&[(COUNT, "many")]).is_empty());
        assert!(of(&[(COUNT, "1"), ("GIT_CONFIG_KEY_0", "a.b")]).is_empty(), "a value is missing");
        assert!(of(&[(COUNT, "1"), ("GIT_CONFIG_VALUE_0", "c")]).is_empty(), "a key is missing");
        assert!(of(&[("GIT_CONFIG_KEY_0", "a.b"), ("GIT_CONFIG_VALUE_0", "c")]).is_empty(), "no count");
    }
}
