"""`memsvc migrate-embeddings` in a child of the fork server, so that it can be killed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memsvc.cli.service import migrate_embeddings
from memsvc.config import load
from memsvc.types import EmbeddingModel


def migrate(settings: Mapping[str, Any], name: str, dimension: int, api_base: str) -> None:
    """Change to the named model and remove the old one's index."""
    log = os.open(str(Path(settings["data_dir"]) / "migration.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    migrate_embeddings(load(**settings), EmbeddingModel(name, dimension, api_base), remove_old=True)
