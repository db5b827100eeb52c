"""A token for git over HTTPS: handed over through the environment, to one host only, and never seen in a message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_VISIBLE = re.compile(r"[!-~]+")
_USERINFO = re.compile(r"(?<=://)[^/@\s'\"]+@")
_HEADER = re.compile(r"(authorization:\s*)(?:\S+\s+)?\S+", re.IGNORECASE)


class Token(NamedTuple):
    """A secret, the user name it goes with, and the address of the only server that may see it."""

    server: str
    user: str
    secret: str

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The variables that make git send the token to that server and to no other, in place of what it would send otherwise.

        See GIT_CONFIG_COUNT and http.<url>.extraHeader in git-config. An empty value takes back the headers before it: two of them
        are refused by GitHub.
        """
        key = f"http.{self.server}/.extraheader"
        pairs = [(key, ""), (key, f"Authorization: Basic {self._encoded()}"), ("http.followRedirects", "false")]
        text = environ.get("GIT_CONFIG_COUNT", "")
        first = int(text) if text.isascii() and text.isdigit() else 0
        made = {"GIT_CONFIG_COUNT": str(first + len(pairs))}
        for position, (name, value) in enumerate(pairs, first):
            made |= {f"GIT_CONFIG_KEY_{position}": name, f"GIT_CONFIG_VALUE_{position}": value}
        return made

    def _encoded(self) -> str:
        import base64

        return base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()

    def forms(self) -> tuple[str, ...]:
        """Every form in which the secret might be printed."""
        return self.secret, self._encoded()


def find(environ: Mapping[str, str]) -> Token | None:
    """The token of the CI system or of the user's shell; None where there is none, or its server is not reached safely.

    Only the server that issued it may see it: GITHUB_TOKEN or GH_TOKEN go to GITHUB_SERVER_URL (github.com), PERFGATE_TOKEN or
    CI_JOB_TOKEN to CI_SERVER_URL.
    """
    if environ.get("GITLAB_CI") == "true":
        server = environ.get("CI_SERVER_URL", "")
        own = environ.get("PERFGATE_TOKEN", "")
        user, secret = ("oauth2", own) if own else ("gitlab-ci-token", environ.get("CI_JOB_TOKEN", ""))
    else:
        server = environ.get("GITHUB_SERVER_URL", "") or "https://github.com"
        user, secret = "x-access-token", environ.get("GITHUB_TOKEN", "") or environ.get("GH_TOKEN", "")
    address = _safe(server)
    return Token(address, user, secret) if address and _VISIBLE.fullmatch(secret) else None


def _safe(server: str) -> str:
    """The address of a server to which a token may be sent: over TLS, or on this very machine; else ""."""
    if not _VISIBLE.fullmatch(server):
        return ""
    try:
        parts = urlsplit(server.rstrip("/"))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", host) or not (
        parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    ):
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Text of git without user names and passwords in addresses, without headers, and without these secrets."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return _HEADER.sub(r"\1***", _USERINFO.sub("***@", text))
