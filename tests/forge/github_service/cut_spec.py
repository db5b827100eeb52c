"""Cuts GitHub's OpenAPI description to the paths that perfgate uses: `python cut_spec.py WHOLE.json CUT.json`.

The whole takes Prism over a minute and 270 MB to start; the cut part takes seconds.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

#: What perfgate asks of GitHub, by path; every method of each is kept.
PATHS = (
    "/user",
    "/repos/{owner}/{repo}",
    "/repos/{owner}/{repo}/pulls",
    "/repos/{owner}/{repo}/pulls/{pull_number}",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}",
    "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    "/repos/{owner}/{repo}/issues/{issue_number}/labels",
    "/repos/{owner}/{repo}/issues/{issue_number}/events",
    "/repos/{owner}/{repo}/collaborators/{username}/permission",
    "/repos/{owner}/{repo}/check-runs",
    "/repos/{owner}/{repo}/check-runs/{check_run_id}",
    "/repos/{owner}/{repo}/commits/{ref}/check-runs",
    "/repos/{owner}/{repo}/commits/{commit_sha}/pulls",
    "/repos/{owner}/{repo}/compare/{basehead}",
    "/repos/{owner}/{repo}/actions/runs",
    "/repos/{owner}/{repo}/actions/runs/{run_id}",
    "/repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}",
    "/repos/{owner}/{repo}/actions/runs/{run_id}/jobs",
    "/repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}/jobs",
    "/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts",
    "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}",
)
_REFERENCE = re.compile(r"#/components/([^/]+)/([^/]+)")


def cut(whole: dict[str, Any]) -> dict[str, Any]:
    """The description with these paths and what they refer to, and nothing else."""
    kept: dict[str, Any] = {name: whole[name] for name in ("openapi", "info", "servers", "tags") if name in whole}
    kept["paths"] = {path: whole["paths"][path] for path in PATHS}
    components: dict[str, dict[str, Any]] = {}
    waiting: list[Any] = [kept["paths"]]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            match = _REFERENCE.fullmatch(value["$ref"]) if isinstance(value.get("$ref"), str) else None
            if match is not None and match[2] not in components.setdefault(match[1], {}):
                components[match[1]][match[2]] = whole["components"][match[1]][match[2]]
                waiting.append(components[match[1]][match[2]])
            waiting += value.values()
    # Prism follows references in a sorted description faster to the same end every time.
    kept["components"] = {kind: dict(sorted(parts.items())) for kind, parts in sorted(components.items())}
    return kept


if __name__ == "__main__":
    read, written = (Path(each) for each in sys.argv[1:3])
    written.write_text(json.dumps(cut(json.loads(read.read_bytes()))), encoding="utf-8")
