"""Figures of a running process, for Prometheus. No label holds what users, tenants or spaces are called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

REGISTRY = CollectorRegistry()
"""What `/metrics` shows: the figures below, and the process's memory, processor time and open files."""

_LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_DURATIONS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_TOKENS = (64, 256, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536)

MODEL_WAIT = Histogram(
    "memsvc_model_wait_seconds",
    "From a request to a local model until the first of its texts is computed.",
    ("model", "urgency"),
    buckets=_LATENCIES,
    registry=REGISTRY,
)
MODEL_BATCH_TEXTS = Histogram(
    "memsvc_model_batch_texts", "Texts in a batch.", ("model",), buckets=_SIZES, registry=REGISTRY
)
MODEL_BATCH_TOKENS = Histogram(
    "memsvc_model_batch_tokens", "Tokens in a batch, padding included.", ("model",), buckets=_TOKENS, registry=REGISTRY
)
MODEL_TOKENS = Counter("memsvc_model_tokens", "Tokens computed, padding left out.", ("model",), registry=REGISTRY)
MODEL_PADDING = Counter("memsvc_model_padding_tokens", "Padding computed, in tokens.", ("model",), registry=REGISTRY)
MODEL_BUSY = Counter(
    "memsvc_model_busy_seconds",
    "Time in which a batch was being computed: its rate is the share of time that the model is in use.",
    ("model",),
    registry=REGISTRY,
)
MODEL_OUT_OF_MEMORY = Counter(
    "memsvc_model_out_of_memory", "Batches that the device's memory did not hold.", ("model",), registry=REGISTRY
)

JOBS = Counter("memsvc_jobs", "Attempts at jobs that ended, by how.", ("kind", "outcome"), registry=REGISTRY)
JOB_WAIT = Histogram(
    "memsvc_job_wait_seconds",
    "From a job's creation to its first attempt; urgent is what callers wait for, background what can wait.",
    ("kind", "urgency"),
    buckets=_DURATIONS,
    registry=REGISTRY,
)
JOB_RUN = Histogram(
    "memsvc_job_run_seconds", "Duration of an attempt at a job.", ("kind",), buckets=_DURATIONS, registry=REGISTRY
)
JOBS_IN_QUEUE = Gauge(
    "memsvc_jobs_in_queue",
    "Jobs of all spaces that wait, run, or failed for good; urgent is what callers wait for.",
    ("kind", "state", "urgency"),
    registry=REGISTRY,
)

RPC = Histogram(
    "memsvc_rpc_seconds",
    "Duration of a call, a stream's from its first to its last message.",
    ("method", "code"),
    buckets=_LATENCIES,
    registry=REGISTRY,
)

ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)


def urgency(urgent: bool) -> str:
    """The value of the label `urgency`: whether callers wait for it."""
    return "urgent" if urgent else "background"


@contextmanager
def exposed(host: str, port: int) -> Iterator[int]:
    """Answer `GET /metrics` over HTTP while the block runs; yields the port, a free one for port 0.

    Raises:
        OSError: the address cannot be bound.
    """
    server, thread = start_http_server(port, host, REGISTRY)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
