"""What every `ports.VectorIndex` does, run against each implementation."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient

from memsvc.errors import FailedPrecondition, Reason, Unavailable
from memsvc.language.lexical import LexicalEncoder
from memsvc.types import (
    AsOf,
    Interval,
    Memory,
    MemoryFilter,
    MemoryKind,
    MemoryState,
    Scope,
    SpaceKey,
    SparseVector,
    Symbolic,
    SymbolicQuery,
)
from memsvc.vectors import schema
from memsvc.vectors.edge import EdgeIndex
from memsvc.vectors.server import ServerIndex, connect
from support.qdrant_double import qdrant_double

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]

SERVER_URL = os.environ.get("MEMSVC_TEST_QDRANT_URL", "")
ADAPTERS = ["edge", "local", "wire", *(["server"] if SERVER_URL else [])]
"""Qdrant Edge; the server's adapter over local mode, over the double's socket, and over a server that is there."""

DIMENSION = 8
HERE = SpaceKey("acme", "support")
SIBLING = SpaceKey("acme", "sales")
STRANGER = SpaceKey("globex", "support")
NOON = datetime(2024, 5, 7, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANY_STATE = MemoryFilter(states=tuple(MemoryState))
ENCODER = LexicalEncoder()

Index = EdgeIndex | ServerIndex
Opener = Callable[..., Awaitable[Index]]


def build(adapter: str, path: Path, url: str, collection: str, dimension: int) -> Index:
    if adapter == "edge":
        return EdgeIndex(path / collection, collection, dimension)
    client = AsyncQdrantClient(path=str(path)) if adapter == "local" else connect(url)
    return ServerIndex(client, collection, dimension)


@pytest.fixture(params=ADAPTERS)
async def open_index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens the test's one collection, again and again if need be; the one opened before is closed first."""
    collection = f"test-{uuid.uuid4().hex}"
    opened: list[Index] = []

    async with AsyncExitStack() as stack:
        double = await stack.enter_async_context(qdrant_double()) if request.param == "wire" else None

        async def open_(dimension: int = DIMENSION) -> Index:
            if opened:
                await opened[-1].close()
            index = build(request.param, tmp_path, double.url if double else SERVER_URL, collection, dimension)
            opened.append(index)
            await index.ensure()
            return index

        yield open_
        if opened:
            await opened[-1].close()
    if request.param == "server":
        client = connect(SERVER_URL)
        await client.delete_collection(collection)
        await client.close()


@pytest.fixture
async def index(open_index: Opener) -> Index:
    return await open_index()


def memory(id_: str, **fields: Any) -> Memory:
    return Memory(**{"id": id_, "scope": Scope(user_id="u"), "text": "", "event_time": NOON, **fields})


def unit(axis: int = 0) -> np.ndarray:
    return np.eye(DIMENSION, dtype=np.float32)[axis]


async def store(index: Index, space: SpaceKey, *memories: Memory) -> None:
    """Write memories that all stand on the first axis, so that only filters tell them apart."""
    dense = np.tile(unit(), (len(memories), 1))
    await index.upsert(space, memories, dense, [ENCODER.document(m.text) for m in memories])


async def seen(
    index: Index, where: MemoryFilter, match: SymbolicQuery | None = None, space: SpaceKey = HERE
) -> set[str]:
    hits = await index.search_dense(space, unit(), where, limit=50, match=match)
    return {hit.memory_id for hit in hits}


async def found(index: Index, query: str, where: MemoryFilter = ANY_STATE, space: SpaceKey = HERE) -> list[str]:
    hits = await index.search_lexical(space, ENCODER.query(query), where, limit=50)
    return [hit.memory_id for hit in hits]


async def test_empty_index_answers_with_nothing(index: Index) -> None:
    assert await seen(index, ANY_STATE) == set()
    assert await found(index, "cat") == []
    assert await index.count(HERE) == 0
    await index.delete(HERE, ["unknown"])
    await index.delete(HERE, [])
    await index.delete_space(HERE)


async def test_empty_upsert_and_termless_texts(index: Index) -> None:
    await index.upsert(HERE, [], np.zeros((0, DIMENSION), np.float32), [])
    await store(index, HERE, memory("m", text="the of and"))
    assert await seen(index, MemoryFilter()) == {"m"}
    assert await index.search_lexical(HERE, SparseVector((), ()), MemoryFilter(), limit=5) == []


