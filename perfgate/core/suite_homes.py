"""Which tests are the same where one run tells their files and another only their classes, or nothing: a test is its title."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from perfgate.core.suite_records import Group, Key, Suite, is_file, plain, shown_home

_WIDTH = 1 << 64


def aligned(suite: Suite, model: Suite) -> Suite:
    """`suite` with its tests named as `model` names them, as far as a title is unique in both and one of them tells no file for it.

    Where the two then hold the very same tests, the suite gets the model's group. Its files say nothing beside the model's then, and
    are left out.
    """
    failures = _named_alike(suite.failed | suite.flaky, _failures(model))
    others = _named_alike(_alone(suite), _alone(model))
    if failures:
        failed, flaky = (frozenset(failures.get(key, key) for key in keys) for keys in (suite.failed, suite.flaky))
        suite = suite._replace(failed=failed, flaky=flaky)
    if not others:
        return suite
    renamed = suite._replace(times={others.get(key, key): seconds for key, seconds in suite.times.items()})
    same = _same_tests(renamed, model)
    return renamed._replace(files={}, group=model.group if same else suite.group)


def factor(home: str) -> int:
    """The odd number by which the sum over a home's titles is multiplied in its fingerprint."""
    from hashlib import blake2b

    return int.from_bytes(blake2b(home.encode("utf-8", "replace"), digest_size=8).digest(), "big") | 1


def _alone(suite: Suite) -> Collection[Key]:
    """The tests that have their title and home for themselves; one that shares them stays what it is."""
    return [key for key in suite.times if key not in suite.several] if suite.several else suite.times


def _failures(model: Suite) -> Collection[Key]:
    """The model's tests as the blocks for people name them."""
    return model.failed | model.flaky | {plain(key) for key in model.times}


def _named_alike(keys: Collection[Key], models: Collection[Key]) -> dict[Key, Key]:
    """The model's key for each of these that has another home."""
    strange = [key for key in keys if key not in models]
    if not strange:
        return {}
    twins, by_title = _twins(keys), {key[0]: key for key in models}
    twins |= _twins(models)
    found = {}
    for key in strange:
        other = by_title.get(key[0])
        if other is not None and key[0] not in twins and not (is_file(key[1]) and is_file(other[1])):
            found[key] = other
    return found


def _twins(keys: Iterable[Key]) -> set[str]:
    """The titles that several of these have."""
    return {title for title, count in Counter(title for title, _ in keys).items() if count > 1}


def _same_tests(suite: Suite, model: Suite) -> bool:
    """Whether both executed the same tests, by their titles."""
    if suite.group is None or model.group is None or suite.group.tests != model.group.tests:
        return False
    if _is_whole(suite) and _is_whole(model):
        return suite.times.keys() == model.times.keys() and suite.several == model.several
    ours, theirs = _titles(suite.group, suite.files), _titles(model.group, model.files)
    return ours is not None and ours == theirs


def _is_whole(suite: Suite) -> bool:
    """Whether every executed test has a row."""
    told = len(suite.times) - len(suite.several) + sum(suite.several.values())
    return suite.group is not None and told == suite.group.tests


def _titles(group: Group, files: Mapping[str, tuple[Group, float]]) -> int | None:
    """A number for the titles of a suite whatever their homes: its files' fingerprints without the factor of each home.

    None where not all files are told or a fingerprint is not perfgate's.
    """
    if sum(each.tests for each, _ in files.values()) != group.tests:
        return None
    try:
        sums = [
            int(each.fingerprint, 16) * pow(factor(shown_home(home)), -1, _WIDTH) for home, (each, _) in files.items()
        ]
    except ValueError:
        return None
    return sum(sums) % _WIDTH
