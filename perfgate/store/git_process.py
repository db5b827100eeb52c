"""One `git` process: fixed settings, an environment that leads to no other repository, and an end in every case."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from perfgate.errors import OperationFailed

_TIMEOUT = 120
CONFIG = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.quotePath=off",
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "log.showSignature=false",
    "-c",
    "i18n.logOutputEncoding=utf-8",
)
#: Variables that a surrounding git (a hook, say) sets to point at its own repository; here the folder decides.
LOCATING = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_SHALLOW_FILE", "GIT_REPLACE_REF_BASE"})  # fmt: skip


def environment() -> dict[str, str]:
    """The environment of a git that asks nothing, fetches nothing and pages nothing, and takes every commit for what it is.

    Replaced objects and grafts would let whoever wrote them into the clone make up other ancestors, and other budgets.
    """
    kept = {name: value for name, value in os.environ.items() if name not in LOCATING}
    return kept | {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
    }


def spawn(
    folder: Path,
    arguments: Sequence[str],
    data: bytes | None = None,
    *,
    timeout: float = _TIMEOUT,
    more: Mapping[str, str] | None = None,
    alone: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """Run git to its end, kill it after `timeout` seconds, end it where perfgate is interrupted; OperationFailed where it cannot be
    started or does not end by itself.

    `more` are further variables of its environment. `alone` runs it in a session of its own, for work over the network: it can ask
    nobody for a password, and what it started for the transport ends with it.
    """
    command = ["git", *CONFIG, *arguments]
    try:
        with subprocess.Popen(
            command,
            cwd=folder,
            env=environment() | dict(more or {}),
            stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=alone,
        ) as process:
            # Not communicate(timeout=…): that one polls for the end, in steps as long as such a process takes.
            late = threading.Timer(timeout, _kill, (process, alone))
            late.daemon = True
            late.start()
            try:
                out, err = process.communicate(data)
            except BaseException:
                # Not killed: git takes back what it has half done.
                process.terminate()
                raise
            finally:
                late.cancel()
    except OSError as error:
        raise OperationFailed(f"git cannot be run: {error.strerror}", remedy="install git, or mend PATH") from error
    if process.returncode < 0:
        raise OperationFailed(
            f"git {arguments[0]} was stopped by signal {-process.returncode}", remedy="check the repository: git fsck"
        )
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _kill(process: subprocess.Popen[bytes], alone: bool) -> None:
    if not alone:
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def last_line(data: bytes) -> str:
    """The last line of what git said that tells a failure, else its last line: advice may come after it."""
    lines = data.decode("utf-8", "replace").strip().split("\n")
    return next((line for line in reversed(lines) if line.startswith(("fatal: ", "error: "))), lines[-1])[:300]
