//! okstra: one isolated git worktree per task, the same one for every phase, and a machine-wide registry of who has
//! what.
//!
//! The crate is the core of the Node package `okstra`; it builds and is tested without Node. Data flows one way:
//! `binding` (JavaScript, feature `napi`) calls [`provision`] and [`survey`], which use [`registry`] and [`git`], which
//! use [`lock`], [`home`], [`task`], [`disk`] and [`error`]. Nothing points back.
//!
//! # Lock order
//!
//! task, then repository, then registry. A lock that comes earlier is never taken while a later one is held, and the
//! registry lock is never held while git runs. The lock of the installation stands alone: no other is held with it.

pub mod adopt;
pub mod asked;
#[cfg(feature = "napi")]
mod binding;
pub mod cancel;
pub mod checked;
pub mod clock;
pub mod disk;
pub mod doctor;
pub mod durability;
pub mod error;
pub mod git;
pub mod guard;
pub mod home;
pub mod intent;
pub mod json_path;
pub mod link;
pub mod lock;
pub mod obstacle;
pub mod processes;
pub mod progress;
pub mod project;
pub mod provision;
pub mod registry;
pub mod removal;
pub mod shell;
pub mod survey;
pub mod task;
pub mod trash;

pub use error::{Error, ErrorCode, Result};
