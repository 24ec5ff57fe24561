//! The registry file as a document: its pieces in order, each still as it was written.
//!
//! serde_json is not used for this file. It refuses what 0.12.0 may write (lone surrogates from paths that are no
//! UTF-8, `NaN`), and a good registry must never count as a corrupt one. Only what is changed is written anew; the
//! rest goes out byte for byte, in its place. The frame is that of Python's `json.dumps(indent=2,
//! ensure_ascii=False)`, so that a file of 0.12.0 that passes through unchanged is identical.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::emit::Parts;
use super::map::{Map, Name, Source, Value};
use super::salvage;
use super::scan::{self, Malformed, Range, Scanner};
use super::text;
use crate::asked::Asked;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The names of the file's own members, and of those in ours.
const FRAME: &[&[u8]] = &[b"tasks", b"branches", b"okstra"];
const INNER_FRAME: &[&[u8]] = &[b"tasks", b"damaged"];

/// Few members of a large file are shorter, so that a table of so many has room for what follows.
const LEAST_MEMBER: usize = 500;

/// A row of which something is broken. Its text is spelled with `%XX` for a byte that is no printable ASCII, and for `%`:
/// 0.12.0 must be able to read and to write whatever is in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Damaged {
    /// The task-key, as far as it could be read; else empty.
    #[serde(default)]
    pub key: String,
    /// The text.
    pub text: String,
}

impl Damaged {
    pub(super) fn new(key: String, text: &[u8]) -> Self {
        let mut spelled = String::with_capacity(text.len());
        for byte in text {
            match byte {
                b'%' => spelled.push_str("%25"),
                b' '..=b'~' => spelled.push(char::from(*byte)),
                other => spelled.push_str(&format!("%{other:02X}")),
            }
        }
        Self { key, text: spelled }
    }
}

/// A registry file. Cloning copies the table of pieces, not the text.
#[derive(Debug, Clone, Default)]
pub(super) struct Document {
    source: Source,
    top: Map,
    /// The text was read leniently: 0.12.0 would take this file for an empty one.
    pub repaired: bool,
}

/// The objects whose members are told apart. All others are one piece.
#[derive(Debug, Clone, Copy)]
enum Place {
    Top,
    Okstra,
    Leaf,
}

impl Place {
    fn inner(self, key: &[u8]) -> Option<Self> {
        match (self, key) {
            (Self::Top, b"tasks" | b"branches") | (Self::Okstra, b"tasks") => Some(Self::Leaf),
            (Self::Top, b"okstra") => Some(Self::Okstra),
            _ => None,
        }
    }
}

impl Document {
    /// Reads a file. Fails where Python would, except that a byte order mark is let through, and where a byte is surely
    /// another than was written: a name that stands twice, of which Python would drop the first, and a misspelt name of
    /// the frame, behind which Python would find no rows.
    pub(super) fn parse(source: Vec<u8>) -> Result<Self, (Vec<u8>, Malformed)> {
        // Kept as it came only where reading changes it: the damaged file itself is what must be set aside.
        let original = source.starts_with(BOM).then(|| source.clone());
        let (document, result) = Self::read(source);
        match result {
            Ok(()) => Ok(document),
            Err(error) => {
                let Self { source, top, .. } = document;
                drop(top);
                Err((original.unwrap_or_else(|| Arc::unwrap_or_clone(source)), error))
            }
        }
    }

