//! git's configuration as it is in force in one place, includes and all.

use std::collections::HashMap;

use super::Git;
use crate::error::Result;

/// All settings; of each the value that wins.
#[derive(Debug, Clone, Default)]
pub struct Config {
    values: HashMap<String, Option<String>>,
    listing: Vec<u8>,
}

impl Config {
    /// Asks git, in the directory of the call: one process, 2 ms.
    pub fn read(git: Git<'_>) -> Result<Self> {
        Ok(Self::of_listing(git.args(["config", "--list", "-z"]).read()?))
    }

    fn of_listing(listing: Vec<u8>) -> Self {
        let mut values = HashMap::new();
        for record in records(&listing) {
            let record = String::from_utf8_lossy(record);
            let (key, value) = match record.split_once('\n') {
                Some((key, value)) => (key, Some(value.to_owned())),
                None => (&*record, None),
            };
            values.insert(key.to_owned(), value);
        }
        Self { values, listing }
    }

    /// Everything that was set, in git's order and byte for byte: `<key> LF <value>`, or the key alone. Of a setting that
    /// stands there more than once, the last one wins.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        records(&self.listing)
    }

    /// The value of a setting; section and name in lower case. A setting without a value (`[core] bare`) means true.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.as_deref().unwrap_or("true"))
    }

    /// Whether a setting is there and is not plainly false.
    #[must_use]
    pub fn may_be_true(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !is_false(value))
    }

    /// Whether a setting is there and is not plainly true.
    #[must_use]
    pub fn may_be_false(&self, key: &str) -> bool {
        let plainly = ["true", "yes", "on", "1"];
        self.get(key).is_some_and(|value| !plainly.iter().any(|word| value.eq_ignore_ascii_case(word)))
    }

    /// The keys of all settings.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

fn records(listing: &[u8]) -> impl Iterator<Item = &[u8]> {
    listing.split(|byte| *byte == 0).filter(|record| !record.is_empty())
}

fn is_false(value: &str) -> bool {
    ["false", "no", "off", "0", ""].iter().any(|word| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
impl From<&[&str]> for Config {
    /// Of lines as they stand on a command line: `name=value`, or the name alone.
    fn from(lines: &[&str]) -> Self {
        let listing: Vec<String> = lines.iter().map(|line| line.replacen('=', "\n", 1) + "\0").collect();
        Self::of_listing(listing.concat().into_bytes())
    }
}
