"""A language model that a benchmark asks, and what was asked of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from memsvc.bootstrap.parts import language_model
from memsvc.config import Settings
from memsvc.errors import ModelUnavailable, ModelUnusable
from memsvc.ports import LanguageModel
from memsvc.types import ChatMessage, Completion, ModelPurpose, SpaceKey

PATIENCE_SECONDS = 900.0
"""With one answer of a model that is named for a benchmark: it may run on the processor that the benchmark uses too."""


@dataclass(slots=True)
class Asked:
    """Calls, those answered in no usable way among them; tokens; and seconds until the answers were there."""

    calls: int = 0
    unusable: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0


class AskedModel:
    """Implements `ports.MeteredModel` without a budget.

    One that is out of reach ends the run: figures of a model that was not asked would be those of something else.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self.asked = Asked()

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model.name

    async def complete(
        self,
        space: SpaceKey,
        purpose: ModelPurpose,
        messages: Sequence[ChatMessage],
        schema: Mapping[str, Any],
        *,
        max_tokens: int,
    ) -> Completion:
        """See `ports.MeteredModel.complete`. Raises ValueError where the model is out of reach."""
        begin = time.perf_counter()
        self.asked.calls += 1
        try:
            completion = await self._model.complete(messages, schema, max_tokens=max_tokens)
        except ModelUnusable:
            self.asked.unusable += 1
            raise
        except ModelUnavailable as error:
            raise ValueError(f"{self.name} cannot be asked: {error.message}") from error
        finally:
            self.asked.seconds += time.perf_counter() - begin
        self.asked.prompt_tokens += completion.usage.prompt_token_count
        self.asked.completion_tokens += completion.usage.completion_token_count
        return completion


def of_settings(settings: Settings) -> AskedModel:
    """The language model that the settings name. Raises ValueError where they name none."""
    if not settings.llm_model:
        raise ValueError("no language model is set: see MEMSVC_LLM_MODEL")
    return AskedModel(language_model(settings))


def named(settings: Settings, model: str, api_base: str, api_key: str) -> AskedModel:
    """A language model as litellm names it; how it is asked, the settings say."""
    asked_for = {
        "llm_model": model,
        "llm_api_base": api_base,
        "llm_api_key": SecretStr(api_key),
        "llm_timeout_seconds": PATIENCE_SECONDS,
    }
    return AskedModel(language_model(settings.model_copy(update=asked_for)))
