"""Hypothesis strategies for metadata and for conditions on it, which often meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from memsvc.types import MetadataCondition, MetadataGroup, MetadataTest, Operator, Rule

KEYS = st.sampled_from(["a", "b", "0", "kë", 'q"uote', "back\\slash", "dot.ted", "$"])
TEXTS = st.one_of(
    st.sampled_from(["", "a", "aB", "b", "10", "9", "é", "z", "𝒳", "true", "%_", "2026-06-01", "2026-06-01T00:00:00Z"]),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=5),
)
NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.1, 0.1 + 0.2, 0.3, -0.0, 1.0, 1e300, 5e-324, 2**53]),
    st.floats(allow_nan=False, allow_infinity=False),
)
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
METADATA = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
        max_leaves=5,
    ),
    max_size=4,
)
PATHS = st.lists(KEYS, min_size=1, max_size=3).map(tuple)


def tests() -> st.SearchStrategy[MetadataTest]:
    """A test with every operator."""
    values: dict[Operator, st.SearchStrategy[Any]] = {
        Operator.EXISTS: st.booleans(),
        **dict.fromkeys((Operator.IN, Operator.NIN), st.lists(SCALARS, min_size=1, max_size=3).map(tuple)),
        **dict.fromkeys((Operator.GT, Operator.GTE, Operator.LT, Operator.LTE), st.one_of(TEXTS, NUMBERS)),
    }
    return st.one_of(
        st.builds(MetadataTest, PATHS, st.just(operator), values.get(operator, SCALARS)) for operator in Operator
    )


def conditions() -> st.SearchStrategy[MetadataCondition]:
    """A tree of tests."""
    return st.recursive(
        tests(),
        lambda inner: st.builds(
            MetadataGroup, st.sampled_from(list(Rule)), st.lists(inner, min_size=1, max_size=3).map(tuple)
        ),
        max_leaves=6,
    )


CONDITIONS = conditions()
