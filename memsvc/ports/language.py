"""Reading text, and asking language models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from memsvc.types import Analysis, ChatMessage, Completion, ModelPurpose, SpaceKey


class Analyzer(Protocol):
    """Text to tokens, sentences and named entities."""

    async def analyze(self, texts: Sequence[str]) -> list[Analysis]:
        """Analyse each text; one in a language without a model gets tokens and sentences, and no tags."""
        ...


class TokenCounter(Protocol):
    """Counts the tokens of a text in the tokenizer that budgets are given in."""

    def count(self, text: str) -> int:
        """Number of tokens; special tokens in the text are counted as plain text."""
        ...


class Surprisal(Protocol):
    """Self-information of words under a background model of the language."""

    def bits(self, word: str, language: str) -> float:
        """-log2 p(word), in bits; finite for unseen words."""
        ...


class ContextSurprisal(Surprisal, Protocol):
    """Self-information of words, outside of any text and within one."""

    async def within(self, texts: Sequence[str]) -> Sequence[Surprisal]:
        """Return, for each text, what words carry in it; words it does not hold carry what they do outside of it.

        Raises:
            Unavailable: the model failed or is closed.
        """
        ...


class LanguageModel(Protocol):
    """Messages to JSON of a schema."""

    @property
    def name(self) -> str:
        """Name of the model, as its provider calls it."""
        ...

    async def complete(
        self, messages: Sequence[ChatMessage], schema: Mapping[str, Any], *, max_tokens: int
    ) -> Completion:
        """Answer with an object that matches the JSON `schema`, in at most `max_tokens` of the model's tokens.

        Raises:
            ModelUnavailable: LLM_UNAVAILABLE, or ModelRateLimited; nothing was answered.
            ModelUnusable: ModelRefused, ModelMalformed or ModelTruncated; it carries its usage.
        """
        ...


class MeteredModel(Protocol):
    """A language model on account of a space: what it costs is recorded, and bounded where a budget is set."""

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    async def complete(
        self,
        space: SpaceKey,
        purpose: ModelPurpose,
        messages: Sequence[ChatMessage],
        schema: Mapping[str, Any],
        *,
        max_tokens: int,
    ) -> Completion:
        """As `LanguageModel.complete`. Also raises ModelBudgetSpent, before anything is asked."""
        ...
