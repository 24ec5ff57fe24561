//! What can still be read of a damaged registry file, wherever in it the damage is.
//!
//! A row is found by what it is, not by where it stands: an object of strings that names a project, a group and a task.
//! So nothing depends on a bracket or a comma that may be the very byte that is broken, and one broken byte costs at most
//! the row that it is in. The text of such a row is kept too, for a person and for [`super::Registry::mend_rows`]. What is
//! not a row is found by the frame that 0.12.0 and okstra write: members of the file stand two blanks from the margin.
//!
//! Costs one pass over the file for each kind of thing, whatever the damage: an object is left at the first value in it
//! that is an object, so that nothing is read once for each bracket before it.

use std::collections::HashSet;

use super::document::Damaged;
use super::entry::{Entry, FIELDS};
use super::scan::{Malformed, Range, Scanner};
use super::text;
use crate::task::TaskKey;

/// More of one row's text is in the copy of the damaged file alone.
const KEPT_AT_MOST: usize = 64 << 10;
/// So many of the nine names make an object a row, be it one that cannot be used.
const ROW_HAS: usize = 5;

/// What was found, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Rows that are whole, each with its key (WTF-8) and its text.
    pub rows: Vec<(Vec<u8>, Range)>,
    /// The records that okstra keeps beside the rows: key and text.
    pub records: Vec<(Vec<u8>, Range)>,
    /// Rows of which something is broken.
    pub damaged: Vec<Damaged>,
}

/// Names (decoded) and values.
type Members = Vec<(Vec<u8>, Range)>;

/// A small object in the text.
struct Object {
    /// The string before it, where there is a whole one, with its quotes.
    key: Option<Range>,
    range: Range,
    members: Members,
}

impl Object {
    fn start(&self) -> usize {
        self.key.as_ref().map_or(self.range.start, |key| key.start)
    }

    fn is_row(&self) -> bool {
        let named = |field: &&&str| self.members.iter().any(|(name, _)| name == field.as_bytes());
        FIELDS.iter().filter(named).count() >= ROW_HAS
    }

    fn is_record(&self) -> bool {
        self.members.iter().any(|(name, _)| name == b"repository")
    }
}

/// Looks through a damaged file.
pub(super) fn find(source: &[u8]) -> Found {
    let mut found = Found::default();
    let mut spans = Vec::new();
    let mut homeless = Vec::new();
    let mut seen = HashSet::new();
    let mut twice = HashSet::new();
    for object in objects(source) {
        let key = object.key.clone().map(|key| text::decode(&source[key]));
        if object.is_row() {
            spans.push(object.start()..object.range.end);
            let named = Entry::decode(&source[object.range.clone()]).map(|entry| entry.key.to_string());
            match (key, named) {
                (Some(key), Ok(named)) if key == named.as_bytes() && seen.insert(key.clone()) => {
                    found.rows.push((key, object.range));
                }
                (key, named) => homeless.push((key, named, object.start(), object.range)),
            }
        } else if let Some(key) = key.filter(|_| object.is_record()) {
            if !twice.insert(key.clone()) {
                // Nobody knows which of them is that task's, and what names a wrong repository is worse than nothing.
                found.records.retain(|(known, _)| *known != key);
                continue;
            }
            found.records.push((key, object.range));
        }
    }
    // A row whose key is broken is still the row of the task that it names, when there is no other of it.
    for (key, named, start, range) in homeless {
        let named = named.map(String::into_bytes);
        let own = match (key, named) {
            (_, Ok(named)) => Some(named),
            (Some(key), Err(_)) => as_key(&key).map(String::into_bytes),
            (None, Err(_)) => None,
        };
        match own {
            Some(key) if seen.insert(key.clone()) => found.rows.push((key, range)),
            own => {
                let name = own.map(|key| String::from_utf8_lossy(&key).into_owned()).unwrap_or_default();
                found.damaged.push(Damaged::new(name, &source[start..range.end]));
            }
        }
    }
    found.rows.sort_by_key(|(_, range)| range.start);
    let end = end_of_rows(source, spans.last().map_or(0, |span| span.end));
    let mut from = 0;
    for span in spans.into_iter().chain(std::iter::once(end..end)) {
        if let Some(gap) = source.get(from..span.start) {
            found.damaged.extend(damaged_in(gap));
        }
        from = span.end.max(from);
    }
    found
}

/// Members of the file that begin after `from`: name (decoded) and where the value begins. Found by the frame.
pub(super) fn members_after(source: &[u8], from: usize) -> Vec<(Vec<u8>, Range, usize)> {
    let mut members = Vec::new();
    let mut at = from.saturating_sub(4);
    while let Some(next) = memchr::memmem::find(source.get(at..).unwrap_or_default(), b"\n  \"") {
        at += next + 3;
        let mut scanner = Scanner::at(source, at);
        if let Ok(key) = scanner.key() {
            scanner.blanks();
            members.push((text::decode(&source[key.clone()]), key, scanner.offset()));
        }
    }
    members
}

/// Where what may be a broken row ends: the first member of the file behind the last whole row.
fn end_of_rows(source: &[u8], last: usize) -> usize {
    let rest = source.get(last..).unwrap_or_default();
    let framed = memchr::memmem::find_iter(rest, b"\n  \"").next();
    let named = ["\"branches\"", "\"okstra\""].map(|name| memchr::memmem::find(rest, name.as_bytes()));
    // In front of the first row stands the member that holds the rows itself.
    let framed = framed.filter(|_| last > 0);
    [framed, named[0], named[1]].into_iter().flatten().min().map_or(source.len(), |at| last + at)
}

