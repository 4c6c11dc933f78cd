"""Commands and their options. Each one is a few lines; the work is done in the modules beside this one."""

from __future__ import annotations

import importlib
import sys
from json import JSONDecodeError, loads
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import grpc
import typer
from pydantic import SecretStr
from rich.table import Table

from memsvc import __version__
from memsvc.cli import render
from memsvc.cli.bench import bench
from memsvc.cli.connection import Address, ApiKey, DataDir, SpaceName, TimeZone, clock, connect, local_address, opened
from memsvc.cli.operations import operations
from memsvc.config import Settings, SettingsInvalid, load
from memsvc.errors import MemsvcError
from memsvc.telemetry import configure_logging
from memsvc.types import EmbeddingModel, KeyRole
from memsvc_client import MemsvcError as CallFailed

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Long-term memory for LLM agents, at a small token cost."
)
keys = typer.Typer(no_args_is_help=True, help="API keys, on the service's machine.")
app.add_typer(keys, name="keys")
app.add_typer(bench, name="bench")
app.add_typer(operations, name="operations", rich_help_panel="Against a running service")

COMPRESS_SECONDS, CONSOLIDATE_SECONDS, REINDEX_SECONDS = 600.0, 3600.0, 86_400.0
SERVICE, CLIENT = "On the service's machine", "Against a running service"

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).", show_default="memsvc.toml")]
UserId = Annotated[str | None, typer.Option("--user", help="User id.", show_default=False)]
AgentId = Annotated[str | None, typer.Option("--agent", help="Agent id.", show_default=False)]
SessionId = Annotated[str | None, typer.Option("--session", help="Session id.", show_default=False)]
WholeSpace = Annotated[bool, typer.Option("--whole-space", help="Everybody's, in place of user, agent and session.")]
Where = Annotated[str, typer.Option("--where", help="""Filter, such as '{"cost": {"gte": 10}}'.""", metavar="JSON")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MaxTokens = Annotated[int, typer.Option(help="Token budget of the context; 0 adapts to the question.")]


def _service() -> ModuleType:
    # torch and spaCy take seconds to import; client commands must not wait for them.
    return importlib.import_module("memsvc.cli.service")


def _settings(config: Path | None = None, **overrides: Any) -> Settings:
    settings = load(config, **overrides)
    configure_logging(settings.log_level, settings.log_format)
    return settings


@app.command(rich_help_panel=SERVICE)
def serve(
    config: Config = None,
    data_dir: DataDir = None,
    listen: Annotated[str | None, typer.Option(help="host:port", show_default="127.0.0.1:7070")] = None,
    auth: Annotated[str | None, typer.Option(help="required, or none on loopback", show_default="required")] = None,
) -> None:
    """Serve the API, with a worker inside, until SIGTERM."""
    _service().serve(_settings(config, data_dir=data_dir, listen=listen, auth=auth))


@app.command(rich_help_panel=SERVICE)
def worker(
    config: Config = None,
    data_dir: DataDir = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Jobs run at once.")] = 2,
    queues: Annotated[str, typer.Option(help="What to work on, separated by commas.")] = "compress,consolidate,index",
    device: Annotated[
        str | None, typer.Option(help="Where a local embedder runs: auto, cpu or cuda.", show_default="auto")
    ] = None,
    health_listen: Annotated[
        str | None, typer.Option(help="host:port to answer gRPC health checks at.", show_default="none")
    ] = None,
) -> None:
    """Run jobs only, until SIGTERM."""
    settings = _settings(config, data_dir=data_dir, device=device, health_listen=health_listen)
    _service().work(settings, concurrency, queues)


@app.command(rich_help_panel=SERVICE)
def migrate(
    config: Config = None,
    data_dir: DataDir = None,
    to: Annotated[str, typer.Option(help="Revision to go to.")] = "head",
    down: Annotated[bool, typer.Option("--down", help="Go back to the revision instead of up to it.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Only print the revision in force.")] = False,
) -> None:
    """Bring the database schema to a revision."""
    settings = _settings(config, data_dir=data_dir)
    if show:
        found, newest = _service().revisions(settings)
        render.out.print(f"{found or 'none'} (newest: {newest})")
        return
    before, after = _service().migrate(settings, to, down)
    render.out.print(f"schema: {before or 'none'} → {after or 'none'}")


@app.command(rich_help_panel=SERVICE)
def reindex(
    config: Config = None,
    data_dir: DataDir = None,
    address: Address = None,
    api_key: ApiKey = None,
    space: SpaceName = "default",
) -> None:
    """Rebuild the vector index from SQL: of one space in a running service, else of every space, offline."""
    settings = _settings(config, data_dir=data_dir)
    if address or local_address(settings):
        with connect(settings, address=address, api_key=api_key, space=space) as client:
            with render.err.status(f"reindexing {space} …"):
                done = client.reindex().wait(timeout=REINDEX_SECONDS)
            render.out.print(render.operation(done))
        return
    for name, count in _service().reindex(settings).items():
        render.out.print(f"{name}: {count:,} memories indexed")


@app.command("migrate-embeddings", rich_help_panel=SERVICE)
def migrate_embeddings(
    to: Annotated[str, typer.Option(help="Embedding model, as the setting `embedder` names one.")],
    dimension: Annotated[int, typer.Option(min=0, max=65_536, help="Vector length of a `litellm:` model.")] = 0,
    api_base: Annotated[str, typer.Option(help="Base URL of a `litellm:` endpoint.")] = "",
    device: Annotated[str, typer.Option(help="Where this process embeds: auto, cpu or cuda.")] = "",
    remove_old: Annotated[bool, typer.Option("--remove-old", help="Remove the old index at the end.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Change the embedding model while the service runs; start it again if it was cut off."""
    if to.startswith("litellm:") and not dimension:
        raise typer.BadParameter("required with a `litellm:` model", param_hint="--dimension")
    settings = _settings(config, data_dir=data_dir, device=device or None)
    _service().migrate_embeddings(settings, EmbeddingModel(to, dimension, api_base), remove_old=remove_old)


@app.command("config", rich_help_panel=SERVICE)
def show_config(config: Config = None, data_dir: DataDir = None) -> None:
    """Show the settings in force and what each means."""
    settings = _settings(config, data_dir=data_dir)
    table = Table("setting", "value", "meaning", box=None, header_style="dim")
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = ("(set)" if value.get_secret_value() else "") if isinstance(value, SecretStr) else value
        table.add_row(name, "" if shown is None else str(shown), field.description)
    render.out.print(table)


@keys.command("create")
def create_key(
    tenant: Annotated[str, typer.Option(help="Tenant the key belongs to.")] = "default",
    role: Annotated[KeyRole, typer.Option(help="agent or admin")] = KeyRole.AGENT,
    label: Annotated[str, typer.Option(help="What the key is for.")] = "",
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Create an API key and print its secret, once."""
    print(_service().create_key(_settings(config, data_dir=data_dir), tenant, label, role))  # noqa: T201 - for pipes


@app.command(rich_help_panel=CLIENT)
def add(
    text: Annotated[str, typer.Argument(help="What to remember; `-` reads standard input.")],
    user: UserId = None,
    agent: AgentId = None,
    session: SessionId = None,
    name: Annotated[str, typer.Option(help="Name of the speaker.")] = "",
    role: Annotated[str, typer.Option(help="user, assistant, system or tool")] = "user",
    wait: Annotated[bool, typer.Option(help="Wait until it is searchable.")] = True,
    time_zone: TimeZone = None,
    data_dir: DataDir = None,
    address: Address = None,
    api_key: ApiKey = None,
    space: SpaceName = "default",
    json: Json = False,
) -> None:
    """Add one message."""
    content = sys.stdin.read() if text == "-" else text
    message = {"role": role, "content": content, **({"name": name} if name else {})}
    with opened(data_dir, address, api_key, space) as client:
        result = client.add([message], **_named(user, agent, session), time_zone=clock(time_zone))
        if wait and result.operation:
            with render.err.status("compressing …"):
                done = result.operation.wait(timeout=COMPRESS_SECONDS)
            render.out.print(render.as_json(done) if json else render.operation(done), soft_wrap=True, markup=False)
        else:
            shown = render.as_json(result) if json else f"{result.accepted_count} accepted"
            render.out.print(shown, soft_wrap=True, markup=False)


@app.command(rich_help_panel=CLIENT)
def search(
    query: Annotated[str, typer.Argument(help="The question.")],
    user: UserId = None,
    agent: AgentId = None,
    session: SessionId = None,
    whole_space: WholeSpace = False,
    max_tokens: MaxTokens = 0,
    limit: Annotated[int | None, typer.Option(help="Most memories to return.", show_default="adapts")] = None,
    as_of: Annotated[str | None, typer.Option(help="Look back to this time, in ISO 8601.")] = None,
    time_zone: TimeZone = None,
    where: Where = "",
    data_dir: DataDir = None,
    address: Address = None,
    api_key: ApiKey = None,
    space: SpaceName = "default",
    json: Json = False,
) -> None:
    """Find what is remembered about a question."""
    with opened(data_dir, address, api_key, space) as client:
        result = client.search(
            query,
            **_named(user, agent, session),
            whole_space=whole_space,
            max_tokens=max_tokens,
            limit=limit,
            as_of=as_of,
            filters=_filters(where),
            time_zone=clock(time_zone),
        )
    _print(result, json, render.search(result))


@app.command(rich_help_panel=CLIENT)
def ask(
    question: Annotated[str, typer.Argument(help="The question.")],
    user: UserId = None,
    agent: AgentId = None,
    session: SessionId = None,
    whole_space: WholeSpace = False,
    max_tokens: MaxTokens = 0,
    where: Where = "",
    time_zone: TimeZone = None,
    data_dir: DataDir = None,
    address: Address = None,
    api_key: ApiKey = None,
    space: SpaceName = "default",
    json: Json = False,
) -> None:
    """Let the service's language model answer a question from memory, with its sources, or abstain."""
    with opened(data_dir, address, api_key, space) as client:
        answer = client.ask(
            question,
            **_named(user, agent, session),
            whole_space=whole_space,
            max_tokens=max_tokens,
            filters=_filters(where),
            time_zone=clock(time_zone),
        )
    _print(answer, json, render.answer(answer))


@app.command(rich_help_panel=CLIENT)
def explain(
    query: Annotated[str, typer.Argument(help="The question.")],
    user: UserId = None,
    agent: AgentId = None,
    session: SessionId = None,
    whole_space: WholeSpace = False,
    max_tokens: MaxTokens = 0,
    time_zone: TimeZone = None,
    candidates: Annotated[int, typer.Option(help="Most candidates to show.")] = 20,
    where: Where = "",
    data_dir: DataDir = None,
    address: Address = None,
    api_key: ApiKey = None,
    space: SpaceName = "default",
    json: Json = False,
) -> None:
    """Show how a question was answered: signals, plan, views, and the fate of every candidate."""
    with opened(data_dir, address, api_key, space) as client:
        trace = client.explain(
            query,
            **_named(user, agent, session),
            whole_space=whole_space,
            max_tokens=max_tokens,
            filters=_filters(where),
            time_zone=clock(time_zone),
        )
    _print(trace, json, render.explanation(trace, limit=candidates))


@app.command(rich_help_panel=CLIENT)
def consolidate(
    user: UserId = None,
    agent: AgentId = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    data_dir: DataDir = None,
    address: Address = None,
    api_key: ApiKey = None,
    space: SpaceName = "default",
    json: Json = False,
) -> None:
    """Merge and supersede memories that were not looked at yet, now."""
    with opened(data_dir, address, api_key, space) as client:
        if dry_run:
            preview = client.preview_consolidation(**_named(user, agent), timeout=CONSOLIDATE_SECONDS)
            _print(preview, json, render.preview(preview))
            return
        with render.err.status("consolidating …"):
            done = client.consolidate(**_named(user, agent)).wait(timeout=CONSOLIDATE_SECONDS)
        _print(done, json, render.operation(done))


@app.command(rich_help_panel=CLIENT)
def stats(
    data_dir: DataDir = None,
    address: Address = None,
    api_key: ApiKey = None,
    space: SpaceName = "default",
    json: Json = False,
) -> None:
    """Show counts, sizes and backlog of a space."""
    with opened(data_dir, address, api_key, space) as client:
        values = client.stats()
    _print(values, json, render.stats(values))


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the demo's data for you to explore.")] = False,
) -> None:
    """Start a fresh service, ingest a conversation, ask it questions, show what was compressed, clean up."""
    importlib.import_module("memsvc.cli.demo").run(keep=keep)


@app.command()
def version() -> None:
    """Print the version."""
    render.out.print(__version__)


def _named(user: str | None, agent: str | None, session: str | None = None) -> dict[str, Any]:
    """The names that were given, as arguments of a call."""
    given = {"user_id": user, "agent_id": agent, "session_id": session}
    return {name: value for name, value in given.items() if value is not None}


def _filters(where: str) -> dict[str, Any]:
    """The filters of an option that holds JSON."""
    try:
        filters = loads(where or "{}")
    except JSONDecodeError as error:
        raise typer.BadParameter(f"is not JSON: {error}", param_hint="--where") from None
    if not isinstance(filters, dict):
        raise typer.BadParameter("is no JSON object", param_hint="--where")
    return filters


def _print(value: Any, json: bool, table: Any) -> None:
    if json:
        render.out.print(render.as_json(value), soft_wrap=True, markup=False, highlight=False)
    else:
        render.out.print(table)


def main() -> None:
    """Run a command; an expected failure is one line on standard error and exit status 1."""
    try:
        app()
    except SettingsInvalid as error:
        _fail(f"settings: {error}")
    except MemsvcError as error:
        _fail(f"{error.reason}: {error.message}")
    except (CallFailed, ValueError) as error:
        _fail(str(error))
    except grpc.RpcError as error:
        _fail(str(error))


def _fail(message: str) -> None:
    render.err.print(f"[red]memsvc:[/] {message}", highlight=False)
    raise SystemExit(1)
