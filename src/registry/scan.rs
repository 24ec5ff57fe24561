//! Finds the pieces of JSON text without interpreting them, so that what is not touched can be written again byte for
//! byte. Accepts what Python's `json.loads` accepts, at any depth and without recursion.

use std::borrow::Cow;

use super::text;

/// Where and why text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Offset in bytes.
    pub at: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at byte {} there is no {}", self.at, self.expected)
    }
}

type Result<T> = std::result::Result<T, Malformed>;
/// Begin and end of a piece, in bytes.
pub(super) type Range = std::ops::Range<usize>;

/// Reads forward over text; what is no UTF-8 in it is passed on as it is.
pub(super) struct Scanner<'a> {
    source: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(source: &'a [u8]) -> Self {
        Self { source, at: 0 }
    }

    /// Reads on from a place inside the text.
    pub(super) const fn at(source: &'a [u8], at: usize) -> Self {
        Self { source, at }
    }

    /// How far it has read.
    pub(super) const fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    pub(super) const fn fail<T>(&self, expected: &'static str) -> Result<T> {
        Err(Malformed { at: self.at, expected })
    }

    pub(super) fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over one byte if it is the given one.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// The end of the text, after blanks.
    pub(super) fn end(&mut self) -> Result<()> {
        self.blanks();
        if self.at == self.source.len() { Ok(()) } else { self.fail("end of the text") }
    }

    /// A string with its quotes.
    pub(super) fn string(&mut self) -> Result<Range> {
        let start = self.at;
        if !self.take(b'"') {
            return self.fail("string");
        }
        loop {
            let rest = &self.source[self.at..];
            let stop = plain(rest);
            self.at += stop;
            match rest.get(stop) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at);
                }
                Some(b'\\') => match rest.get(stop + 1) {
                    Some(b'u') if text::hex4(&rest[stop + 2..]).is_some() => self.at += 6,
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
                    _ => return self.fail("escape that JSON knows"),
                },
                // A control character, or nothing more.
                _ => return self.fail("end of the string"),
            }
        }
    }

    /// A string and the colon after it.
    pub(super) fn key(&mut self) -> Result<Range> {
        self.blanks();
        let key = self.string()?;
        self.blanks();
        if self.take(b':') { Ok(key) } else { self.fail("colon") }
    }

    /// Any value. Open brackets are kept in a list: nesting of any depth costs memory, never the stack.
    pub(super) fn value(&mut self) -> Result<Range> {
        self.blanks();
        let start = self.at;
        let mut open = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    self.blanks();
                    if !self.take(b'}') {
                        self.key()?;
                        open.push(b'}');
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.blanks();
                    if !self.take(b']') {
                        open.push(b']');
                        continue;
                    }
                }
                Some(b'"') => {
                    self.string()?;
                }
                _ => self.scalar()?,
            }
            loop {
                let Some(&close) = open.last() else { return Ok(start..self.at) };
                self.blanks();
                if self.take(close) {
                    open.pop();
                } else if self.take(b',') {
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                } else {
                    return self.fail("comma or closing bracket");
                }
            }
        }
    }

    fn scalar(&mut self) -> Result<()> {
        let rest = &self.source[self.at..];
        for word in [&b"null"[..], b"true", b"false", b"NaN", b"Infinity", b"-Infinity"] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(());
            }
        }
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            self.at = start;
            return self.fail("value");
        }
        // Python ends the number before a dot or an exponent without digits; what follows is then no delimiter.
        let end = self.at;
        if self.take(b'.') && self.digits() == 0 {
            self.at = end;
            return Ok(());
        }
        let end = self.at;
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                self.at = end;
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    /// Calls `member` with key and value of each member of an object, in order; `member` reads the value. What was
    /// read before a mistake has been handed over by then.
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, Range) -> Result<()>) -> Result<()> {
        self.blanks();
        if !self.take(b'{') {
            return self.fail("object");
        }
        self.blanks();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            self.blanks();
            member(self, key)?;
            self.blanks();
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return self.fail("comma or closing bracket");
            }
        }
    }
}

/// How many bytes at the beginning of a text simply belong to a string: up to a quote, a backslash or a control character.
/// Eight at a time, because a registry is little else than strings, most of them too short for a search that has to be
/// set up first.
fn plain(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The high bit of each byte that is smaller than a limit of at most 128, at least in the lowest of those.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let ends = below(word, 32) | equal(word, b'"') | equal(word, b'\\');
        if ends != 0 {
            return index * 8 + ends.trailing_zeros() as usize / 8;
        }
    }
    let at = rest.iter().position(|byte| matches!(byte, 0..32 | b'"' | b'\\'));
    text.len() - rest.len() + at.unwrap_or(rest.len())
}

/// Key (decoded) and value of each member of an object that is all there is in `source`.
pub(super) fn members(source: &[u8]) -> Result<Vec<(Cow<'_, [u8]>, Range)>> {
    let mut members = Vec::with_capacity(9);
    let mut scanner = Scanner::new(source);
    scanner.object(|scanner, key| {
        members.push((text::decoded(&source[key]), scanner.value()?));
        Ok(())
    })?;
    scanner.end()?;
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_the_first_byte_that_is_none_of_it() {
        for length in 0..40 {
            for end in [b'"', b'\\', 0, 10, 31] {
                for filler in [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
                    let mut text = vec![filler; length];
                    assert_eq!(plain(&text), length);
                    text.push(end);
                    text.extend_from_slice(b"\"\\\n rest of it");
                    assert_eq!(plain(&text), length, "{filler} {end}");
                }
            }
        }
    }

    fn accepts(text: &str) -> bool {
        let mut scanner = Scanner::new(text.as_bytes());
        scanner.value().and_then(|_| scanner.end()).is_ok()
    }

    #[test]
    fn what_python_accepts_is_accepted() {
        for text in [
            "NaN",
            "-Infinity",
            "Infinity",
            "1e400",
            "-0",
            "0.5E-3",
            "123456789012345678901234567890",
            r#""\ud800""#,
            r#"{"\udce9": [1, {"a": null}], "b": {}}"#,
            " [ ] ",
            "[true,false]",
        ] {
            assert!(accepts(text), "{text}");
        }
        let deep = 200_000;
        assert!(accepts(&("[".repeat(deep) + &"]".repeat(deep))));
        assert!(accepts(&(r#"{"a":"#.repeat(deep) + "1" + &"}".repeat(deep))));
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in [
            "",
            "01",
            "1.",
            ".5",
            "1e",
            "+1",
            "-",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "nul",
            "'a'",
            "\"a",
            "[1 2]",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "{}{}",
            "[}",
            "{\"a\" 1}",
            "-NaN",
        ] {
            assert!(!accepts(text), "{text}");
        }
    }
}
