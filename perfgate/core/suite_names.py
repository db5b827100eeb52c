"""What the name of a test tells: its file, the tests that it shares set-up with, and what a JUnit report calls it."""

from __future__ import annotations

import re

# How files of tests end; a Go test such as example.com/pkg.TestX ends in none of these.
_FILE = re.compile(
    r".*\.(?:py|[cm]?[jt]sx?|rb|java|kts?|scala|groovy|go|php|cs|fs|vb|rs|exs?|dart|swift|cc?|cpp|cxx|mm?|feature|robot|bats|sh|lua|pl|clj|hs|ml|vue|svelte)",
    re.DOTALL,
)
_GO_PARENT = re.compile(r"(?P<parent>(?:Test|Fuzz|Example)[^/]*)/.+", re.DOTALL)


def is_file(name: str) -> bool:
    """Whether this names a whole file of tests, not a test in one."""
    return "::" not in name and _FILE.fullmatch(name) is not None


def plain_path(path: str) -> str:
    """A path as it is compared: forward slashes, and no "./" before it."""
    path = path.replace("\\", "/")
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def file_of(name: str) -> str:
    """The file in a pytest node id, or the file that the name is; "" for a name that tells none."""
    if "::" in name:
        return plain_path(name.partition("::")[0])
    return plain_path(name) if is_file(name) else ""


def scope_of(name: str) -> str:
    """What a test shares class or module fixtures with: its class, else its file; of a dotted name all but the last part.

    >>> scope_of("tests/test_a.py::TestX::test_m[a::b]")
    'tests/test_a.py::TestX'
    """
    # What stands in brackets is a parameter, and may hold anything.
    plain = name.partition("[")[0]
    if "::" in plain:
        return plain.rpartition("::")[0]
    return plain if is_file(name) else plain.rpartition(".")[0]


def title_of(node: str) -> str:
    """What pytest's own JUnit report calls the test of a node id, class and name together (as _pytest.junitxml.mangle_test_address does).

    >>> title_of("tests/unit/test_a.py::TestX::test_m[1.5]")
    'tests.unit.test_a.TestX.test_m[1.5]'
    """
    if "::" not in node:
        return node
    address, bracket, parameters = node.partition("[")
    path, *names = address.split("::")
    module = path.replace("/", ".").removesuffix(".py")
    return ".".join((module, *names)) + bracket + parameters


def class_of(node: str) -> str:
    """The class that pytest's report gives the test of a node id: tests.unit.test_a.TestX."""
    path, *names = scope_of(node).split("::")
    return ".".join((module_of(path) or path, *names))


def module_of(path: str) -> str:
    """The dotted name of a file, which a report's class begins with: tests.unit.test_a of tests/unit/test_a.py."""
    return plain_path(path).rpartition(".")[0].replace("/", ".")


def node_id(file: str, classname: str, name: str) -> str:
    """The pytest node id of a case whose report tells its file and whose class is one of that file; "" where that is not certain."""
    path = plain_path(file)
    if not path.endswith(".py") or not name:
        return ""
    module = module_of(path)
    if classname == module:
        return f"{path}::{name}"
    if not classname.startswith(f"{module}."):
        # An inherited test, say: its file is that of the base class.
        return ""
    return "::".join((path, *classname[len(module) + 1 :].split("."), name))


def parent_of(name: str) -> str:
    """The Go test whose time a subtest's time is a part of; "" for a test that is no subtest."""
    match = _GO_PARENT.fullmatch(name)
    return match["parent"] if match else ""