async def test_mismatched_lengths_are_refused(index: Index) -> None:
    with pytest.raises(ValueError, match="zip"):
        await index.upsert(HERE, [memory("m")], np.zeros((2, DIMENSION), np.float32), [SparseVector((), ())])
    assert await index.count(HERE) == 0


async def test_spaces_and_tenants_never_meet(index: Index) -> None:
    for space in (HERE, SIBLING, STRANGER):
        await store(
            index, space, memory("same", text="cats"), memory(f"only-{space.tenant}-{space.space}", text="cats")
        )
    now = SymbolicQuery(interval=Interval(NOON, NOON + HOUR))
    for space in (HERE, SIBLING, STRANGER):
        ids = {"same", f"only-{space.tenant}-{space.space}"}
        assert await seen(index, ANY_STATE, space=space) == ids
        assert await seen(index, ANY_STATE, now, space=space) == ids
        assert set(await found(index, "cat", space=space)) == ids
        assert await index.count(space) == 2


async def test_deleting_stays_within_the_space(index: Index) -> None:
    for space in (HERE, SIBLING, STRANGER):
        await store(index, space, memory("same"), memory("other"))
    await index.delete(HERE, ["same", "unknown"])
    assert await seen(index, ANY_STATE) == {"other"}
    assert [await index.count(space) for space in (HERE, SIBLING, STRANGER)] == [1, 2, 2]
    await index.delete_space(SIBLING)
    assert [await index.count(space) for space in (HERE, SIBLING, STRANGER)] == [1, 0, 2]
    assert await seen(index, ANY_STATE, space=STRANGER) == {"same", "other"}


@pytest.mark.parametrize("others", [(STRANGER,), (SIBLING,), (STRANGER, SIBLING)])
async def test_term_statistics_are_the_spaces_own(open_index: Opener, others: tuple[SpaceKey, ...]) -> None:
    index = await open_index()

    async def cats() -> list[tuple[str, float]]:
        hits = await index.search_lexical(HERE, ENCODER.query("cat"), MemoryFilter(), limit=5)
        return [(hit.memory_id, pytest.approx(hit.score, rel=1e-6)) for hit in hits]

    await store(index, HERE, memory("m", text="cat"), memory("n", text="dog"))
    alone = await cats()
    assert len(alone) == 1
    for other in others:
        await store(index, other, *(memory(f"s{i}", text="cat") for i in range(20)))
    assert await cats() == alone
    index = await open_index()
    assert await cats() == alone


async def test_upsert_is_idempotent_and_overwrites(index: Index) -> None:
    first = memory("m", text="cats", symbolic=Symbolic(people=("Ann",)))
    await store(index, HERE, first)
    await store(index, HERE, first)
    assert await index.count(HERE) == 1
    await store(index, HERE, memory("m", text="dogs", state=MemoryState.SUPERSEDED))
    assert await index.count(HERE) == 1
    assert await seen(index, MemoryFilter()) == set()
    assert await seen(index, MemoryFilter(states=(MemoryState.SUPERSEDED,))) == {"m"}
    assert await seen(index, MemoryFilter(people=("Ann",), states=tuple(MemoryState))) == set()
    assert await found(index, "cats") == []
    assert await found(index, "dogs") == ["m"]


async def test_more_memories_than_one_request_holds(index: Index) -> None:
    await store(index, HERE, *(memory(f"m{i}") for i in range(300)))
    assert await index.count(HERE) == 300
    await index.delete(HERE, [f"m{i}" for i in range(299)])
    assert await seen(index, MemoryFilter()) == {"m299"}


