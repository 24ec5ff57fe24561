"""The Python bridge, as a program that uses it sees it. Run by python-bridge.test.js in a throw-away environment.

The environment: OKSTRA_BIN and OKSTRA_HOME as always, TEST_REPOSITORY (a repository with a commit), TEST_DIRECTORY (to
be filled), TEST_SOURCES (where the modules lie).
"""

import ast
import dataclasses
import inspect
import os
import pickle
import signal
import subprocess
import sys
import unittest
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from okstra_ctl import OkstraError, worktree, worktree_registry
from okstra_ctl.worktree import (
    WorktreeNote,
    WorktreeProvision,
    compute_branch_name,
    compute_worktree_path,
    provision_task_worktree,
)
from okstra_ctl.worktree_registry import WorktreeEntry, lookup, release, reserve, task_key, touch_phase

REPOSITORY = os.environ["TEST_REPOSITORY"]
DIRECTORY = os.environ["TEST_DIRECTORY"]
BASE = "a" * 40


def provision(task, **more):
    options = {
        "task_type": "implementation",
        "project_root": Path(REPOSITORY),
        "project_id": "shop",
        "task_group_segment": "checkout",
        "task_id_segment": task,
        "work_category": "bug",
        "base_ref": None,
    }
    return provision_task_worktree(**{**options, **more})


def reservation(task, **more):
    options = {
        "project_id": "shop",
        "task_group": "rows",
        "task_id": task,
        "worktree_path": os.path.join(DIRECTORY, "rows", task),
        "branch": f"row-{task}",
        "base_ref": BASE,
        "phase": "analysis",
    }
    return {**options, **more}


def git(*args, cwd=REPOSITORY):
    return subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


class Shapes(unittest.TestCase):
    def test_the_sources_are_read_by_python_3_9_and_use_the_standard_library_alone(self):
        allowed = {"dataclasses", "json", "os", "pathlib", "shutil", "signal", "subprocess", "sys", "typing"}
        sources = sorted(Path(os.environ["TEST_SOURCES"]).rglob("*.py"))
        self.assertEqual(len(sources), 4)
        for source in sources:
            tree = ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 9))
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    self.assertLessEqual({alias.name for alias in node.names}, allowed, source)
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    self.assertIn(node.module, allowed, source)

    def test_names_arguments_and_fields_are_those_of_0_12_0(self):
        fields = lambda shape: [field.name for field in dataclasses.fields(shape)]
        self.assertEqual(
            fields(WorktreeEntry),
            ["task_key", "project_id", "task_group", "task_id", "worktree_path", "branch", "base_ref", "created_at", "last_phase", "status"],
        )
        self.assertEqual(
            fields(WorktreeProvision),
            ["status", "path", "branch", "base_ref", "note", "task_key", "linked", "notes", "post_checkout_exit"],
        )
        arguments = lambda function: list(inspect.signature(function).parameters)
        segments = ["project_id", "task_group", "task_id"]
        self.assertEqual(
            arguments(provision_task_worktree)[:7],
            ["task_type", "project_root", "project_id", "task_group_segment", "task_id_segment", "work_category", "base_ref"],
        )
        self.assertEqual(arguments(compute_worktree_path), ["project_id", "task_group_segment", "task_id_segment"])
        self.assertEqual(arguments(compute_branch_name), ["work_category", "task_id_segment"])
        self.assertEqual(arguments(reserve)[:7], [*segments, "worktree_path", "branch", "base_ref", "phase"])
        self.assertEqual(arguments(touch_phase), [*segments, "phase"])
        for function in (task_key, lookup, release):
            self.assertEqual(arguments(function), segments)
        for module in (worktree, worktree_registry):
            self.assertEqual(module.__all__, sorted(module.__all__))


