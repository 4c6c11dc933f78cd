"""Shares of what holds, in all and for each kind and register, as a table, and what failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cases.checking import Check, Figure, checks
from cases.reading import Case
from cases.serving import Outcome

AIMS = {Figure.ECHOES: 0.95, Figure.DECIDES: 0.97, Figure.NEWEST: 0.95, Figure.NOTHING: 0.90}
"""Where less is reached than is aimed at."""
AT_LEAST = {
    Figure.BYTES: 1.0,
    Figure.NEVER: 0.995,
    Figure.FACTS: 0.995,
    Figure.ECHOES: 0.75,
    Figure.DATES_RIGHT: 0.995,
    Figure.DATES_GIVEN: 0.70,
    Figure.ATTRIBUTION: 0.995,
    Figure.DECIDES: 0.945,
    Figure.NEWEST: 0.86,
    Figure.NOTHING: 0.78,
}


@dataclass(frozen=True)
class Checked:
    """A case's outcome and its checks."""

    outcome: Outcome
    checks: tuple[Check, ...]

    @property
    def failures(self) -> tuple[Check, ...]:
        """Those that do not hold."""
        return tuple(check for check in self.checks if not check.holds)


def checked(outcomes: Iterable[Outcome]) -> list[Checked]:
    """Check every outcome."""
    return [Checked(outcome, tuple(checks(outcome))) for outcome in outcomes]


def share(figure: Figure, rows: Iterable[Checked]) -> float | None:
    """The share of a figure's checks that hold, in [0, 1]; None where there is no such check."""
    held = [check.holds for row in rows for check in row.checks if check.figure is figure]
    return sum(held) / len(held) if held else None


def report(rows: Sequence[Checked]) -> str:
    """Everything in one text: failures first, so that the table is what is read last."""
    return "\n".join([*_failures(rows), "", *_table(rows)])


def _failures(rows: Sequence[Checked]) -> Iterator[str]:
    for row in rows:
        if not row.failures:
            continue
        case = row.outcome.case
        yield f"\n{case.id} ({case.kind}, {case.area})"
        yield from (f"  {check.figure}: {check.wanted}" for check in row.failures)
        yield from (f"  memory {sorted(s.turn_id for s in m.sources)}: {m.memory!r}" for m in row.outcome.memories)
        for ask, result in zip(case.ask, row.outcome.results, strict=True):
            yield f"  {ask.question} -> {result.context!r}"


def _table(rows: Sequence[Checked]) -> Iterator[str]:
    yield f"{'':14}{'cases':>6}  " + "  ".join(f"{figure:>{_width(figure)}}" for figure in Figure)
    yield f"{'at least':14}{'':>6}  " + _cells(AT_LEAST)
    yield f"{'aim':14}{'':>6}  " + _cells(AT_LEAST | AIMS)
    for of in (lambda case: "all", lambda case: case.kind, lambda case: case.area):
        yield ""
        yield from (
            f"{name:14}{len(group):>6}  " + _cells({figure: share(figure, group) for figure in Figure})
            for name, group in _grouped(rows, of)
        )


def _grouped(rows: Sequence[Checked], of: Callable[[Case], str]) -> list[tuple[str, list[Checked]]]:
    groups: dict[str, list[Checked]] = defaultdict(list)
    for row in rows:
        groups[of(row.outcome.case)].append(row)
    return sorted(groups.items())


def _cells(shares: dict[Figure, float | None] | dict[Figure, float]) -> str:
    return "  ".join(f"{_percent(shares.get(figure)):>{_width(figure)}}" for figure in Figure)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _width(figure: Figure) -> int:
    return max(len(figure), 5)
