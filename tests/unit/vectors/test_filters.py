from datetime import UTC, datetime

from memsvc.types import Interval, MemoryFilter, MemoryKind, Scope, SpaceKey, SymbolicQuery
from memsvc.vectors.filters import AllOf, AnyOf, OneOf, Within, bounded

SPACE = SpaceKey("acme", "support")
BOUNDS = (OneOf("tenant", ("acme",)), OneOf("space", ("support",)))
START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2024, 2, 1, tzinfo=UTC)


def test_the_space_stands_first_in_every_filter() -> None:
    assert bounded(SPACE) == AllOf(BOUNDS)
    assert bounded(SPACE, MemoryFilter()).conditions[:2] == BOUNDS
    assert bounded(SPACE, None, SymbolicQuery(people=("Ann",))).conditions[:2] == BOUNDS


def test_no_states_means_active_only() -> None:
    active = (*BOUNDS, OneOf("state", ("active",)))
    assert bounded(SPACE, MemoryFilter(states=())).conditions == active
    assert bounded(SPACE, MemoryFilter()).conditions == active


def test_given_fields_are_anded_and_folded() -> None:
    where = MemoryFilter(
        scope=Scope(user_id="u", session_id="s"),
        people=("Bob", "ANN"),
        entities=("Paris",),
        kinds=(MemoryKind.THEME,),
        start_time=START,
    )
    assert bounded(SPACE, where).conditions[3:] == (
        OneOf("kind", ("theme",)),
        OneOf("user_id", ("u",)),
        OneOf("session_id", ("s",)),
        OneOf("people", ("ann", "bob")),
        OneOf("entities", ("paris",)),
        Within("event_time", at_least=START),
    )


def test_an_empty_symbolic_query_adds_nothing() -> None:
    assert bounded(SPACE, None, SymbolicQuery()) == AllOf(BOUNDS)


def test_symbolic_parts_are_ored() -> None:
    match = SymbolicQuery(people=("Ann",), interval=Interval(START, END))
    assert bounded(SPACE, None, match).conditions[2] == AnyOf(
        (
            OneOf("people", ("ann",)),
            Within("event_time", at_least=START, before=END),
            AllOf((Within("valid_from", before=END), Within("valid_to", after=START))),
        )
    )
