"""Packing of the baselines: never over budget, and rendered like the service's own context."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc.bench.units import Packer, Unit
from memsvc.models.tokens import Cl100kCounter
from memsvc.retrieval import packing
from support.retrieval import make_memory

TOKENS = Cl100kCounter()
BEGIN = datetime(2024, 3, 1, 9, tzinfo=UTC)
SAID = [
    "I planted beans.",
    "The kettle broke,\nagain",
    "Ole sails to Bergen",
    "Nothing new",
    "We painted the shed green",
]
UNITS = [Unit(text, "Ida", (f"t{i}",), BEGIN + timedelta(hours=10 * i)) for i, text in enumerate(SAID)]
PACKER = Packer(UNITS, TOKENS)


def test_it_renders_what_the_service_renders() -> None:
    memories = [make_memory(unit.text, day=unit.time) for unit in UNITS]
    assert PACKER.whole(range(len(UNITS))).text == packing.render(memories)


@settings(max_examples=50)
@given(st.permutations(range(len(UNITS))), st.integers(0, 120))
def test_it_fills_the_budget_with_the_best(order: list[int], budget: int) -> None:
    context = PACKER.pack(order, budget)
    assert context.tokens == TOKENS.count(context.text) <= budget
    assert context.cited == tuple(sorted(context.cited))
    if budget >= 20:
        assert UNITS[order[0]].sources[0] in context.cited
    more = PACKER.pack(order, 10_000)
    assert len(more.cited) == len(UNITS)


def test_without_room_the_context_is_empty() -> None:
    assert PACKER.pack([0, 1], 3).text == ""
    assert PACKER.pack([0, 1], 3).tokens == 0
