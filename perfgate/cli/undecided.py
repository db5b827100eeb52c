"""What GitHub Actions is told where an error ends a command before there is a decision: an annotation, the job summary, step outputs."""

from __future__ import annotations

import os
from collections.abc import Sequence

from perfgate.errors import PerfgateError

#: The commands whose end somebody waits for in a job.
_COMMANDS = (("check",), ("gate",), ("rejudge",), ("baseline", "update"))
_state = {"published": False}


def published() -> None:
    """A decision has been told: an error after it speaks for itself, and takes nothing of it back."""
    _state["published"] = True


def is_due(words: Sequence[str]) -> bool:
    """Whether the command on this line, its first words, has to tell GitHub of its error."""
    if os.environ.get("GITHUB_ACTIONS") != "true" or _state["published"]:
        return False
    return any(tuple(words[: len(command)]) == command for command in _COMMANDS)


def tell(error: PerfgateError, code: int) -> None:
    """Tell it of the error that ends this command with this exit code; what cannot be written is said."""
    from perfgate.cli import console, redacting
    from perfgate.forge import github
    from perfgate.render import annotations
    from perfgate.render.markdown_text import prose

    place = f"{error.where}: " if error.where else ""
    remedy = f"; {error.remedy}" if error.remedy else ""
    sentence = redacting.clean(f"{place}{error.what}{remedy}")
    console.command(annotations.error(sentence))
    for problem in (
        github.write_summary(os.environ, f"**perfgate: error** (exit code {code}): {prose(sentence, 2000)}\n"),
        github.write_outputs(os.environ, {"verdict": "error", "exit-code": str(code)}),
    ):
        if problem:
            console.say(problem)
