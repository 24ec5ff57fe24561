//! References, read from git's files: for questions that are asked so often that a process is too much.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// From this length on `packed-refs` is searched, and not read.
const READ_WHOLE: u64 = 128 << 10;
/// No line of `packed-refs` is longer: an id, a blank, and the longest path there is.
const LONGEST_LINE: usize = 4300;

/// What the files say of one reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tip {
    /// It stands at this object.
    At(String),
    /// It is not there.
    None,
    /// The files do not tell: it is symbolic, damaged, or kept in a table.
    Unknown,
}

/// Where a reference of a repository stands; `name` is its full name. One system call for one that is not packed is the
/// least it costs, and a search through `packed-refs` the most.
#[must_use]
pub fn read(common_dir: &Path, name: &str) -> Tip {
    match fs::read(common_dir.join(name)) {
        Ok(content) => match id(content.trim_ascii_end()) {
            Some(id) => Tip::At(id),
            None => Tip::Unknown,
        },
        // Below a file, or a directory of others, there is no reference that is not packed.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
            ) =>
        {
            packed(common_dir, name).unwrap_or(Tip::Unknown)
        }
        Err(_) => Tip::Unknown,
    }
}

/// Whether a reference is there, for certain.
#[must_use]
pub fn exists(common_dir: &Path, name: &str) -> bool {
    // What stands in the file is git's matter: a torn one is a reference too, and git says so.
    fs::symlink_metadata(common_dir.join(name)).is_ok_and(|found| !found.is_dir() && found.len() > 0)
        || matches!(packed(common_dir, name), Ok(Tip::At(_)))
}

fn packed(common_dir: &Path, name: &str) -> io::Result<Tip> {
    if common_dir.join("reftable").is_dir() {
        return Ok(Tip::Unknown);
    }
    let mut file = match File::open(common_dir.join("packed-refs")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Tip::None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let mut text = Vec::new();
    if length > READ_WHOLE {
        let mut header = [0; 256];
        let read = file.read(&mut header)?;
        let first = header[..read].split(|byte| *byte == b'\n').next().unwrap_or_default();
        // git itself believes this mark, too.
        if first.starts_with(b"# pack-refs") && first.windows(7).any(|word| word == b" sorted") {
            return search(&mut file, length, name);
        }
        file.rewind()?;
    }
    file.read_to_end(&mut text)?;
    Ok(line_of(&text, name))
}

fn line_of(text: &[u8], name: &str) -> Tip {
    let found = text.split(|byte| *byte == b'\n').find_map(|line| {
        let (id, rest) = line.split_at_checked(line.iter().position(|byte| *byte == b' ')?)?;
        (rest.get(1..)? == name.as_bytes()).then_some(id)
    });
    found.map_or(Tip::None, |bytes| id(bytes).map_or(Tip::Unknown, Tip::At))
}

/// Halves the file until few lines are left: one read for each halving.
fn search(file: &mut File, length: u64, name: &str) -> io::Result<Tip> {
    let (mut low, mut high) = (0, length);
    let mut window = vec![0; 2 * LONGEST_LINE];
    while high - low > window.len() as u64 {
        let middle = low + (high - low) / 2;
        file.seek(SeekFrom::Start(middle))?;
        let read = fill(file, &mut window)?;
        // The line that the middle lies in is left to the lower half.
        let Some((at, found)) = first_name(&window[..read]) else { return Ok(Tip::Unknown) };
        if found <= name.as_bytes() {
            low = middle + at as u64;
        } else {
            high = middle + at as u64;
        }
    }
    file.seek(SeekFrom::Start(low))?;
    let mut text = vec![0; usize::try_from(high - low).unwrap_or(usize::MAX)];
    let read = fill(file, &mut text)?;
    Ok(line_of(&text[..read], name))
}

/// The first whole line with a name: where it begins, and the name.
fn first_name(text: &[u8]) -> Option<(usize, &[u8])> {
    let mut at = text.iter().position(|byte| *byte == b'\n')? + 1;
    loop {
        let rest = &text[at..];
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = &rest[..end];
        match line.iter().position(|byte| *byte == b' ') {
            // The object that an annotated tag stands for has a line without a name.
            Some(blank) if !line.starts_with(b"^") => return Some((at, &line[blank + 1..])),
            _ => at += end + 1,
        }
    }
}

fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

fn id(bytes: &[u8]) -> Option<String> {
    let whole = matches!(bytes.len(), 40 | 64) && bytes.iter().all(u8::is_ascii_hexdigit);
    whole.then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Replace, replace_file};

    fn repository(packed: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("packed-refs");
        replace_file(&path, packed.as_bytes(), Replace::default()).unwrap();
        directory
    }

    fn name(number: usize) -> String {
        format!("refs/heads/{}{number:05}", "x".repeat(number % 50))
    }

    #[test]
    fn every_packed_reference_is_found_in_a_long_file_and_no_other() {
        let mut names: Vec<String> = (0..4000).map(name).collect();
        names.sort();
        let lines = names.iter().enumerate().map(|(at, name)| {
            let peeled = if at % 7 == 0 { format!("^{}\n", "f".repeat(40)) } else { String::new() };
            format!("{at:040x} {name}\n{peeled}")
        });
        let text = format!("# pack-refs with: peeled fully-peeled sorted \n{}", lines.collect::<String>());
        assert!(text.len() as u64 > READ_WHOLE);
        let repository = repository(&text);
        for (at, name) in names.iter().enumerate() {
            assert_eq!(read(repository.path(), name), Tip::At(format!("{at:040x}")), "{name}");
        }
        for name in ["refs/heads/0", "refs/heads/x", "refs/zzz", "refs/aaa", "refs/heads/xx000020"] {
            assert_eq!(read(repository.path(), name), Tip::None, "{name}");
        }
    }

    #[test]
    fn a_loose_reference_wins_and_what_is_no_id_is_unknown() {
        let repository =
            repository(&format!("{} refs/heads/a\n{} refs/heads/b\n", "1".repeat(40), "2".repeat(64)));
        let heads = repository.path().join("refs/heads");
        fs::create_dir_all(heads.join("b/below")).unwrap();
        let write =
            |name: &str, text: &str| replace_file(&heads.join(name), text.as_bytes(), Replace::default());
        write("a", &format!("{}\n", "3".repeat(40))).unwrap();
        write("torn", "").unwrap();
        write("linked", "ref: refs/heads/a\n").unwrap();
        assert_eq!(read(repository.path(), "refs/heads/a"), Tip::At("3".repeat(40)));
        assert_eq!(
            read(repository.path(), "refs/heads/b"),
            Tip::At("2".repeat(64)),
            "a directory is in its place"
        );
        assert_eq!(read(repository.path(), "refs/heads/a/below"), Tip::None);
        assert_eq!(read(repository.path(), "refs/heads/torn"), Tip::Unknown);
        assert_eq!(read(repository.path(), "refs/heads/linked"), Tip::Unknown);
        assert!(exists(repository.path(), "refs/heads/b") && exists(repository.path(), "refs/heads/a"));
        assert!(!exists(repository.path(), "refs/heads/torn") && !exists(repository.path(), "refs/heads/c"));
    }
}
