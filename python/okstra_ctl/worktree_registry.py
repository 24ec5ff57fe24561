"""Who has what: the machine-wide registry of tasks, their worktrees and branches.

Segments are taken as given, as 0.12.0 took them, but for a blank group, which is `_`; whoever builds them from free text
makes them safe first.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Union

from ._command import call, text

__all__ = ["WorktreeEntry", "lookup", "release", "reserve", "task_key", "touch_phase"]


@dataclass
class WorktreeEntry:
    """One row of the registry: its task-key and its nine fields, all of them texts."""

    #: `<project>/<group>/<task>`.
    task_key: str
    project_id: str
    task_group: str
    task_id: str
    worktree_path: str
    branch: str
    base_ref: str
    created_at: str
    last_phase: str = ""
    #: `active` or `released`.
    status: str = "active"


def task_key(project_id: str, task_group: str, task_id: str) -> str:
    """`<project>/<group>/<task>`."""
    return call("registry.taskKey", project_id, task_group, task_id)


def lookup(project_id: str, task_group: str, task_id: str) -> Optional[WorktreeEntry]:
    """What the registry knows of a task, active or released; None when it knows nothing."""
    return _entry(call("registry.lookup", project_id, task_group, task_id))


def reserve(
    *,
    project_id: str,
    task_group: str,
    task_id: str,
    worktree_path: Union[str, Path],
    branch: str,
    base_ref: str,
    phase: str = "",
    repository: Union[str, Path, None] = None,
) -> WorktreeEntry:
    """Registers a task. Raises `OkstraError` when the key is active, or its branch is another active task's.

    `repository` is the path of the common git directory: with it, another repository may have a branch of that name.
    """
    options = {
        "projectId": project_id,
        "taskGroup": task_group,
        "taskId": task_id,
        "worktreePath": text(worktree_path),
        "branch": branch,
        "baseRef": base_ref,
        "phase": phase,
        "repository": text(repository),
    }
    return _known(call("registry.reserve", options))


def touch_phase(project_id: str, task_group: str, task_id: str, phase: str) -> None:
    """Records the phase that uses the worktree now. Does nothing when the registry does not know the task."""
    call("registry.touchPhase", project_id, task_group, task_id, phase)


def release(project_id: str, task_group: str, task_id: str) -> Optional[WorktreeEntry]:
    """Gives the branch free; row and directory are kept. Returns the entry as it was, None when there is none."""
    return _entry(call("registry.release", project_id, task_group, task_id))


def _entry(answer: Optional[Dict[str, Any]]) -> Optional[WorktreeEntry]:
    return None if answer is None else _known(answer)


def _known(answer: Dict[str, Any]) -> WorktreeEntry:
    return WorktreeEntry(
        task_key=answer["taskKey"],
        project_id=answer["projectId"],
        task_group=answer["taskGroup"],
        task_id=answer["taskId"],
        worktree_path=answer["worktreePath"],
        branch=answer["branch"],
        base_ref=answer["baseRef"],
        created_at=answer["createdAt"],
        last_phase=answer["lastPhase"],
        status=answer["status"],
    )