    /// Reads as much of a damaged file as can be read: every whole row, wherever it stands, and the text of the others
    /// ([`Self::damaged`]).
    pub(super) fn salvage(source: Vec<u8>) -> Self {
        let (mut document, result) = Self::read(source);
        if result.is_ok() {
            return document;
        }
        let source = Arc::clone(&document.source);
        let reader = Reader::of(&source);
        let found = salvage::find(&source);
        let mut top = std::mem::replace(&mut document.top, Map::new(&source));
        document.frame();
        for (key, range) in found.rows {
            object_mut(&mut document.top, b"tasks").set(&key, Value::Text(range.into()));
        }
        // Values that are no rows at all, which the front of the file still holds.
        if let Some(Value::Object(rows)) = top.remove(b"tasks") {
            let tasks = object_mut(&mut document.top, b"tasks");
            for (name, value) in rows.into_members() {
                let key = name.decoded(&source);
                if !tasks.contains(key) && !found.damaged.iter().any(|row| row.key.as_bytes() == key) {
                    tasks.insert(name, value);
                }
            }
        }
        for (name, key, value) in salvage::members_after(&source, 0) {
            if top.get(&name).is_none_or(|value| matches!(value, Value::Object(_))) {
                reader.take_member(&name, key, value, &mut top);
            }
        }
        for name in misspelt(&top, FRAME) {
            top.remove(&name);
        }
        if let Some(Value::Object(okstra)) = top.get_mut(b"okstra") {
            for name in misspelt(okstra, INNER_FRAME) {
                okstra.remove(&name);
            }
            // Read again, by what they are.
            okstra.remove(b"tasks");
        }
        for (name, value) in top.into_members() {
            match value {
                Value::Text(piece) if std::str::from_utf8(piece.text(&source)).is_err() => {
                    let text = text::repair(piece.text(&source)).unwrap_or_default();
                    document.top.set(name.decoded(&source), Value::Text(text.into()));
                }
                value => document.top.insert(name, value),
            }
        }
        if !found.records.is_empty()
            && let Some(records) = document.records_mut()
        {
            for (key, range) in found.records {
                records.set(&key, Value::Text(range.into()));
            }
        }
        let damaged = document.damaged().into_iter().chain(found.damaged).collect();
        document.set_damaged(damaged);
        document
    }

    /// The object of our own records, made where it is missing; `None` when something else has its place.
    fn records_mut(&mut self) -> Option<&mut Map> {
        if matches!(self.top.get(b"okstra"), Some(Value::Text(_))) {
            return None;
        }
        let okstra = object_mut(&mut self.top, b"okstra");
        if !okstra.contains(b"version") {
            okstra.set(b"version", Value::Text(b"1".to_vec().into()));
        }
        if matches!(okstra.get(b"tasks"), Some(Value::Text(_))) {
            return None;
        }
        Some(object_mut(okstra, b"tasks"))
    }

    /// The texts of rows that were broken and that nothing else could bring back.
    pub(super) fn damaged(&self) -> Vec<Damaged> {
        let list = self.object(b"okstra").and_then(|okstra| self.text(Some(okstra), b"damaged"));
        list.and_then(|list| serde_json::from_slice(list).ok()).unwrap_or_default()
    }

    /// Replaces that list.
    pub(super) fn set_damaged(&mut self, damaged: Vec<Damaged>) {
        if damaged.is_empty() && self.damaged().is_empty() {
            return;
        }
        // Something else has the place of our own member; the copy of the damaged file has them.
        if self.records_mut().is_none() {
            return;
        }
        let okstra = object_mut(&mut self.top, b"okstra");
        if damaged.is_empty() {
            okstra.remove(b"damaged");
        } else if let Ok(list) = serde_json::to_vec(&damaged) {
            okstra.set(b"damaged", Value::Text(list.into()));
        }
    }

    fn read(mut source: Vec<u8>) -> (Self, Result<(), Malformed>) {
        let mut repaired = false;
        if source.starts_with(BOM) {
            source.drain(..BOM.len());
            repaired = true;
        }
        let source = Arc::new(source);
        let mut scanner = Scanner::new(&source);
        let mut top = Map::new(&source);
        let reader = Reader::of(&source);
        let mut result = reader.object(&mut scanner, Place::Top, &mut top).and_then(|()| scanner.end());
        for key in [&b"tasks"[..], b"branches"] {
            if matches!(top.get(key), Some(Value::Text(_))) {
                top.remove(key);
                result = result.and(Err(Malformed { at: 0, expected: "object of tasks and of branches" }));
            }
        }
        let inner =
            object_in(&top, b"okstra").map(|okstra| misspelt(okstra, INNER_FRAME)).unwrap_or_default();
        if !misspelt(&top, FRAME).is_empty() || !inner.is_empty() {
            result = result.and(Err(Malformed { at: 0, expected: "name that okstra knows" }));
        }
        (Self { source, top, repaired }, result)
    }

