//! Lines with aligned columns, as the launcher's own tables are.

use std::borrow::Cow;

/// A header and rows in columns that are as wide as their widest cell; the last one is not filled up.
pub(super) fn table<const N: usize>(header: &[&str; N], rows: &[[Cow<'_, str>; N]]) -> Vec<u8> {
    let mut widths = header.map(width);
    for row in rows {
        for (cell, widest) in row.iter().zip(&mut widths) {
            *widest = (*widest).max(width(cell));
        }
    }
    let mut text = Vec::with_capacity((rows.len() + 1) * (widths.iter().sum::<usize>() + 2 * N));
    line(&mut text, header.iter().copied(), &widths);
    for row in rows {
        text.push(b'\n');
        line(&mut text, row.iter().map(|cell| &**cell), &widths);
    }
    text
}

fn line<'a>(text: &mut Vec<u8>, cells: impl Iterator<Item = &'a str>, widths: &[usize]) {
    let mut blanks = 0;
    for (cell, column) in cells.zip(widths) {
        if !cell.is_empty() {
            text.resize(text.len() + blanks, b' ');
            blanks = 0;
            push_printable(text, cell);
        }
        blanks += column - width(cell) + 2;
    }
}

fn is_plain(text: &str) -> bool {
    // Every byte is looked at, so that many are at once.
    text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'))
}

/// A text that cannot move the cursor, colour the terminal or forge a line.
fn push_printable(text: &mut Vec<u8>, cell: &str) {
    if is_plain(cell) {
        text.extend_from_slice(cell.as_bytes());
        return;
    }
    for character in cell.chars() {
        match character {
            '\n' => text.extend_from_slice(b"\\n"),
            '\r' => text.extend_from_slice(b"\\r"),
            '\t' => text.extend_from_slice(b"\\t"),
            _ if character.is_control() => {
                text.extend_from_slice(format!("\\x{:02x}", u32::from(character)).as_bytes());
            }
            _ => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// How many columns of a terminal a text takes, once it is printable.
fn width(text: &str) -> usize {
    if is_plain(text) { text.len() } else { text.chars().map(width_of).sum() }
}

fn width_of(character: char) -> usize {
    match character {
        '\n' | '\r' | '\t' => 2,
        _ if character.is_control() => 4,
        '\u{200b}' | '\u{200d}' | '\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ if unicode_normalization::char::is_combining_mark(character) => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_whatever_is_in_them() {
        let row = |cells: [&'static str; 3]| cells.map(Cow::Borrowed);
        let rows = [
            row(["a", "bb", "c"]),
            row(["\u{6f22}\u{5b57}", "e\u{301}", ""]),
            row(["\u{1b}[31m", "", "x\ty"]),
        ];
        let text = String::from_utf8(table(&["ONE", "TWO", "THREE"], &rows)).unwrap();
        let lines = [
            "ONE       TWO  THREE",
            "a         bb   c",
            "\u{6f22}\u{5b57}      e\u{301}",
            "\\x1b[31m       x\\ty",
        ];
        assert_eq!(text, lines.join("\n"));
    }
}
