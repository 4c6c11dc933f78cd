"""Fills a token budget with the best candidates, best first, counted on the text exactly as it is rendered.

    8 May 2023:
    - Caroline went to the lake on 7 May 2023.
    - ...

One header per date, that of the speaker's clock, or of the question's where that is unknown; dates and what stands
under them are in chronological order. A header costs its tokens once, with the first memory of its date. The further
lines of a memory are indented, so that no text can pose as a header or as another memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, tzinfo

from memsvc.language.words import STOP_WORDS, tokenize
from memsvc.ports import TokenCounter
from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.plan import ALWAYS_TOKENS
from memsvc.types import Hit, HitOutcome, Memory, MemoryFilter

SAME_STATEMENT = 0.8
"""Share of a better statement's words from which a statement that adds no word to it is its duplicate."""
FULL = 3
FULL_TOKENS = 160
"""At least `FULL` memories are told in full, and one more for each so many tokens of a fixed budget."""
NEWER = "[newer below]"
"""Stands behind a memory that one further down in the context renews."""
_TOLD = 4
"""Signals that a reason names."""
_ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True, slots=True)
class Packing:
    """Every candidate with its outcome, best first, and the rendered context with its exact token count."""

    hits: tuple[Hit, ...]
    context: str
    token_count: int


@dataclass(frozen=True, slots=True)
class _Verdict:
    outcome: HitOutcome
    reason: str


_UNLIKELY = _Verdict(HitOutcome.BELOW_CONFIDENCE, "memory is not expected to hold an answer")


def pack(
    candidates: Sequence[Candidate],
    *,
    where: MemoryFilter,
    depth: int,
    max_tokens: int,
    tokens: TokenCounter,
    window: float | None = None,
    excerpt: Callable[[Memory], Memory] | None = None,
    zone: tzinfo = UTC,
    renewed_by: Mapping[str, str] | None = None,
    unhindered: int = ALWAYS_TOKENS,
    confident: bool = True,
) -> Packing:
    """Choose from `candidates`, which are ordered best first; the context never exceeds `max_tokens`.

    With a `window`, memories that score further than that below the best are returned only while fewer than
    `unhindered` tokens are used; it narrows as tokens are used, to nothing at `max_tokens`. With an `excerpt`, memories
    beyond the best few are told as it returns them; without, all are told in full. `zone` is the clock of memories
    without one. `renewed_by` holds, by a memory's id, that of a newer one about the same thing: where both are told,
    the older one says so. Nothing is returned unless `confident`.
    """
    packer = _Packer(where, depth, max_tokens, tokens, window, excerpt, zone, renewed_by or {}, unhindered)
    verdicts = [packer.judge(candidate) if confident else _UNLIKELY for candidate in candidates]
    context, token_count, dropped = packer.finish()
    late = _Verdict(HitOutcome.OVER_BUDGET, f"the rendered context would exceed {max_tokens} tokens")
    hits = tuple(
        _hit(candidate, late if candidate.memory_id in dropped else verdict)
        for candidate, verdict in zip(candidates, verdicts, strict=True)
    )
    return Packing(hits, context, token_count)


def render(memories: Sequence[Memory], zone: tzinfo = UTC) -> str:
    """Render memories grouped by date; those of the same instant stay in the order given.

    `zone` is the clock of memories without one of their own.
    """
    lines: list[str] = []
    shown: date | None = None
    for memory in in_order(memories, zone):
        day = _day(memory, zone)
        if day != shown:
            lines.append(_header(day))
            shown = day
        lines.append(_line(memory))
    return "\n".join(lines)


def in_order(memories: Sequence[Memory], zone: tzinfo) -> list[Memory]:
    """By date, then by time: those of one date stand together, whatever clocks they were told on.

    Of one time they stay turn by turn in the order given, the parts of a turn as they were said.
    """
    turns = {memory.sources[:1]: i for i, memory in reversed(list(enumerate(memories)))}
    return sorted(
        memories, key=lambda memory: (_day(memory, zone), memory.event_time, turns[memory.sources[:1]], _start(memory))
    )


def _start(memory: Memory) -> int:
    """Where the words of a memory begin in its own turn, which is told last."""
    own = [span.start for span in memory.spans if memory.sources and span.turn == memory.sources[0]]
    return min(own, default=0)