class Worktrees(unittest.TestCase):
    def test_a_task_gets_its_worktree_and_gets_it_again(self):
        made = provision("fix-1")
        self.assertIsInstance(made, WorktreeProvision)
        self.assertEqual((made.status, made.branch, made.task_key), ("created", "fix-fix-1", "shop/checkout/fix-1"))
        self.assertEqual(made.base_ref, git("rev-parse", "HEAD"))
        self.assertEqual(made.path, str(compute_worktree_path("shop", "checkout", "fix-1")))
        self.assertEqual((made.notes, made.post_checkout_exit), ((), None))
        self.assertEqual(made.linked, (".scratch",))
        self.assertIn(".scratch", made.note)
        self.assertEqual(git("status", "--porcelain", cwd=made.path), "")

        again = provision("fix-1", task_type="release-handoff", base_ref="")
        self.assertEqual((again.status, again.path, again.base_ref), ("reused", made.path, made.base_ref))
        entry = lookup("shop", "checkout", "fix-1")
        self.assertEqual((entry.last_phase, entry.status), ("release-handoff", "active"))
        self.assertEqual(entry.worktree_path, str(made.path))

    def test_a_relative_root_counts_from_the_working_directory(self):
        before = os.getcwd()
        os.chdir(REPOSITORY)
        try:
            self.assertEqual(provision("relative", project_root=".").status, "created")
        finally:
            os.chdir(before)

    def test_outside_a_repository_nothing_is_made(self):
        outside = os.path.join(DIRECTORY, "no repository")
        os.makedirs(outside, exist_ok=True)
        skipped = provision("outside", project_root=outside)
        self.assertEqual((skipped.status, skipped.path, skipped.branch), ("skipped-not-git", outside, ""))
        self.assertEqual(skipped.linked, ())

    def test_a_base_may_be_named(self):
        with self.assertRaises(OkstraError) as caught:
            provision("base", base_ref="no-such-branch")
        self.assertEqual(caught.exception.code, "OKSTRA_BASE_NOT_FOUND")
        self.assertEqual(provision("base", base_ref="main").base_ref, git("rev-parse", "main"))

    def test_ids_of_any_script_and_paths_of_any_character(self):
        korean, other = (provision(title, project_id="상점") for title in ("결제 오류", "결제 실패"))
        self.assertNotEqual(korean.path, other.path)
        self.assertEqual(lookup(*korean.task_key.split("/")).branch, korean.branch)
        self.assertEqual(compute_branch_name("bug", "결제 오류"), korean.branch)

        odd = os.path.join(DIRECTORY, "a 'b' \"c\" $d\nnew line ü")
        git("clone", "-q", REPOSITORY, odd)
        made = provision("odd", project_id="odd", project_root=odd)
        self.assertEqual((made.status, git("rev-parse", "HEAD", cwd=made.path)), ("created", made.base_ref))

    def test_the_names_of_branches_and_paths(self):
        self.assertEqual(compute_branch_name(work_category="feature", task_id_segment="42"), "feat-42")
        self.assertEqual(compute_branch_name(work_category="", task_id_segment="42"), "task-42")
        home = Path(os.environ["OKSTRA_HOME"])
        path = compute_worktree_path(project_id="Shop", task_group_segment="A b", task_id_segment="42")
        self.assertEqual(path, home / "worktrees" / "shop" / "a-b" / "42")

    def test_eight_processes_at_once_on_one_task(self):
        with ProcessPoolExecutor(8) as pool:
            results = list(pool.map(provision, ["crowded"] * 8))
        statuses = sorted(result.status for result in results)
        self.assertEqual(statuses, ["created", *["reused"] * 7])
        self.assertEqual(len({(result.path, result.branch, result.base_ref) for result in results}), 1)

    @unittest.skipIf(os.name == "nt", "a shell script as a hook")
    def test_what_an_answer_tells_comes_with_a_code(self):
        hook = Path(git("rev-parse", "--absolute-git-dir")) / "hooks" / "post-checkout"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
        hook.chmod(0o755)
        try:
            made = provision("noted")
        finally:
            hook.unlink()
        self.assertEqual(made.post_checkout_exit, 3)
        (note,) = made.notes
        self.assertEqual(note, WorktreeNote("hook-failed", note.text, None, None))
        self.assertIn(note.text, made.note)

    @unittest.skipIf(os.name == "nt", "signals of Unix")
    def test_an_interrupted_call_takes_back_what_it_began(self):
        # The hook says that git is done with the tree, and waits.
        reached = os.path.join(DIRECTORY, "reached")
        os.mkfifo(reached)
        hook = Path(git("rev-parse", "--absolute-git-dir")) / "hooks" / "post-checkout"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho here > '{reached}'\nexec sleep 600\n", encoding="utf-8")
        hook.chmod(0o755)
        script = (
            "import sys; sys.path.insert(0, sys.argv[1])\n"
            "import python_bridge_test as tests\n"
            "try:\n    tests.provision('interrupted')\n"
            "except KeyboardInterrupt:\n    print('interrupted')\n"
        )
        try:
            child = subprocess.Popen(
                [sys.executable, "-c", script, os.path.dirname(__file__)], stdout=subprocess.PIPE, text=True
            )
            with open(reached, encoding="utf-8") as fifo:
                self.assertEqual(fifo.read(), "here\n")
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.communicate(timeout=60)[0], "interrupted\n")
        finally:
            hook.unlink()
        self.assertIsNone(lookup("shop", "checkout", "interrupted"))
        self.assertEqual(git("branch", "--list", "fix-interrupted"), "")
        self.assertEqual(provision("interrupted").status, "created")


