"""Secrets are replaced wherever they stand; nothing else is, and what was replaced stays what it was: JSON, lines, sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.model import Series
from perfgate.core.redaction import REDACTED, may_hold, redact, redact_values, secrets_of
from perfgate.formats import strict_json
from tests.render import decisions

#: Every kind of secret, made up, in the place where it is met; what must be gone, and what must stay.
FORMS = {
    "GitHub, classic": ("remote: ghp_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX said no", "0aB1cD2e", "said no"),
    "GitHub, of a workflow": ("ghs_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX", "0aB1cD2e", ""),
    "GitHub, fine-grained": ("github_pat_11AAAAAAA0abcdefghij_0aB1cD2eF3gH4iJ5kL6mN7oP8q x", "11AAAAAAA0", " x"),
    "GitLab": ("glpat-0aB1cD2eF3gH4iJ5kL6m.", "0aB1cD2e", ""),
    "npm": ("npm_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX", "0aB1cD2e", ""),
    "PyPI": ("pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAw", "cHlwaS5v", ""),
    "AWS": ("key AKIAIOSFODNN7EXAMPLE of", "IOSFODNN7", " of"),
    "Google": ("AIzaSyA0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0u", "SyA0aB1c", ""),
    "a model provider": ("sk-0aB1cD2eF3gH4iJ5kL6mN7oP", "0aB1cD2e", ""),
    "another model provider": ("sk-ant-api03-0aB1cD2eF3gH4iJ5kL6mN7oP-AA", "0aB1cD2e", ""),
    "Slack": ("xoxb-123456789012-0aB1cD2eF3gH", "123456789012", ""),
    "JWT": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "c2lnbmF0", ""),
    "bearer": ("curl -H 'Authorization: Bearer mF_9.B5f-4.1JqM' host", "mF_9", "host"),
    "bearer alone": ("sent Bearer mF_9.B5f-4.1JqM5kL6m twice", "mF_9", "twice"),
    "basic": ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpw", "Authorization"),
    "a header of GitLab": ("PRIVATE-TOKEN: 0aB1cD2eF3gH", "0aB1cD2e", "PRIVATE-TOKEN"),
    "URL": ("fatal: https://me:0aB1cD2e@host.invalid/x.git", "0aB1cD2e", "@host.invalid/x.git"),
    "URL with a token alone": ("https://0aB1cD2eF3@host.invalid/x.git", "0aB1cD2e", "@host.invalid/x.git"),
    "a data base": ("postgres://app:0aB1cD2e@db/app", "0aB1cD2e", "@db/app"),
    "an option": ("deploy --token 0aB1cD2e --fast", "0aB1cD2e", "--fast"),
    "an option with =": ("deploy --api-key=0aB1cD2e --fast", "0aB1cD2e", "--fast"),
    "a variable": ("DB_PASSWORD=0aB1cD2e go test", "0aB1cD2e", "go test"),
    "quotes": ("login --password 'open 0aB1cD2e please' now", "0aB1cD2e", "now"),
    "a query": ("GET /x?access_token=0aB1cD2e&page=2", "0aB1cD2e", "&page=2"),
    "a key file": ("-----BEGIN RSA PRIVATE KEY-----\nMIIE0aB1cD2e\n-----END RSA PRIVATE KEY-----\nafter", "0aB1cD2e", "after"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_every_kind_of_secret_is_replaced_and_its_surroundings_stay(name: str) -> None:
    text, gone, stays = FORMS[name]
    told = redact(text)
    assert REDACTED in told
    assert gone not in told
    assert stays in told
    assert redact(told) == told, "replacing twice is replacing once"
    assert may_hold(text.encode())
    assert may_hold(json.dumps({"a": [text]}).encode())


@pytest.mark.parametrize(
    "text",
    [
        "0123456789abcdef0123456789abcdef01234567",
        "llm.tokens{token=input,scenario=book}",
        'llm.cost{key=abcdef,secret="two words"}',
        "--max-tokens 4096 --max-token=4096",
        "the token budget of task-1 is a secret to nobody",
        "deploy --token $TOKEN --password=*** --secret <secret> --api-key '${KEY}'",
        "ssh://git@host.invalid/x.git and https://host.invalid/a@b",
        "tests/test_login.py::test_it[password=abc]",
        "risk-0123456789abcdef0123456789",
        "basic implementation-of-sorting",
        "a key figure",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_no_page_golden_file_or_recorded_report_of_ours_changes(root: Path) -> None:
    pages = [*(root / "tests").rglob("golden/*"), *(root / "docs").rglob("*.md"), root / "README.md"]
    pages += (root / "tests" / "corpus").rglob("*")
    pages = [path for path in pages if path.is_file() and path.suffix != ".pyc"]
    assert len(pages) > 60
    for path in pages:
        if path.name != "outputs.md":
            text = path.read_text(encoding="utf-8", errors="replace")
            assert redact(text) == text, path.name


def test_no_recorded_file_of_real_tools_changes(shared_data: Path) -> None:
    looked = 0
    for path in sorted(shared_data.rglob("*"))[:4000]:
        if path.suffix in {".json", ".xml", ".txt", ".csv", ".yaml"} and path.stat().st_size < 300_000:
            text = path.read_text(encoding="utf-8", errors="replace")
            told = redact(text)
            looked += 1
            changed = [line for line, after in zip(text.splitlines(), told.splitlines(), strict=False) if line != after]
            assert all("://" in line and "@" in line for line in changed), (path.name, changed[:3])
    assert looked > 20


def test_no_decision_of_ours_changes() -> None:
    from perfgate.formats import decision as decision_format

    for made in decisions.EVERY.values():
        assert not may_hold(decision_format.dump(made()))


def test_secrets_of_the_environment_are_those_that_are_named_and_can_be_told_from_words() -> None:
    environ = {
        "GITHUB_TOKEN": "v1.0aB1cD2e",
        "my_password": "hunter2-hunter2",
        "SHORT_TOKEN": "a1b2",
        "WORD_SECRET": "integration",
        "YEAR_TOKEN": "20261121",
        "CACHE_KEY": "linux-py312",
        "SIGNING_KEY": "0aB1cD2eF3gH4iJ5",
        "COMMIT_KEY": "abcdef0123456789abcdef0123456789abcdef01",
        "GITHUB_SHA": "abcdef0123456789abcdef0123456789abcdef01",
        "DEPLOY_KEY": "-----BEGIN\nAAAAB3NzaC1yc2EAAAADAQABAAAB\n-----END",
        "PATH": "/usr/bin:/secret/0aB1",
    }
    assert secrets_of(environ) == (
        "AAAAB3NzaC1yc2EAAAADAQABAAAB",
        "0aB1cD2eF3gH4iJ5",
        "hunter2-hunter2",
        "v1.0aB1cD2e",
    )
    assert redact("x hunter2-hunter2 y", secrets_of(environ)) == f"x {REDACTED} y"
    assert may_hold(b'{"a": "HUNTER2-hunter2"}', ("hunter2-hunter2",))


WORDS = st.lists(
    st.sampled_from([*(text for text, _, _ in FORMS.values()), "token=", "--password ", '"', "'", "\\", "{", "}", ",", " ", "\n", "://", "@", ":", "é", "a", "authorization: ", "-----BEGIN PRIVATE KEY-----"]),
    max_size=10,
).map("".join)  # fmt: skip


@given(st.recursive(WORDS | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)))  # fmt: skip
@settings(deadline=None, max_examples=150)
def test_json_stays_json_whether_its_text_or_its_strings_are_cleaned(value: object) -> None:
    value = {"value": value}
    data = strict_json.dumps(value)
    json.loads(redact(data.decode()))
    cleaned, count = redact_values(value)
    assert json.loads(strict_json.dumps(cleaned)) == cleaned
    assert redact_values(cleaned) == (cleaned, 0)
    assert not count or may_hold(data), "the quick look never misses what the thorough one finds"


@given(WORDS)
@settings(deadline=None, max_examples=100)
def test_the_text_of_a_series_can_still_be_read(name: str) -> None:
    series = str(Series("size.bytes", (("path", name or "a"),)))
    assert Series.parse(redact(series)).metric == "size.bytes"


@pytest.mark.parametrize("text", ["a_" * 50_000 + "token=", "eyJ" * 30_000, "-----BEGIN PRIVATE KEY-----" * 3_000, "https://" + "a" * 100_000, "--token " * 20_000, "Authorization: " * 10_000, "sk-" + "a-" * 50_000, "bearer " + "a" * 100_000, "Basic " * 20_000])  # fmt: skip
def test_no_text_makes_it_slow(text: str) -> None:
    import time

    start = time.process_time()
    redact(text)
    assert time.process_time() - start < 1.0