async def test_limit_bounds_both_searches(index: Index) -> None:
    await store(index, HERE, *(memory(f"m{i}", text="cat") for i in range(5)))
    assert len(await index.search_dense(HERE, unit(), MemoryFilter(), limit=3)) == 3
    assert len(await index.search_lexical(HERE, ENCODER.query("cat"), MemoryFilter(), limit=3)) == 3


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (MemoryFilter(), {"a", "b", "c", "d"}),
        (MemoryFilter(states=()), {"a", "b", "c", "d"}),
        (MemoryFilter(states=(MemoryState.SUPERSEDED,)), {"old"}),
        (MemoryFilter(states=(MemoryState.SUPERSEDED, MemoryState.LEFT_OUT)), {"old", "out"}),
        (MemoryFilter(kinds=(MemoryKind.THEME,)), {"c"}),
        (MemoryFilter(kinds=(MemoryKind.THEME, MemoryKind.EPISODE)), {"b", "c"}),
        (MemoryFilter(scope=Scope(user_id="u1")), {"a", "b"}),
        (MemoryFilter(scope=Scope(agent_id="g1")), {"b"}),
        (MemoryFilter(scope=Scope(session_id="s1")), {"a", "c"}),
        (MemoryFilter(scope=Scope(user_id="u1", session_id="s1")), {"a"}),
        (MemoryFilter(people=("ANN",)), {"a", "b"}),
        (MemoryFilter(people=("ann", "bob")), {"a", "b", "c"}),
        (MemoryFilter(entities=("STRASSE",)), {"d"}),
        (MemoryFilter(people=("ann",), entities=("paris",)), {"a"}),
        (MemoryFilter(people=("nobody",)), set()),
        (MemoryFilter(start_time=NOON), {"a", "c"}),
        (MemoryFilter(end_time=NOON), {"b", "d"}),
        (MemoryFilter(start_time=NOON, end_time=NOON + HOUR), {"a"}),
        (MemoryFilter(start_time=NOON - HOUR, end_time=NOON), {"b"}),
    ],
)
async def test_filters_follow_the_one_rule(index: Index, where: MemoryFilter, expected: set[str]) -> None:
    memories = (
        memory(
            "a",
            text="cat",
            scope=Scope("u1", "", "s1"),
            symbolic=Symbolic(people=("Ann", "Cy"), entities=("Paris",)),
        ),
        memory(
            "b",
            text="cat",
            scope=Scope("u1", "g1", ""),
            kind=MemoryKind.EPISODE,
            event_time=NOON - HOUR,
            symbolic=Symbolic(people=("ANN",)),
        ),
        memory(
            "c",
            text="cat",
            scope=Scope("u2", "", "s1"),
            kind=MemoryKind.THEME,
            event_time=NOON + HOUR,
            symbolic=Symbolic(people=("Bob",)),
        ),
        memory(
            "d",
            text="cat",
            scope=Scope("u2", "g2", "s2"),
            event_time=NOON - HOUR - timedelta(microseconds=1),
            symbolic=Symbolic(entities=("Straße",)),
        ),
        memory("old", text="cat", scope=Scope("u3"), state=MemoryState.SUPERSEDED),
        memory("out", text="cat", scope=Scope("u3"), state=MemoryState.LEFT_OUT),
    )
    await store(index, HERE, *memories)
    assert await seen(index, where) == expected
    assert set(await found(index, "cat", where)) == expected
    assert {m.id for m in memories if where.matches(m)} == expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (SymbolicQuery(people=("ann",)), {"ann"}),
        (SymbolicQuery(entities=("PARIS",)), {"paris"}),
        (SymbolicQuery(people=("ann",), entities=("paris",)), {"ann", "paris"}),
        (SymbolicQuery(interval=Interval(NOON, NOON + HOUR)), {"ann", "paris", "since", "always-until"}),
        (SymbolicQuery(interval=Interval(NOON - HOUR, NOON)), {"past", "always-until"}),
        (SymbolicQuery(interval=Interval(NOON + HOUR, NOON + 2 * HOUR)), {"since", "always-until", "later"}),
        (SymbolicQuery(interval=Interval(NOON + 3 * HOUR, NOON + 4 * HOUR)), {"since", "always-until"}),
        (SymbolicQuery(interval=Interval(NOON + 9 * HOUR, NOON + 10 * HOUR)), {"since"}),
        (SymbolicQuery(people=("ann",), interval=Interval(NOON - HOUR, NOON)), {"ann", "past", "always-until"}),
        (SymbolicQuery(people=("nobody",)), set()),
    ],
)
async def test_symbolic_match_takes_any_part(index: Index, match: SymbolicQuery, expected: set[str]) -> None:
    far = NOON - timedelta(days=400)
    await store(
        index,
        HERE,
        memory("ann", symbolic=Symbolic(people=("Ann",))),
        memory("paris", symbolic=Symbolic(entities=("Paris",))),
        memory("past", event_time=NOON - HOUR),
        memory("later", event_time=far, valid_from=NOON + HOUR, valid_to=NOON + 3 * HOUR),
        memory("since", event_time=far, valid_from=NOON),
        memory("always-until", event_time=far, valid_to=NOON + 5 * HOUR),
        memory("unrelated", event_time=far),
        memory("gone", symbolic=Symbolic(people=("Ann",)), state=MemoryState.SUPERSEDED),
    )
    assert await seen(index, MemoryFilter(), match) == expected


