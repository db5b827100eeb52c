"""GitHub, played by a real HTTP server on this machine that remembers what it is told.

    with serving() as github:
        github.pull(7, head="ab" * 20)
        tell(github.environ(), 7, told, Mode.ON)
        assert [each["body"] for each in github.comments(7)] == [...]

`state` is what is kept, `routes` what is answered, `faults` what goes wrong on demand, `server` the HTTP around them. `prism` asks
GitHub's own OpenAPI description whether every request was one that GitHub takes.
"""

from __future__ import annotations

from tests.forge.github_service.faults import Fault
from tests.forge.github_service.server import Service, serving
from tests.forge.github_service.state import ACTIONS, OWNER, READ_ONLY, WRITE, Asked, Token

__all__ = ["ACTIONS", "OWNER", "READ_ONLY", "WRITE", "Asked", "Fault", "Service", "Token", "serving"]
