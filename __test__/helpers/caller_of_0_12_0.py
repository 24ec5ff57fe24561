"""A program as it was written for the modules of okstra 0.12.0: what it does there, it does here.

Run by python-bridge.test.js in a throw-away environment: OKSTRA_BIN and OKSTRA_HOME as always, TEST_REPOSITORY (a
repository with a commit and a directory .scratch), TEST_DIRECTORY (outside of a repository).
"""

import dataclasses
import json
import os
import subprocess
from pathlib import Path

from okstra_ctl.worktree import (
    WorktreeProvision,
    compute_branch_name,
    compute_worktree_path,
    provision_task_worktree,
)
from okstra_ctl.worktree_registry import WorktreeEntry, lookup, release, reserve, task_key, touch_phase

REPOSITORY = os.environ["TEST_REPOSITORY"]
OUTSIDE = os.environ["TEST_DIRECTORY"]
SHAPES = {
    WorktreeProvision: [("status", None), ("path", ""), ("branch", ""), ("base_ref", ""), ("note", "")],
    WorktreeEntry: [
        ("task_key", None),
        ("project_id", None),
        ("task_group", None),
        ("task_id", None),
        ("worktree_path", None),
        ("branch", None),
        ("base_ref", None),
        ("created_at", None),
        ("last_phase", ""),
        ("status", "active"),
    ],
}


def provision(phase, *, group="checkout", root=REPOSITORY, task="Fix 42"):
    return provision_task_worktree(
        task_type=phase,
        project_root=root,
        project_id="shop",
        task_group_segment=group,
        task_id_segment=task,
        work_category="bugfix",
    )


def manifest(run, made):
    """What a run writes down: the whole answer, changed by hand, as JSON."""
    made.note = f"{made.note} [{run}]"
    text = json.dumps({"run": run, "worktree": dataclasses.asdict(made)})
    return json.loads(text)["worktree"]


def shapes():
    for shape, expected in SHAPES.items():
        own = dataclasses.fields(shape)
        for field, (name, default) in zip(own, expected):
            assert field.name == name, (shape, field.name)
            assert str(field.type) in ("str", "<class 'str'>"), field.type
            given = None if field.default is dataclasses.MISSING else field.default
            assert given == default, (field.name, given)
        for field in own[len(expected) :]:
            assert field.default is not dataclasses.MISSING, field.name
    skipped = WorktreeProvision("skipped-not-git")
    assert (skipped.path, skipped.branch, skipped.base_ref, skipped.note) == ("", "", "", "")
    skipped.path = "/somewhere"
    entry = WorktreeEntry("p/g/t", "p", "g", "t", "/w", "b", "0" * 40, "now")
    assert (entry.last_phase, entry.status) == ("", "active")
    entry.status = "released"
    assert dataclasses.asdict(entry)["task_key"] == "p/g/t"


def worktrees():
    created = provision("requirements-discovery", root=Path(REPOSITORY))
    assert created.status == "created" and type(created.path) is str, created
    # A path of 0.12.0 is text: it is put together with text.
    assert os.path.isfile(created.path + "/.git") and created.path in set([created.path])
    assert Path(created.path) == Path(compute_worktree_path("shop", "checkout", "Fix 42"))
    assert created.branch == compute_branch_name("bugfix", "Fix 42") == "fix-fix-42"
    note = (
        f"task worktree created at {created.path} on branch fix-fix-42 "
        f"(base {created.base_ref[:12]}; phase requirements-discovery); linked .scratch"
    )
    assert created.note == note, created.note
    written = manifest("run-1", created)
    assert written["note"] == note + " [run-1]" and written["path"] == created.path

    reused = provision("implementation")
    assert (reused.status, reused.path, reused.branch) == ("reused", created.path, created.branch)
    assert reused.note.startswith(f"task worktree reused at {created.path} on branch fix-fix-42 ("), reused.note
    assert "phase implementation)" in reused.note
    subprocess.run(["git", "worktree", "remove", "--force", "--force", created.path], cwd=REPOSITORY, check=True)
    restored = provision("release-handoff")
    assert restored.note.startswith(f"task worktree restored at {created.path} on branch fix-fix-42 ("), restored.note
    inside = provision("release-handoff", root=created.path)
    assert inside.status == "skipped-in-worktree" and created.path in inside.note, inside
    outside = provision("release-handoff", root=OUTSIDE)
    assert outside.status == "skipped-not-git" and OUTSIDE in outside.note, outside

    # No group is the group `_`, also where a row is looked up.
    for blank in ("", "  "):
        assert provision("implementation", group=blank, task="alone").path == str(
            compute_worktree_path("shop", "_", "alone")
        )
    assert lookup("shop", "_", "alone").branch == "fix-alone"
    assert task_key("shop", "", "alone") == lookup("shop", "", "alone").task_key == "shop/_/alone"


def registry():
    entry = reserve(
        project_id="shop",
        task_group="rows",
        task_id="1",
        worktree_path=str(Path(OUTSIDE) / "rows" / "1"),
        branch="row-1",
        base_ref="0" * 40,
        phase="analysis",
    )
    assert entry.task_key == task_key("shop", "rows", "1") == "shop/rows/1"
    touch_phase("shop", "rows", "1", "implementation")
    found = lookup("shop", "rows", "1")
    assert type(found.worktree_path) is str and found.last_phase == "implementation"
    row = dataclasses.asdict(found)
    assert list(row)[:10] == [name for name, _ in SHAPES[WorktreeEntry]], row
    assert WorktreeEntry(**row) == found
    assert release("shop", "rows", "1") == found
    assert lookup("shop", "rows", "1").status == "released"


if __name__ == "__main__":
    shapes()
    worktrees()
    registry()
    print("as ever")
