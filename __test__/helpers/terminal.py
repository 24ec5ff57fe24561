"""Runs a command with stdout, stderr or both on a pseudo terminal and prints what came out as one JSON object.

usage: terminal.py stdout|stderr|both [--when TEXT FIFO]... [--say TEXT REPLY]... -- COMMAND...
When the terminal shows TEXT, FIFO is opened for writing and closed: whoever reads from it goes on. With --say the input is
on the terminal too, and REPLY is typed when the terminal shows TEXT.
"""

import json
import os
import pty
import subprocess
import sys
import threading

streams, rest = sys.argv[1], sys.argv[2:]
answers = []
says = []
while rest[0] in ("--when", "--say"):
    (answers if rest[0] == "--when" else says).append((rest[1].encode(), rest[2]))
    rest = rest[3:]
command = rest[1:]

leader, follower = pty.openpty()
child = subprocess.Popen(
    command,
    stdin=follower if says else subprocess.DEVNULL,
    stdout=follower if streams in ("stdout", "both") else subprocess.PIPE,
    stderr=follower if streams in ("stderr", "both") else subprocess.PIPE,
)
os.close(follower)

piped = {"stdout": b"", "stderr": b""}


def collect(name, stream):
    piped[name] = stream.read()


threads = [
    threading.Thread(target=collect, args=(name, stream))
    for name, stream in (("stdout", child.stdout), ("stderr", child.stderr))
    if stream is not None
]
for thread in threads:
    thread.start()

shown = b""
while True:
    try:
        block = os.read(leader, 65536)
    except OSError:
        # Linux says EIO when the last user of the terminal is gone.
        break
    if not block:
        break
    shown += block
    for answer in [answer for answer in answers if answer[0] in shown]:
        answers.remove(answer)
        os.close(os.open(answer[1], os.O_WRONLY))
    for say in [say for say in says if say[0] in shown]:
        says.remove(say)
        os.write(leader, say[1].encode())

for thread in threads:
    thread.join()
text = {name: value.decode("utf-8", "replace") for name, value in piped.items()}
text["terminal"] = shown.decode("utf-8", "replace").replace("\r\n", "\n")
print(json.dumps({"code": child.wait(), **text}))
