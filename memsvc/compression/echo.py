"""Sentences that repeat what was told before: an assistant says again what it recalled, a user pastes it back.

An echo says the same words in the same order as one sentence that was told before, or as a part of it; only articles,
pronouns and forms of "be", "have" and "do" may differ. Neither denies where the other does not, and what is left out
does not weaken what is said ("if", "only", "some", "I doubt"). A single other word may be the new value ("on Saturday"
for "on Friday", "after" for "before"). An echo adds no memory. Somebody who says again what they said themselves does
mean it, so a user's words are an echo only where they are framed as what memory told.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import pairwise

from memsvc.compression.pieces import Piece, begins_asking
from memsvc.compression.reading import Reading
from memsvc.language.splitting import sentence_ranges
from memsvc.language.words import STOP_WORDS, tokenize
from memsvc.types import Role

FEWEST_WORDS = 3
"""Content words of an echo: shorter sentences are said alike by chance."""
MOST_WORDS = 200
"""Words of a sentence that is compared: bounds the time. A longer one is no sentence that somebody says again."""
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
_INTRODUCTION = re.compile(r"[^:：\n]{1,60}[:：]\s")
_NEGATION = re.compile(r"\b(?:no|not|never|none|nobody|nothing|without|cannot|\w+n['’]t)\b|不|没|ない", re.IGNORECASE)
_FRAME = re.compile(
    r"^[ \t]*[-*•] [^\n:]{1,60}: |\[[^\[\]\n]{3,40}\d{4}\]|\b(?:you|memory|assistant|it) (?:told|said|remember\w*|"
    r"wrote|returned)\b|\b(?:you|memory|assistant) gave me\b|\b(?:from|in|of) (?:your |the |my )?memor(?:y|ies)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""How text that memory told looks when it is pasted: its labels and dates, or words that say where it is from."""

_NEUTRAL_WORDS = """
a an the this that these those i me my mine myself we us our ours ourselves you your yours yourself yourselves
he him his himself she her hers herself it its itself they them their theirs themselves am is are was were be
been being have has had do does did as so and just very too also
"""
_NEUTRAL = frozenset(_NEUTRAL_WORDS.split())
"""Words that may differ between what was told and its echo, which is said by somebody else."""
_NEUTRAL_TAILS = frozenset({"m", "re", "s", "ve"})
"""Of "I'm", "you've"; "'ll" and "'d" say something."""
_WEAKENING_WORDS = """
if unless only could might would should may must can some few many most all both either less more hardly rarely
seldom almost nearly maybe perhaps possibly probably doubt doubts think thinks believe believes hope hopes
wonder wonders consider used wants want whether until before after except
"""
_WEAKENING = frozenset(_WEAKENING_WORDS.split())
"""Words that what is said depends on: a part of a sentence beside one of them says something else."""

_Pair = tuple[str, str]


class Told:
    """Sentences that were told before, by the pairs of neighbouring words in them. Questions tell nothing."""

    def __init__(self) -> None:
        self._by_pair: defaultdict[_Pair, deque[int]] = defaultdict(lambda: deque(maxlen=MOST_SENTENCES))
        self._denies: list[bool] = []
        self._words: list[list[str]] = []

    def add(self, text: str) -> None:
        """Remember the sentences of a text."""
        for start, end in sentence_ranges(text):
            sentence = text[start:end]
            if sentence.endswith(("?", "？", "؟")) or begins_asking(_INTRODUCTION.sub("", sentence, count=1)):
                continue
            words = _telling(sentence)
            if len(words) > MOST_WORDS:
                continue
            for pair in set(pairwise(words)):
                self._by_pair[pair].append(len(self._denies))
            self._denies.append(_NEGATION.search(sentence) is not None)
            self._words.append(words)

    def repeats(self, sentence: str) -> bool:
        """Whether one sentence that was told before says the same in the same words."""
        words = _telling(sentence)
        if len(words) > MOST_WORDS or sum(word not in STOP_WORDS for word in words) < FEWEST_WORDS:
            return False
        denies = _NEGATION.search(sentence) is not None
        numbers = self._by_pair.get((words[0], words[1]), ())
        return any(self._denies[i] == denies and _is_part(words, self._words[i]) for i in numbers)


def _is_part(words: list[str], told: list[str]) -> bool:
    """Whether words stand in what was told one after the other, and nothing beside them weakens them."""
    count = len(words)
    weak = [i for i, word in enumerate(told) if word in _WEAKENING]
    starts = (i for i in range(len(told) - count + 1) if told[i] == words[0] and told[i : i + count] == words)
    return any(not weak or (i <= weak[0] and weak[-1] < i + count) for i in starts)


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


def _telling(text: str) -> list[str]:
    """The words that say something, in order, without an introduction that says where the rest is from."""
    head = _INTRODUCTION.match(text)
    if head and not _RECALLING_WORDS.isdisjoint(tokenize(head.group())):
        text = text[head.end() :]
    words = (_without_person(word) for word in tokenize(_RECALLING_UNSPACED.sub(" ", text)))
    return [word for word in words if word and word not in _NEUTRAL and word not in _RECALLING_WORDS]


def _without_person(word: str) -> str:
    """What "you'll" says beside "you"; other words as they are."""
    head, _, tail = word.partition("'")
    if not tail or head not in _NEUTRAL:
        return word
    return "" if tail in _NEUTRAL_TAILS else tail
