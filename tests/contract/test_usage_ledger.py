"""What language models cost each space."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from memsvc.errors import ModelBudgetSpent, ModelMalformed, ModelUnavailable
from memsvc.models.metered import LedgerModel
from memsvc.storage.usage import SqlUsageLedger
from memsvc.types import ChatMessage, Completion, ModelPurpose, ModelUsage, SpaceKey
from support.storage import OTHER_TENANT, SPACE

if TYPE_CHECKING:
    from contract.conftest import Stores

USAGE = ModelUsage(
    call_count=1, prompt_token_count=100, completion_token_count=20, cost_usd=0.25, unpriced_call_count=1
)


class OneModel:
    """Answers nothing much, or fails as told."""

    name = "one"

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.calls = 0

    async def complete(self, messages: Sequence[ChatMessage], schema: Any, *, max_tokens: int) -> Completion:
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        return Completion({}, USAGE)


def metered(stores: Stores, model: OneModel, budget: int = 0) -> LedgerModel:
    ledger = SqlUsageLedger(stores.database, stores.clock)
    return LedgerModel(model, ledger, daily_tokens=budget, clock=stores.clock)


async def ask(model: LedgerModel, space: SpaceKey = SPACE, purpose: ModelPurpose = ModelPurpose.ASK) -> None:
    await model.complete(space, purpose, (), {}, max_tokens=1)


async def usage(stores: Stores, space: SpaceKey = SPACE) -> ModelUsage:
    return (await stores.spaces.stats(space)).llm


async def test_costs_add_up_over_purposes_and_days_in_their_own_space(stores: Stores) -> None:
    model = metered(stores, OneModel())
    await asyncio.gather(*(ask(model, purpose=purpose) for purpose in ModelPurpose for _ in range(4)))
    stores.clock.advance(timedelta(days=1).total_seconds())
    await ask(model)
    calls = 4 * len(ModelPurpose) + 1
    assert await usage(stores) == ModelUsage(
        call_count=calls,
        prompt_token_count=100 * calls,
        completion_token_count=20 * calls,
        cost_usd=0.25 * calls,
        unpriced_call_count=calls,
    )
    assert await usage(stores, OTHER_TENANT) == ModelUsage()


async def test_unusable_answers_cost_and_failures_do_not(stores: Stores) -> None:
    with pytest.raises(ModelMalformed):
        await ask(metered(stores, OneModel(ModelMalformed("no JSON", usage=USAGE))))
    with pytest.raises(ModelUnavailable):
        await ask(metered(stores, OneModel(ModelUnavailable("down"))))
    assert await usage(stores) == USAGE


async def test_a_spent_budget_refuses_until_midnight(stores: Stores) -> None:
    inner = OneModel()
    model = metered(stores, inner, budget=200)
    await ask(model)
    await ask(model)
    with pytest.raises(ModelBudgetSpent) as caught:
        await ask(model)
    assert inner.calls == 2
    await ask(model, OTHER_TENANT)
    stores.clock.advance(caught.value.retry_after - 1)
    with pytest.raises(ModelBudgetSpent):
        await ask(model)
    stores.clock.advance(1)
    await ask(model)


async def test_the_account_goes_with_its_space_and_a_late_bill_is_dropped(stores: Stores) -> None:
    key = SpaceKey(SPACE.tenant, "short")
    await stores.spaces.create(key, "")
    await ask(metered(stores, OneModel()), key)
    await stores.spaces.delete(key, force=True)
    await ask(metered(stores, OneModel()), key)
    await stores.spaces.create(key, "")
    assert await usage(stores, key) == ModelUsage()
