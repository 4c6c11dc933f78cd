"""A language model on account of a space."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import structlog

from memsvc.errors import ModelBudgetSpent, ModelUnavailable, ModelUnusable
from memsvc.ports import LanguageModel, UsageLedger
from memsvc.types import ChatMessage, Completion, ModelPurpose, SpaceKey, utc_now

log = structlog.get_logger(__name__)


class LedgerModel:
    """Implements `ports.MeteredModel`: records what each call cost, unusable answers included.

    Args:
        model: the model that answers.
        ledger: where the accounts are.
        daily_tokens: tokens in and out that a space may use in a UTC day; 0 sets no bound. Calls that are under way
            when the bound is reached end, so a day may cost a little more.
        clock: tells the day.
    """

    def __init__(
        self,
        model: LanguageModel,
        ledger: UsageLedger,
        *,
        daily_tokens: int = 0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._model = model
        self._ledger = ledger
        self._daily_tokens = daily_tokens
        self._clock = clock

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
        """As `LanguageModel.complete`. Also raises ModelBudgetSpent, before anything is asked."""
        await self._check_budget(space)
        try:
            completion = await self._model.complete(messages, schema, max_tokens=max_tokens)
        except ModelUnusable as error:
            log.warning("llm.unusable_answer", purpose=purpose, reason=error.reason, tokens=error.usage.token_count)
            await self._ledger.record(space, purpose, error.usage)
            raise
        except ModelUnavailable as error:
            log.warning("llm.unavailable", purpose=purpose, reason=error.reason, **error.metadata)
            raise
        await self._ledger.record(space, purpose, completion.usage)
        return completion

    async def _check_budget(self, space: SpaceKey) -> None:
        if not self._daily_tokens or await self._ledger.tokens_today(space) < self._daily_tokens:
            return
        now = self._clock().astimezone(UTC)
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
        raise ModelBudgetSpent(
            f"the space has used its {self._daily_tokens} tokens of the day",
            retry_after=(midnight - now).total_seconds(),
        )