async def test_symbolic_match_is_bounded_by_the_filter(index: Index) -> None:
    ann = Symbolic(people=("Ann",))
    await store(index, HERE, memory("mine", symbolic=ann), memory("theirs", scope=Scope("v"), symbolic=ann))
    assert await seen(index, MemoryFilter(scope=Scope("v")), SymbolicQuery(people=("ann",))) == {"theirs"}
    assert await seen(index, MemoryFilter(), SymbolicQuery()) == {"mine", "theirs"}


async def test_dense_ranking_is_that_of_brute_force_cosine(index: Index) -> None:
    random = np.random.default_rng(7)
    vectors = random.normal(size=(200, DIMENSION)).astype(np.float32)
    memories = [memory(f"m{i}") for i in range(len(vectors))]
    empty = [SparseVector((), ())] * len(vectors)
    await index.upsert(HERE, memories, vectors, empty)
    await index.upsert(STRANGER, memories, -vectors, empty)
    query = random.normal(size=DIMENSION).astype(np.float32)
    cosine = vectors @ query / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(query))
    best = np.argsort(-cosine)[:20]
    hits = await index.search_dense(HERE, query, MemoryFilter(), limit=20)
    assert [hit.memory_id for hit in hits] == [f"m{i}" for i in best]
    assert [hit.score for hit in hits] == pytest.approx(cosine[best].tolist(), abs=1e-5)


async def test_lexical_ranking_prefers_rare_terms(index: Index) -> None:
    await store(
        index,
        HERE,
        memory("rare", text="Mira adopted a ferret from the shelter"),
        *(memory(f"common{i}", text=f"Mira visited the shelter for walk number {i}") for i in range(6)),
        memory("unrelated", text="The invoice was paid"),
    )
    hits = await index.search_lexical(HERE, ENCODER.query("Who at the shelter has a ferret?"), MemoryFilter(), limit=50)
    assert hits[0].memory_id == "rare"
    assert len(hits) == 7
    assert hits[0].score > 2 * hits[1].score
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


async def test_lexical_scores_are_bm25(index: Index) -> None:
    texts = {"a": "ferret ferret cage", "b": "ferret", "c": "cage mouse mouse mouse", "d": "dog"}
    await store(index, HERE, *(memory(id_, text=text) for id_, text in texts.items()))
    hits = await index.search_lexical(HERE, ENCODER.query("ferret cage"), MemoryFilter(), limit=50)
    idf = np.log(1 + (4 - 2 + 0.5) / (2 + 0.5))

    def weight(tf: int, length: int) -> float:
        return tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / 32))

    expected = {"a": idf * (weight(2, 3) + weight(1, 3)), "b": idf * weight(1, 1), "c": idf * weight(1, 4)}
    assert {hit.memory_id: hit.score for hit in hits} == pytest.approx(expected, rel=1e-4)


async def test_reopening_keeps_everything(open_index: Opener) -> None:
    first = await open_index()
    assert first.unsure_since == schema.ALWAYS
    await first.caught_up()
    await store(first, HERE, memory("m", text="cats", symbolic=Symbolic(people=("Ann",))))
    again = await open_index()
    assert again.unsure_since is None
    assert await seen(again, MemoryFilter(people=("ann",))) == {"m"}
    assert await found(again, "cat") == ["m"]
    await again.ensure()
    assert await again.count(HERE) == 1


async def test_present_are_the_memories_of_the_space_that_have_a_point(index: Index) -> None:
    await store(index, HERE, memory("a"), memory("b"))
    await store(index, SIBLING, memory("c"))
    assert await index.present(HERE, ["b", "a", "c", "nothing"]) == {"a", "b"}
    assert await index.present(HERE, []) == set()
    await index.delete(HERE, ["a"])
    assert await index.present(HERE, ["a", "b"]) == {"b"}


async def test_another_dimension_is_refused(open_index: Opener) -> None:
    await store(await open_index(), HERE, memory("m"))
    with pytest.raises(FailedPrecondition) as refused:
        await open_index(DIMENSION + 1)
    assert refused.value.reason is Reason.INDEX_MISMATCH
    assert await (await open_index()).count(HERE) == 1


