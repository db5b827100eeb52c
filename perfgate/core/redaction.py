"""Secrets in text: what looks like a token, a password or a key, and the secret values of an environment, are replaced.

A cleaned text can be cleaned again without changing, and is JSON where it was JSON. Commits, series and ordinary words are no
secrets: a pattern asks for the prefix or the place that a secret has, not only for many letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

#: What stands where a secret was.
REDACTED = "[redacted]"

# Values end where a shell, a URL or JSON would end them, so that no match runs beyond the string it is in.
_VALUE = r"""[^\s"'\\&;|,)}\]`]{3,}"""
_QUOTED = r""""[^"\\{}\[\]:,\n]{3,}"|'[^'"\\\n]{3,}\'"""
_NAMES = r"(?:token|passwd|password|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|credentials?)"
#: What may stand before the name of a pair in a command line, a URL or a list of variables. In a series it is "{" or ",".
_BEFORE_PAIR = frozenset(" \t\n?&;\"'`")
#: Placeholders, as people and CI systems write them where a secret will be or was.
_NO_SECRETS = re.compile(
    r"[\"']?(?:[$*<{\[%].*|\d+(?:\.\d+)?|true|false|yes|no|none|null)[\"']?", re.IGNORECASE | re.DOTALL
)


class _Kind(NamedTuple):
    """One kind of secret: words one of which (in small letters) is in every text that holds it, its pattern, what to write instead.

    `loose` finds it in JSON too, where quotes inside strings are escaped; None where the pattern itself does.
    """

    hints: tuple[str, ...]
    pattern: str
    instead: str | Callable[[re.Match[str]], str] = REDACTED
    loose: str | None = None


def _pair(match: re.Match[str]) -> str:
    text, start = match.string, match.start()
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_-") and match.start() - start < 80:
        start -= 1
    option = text[start:].startswith("-")
    if not option and (match["between"] != "=" or (start and text[start - 1] not in _BEFORE_PAIR)):
        return match[0]
    if _NO_SECRETS.fullmatch(match["value"]) or (match["between"] != "=" and match["value"].startswith("-")):
        return match[0]
    return f"{match['name']}{match['between']}{REDACTED}"


_KINDS = (
    # GitHub, GitLab, npm, PyPI, AWS, Google, Slack, model providers: prefixes that their owners document.
    _Kind(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9_]{16,}"),
    _Kind(("github_pat_",), r"(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{16,}"),
    _Kind(("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-"), r"(?<![A-Za-z0-9])gl(?:pat|dt|rt|cbt|ptt|ft)-[A-Za-z0-9_.-]{16,}"),
    _Kind(("npm_",), r"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}"),
    _Kind(("pypi-",), r"(?<![A-Za-z0-9])pypi-AgE[A-Za-z0-9_-]{16,}"),
    _Kind(("akia", "asia"), r"(?<![A-Za-z0-9])A[KS]IA[0-9A-Z]{16}(?![A-Za-z0-9])"),
    _Kind(("aiza",), r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}"),
    _Kind(("sk-",), r"(?<![A-Za-z0-9_-])sk-(?=[A-Za-z_-]{0,60}[0-9])[A-Za-z0-9_-]{20,}"),
    _Kind(("xox",), r"(?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{10,}"),
    _Kind(("eyj",), r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
    _Kind(
        ("private key-----",),
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:(?!-----END)(?:[A-Za-z0-9+/=\r\n:,-]|\\[nrt]))*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
    ),
    _Kind(
        ("authorization", "-token:", "api-key:"),
        r"""(?i)(\b(?:authorization|private-token|job-token|x-[a-z-]{0,40}(?:token|api-key))["']?\s?[:=]\s?)(?:(?:basic|bearer|token|digest|negotiate)\s+)?(?!\[redacted\])[^\s"'\\,;]{4,}""",
        rf"\1{REDACTED}",
    ),
    _Kind(("bearer ",), r"(?i)(\bbearer +)(?=[A-Za-z._~+/=-]{0,200}[0-9])[A-Za-z0-9._~+/=-]{16,}", rf"\1{REDACTED}"),
    _Kind(
        ("basic ",),
        r"(\b[Bb]asic +)(?=[A-Za-z0-9+/]{0,200}[A-Z])(?=[A-Za-z+/]{0,200}[0-9=])[A-Za-z0-9+/]{12,}={0,2}(?![A-Za-z0-9+/=])",
        rf"\1{REDACTED}",
    ),
    # A name alone is no secret (ssh://git@host), but before https:// it is a token more often than not.
    _Kind(("://",), r"""(?i)(https?://|://(?=[^\s/"'\\<>@?#:]*:))(?!\[redacted\]@)[^\s/"'\\<>@?#]+@""", rf"\1{REDACTED}@"),
    _Kind(
        tuple(name + end for name in ("token", "passwd", "password", "passphrase", "secret", "key", "credential", "credentials") for end in "= "),
        rf"""(?i)(?P<name>{_NAMES})(?P<between>=|[ ]+)(?P<value>{_QUOTED}|{_VALUE})""",
        _pair,
        loose=rf"""(?i){_NAMES}(?:=|[ ]+)\S""",
    ),
)  # fmt: skip


#: What several hints have in common.
_COMMON = ("gh", "gl", "token", "pass", "secret", "key", "credential")


def _stem(hint: str) -> str:
    return next((common for common in _COMMON if common in hint), hint)


@lru_cache(maxsize=1)
def _stems() -> tuple[str, ...]:
    return tuple(dict.fromkeys(_stem(hint) for kind in _KINDS for hint in kind.hints))


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


# --- the secrets of an environment ------------------------------------------------------------------------------------

_SECRET_NAME = re.compile(r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|KEY|CREDENTIALS?)$")
#: What CI systems tell of a change is public: a cache key made of the commit must not hide the commit.
_PUBLIC_NAME = re.compile(r"(?:GITHUB|CI|RUNNER|GITLAB)_")
_SHORTEST, _SHORTEST_KEY = 8, 16
#: Lines of a secret of several lines, such as a key file, that are long enough to be told from words.
_SHORTEST_LINE = 20


def secrets_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values of variables named like secrets (`*_TOKEN`, `*_SECRET`, `*_PASSWORD`, `*_KEY`), longest first.

    Not those that are too short or too plain to be told from a word, nor those that CI systems also tell under a public name.
    """
    named = {name: value for name, value in environ.items() if _SECRET_NAME.search(name.upper())}
    public = {value for name, value in environ.items() if name not in named and _PUBLIC_NAME.match(name)}
    found: set[str] = set()
    for name, value in named.items():
        shortest = _SHORTEST_KEY if name.upper().endswith("KEY") else _SHORTEST
        lines = value.split("\n")
        wanted = [value.strip()] if len(lines) == 1 else [line.strip() for line in lines if len(line) >= _SHORTEST_LINE]
        found.update(each for each in wanted if len(each) >= shortest and each not in public and _kinds_of(each) > 1)
    return tuple(sorted(found, key=lambda each: (-len(each), each)))


def _kinds_of(word: str) -> int:
    """How many kinds of characters it has: small and capital letters, digits, others. Words and numbers have one."""
    return sum(
        (
            any(sign.islower() for sign in word),
            any(sign.isupper() for sign in word),
            any(sign.isdigit() for sign in word),
            not word.isalnum(),
        )
    )


# --- replacing --------------------------------------------------------------------------------------------------------


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """The text without what looks like a secret, and without these secrets.

    >>> redact("fetch https://me:hunter2@host.invalid/x --token abcdef")
    'fetch https://[redacted]@host.invalid/x --token [redacted]'
    """
    # A replacement may uncover the beginning of another one: two tokens without anything between them.
    while (cleaned := _once(text, secrets)) != text:
        text = cleaned
    return text


def _once(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, REDACTED)
    small = text.lower()
    for kind in _KINDS:
        for hint in kind.hints:
            if hint in small:
                text = _compiled(kind.pattern).sub(kind.instead, text)
                break
    return text


def may_hold(data: bytes, secrets: Sequence[str] = ()) -> bool:
    """Whether the text of a file, JSON among them, may hold a secret: fast, and never False where `redact` would change a string of it."""
    small = data.lower()
    if any(
        max(re.findall(r"[a-z0-9_.]+", secret.lower()), key=len, default="").encode() in small for secret in secrets
    ):
        return True
    # In a file without secrets each of these is looked for once, and nothing else.
    stems = {stem: stem.encode() in small for stem in _stems()}
    text = ""
    for kind in _KINDS:
        if any(stems[_stem(hint)] and hint.encode() in small for hint in kind.hints):
            text = text or data.decode("utf-8", "replace")
            if _compiled(kind.loose or kind.pattern).search(text):
                return True
    return False


def redact_values(value: Any, secrets: Sequence[str] = ()) -> tuple[Any, int]:
    """Plain values (as JSON has them) with every string redacted, and how many were; names of objects stay as they are."""
    if isinstance(value, str):
        clean = redact(value, secrets)
        return clean, int(clean != value)
    if isinstance(value, list):
        pairs = [redact_values(each, secrets) for each in value]
        return [each for each, _ in pairs], sum(count for _, count in pairs)
    if isinstance(value, dict):
        named = {name: redact_values(each, secrets) for name, each in value.items()}
        return {name: each for name, (each, _) in named.items()}, sum(count for _, count in named.values())
    return value, 0
