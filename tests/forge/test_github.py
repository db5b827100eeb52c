"""What a job tells GitHub: its summary and its outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfgate.forge.github import SUMMARY_LIMIT, write_outputs, write_summary

# --- what a job tells -------------------------------------------------------------------------------------------------


def test_the_summary_is_added_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    environ = {"GITHUB_STEP_SUMMARY": str(path)}
    assert write_summary(environ, "# one\n\n") == ""
    assert write_summary(environ, "zwei ünï \ud800") == ""
    assert path.read_text(encoding="utf-8") == "# one\nzwei ünï ?\n"


def test_a_summary_that_github_would_refuse_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    environ = {"GITHUB_STEP_SUMMARY": str(path)}
    assert write_summary(environ, "x" * (SUMMARY_LIMIT - 1)) == ""
    assert "left out" in write_summary(environ, "y")
    assert path.stat().st_size == SUMMARY_LIMIT


@pytest.mark.parametrize("value", ["block", "", "two\nlines", "name<<EOF\nevil=1\nEOF", "\r\n"])
def test_an_output_can_hold_any_value_and_sets_nothing_else(tmp_path: Path, value: str) -> None:
    path = tmp_path / "output"
    assert write_outputs({"GITHUB_OUTPUT": str(path)}, {"verdict": value, "exit-code": "20"}) == ""
    text = path.read_bytes().decode()
    found = {}
    while text:
        head, _, text = text.partition("\n")
        name, _, delimiter = head.partition("<<")
        found[name], _, text = text.partition(f"\n{delimiter}\n")
    assert found == {"verdict": value, "exit-code": "20"}


def test_two_outputs_have_two_delimiters(tmp_path: Path) -> None:
    path = tmp_path / "output"
    write_outputs({"GITHUB_OUTPUT": str(path)}, {"a": "1", "b": "2"})
    delimiters = {line.partition("<<")[2] for line in path.read_text(encoding="utf-8").splitlines() if "<<" in line}
    assert len(delimiters) == 2
    assert all(len(each) > 32 for each in delimiters)


@pytest.mark.parametrize("name", ["", "a=b", "a\nb", "a b", "1a", "a<<b"])
def test_an_output_with_an_impossible_name_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "output"
    assert "cannot be the name" in write_outputs({"GITHUB_OUTPUT": str(path)}, {"good": "1", name: "2"})
    assert not path.exists()


def test_without_the_files_nothing_is_told_and_nothing_fails() -> None:
    assert write_summary({}, "x") == write_outputs({}, {"a": "b"}) == ""


@pytest.mark.parametrize("path", ["/nowhere/at/all", "/", "a\0b"])
def test_a_file_that_cannot_be_written_is_a_sentence_and_never_an_exception(path: str) -> None:
    assert "could not be written" in write_summary({"GITHUB_STEP_SUMMARY": path}, "x")
    assert "could not be written" in write_outputs({"GITHUB_OUTPUT": path}, {"a": "b"})
