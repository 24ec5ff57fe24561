//! The text of a registry file in the frame of Python's `json.dumps(indent=2, ensure_ascii=False)`.
//!
//! What was not touched and is framed like that already goes out as one long piece of the text that it was read from:
//! to change one row of a hundred thousand copies nothing.

use super::map::{Map, Piece, Value};

/// A text in parts, most of them long.
pub(super) struct Parts<'a> {
    source: &'a [u8],
    parts: Vec<Part>,
    /// What comes next: a place in the source, and then own text that may turn out to stand there as well.
    run: (usize, usize),
    own: Vec<u8>,
}

enum Part {
    Source(usize, usize),
    Own(Vec<u8>),
}

impl<'a> Parts<'a> {
    /// The parts of a document's text.
    pub(super) fn of(source: &'a [u8], top: &Map) -> Self {
        let mut parts = Self { source, parts: Vec::new(), run: (0, 0), own: Vec::new() };
        parts.object(top, 0);
        parts.own.push(b'\n');
        parts.flush();
        parts
    }

    /// The text of an object of own pieces, as it stands at a depth.
    pub(super) fn inner(map: &Map, depth: usize) -> Vec<u8> {
        let mut parts = Self { source: &[], parts: Vec::new(), run: (0, 0), own: Vec::new() };
        parts.object(map, depth);
        parts.own
    }

    /// The parts, in order.
    pub(super) fn slices(&self) -> Vec<&[u8]> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Source(start, end) => &self.source[*start..*end],
                Part::Own(text) => text,
            })
            .collect()
    }

    fn object(&mut self, map: &Map, depth: usize) {
        self.own.push(b'{');
        for (index, (name, value)) in map.spelled().enumerate() {
            if index > 0 {
                self.own.push(b',');
            }
            self.line(depth + 1);
            self.piece(&name);
            self.own.extend_from_slice(b": ");
            match value {
                Value::Text(piece) => self.piece(piece),
                Value::Object(map) => self.object(map, depth + 1),
            }
        }
        if !map.is_empty() {
            self.line(depth);
        }
        self.own.push(b'}');
    }

    fn line(&mut self, depth: usize) {
        self.own.push(b'\n');
        self.own.resize(self.own.len() + 2 * depth, b' ');
    }

    fn piece(&mut self, piece: &Piece) {
        let Piece::Source(start, end) = *piece else {
            self.own.extend_from_slice(piece.text(self.source));
            return;
        };
        // The own text since the run is the source's too: the run goes on.
        if self.run.1 + self.own.len() == start && self.source[self.run.1..start] == *self.own {
            self.own.clear();
            self.run.1 = end;
            return;
        }
        self.flush();
        self.run = (start, end);
    }

    fn flush(&mut self) {
        if self.run.0 < self.run.1 {
            self.parts.push(Part::Source(self.run.0, self.run.1));
        }
        if !self.own.is_empty() {
            self.parts.push(Part::Own(std::mem::take(&mut self.own)));
        }
        self.run = (0, 0);
    }
}
