"""GitHub Actions: the files in which a job leaves its summary and outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

#: GitHub shows no more of one step's summary.
SUMMARY_LIMIT = 1024 * 1024
_OUTPUT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def summary_room(environ: Mapping[str, str]) -> int:
    """How many bytes the summary of this step can still take; all of it where there is none."""
    try:
        return SUMMARY_LIMIT - Path(environ.get("GITHUB_STEP_SUMMARY", "")).stat().st_size
    except (OSError, ValueError):
        return SUMMARY_LIMIT


def write_summary(environ: Mapping[str, str], markdown: str) -> str:
    """Add Markdown to the job summary; a sentence where that failed, "" where it worked or there is no summary."""
    path = environ.get("GITHUB_STEP_SUMMARY", "")
    if not path:
        return ""
    data = (markdown.rstrip("\n") + "\n").encode("utf-8", "replace")
    return _append(path, data, "the job summary", limit=SUMMARY_LIMIT)


def write_outputs(environ: Mapping[str, str], pairs: Mapping[str, str]) -> str:
    """Set outputs of the step; a sentence where that failed. A random delimiter keeps a value from setting further outputs."""
    path = environ.get("GITHUB_OUTPUT", "")
    if not path:
        return ""
    # Imported here: it brings OpenSSL, and most decisions are made outside GitHub.
    import secrets

    text = ""
    for name, value in pairs.items():
        if not _OUTPUT.fullmatch(name):
            return f"the outputs could not be written: {name[:80]!r} cannot be the name of one"
        delimiter = f"perfgate_{secrets.token_hex(16)}"
        text += f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
    return _append(path, text.encode("utf-8", "replace"), "the outputs")


def _append(path: str, data: bytes, what: str, *, limit: int | None = None) -> str:
    try:
        with Path(path).open("ab") as file:
            if limit is not None and file.tell() + len(data) > limit:
                return f"{what} would be larger than the {limit:,} bytes that GitHub takes, so it was left out"
            file.write(data)
    except OSError as error:
        return f"{what} could not be written: {error.strerror}"
    except ValueError:
        return f"{what} could not be written: {path!r} cannot be the name of a file"
    return ""
