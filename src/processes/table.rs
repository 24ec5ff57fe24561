//! What the kernel's table of processes says of each.

use std::fs;

/// A line of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// The process that started it, or took it over.
    pub(super) parent: u32,
    /// The leader of its process group.
    pub(super) group: u32,
    /// When it was started, in ticks since the machine was.
    pub(super) start: u64,
    /// Whether it has ended and only waits to be waited for.
    pub(super) is_dead: bool,
}

/// The ids of all processes.
pub(super) fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// What is known of one; `None` where it is gone.
pub(super) fn stat_of(pid: u32) -> Option<Stat> {
    parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(line: &[u8]) -> Option<Stat> {
    // The name in parentheses may hold anything, also parentheses.
    let after = line.iter().rposition(|byte| *byte == b')')? + 1;
    let text = std::str::from_utf8(&line[after..]).ok()?;
    let fields: Vec<&str> = text.split_whitespace().take(20).collect();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
        is_dead: matches!(*fields.first()?, "Z" | "X"),
    })
}

/// The process that started this one, and so on up to the first.
pub(super) fn ancestors(pid: u32) -> Vec<u32> {
    let parent = |pid| stat_of(pid).map(|stat| stat.parent);
    let mut line = Vec::new();
    let mut next = parent(pid);
    while let Some(pid) = next.filter(|pid| *pid > 0 && !line.contains(pid)) {
        line.push(pid);
        next = parent(pid);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let line = b"7 (a) b (c) S 3 5 5 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        assert_eq!(parse(line), Some(Stat { parent: 3, group: 5, start: 4711, is_dead: false }));
        assert_eq!(parse(b"7 (cut"), None);
        let own = stat_of(std::process::id()).unwrap();
        assert!(own.start > 0 && ancestors(std::process::id()).contains(&own.parent));
    }
}
