from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from memsvc.types import Memory, Scope, SpaceKey, Symbolic
from memsvc.vectors.schema import FIELDS, MEMORY_ID, NUMBERS, payload, point_id, timestamp

SPACE = SpaceKey("acme", "support")
NOON = datetime(2024, 5, 7, 12, tzinfo=UTC)


def memory(**fields: object) -> Memory:
    return Memory(**{"id": "m", "scope": Scope(user_id="u"), "text": "secret", "event_time": NOON, **fields})  # type: ignore[arg-type]


def test_point_ids_never_change() -> None:
    assert point_id(SPACE, "m") == "bbf91537-d2c5-54be-a469-887f06697daf"


@given(st.lists(st.tuples(st.text("ab"), st.text("ab"), st.text("ab")), unique=True))
def test_point_ids_tell_spaces_and_memories_apart(keys: list[tuple[str, str, str]]) -> None:
    assert len({point_id(SpaceKey(tenant, space), id_) for tenant, space, id_ in keys}) == len(keys)


def test_payload_holds_every_filterable_field_and_no_text() -> None:
    full = payload(SPACE, memory(valid_from=NOON, supersede_time=NOON, dense_text="secret", lexical_text="secret"))
    assert set(full) == {MEMORY_ID, NUMBERS, *FIELDS}
    assert "secret" not in str(full)


def test_names_are_folded() -> None:
    symbolic = Symbolic(people=("Ann", "ANN", "Bob"), entities=("Straße",), place="Köln", topic="Pets")
    full = payload(SPACE, memory(symbolic=symbolic))
    assert (full["people"], full["entities"]) == (["ann", "bob"], ["strasse"])
    assert (full["place"], full["topic"]) == ("köln", "pets")


def test_an_open_end_of_validity_is_the_limit_of_time() -> None:
    since = payload(SPACE, memory(valid_from=NOON))
    until = payload(SPACE, memory(valid_to=NOON))
    assert (since["valid_from"], since["valid_to"]) == (timestamp(NOON), "9999-12-31T23:59:59.999999+00:00")
    assert (until["valid_from"], until["valid_to"]) == ("0001-01-01T00:00:00+00:00", timestamp(NOON))
    assert "valid_from" not in payload(SPACE, memory())


def test_times_are_written_in_utc() -> None:
    assert timestamp(datetime(2024, 5, 7, 14, tzinfo=timezone(timedelta(hours=2)))) == "2024-05-07T12:00:00+00:00"
