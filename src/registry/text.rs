//! JSON strings with everything that Python's `json` lets into them.
//!
//! A decoded string is WTF-8: UTF-8 in which a lone surrogate, which no Rust `String` can hold, takes three bytes.
//! Python shows a byte of a path that is no UTF-8 as the lone surrogate U+DC80 to U+DCFF (`surrogateescape`) and
//! writes that into JSON, so such strings are valid registry content.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::asked::Asked;

/// Makes source text valid UTF-8: a byte that is none becomes the escape `\udcXX` that Python uses for it. `None` when
/// there is nothing to do.
pub(super) fn repair(source: &[u8]) -> Option<Vec<u8>> {
    if std::str::from_utf8(source).is_ok() {
        return None;
    }
    let mut text = Vec::with_capacity(source.len() + 64);
    for chunk in source.utf8_chunks() {
        text.extend_from_slice(chunk.valid().as_bytes());
        for byte in chunk.invalid() {
            text.extend_from_slice(format!("\\udc{byte:02x}").as_bytes());
        }
    }
    Some(text)
}

/// The content of a JSON string, given with its quotes. The caller has checked the syntax.
pub(super) fn decode(quoted: &[u8]) -> Vec<u8> {
    decoded(quoted).into_owned()
}

/// The same, as it stands where nothing in it is escaped.
pub(super) fn decoded(quoted: &[u8]) -> Cow<'_, [u8]> {
    let body = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    match memchr::memchr(b'\\', body) {
        Some(first) => unescaped(body, first).into(),
        None => body.into(),
    }
}

/// Resolves the escapes of a text, of which the first one stands at `first`.
fn unescaped(body: &[u8], first: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(body.len());
    let mut rest = body;
    let mut next = Some(first);
    while let Some(at) = next {
        text.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some((&letter, after)) = rest.split_first() else { break };
        rest = after;
        match letter {
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'u' => {
                let mut unit = u32::from(hex4(rest).unwrap_or(0xfffd));
                rest = rest.get(4..).unwrap_or_default();
                if (0xd800..0xdc00).contains(&unit)
                    && rest.starts_with(b"\\u")
                    && let Some(low @ 0xdc00..=0xdfff) = hex4(&rest[2..])
                {
                    unit = 0x1_0000 + ((unit - 0xd800) << 10) + (u32::from(low) - 0xdc00);
                    rest = &rest[6..];
                }
                push(&mut text, unit);
            }
            other => text.push(other),
        }
        next = memchr::memchr(b'\\', rest);
    }
    text.extend_from_slice(rest);
    text
}

/// Four hexadecimal digits.
pub(super) fn hex4(text: &[u8]) -> Option<u16> {
    let digits = text.get(..4)?;
    digits.iter().try_fold(0_u16, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value << 4 | u16::try_from(digit).ok()?)
    })
}

fn push(text: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(c) => text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            let [_, _, high, low] = code.to_be_bytes();
            text.extend_from_slice(&[0xe0 | high >> 4, 0x80 | (high & 15) << 2 | low >> 6, 0x80 | low & 63]);
        }
    }
}

/// A lone surrogate at the beginning of WTF-8.
fn surrogate(text: &[u8]) -> Option<u16> {
    match *text {
        [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, ..] => {
            Some(0xd000 | u16::from(second & 63) << 6 | u16::from(third & 63))
        }
        _ => None,
    }
}

/// A JSON string with its quotes, spelled as Python's `json.dumps(ensure_ascii=False)` does.
pub(super) fn encode(text: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    quoted.push(b'"');
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        if let Some(unit) = surrogate(rest) {
            quoted.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            rest = &rest[3..];
            continue;
        }
        match byte {
            b'"' => quoted.extend_from_slice(b"\\\""),
            b'\\' => quoted.extend_from_slice(b"\\\\"),
            b'\n' => quoted.extend_from_slice(b"\\n"),
            b'\r' => quoted.extend_from_slice(b"\\r"),
            b'\t' => quoted.extend_from_slice(b"\\t"),
            8 => quoted.extend_from_slice(b"\\b"),
            12 => quoted.extend_from_slice(b"\\f"),
            0..32 => quoted.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => quoted.push(byte),
        }
        rest = after;
    }
    quoted.push(b'"');
    quoted
}

