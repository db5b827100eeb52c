"""What the pages say is what the program does."""

from __future__ import annotations

import importlib
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from perfgate.cli.app import COMMANDS
from perfgate.cli.measure import COMMANDS as MEASURES
from perfgate.core.metrics import METRICS
from perfgate.formats import budgets as budgets_format
from perfgate.formats import schema
from tests.cli.program import Program

BASELINE = ("list", "show", "admit", "retire", "accept", "anchor", "prune")
EVERY = (
    [(name,) for name, _ in COMMANDS if name not in {"measure", "baseline"}]
    + [("measure", name) for name, _ in MEASURES]
    + [("baseline", name) for name in BASELINE]
)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_has_an_example_and_its_page_is_its_help(
    words: tuple[str, ...], root: Path, tmp_path: Path
) -> None:
    told = Program(tmp_path, git=False).perfgate(*words, "--help", environ={"COLUMNS": "100"}).out.rstrip()
    assert re.search(rf"Example: .*perfgate {' '.join(words)}", told, re.DOTALL)
    page = (root / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    if version("typer").startswith("0.28."):
        assert f"## perfgate {' '.join(words)}\n\n```text\n{told}\n```" in page
    # Other versions lay the same options out in other ways.
    section = page.partition(f"## perfgate {' '.join(words)}\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"--[a-z-]+", told)) == set(re.findall(r"--[a-z-]+", section))


def test_the_page_of_metrics_is_the_registry(root: Path) -> None:
    page = (root / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    for metric in METRICS:
        assert f"| {metric.name} | {metric.description} | {metric.unit or 'as given'} |" in page


def test_every_key_of_the_budgets_schema_is_on_its_page(root: Path) -> None:
    page = (root / "docs" / "reference" / "budgets.md").read_text(encoding="utf-8")
    text = schema.text("budgets")
    for key in set(re.findall(r'"(\w+)": \{', text)) - {
        "properties",
        "items",
        "additionalProperties",
        "anyOf",
        "propertyNames",
        "times",
        "within",
        "never",
    }:
        assert key in page, key


def test_links_of_the_pages_lead_somewhere(root: Path) -> None:
    for page in (root / "README.md", *(root / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_yaml_of_budgets_on_the_pages_can_be_read(root: Path) -> None:
    seen = 0
    for page in (root / "README.md", *(root / "docs").rglob("*.md")):
        for text in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            if re.match(r"(version|budgets|waivers|measure):", text):
                whole = text if text.startswith("version") else "version: 1\n" + text
                budgets_format.load(whole.encode(), page.name)
                seen += 1
    assert seen >= 3


def test_every_command_module_has_its_application() -> None:
    for _, module in (*COMMANDS, *MEASURES):
        assert importlib.import_module(module).app


def test_the_projects_own_files_hold_no_path_of_a_machine_and_no_lock_file(root: Path) -> None:
    listed = Program(root, git=False).git("ls-files").splitlines() if (root / ".git").exists() else []
    for name in listed:
        assert not name.endswith((".lock", "-lock.json", "pylock.toml")), name