    /// The file's text.
    pub(super) fn emit(&self) -> Vec<u8> {
        self.parts().slices().concat()
    }

    /// The file's text, in parts.
    pub(super) fn parts(&self) -> Parts<'_> {
        Parts::of(&self.source, &self.top)
    }

    fn object(&self, key: &[u8]) -> Option<&Map> {
        object_in(&self.top, key)
    }

    /// The texts of an object of which all members are single pieces.
    fn texts<'a>(&'a self, map: Option<&'a Map>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        map.into_iter().flat_map(Map::iter).filter_map(|(name, value)| match value {
            Value::Text(piece) => Some((name, piece.text(&self.source))),
            Value::Object(_) => None,
        })
    }

    fn text<'a>(&'a self, map: Option<&'a Map>, key: &[u8]) -> Option<&'a [u8]> {
        match map?.get(key)? {
            Value::Text(piece) => Some(piece.text(&self.source)),
            Value::Object(_) => None,
        }
    }

    /// Every row, in the order of the file: its key (WTF-8) and its text.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.texts(self.object(b"tasks"))
    }

    /// The text of one row.
    pub(super) fn row(&self, key: &[u8]) -> Option<&[u8]> {
        self.text(self.object(b"tasks"), key)
    }

    /// Writes a row, in its place if there is one of that key.
    pub(super) fn set_row(&mut self, key: &[u8], row: Vec<u8>) {
        object_mut(&mut self.top, b"tasks").set(key, Value::Text(row.into()));
        self.frame();
    }

    /// Takes a row out.
    pub(super) fn remove_row(&mut self, key: &[u8]) {
        object_mut(&mut self.top, b"tasks").remove(key);
    }

    /// Makes the two members that 0.12.0 expects, where they are missing.
    pub(super) fn frame(&mut self) {
        for key in [&b"tasks"[..], b"branches"] {
            object_mut(&mut self.top, key);
        }
    }

    /// Every claim of the plain map of branches: branch and owner.
    pub(super) fn claims(&self) -> impl Iterator<Item = (&[u8], Vec<u8>)> {
        self.texts(self.object(b"branches"))
            .filter(|(_, owner)| owner.starts_with(b"\""))
            .map(|(branch, owner)| (branch, text::decode(owner)))
    }

    /// The key that stands for a branch in the plain map.
    pub(super) fn owner(&self, branch: &str) -> Option<Vec<u8>> {
        let owner = self.text(self.object(b"branches"), branch.as_bytes())?;
        owner.starts_with(b"\"").then(|| text::decode(owner))
    }

    /// Says in the plain map who owns a branch; nobody, when there is no owner.
    pub(super) fn set_owner(&mut self, branch: &[u8], owner: Option<&[u8]>) {
        let branches = object_mut(&mut self.top, b"branches");
        match owner {
            Some(owner) => branches.set(branch, Value::Text(text::encode(owner).into())),
            None => drop(branches.remove(branch)),
        }
    }

    /// What we recorded beside the rows: key and text.
    pub(super) fn records(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.texts(self.object(b"okstra").and_then(|okstra| object_in(okstra, b"tasks")))
    }

    /// The common git directory that we recorded for a key.
    pub(super) fn repository(&self, key: &[u8]) -> Option<PathBuf> {
        let record = self.text(object_in(self.object(b"okstra")?, b"tasks"), key)?;
        let (_, range) =
            scan::members(record).ok()?.into_iter().rfind(|(name, _)| **name == *b"repository")?;
        let value = &record[range];
        if value.starts_with(b"\"") { text::to_path(&text::decode(value)) } else { None }
    }

    /// The id that we recorded for a key, as it was asked for.
    pub(super) fn asked(&self, key: &[u8]) -> Option<Asked> {
        let record = self.text(object_in(self.object(b"okstra")?, b"tasks"), key)?;
        let (_, range) = scan::members(record).ok()?.into_iter().rfind(|(name, _)| **name == *b"asked")?;
        text::to_asked(&record[range])
    }

    /// Whether we recorded that a key's project is the one that its repository had by default.
    pub(super) fn has_default_project(&self, key: &[u8]) -> bool {
        let record = self.object(b"okstra").and_then(|okstra| self.text(object_in(okstra, b"tasks"), key));
        let members = record.and_then(|record| Some((record, scan::members(record).ok()?)));
        members.is_some_and(|(record, members)| {
            members
                .iter()
                .any(|(name, range)| **name == *b"project" && &record[range.clone()] == b"\"default\"")
        })
    }

    /// Records that.
    pub(super) fn set_default_project(&mut self, key: &[u8]) {
        self.set_member(key, b"project", Some(b"\"default\"".to_vec()));
    }

    /// Records the id of a key as it was asked for.
    pub(super) fn set_asked(&mut self, key: &[u8], asked: &Asked) {
        self.set_member(key, b"asked", Some(text::from_asked(asked)));
    }

    /// Records the common git directory of a key, under the one top-level member that is ours: a row must not have
    /// more fields than 0.12.0 knows. What somebody else put into that member stays.
    pub(super) fn set_repository(&mut self, key: &[u8], repository: Option<&Path>) {
        if repository.is_none() && self.repository(key).is_none() {
            return;
        }
        self.set_member(key, b"repository", repository.map(|path| text::encode(&text::from_path(path))));
    }

    fn set_member(&mut self, key: &[u8], name: &[u8], value: Option<Vec<u8>>) {
        let mut record = Map::default();
        if let Some(present) =
            self.text(self.object(b"okstra").and_then(|okstra| object_in(okstra, b"tasks")), key)
            && let Ok(members) = scan::members(present)
        {
            for (name, range) in members {
                record.set(&name, Value::Text(present[range].to_vec().into()));
            }
        }
        match value {
            Some(value) => record.set(name, Value::Text(value.into())),
            None => drop(record.remove(name)),
        }
        let Some(tasks) = self.records_mut() else { return };
        if record.is_empty() {
            tasks.remove(key);
        } else {
            tasks.set(key, Value::Text(Parts::inner(&record, 3).into()));
        }
    }

    /// Takes over what `other` has beyond rows and branches and this document lacks.
    pub(super) fn adopt_the_rest(&mut self, other: &Self) {
        for (key, value) in other.top.iter() {
            if !matches!(key, b"tasks" | b"branches") {
                adopt(&mut self.top, key, other, value);
            }
        }
    }
}