class Registry(unittest.TestCase):
    def test_an_entry_lives_from_reserve_to_release(self):
        self.assertIsNone(lookup("shop", "rows", "1"))
        self.assertIsNone(release("shop", "rows", "1"))
        self.assertIsNone(touch_phase("shop", "rows", "1", "implementation"))
        entry = reserve(**reservation("1", worktree_path=Path(DIRECTORY) / "rows" / "1"))
        self.assertRegex(entry.created_at, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$")
        self.assertEqual(
            entry,
            WorktreeEntry(
                "shop/rows/1", "shop", "rows", "1", os.path.join(DIRECTORY, "rows", "1"), "row-1", BASE, entry.created_at, "analysis", "active"
            ),
        )
        self.assertEqual(lookup(project_id="shop", task_group="rows", task_id="1"), entry)
        touch_phase(project_id="shop", task_group="rows", task_id="1", phase="implementation")
        touched = dataclasses.replace(entry, last_phase="implementation")
        self.assertEqual(release("shop", "rows", "1"), touched)
        self.assertEqual(lookup("shop", "rows", "1"), dataclasses.replace(touched, status="released"))

    def test_keys(self):
        self.assertEqual(task_key("shop", "rows", "1"), "shop/rows/1")
        with self.assertRaises(RuntimeError):
            task_key("shop", "rows/1", "2")

    def test_paths_with_odd_characters_stay_as_they_are(self):
        path = os.path.join(DIRECTORY, "rows", "a b 'c' 결제 \U0001f600")
        self.assertEqual(reserve(**reservation("odd", worktree_path=path)).worktree_path, path)
        self.assertEqual(lookup("shop", "rows", "odd").worktree_path, path)
        with self.assertRaisesRegex(OkstraError, "control character"):
            reserve(**reservation("line", worktree_path=path + "\n"))
        self.assertIsNone(lookup("shop", "rows", "line"))

    def test_eight_processes_reserve_at_once_and_one_wins(self):
        with ProcessPoolExecutor(8) as pool:
            futures = [pool.submit(reserve, **reservation("race")) for _ in range(8)]
        errors = [future.exception() for future in futures]
        self.assertEqual(errors.count(None), 1)
        self.assertEqual({error.code for error in errors if error}, {"OKSTRA_KEY_EXISTS"})


class Failures(unittest.TestCase):
    def caught(self, function, *args, **kwargs):
        with self.assertRaises(RuntimeError) as caught:
            function(*args, **kwargs)
        self.assertIsInstance(caught.exception, OkstraError)
        return caught.exception

    def with_environment(self, values, function):
        before = dict(os.environ)
        os.environ.update(values)
        try:
            return function()
        finally:
            os.environ.clear()
            os.environ.update(before)

    def test_an_error_says_what_and_what_to_do(self):
        reserve(**reservation("taken"))
        error = self.caught(reserve, **reservation("taken"))
        self.assertEqual((error.code, error.task_key), ("OKSTRA_KEY_EXISTS", "shop/rows/taken"))
        self.assertIn(error.hint, str(error))
        owned = self.caught(reserve, **reservation("other", branch="row-taken"))
        self.assertEqual((owned.code, owned.branch), ("OKSTRA_BRANCH_OWNED", "row-taken"))
        gone = os.path.join(DIRECTORY, "gone")
        missing = self.caught(provision, "gone", project_root=gone)
        self.assertEqual((missing.code, missing.path), ("OKSTRA_ROOT_NOT_FOUND", gone))

    def test_errors_come_back_from_another_process(self):
        error = self.caught(task_key, "a/b", "c", "d")
        copy = pickle.loads(pickle.dumps(error))
        self.assertEqual((str(copy), copy.__dict__), (str(error), error.__dict__))

    def test_wrong_values_are_named(self):
        self.assertEqual(self.caught(provision, "").code, "OKSTRA_INVALID_ARGUMENT")
        self.assertEqual(self.caught(lookup, "shop", "rows", None).code, "OKSTRA_INVALID_ARGUMENT")
        with self.assertRaisesRegex(TypeError, "object"):
            lookup("shop", "rows", object())

    def test_half_a_surrogate_pair_is_refused_and_breaks_nothing(self):
        for path in (os.fsdecode(b"/tmp/caf\xe9"), b"/tmp/caf\xe9"):
            error = self.caught(provision, "bytes", project_root=path)
            self.assertEqual(error.code, "OKSTRA_INVALID_ARGUMENT")
            self.assertIn("surrogate", str(error))

    def test_okstra_is_found_as_documented(self):
        launcher, node = os.environ["OKSTRA_BIN"], os.environ["TEST_NODE"]
        tools = os.path.join(DIRECTORY, "tools")
        for name, script in (
            ("okstra", f'exec "{node}" "{launcher}" "$@"'),
            ("npx", f'[ "$1 $2" = "-y okstra@latest" ] && shift 2 && exec "{node}" "{launcher}" "$@"'),
        ):
            os.makedirs(os.path.join(tools, name), exist_ok=True)
            tool = Path(tools, name, name)
            tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            tool.chmod(0o755)
            found = {"OKSTRA_BIN": "", "PATH": os.path.join(tools, name)}
            self.assertEqual(self.with_environment(found, lambda: task_key("a", "b", "c")), "a/b/c")
        by_name = {"OKSTRA_BIN": "okstra", "PATH": os.path.join(tools, "okstra")}
        self.assertEqual(self.with_environment(by_name, lambda: task_key("a", "b", "c")), "a/b/c")
        nowhere = self.with_environment({"OKSTRA_BIN": "", "PATH": tools}, lambda: self.caught(task_key, "a", "b", "c"))
        self.assertEqual(nowhere.code, "OKSTRA_COMMAND_MISSING")
        missing = self.with_environment({"OKSTRA_BIN": "/no/okstra"}, lambda: self.caught(task_key, "a", "b", "c"))
        self.assertEqual((missing.code, missing.path), ("OKSTRA_COMMAND_MISSING", "/no/okstra"))

    def test_a_program_that_does_not_answer_is_named_with_its_last_words(self):
        program = Path(DIRECTORY, "old okstra")
        program.write_text("#!/bin/sh\necho usage\necho 'no such command: call' >&2\nexit 2\n", encoding="utf-8")
        program.chmod(0o755)
        error = self.with_environment({"OKSTRA_BIN": str(program)}, lambda: self.caught(task_key, "a", "b", "c"))
        self.assertEqual((error.code, error.stderr), ("OKSTRA_NO_ANSWER", "no such command: call\n"))
        self.assertIn("ended with 2 (no such command: call)", str(error))

    def test_the_locale_does_not_matter(self):
        plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
        script = "from okstra_ctl import compute_branch_name as name; print(ascii(name('', '\\uacb0\\uc81c')))"
        out = subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, **plain}, check=True, capture_output=True, text=True
        )
        self.assertEqual(out.stdout.strip(), ascii(compute_branch_name("", "결제")))


if __name__ == "__main__":
    unittest.main()
