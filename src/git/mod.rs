//! Everything okstra knows about git: how it is spawned, what a directory belongs to, how worktrees are registered.