/// The text of a path: bytes that are no UTF-8 become lone surrogates.
pub(super) fn from_path(path: &Path) -> Vec<u8> {
    let mut text = Vec::with_capacity(path.as_os_str().len());
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.extend_from_slice(chunk.valid().as_bytes());
        if cfg!(unix) {
            chunk.invalid().iter().for_each(|byte| push(&mut text, 0xdc00 + u32::from(*byte)));
        } else {
            // Windows' own encoded bytes are WTF-8 already.
            text.extend_from_slice(chunk.invalid());
        }
    }
    text
}

/// The same, as it stands where nothing in it has to be resolved.
pub(super) fn as_path(text: Cow<'_, [u8]>) -> Option<Cow<'_, Path>> {
    match text {
        // Every lone surrogate begins with this byte.
        #[cfg(unix)]
        Cow::Borrowed(text) if memchr::memchr2(0xed, 0, text).is_none() => {
            let path = Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(text));
            Some(Cow::Borrowed(path))
        }
        text => to_path(&text).map(Cow::Owned),
    }
}

/// The path that a text names; `None` when the text holds a surrogate that stands for no byte.
#[cfg(unix)]
pub(super) fn to_path(text: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    // Every lone surrogate begins with this byte.
    let plain = memchr::memchr(0xed, text).unwrap_or(text.len());
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend_from_slice(&text[..plain]);
    let mut rest = &text[plain..];
    while let Some((&byte, after)) = rest.split_first() {
        match surrogate(rest) {
            Some(unit @ 0xdc80..=0xdcff) => {
                bytes.push(unit.to_be_bytes()[1]);
                rest = &rest[3..];
            }
            Some(_) => return None,
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    (!bytes.contains(&0)).then(|| PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

/// The path that a text names; `None` when the text is no Unicode.
#[cfg(not(unix))]
pub(super) fn to_path(text: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(text).ok().map(PathBuf::from)
}

/// An id as it was asked for, as JSON: group and task.
pub(super) fn from_asked(asked: &Asked) -> Vec<u8> {
    [&b"["[..], &encode(asked.group.as_bytes()), b", ", &encode(asked.task.as_bytes()), b"]"].concat()
}

/// The other way; `None` for what this version does not write.
pub(super) fn to_asked(json: &[u8]) -> Option<Asked> {
    let [group, task] = serde_json::from_slice::<[String; 2]>(json).ok()?;
    Some(Asked { group, task })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_surrogates() {
        for (quoted, text) in [
            (r#""a\"\\\/\b\f\n\r\t""#, &b"a\"\\/\x08\x0c\n\r\t"[..]),
            (r#""\ud83d\ude00""#, "\u{1f600}".as_bytes()),
            (r#""\ud83dx""#, b"\xed\xa0\xbdx"),
            (r#""\ud83d\u0041""#, b"\xed\xa0\xbdA"),
            (r#""\udce9""#, b"\xed\xb3\xa9"),
        ] {
            assert_eq!(decode(quoted.as_bytes()), text, "{quoted}");
        }
        assert_eq!(encode(b"\xed\xb3\xa9\x01\"/\x7f"), b"\"\\udce9\\u0001\\\"/\x7f\"");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_of_any_bytes_comes_back() {
        use std::os::unix::ffi::OsStringExt;
        let path = PathBuf::from(std::ffi::OsString::from_vec((1..=255).collect()));
        assert_eq!(to_path(&decode(&encode(&from_path(&path)))).unwrap(), path);
        assert_eq!(to_path(b"/\xed\xa0\x80"), None);
    }

    #[test]
    fn source_that_is_no_utf8_becomes_escapes() {
        assert_eq!(repair(b"{\"a\": \"\xe9\"}").unwrap(), br#"{"a": "\udce9"}"#);
        assert_eq!(repair("{\"é\": 1}".as_bytes()), None);
    }
}