class _Packer:
    """Judges candidates one by one, best first, keeping count of what was taken."""

    def __init__(
        self,
        where: MemoryFilter,
        depth: int,
        max_tokens: int,
        tokens: TokenCounter,
        window: float | None,
        excerpt: Callable[[Memory], Memory] | None,
        zone: tzinfo,
        renewed_by: Mapping[str, str],
        unhindered: int,
    ) -> None:
        self._where = where
        self._depth = depth
        self._max_tokens = max_tokens
        self._tokens = tokens
        self._window = window
        self._excerpt = excerpt
        self._zone = zone
        self._renewed_by = renewed_by
        self._unhindered = unhindered
        # Under a window the budget is a ceiling that is seldom reached, so it does not say how much there is room for.
        self._full = max(FULL, max_tokens // FULL_TOKENS) if window is None else FULL
        self._best: float | None = None
        self._rank = 0
        self._used = 0
        self._taken: list[Memory] = []
        self._days: set[date] = set()
        self._words: dict[str, frozenset[str]] = {}

    def judge(self, candidate: Candidate) -> _Verdict:
        """Decide on the next candidate."""
        memory = candidate.memory
        if memory is None:
            return _Verdict(HitOutcome.STALE, "indexed, but no longer stored")
        if not self._where.matches(memory):
            return _Verdict(HitOutcome.STALE, f"stored as {memory.state}, and outside the filter by now")
        if self._rank >= self._depth:
            return _Verdict(HitOutcome.BELOW_DEPTH, f"ranked below the depth of {self._depth}")
        if (reason := self._below_window(candidate)) is not None:
            return _Verdict(HitOutcome.BELOW_WINDOW, reason)
        words = _words(memory.text)
        twin = next((each.id for each in self._taken if self._adds_nothing(memory, words, each)), None)
        if twin is not None:
            return _Verdict(HitOutcome.DUPLICATE, f"says what {twin} says")
        self._rank += 1
        return self._take_if_it_fits(candidate, memory, words)

    def _adds_nothing(self, memory: Memory, words: frozenset[str], told: Memory) -> bool:
        """Whether what is told says it all: in as many words, or as the question before an answer."""
        better = self._words[told.id]
        asked_there = bool(memory.sources) and memory.sources == told.sources[1:]
        return _adds_nothing(words, better) or (asked_there and words <= better)

    def _below_window(self, candidate: Candidate) -> str | None:
        """How far below the best score a candidate lies, when that is too far."""
        self._best = candidate.score if self._best is None else self._best
        if self._window is None or self._used < self._unhindered:
            return None
        distance, allowed = self._best - candidate.score, self._window * (1 - self._used / self._max_tokens)
        if distance <= allowed:
            return None
        return f"scores {distance:.2f} below the best, {allowed:.2f} is allowed after {self._used} tokens"

    def _take_if_it_fits(self, candidate: Candidate, memory: Memory, words: frozenset[str]) -> _Verdict:
        told = self._told(memory)
        cost = self._cost(told)
        if self._used + cost > self._max_tokens:
            left = self._max_tokens - self._used
            return _Verdict(HitOutcome.OVER_BUDGET, f"needs {cost} tokens, {left} of {self._max_tokens} are left")
        self._used += cost
        self._taken.append(told)
        self._days.add(_day(memory, self._zone))
        self._words[memory.id] = words
        how = "" if told is memory else " for its part nearest to the question"
        return _Verdict(HitOutcome.RETURNED, f"rank {self._rank}, {cost} tokens{how}: {_explain(candidate)}")

    def _told(self, memory: Memory) -> Memory:
        """The memory as it is rendered: in full among the best, else by its excerpt; an older one says that it is."""
        told = memory if self._excerpt is None or self._rank <= self._full else self._excerpt(memory)
        newer = self._renewed_by.get(memory.id)
        if newer is None or all(each.id != newer for each in self._taken):
            return told
        return replace(told, text=f"{told.text} {NEWER}")

    def _cost(self, memory: Memory) -> int:
        day = _day(memory, self._zone)
        header = 0 if day in self._days else self._tokens.count(_header(day) + "\n")
        return header + self._tokens.count(_line(memory) + "\n")

    def finish(self) -> tuple[str, int, frozenset[str]]:
        """Render what was taken and count it whole; drop the worst while a tokenizer makes the whole dearer."""
        kept = list(self._taken)
        context = render(kept, self._zone)
        count = self._tokens.count(context)
        while count > self._max_tokens:
            kept.pop()
            context = render(kept, self._zone)
            count = self._tokens.count(context)
        return context, count, frozenset(memory.id for memory in self._taken[len(kept) :])


def _hit(candidate: Candidate, verdict: _Verdict) -> Hit:
    return Hit(
        memory_id=candidate.memory_id,
        memory=candidate.memory,
        view_scores=candidate.view_scores,
        signals=candidate.signals,
        score=candidate.score,
        outcome=verdict.outcome,
        reason=verdict.reason,
    )


def _explain(candidate: Candidate) -> str:
    """The parts that its score owes most to."""
    parts = sorted(candidate.signals, key=lambda signal: -abs(signal.value * signal.weight))[:_TOLD]
    return ", ".join(f"{signal.name} {signal.value * signal.weight:+.2f}" for signal in parts)


def _words(text: str) -> frozenset[str]:
    return frozenset(tokenize(text)) - _ARTICLES


def _adds_nothing(words: frozenset[str], better: frozenset[str]) -> bool:
    """Whether a better statement, not much longer, has every word and beyond them only content words.

    A further function word ("not", "before", "would") can turn the meaning, so it makes another statement.
    """
    return words <= better and len(words) >= SAME_STATEMENT * len(better) and STOP_WORDS.isdisjoint(better - words)


def _day(memory: Memory, zone: tzinfo) -> date:
    return memory.told_at(zone).date()


def _header(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}:"


def _line(memory: Memory) -> str:
    return f"- {_LINE_BREAK.sub(_indented, memory.text)}"


def _indented(line_break: re.Match[str]) -> str:
    return f"{line_break.group()}  "


_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""What `str.splitlines` takes for the end of a line."""


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
