"""A server that embeds elsewhere and leaves jobs to workers: it holds no model but spaCy's, and tells its metrics."""

import asyncio
import json
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from memsvc.ports import Vectors
from memsvc.process import service
from memsvc_client import MemoryClient
from support.embeddings_server import embeddings_server


class Lengths:
    """Embeds a text as a unit vector that its length chooses."""

    model = "lengths"
    dimension = 8

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        return np.eye(8, dtype=np.float32)[[len(text) % 8 for text in texts]]

    async def close(self) -> None:
        """Nothing to close."""


async def test_a_server_with_a_remote_embedder_loads_no_torch(tmp_path: Path) -> None:
    async with embeddings_server(Lengths()) as server:
        environment = {
            "MEMSVC_EMBEDDER": "litellm:openai/lengths",
            "MEMSVC_EMBEDDER_DIMENSION": "8",
            "MEMSVC_EMBEDDER_API_BASE": server.url,
            "MEMSVC_EMBEDDER_API_KEY": "none",
            "MEMSVC_WORKER_CONCURRENCY": "0",
            "MEMSVC_METRICS_LISTEN": "127.0.0.1:0",
        }
        libraries, metrics = await asyncio.to_thread(_use, tmp_path / "data", environment)
    assert server.batch_sizes
    assert "grpc" in libraries
    assert "torch" not in libraries
    assert 'memsvc_rpc_seconds_count{code="OK",method="/memsvc.v1.MemoryService/Query"} 1.0' in metrics
    assert 'memsvc_jobs_in_queue{kind="compress",state="queued",urgency="urgent"}' in metrics


def _use(data_dir: Path, environment: dict[str, str]) -> tuple[str, str]:
    """Query the service; return the libraries that its process holds then, and its metrics."""
    with service(data_dir, environment) as process:
        with MemoryClient(process.address, api_key=process.api_key, timeout=60.0) as client:
            client.add([{"role": "user", "content": "Ann moved to Lisbon."}], user_id="ann")
            assert client.search("Where does Ann live?", user_id="ann").hits == ()
        libraries = Path(f"/proc/{process.process.pid}/maps").read_text()
        log = [json.loads(line) for line in (data_dir / "service.log").read_text().splitlines() if line.startswith("{")]
        address = next(entry["address"] for entry in log if entry["event"] == "metrics.ready")
        return libraries, urllib.request.urlopen(f"http://{address}/metrics", timeout=10).read().decode()
