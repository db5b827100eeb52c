"""The chart of a slow pipeline: what Mermaid's own parser reads in it, whatever the jobs are called."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.timeline import TimedJob, Timeline
from perfgate.render import markdown
from perfgate.render.markdown_timeline import chart
from tests.render import decisions
from tests.render.test_outputs import HOSTILE

#: Words of Mermaid's own, and characters that end, comment or configure.
TRAPS = ("click a href x", "section x", "title x", "dateFormat x", "excludes monday", "%%{init: {}}%%", "%% x", "a: b", "a; b", "a # b", "gantt", "todayMarker x", "accTitle: x", "accDescr {x}", "weekday friday", "vert", "---", "```", "crit", "done, a1, 3d", "#quot;", "<b>", "{x}", "\n    click a call b()", "", ":", "topAxis", "includes x", "axisFormat %s", "tickInterval 1day", "inclusiveEndDates", "2000-01-01")  # fmt: skip


def timeline(*names: str) -> Timeline:
    return Timeline("ci.yml", tuple(TimedJob(name, 10.0 * n, 5.0, 1.0, 60.0) for n, name in enumerate(names)))


def mermaid(charts: list[str]) -> list[dict[str, Any]]:
    """What Mermaid reads in each chart."""
    folder, node = os.environ.get("PERFGATE_MERMAID", ""), shutil.which("node")
    if node is None or not folder:
        pytest.skip("Node or Mermaid is not there (tests/render/mermaid/install FOLDER, PERFGATE_MERMAID=FOLDER)")
    module = Path(folder).resolve() / "node_modules/mermaid/dist/mermaid.core.mjs"
    script = Path(__file__).parent / "mermaid/parse.mjs"
    done = subprocess.run(
        [node, str(script), module.as_uri()], input=json.dumps(charts), capture_output=True, text=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_mermaid_reads_the_jobs_their_times_and_what_waited() -> None:
    (drawn,) = re.findall(r"```mermaid\n(.*?)\n```", markdown.render(decisions.pipeline()), re.DOTALL)
    (found,) = mermaid([drawn])
    tasks = {each["task"].strip(): each for each in found["tasks"]}
    assert len(tasks) == 8
    assert tasks["10 min 7 s unit"]["seconds"] == 607
    assert [name for name, each in tasks.items() if each["crit"]] == ["10 min 7 s unit"]
    assert [name for name, each in tasks.items() if each["done"]] == ["3 min 54 s waiting for a runner"]


def test_no_name_of_a_job_is_anything_but_text_to_mermaid() -> None:
    chance = random.Random(4)
    letters = "".join(TRAPS) + "éß漢🎉'\"\\|&\t\r\u202e\u2028"
    names = [*TRAPS, *("".join(chance.choices(letters, k=chance.randint(1, 60))) for _ in range(150))]
    for name, found in zip(names, mermaid([chart(timeline(name, "after"), {name}) for name in names]), strict=True):
        assert "complaint" not in found, (name, found)
        own = [each for each in found["tasks"] if not each["done"]]
        assert [each["seconds"] for each in own] == [61, 61], name
        assert own[1]["task"].strip() == "1 min 1 s after"
        assert own[0]["task"].strip().startswith("1 min 1 s ")
        assert not found["links"]
        assert not found["title"]


@given(st.lists(HOSTILE | st.sampled_from(TRAPS), min_size=1, max_size=5))
@settings(deadline=None, max_examples=100)
def test_every_line_of_a_chart_is_one_of_its_own_forms(names: list[str]) -> None:
    """Without Node too: a text that begins with a number, one colon, then tags, a moment and a length."""
    lines = chart(timeline(*names), set(names[:1])).splitlines()
    assert lines[0] == "gantt"
    moment = r"2000-01-0\d \d\d:\d\d:\d\d, \d+s"
    for line in lines[5:]:
        assert re.fullmatch(rf"    \d[\w .,/()+=…-]* :(?:crit, |done, |milestone, )*{moment}", line), line


def test_jobs_that_tell_no_times_and_pipelines_of_days_are_drawn_too() -> None:
    long = Timeline("w", (TimedJob("a", 0.0, 200_000.0, None, 300_000.0), TimedJob("b", 5.0, None, None, None)), 3)
    drawn = chart(long, set())
    assert "(no time told) b :milestone, 2000-01-03 07:33:25, 0s" in drawn
    assert "axisFormat %H:%M" in drawn
    assert "tickInterval 1day" in drawn
    assert chart(Timeline("w", ()), set()) == ""


def test_a_comment_too_long_for_everything_gives_the_chart_up_whole() -> None:
    made = decisions.pipeline()
    jobs = tuple(TimedJob(f"{n} " + "漢" * 40, 1.0 * n, 9.0, 1.0, 50.0 + n) for n in range(40))
    long = made._replace(timelines=(Timeline("ci.yml", jobs, 3),))
    whole, short = markdown.render(long), markdown.render(long, limit=markdown.LEAST)
    assert whole.count("```mermaid") == 1
    assert "3 shorter jobs are not shown" in whole
    assert "```mermaid" not in short
    assert len(short.encode()) <= markdown.LEAST
    assert short.count("```") % 2 == 0