/// Adds a member of another document where there is none; inside an object, member by member.
fn adopt(into: &mut Map, key: &[u8], other: &Document, value: &Value) {
    match (value, into.get_mut(key)) {
        (Value::Object(theirs), Some(Value::Object(ours))) => {
            theirs.iter().for_each(|(key, value)| adopt(ours, key, other, value));
        }
        (_, Some(_)) => {}
        (Value::Object(theirs), None) => {
            let ours = object_mut(into, key);
            theirs.iter().for_each(|(key, value)| adopt(ours, key, other, value));
        }
        (Value::Text(piece), None) => into.set(key, Value::Text(piece.text(&other.source).to_vec().into())),
    }
}

/// The object of that key, made if it is missing. The caller has made sure that it is no single piece.
fn object_mut<'a>(map: &'a mut Map, key: &[u8]) -> &'a mut Map {
    if !matches!(map.get(key), Some(Value::Object(_))) {
        map.set(key, Value::Object(Box::new(map.beside())));
    }
    match map.get_mut(key) {
        Some(Value::Object(map)) => map,
        _ => unreachable!("it was made an object"),
    }
}

fn object_in<'a>(map: &'a Map, key: &[u8]) -> Option<&'a Map> {
    match map.get(key)? {
        Value::Object(map) => Some(map),
        Value::Text(_) => None,
    }
}

