"""Labels made one by one and in bulk are the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters.labels import LONGEST, label, labels

TEXTS = st.text(max_size=6) | st.sampled_from(
    ["", " a\t", "\ud800", "é", "x" * LONGEST, "x" * (LONGEST + 1), "\0", "\n"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_labels_in_bulk_are_those_made_one_by_one(texts: list[str]) -> None:
    assert labels(texts) == [label(text, []) for text in texts]
