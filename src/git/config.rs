//! git's configuration as it is in force in one place, includes and all.

use std::collections::HashMap;

use super::Git;
use crate::error::Result;

/// All settings; of each the value that wins.
#[derive(Debug, Clone, Default)]
pub struct Config(HashMap<String, Option<String>>);

impl Config {
    /// Asks git, in the directory of the call: one process, 2 ms.
    pub fn read(git: Git<'_>) -> Result<Self> {
        let text = git.args(["config", "--list", "-z"]).read()?;
        let mut values = HashMap::new();
        for record in text.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
            let record = String::from_utf8_lossy(record);
            let (key, value) = match record.split_once('\n') {
                Some((key, value)) => (key, Some(value.to_owned())),
                None => (&*record, None),
            };
            values.insert(key.to_owned(), value);
        }
        Ok(Self(values))
    }

    /// The value of a setting; section and name in lower case. A setting without a value (`[core] bare`) means true.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| value.as_deref().unwrap_or("true"))
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
        self.0.keys().map(String::as_str)
    }
}

fn is_false(value: &str) -> bool {
    ["false", "no", "off", "0", ""].iter().any(|word| value.eq_ignore_ascii_case(word))
}
