from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memsvc.errors import DeadlineExceeded, Reason, Unavailable
from memsvc.models.tokens import Cl100kCounter
from memsvc.ports import Embedder, Vectors
from memsvc.retrieval.fallback import PAGE, LexicalFallback
from memsvc.retrieval.retriever import Retriever
from memsvc.types import (
    Degradation,
    HitOutcome,
    MemoryFilter,
    MemoryState,
    QuerySpec,
    Retrieval,
    Scope,
    SpaceKey,
    View,
    WarningCode,
)
from memsvc.vectors.edge import EdgeIndex
from support.retrieval import (
    SPACE,
    DictMemories,
    FailingEmbedder,
    HashingEmbedder,
    ObservedIndex,
    fill,
    make_memory,
)

MAY_8 = datetime(2023, 5, 8, 12, tzinfo=UTC)
ASK_TIME = datetime(2023, 6, 1, tzinfo=UTC)
TOKENS = Cl100kCounter()
DOWN = Unavailable("the index is down")

MEMORIES = [
    make_memory("Ann adopted a grey cat from the shelter.", day=MAY_8, people=("Ann",)),
    make_memory("Bo repaired the bicycle of his neighbour.", day=MAY_8, people=("Bo",)),
    make_memory("Ann paints landscapes at the lake.", day=MAY_8 + timedelta(days=1), people=("Ann",)),
    make_memory("Bo is learning to play the violin.", day=MAY_8 + timedelta(days=2), people=("Bo",)),
    make_memory("Bo adopted a dog.", day=MAY_8 + timedelta(days=3), people=("Bo",), scope=Scope(user_id="bo")),
]
CAT, BICYCLE, PAINTING, VIOLIN, DOG = MEMORIES


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[ObservedIndex]:
    edge = EdgeIndex(tmp_path / "index", "memories", HashingEmbedder.dimension)
    await edge.ensure()
    await fill(edge, MEMORIES)
    yield ObservedIndex(edge)
    await edge.close()


def make_retriever(
    index: ObservedIndex,
    *,
    memories: DictMemories | None = None,
    embedder: Embedder | None = None,
    fallback: LexicalFallback | None = None,
) -> Retriever:
    return Retriever(
        index=index,  # type: ignore[arg-type]  # retrieval only searches
        embedder=embedder or HashingEmbedder(),
        tokens=TOKENS,
        memories=memories or DictMemories(MEMORIES),  # type: ignore[arg-type]  # retrieval only reads
        fallback=fallback,
    )


async def ask(
    index: ObservedIndex,
    text: str,
    *,
    memories: DictMemories | None = None,
    embedder: Embedder | None = None,
    fallback: LexicalFallback | None = None,
    space: SpaceKey = SPACE,
    **fields: object,
) -> Retrieval:
    spec = QuerySpec(text=text, ask_time=ASK_TIME, **fields)  # type: ignore[arg-type]  # a test's arguments
    retriever = make_retriever(index, memories=memories, embedder=embedder, fallback=fallback)
    return await retriever.retrieve(space, spec)


def errors_of(retrieval: Retrieval) -> dict[View, str]:
    return {report.view: report.error.reason for report in retrieval.views if report.error}


async def test_the_best_memory_comes_first_and_is_rendered(index: ObservedIndex) -> None:
    retrieval = await ask(index, "Which cat did Ann adopt?")
    assert retrieval.returned[0].memory == CAT
    assert f"8 May 2023:\n- {CAT.text}" in retrieval.context
    assert retrieval.token_count == TOKENS.count(retrieval.context) <= retrieval.plan.max_tokens
    assert {report.view for report in retrieval.views} == set(View)
    assert not errors_of(retrieval)


async def test_no_candidate_is_lost(index: ObservedIndex) -> None:
    retrieval = await ask(index, "What did Ann adopt?", depth=1)
    assert {hit.memory_id for hit in retrieval.hits} == {memory.id for memory in MEMORIES}
    assert [hit.outcome for hit in retrieval.hits].count(HitOutcome.RETURNED) == 1
    assert sum(report.candidate_count for report in retrieval.views) == sum(
        len(hit.view_scores) for hit in retrieval.hits
    )


