"""PNG plots of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memsvc.bench.arms import MEMSVC
from memsvc.bench.outcomes import BUDGETS

DPI = 150
_FIXED = ("full_context", "evidence")
mpl.use("Agg")


def recall_and_tokens(report: Mapping[str, Any], path: Path) -> None:
    """Share of the evidence in the adaptive context against the tokens it takes, one point per arm."""
    figure, axes = _figure("tokens per question", "evidence in the context, %")
    for arm, values in report["arms"].items():
        if "ev@adaptive" in values and "tokens" in values:
            axes.scatter(values["tokens"], 100 * values["ev@adaptive"], s=60 if arm == MEMSVC else 30)
            axes.annotate(arm, (values["tokens"], 100 * values["ev@adaptive"]), xytext=(5, 5), **_OFFSET)
    axes.set_xscale("log")
    _save(figure, path)


def against_budget(report: Mapping[str, Any], metric: str, label: str, path: Path) -> None:
    """`ev` or `atr` against the token budget, one line per arm; dashed where the arm ignores the budget."""
    figure, axes = _figure("token budget", f"{label}, %")
    for arm, values in report["arms"].items():
        points = [(budget, 100 * values[f"{metric}@{budget}"]) for budget in BUDGETS if f"{metric}@{budget}" in values]
        if points:
            style = "--" if arm in _FIXED else "-"
            axes.plot(*zip(*points, strict=True), style, marker=".", label=arm, linewidth=2.5 if arm == MEMSVC else 1.2)
    axes.legend(fontsize=8)
    _save(figure, path)


def latency(milliseconds: Sequence[float], path: Path) -> None:
    """Histogram of the service's latency with the adaptive budget."""
    figure, axes = _figure("latency, ms", "questions")
    axes.hist(milliseconds, bins=40)
    _save(figure, path)


def reliability(told: Sequence[tuple[float, bool]], path: Path) -> None:
    """Share of questions that memory answers, by tenths of the confidence told; sizes are numbers of questions."""
    figure, axes = _figure("confidence", "answerable questions, %")
    axes.plot([0, 1], [0, 100], "--", color="grey", linewidth=1)
    for tenth in range(10):
        within = [answerable for value, answerable in told if min(9, int(10 * value)) == tenth]
        if within:
            share, size = 100 * sum(within) / len(within), 20 + 400 * len(within) / len(told)
            axes.scatter((tenth + 0.5) / 10, share, s=size, color="C0")
            axes.annotate(str(len(within)), ((tenth + 0.5) / 10, share), xytext=(7, 5), **_OFFSET)
    _save(figure, path)


def distortion(curves: Mapping[str, Sequence[Mapping[str, float]]], metric: str, label: str, path: Path) -> None:
    """`metric` against stored tokens as a share of raw, one line per way of keeping less."""
    figure, axes = _figure("stored tokens, % of raw", f"{label}, %")
    for name, points in curves.items():
        known = sorted((100 * point["stored"], 100 * point[metric]) for point in points if metric in point)
        if known:
            axes.plot(*zip(*known, strict=True), marker="o", label=name, linewidth=2.5 if name == MEMSVC else 1.2)
    axes.legend(fontsize=8)
    _save(figure, path)


_OFFSET: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8}


def _figure(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=DPI)
