"""Whether a command written as one line means something that only a shell does."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Why a line that needs a shell is refused.
NO_SHELL = "commands are run without a shell, so |, >, &&, ;, $ and NAME=value mean nothing"

_EXPANDED = re.compile(r"`|\$\(|\$\{|\$[A-Za-z_]")
_SHELL = re.compile(rf"[|&;<>]|{_EXPANDED.pattern}")
#: An escaped sign, text in single or in double quotes, or what stands between them.
_PIECES = re.compile(r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^'"\\]+""", re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def needs_shell(line: str, argv: Sequence[str]) -> bool:
    """Whether a shell would do more with a line than split it into the words `argv`; between double quotes it would still expand."""
    if argv and _ASSIGNMENT.match(argv[0]):
        return True
    pieces = _PIECES.findall(line)
    return any((_EXPANDED if piece[0] == '"' else _SHELL).search(piece) for piece in pieces if piece[0] not in "\\'")
