"""okstra for Python programs: the same worktrees and the same registry as the `okstra` command.

Two modules, with the names of okstra 0.12.0: `okstra_ctl.worktree` gives a task its worktree,
`okstra_ctl.worktree_registry` says who has what. Both ask the `okstra` command, which does the work; what a call raises
is an `OkstraError`, which is a `RuntimeError`.
"""

from ._command import OkstraError
from .worktree import (
    WorktreeNote,
    WorktreeProvision,
    compute_branch_name,
    compute_worktree_path,
    provision_task_worktree,
)
from .worktree_registry import WorktreeEntry, lookup, release, reserve, task_key, touch_phase

__all__ = [
    "OkstraError",
    "WorktreeEntry",
    "WorktreeNote",
    "WorktreeProvision",
    "compute_branch_name",
    "compute_worktree_path",
    "lookup",
    "provision_task_worktree",
    "release",
    "reserve",
    "task_key",
    "touch_phase",
]