async def test_the_symbolic_view_is_skipped_when_the_question_names_nothing(index: ObservedIndex) -> None:
    retrieval = await ask(index, "who plays the violin?")
    assert {report.view for report in retrieval.views} == {View.DENSE, View.LEXICAL}
    assert retrieval.returned[0].memory == VIOLIN


async def test_the_symbolic_view_holds_only_what_matches(index: ObservedIndex) -> None:
    retrieval = await ask(index, "What does Ann do?")
    matched = {hit.memory_id for hit in retrieval.hits if View.SYMBOLIC in {score.view for score in hit.view_scores}}
    assert matched == {CAT.id, PAINTING.id}


async def test_the_same_question_gets_the_same_answer(index: ObservedIndex) -> None:
    first, second = await ask(index, "What did Bo repair?"), await ask(index, "What did Bo repair?")
    assert (first.hits, first.context) == (second.hits, second.context)


@pytest.mark.parametrize("broken", list(View))
async def test_a_failing_view_is_reported_and_hides_no_other(index: ObservedIndex, broken: View) -> None:
    index.errors = {broken.value: DOWN}
    retrieval = await ask(index, "Which cat did Ann adopt?")
    assert errors_of(retrieval) == {broken: Reason.INDEX_UNAVAILABLE}
    assert retrieval.returned[0].memory == CAT


async def test_without_an_embedder_the_lexical_view_answers(index: ObservedIndex) -> None:
    embedder = FailingEmbedder(Unavailable("no model", reason=Reason.EMBEDDER_UNAVAILABLE))
    retrieval = await ask(index, "Which cat did Ann adopt?", embedder=embedder)
    assert errors_of(retrieval) == dict.fromkeys((View.DENSE, View.SYMBOLIC), Reason.EMBEDDER_UNAVAILABLE)
    assert retrieval.returned[0].memory == CAT


async def test_all_views_failing_is_an_error_and_not_an_empty_answer(index: ObservedIndex) -> None:
    index.errors = dict.fromkeys(View, DOWN)
    with pytest.raises(Unavailable) as caught:
        await ask(index, "Which cat did Ann adopt?")
    assert caught.value.reason is Reason.ALL_VIEWS_FAILED
    assert caught.value.metadata == dict.fromkeys(View, Reason.INDEX_UNAVAILABLE)
    assert caught.value.retry_after == DOWN.retry_after


async def test_without_the_index_sql_answers_by_words_and_says_so(index: ObservedIndex) -> None:
    found = await ask(index, "Which cat did Ann adopt?")
    assert found.degradation is None
    index.errors = dict.fromkeys(View, DOWN)
    fallback = LexicalFallback(DictMemories(MEMORIES))  # type: ignore[arg-type]  # it only lists
    found = await ask(index, "Which cat did Ann adopt?", fallback=fallback)
    assert found.degradation is Degradation.LEXICAL_FROM_SQL
    assert found.returned[0].memory == CAT
    assert errors_of(found) == dict.fromkeys(View, Reason.INDEX_UNAVAILABLE)
    assert {report.view: report.candidate_count for report in found.views} == {
        View.DENSE: 0,
        View.LEXICAL: 3,  # of Ann, or about an adoption
        View.SYMBOLIC: 0,
    }


async def test_memories_that_there_was_no_time_for_are_told(index: ObservedIndex) -> None:
    index.errors = dict.fromkeys(View, DOWN)
    many = [*MEMORIES, *(make_memory(f"Invoice {number} was paid.") for number in range(PAGE))]
    for seconds, degradation in ((0.0, Degradation.NEWEST_FROM_SQL), (60.0, Degradation.LEXICAL_FROM_SQL)):
        fallback = LexicalFallback(DictMemories(many), seconds=seconds)  # type: ignore[arg-type]  # it only lists
        found = await ask(index, "Which cat did Ann adopt?", memories=DictMemories(many), fallback=fallback)
        assert found.degradation is degradation
        assert [hit.memory for hit in found.returned[:1]] == ([] if seconds == 0.0 else [CAT])


async def test_without_the_index_filters_and_spaces_hold(index: ObservedIndex) -> None:
    index.errors = dict.fromkeys(View, DOWN)
    fallback = LexicalFallback(DictMemories(MEMORIES))  # type: ignore[arg-type]  # it only lists
    bo = await ask(index, "Who adopted?", fallback=fallback, where=MemoryFilter(scope=Scope(user_id="bo")))
    assert [hit.memory for hit in bo.returned] == [DOG]
    elsewhere = await ask(index, "Who adopted?", fallback=fallback, space=SpaceKey("globex", "support"))
    assert (elsewhere.returned, elsewhere.degradation) == ((), Degradation.LEXICAL_FROM_SQL)