/// Names that are those of the frame but for one byte, where the right one is missing.
fn misspelt(map: &Map, frame: &[&[u8]]) -> Vec<Vec<u8>> {
    let differs_by_one = |name: &[u8], right: &[u8]| {
        name.len() == right.len() && name.iter().zip(right).filter(|(one, other)| one != other).count() == 1
    };
    let missing: Vec<_> = frame.iter().filter(|name| !map.contains(name)).collect();
    let names = map.iter().map(|(name, _)| name);
    names.filter(|name| missing.iter().any(|right| differs_by_one(name, right))).map(<[u8]>::to_vec).collect()
}

/// Reads objects of a text.
struct Reader<'a> {
    source: &'a Source,
    /// All of it is UTF-8: then so is every piece, and none has to be looked at by itself.
    is_utf8: bool,
}

impl<'a> Reader<'a> {
    fn of(source: &'a Source) -> Self {
        Self { source, is_utf8: std::str::from_utf8(source).is_ok() }
    }

    fn is_sound(&self, piece: &Range) -> bool {
        self.is_utf8 || std::str::from_utf8(&self.source[piece.clone()]).is_ok()
    }

    /// Reads the members of an object into `map`. After a mistake `map` holds what was complete before it.
    fn object(&self, scanner: &mut Scanner<'_>, place: Place, map: &mut Map) -> Result<(), Malformed> {
        // Whether the value read last was surely complete: the digits of a number that was cut off look like a number.
        let mut unsure = None;
        let result = scanner.object(|scanner, key| {
            if !self.is_sound(&key) {
                return Err(Malformed { at: key.start, expected: "name in UTF-8" });
            }
            let name = Name::at(key.clone(), self.source);
            unsure = None;
            if map.contains(name.decoded(self.source)) {
                return Err(Malformed { at: key.start, expected: "name that is there only once" });
            }
            if let Some(inner) = place.inner(name.decoded(self.source))
                && scanner.peek() == Some(b'{')
            {
                let mut object = Map::new(self.source);
                object.expect((self.source.len() - scanner.offset()) / LEAST_MEMBER);
                let result = self.object(scanner, inner, &mut object);
                map.insert(name, Value::Object(Box::new(object)));
                return result;
            }
            let value = scanner.value()?;
            if !self.is_sound(&value) {
                if matches!(place, Place::Top) {
                    map.insert(name, Value::Text(value.clone().into()));
                }
                return Err(Malformed { at: value.start, expected: "value in UTF-8" });
            }
            if !matches!(self.source[value.end - 1], b'}' | b']' | b'"') {
                unsure = Some(name.clone());
            }
            map.insert(name, Value::Text(value.into()));
            Ok(())
        });
        if result.is_err()
            && let Some(name) = unsure
        {
            map.remove(name.decoded(self.source));
        }
        result
    }

    /// Reads one member of a damaged file, as far as it can be read.
    fn take_member(&self, name: &[u8], key: Range, value: usize, top: &mut Map) {
        let mut scanner = Scanner::at(self.source, value);
        match Place::Top.inner(name) {
            Some(Place::Leaf) if name == b"tasks" => {}
            Some(inner) if scanner.peek() == Some(b'{') => {
                let mut object = Map::new(self.source);
                let _ = self.object(&mut scanner, inner, &mut object);
                if !top.contains(name) {
                    top.insert(Name::at(key, self.source), Value::Object(Box::new(Map::new(self.source))));
                }
                if let Some(Value::Object(present)) = top.get_mut(name) {
                    for (key, value) in object.into_members() {
                        if !present.contains(key.decoded(self.source)) {
                            present.insert(key, value);
                        }
                    }
                }
            }
            Some(_) => {}
            None => {
                let Ok(range) = scanner.value() else { return };
                scanner.blanks();
                // What goes on in another way is no member of the file, or a broken one.
                if matches!(scanner.peek(), Some(b',' | b'}')) && !top.contains(name) {
                    top.insert(Name::at(key, self.source), Value::Text(range.into()));
                }
            }
        }
    }
}
