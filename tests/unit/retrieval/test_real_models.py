"""Retrieval with the real embedder and the real index."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from memsvc.language.lexical import LexicalEncoder
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.tokens import Cl100kCounter
from memsvc.retrieval.complexity import estimate_complexity
from memsvc.retrieval.question import read_question
from memsvc.retrieval.retriever import Retriever
from memsvc.types import QuerySpec, View
from memsvc.vectors.edge import EdgeIndex
from support.retrieval import SPACE, DictMemories, make_memory

TEXTS = (
    "Caroline took her kitten to the vet on 3 May 2023.",
    "Melanie ran a marathon in the rain.",
    "Melanie bought a second-hand piano.",
    "Caroline is saving money to see Japan.",
)


async def test_a_question_in_other_words_finds_its_answer(tmp_path: Path) -> None:
    memories = [make_memory(text, people=(text.split()[0],), dense_text=text.split(" ", 1)[1]) for text in TEXTS]
    embedder, index = SentenceTransformerEmbedder(device="cpu"), EdgeIndex(tmp_path / "index", "memories", 384)
    await index.ensure()
    vectors = await embedder.embed([memory.dense_text for memory in memories])
    lexical = [LexicalEncoder().document(memory.searched_text) for memory in memories]
    await index.upsert(SPACE, memories, vectors, lexical)
    retriever = Retriever(
        index=index,
        embedder=embedder,
        tokens=Cl100kCounter(),
        memories=DictMemories(memories),  # type: ignore[arg-type]  # retrieval only reads
    )
    spec = QuerySpec(text="Which instrument does Melanie own?", ask_time=datetime(2023, 6, 1, tzinfo=UTC))
    retrieval = await retriever.retrieve(SPACE, spec)
    await index.close()
    await embedder.close()
    assert retrieval.returned[0].memory == memories[2]
    assert retrieval.plan.symbolic.people == ("Melanie",)
    assert {report.view for report in retrieval.views} == set(View)


@pytest.mark.parametrize(
    ("simple", "hard"),
    [
        ("Where does Ann work?", "Which jobs has Ann had since she left university, and why did she change them?"),
        ("When did Bo call?", "How many times did Ann and Bo call each other before the wedding?"),
        ("What is Ann's dog called?", "Would Ann likely enjoy the same sports as Bo, based on what she said?"),
        ("Wann hat Bo angerufen?", "Welche Städte hat Anna besucht, seit Petra und Karl nach Köln gezogen sind?"),
    ],
)
def test_hard_questions_score_above_simple_ones(simple: str, hard: str) -> None:
    low, high = (estimate_complexity(read_question(text)).score for text in (simple, hard))
    assert high > low + 0.2
