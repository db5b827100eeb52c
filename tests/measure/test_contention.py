"""What else happened on the machine while something was measured is said with its numbers, and silence is no claim."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

from perfgate.measure import contention
from perfgate.measure.contention import Look, caveats, frequency, look

QUIET = Look(at=100.0, own=5.0, cpus=4, busy=1000.0, steal=10.0, throttled=3, memory=1.0)
AFTER = Look(at=110.0, own=14.0, cpus=4, busy=1009.5, steal=10.1, throttled=3, memory=1.01)


def codes(before: Look, after: Look, clocks: tuple[float, ...] = ()) -> list[str]:
    return [caveat.code for caveat in caveats(before, after, list(clocks), "it")]


def test_a_quiet_machine_is_not_spoken_of() -> None:
    assert codes(QUIET, AFTER, (3e9,) * 10) == []


def test_the_share_of_others_is_that_of_all_cpus_without_what_was_measured() -> None:
    (caveat,) = caveats(QUIET, AFTER._replace(busy=1024.2), [], "it")
    assert caveat.message == 'other processes used 38% of the CPUs while "it" ran'


def test_steal_throttling_short_memory_and_a_falling_clock_are_each_said() -> None:
    assert codes(QUIET, AFTER._replace(steal=12.0)) == ["stolen time"]
    assert codes(QUIET, AFTER._replace(throttled=9)) == ["thermal throttling"]
    assert codes(QUIET, AFTER._replace(memory=1.5)) == ["short memory"]
    assert codes(QUIET, AFTER, (3e9, 3e9, 3e9, 2e9, 2e9, 2e9)) == ["slower clock"]
    assert codes(QUIET, AFTER, (3e9, 2e9)) == []


def test_what_the_system_does_not_tell_is_not_judged() -> None:
    silent = QUIET._replace(busy=None, steal=None, throttled=None, memory=None)
    assert codes(silent, AFTER) == []
    assert codes(QUIET, silent._replace(at=110.0)) == []


def test_a_moment_is_too_short_to_judge() -> None:
    assert codes(QUIET, QUIET._replace(at=100.1, busy=1001.0)) == []


def test_the_counters_are_read_as_the_kernel_writes_them(tmp_path: Path) -> None:
    for name, text in {
        "proc/stat": "cpu  100 20 300 5000 60 7 8 90 11 12\ncpu0 1 2 3 4 5 6 7 8 9 10\n",
        "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
        "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "4\n",
        "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "1\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "3000000\n",
        "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1000000\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="ascii")
    seen, tick = look(tmp_path), os.sysconf("SC_CLK_TCK")
    assert (seen.busy, seen.steal) == (435 / tick, 90 / tick)
    assert (seen.throttled, seen.memory) == (5, 2.5)
    assert frequency(tmp_path) == 2e9
    empty = look(tmp_path / "nothing")
    assert (empty.busy, empty.steal, empty.throttled, empty.memory) == (None, None, None, None)
    assert frequency(tmp_path / "nothing") is None


def test_a_loop_in_another_process_is_heard_and_counts_for_about_its_time() -> None:
    if contention.look().busy is None:
        return
    before, began = look(), time.monotonic()
    loops = [multiprocessing.get_context("fork").Process(target=_loop, daemon=True) for _ in range(os.cpu_count() or 1)]
    for each in loops:
        each.start()
    time.sleep(1.0)
    after = look()
    for each in loops:
        each.kill()
        each.join()
    assert time.monotonic() - began < 60
    assert "busy machine" in codes(before, after) or "stolen time" in codes(before, after)


def _loop() -> None:
    while True:
        pass
