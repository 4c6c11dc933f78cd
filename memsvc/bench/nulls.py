"""Whose answer a question is scored against to learn how much chance alone gives."""

from __future__ import annotations

import random
from collections.abc import Sequence

from memsvc.bench.conversations import Conversation, Question


def null_answers(talks: Sequence[Conversation], seed: int) -> dict[tuple[str, str, str], str]:
    """For every question with an answer, the different answer of another question, drawn with `seed`.

    It is of the same conversation and category; where there is none, of the same conversation; else of the same
    category; else of any question. Without a different answer at all, the question has none. Keys are `null_key`.
    """
    pool = [(talk, question) for talk in talks for question in talk.questions if question.answer]
    chosen = {}
    for talk, question in pool:
        drawn = random.Random(f"{seed}:{talk.id}:{question.text}")  # noqa: S311 - a draw, not a secret
        if others := _candidates(pool, talk, question):
            chosen[null_key(talk, question)] = drawn.choice(others)
    return chosen


def null_key(talk: Conversation, question: Question) -> tuple[str, str, str]:
    """Names a question in `null_answers`."""
    return talk.id, question.category, question.text


def _candidates(pool: Sequence[tuple[Conversation, Question]], talk: Conversation, question: Question) -> list[str]:
    tiers: list[list[str]] = [[], [], [], []]
    for other_talk, other in pool:
        if other.answer != question.answer:
            tier = 2 * (other_talk.id != talk.id) + (other.category != question.category)
            tiers[tier].append(other.answer)
    return next((tier for tier in tiers if tier), [])
