//! The machine-wide registry of who has which worktree.
