"""Turns as the baselines return them: ranked, packed into a budget, rendered like the service's own context.

    8 May 2023:
    - Caroline: I went to the lake yesterday.

Best-ranked units are taken until nothing more fits; a header costs its tokens once, with the first unit of its date.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from memsvc.bench.conversations import Conversation, Message
from memsvc.bench.metrics import first_citations
from memsvc.bench.outcomes import Context
from memsvc.language.spans import MONTHS
from memsvc.ports import TokenCounter


@dataclass(frozen=True, slots=True)
class Unit:
    """A text that is returned whole, who said it (empty for nobody), and the turns it cites."""

    content: str
    speaker: str
    sources: tuple[str, ...]
    time: datetime

    @property
    def text(self) -> str:
        """The content with its speaker, on one line."""
        said = " ".join(self.content.split())
        return f"{self.speaker}: {said}" if self.speaker else said


def turn_units(talk: Conversation) -> list[Unit]:
    """One unit for each turn."""
    return [unit(turn) for turn in talk.turns()]


def unit(turn: Message) -> Unit:
    """The unit of a turn; a speaker without a name is called by the role."""
    return Unit(turn.content, turn.speaker or turn.role.capitalize(), (turn.turn_id,), turn.time)


class Packer:
    """Packs units of one conversation, whose sizes are counted once."""

    def __init__(self, units: Sequence[Unit], tokens: TokenCounter) -> None:
        self._units = units
        self._tokens = tokens
        self._days = [_header(unit.time) for unit in units]
        self._headers = {day: tokens.count(day + "\n") for day in set(self._days)}
        self._costs = [tokens.count(f"- {unit.text}\n") for unit in units]
        self._cheapest = min(self._costs, default=0)

    def pack(self, order: Iterable[int] | NDArray[np.intp], budget: int) -> Context:
        """Fill `budget` tokens with units, best first."""
        taken: list[int] = []
        days: set[str] = set()
        left = budget
        for i in order:
            if left < self._cheapest:
                break
            cost = self._costs[i] + (0 if self._days[i] in days else self._headers[self._days[i]])
            if cost <= left:
                left -= cost
                taken.append(int(i))
                days.add(self._days[i])
        context = self.whole(taken)
        while context.tokens > budget:  # the whole can be dearer than its parts
            context = self.whole(taken := taken[:-1])
        return context

    def whole(self, chosen: Iterable[int]) -> Context:
        """Render units whatever their size."""
        lines: list[str] = []
        shown = None
        ordered = sorted(chosen, key=lambda i: (self._units[i].time, i))
        for i in ordered:
            if self._days[i] != shown:
                shown = self._days[i]
                lines.append(shown)
            lines.append(f"- {self._units[i].text}")
        text = "\n".join(lines)
        return Context(text, first_citations(self._units[i].sources for i in ordered), self._tokens.count(text))


def _header(time: datetime) -> str:
    day = time.astimezone(UTC).date()
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}:"
