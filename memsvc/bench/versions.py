"""What a measurement ran on."""

from __future__ import annotations

import platform
from importlib.metadata import version

PACKAGES = ("memsvc", "memsvc-client", "torch", "sentence-transformers", "qdrant-edge-py", "numpy", "bm25s")


def versions() -> dict[str, str]:
    """Versions of Python and the packages that decide a figure, and the machine's architecture."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: version(name) for name in PACKAGES},
    }
