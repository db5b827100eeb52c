"""Thirty-two writers at once, some of them killed: what a writer was told is stored is there, once, in one straight history."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from perfgate.store.changes import admission
from tests.store.remotes import DATA, Remote, store_in
from tests.store.writers import run_for

WRITERS, KILLED = 32, 8


def test_32_writers_of_which_some_are_killed_lose_nothing_and_double_nothing(root: Path, tmp_path: Path) -> None:
    remote = Remote(tmp_path)
    # The jobs of a matrix have a clone each; writers of one machine share one.
    clones = [remote.clone(f"clone{number}").folder for number in range(8)]
    notes, scratch = tmp_path / "notes", tmp_path / "scratch"
    notes.mkdir()
    scratch.mkdir()
    chance = random.Random()
    command = [sys.executable, "-m", "tests.store.writers", str(notes), remote.first]
    command += [str(clones[who % len(clones)]) for who in range(WRITERS)]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(scratch)}
    ) as writers:
        assert writers.stdout is not None
        children = [int(text) for text in writers.stdout.readline().split()]
        # Not before the first is through: killed in the middle of what the others do.
        while not remote.tip() and writers.poll() is None:
            time.sleep(0.02)
        for victim in chance.sample(children, KILLED):
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
            time.sleep(chance.uniform(0.0, 0.2))
    failed = [path.read_text(encoding="utf-8") for path in notes.glob("*.failed")]
    assert failed == []
    told = [path.read_text(encoding="utf-8").split()[0] for path in notes.iterdir()]
    assert len(told) >= WRITERS - KILLED

    stored = [path.removeprefix("baselines/runs/").removesuffix(".json") for path in remote.files()]
    assert set(told) <= set(stored)
    assert len(stored) == len({name.rpartition("-")[0] for name in stored}) <= WRITERS
    # Straight: as many commits as runs, none with two parents; and whole.
    assert remote.bare.git("rev-list", "--min-parents=2", DATA) == ""
    assert remote.bare.git("rev-list", "--count", DATA) == str(len(stored))
    assert "error" not in remote.bare.git("fsck", "--full", "--strict")

    # The jobs of those that were killed run again: each run is there exactly once in the end.
    store = store_in(remote.clone("again"))
    store.write(admission([run_for(remote.first, who) for who in range(WRITERS)]))
    assert {run.context.ci_run for run in store.shelf().all_runs()} == {f"{who}x" for who in range(WRITERS)}
    assert len(remote.files()) == WRITERS
