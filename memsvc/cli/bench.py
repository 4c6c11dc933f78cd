"""`memsvc bench …`: benchmarks on the user's own data. Each command is a few lines; memsvc.bench does the work."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from memsvc.config import load
from memsvc.telemetry import configure_logging

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


@bench.callback()
def quiet() -> None:
    """Benchmarks on your own data."""
    configure_logging("warning", "console")  # a table is printed; what the parts of a run log is not part of it


@bench.command("speed")
def speed(
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where the JSON goes.", dir_okay=False, show_default="bench-out/speed.json or speed-units.json"
        ),
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
    out: Annotated[Path, typer.Option(help="Folder of the results; a rerun goes on there.", file_okay=False)] = Path(
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


@bench.command("answering")
def answering(
    model: Annotated[str, typer.Option(help="Language model, as litellm names it.")],
    api_base: Annotated[str, typer.Option(help="Base URL of its endpoint.", show_default="the provider's own")] = "",
    api_key: Annotated[str, typer.Option(envvar="MEMSVC_BENCH_LLM_API_KEY", help="Its key.", show_default=False)] = "",
    data: Data = None,
    data_format: Format = None,
    out: Annotated[Path, typer.Option(help="Folder of the results; a rerun goes on there.", file_okay=False)] = Path(
        "bench-out/answering"
    ),
    seed: Seed = 0,
    limit: Limit = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FOLDER of an earlier `bench quality` on the same data; repeat it.", show_default="none"
        ),
    ] = None,
) -> None:
    """Answers of a language model that reads each context: memsvc's, plain hybrid search's, the evidence alone."""
    others = dict(_named(value) for value in beside or ())
    _module("answering").run(
        data=data,
        data_format=_format(data_format),
        out=out,
        seed=seed,
        limit=limit,
        model=_module("asked_model").named(load(), model, api_base, api_key),
        others=others,
    )


@bench.command("train-encoder")
def train_encoder(
    data: Annotated[list[Path], typer.Option(exists=True, dir_okay=False, help="File of conversations; repeat it.")],
    out: Annotated[Path, typer.Option(help="Folder of the model; a rerun goes on there.", file_okay=False)] = Path(
        "bench-out/encoder"
    ),
    seed: Seed = 0,
    epochs: Annotated[int, typer.Option(min=1, help="Times that each conversation is seen.")] = 2,
    learning_rate: Annotated[float, typer.Option(min=0, help="Its largest, after the warm-up.")] = 3e-5,
) -> None:
    """Tune the built-in embedding model on conversations and questions about them."""
    recipe = _module("encoder.training").Recipe(seed=seed, epochs=epochs, learning_rate=learning_rate)
    _module("encoder.command").run(data=data, folder=out, recipe=recipe)


@bench.command("compression")
def compression(
    data: Data = None,
    data_format: Format = None,
    out: Annotated[Path, typer.Option(help="Folder of the results; a rerun goes on there.", file_okay=False)] = Path(
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
    out: Annotated[Path, typer.Option(help="Where the JSON goes.", dir_okay=False)] = Path(
        "bench-out/consolidation.json"
    ),
    seed: Seed = 0,
    only: Annotated[
        list[str] | None, typer.Option("--set", help="Name of a set of cases; repeat it.", show_default="all")
    ] = None,
    cases: Annotated[
        int | None, typer.Option(min=1, help="Cases of each set, drawn with the seed.", show_default="all")
    ] = None,
    llm: Annotated[
        bool, typer.Option("--llm", help="Once more with the language model of the settings (MEMSVC_LLM_MODEL).")
    ] = False,
) -> None:
    """What consolidation merges, replaces and forgets, on conversations generated from templates."""
    model = _module("asked_model").of_settings(load()) if llm else None
    _module("consolidation").run(out_path=out, seed=seed, only=only or (), limit=cases, model=model)


@bench.command("fairness")
def fairness(
    database_url: Annotated[
        str, typer.Option(help="Database to queue jobs in, for the time of the run.", show_default="an SQLite file")
    ] = "",
    backlog: Annotated[int, typer.Option(min=1, help="Jobs that one tenant has queued.")] = 100_000,
    samples: Annotated[int, typer.Option(min=1, help="Single jobs of another tenant to time.")] = 100,
    out: Annotated[Path, typer.Option(help="Where the JSON goes.", dir_okay=False)] = Path("bench-out/fairness.json"),
) -> None:
    """How long one tenant's single job takes beside another's long queue, and what a claim costs."""
    _module("fairness").run(database_url=database_url, backlog=backlog, samples=samples, out=out)


@bench.command("embedder")
def embedder(
    data: Data = None,
    out: Annotated[Path, typer.Option(help="Where the JSON goes.", dir_okay=False)] = Path("bench-out/embedder.json"),
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, float16 or bfloat16")] = "auto",
    texts: Annotated[int, typer.Option(min=1, help="Texts to embed.")] = 2048,
    max_batch_tokens: Annotated[int, typer.Option(min=256, help="As the setting of that name.")] = 8192,
) -> None:
    """Tokens a second through the embedder and the worker, beside the bare model at its best batch size."""
    for name, value, allowed in (
        ("--device", device, ("auto", "cpu", "cuda")),
        ("--dtype", dtype, ("auto", "float32", "float16", "bfloat16")),
    ):
        if value not in allowed:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(allowed)}", param_hint=name)
    _module("embedding").run(
        data=data, path=out, device=device, dtype=dtype, texts=texts, max_batch_tokens=max_batch_tokens
    )


@bench.command("fleet")
def fleet(
    data: Data = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.", file_okay=False)] = Path("bench-out/fleet"),
    turns: Annotated[int, typer.Option(min=1, help="Turns to ingest.")] = 1000,
    queries: Annotated[int, typer.Option(min=1, help="Queries at each number of clients.")] = 200,
    servers: Annotated[int, typer.Option(min=1, help="Servers.")] = 2,
    workers: Annotated[int, typer.Option(min=1, help="Workers.")] = 2,
    database_url: Annotated[
        str, typer.Option(help="An empty PostgreSQL database.", show_default="one that the run starts")
    ] = "",
    qdrant_url: Annotated[
        str, typer.Option(help="The index that all share.", show_default="one process with its own index")
    ] = "",
    index_name: Annotated[str, typer.Option(help="What the report calls the index.", show_default="Qdrant")] = "",
) -> None:
    """Servers and workers over one PostgreSQL: what they take in, how fast they answer, and where the time goes."""
    _module("fleet").run(
        data=data,
        folder=out,
        turns=turns,
        queries=queries,
        servers=servers,
        workers=workers,
        database_url=database_url,
        qdrant_url=qdrant_url,
        index_name=index_name,
    )


@bench.command("fit")
def fit(
    data: Data = None,
    out: Annotated[Path, typer.Option(help="Where the weights go.", dir_okay=False)] = Path("bench-out/weights.json"),
) -> None:
    """Fit the ranking and the confidence to conversations with known evidence, for the setting ranking_weights."""
    _module("fit").run(data=data, path=out)


def _format(name: str | None) -> object:
    reading = _module("reading")
    if name is not None and name not in list(reading.DataFormat):
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(reading.DataFormat)}", param_hint="--format")
    return reading.DataFormat(name) if name else None


def _named(value: str) -> tuple[str, Path]:
    name, equals, folder = value.partition("=")
    if not (name and equals and folder):
        raise typer.BadParameter(f"{value!r} is not NAME=FOLDER", param_hint="--beside")
    return name, Path(folder)


def _module(name: str) -> ModuleType:
    # torch and its like take seconds to import; other commands must not wait for them.
    try:
        return importlib.import_module(f"memsvc.bench.{name}")
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        raise ValueError(f"the package {error.name} is missing: pip install 'memsvc[bench]'") from error