/// Every object of which no value is an object, with the key before it.
fn objects(source: &[u8]) -> Vec<Object> {
    let mut found: Vec<Object> = Vec::new();
    let mut from = 0;
    for at in memchr::memchr_iter(b'{', source) {
        if at < from {
            continue;
        }
        let Ok((members, end)) = flat(source, at) else { continue };
        if members.is_empty() || std::str::from_utf8(&source[at..end]).is_err() {
            continue;
        }
        let low = found.last().map_or(0, |last| last.range.end);
        found.push(Object { key: key_before(source, low, at), range: at..end, members });
        from = end;
    }
    found
}

fn flat(source: &[u8], at: usize) -> Result<(Members, usize), Malformed> {
    let mut members = Vec::with_capacity(9);
    let mut scanner = Scanner::at(source, at);
    scanner.object(|scanner, key| {
        if scanner.peek() == Some(b'{') {
            return scanner.fail("plain value");
        }
        members.push((text::decode(&source[key]), scanner.value()?));
        Ok(())
    })?;
    Ok((members, scanner.offset()))
}

/// The string that stands, with a colon, before an object; looked for no further than the object before it.
fn key_before(source: &[u8], low: usize, at: usize) -> Option<Range> {
    let before = source[low..at].trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let end = low + before.len();
    let body = before.strip_suffix(b"\"")?;
    // A key of ours holds no quote; one that does is found by the row itself.
    let start = low + memchr::memrchr(b'"', body)?;
    let mut scanner = Scanner::at(source, start);
    let key = scanner.string().ok().filter(|key| key.end == end)?;
    std::str::from_utf8(&source[key.clone()]).is_ok().then_some(key)
}

/// The broken rows between two whole ones.
fn damaged_in(gap: &[u8]) -> Vec<Damaged> {
    let mut starts: Vec<(usize, String)> = Vec::new();
    let mut at = 0;
    while let Some(next) = memchr::memchr(b'"', &gap[at..]) {
        let quote = at + next;
        at = quote + 1;
        let Ok(string) = Scanner::at(gap, quote).string() else { continue };
        let Some(key) = as_key(&text::decode(&gap[string.clone()])) else { continue };
        at = string.end;
        // A row follows, of which one byte may be another: the colon, the bracket or a blank.
        let after: Vec<u8> =
            gap[string.end..].iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(3).collect();
        let signs = after.iter().filter(|byte| matches!(byte, b':' | b'{')).count();
        if signs > 0 && (after.contains(&b'{') || names_in(&gap[string.end..]) > 0) {
            starts.push((quote, key));
        }
    }
    let first = starts.first().map_or(gap.len(), |(start, _)| *start);
    let mut damaged = Vec::new();
    // What stands before the first key that can be read is a row when it names fields of one.
    if names_in(&gap[..first]) > 0 {
        damaged.push(Damaged::new(named_in(&gap[..first]).unwrap_or_default(), trimmed(&gap[..first])));
    }
    for (index, (start, key)) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(gap.len(), |(next, _)| *next);
        damaged.push(Damaged::new(key.clone(), trimmed(&gap[*start..end])));
    }
    damaged
}

fn trimmed(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
    let start = text.iter().position(|byte| !blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &text[start..end.min(start + KEPT_AT_MOST)]
}

fn names_in(text: &[u8]) -> usize {
    let quoted = |field: &&&str| memchr::memmem::find(text, format!("\"{field}\"").as_bytes()).is_some();
    FIELDS.iter().filter(quoted).count()
}

/// The task that the fields of a broken row name.
fn named_in(row: &[u8]) -> Option<String> {
    let [project, group, task] = ["project_id", "task_group", "task_id"].map(|field| value_in(row, field));
    TaskKey::new(&project?, &group?, &task?).ok().map(|key| key.to_string())
}

fn value_in(row: &[u8], field: &str) -> Option<String> {
    let name = format!("\"{field}\"");
    let mut scanner = Scanner::at(row, memchr::memmem::find(row, name.as_bytes())?);
    scanner.key().ok()?;
    scanner.blanks();
    let value = scanner.string().ok()?;
    String::from_utf8(text::decode(&row[value])).ok()
}

fn as_key(text: &[u8]) -> Option<String> {
    TaskKey::parse(std::str::from_utf8(text).ok()?).ok().map(|key| key.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(task: &str) -> String {
        let fields: Vec<String> = FIELDS
            .iter()
            .map(|field| match *field {
                "project_id" => r#""project_id": "p""#.to_owned(),
                "task_group" => r#""task_group": "g""#.to_owned(),
                "task_id" => format!(r#""task_id": "{task}""#),
                "status" => r#""status": "active""#.to_owned(),
                other => format!(r#""{other}": "/x""#),
            })
            .collect();
        format!("\"p/g/{task}\": {{{}}}", fields.join(", "))
    }

    #[test]
    fn a_row_is_found_without_any_frame() {
        let text = format!("]]{}##{}, {}", row("a"), row("b"), &row("c")[..40]);
        let found = find(text.as_bytes());
        let keys: Vec<_> = found.rows.iter().map(|(key, _)| String::from_utf8_lossy(key)).collect();
        assert_eq!(keys, ["p/g/a", "p/g/b"]);
        let broken: Vec<_> = found.damaged.iter().map(|row| (row.key.as_str(), row.text.len())).collect();
        assert_eq!(broken, [("p/g/c", 40)]);
    }

    #[test]
    fn two_broken_rows_side_by_side_keep_their_keys() {
        let text = [
            row("a"),
            row("b").replace("\"task_id\": ", "\"task_id\"; "),
            row("c").replace('{', "("),
            row("d"),
        ];
        let found = find(text.join(",\n").as_bytes());
        assert_eq!(found.rows.len(), 2);
        let broken: Vec<_> = found.damaged.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(broken, ["p/g/b", "p/g/c"]);
    }
}
