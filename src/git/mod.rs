//! Everything okstra knows about git: how it is spawned, what a directory belongs to, how worktrees are registered.

pub mod attributes;
pub mod base;
pub mod checkout;
pub mod command;
pub mod config;
pub mod entries;
pub mod environment;
pub mod hook;
pub mod index;
pub mod kinship;
pub mod layout;
pub mod location;
mod looking;
pub mod mend;
pub mod object;
pub mod operation;
pub mod places;
mod process;
pub mod refs;
pub mod renamed;
pub mod repository;
pub mod room;
#[cfg(unix)]
mod spawn;
pub mod stale;
pub mod started;
mod stderr;
mod unborn;
pub mod version;
pub mod worktree;

pub use self::command::Git;
pub use self::repository::{Discovery, Repository};
