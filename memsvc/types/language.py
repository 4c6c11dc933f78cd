"""Text as it is read: tokens, names and times; and what is said to a language model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ModelPurpose(StrEnum):
    """What a language model was called for."""

    COMPRESS = "compress"
    PLAN = "plan"
    ASK = "ask"
    CONSOLIDATE = "consolidate"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message to a language model."""

    role: str
    """`system` or `user`."""
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """What calls of a language model cost. Tokens are the model's own, as its endpoint reports them."""

    call_count: int = 0
    prompt_token_count: int = 0
    completion_token_count: int = 0
    cost_usd: float = 0.0
    unpriced_call_count: int = 0
    """Calls of a model without a known price; they add nothing to `cost_usd`."""

    @property
    def token_count(self) -> int:
        """Tokens in and out."""
        return self.prompt_token_count + self.completion_token_count


@dataclass(frozen=True, slots=True)
class Completion:
    """A language model's answer: JSON of the schema that was asked for, and what it cost."""

    value: dict[str, Any]
    usage: ModelUsage


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open span of time [start, end), aware UTC."""

    start: datetime
    end: datetime


class NameKind(StrEnum):
    """What bears a name."""

    PERSON = "person"
    PLACE = "place"
    ENTITY = "entity"
    """An organisation, product, work or event, and what could not be told."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it stands in a text: half-open character span, without title or possessive ending."""

    text: str
    start: int
    end: int
    kind: NameKind


@dataclass(frozen=True, slots=True)
class Token:
    """One word or punctuation mark of an analysed text; tag sets are Universal (pos) and Penn (tag)."""

    text: str
    lemma: str
    pos: str
    tag: str
    dep: str
    head: int
    """Index of the syntactic head within the analysis; its own index for a root."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class EntitySpan:
    """A named entity: OntoNotes label and half-open character span."""

    text: str
    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """Linguistic analysis of one text. `sentences` are half-open token index ranges."""

    text: str
    language: str
    tokens: tuple[Token, ...]
    sentences: tuple[tuple[int, int], ...]
    entities: tuple[EntitySpan, ...]
