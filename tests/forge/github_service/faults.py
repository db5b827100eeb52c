"""What goes wrong on demand: refusals, limits, cut and slow answers, redirects, and things that vanish in between."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple


class Fault(NamedTuple):
    """For the next `times` requests by `method` (a pattern) whose path matches `path`.

    `status` with `headers` and `body` is answered instead of the truth; with `done` the request is carried out all the same, as
    by a gateway that lost the answer. `cut` answers the truth but breaks off after that many bytes, `drop` hangs up without a
    word, `slow` waits that many seconds first, `before` is called first.
    """

    method: str
    path: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = None
    times: int = 1
    done: bool = False
    cut: int = -1
    drop: bool = False
    slow: float = 0.0
    before: Callable[[], object] | None = None

    def meets(self, method: str, path: str) -> bool:
        """Whether it is about this request."""
        return re.fullmatch(self.method, method) is not None and re.search(self.path, path) is not None
