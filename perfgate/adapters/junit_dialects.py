"""What the producers of JUnit XML mean: their elements, their words for an outcome, and which of them write attempts as cases."""

from __future__ import annotations

from collections.abc import Mapping

# What an element means for its case.
OTHER, CASE, SUITE, ROOT, FAILURE, SKIP, FLAKY, RERUN = range(8)
MEANINGS = {
    "testcase": CASE,
    "testsuite": SUITE,
    "testsuites": ROOT,
    "failure": FAILURE,
    "error": FAILURE,
    "skipped": SKIP,
    "flakyFailure": FLAKY,
    "flakyError": FLAKY,
    "rerunFailure": RERUN,
    "rerunError": RERUN,
}
#: What the attributes "status" and "result" say of a case that has no element for it.
NOT_RUN = frozenset({"notrun", "disabled", "suppressed", "skipped", "ignored", "pending"})
BROKEN = frozenset({"fail", "failed", "failure", "error"})
#: CTest writes this where it was given no name.
NO_NAMES = frozenset({"", "(empty)"})
# The names of the outermost element by producers that never write an attempt as a case of its own.
_WITHOUT_ATTEMPTS = frozenset({"jest tests", "vitest tests", "Mocha Tests", "AllTests", "rspec"})
# node:test's suites have just these attributes, in this order.
_NODE = ("name", "time", "disabled", "errors", "tests", "failures", "skipped", "hostname")


def writes_no_attempts(suite: Mapping[str, str], *, outermost: bool) -> bool:
    """Whether a suite's attributes show a producer whose cases of one name are several tests, and never attempts of one."""
    if outermost and suite.get("name") in _WITHOUT_ATTEMPTS:
        return True
    # PHPUnit and minitest count assertions; Surefire names its schema.
    schema = any(each.endswith("noNamespaceSchemaLocation") and "surefire" in suite[each] for each in suite)
    return schema or "assertions" in suite or tuple(suite) == _NODE


def is_testngs(comment: str) -> bool:
    """Whether the comment above the root is TestNG's: the only thing that tells its own reports apart."""
    return "org.testng." in comment


def counters(suite: Mapping[str, str]) -> tuple[int, int, int]:
    """What a suite counts: its cases, failures and errors, and flaky tests; 0 for what it does not count."""
    failures = _count(suite.get("failures")) + _count(suite.get("errors"))
    return _count(suite.get("tests")), failures, _count(suite.get("flakes") or suite.get("flaky"))


def _count(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 10 else 0
