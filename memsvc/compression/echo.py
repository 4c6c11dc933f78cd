"""Sentences that repeat what was told before: an assistant says again what it recalled, a user pastes it back.

An echo is known by its content words: all of them, and most pairs of neighbours among them, stand in one sentence that
was told before, and neither denies where the other does not. A single other word may be the new value ("on Saturday"
for "on Friday"). An echo adds no memory. Somebody who says again
what they said themselves does mean it, so a user's words are an echo only where they are framed as what memory told.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from itertools import pairwise

from memsvc.compression.pieces import Piece
from memsvc.compression.reading import Reading
from memsvc.language.splitting import sentence_ranges
from memsvc.language.words import STOP_WORDS, tokenize
from memsvc.types import Role

REPEATED = 0.7
"""Share of the pairs of neighbouring content words that one earlier sentence must have; a judgement."""
FEWEST_WORDS = 3
"""Content words of an echo: shorter sentences are said alike by chance."""
MOST_SENTENCES = 64
"""The latest sentences that a pair is looked up in: more share one only where they say much alike."""

_RECALLING = """
remember remembered recall recalled told tell tells say said says mention mentioned note noted know knew see got saved
stored memory memories earlier previously last time according context record recorded understood correct right gave
given search found assistant far gesagt erzählt erwähnt erinnere dijiste contaste mencionaste recuerdo dit raconté
mentionné rappelle detto raccontato ricordo disse contou lembro gezegd verteld herinner сказал сказала говорил говорила
помню
"""
_RECALLING_WORDS = frozenset(_RECALLING.split())
"""Words that an echo is introduced with, in the commonest languages."""
_RECALLING_UNSPACED = re.compile("[你您]?(?:跟我|对我)?(?:告诉过?我?|说过?|提到过?|提过)|我?记得|覚えて|言って|話して")
"""The same where words have no blanks between them."""
_NEGATION = re.compile(r"\b(?:no|not|never|none|nobody|nothing|without|cannot|\w+n['’]t)\b|不|没|ない", re.IGNORECASE)
_FRAME = re.compile(
    r"^[ \t]*[-*•] [^\n:]{1,60}: |\[[^\[\]\n]{3,40}\d{4}\]|\b(?:you|memory|assistant|it) (?:told|gave|said|remember\w*|"
    r"wrote|returned|has|have)\b|\b(?:from|in|of) (?:your |the |my )?memor(?:y|ies)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""How text that memory told looks when it is pasted: its labels and dates, or words that say where it is from."""

_Pair = tuple[str, str]


class Told:
    """Sentences that were told before, by the pairs of neighbouring content words in them. Questions tell nothing."""

    def __init__(self) -> None:
        self._by_pair: defaultdict[_Pair, deque[int]] = defaultdict(lambda: deque(maxlen=MOST_SENTENCES))
        self._denies: list[bool] = []
        self._words: list[frozenset[str]] = []

    def add(self, text: str) -> None:
        """Remember the sentences of a text."""
        for start, end in sentence_ranges(text):
            sentence = text[start:end]
            if sentence.endswith(("?", "？", "؟")):
                continue
            words = _content(sentence)
            for pair in _pairs(words):
                self._by_pair[pair].append(len(self._denies))
            self._denies.append(_NEGATION.search(sentence) is not None)
            self._words.append(frozenset(words))

    def repeats(self, sentence: str) -> bool:
        """Whether one sentence that was told before says the same in the same words."""
        words = _content(sentence)
        if len(words) < FEWEST_WORDS:
            return False
        pairs, counts = _pairs(words), defaultdict[int, int](int)
        for pair in pairs:
            for number in self._by_pair.get(pair, ()):
                counts[number] += 1
        denies = _NEGATION.search(sentence) is not None
        return any(
            count >= REPEATED * len(pairs) and self._denies[i] == denies and self._words[i].issuperset(words)
            for i, count in counts.items()
        )


def told_before(texts: Iterable[str]) -> Told:
    """What memories told, by their texts."""
    told = Told()
    for text in texts:
        told.add(text)
    return told


def echoes(reading: Reading, told: Told) -> frozenset[Piece]:
    """The pieces of a turn that repeat what was told."""
    if reading.turn.role is Role.USER and not _FRAME.search(reading.turn.content):
        return frozenset()
    content = reading.turn.content
    return frozenset(
        piece for piece in reading.pieces if not piece.is_question(content) and told.repeats(piece.text(content))
    )


def _content(text: str) -> list[str]:
    words = (word for word in tokenize(_RECALLING_UNSPACED.sub(" ", text)) if word not in STOP_WORDS)
    return [word for word in words if word not in _RECALLING_WORDS]


def _pairs(words: Sequence[str]) -> set[_Pair]:
    return set(pairwise(words))
