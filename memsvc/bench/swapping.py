"""Questions that nothing answers, made from those that something does: the same, asked about another speaker.

What one speaker told is seldom true of another as well, so these are the closest to an answer that a question without
one can come: every word of it is in memory, said by somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from memsvc.bench.conversations import Conversation, Question


def asked_of_others(talk: Conversation) -> Iterator[Question]:
    """Each answerable question that names one speaker, with the next speaker's name in its place."""
    names = sorted({turn.speaker for turn in talk.turns() if turn.speaker.strip()})
    called = {name: re.compile(rf"\b(?:{re.escape(name)}|{re.escape(name.split()[0])})\b") for name in names}
    for question in talk.questions:
        named = [name for name in names if called[name].search(question.text)]
        if question.answerable and len(named) == 1 and len(names) > 1:
            other = names[(names.index(named[0]) + 1) % len(names)]
            text = other.split()[0].join(called[named[0]].split(question.text))
            yield replace(question, text=text, answerable=False, answer="", evidence=())
