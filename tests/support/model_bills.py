"""Who pays for a language model in tests."""

from __future__ import annotations

from dataclasses import dataclass, field

from memsvc.types import ModelPurpose, ModelUsage, SpaceKey


@dataclass
class ModelBills:
    """Keeps the bills, which must all be of one space and one purpose."""

    space: SpaceKey
    purpose: ModelPurpose
    bills: list[ModelUsage] = field(default_factory=list)

    async def record(self, space: SpaceKey, purpose: ModelPurpose, usage: ModelUsage) -> None:
        assert (space, purpose) == (self.space, self.purpose)
        self.bills.append(usage)

    async def tokens_today(self, space: SpaceKey) -> int:
        return sum(bill.token_count for bill in self.bills)
