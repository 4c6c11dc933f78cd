"""Conversations as an encoder is trained on them: what the service's dense view embeds, and the questions about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from memsvc.bench.conversations import Conversation, as_turn
from memsvc.language.detection import detect
from memsvc.language.names import find_names
from memsvc.ports import Compressor
from memsvc.retrieval.names import question_names, without_people
from memsvc.types import PendingTurns, Scope, SpaceKey

_SPACE = SpaceKey("bench", "encoder")


@dataclass(frozen=True, slots=True)
class Query:
    """A question as retrieval embeds it, without the people it names, and the passages that answer it."""

    text: str
    relevant: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation: the texts of its memories, in order, and the queries that one of them answers at least."""

    id: str
    language: str
    passages: tuple[str, ...]
    queries: tuple[Query, ...]


async def talks(conversations: Sequence[Conversation], compressor: Compressor) -> AsyncIterator[Talk]:
    """Compress each conversation, session by session, as the service does; those without a query are left out."""
    for conversation in conversations:
        talk = await _talk(conversation, compressor)
        if talk.queries:
            yield talk


async def _talk(conversation: Conversation, compressor: Compressor) -> Talk:
    passages: list[str] = []
    told: list[str] = []
    sources: list[frozenset[str]] = []
    for session, messages in conversation.sessions.items():
        scope = Scope(conversation.id, "", session)
        pending = tuple(as_turn(message, scope) for message in messages)
        made = await compressor.compress(_SPACE, PendingTurns((), pending, frozenset()))
        for memory in made.memories:
            passages.append(memory.dense_text)
            told.append(memory.sources[0].turn_id)
            sources.append(frozenset(ref.turn_id for ref in memory.sources))
    queries = []
    for question in conversation.questions:
        evidence = frozenset(question.evidence)
        # A question that is told with its answer is the evidence of both turns; what tells the turn itself comes first.
        relevant = [i for i, turn in enumerate(told) if turn in evidence]
        relevant = relevant or [i for i, turns in enumerate(sources) if turns & evidence]
        if relevant:
            queries.append(Query(_query(question.text), tuple(relevant)))
    return Talk(conversation.id, conversation.language, tuple(passages), tuple(queries))


def _query(text: str) -> str:
    return without_people(text, question_names(find_names(text, detect(text))))