CALLS: dict[str, Callable[[Index], Awaitable[object]]] = {
    "ensure": lambda index: index.ensure(),
    "upsert": lambda index: store(index, HERE, memory("m", text="cat", valid_from=NOON)),
    "delete": lambda index: index.delete(HERE, ["m"]),
    "delete_space": lambda index: index.delete_space(HERE),
    "search_dense": lambda index: seen(index, ANY_STATE, SymbolicQuery(interval=Interval(NOON, NOON + HOUR))),
    "search_lexical": lambda index: found(index, "cat"),
    "count": lambda index: index.count(HERE),
}


@pytest.mark.parametrize("prefer_grpc", [True, False])
@pytest.mark.parametrize("call", CALLS)
async def test_unreachable_server_is_not_an_empty_result(unused_tcp_port: int, call: str, prefer_grpc: bool) -> None:
    client = AsyncQdrantClient(
        url=f"http://127.0.0.1:{unused_tcp_port}",
        grpc_port=unused_tcp_port,
        prefer_grpc=prefer_grpc,
        check_compatibility=False,
    )
    index = ServerIndex(client, "test", DIMENSION)
    with pytest.raises(Unavailable) as down:
        await CALLS[call](index)
    assert down.value.reason is Reason.INDEX_UNAVAILABLE
    assert down.value.retry_after > 0
    await index.close()


@pytest.mark.parametrize("call", [name for name in CALLS if name != "ensure"])
async def test_closed_index_is_not_an_empty_result(tmp_path: Path, call: str) -> None:
    index = EdgeIndex(tmp_path, "test", DIMENSION)
    with pytest.raises(Unavailable, match="not open"):
        await CALLS[call](index)
    await index.ensure()
    await index.close()
    await index.close()
    with pytest.raises(Unavailable, match="not open"):
        await CALLS[call](index)


async def test_vectors_of_points(index: Index) -> None:
    vectors = np.stack([unit(0), unit(3) * 2])
    await index.upsert(HERE, [memory("a"), memory("b")], vectors, [ENCODER.document("x")] * 2)
    found = await index.vectors(HERE, ["b", "a", "none"])
    assert sorted(found) == ["a", "b"]
    np.testing.assert_allclose(found["b"], unit(3), atol=1e-6)
    assert await index.vectors(SIBLING, ["a", "b"]) == await index.vectors(HERE, []) == {}


async def test_an_exact_owner_is_not_everybody(index: Index) -> None:
    await store(
        index,
        HERE,
        memory("nobody's", scope=Scope("", "bot", "s")),
        memory("ana's", scope=Scope("ana", "bot", "s")),
        memory("without agent", scope=Scope("ana", "", "s")),
    )
    assert await seen(index, MemoryFilter(scope=Scope("", "bot"))) == {"nobody's", "ana's"}
    assert await seen(index, MemoryFilter(scope=Scope("", "bot"), exact_owner=True)) == {"nobody's"}
    assert await seen(index, MemoryFilter(scope=Scope("ana", ""), exact_owner=True)) == {"without agent"}


async def test_looking_back_finds_what_was_current_then(index: Index) -> None:
    superseded: dict[str, Any] = {"state": MemoryState.SUPERSEDED, "superseded_by": "x"}
    memories = [
        memory("current"),
        memory("told later", event_time=NOON + 2 * HOUR),
        memory("ended before", **superseded, event_time=NOON - 2 * HOUR, supersede_time=NOON - HOUR),
        memory("ended after", **superseded, supersede_time=NOON + 2 * HOUR),
        memory("announced", **superseded, event_time=NOON - HOUR, supersede_time=NOON, valid_to=NOON + 2 * HOUR),
        memory("compressed again", state=MemoryState.SUPERSEDED),
        memory("left out", state=MemoryState.LEFT_OUT),
    ]
    await store(index, HERE, *memories)
    where = MemoryFilter(as_of=AsOf(NOON + HOUR, NOON + HOUR))
    expected = {"current", "ended after", "announced"}
    assert {m.id for m in memories if where.matches(m)} == await seen(index, where) == expected
    with_left_out = MemoryFilter(
        as_of=AsOf(NOON + HOUR, NOON + HOUR), states=(MemoryState.ACTIVE, MemoryState.LEFT_OUT)
    )
    assert await seen(index, with_left_out) == expected | {"left out"}
    hindsight = MemoryFilter(as_of=AsOf(NOON + HOUR, NOON + 3 * HOUR))
    assert {m.id for m in memories if hindsight.matches(m)} <= await seen(index, hindsight)
