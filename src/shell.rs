//! Words of the commands that messages advise.

use std::path::Path;

/// A path as a word of a shell's command line: in quotes where it needs them.
#[must_use]
pub fn path(path: &Path) -> String {
    word(&path.display().to_string())
}

/// A text as a word of a shell's command line.
#[must_use]
pub fn word(text: &str) -> String {
    let plain = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@,=%:".contains(&byte));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        for (text, expected) in
            [("/a/b-c.d", "/a/b-c.d"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("", "''"), ("$x", "'$x'")]
        {
            assert_eq!(super::word(text), expected);
        }
    }
}
