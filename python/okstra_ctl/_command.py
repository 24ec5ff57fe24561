"""The one place that starts the `okstra` command and reads its answer."""

import json
import os
import shutil
import signal
import subprocess
import sys

# How much of what okstra wrote on standard error is kept with an error.
_STDERR_KEPT = 64 * 1024


class OkstraError(RuntimeError):
    """What every function raises when it fails.

    `code` is stable (`OKSTRA_BRANCH_OWNED`, `OKSTRA_LOCK_TIMEOUT`, ...), `hint` says what to do; `path`, `branch` and
    `task_key` say what it is about, None where there is nothing to say. `stderr` is what okstra wrote beside its answer.
    """

    def __init__(self, message, *, code, hint="", path=None, branch=None, task_key=None, stderr=""):
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.path = path
        self.branch = branch
        self.task_key = task_key
        self.stderr = stderr

    def __str__(self):
        message = super().__str__()
        return f"{message}\n  {self.hint}" if self.hint else message

    # The default one calls the class with the message alone, and an error has to come back from a process pool.
    def __reduce__(self):
        fields = (self.code, self.hint, self.path, self.branch, self.task_key, self.stderr)
        return (_rebuild, (self.args[0], *fields))


def _rebuild(message, code, hint, path, branch, task_key, stderr):
    return OkstraError(
        message, code=code, hint=hint, path=path, branch=branch, task_key=task_key, stderr=stderr
    )


def text(value):
    """A path or a text as a string: `os.PathLike` and bytes are taken like everywhere in Python."""
    if isinstance(value, (str, bytes)) or hasattr(value, "__fspath__"):
        return os.fsdecode(value)
    return value


def call(function, *arguments):
    """Calls one function of okstra's core and returns what it returns, made of dicts, lists, strings and numbers."""
    program = _program()
    # ASCII only: neither the locale nor half a surrogate pair (a file name that is no UTF-8) can spoil it.
    request = json.dumps(list(arguments), ensure_ascii=True, default=_refuse).encode("ascii")
    process = _start([*program, "call", function, "-", "--json"])
    stdout, stderr = _communicate(process, request)
    return _result(function, program, process.returncode, stdout, stderr)


def _refuse(value):
    raise TypeError(f"okstra cannot take a {type(value).__name__}: {value!r}")


def _program():
    """The start of the command line: `$OKSTRA_BIN`, else `okstra` of the search path, else the latest one by npx."""
    chosen = os.environ.get("OKSTRA_BIN", "").strip()
    if chosen:
        # The launcher itself, as a package manager unpacks it: started as its first line says, also on Windows.
        if chosen.endswith(".js"):
            return [shutil.which("node") or "node", chosen]
        # A name without a directory is looked up as a shell would.
        return [shutil.which(chosen) or chosen]
    found = shutil.which("okstra")
    if found:
        return [found]
    npx = shutil.which("npx")
    if npx:
        return [npx, "-y", "okstra@latest"]
    raise OkstraError(
        "cannot find okstra: neither `okstra` nor `npx` is on the search path",
        code="OKSTRA_COMMAND_MISSING",
        hint="Install it with `npm install -g okstra`, or set OKSTRA_BIN to the program.",
    )


def _start(command):
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        raise OkstraError(
            f"cannot start {command[0]}: {error.strerror or error}",
            code="OKSTRA_COMMAND_MISSING",
            hint="Install okstra with `npm install -g okstra`, or set OKSTRA_BIN to the program.",
            path=command[0],
        ) from error


def _communicate(process, request):
    """Sends the request and waits for the end. Interrupted, it stops okstra in good order, and then goes on raising."""
    try:
        return process.communicate(request)
    except BaseException:
        # On a terminal Ctrl-C reaches okstra too, and a second one would end it in the middle of its clean-up; sent to
        # this process alone, it has to be passed on. SIGTERM is stopped for in the same way, and counted apart.
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate()
        except ValueError:
            # The pipes are closed already.
            process.wait()
        raise


def _result(function, program, status, stdout, stderr):
    story = stderr[-_STDERR_KEPT:].decode("utf-8", "replace")
    answer = _parse(stdout)
    if answer is None:
        raise OkstraError(
            f"{' '.join(program)} gave no answer to {function}: it {_ending(status)}{_told(story)}",
            code="OKSTRA_NO_ANSWER",
            hint="Try `okstra --version`: this okstra may be too old to have `okstra call`, or damaged.",
            stderr=story,
        )
    if answer["ok"]:
        # A warning, say that the registry was mended: whoever reads this program's standard error should see it.
        if story and sys.stderr is not None:
            sys.stderr.write(story)
        return answer.get("result")
    error = answer.get("error") or {}
    raise OkstraError(
        error.get("message", ""),
        code=error.get("code", "OKSTRA_INTERNAL"),
        hint=error.get("hint", ""),
        path=error.get("path"),
        branch=error.get("branch"),
        task_key=error.get("taskKey"),
        stderr=story,
    )


def _parse(stdout):
    try:
        answer = json.loads(stdout.decode("utf-8"))
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and "ok" in answer else None


def _ending(status):
    return f"was ended by signal {-status}" if status < 0 else f"ended with {status}"


def _told(story):
    last = story.strip().splitlines()[-1:]
    return f" ({last[0]})" if last else ""