async def test_one_view_that_failed_is_a_degraded_answer(index: ObservedIndex) -> None:
    index.errors = {"dense": DOWN}
    fallback = LexicalFallback(DictMemories([]))  # type: ignore[arg-type]  # it only lists
    found = await ask(index, "Which cat did Ann adopt?", fallback=fallback)
    assert found.degradation is Degradation.VIEWS_FAILED
    assert found.returned[0].memory == CAT


async def test_a_deadline_is_no_failed_view(index: ObservedIndex) -> None:
    index.errors = {"lexical": DeadlineExceeded("too late")}
    with pytest.raises(DeadlineExceeded):
        await ask(index, "Which cat did Ann adopt?")


class EnglishEmbedder(HashingEmbedder):
    """Knows English alone."""

    languages = frozenset({"en"})


async def test_an_answer_warns_of_a_language_that_the_embedder_does_not_know(index: ObservedIndex) -> None:
    german = await ask(index, "Welche Katze hat Ann aufgenommen?", embedder=EnglishEmbedder())
    assert [warning.code for warning in german.warnings] == [WarningCode.EMBEDDER_LANGUAGE]
    assert german.degradation is None
    english = await ask(index, "Which cat did Ann adopt?", embedder=EnglishEmbedder())
    assert english.warnings == ()


class StuckEmbedder(HashingEmbedder):
    """Never answers; remembers that it was cancelled."""

    def __init__(self) -> None:
        self.cancelled = False

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return await super().embed(texts)


async def test_a_deadline_in_one_view_stops_the_embedding(index: ObservedIndex) -> None:
    index.errors = {"lexical": DeadlineExceeded("too late")}
    embedder = StuckEmbedder()
    with pytest.raises(DeadlineExceeded):
        await ask(index, "Which cat did Ann adopt?", embedder=embedder)
    await asyncio.sleep(0)
    assert embedder.cancelled


async def test_cancellation_reaches_every_part(index: ObservedIndex) -> None:
    embedder = StuckEmbedder()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(index, "Which cat did Ann adopt?", embedder=embedder), 0.05)
    assert embedder.cancelled


async def test_filters_reach_every_view(index: ObservedIndex) -> None:
    where = MemoryFilter(scope=Scope(user_id="bo"), end_time=ASK_TIME)
    retrieval = await ask(index, "What did Bo adopt?", where=where)
    assert index.filters == {view.value: where for view in View}
    assert [hit.memory for hit in retrieval.hits] == [DOG]


async def test_another_space_sees_nothing(index: ObservedIndex) -> None:
    retrieval = await ask(index, "Which cat did Ann adopt?", space=SpaceKey("other", "support"))
    assert (retrieval.hits, retrieval.context, retrieval.token_count) == ((), "", 0)


async def test_what_the_store_no_longer_confirms_is_stale(index: ObservedIndex) -> None:
    deleted = replace(CAT, state=MemoryState.DELETED)
    memories = DictMemories([deleted, BICYCLE, VIOLIN, DOG])
    retrieval = await ask(index, "What does Ann do?", memories=memories)
    stale = {hit.memory_id: hit.memory for hit in retrieval.hits if hit.outcome is HitOutcome.STALE}
    assert stale == {CAT.id: deleted, PAINTING.id: None}
    assert "Ann" not in retrieval.context


async def test_a_complex_question_gets_more(index: ObservedIndex) -> None:
    simple = await ask(index, "who paints?")
    hard = await ask(index, "How often did Ann and Bo both adopt pets before they would have moved, and why?")
    assert simple.complexity.score < hard.complexity.score
    assert simple.plan.depth < hard.plan.depth
    assert simple.plan.max_tokens < hard.plan.max_tokens


async def test_a_question_of_stop_words_only_is_answered_by_the_dense_view(index: ObservedIndex) -> None:
    retrieval = await ask(index, "what is that?")
    assert not errors_of(retrieval)
    assert len(retrieval.hits) == len(MEMORIES)
