//! Takes worktrees away without losing anything, brings them back, and clears away what nobody needs any more.
//!
//! [`remove`] looks at everything that stands in the way (`check`), writes uncommitted content down as a commit
//! (`snapshot`) and moves the worktree into the trash ([`crate::trash`]); [`restore`] brings it back as it was;
//! [`prune`] proposes what may go for good.

mod changes;
mod check;
mod missing;
mod orphan;
mod prune;
mod reachable;
mod rebuild;
mod remove;
mod restore;
mod snapshot;

pub use self::prune::{Blocked, Proposal, PruneRequest, Why, prune, trash_days};
pub use self::remove::{Removal, RemoveRequest, remove};
pub use self::restore::{Restoration, Source, restore};
