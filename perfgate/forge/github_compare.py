"""The common ancestor of two commits as GitHub knows it, for clones that do not hold it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from perfgate.errors import OperationFailed, PerfgateError

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def merge_base(environ: Mapping[str, str], base: str, head: str) -> str:
    """The merge base of a branch or commit and a commit; "" where GitHub does not tell it at once, or there is no token to ask with.

    Without a token the shared addresses of hosted runners are over the limit more often than not.
    """
    if not base or not _SHA.fullmatch(head) or not (environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN")):
        return ""
    from perfgate.forge import github_rest

    try:
        path = f"{github_rest.repository(environ)}/compare/{quote(base, safe='')}...{head}?per_page=1"
        answer = github_rest.client(environ, sleep=_never).get(path)
    except PerfgateError:
        return ""
    found = answer.get("merge_base_commit") if isinstance(answer, dict) else None
    commit = found.get("sha") if isinstance(found, dict) else None
    return commit if isinstance(commit, str) and _SHA.fullmatch(commit) else ""


def _never(seconds: float) -> None:
    """There are other ways to the same answer, so none of them is waited for."""
    raise OperationFailed(f"GitHub wants to be asked again in {seconds:.0f} s")
