"""`memsvc bench …`: benchmarks on the user's own data. Each command is a few lines; memsvc.bench does the work."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

bench = typer.Typer(no_args_is_help=True, help="Benchmarks on your own data.")

EXTRA = frozenset({"bm25s", "matplotlib"})
"""Packages that the extra `bench` brings."""

Data = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="File of conversations.", show_default="what ships with memsvc"),
]
Format = Annotated[str | None, typer.Option("--format", help="locomo, longmemeval or jsonl", show_default="recognised")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of samples and resamples.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Questions to ask, drawn with the seed.", show_default="all")]


@bench.command("speed")
def speed(
    data: Data = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the JSON goes.", show_default="bench-out/speed.json or speed-units.json")
    ] = None,
    queries: Annotated[int, typer.Option(min=1, help="Queries to time.")] = 200,
    units: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Grow a store to so many memories and measure it; repeat it.", show_default="none"),
    ] = None,
    scopes: Annotated[str, typer.Option(help="many: a user for each grown conversation; one: all in one.")] = "many",
    seed: Seed = 0,
    embed: Annotated[bool, typer.Option("--embed", help="Embed every grown text: hours for a million.")] = False,
) -> None:
    """Ingest and query through the SDK, beside the bare embedder and the bare index in the same run."""
    if scopes not in ("many", "one"):
        raise typer.BadParameter(f"{scopes!r} is not one of many, one", param_hint="--scopes")
    if not units:
        _module("speed").run(data=data, out=out or Path("bench-out/speed.json"), queries=queries)
        return
    _module("speed_scale").run(
        data=data,
        out=out or Path("bench-out/speed-units.json"),
        queries=queries,
        units=units,
        one_user=scopes == "one",
        seed=seed,
        embedded=embed,
    )


@bench.command("quality")
def quality(
    data: Data = None,
    data_format: Format = None,
    out: Annotated[Path, typer.Option(help="Folder of the results; a rerun goes on there.")] = Path(
        "bench-out/quality"
    ),
    seed: Seed = 0,
    limit: Limit = None,
    address: Annotated[
        str | None, typer.Option(help="host:port of a service to measure.", show_default="starts one")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="MEMSVC_API_KEY", help="Its admin key; the run makes spaces of its own.")
    ] = None,
    consolidate: Annotated[bool, typer.Option("--consolidate", help="Consolidate all memories before asking.")] = False,
) -> None:
    """Evidence and answer words found at token budgets, beside BM25, dense, fused and other baselines."""
    _module("quality").run(
        data=data,
        data_format=_format(data_format),
        out=out,
        seed=seed,
        limit=limit,
        address=address,
        api_key=api_key,
        consolidate=consolidate,
    )


@bench.command("compression")
def compression(
    data: Data = None,
    data_format: Format = None,
    out: Annotated[Path, typer.Option(help="Folder of the results; a rerun goes on there.")] = Path(
        "bench-out/compression"
    ),
    seed: Seed = 0,
    limit: Limit = None,
    threshold: Annotated[
        list[float] | None,
        typer.Option(min=0, max=1, help="Gate threshold to measure; repeat it.", show_default="0 .2 .35 .5 .65"),
    ] = None,
) -> None:
    """Stored tokens against the evidence and answer words kept, over the gate's threshold and simple ways to cut."""
    _module("compression").run(
        data=data, data_format=_format(data_format), out=out, seed=seed, limit=limit, thresholds=threshold
    )


@bench.command("consolidation")
def consolidation(
    out: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path("bench-out/consolidation.json"),
    seed: Seed = 0,
) -> None:
    """What consolidation merges, replaces and forgets, on conversations generated from templates."""
    _module("consolidation").run(out_path=out, seed=seed)


@bench.command("fit")
def fit(
    data: Data = None,
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("bench-out/weights.json"),
) -> None:
    """Fit the ranking and the confidence to conversations with known evidence, for the setting ranking_weights."""
    _module("fit").run(data=data, path=out)


def _format(name: str | None) -> object:
    reading = _module("reading")
    if name is not None and name not in list(reading.DataFormat):
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(reading.DataFormat)}", param_hint="--format")
    return reading.DataFormat(name) if name else None


def _module(name: str) -> ModuleType:
    # torch and its like take seconds to import; other commands must not wait for them.
    try:
        return importlib.import_module(f"memsvc.bench.{name}")
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        raise ValueError(f"the package {error.name} is missing: pip install 'memsvc[bench]'") from error
