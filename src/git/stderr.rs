//! What a process says on standard error: its beginning and its end are kept for messages, and the progress that git tells
//! there is read.

/// How much of the beginning is kept: the first failure is often the one that explains the others.
const HEAD: usize = 4 * 1024;
/// How much of the end is kept.
const TAIL: usize = 12 * 1024;
/// How many lines a message shows.
const SHOWN: usize = 10;
/// A line without an end is not held back for longer than this.
const LONGEST_LINE: usize = 4 * 1024;

/// Told how many files git has written, and of how many.
pub(super) type Listener = Box<dyn FnMut(usize, usize) + Send>;

/// The beginning and the end of a text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Kept {
    head: Vec<u8>,
    tail: Vec<u8>,
    dropped: bool,
    dropped_lines: usize,
}

impl Kept {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(rest);
        if self.tail.len() > 2 * TAIL {
            let count = self.tail.len() - TAIL;
            self.dropped_lines += line_ends(&self.tail[..count]);
            self.tail.drain(..count);
            self.dropped = true;
        }
    }

    /// The text; where something was dropped whole lines were, and one says so.
    pub(super) fn into_text(self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if !self.dropped {
            return text(&[self.head, self.tail].concat());
        }
        let head = self.head.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let tail = self.tail.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = self.dropped_lines + line_ends(&self.tail[..tail]);
        format!("{}{}\n{}", text(&self.head[..head]), more(lines), text(&self.tail[tail..]))
    }
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn more(lines: usize) -> String {
    format!("... ({lines} lines more)")
}

/// The first and the last lines of a text that is too long for a message.
pub(super) fn shorten(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    if lines.len() <= SHOWN {
        return lines.join("\n");
    }
    let (head, rest) = lines.split_at(SHOWN / 2);
    let (middle, tail) = rest.split_at(rest.len() - SHOWN / 2);
    let dropped = |line: &&str| {
        let count = line.strip_prefix("... (").and_then(|line| line.strip_suffix(" lines more)"));
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    };
    let count: usize = middle.iter().map(dropped).sum();
    [head, &[more(count).as_str()], tail].concat().join("\n")
}

/// Takes git's progress out of what it says.
pub(super) struct Updates {
    listener: Listener,
    /// What was said before the numbers when they were first told. Other numbers, of a filter perhaps, count something else.
    title: Option<Vec<u8>>,
    line: Vec<u8>,
}

impl Updates {
    pub(super) const fn told_to(listener: Listener) -> Self {
        Self { listener, title: None, line: Vec::new() }
    }

    /// Passes on to `kept` what is no progress.
    pub(super) fn add(&mut self, bytes: &[u8], kept: &mut Kept) {
        for byte in bytes {
            self.line.push(*byte);
            let ends = matches!(byte, b'\r' | b'\n');
            if ends && self.is_update() {
                self.line.clear();
            } else if ends || self.line.len() > LONGEST_LINE {
                self.end(kept);
            }
        }
    }

    /// Passes on what came last.
    pub(super) fn end(&mut self, kept: &mut Kept) {
        kept.add(&self.line);
        self.line.clear();
    }

    fn is_update(&mut self) -> bool {
        let Some((title, done, total)) = update(&self.line) else { return false };
        if *self.title.get_or_insert_with(|| title.to_owned()) == title {
            (self.listener)(done, total);
        }
        true
    }
}

/// `Updating files:  12% (360/3000)`, in whatever language, perhaps with more behind it.
fn update(line: &[u8]) -> Option<(&[u8], usize, usize)> {
    let colon = line.windows(2).position(|two| two == b": ")?;
    if line.starts_with(b"remote: ") {
        return None;
    }
    let (percent, numbers) = std::str::from_utf8(&line[colon + 1..]).ok()?.split_once("% (")?;
    percent.trim().parse::<u8>().ok()?;
    let (done, total) = numbers.split_once(')')?.0.split_once('/')?;
    Some((&line[..colon], done.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_short_text_is_whole_and_a_long_one_says_how_much_is_missing() {
        let mut kept = Kept::default();
        kept.add(b"one\ntwo");
        assert_eq!(kept.into_text(), "one\ntwo");
        let all: Vec<String> = (0..5000).map(|number| format!("error: number {number}")).collect();
        let mut kept = Kept::default();
        for piece in all.join("\n").as_bytes().chunks(1000) {
            kept.add(piece);
        }
        let text = kept.into_text();
        assert!(text.len() < 40_000 && text.starts_with("error: number 0\n"), "{}", text.len());
        let short = shorten(&text);
        let expected = [&all[..5], &["... (4990 lines more)".to_owned()], &all[4995..]].concat();
        assert_eq!(short.lines().collect::<Vec<_>>(), expected);
        assert_eq!(shorten("a\nb\n"), "a\nb");
    }

    #[test]
    fn progress_is_told_and_everything_else_is_kept() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let mut updates = Updates::told_to(Box::new({
            let told = Arc::clone(&told);
            move |done, total| told.lock().unwrap().push((done, total))
        }));
        let mut kept = Kept::default();
        let said = "remote: Counting:  50% (1/2)\nAktualisiere Dateien:   0% (1/300)\rerror: x\nAktualisiere Dateien:  \
            50% (150/300)\rFilter:  50% (1/2)\rAktualisiere Dateien: 100% (300/300), fertig.\nend: (1/2)";
        for piece in said.as_bytes().chunks(7) {
            updates.add(piece, &mut kept);
        }
        updates.end(&mut kept);
        assert_eq!(*told.lock().unwrap(), [(1, 300), (150, 300), (300, 300)]);
        assert_eq!(kept.into_text(), "remote: Counting:  50% (1/2)\nerror: x\nend: (1/2)");
    }
}
