"""One isolated git worktree per task, the same one in every phase."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple, Union

from ._command import call, text

__all__ = [
    "WorktreeNote",
    "WorktreeProvision",
    "compute_branch_name",
    "compute_worktree_path",
    "provision_task_worktree",
]


@dataclass
class WorktreeNote:
    """Something that an answer tells beside its status."""

    #: What it is about; the list of codes is closed and only grows.
    code: str
    #: A sentence for a person.
    text: str
    #: The branch, reference, path or operation that it is about, where it is about one.
    about: Optional[str] = None
    #: How many there are, where something is counted.
    count: Optional[int] = None


@dataclass
class WorktreeProvision:
    """What became of a provisioning: the five fields of 0.12.0, then what came later."""

    #: `created`, `reused`, `restored`, `skipped-not-git` or `skipped-in-worktree`.
    status: str
    #: The directory to work in, absolute; the project root when skipped.
    path: str = ""
    #: The branch that is checked out there; empty when `HEAD` is detached, and when skipped.
    branch: str = ""
    #: The full id of the commit that the branch started from; empty when skipped.
    base_ref: str = ""
    #: The whole answer as one sentence, for manifests.
    note: str = ""
    #: `<project>/<group>/<task>`.
    task_key: str = ""
    #: The shared files and directories that are linked into the worktree.
    linked: Tuple[str, ...] = ()
    #: What a person should know and a program may act on; `note` has their texts.
    notes: Tuple[WorktreeNote, ...] = ()
    #: The exit code of the post-checkout hook, when one ran and did not end with 0.
    post_checkout_exit: Optional[int] = None


def provision_task_worktree(
    *,
    task_type: str,
    project_root: Union[str, Path],
    project_id: str,
    task_group_segment: str,
    task_id_segment: str,
    work_category: str = "",
    base_ref: Optional[str] = None,
    lock_timeout_ms: Optional[int] = None,
) -> WorktreeProvision:
    """Gives a task its worktree and records the phase (`task_type`).

    Any number of calls may run at once, also for the same task: one creates, the others wait and get `reused`. A
    relative `project_root` counts from the working directory. Raises `OkstraError`.
    """
    options = {
        "taskType": task_type,
        "projectRoot": text(project_root),
        "projectId": project_id,
        "taskGroupSegment": task_group_segment,
        "taskIdSegment": task_id_segment,
        "workCategory": work_category,
        # 0.12.0's callers pass an empty text for "none".
        "baseRef": base_ref or None,
        "lockTimeoutMs": lock_timeout_ms,
    }
    result = call("provisionTaskWorktree", options)
    return WorktreeProvision(
        status=result["status"],
        path=result["path"],
        branch=result["branch"],
        base_ref=result["baseRef"],
        note=result["note"],
        task_key=result["taskKey"],
        linked=tuple(result["linked"]),
        notes=tuple(_note(note) for note in result.get("notes", ())),
        post_checkout_exit=result.get("postCheckoutExit"),
    )


def _note(note: Dict[str, Any]) -> WorktreeNote:
    # By name: a later okstra may say more of it.
    return WorktreeNote(note["code"], note["text"], note.get("about"), note.get("count"))


def compute_worktree_path(project_id: str, task_group_segment: str, task_id_segment: str) -> Path:
    """Where the worktree of a task lies, or would lie. Nothing on the disk is looked at."""
    options = {
        "projectId": project_id,
        "taskGroupSegment": task_group_segment,
        "taskIdSegment": task_id_segment,
    }
    return Path(call("computeWorktreePath", options))


def compute_branch_name(work_category: str, task_id_segment: str) -> str:
    """The branch of a task: `<prefix>-<task>`."""
    return call("computeBranchName", {"workCategory": work_category, "taskIdSegment": task_id_segment})
