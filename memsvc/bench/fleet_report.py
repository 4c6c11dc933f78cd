"""The report of a fleet as Markdown, and where its time goes as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

DPI = 150
mpl.use("Agg")


def markdown(report: Mapping[str, Any]) -> str:
    """Tables of rates, of latencies, of the bare parts and of processor time."""
    return "\n".join([*_rates(report), "", *_latencies(report), "", *_processor(report), "", *_spans(report), ""])


def plot(report: Mapping[str, Any], path: Path) -> None:
    """Processor time of each part, stacked: per turn remembered, and per question."""
    per = {
        "a turn": ("ingest", report["ingest"]["turns"]),
        "a question": ("queries", len(report["queries"]) * report["run"]["queries"]),
    }
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel="processor time, ms")
    parts = list(dict.fromkeys(part for phase, _ in per.values() for part in report["phases"][phase]["processor_s"]))
    left = dict.fromkeys(per, 0.0)
    for part in parts:
        spent = [1000 * report["phases"][phase]["processor_s"].get(part, 0.0) / count for phase, count in per.values()]
        axes.barh(list(per), spent, left=list(left.values()), label=part)
        left = {name: before + more for (name, before), more in zip(left.items(), spent, strict=True)}
    axes.legend(fontsize=8, ncols=3)
    axes.grid(alpha=0.3, axis="x")
    figure.savefig(path, dpi=DPI)


def _rates(report: Mapping[str, Any]) -> Iterator[str]:
    ingest, floor = report["ingest"], report["floor"]
    acknowledged, searchable = ingest["turns"] / ingest["acknowledged_s"], ingest["turns"] / ingest["searchable_s"]
    units = ingest["memories"] / ingest["searchable_s"]
    embed, insert = floor["embed_texts_per_s"], floor["insert_rows_per_s"]
    yield "| measure | fleet | floor | fleet / floor |"
    yield "|---|---|---|---|"
    yield (
        f"| turns acknowledged per second | {acknowledged:,.0f} | {insert:,.0f} rows inserted "
        f"| {acknowledged / insert:.2f} |"
    )
    yield f"| turns searchable per second | {searchable:.1f} | {embed:,.0f} texts embedded | {searchable / embed:.2f} |"
    yield f"| units searchable per second | {units:.1f} | {embed:,.0f} texts embedded | {units / embed:.2f} |"


def _latencies(report: Mapping[str, Any]) -> Iterator[str]:
    floor = report["floor"]
    yield "| clients at once | queries per second | p50, ms | p95, ms | p99, ms |"
    yield "|---|---|---|---|---|"
    for point in report["queries"]:
        yield (
            f"| {point['clients']} | {point['queries_per_s']:.1f} | {point['p50']:.0f} | {point['p95']:.0f} "
            f"| {point['p99']:.0f} |"
        )
    for label, name in (("floor: one question embedded", "embed_query_ms"), ("floor: bare search", "index_search_ms")):
        spread = floor[name]
        yield f"| {label} | | {spread['p50']:.1f} | {spread['p95']:.1f} | {spread['p99']:.1f} |"


def _processor(report: Mapping[str, Any]) -> Iterator[str]:
    turns, questions = report["ingest"]["turns"], len(report["queries"]) * report["run"]["queries"]
    ingest, queries = (report["phases"][phase]["processor_s"] for phase in ("ingest", "queries"))
    yield "| processor time of | ms per turn | ms per question |"
    yield "|---|---|---|"
    for part in dict.fromkeys((*ingest, *queries)):
        spent = 1000 * ingest.get(part, 0.0) / turns, 1000 * queries.get(part, 0.0) / questions
        yield f"| {part} | {spent[0]:.2f} | {spent[1]:.2f} |"


def _spans(report: Mapping[str, Any]) -> Iterator[str]:
    yield "| phase | in | span | seconds in all |"
    yield "|---|---|---|---|"
    for phase, found in report["phases"].items():
        for kind, spans in found["span_s"].items():
            for name, seconds in sorted(spans.items(), key=lambda item: -item[1])[:5]:
                yield f"| {phase} | {kind}s | {name} | {seconds:.1f} |"
