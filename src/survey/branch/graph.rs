//! A piece of a repository's history, small enough to be counted in here.

use std::collections::HashMap;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::git::Repository;

/// Commits with, for each of some starting points, whether it reaches them.
pub(super) struct Graph {
    starts: HashMap<String, usize>,
    /// For each commit, a bit for each start.
    reached: Vec<Vec<u64>>,
}

impl Graph {
    /// What the commits do not all have in common: enough to tell for any two of them how far they are apart.
    pub(super) fn around(repository: &Repository, starts: &[&str], cancel: &Cancel) -> Result<Self> {
        let starts = distinct(starts);
        if let [_] = starts[..] {
            return Ok(Self::read(&starts, b""));
        }
        let git = repository.git().args(["merge-base", "--octopus"]).args(&starts);
        let output = git.looks_only().cancel(cancel).run()?;
        let common = match output.status.code() {
            Some(0) => String::from_utf8_lossy(&output.stdout).into_owned(),
            // Nothing in common: then all of history is what they do not share.
            Some(1) => String::new(),
            _ => return Err(output.into_error("merge-base", &repository.common_dir)),
        };
        Self::beyond(repository, &starts, &common.lines().take(1).collect::<Vec<_>>(), cancel)
    }

    /// What the commits reach and the limits do not.
    pub(super) fn beyond(
        repository: &Repository,
        starts: &[&str],
        limits: &[&str],
        cancel: &Cancel,
    ) -> Result<Self> {
        let starts = distinct(starts);
        let mut input: String = starts.iter().map(|id| format!("{id}\n")).collect();
        input.extend(limits.iter().map(|id| format!("^{id}\n")));
        let git = repository.git().args(["rev-list", "--topo-order", "--parents", "--stdin"]);
        let output = git.looks_only().input_bytes(input.into_bytes()).cancel(cancel).read()?;
        Ok(Self::read(&starts, &output))
    }

    /// From lines of a commit and its parents, children before parents.
    fn read(starts: &[&str], lines: &[u8]) -> Self {
        let text = String::from_utf8_lossy(lines);
        let commits: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_ascii_whitespace().collect()).collect();
        let places: HashMap<&str, usize> =
            commits.iter().enumerate().filter_map(|(at, ids)| Some((*ids.first()?, at))).collect();
        let words = starts.len().div_ceil(64);
        let mut reached = vec![vec![0; words]; commits.len()];
        for (bit, start) in starts.iter().enumerate() {
            if let Some(at) = places.get(start) {
                reached[*at][bit / 64] |= 1 << (bit % 64);
            }
        }
        for (at, ids) in commits.iter().enumerate() {
            for parent in ids.iter().skip(1).filter_map(|id| places.get(id)) {
                let bits = reached[at].clone();
                for (into, bits) in reached[*parent].iter_mut().zip(bits) {
                    *into |= bits;
                }
            }
        }
        let starts = starts.iter().enumerate().map(|(bit, id)| ((*id).to_owned(), bit)).collect();
        Self { starts, reached }
    }

    fn has(&self, bits: &[u64], start: &str) -> bool {
        self.starts.get(start).is_some_and(|bit| bits[bit / 64] >> (bit % 64) & 1 == 1)
    }

    fn count(&self, admits: impl Fn(&[u64]) -> bool) -> u64 {
        self.reached.iter().filter(|bits| admits(bits)).count() as u64
    }

    /// How far one start is from another.
    pub(super) fn distance(&self, from: &str, to: &str) -> super::Distance {
        super::Distance {
            ahead: self.count(|bits| self.has(bits, from) && !self.has(bits, to)),
            behind: self.count(|bits| self.has(bits, to) && !self.has(bits, from)),
        }
    }

    /// How many commits a start reaches.
    pub(super) fn reachable(&self, start: &str) -> u64 {
        self.count(|bits| self.has(bits, start))
    }

    /// How many commits only this start reaches; `branches` are where the branches stand, so that two at one commit are
    /// seen to share everything.
    pub(super) fn reachable_only_from(&self, start: &str, branches: &[&str]) -> u64 {
        if branches.iter().filter(|tip| **tip == start).count() > 1 {
            return 0;
        }
        let Some(bit) = self.starts.get(start) else { return 0 };
        let alone = |bits: &[u64]| {
            bits.iter()
                .enumerate()
                .all(|(at, word)| *word == if at == bit / 64 { 1 << (bit % 64) } else { 0 })
        };
        self.count(alone)
    }
}

fn distinct<'a>(ids: &[&'a str]) -> Vec<&'a str> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_counted_from_every_side() {
        // a1 -> m, b2 -> b1 -> m, and m is in common.
        let graph = Graph::read(&["a1", "b2", "m"], b"b2 b1\nb1 m\na1 m\nm\n");
        assert_eq!(graph.distance("a1", "b2"), super::super::Distance { ahead: 1, behind: 2 });
        assert_eq!(graph.distance("b2", "m"), super::super::Distance { ahead: 2, behind: 0 });
        assert_eq!(graph.reachable("b2"), 3);
        assert_eq!(graph.reachable_only_from("b2", &["a1", "b2"]), 2);
        assert_eq!(
            graph.reachable_only_from("b2", &["a1", "b2", "b2"]),
            0,
            "another branch stands there too"
        );
    }
}
