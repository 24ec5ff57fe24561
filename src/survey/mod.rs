//! Facts about worktrees: what is uncommitted, what git is in the middle of, who is in it, what became of its branch,
//! what it costs on disk. Everything here looks and nothing changes, except [`reclaim`], which deletes caches.
//!
//! What cannot be found out is told as unknown and never as "nothing": others refuse to remove work by these facts.

pub mod branch;
pub mod brief;
pub mod caches;
pub mod candid;
mod columns;
pub mod details;
pub mod disk_use;
pub mod inside;
pub mod links;
pub mod overview;
pub mod ownership;
pub mod proof;
pub mod reclaim;
pub mod residents;
pub mod status;
pub mod tasks;

pub use crate::processes;

pub use self::overview::{Extras, Fact, TaskSurvey, Work, examine, repository_at};
pub use self::tasks::{State, find};
