"""A test has one identity, whatever a runner or a report calls it; where that is not certain, none is claimed."""

from __future__ import annotations

import pytest

from perfgate.core.suite_names import file_of, is_file, node_id, parent_of, scope_of, title_of


@pytest.mark.parametrize(
    ("node", "file", "scope", "title"),
    [
        ("tests/a.py::test", "tests/a.py", "tests/a.py", "tests.a.test"),
        ("tests/a.py::T::test", "tests/a.py", "tests/a.py::T", "tests.a.T.test"),
        ("tests/a.py::T::test[a::b]", "tests/a.py", "tests/a.py::T", "tests.a.T.test[a::b]"),
        ("./tests/a.py::test[x/y.py]", "tests/a.py", "./tests/a.py", "..tests.a.test[x/y.py]"),
        ("example.com/x.y/pkg.TestA", "", "example.com/x.y/pkg", "example.com/x.y/pkg.TestA"),
        ("src/a.test.ts", "src/a.test.ts", "src/a.test.ts", "src/a.test.ts"),
        ("com.example.FooTest", "", "com.example", "com.example.FooTest"),
        ("plain", "", "", "plain"),
    ],
)
def test_a_name_tells_file_scope_and_title(node: str, file: str, scope: str, title: str) -> None:
    assert (file_of(node), scope_of(node), title_of(node)) == (file, scope, title)


@pytest.mark.parametrize(
    ("file", "classname", "name", "node"),
    [
        ("tests/a.py", "tests.a", "test[1.5]", "tests/a.py::test[1.5]"),
        ("tests\\a.py", "tests.a.T.Inner", "test", "tests/a.py::T::Inner::test"),
        # The file of an inherited test is that of its base class.
        ("tests/base.py", "tests.a.T", "test", ""),
        ("tests/a.py", "tests.ab", "test", ""),
        ("src/a.test.ts", "src/a.test.ts", "works", ""),
        ("", "tests.a", "test", ""),
    ],
)
def test_a_node_id_is_made_only_where_report_and_file_agree(file: str, classname: str, name: str, node: str) -> None:
    assert node_id(file, classname, name) == node


def test_only_whole_files_are_files() -> None:
    assert [is_file(name) for name in ("a/b.spec.tsx", "A.java", "a.py::t.py", "pkg.TestGo", "x")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_go_subtest_has_a_parent() -> None:
    assert [parent_of(name) for name in ("TestA/b/c", "FuzzX/1", "TestA", "a/b")] == ["TestA", "FuzzX", "", ""]
