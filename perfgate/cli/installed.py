"""Where this perfgate was installed from, as its installation's own record says (PEP 610), so that CI can install the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

#: Signs that mean nothing to YAML's double quotes, a shell's double quotes, an expression of a code host or a URL's end.
_PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._~/+-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.!]*")


def requirement() -> str:
    """What pip is asked for to get this perfgate elsewhere: of an index by its version, of a git repository by its commit; "" where
    nobody else can install it from there, or where it is not known."""
    from importlib import metadata

    import perfgate

    try:
        found = metadata.distribution("perfgate")
        record = found.read_text("direct_url.json")
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return ""
    if record is not None:
        return from_record(record)
    # A record that belongs to other code than the one that runs says nothing about it.
    own = Path(str(found.locate_file("perfgate/__init__.py"))).resolve() == Path(str(perfgate.__file__)).resolve()
    return f"perfgate=={found.version}" if own and _VERSION.fullmatch(found.version) else ""


def from_record(record: str) -> str:
    """The requirement that a direct_url.json stands for, without credentials; "" for everything but a commit of a git repository that
    others can reach."""
    try:
        told: Any = json.loads(record)
        address, git = told["url"], told["vcs_info"]
        kind, commit, inner = git["vcs"], git["commit_id"], told.get("subdirectory")
        parts = urlsplit(address)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    host = parts.netloc.rpartition("@")[2]
    if kind != "git" or inner or parts.scheme not in {"https", "ssh"} or not isinstance(commit, str):
        return ""
    if not (_COMMIT.fullmatch(commit) and _PLAIN_HOST.fullmatch(host) and _PLAIN_PATH.fullmatch(parts.path)):
        return ""
    # No secret: the user that every code host has for its keys, and without whom none is reached over ssh.
    user = "git@" if parts.scheme == "ssh" and parts.username == "git" else ""
    return f"perfgate @ git+{parts.scheme}://{user}{host}{parts.path}@{commit}"
