//! The id of a task as it was asked for.
//!
//! Segments of a task-key are spelt as 0.12.0 spelt them: `1.2` and `1-2` both become `1-2`. Callers compute paths by that
//! spelling, so it stays; but the task records what it was asked for as, and another id that arrives at its key is refused,
//! instead of being handed the first one's worktree. (A hash for every id with a sign in it, as for letters outside ASCII,
//! would keep them apart too. It would give most of 0.12.0's ids another path and branch than their callers expect, and
//! leave `1.2` without the task that 0.12.0 made for it.)

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};
use crate::task::{self, TaskKey};

/// Group and task as somebody gave them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Asked {
    /// The group; may be blank.
    pub group: String,
    /// The task.
    pub task: String,
}

impl Asked {
    /// An id as it was given.
    #[must_use]
    pub fn new(group: &str, task: &str) -> Self {
        Self { group: group.to_owned(), task: task.to_owned() }
    }

    /// Whether this is another id than the one that the task is recorded with. Case, the form of Unicode and blanks at the
    /// ends make no other id; nor does the key's own spelling where it holds a hash of what it stands for.
    #[must_use]
    pub fn differs_from(&self, recorded: &Self) -> bool {
        let same = |asked: &str, recorded: &str| {
            let (asked, recorded) = (plain(asked), plain(recorded));
            asked == recorded || (task::is_told_apart(&recorded) && asked == task::safe_segment(&recorded))
        };
        !same(&self.group, &recorded.group) || !same(&self.task, &recorded.task)
    }

    /// Whether it is spelt as its segments are, so that it names the key itself.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        [&self.group, &self.task].into_iter().all(|text| plain(text) == task::safe_segment(text))
    }

    /// Whether its segments are those of the key.
    #[must_use]
    pub fn spells(&self, key: &TaskKey) -> bool {
        task::safe_segment(&self.group) == key.group() && task::safe_segment(&self.task) == key.task()
    }

    /// Fails when a new task cannot have this id: it has neither letter nor digit, as what a script makes of an empty
    /// variable (`#$ISSUE`).
    pub fn check_new(&self) -> Result<()> {
        let id = plain(&self.task);
        if task::safe_segment(&id) == "_" && id != "_" {
            return Err(Error::invalid("task id", &self.task, "it holds no letter and no digit"));
        }
        Ok(())
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let group = if self.group.trim().is_empty() { "_" } else { self.group.trim() };
        write!(f, "{group}/{}", self.task.trim())
    }
}

/// The one spelling of all that count as one id.
fn plain(text: &str) -> String {
    let text: String = text.nfc().collect::<String>().to_lowercase().nfc().collect();
    let text = text.trim();
    if text.is_empty() { "_".to_owned() } else { text.to_owned() }
}

/// Refuses an id that arrives at the key of a task with another one. `recorded` is `None` for a task of 0.12.0, and for one
/// that is not there.
pub fn check(key: &TaskKey, asked: &Asked, recorded: Option<Asked>) -> Result<()> {
    match recorded.filter(|recorded| asked.differs_from(recorded)) {
        Some(recorded) => Err(Error::OtherId {
            task_key: key.clone(),
            asked: Box::new(asked.clone()),
            recorded: Box::new(recorded),
        }),
        None => Ok(()),
    }
}

/// The same for whoever names a task that is there: also by its key.
pub fn check_mention(key: &TaskKey, asked: &Asked, recorded: Option<Asked>) -> Result<()> {
    let names_key = |text: &str, segment: &str| plain(text) == segment;
    let recorded = recorded.map(|recorded| Asked {
        group: if names_key(&asked.group, key.group()) { asked.group.clone() } else { recorded.group },
        task: if names_key(&asked.task, key.task()) { asked.task.clone() } else { recorded.task },
    });
    check(key, asked, recorded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_only_look_alike_in_paths_differ() {
        let differ = |one: &str, other: &str| Asked::new("g", one).differs_from(&Asked::new("g", other));
        for (one, other) in [
            ("1.2", "1-2"),
            ("a_b", "a-b"),
            ("fix 42", "fix-42"),
            ("#42", "42"),
            ("#", "..."),
            ("a/b", "a-b"),
        ] {
            assert!(differ(one, other) && differ(other, one), "{one} {other}");
        }
        for (one, other) in
            [("Fix-42", "fix-42"), (" 42 ", "42"), ("caf\u{e9}", "cafe\u{301}"), ("\u{c7}", "\u{e7}")]
        {
            assert!(!differ(one, other) && !differ(other, one), "{one} {other}");
        }
        assert!(Asked::new("v1.2", "x").differs_from(&Asked::new("v1-2", "x")));
        assert!(!Asked::new("", "x").differs_from(&Asked::new("_", "x")));
        let key = task::safe_segment("결제 오류");
        assert!(!differ(&key, "결제 오류"), "the key itself names it");
        assert!(differ("결제 오류", &key), "and an id of that spelling is another one");
    }

    #[test]
    fn signs_alone_are_no_id_of_a_new_task() {
        for id in ["#", "...", "-", " -- "] {
            assert!(Asked::new("g", id).check_new().is_err(), "{id:?}");
        }
        for id in ["_", "#1", "🔥", "결제"] {
            assert!(Asked::new("-", id).check_new().is_ok(), "{id:?}");
        }
    }
}
