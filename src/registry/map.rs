//! The members of an object of the registry file: in order, and found by name.
//!
//! Of a file with a hundred thousand rows a call looks at one. So a member is two places in the text, and its name is
//! compared where it stands; with names and values of their own in a map, reading the file cost twice as much.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::scan::Range;
use super::text;

/// The text that the pieces of a document are places in.
pub(super) type Source = Arc<Vec<u8>>;

/// A part of the file: where it stands in the text, or what is to be written.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Source(usize, usize),
    Own(Arc<[u8]>),
    Name(Arc<(Vec<u8>, Vec<u8>)>),
}

impl Piece {
    pub(super) fn text<'a>(&'a self, source: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Source(start, end) => &source[*start..*end],
            Self::Own(text) => text,
            Self::Name(name) => &name.0,
        }
    }
}

impl From<Range> for Piece {
    fn from(range: Range) -> Self {
        Self::Source(range.start, range.end)
    }
}

impl From<Vec<u8>> for Piece {
    fn from(text: Vec<u8>) -> Self {
        Self::Own(text.into())
    }
}

/// The value of a member.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(Piece),
    Object(Box<Map>),
}

/// A name as it is spelled, with quotes, and decoded.
#[derive(Debug, Clone)]
pub(super) enum Name {
    /// Spelled without escapes.
    Source(usize, usize),
    Own(Arc<(Vec<u8>, Vec<u8>)>),
}

impl Name {
    /// One that stands in the text.
    pub(super) fn at(range: Range, source: &[u8]) -> Self {
        let spelled = &source[range.clone()];
        if memchr::memchr(b'\\', spelled).is_none() {
            Self::Source(range.start, range.end)
        } else {
            Self::Own(Arc::new((spelled.to_vec(), text::decode(spelled))))
        }
    }

    fn of(name: &[u8]) -> Self {
        Self::Own(Arc::new((text::encode(name), name.to_vec())))
    }

    /// Without quotes and escapes.
    pub(super) fn decoded<'a>(&'a self, source: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Source(start, end) => &source[start + 1..end - 1],
            Self::Own(name) => &name.1,
        }
    }

    fn spelled(&self) -> Piece {
        match self {
            Self::Source(start, end) => Piece::Source(*start, *end),
            Self::Own(name) => Piece::Name(Arc::clone(name)),
        }
    }
}

#[derive(Debug, Clone)]
struct Item {
    name: Name,
    /// Nothing: it was removed. Its place stays, because the index counts on it.
    value: Option<Value>,
}

/// The members of one object.
#[derive(Debug, Clone, Default)]
pub(super) struct Map {
    source: Source,
    items: Vec<Item>,
    index: HashTable<usize>,
    hasher: DefaultHashBuilder,
    removed: usize,
}

impl Map {
    /// An object without members, of which some may stand in `source`.
    pub(super) fn new(source: &Source) -> Self {
        Self { source: Arc::clone(source), ..Self::default() }
    }

    /// An object without members, of the same text.
    pub(super) fn beside(&self) -> Self {
        Self::new(&self.source)
    }

    /// Makes room for so many members.
    pub(super) fn expect(&mut self, members: usize) {
        let Self { source, items, index, hasher, .. } = self;
        items.reserve(members);
        index.reserve(members, |at| hasher.hash_one(items[*at].name.decoded(source)));
    }

    /// Sets the value of a name, and how it is spelled: in its place where there is one, else at the end.
    pub(super) fn insert(&mut self, name: Name, value: Value) {
        let Self { source, items, index, hasher, .. } = self;
        let hash = |name: &Name| hasher.hash_one(name.decoded(source));
        let is_it = |at: &usize| items[*at].name.decoded(source) == name.decoded(source);
        let known = match index.entry(hash(&name), is_it, |at| hash(&items[*at].name)) {
            Entry::Occupied(entry) => Some(*entry.get()),
            Entry::Vacant(entry) => {
                entry.insert(items.len());
                None
            }
        };
        let item = Item { name, value: Some(value) };
        match known {
            Some(at) => items[at] = item,
            None => items.push(item),
        }
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        let is_it = |at: &usize| self.items[*at].name.decoded(&self.source) == name;
        self.index.find(self.hasher.hash_one(name), is_it).copied()
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &[u8]) -> Option<&Value> {
        self.items[self.find(name)?].value.as_ref()
    }

    /// The value of a name, to be changed.
    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<&mut Value> {
        let at = self.find(name)?;
        self.items[at].value.as_mut()
    }

    /// Sets the value of a name: in its place where there is one, else at the end.
    pub(super) fn set(&mut self, name: &[u8], value: Value) {
        match self.get_mut(name) {
            Some(present) => *present = value,
            None => self.insert(Name::of(name), value),
        }
    }

    /// Takes a member out; the others keep their order.
    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Value> {
        let Self { source, items, index, hasher, .. } = self;
        let is_it = |at: &usize| items[*at].name.decoded(source) == name;
        let (at, _) = index.find_entry(hasher.hash_one(name), is_it).ok()?.remove();
        self.removed += 1;
        items[at].value.take()
    }

    /// Whether there is a member of that name.
    pub(super) fn contains(&self, name: &[u8]) -> bool {
        self.find(name).is_some()
    }

    /// Whether it has no member.
    pub(super) const fn is_empty(&self) -> bool {
        self.items.len() == self.removed
    }

    /// The members in order: name and value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &Value)> {
        self.items.iter().filter_map(|item| Some((item.name.decoded(&self.source), item.value.as_ref()?)))
    }

    /// The members in order: the name as it is spelled, and the value.
    pub(super) fn spelled(&self) -> impl Iterator<Item = (Piece, &Value)> {
        self.items.iter().filter_map(|item| Some((item.name.spelled(), item.value.as_ref()?)))
    }

    /// The members in order, taken out.
    pub(super) fn into_members(self) -> impl Iterator<Item = (Name, Value)> {
        self.items.into_iter().filter_map(|item| Some((item.name, item.value?)))
    }
}
