//! Trees made in advance, so that a new worktree of a large repository is ready before anybody notices.
//!
//! A spare is a filled tree and its index, and nothing else: git does not know it. It has no administrative directory,
//! no branch and no `.git` file until it is claimed, so it can neither be seen in `git worktree list`, nor pin a commit,
//! nor be broken by `git worktree prune`. A claim registers the worktree with git exactly as without a spare and then
//! moves the tree and the index in, instead of filling them: what comes out is what git itself makes, down to the
//! reflog and the name of the administrative directory. The other way, a detached worktree that is moved and renamed
//! (`git worktree move`, `git symbolic-ref`), leaves its own id and reflog behind.
//!
//! ```text
//! <home>/worktrees/.spares/<hash of the common git directory>/
//!     ready-<id>/    tree/ index record.json      may be claimed: renaming it is the claim
//!     making-<id>/   anything                     being made or brought up to date by the holder of the spares lock
//!     claimed-<op>/  tree/ index record.json      taken by the intent <op>, moved in piece by piece
//! ```
//!
//! Renames within one directory decide everything, so no lock is needed to claim, and two claims never get the same.

mod claim;
mod conditions;
mod fit;
mod make;
mod pool;
mod room;
mod sweep;
mod warm;

pub use self::claim::{Claim, choose, claim, is_any, resume};
pub use self::fit::usable;
pub use self::pool::{Spare, SpareRecord, all, of_repository};
pub use self::sweep::{Leftover, Reason, drop_left_over, give_back, left_overs};
pub use self::warm::{Order, Warmed, warm};
