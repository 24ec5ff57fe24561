"""Touches the registry exactly as version 0.12.0 did: the same lock, the same read, the same write.

  registry_writer.py write <home> <writer> <changes>   changes rows of its own, as the other processes do theirs
  registry_writer.py read <home>                       reads without a lock until its input closes
  registry_writer.py check                             one file name a line: can this version parse it?
  registry_writer.py seed <home>                       writes a registry with rows that only Python's JSON knows
"""

import contextlib
import fcntl
import json
import os
import sys
import time
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """The nine fields; the constructor refuses any other, and that is how 0.12.0 reads a row."""

    project_id: str
    task_group: str
    task_id: str
    worktree_path: str
    branch: str
    base_ref: str
    created_at: str
    last_phase: str
    status: str = "active"


def registry_path(home):
    return os.path.join(home, "worktrees", "registry.json")


@contextlib.contextmanager
def locked(home):
    with open(os.path.join(home, "worktrees", "registry.lock"), "a+", encoding="utf-8") as lock:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(lock.fileno(), fcntl.LOCK_UN)


def load(home):
    try:
        with open(registry_path(home), encoding="utf-8") as file:
            data = json.load(file)
    except FileNotFoundError:
        data = {}
    data.setdefault("tasks", {})
    data.setdefault("branches", {})
    return data


def save(home, data):
    temporary = registry_path(home) + ".tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    os.replace(temporary, registry_path(home))


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def reserve(home, key, branch):
    with locked(home):
        data = load(home)
        if key in data["tasks"] or branch in data["branches"]:
            return False
        project, group, task = key.split("/")
        path = os.path.join(home, "worktrees", project, group, task)
        data["tasks"][key] = asdict(Row(project, group, task, path, branch, "0" * 40, now(), "reserved"))
        data["branches"][branch] = key
        save(home, data)
        return True


def touch(home, key, phase):
    with locked(home):
        data = load(home)
        data["tasks"][key]["last_phase"] = phase
        save(home, data)


def release(home, key):
    with locked(home):
        data = load(home)
        row = data["tasks"][key]
        row["status"] = "released"
        data["branches"].pop(row["branch"], None)
        save(home, data)


def count_up(home):
    """Adds one to a top-level key that only this script knows: every lost update shows in the sum."""
    with locked(home):
        data = load(home)
        data["x_python_counter"] = data.get("x_python_counter", 0) + 1
        save(home, data)


def write(home, writer, changes):
    print("ready", flush=True)
    sys.stdin.readline()
    rows, counted, lost = {}, 0, []
    for change in range(changes):
        key = f"python/writer-{writer}/task-{change // 4}"
        branch = f"python-{writer}-{change // 4}"
        step = change % 4
        if step == 0:
            if not reserve(home, key, branch):
                lost.append(f"{key}: could not be reserved")
            rows[key] = {"branch": branch, "last_phase": "reserved", "status": "active"}
        elif step == 1:
            touch(home, key, f"phase-{change}")
            rows[key]["last_phase"] = f"phase-{change}"
        elif step == 2:
            count_up(home)
            counted += 1
        elif change // 4 % 2 == 0:
            release(home, key)
            rows[key]["status"] = "released"
    print(json.dumps({"rows": rows, "counted": counted, "lost": lost}), flush=True)


def parse_rows(text):
    data = json.loads(text)
    for row in data.get("tasks", {}).values():
        if row.get("project_id") != "oddities":
            Row(**row)
    return len(data.get("tasks", {}))


def read(home):
    """Reads as fast as it can, with no lock; ends when the input closes."""
    import threading

    closed = threading.Event()
    print("ready", flush=True)
    sys.stdin.readline()
    threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
    reads, fewest, broken = 0, None, []
    while not closed.is_set():
        try:
            with open(registry_path(home), encoding="utf-8") as file:
                rows = parse_rows(file.read())
            # Rows are only ever added: fewer than before is a torn or an old file.
            if fewest is not None and rows < fewest:
                broken.append(f"{rows} rows after {fewest}")
            fewest = rows
        except Exception as error:  # any failure is a broken file, whatever its kind
            broken.append(f"{type(error).__name__}: {error}")
        reads += 1
    print(json.dumps({"reads": reads, "broken": broken[:20]}), flush=True)


def check():
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            with open(line.rstrip("\n"), encoding="utf-8") as file:
                print("ok", parse_rows(file.read()), flush=True)
        except Exception as error:  # see read
            print("bad", type(error).__name__, str(error).replace("\n", " "), flush=True)


def seed(home):
    os.makedirs(os.path.join(home, "worktrees"), mode=0o700, exist_ok=True)
    reserve(home, "python/kept/one", "kept-one")
    with locked(home):
        data = load(home)
        data["x_future"] = {"schema": 7, "명단": ["ü", float("nan"), float("inf"), 123456789012345678901234567890]}
        data["tasks"]["oddities/a/b"] = {"project_id": "oddities", "weight": float("nan"), "작업": None}
        save(home, data)
    print("ready")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "write":
        write(arguments[0], arguments[1], int(arguments[2]))
    else:
        {"read": read, "check": check, "seed": seed}[command](*arguments)
