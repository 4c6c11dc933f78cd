"""Tables of a report: the same rows on the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

SHARES = (
    "recall@10",
    "all@10",
    "ndcg@10",
    "mrr",
    "ev@500",
    "ev@1000",
    "atr@500",
    "atr@1000",
    "atr_null@500",
    "con@500",
)
SHOWN = (*SHARES, "tokens", "ev@adaptive", "atr@adaptive", "abstention_auroc", "latency_p50_ms", "latency_p95_ms")
BRIEF = ("recall@10", "ev@500", "atr@500", "con@500", "tokens", "abstention_auroc", "latency_p95_ms")
"""What a terminal has room for."""
CATEGORY_SHOWN = ("recall@10", "all@10", "ev@500", "atr@500", "atr_null@500", "con@500", "tokens")
_PLAIN = frozenset({"mrr", "abstention_auroc"})
Rows = Sequence[Sequence[str]]


def cell(metric: str, value: float | None) -> str:
    """Shares in per cent, MRR and AUROC as they are, tokens and milliseconds rounded; a dash where undefined."""
    if value is None:
        return "–"
    if metric in _PLAIN:
        return f"{value:.3f}"
    if metric == "tokens" or metric.endswith("_ms"):
        return f"{value:,.0f}"
    return f"{100 * value:.1f}"


def overall(report: Mapping[str, Any], metrics: Sequence[str] = SHOWN) -> Rows:
    """Header, then a row per arm."""
    return [
        ("arm", *metrics),
        *((arm, *(cell(name, values.get(name)) for name in metrics)) for arm, values in report["arms"].items()),
    ]


def intervals(report: Mapping[str, Any], metrics: Sequence[str]) -> Rows:
    """Header, then a row per arm with the 95 % interval of each metric."""
    rows = [("arm", *metrics)]
    for arm, bounds in report["intervals"].items():
        rows.append((arm, *(_span(name, bounds.get(name)) for name in metrics)))
    return rows


def paired(report: Mapping[str, Any], metrics: Sequence[str]) -> Rows:
    """Header, then a row per baseline: memsvc minus the baseline, with its 95 % interval."""
    rows = [("memsvc minus", *metrics)]
    for arm, differences in report["paired"].items():
        rows.append((arm, *(_difference(name, differences.get(name)) for name in metrics)))
    return rows


def by_category(report: Mapping[str, Any]) -> Rows:
    """Header, then a row per category and arm."""
    return [
        ("category", "questions", "arm", *CATEGORY_SHOWN),
        *(
            (category, str(values["questions"]), arm, *(cell(name, values.get(name)) for name in CATEGORY_SHOWN))
            for category, arms in report["by_category"].items()
            for arm, values in arms.items()
        ),
    ]


def markdown(rows: Rows) -> str:
    """A Markdown table of a header and rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def terminal(rows: Rows, title: str) -> Table:
    """A rich table of a header and rows."""
    table = Table(*rows[0], title=title, box=None, header_style="dim", title_justify="left")
    for row in rows[1:]:
        table.add_row(*row)
    return table


def _span(metric: str, bounds: Sequence[float] | None) -> str:
    return "–" if bounds is None else f"{cell(metric, bounds[0])} to {cell(metric, bounds[1])}"


def _difference(metric: str, found: Mapping[str, float] | None) -> str:
    if found is None:
        return "–"
    value = cell(metric, found["difference"])
    signed = value if found["difference"] < 0 else f"+{value}"
    return f"{signed} ({cell(metric, found['low'])} to {cell(metric, found['high'])})"
